"""The scenario gamma-selects at small size: its contract, its conclusions, and a circuit without a loop."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from scenarios.gamma_selects import QUESTION, Params, run
from scenarios.gamma_selects.measures import LABELS, Study, in_words
from scenarios.gamma_selects.watched import watch
from scenarios.workbench.competition import Competition
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import Progress
from scenarios.workbench.statistics import Estimate, bootstrap, fraction, mean
from spiking import GammaCircuit, GammaParams, Selection, SpikeRecord, cut_loop

SMALL = {"n_rows": 16, "duration_ms": 500.0, "n_cells": 20, "tau_gaba_ms": (5.0, 12.0), "tau_rows": 12}


@cache
def outcome() -> Outcome:
    seen: list[float] = []
    context = RunContext(
        rng=np.random.default_rng(1),
        engine_name="brian2",
        progress=Progress(lambda fraction, label: seen.append(fraction)),
    )
    result = run(Params(**SMALL), context)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)
    return result


def test_the_loop_makes_a_rhythm_and_nothing_else_does() -> None:
    """All 16 rows within the Jeffreys error, and of the rows without the loop at most the odd false alarm."""
    metrics = outcome().metrics
    assert metrics["rhythmic"].value >= 0.9
    assert metrics["rhythmic"].control is not None
    assert metrics["rhythmic"].control <= 0.15
    assert metrics["rhythmic_matched"].value <= 0.15
    assert 30 < metrics["f_gamma"].value < 55
    assert metrics["ppc"].value > 2 * (metrics["ppc"].control or 0)


def test_slower_inhibition_slows_the_peak() -> None:
    slope = outcome().metrics["tau_slope"]
    assert slope.standard_error is not None
    assert slope.value < -3 * slope.standard_error


def test_readouts_lie_at_their_sampling_floor_and_the_cut_does_not() -> None:
    """Within four standard errors of the floor, and .02 for what 20 cells a key lose to resets."""
    metrics = outcome().metrics
    for name in ("spike_share", "first_spike", "phase_locked_share"):
        tv = metrics[f"tv_{name}"]
        assert tv.floor is not None
        assert tv.standard_error is not None
        assert abs(tv.value - tv.floor) < 4 * tv.standard_error + 0.02
    assert metrics["tv_cut"].value > 3 * metrics["tv_spike_share"].value


def test_verdict_follows_the_numbers() -> None:
    verdict = outcome().verdict
    assert verdict.startswith("The loop makes a gamma rhythm")
    assert "not clearly apart from that of the rate-matched control" in verdict
    assert "The peak falls" in verdict
    assert len(outcome().in_short) == 3


def test_verdict_of_a_circuit_without_a_loop_claims_no_rhythm() -> None:
    circuit = cut_loop(GammaCircuit(GammaParams(n_cells=5)))
    scores = np.tile(np.linspace(0.0, 3.0, 4), (4, 1))
    selection = circuit.attend(scores, duration_ms=150, rng=np.random.default_rng(0))
    competition = Competition(selection=selection, scores=scores, reference_Hz=40.0)
    study = Study(
        circuits=dict.fromkeys(LABELS, competition),
        mismatch=0.0,
        tau_gaba_ms=(5.0, 12.0),
        f_gamma_Hz=np.full((2, 4), np.nan),
        slope_Hz_per_ms=Estimate(value=np.nan, error=np.nan),
    )
    said = in_words(study)
    in_short, verdict = said["in_short"], said["verdict"]
    assert verdict.startswith("This circuit has no reliable gamma rhythm")
    assert "does not move measurably" in verdict
    assert in_short[0] in verdict


def test_a_row_seen_from_inside_has_the_voltages_of_both_kinds_of_cells() -> None:
    """I cells charge with the loop and lie at rest without it; an E cell falls by the reset, 1, at a spike."""
    circuit, scores = GammaCircuit(GammaParams(n_cells=10)), np.tile(np.linspace(0.0, 3.0, 4), (2, 1))
    context = RunContext(
        rng=np.random.default_rng(0), engine_name="fused", progress=Progress(lambda *_: None)
    )
    selection = circuit.attend(scores, duration_ms=200, rng=context.rng)
    like = Competition(selection=selection, scores=scores, reference_Hz=40.0)
    loop, cut = (watch(c, like, 1, context, 200.0, 0.5) for c in (circuit, cut_loop(circuit)))
    assert loop.exc_v.shape == loop.inh_v.shape == (200,)
    assert loop.inh_v.max() > 0.1
    assert cut.inh_v.max() < 1e-6
    assert np.diff(cut.exc_v).min() < -0.5


def test_every_picture_draws_and_a_run_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.gamma_selects.run", lambda params, ctx: outcome())
    stored = run_scenario("gamma-selects", Params(**SMALL), out=tmp_path / "run")
    assert {path.stem for path in stored.folder.glob("*.png")} == set(outcome().pictures)
    assert stored.metrics["f_gamma"].value == outcome().metrics["f_gamma"].value
    assert stored.dataset().counts_loop.sum() == outcome().dataset.counts_loop.sum()
    assert QUESTION in stored.report.read_text()


def test_relative_spectrum_of_a_poisson_process_is_flat_at_one() -> None:
    """200 rows of 3 Hann segments: relative error of the mean of a bin about sqrt(2 / (200 * 5.4)) = 4 %."""
    rng, duration_ms, n_rows = np.random.default_rng(0), 1000.0, 200
    n = rng.poisson(400, n_rows)
    row, time_ms = np.repeat(np.arange(n_rows), n), rng.uniform(0, duration_ms, n.sum())
    spikes = SpikeRecord.of_spikes(row=row, time_ms=time_ms, n_rows=n_rows, duration_ms=duration_ms)
    selection = Selection(
        counts=n[:, None],
        mask=np.ones((n_rows, 1), dtype=bool),
        f_gamma_Hz=np.full(n_rows, np.nan),
        n_cycles=np.zeros(n_rows, dtype=int),
        spikes=spikes,
        field=np.zeros((n_rows, 1000), dtype=np.float32),
        n_cells={},
        field_dt_ms=1.0,
        duration_ms=duration_ms,
        row_ms=np.full(n_rows, duration_ms),
        unfinished=np.zeros(n_rows, dtype=bool),
    )
    competition = Competition(selection=selection, scores=np.zeros((n_rows, 1)), reference_Hz=40.0)
    frequency_Hz, power = competition.relative_spectrum()
    inner = power.mean(axis=0)[(frequency_Hz > 4) & (frequency_Hz < 450)]
    assert inner.mean() == pytest.approx(1, abs=0.02)
    assert np.abs(inner - 1).max() < 0.2


def test_estimates_agree_with_textbook_errors() -> None:
    """The bootstrap of a mean has the error sd / sqrt(n); its own error is 4 % at 300 resamples."""
    values = np.random.default_rng(0).normal(3, 2, 400)
    plain = mean(values)
    again = bootstrap(lambda rows: float(values[rows].mean()), 400, np.random.default_rng(1))
    assert again.value == pytest.approx(plain.value)
    assert again.error == pytest.approx(plain.error, rel=0.16)
    assert np.isnan(mean(np.full(3, np.nan)).value)
    assert fraction(np.ones(50, dtype=bool)).error > 0
    assert fraction(np.arange(400) < 200).error == pytest.approx(np.sqrt(0.25 / 400), rel=0.01)
