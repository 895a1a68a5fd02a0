"""The scenario what-gamma-buys at small size: contract, conclusions, decisions, and a circuit without a loop."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bridge.comparison.sampling import total_variation_floor
from scenarios.what_gamma_buys import Params, run
from scenarios.what_gamma_buys.decisions import decide, read_against_time
from scenarios.what_gamma_buys.measures import spikes_for, spread_of
from scenarios.what_gamma_buys.words import in_words
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from spiking import SpikeRecord

SMALL = {
    "n_rows": 24,
    "duration_ms": 500.0,
    "n_cells": 20,
    "spreads": (1.5,),
    "sweep_rows": 12,
    "sweep_ms": 300.0,
}


def record(keys: list[int], times_ms: list[float], n_keys: int = 3) -> SpikeRecord:
    """One row with these spikes."""
    return SpikeRecord.of_spikes(
        row=np.zeros(len(keys)),
        key=np.array(keys),
        time_ms=np.array(times_ms),
        n_rows=1,
        n_keys=n_keys,
        duration_ms=100.0,
    )


@cache
def outcome() -> Outcome:
    context = RunContext(rng=np.random.default_rng(2), engine_name="brian2", progress=silent())
    return run(Params(**SMALL), context)


def test_the_loop_controls_the_gain() -> None:
    """At 24 rows the spread of totals has an error of a seventh; the loop's is a fifth of the control's."""
    metrics = outcome().metrics
    assert metrics["cv"].value < 0.25
    assert metrics["cv_matched"].value > 2.5 * metrics["cv"].value
    assert metrics["undivided_matched"].value > 1.5 * metrics["undivided"].value
    assert metrics["cv_slow"].value < metrics["cv_matched"].value


def test_rhythm_with_the_gamma_loop_alone() -> None:
    metrics = outcome().metrics
    assert metrics["rhythmic"].value >= 0.9
    assert metrics["rhythmic_matched"].value <= 0.1
    assert metrics["rhythmic_slow"].value <= 0.2


def test_controls_fire_at_the_loops_rate() -> None:
    """Matched on 200 ms within 4 and 5 %; 24 rows of CV .7 over another 500 ms may differ by a fifth."""
    metrics = outcome().metrics
    for control in ("matched", "slow"):
        assert metrics[f"rate_{control}"].value == pytest.approx(metrics["rate"].value, rel=0.2)


def test_slow_loop_is_late_at_onset() -> None:
    metrics = outcome().metrics
    assert metrics["onset_spikes_slow"].value > 3 * metrics["onset_spikes"].value


def test_verdict_follows_the_numbers() -> None:
    verdict = outcome().verdict
    assert "Gain control is what the loop buys" in verdict
    assert "steady gain control needs a loop but no gamma" in verdict
    assert "control within a cycle" in verdict
    assert all(sentence in verdict for sentence in outcome().in_short)


def test_verdict_claims_nothing_for_a_loop_that_does_no_better_than_none() -> None:
    """The metrics of the circuit without a loop, put in the place of the gamma loop's."""
    metrics = outcome().metrics
    no_better = {name: metrics[f"{name}_matched"] for name in metrics if f"{name}_matched" in metrics}
    verdict = in_words(metrics | no_better, outcome().dataset, margin=5, tv_goal=0.1)["verdict"]
    assert "have a gamma rhythm at all, so nothing below is bought by one" in verdict
    assert "Gain control by the loop is not shown" in verdict
    assert "For selection the rhythm makes no clear difference" in verdict
    assert "fewer" not in verdict
    assert "the loop is faster" not in verdict


def test_the_fewest_rows_that_are_allowed_give_numbers_and_claim_no_more() -> None:
    """4 rows: one resample in 64 holds a single row, whose ratio of spreads is 0 / 0 and is left out."""
    few = {
        "n_rows": 4,
        "n_cells": 10,
        "sweep_rows": 4,
        "duration_ms": 200.0,
        "spreads": (1.5,),
        "sweep_ms": 100.0,
    }
    context = RunContext(rng=np.random.default_rng(0), engine_name="fused", progress=silent())
    made = run(Params(**few), context)
    assert np.isfinite(made.metrics["cv_ratio"].value)
    assert np.isfinite(made.metrics["cv_ratio"].standard_error or np.nan)


def test_every_picture_draws_and_a_run_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.what_gamma_buys.run", lambda params, ctx: outcome())
    stored = run_scenario("what-gamma-buys", Params(**SMALL), out=tmp_path / "run")
    assert {path.stem for path in stored.folder.glob("*.png")} == set(outcome().pictures)
    assert stored.headline == outcome().headline
    assert list(stored.dataset().circuit.values) == ["loop", "matched", "slow"]


def test_a_decision_falls_at_the_first_lead_of_the_margin() -> None:
    spikes = record([0, 1, 1, 2, 1, 1], [1, 2, 3, 4, 5, 6])
    decisions = decide(spikes, 2)
    assert (decisions.time_ms[0], decisions.key[0], decisions.n_spikes[0]) == (5, 1, 5)
    undecided = decide(spikes, 4)
    assert not undecided.decided[0]
    assert undecided.key[0] == -1
    assert np.isinf(undecided.n_spikes[0])
    assert decide(record([0, 0], [1, 2], n_keys=1), 2).time_ms[0] == 2


def test_reading_against_time_by_hand() -> None:
    target = np.array([[0.5, 0.5, 0.0]])
    reading = read_against_time(record([0, 1, 0], [1, 3, 5]), target, np.array([0.5, 2.0, 4.0, 6.0]))
    np.testing.assert_allclose(reading.error[:, 0], [1, 0.5, 0, 1 / 6])  # 1 before the first spike
    assert reading.right[:, 0].tolist() == [False, True, False, True]  # a tie is not a lead
    assert reading.n_spikes[:, 0].tolist() == [0, 1, 2, 3]


def test_spikes_for_a_goal_invert_the_floor() -> None:
    """On the floor of a multinomial, the spikes for the floor at N = 64 are 64."""
    target = np.full((1, 4), 0.25)
    n = np.array([8, 16, 32, 48, 96, 200])
    error = np.array([total_variation_floor(target, np.array([k])).mean() for k in n])
    goal = float(total_variation_floor(target, np.array([64])).mean())
    assert spikes_for(goal, n.astype(float), error) == pytest.approx(64, rel=0.02)
    assert np.isnan(spikes_for(1e-6, n.astype(float), error))


def test_spread_is_the_coefficient_of_variation() -> None:
    """Poisson counts of mean 400: 1 / 20; its own relative error is 1 / sqrt(2 * 2000)."""
    totals = np.random.default_rng(0).poisson(400, 2000)
    assert spread_of(totals) == pytest.approx(0.05, rel=0.06)
    assert np.isnan(spread_of(np.zeros(5)))
