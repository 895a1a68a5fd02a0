"""The scenario regular-or-random at small size: contract, yardsticks, and that its sentences follow the numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scenarios.regular_or_random import Params, run
from scenarios.regular_or_random.measures import rounding_error
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    n_rows=150, budgets=(16,), keys=(64,), spreads=(1.0,), shapes=(4,), cells=(4,), unequal=(0.3,),
    jitters=(1.0,), beat_rows=24, beat_ms=600.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_regular_cells_come_near_the_least_error_and_random_ones_to_sampling(outcome: Outcome) -> None:
    """At 64 spikes over 16 keys: within 30 % of systematic sampling, random cells within .2 of 1 (4 errors)."""
    error = outcome.metrics["error"]
    assert error.floor is not None
    assert error.control is not None
    assert error.floor < error.value < 1.3 * error.floor
    assert error.control == pytest.approx(1, abs=0.2)
    assert outcome.metrics["worth"].value == pytest.approx(64 / error.value)
    assert outcome.metrics["beta"].value == pytest.approx(1, abs=0.02)


def test_what_disturbs_the_turns_costs_accuracy(outcome: Outcome) -> None:
    base = outcome.metrics["error"].value
    for name in ("error_own", "error_shape_4", "error_rate_spread_0.3", "error_jitter_1"):
        assert outcome.metrics[name].value > 1.5 * base
    assert "fragile" in outcome.in_short[2]


def test_the_loops_rhythm_is_shared_and_a_keys_own_is_not(outcome: Outcome) -> None:
    """24 rows of .6 s: nine in ten with the loop, at most two by chance without it."""
    metrics = outcome.metrics
    assert metrics["shared"].value > 0.9
    assert metrics["shared_matched"].value < 0.1
    assert metrics["shared_cut"].value < 0.1
    assert 35 < metrics["f_shared"].value < 50
    assert "share a rhythm of" in outcome.in_short[1]


def test_the_loop_holds_totals_of_regular_cells_too(outcome: Outcome) -> None:
    assert outcome.metrics["cv"].value < 0.5 * outcome.metrics["cv_matched"].value


def test_the_least_error_is_that_of_systematic_sampling() -> None:
    """Its mean squared error over 4000 draws, within 3 %: each count is N p rounded up or down."""
    rng = np.random.default_rng(0)
    weights, n = rng.dirichlet(np.ones(6)), 20
    up_to = n * np.concatenate([[0.0], np.cumsum(weights)])
    counts = np.diff(np.floor(up_to + rng.random((4000, 1))), axis=1)
    assert (counts.sum(axis=1) == n).all()
    expected = rounding_error(weights[None], np.array([n]))[0]
    assert ((counts / n - weights) ** 2).sum(axis=1).mean() == pytest.approx(expected, rel=0.03)


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"turns", "error", "rhythm"}
