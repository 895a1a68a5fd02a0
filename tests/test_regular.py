"""Regular cells: the softmax without calibration, with a fraction of the error of independent samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from bridge import fit_softmax
from bridge.bill.operations import circuit_operations
from bridge.heads.named import circuit_named
from spiking import (
    Brian2,
    Fused,
    GammaCircuit,
    GammaParams,
    RegularCell,
    Selection,
    Streams,
    TwoPools,
    VectorCircuit,
)


def attend(cell: RegularCell, scores: np.ndarray, spikes: int, **options: Any) -> Selection:
    circuit = GammaCircuit(GammaParams.regular_brief(cell=cell))
    asked: dict[str, Any] = {"rng": Streams(3), "duration_ms": 20_000, "record": "counts", **options}
    return circuit.attend(scores, spikes=spikes, **asked)


def error_over_multinomial(selection: Selection, scores: np.ndarray) -> float:
    """Squared error of the shares over that of as many independent samples of the softmax."""
    weights = softmax(scores, axis=1)
    error = ((selection.weights - weights) ** 2).sum(axis=1)
    return float(error.mean() / ((weights * (1 - weights)).sum(axis=1) / selection.counts.sum(axis=1)).mean())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("n_keys", [2, 8, 32, 64])
def test_temperature_is_the_one_asked_for_without_calibration(n_keys: int, temperature: float) -> None:
    """beta x temperature within 1 % of 1 at 64 spikes; its error, by the counts' dispersion, below .25 %."""
    n_rows = 4000 if n_keys == 2 else 1500
    scores = np.random.default_rng(n_keys).normal(0, 1.5, (n_rows, n_keys))
    circuit = GammaCircuit(GammaParams.regular_brief(temperature=temperature))
    counts = circuit.attend(scores, rng=Streams(1), spikes=64, duration_ms=20_000, record="counts").counts
    fitted = fit_softmax(counts, scores / temperature)
    assert fitted.beta_se_quasi < 0.0025
    assert fitted.beta == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("n_keys", "spikes", "below"), [(16, 16, 0.24), (16, 64, 0.075), (64, 16, 0.5), (64, 64, 0.2)]
)
def test_spikes_are_worth_more_than_samples(n_keys: int, spikes: int, below: float) -> None:
    """Measured on 1500 rows: .19, .059, .43 and .17, each with a standard error below .01."""
    scores = np.random.default_rng(0).normal(0, 1.5, (1000, n_keys))
    assert error_over_multinomial(attend(RegularCell(), scores, spikes), scores) < below


def test_the_shape_leads_from_random_to_regular() -> None:
    """k = 1 is as good as independent samples, and more regular cells are better: 400 rows, errors below .03."""
    scores = np.random.default_rng(0).normal(0, 1.5, (400, 16))
    ratios = [
        error_over_multinomial(attend(RegularCell(shape=k, phases="own"), scores, 64), scores)
        for k in (1, 4, math.inf)
    ]
    assert ratios[0] == pytest.approx(1, abs=0.1)
    assert ratios == sorted(ratios, reverse=True)


@pytest.mark.parametrize("shape", [1, 4, 16])
def test_finite_shapes_begin_in_equilibrium(shape: int) -> None:
    """The first spikes follow the softmax too: beta within 3 % at 8 spikes (error .6 %).

    A threshold drawn as any other, with h = 0, takes beta to .8 at 8 spikes for k = 16.
    """
    scores = np.random.default_rng(0).normal(0, 1.5, (3000, 8))
    fitted = fit_softmax(attend(RegularCell(shape=shape), scores, 8).counts, scores)
    assert fitted.beta == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("engine", [Fused(), Brian2()], ids=["fused", "brian2"])
@pytest.mark.filterwarnings("ignore:no C\\+\\+ compiler")
def test_intervals_are_as_variable_as_the_shape_says(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells under constant input without a loop: CV of intervals 1/sqrt(k), here .5, within 4 errors."""
    monkeypatch.setattr("spiking.engines.brian2.codegen_target", lambda: "numpy")
    cell = RegularCell(shape=4, drive=7.0, v_start=7.0)  # 50 Hz
    circuit = GammaCircuit(GammaParams.regular(cell=cell, w_ei=0.0, settle_ms=0.0))
    spikes = circuit.attend(
        np.zeros((1, 10)), rng=np.random.default_rng(1), duration_ms=1500, engine=engine
    ).spikes
    number = spikes.key * 10 + spikes.cell
    intervals = np.concatenate([np.diff(spikes.time_ms[number == n]) for n in range(100)])
    assert len(intervals) > 5000
    assert intervals.mean() == pytest.approx(math.e**3, rel=0.03)
    assert intervals.std() / intervals.mean() == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(len(intervals)))


def test_a_keys_cells_take_turns() -> None:
    """Evenly spread cells fire one after another: over any turn each of the 10 once."""
    spikes = attend(RegularCell(), np.zeros((1, 4)), 200, record="spikes").spikes
    for key in range(4):
        cells = spikes.cell[spikes.key == key]
        assert len(cells) > 30
        assert all(len(set(cells[n : n + 8])) == 8 for n in range(len(cells) - 8))


@pytest.mark.parametrize("cost", [{"jitter": 1.0}, {"rate_spread": 0.3}, {"shape": 16}])
def test_turns_that_are_disturbed_cost_accuracy(cost: dict[str, float]) -> None:
    """At 64 spikes over 16 keys the error at least doubles, but stays below that of independent samples."""
    scores = np.random.default_rng(0).normal(0, 1.5, (400, 16))
    regular, disturbed = (
        error_over_multinomial(attend(RegularCell(**change), scores, 64), scores) for change in ({}, cost)
    )
    assert 2 * regular < disturbed < 0.9


def test_jitter_counts_in_spacings_of_a_keys_cells() -> None:
    """A tenth of a spacing costs little; a tenth of a cycle, one spacing of 10 cells, four times the error."""
    scores = np.random.default_rng(0).normal(0, 1.5, (400, 16))
    regular, shaken = (
        error_over_multinomial(attend(RegularCell(jitter=jitter), scores, 64), scores)
        for jitter in (0.0, 0.1)
    )
    assert shaken < 1.4 * regular


def test_unequal_rates_have_a_mean_of_one() -> None:
    """3600 cells at a constant exp(-1) per ms and no loop: within 4 errors of .5 %; exp(.3**2 / 2) is 9 of them."""
    cell = RegularCell(rate_spread=0.3, drive=9.0, v_start=9.0)
    circuit = GammaCircuit(GammaParams.regular_brief(cell=cell, w_ei=0.0))
    run = circuit.attend(np.zeros((20, 18)), rng=Streams(3), duration_ms=200, record="counts")
    assert run.counts.mean() == pytest.approx(10 * 200 / math.e, rel=4 * 0.3 / math.sqrt(3600))


@pytest.mark.parametrize("phases", ["even", "own", "row"])
def test_phases_are_spread_over_the_whole_cycle(phases: str) -> None:
    """The first spike of two equal keys falls to either, with one half each within 4 standard errors."""
    first = attend(RegularCell(phases=phases), np.zeros((2000, 2)), 1)
    assert first.weights.mean(axis=0)[0] == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(2000))


def test_the_whole_head_and_two_pools_take_regular_cells() -> None:
    """Vectors in: a fifth of the escape-rate cells' error at most, on 20 queries (measured: a fifteenth)."""
    rng = np.random.default_rng(0)
    query, key, value = (rng.normal(size=shape) for shape in ((20, 16), (8, 16), (8, 4)))
    errors = []
    for params in (GammaParams.regular(), GammaParams(n_cells=10)):
        head = VectorCircuit(params).attend(query, key, value, duration_ms=1000, rng=np.random.default_rng(1))
        errors.append(((head.selection.weights - softmax(query @ key.T / 4, axis=1)) ** 2).sum(axis=1).mean())
    assert errors[0] < 0.2 * errors[1]
    pools = TwoPools(n_cells=5, cell=RegularCell(drive=14.5))
    assert error_over_multinomial(pools.attend(query[:, :8], spikes=64, rng=rng), query[:, :8]) < 0.2


@pytest.mark.parametrize("name", ["regular", "regular-brief"])
@pytest.mark.filterwarnings("error:these GammaParams")
def test_the_sets_have_names_and_need_no_calibration(name: str) -> None:
    circuit = circuit_named(name, temperature=2.0, n_cells=5)
    selection = circuit.attend(np.array([[1.0, 0.0]]), rng=np.random.default_rng(0), spikes=32)
    assert selection.counts.sum() >= 32


def test_the_bill_counts_a_keys_phase_once() -> None:
    """Ten cells share a draw, and no spike takes another."""
    operations = circuit_operations(GammaCircuit(GammaParams.regular()))
    assert operations.begin["exc"].random_draws == pytest.approx(0.1)
    assert operations.reset["exc"].random_draws == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"shape": 2.5},
            r"RegularCell\.shape must be a whole number from 1 to 100 or inf, got 2\.5; use 1 for",
        ),
        ({"shape": 0}, r"RegularCell\.shape must be .*, got 0;"),
        ({"shape": "k"}, r"RegularCell\.shape must be .*, got 'k';"),
        ({"jitter": -1.0}, r"RegularCell\.jitter must lie in \[0, 10\], got -1\.0"),
        ({"rate_spread": 3.0}, r"RegularCell\.rate_spread must lie in \[0, 2\], got 3\.0"),
        ({"phases": "evn"}, r"RegularCell\.phases must be one of even, own, row; got 'evn'\. Did you mean"),
        ({"v_start": math.nan}, r"RegularCell\.v_start must lie in \[-1000, 1000\], got nan"),
        ({"tau_ms": 0.0}, r"RegularCell\.tau_ms must be > 0, got 0\.0"),
    ],
)
def test_cells_that_cannot_be_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RegularCell(**change)


def test_a_brief_row_is_one_volley_of_a_circuit_at_40_hz() -> None:
    """64 spikes over 14 keys take some 10 ms, and I cells answer; left to run, the loop keeps its rhythm."""
    circuit = GammaCircuit(GammaParams.regular_brief())
    scores = np.random.default_rng(0).normal(0, 1.5, (200, 14))
    brief = circuit.attend(scores, spikes=64, rng=np.random.default_rng(1), record="counts")
    assert 8 < brief.row_ms.mean() < 14
    assert 64 <= brief.n_spikes.mean() < 68
    assert brief.other_counts["inh"].mean() > circuit.params.n_inh
    long = circuit.attend(scores[:20], duration_ms=500, rng=np.random.default_rng(2))
    assert np.isfinite(long.f_gamma_Hz).all()
    assert 38 < np.median(long.f_gamma_Hz) < 44
