"""self-modifying-attention, small: the threshold beta = n, amplitudes, noise below it, and the loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scenarios.self_modifying_attention import Params, run
from scenarios.self_modifying_attention.cycles import LIMIT, exact_spreads, follow, noise_spread
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    sizes=(8,), ratios=(0.5, 1.2, 2.0), spikes=(16, 64), machines=16, steps=42, exact_steps=400, loop_steps=9
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_softmax_wakes_at_beta_n_and_keeps_what_runs_below(outcome: Outcome) -> None:
    """Bisection at 6000 steps has .9152 and .5325 for the lower ends, the grid a step of .01."""
    assert outcome.metrics["threshold"].value == pytest.approx(1, abs=0.021)
    assert outcome.metrics["threshold_8"].value == pytest.approx(1, abs=0.021)
    assert outcome.metrics["kept_3"].value == pytest.approx(0.92, abs=0.011)
    assert outcome.metrics["kept_8"].value == pytest.approx(0.54, abs=0.011)


@pytest.mark.parametrize(
    ("n", "ratio", "named", "near"),
    [
        (3, 0.8, 0.0, 0.0),
        (3, 0.95, 0.609, 0.0),
        (3, 1.05, 0.781, 0.781),
        (3, 2.0, 0.992, 0.992),
        (8, 0.8, 0.986, 0.0),
    ],
)
def test_amplitudes(n: int, ratio: float, named: float, near: float) -> None:
    """A separate prototype in NumPy; its digits."""
    spreads = exact_spreads(n, np.array([ratio]), 2000)[:, 0]
    np.testing.assert_allclose(spreads, [named, near], atol=6e-4)


def test_samples_follow_the_noise_law_and_regular_cells_are_below(outcome: Outcome) -> None:
    """Linear noise holds within 10 % at 64 samples; error of the mean 1.5 %."""
    law = noise_spread(0.5, 3, 64)
    assert outcome.metrics["noise_64_sampled"].value == pytest.approx(law, rel=0.1)
    assert outcome.metrics["noise_64_regular"].value < 0.2 * law
    assert np.isnan(noise_spread(1.0, 3, 64))


def test_spikes_run_the_program_above_threshold(outcome: Outcome) -> None:
    assert outcome.metrics["right_2_64_circuit"].value == 1
    assert outcome.metrics["right_2_64_regular"].value == 1
    assert float(outcome.dataset.right.sel(ratio=0.5, spikes=64, source="random cells")) < 0.7


def test_division_by_the_total_is_what_the_loop_does(outcome: Outcome) -> None:
    right = outcome.metrics["loop_right"]
    assert right.value > 0.8
    assert right.control is not None
    assert right.control < 0.5
    gain = outcome.metrics["gain"]
    assert gain.control is not None
    assert 2 * gain.control < gain.value < 1.2
    assert outcome.metrics["drift"].value < 1e-9


def test_x_is_w_y(outcome: Outcome) -> None:
    assert outcome.metrics["forms"].value < 1e-12


def test_rows_that_run_away_are_stopped_and_the_others_go_on() -> None:
    rows = follow(torch.tensor([[1.0, 0.0], [0.0, 0.0]]), 6, lambda row: row * 2 + 0.125)
    assert rows[-1, 0, 0] == rows[-2, 0, 0] > LIMIT
    assert rows[-1, 1, 0] > rows[-2, 1, 0]


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"lives", "phases", "noise"}


def test_temperatures_are_ordered() -> None:
    with pytest.raises(UsageError, match="ratios must be ordered without repeats"):
        replace(SMALL, ratios=(1.2, 0.5))
