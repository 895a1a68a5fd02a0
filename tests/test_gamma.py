"""The gamma circuit: it selects, oscillates, is reproducible, and keeps its rows apart."""

from __future__ import annotations

from dataclasses import replace

import brian2 as b2
import numpy as np
import pytest
from scipy import stats

from spiking import (
    Brian2,
    DiffusiveLIF,
    Engine,
    EscapeRate,
    Fused,
    GammaCircuit,
    GammaParams,
    Network,
    Selection,
    cut_loop,
    gamma_off,
    simulate_circuit,
)
from spiking.circuits.gamma import gamma_row

CIRCUIT = GammaCircuit(GammaParams(n_cells=40))


def softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1.5, (48, 8))


@pytest.fixture(scope="module")
def selection(scores: np.ndarray) -> Selection:
    return CIRCUIT.attend(scores, duration_ms=1000, rng=np.random.default_rng(2))


def test_shapes_and_sums(selection: Selection) -> None:
    assert selection.counts.shape == selection.weights.shape == (48, 8)
    assert selection.field.shape == (48, 1000)
    np.testing.assert_allclose(selection.weights.sum(axis=1), 1)
    np.testing.assert_array_equal(selection.counts, selection.spikes.counts())
    assert selection.spikes.time_ms.min() >= 0
    assert selection.spikes.time_ms.max() < 1000
    assert selection.spikes.cell.max() < 40


def test_spike_share_is_a_softmax_up_to_sampling(scores: np.ndarray, selection: Selection) -> None:
    """Pearson's chi-square over cells expected to hold 5 spikes, per degree of freedom, is about 1.

    Resets make the cells a little more regular than Poisson, so it may fall below; 1.25 is six standard
    errors above 1 at these 48 rows (about 240 degrees of freedom, sd sqrt(2/240) = .09, plus a bias of
    some per cent of the weights that the calibration leaves).
    """
    expected = softmax(scores) * selection.counts.sum(axis=1, keepdims=True)
    enough = expected >= 5
    chi2 = ((selection.counts - expected)[enough] ** 2 / expected[enough]).sum()
    assert 0.5 < chi2 / (enough.sum() - 48) < 1.25


def test_gamma_rhythm_and_its_absence_without_the_loop(scores: np.ndarray, selection: Selection) -> None:
    """A peak in 30-80 Hz in at least 95 % of rows; in fewer than 5 % once E to I is cut."""
    assert np.isfinite(selection.f_gamma_Hz).mean() >= 0.95
    in_band = selection.f_gamma_Hz[np.isfinite(selection.f_gamma_Hz)]
    assert ((in_band >= 30) & (in_band <= 80)).all()
    assert selection.n_cycles.mean() == pytest.approx(selection.f_gamma_Hz.mean(), rel=0.05)  # in one second
    off = gamma_off(CIRCUIT, scores, duration_ms=300, rng=np.random.default_rng(3))
    assert abs(off.mismatch) < 0.03
    without = off.circuit.attend(scores, duration_ms=1000, rng=np.random.default_rng(4))
    assert np.isfinite(without.f_gamma_Hz).mean() < 0.05
    assert (without.n_cycles[~np.isfinite(without.f_gamma_Hz)] == 0).all()
    assert without.other_counts["inh"].sum() == 0


def test_cutting_the_loop_changes_nothing_else() -> None:
    cut = cut_loop(CIRCUIT)
    assert replace(cut.params, w_ei=CIRCUIT.params.w_ei, gain=None) == CIRCUIT.params


def test_gain_control_without_feedforward_inhibition(scores: np.ndarray) -> None:
    """The loop alone holds the total: spread over rows at most .2, and at least 3 times that without it."""
    circuit = GammaCircuit(GammaParams(feedforward="none"))
    rng = np.random.default_rng(5)
    total = circuit.attend(scores, duration_ms=600, rng=rng).counts.sum(axis=1)
    off = gamma_off(circuit, scores, duration_ms=300, rng=rng).circuit
    total_off = off.attend(scores, duration_ms=600, rng=rng).counts.sum(axis=1)
    spread, spread_off = total.std() / total.mean(), total_off.std() / total_off.mean()
    assert spread <= 0.2
    assert spread_off >= 3 * spread


@pytest.mark.parametrize("engine", [Fused("float64"), Brian2()], ids=["fused", "brian2"])
def test_equal_rise_and_decay_make_an_alpha_function(engine: Engine) -> None:
    """t exp(-t / tau), to the millionth by which the rise is moved; both times equal divided by zero."""
    params = GammaParams(tau_rise_ms=2.0, tau_ampa_ms=2.0)

    def build(rng: np.random.Generator) -> Network:
        row = gamma_row(params, 2)["row"]
        row.exc_in = 1
        return Network([row], params.namespace())

    made = simulate_circuit(
        build, duration_ms=20, rng=np.random.default_rng(0), sample=["row.exc"], engine=engine
    )
    time_ms = np.arange(20.0)
    expected = time_ms / 2 * np.exp(-time_ms / 2)
    np.testing.assert_allclose(made.samples["row.exc"][0, 0], expected, atol=3e-6)


def test_slower_inhibition_slows_the_rhythm(scores: np.ndarray, selection: Selection) -> None:
    slower = GammaCircuit(GammaParams(tau_gaba_ms=12.0, gain=1.0))
    f = slower.attend(scores[:16], duration_ms=1000, rng=np.random.default_rng(6)).f_gamma_Hz
    gap = np.nanmean(selection.f_gamma_Hz) - np.nanmean(f)
    error = np.sqrt(np.nanvar(selection.f_gamma_Hz) / 48 + np.nanvar(f) / 16)
    assert gap > 5 * error


def test_same_seed_same_spikes_and_another_seed_others(scores: np.ndarray) -> None:
    runs = [
        CIRCUIT.attend(scores[:3], duration_ms=200, rng=np.random.default_rng(seed)).spikes
        for seed in (7, 7, 8)
    ]
    for name in ("row", "key", "cell", "time_ms"):
        np.testing.assert_array_equal(getattr(runs[0], name), getattr(runs[1], name))
    assert len(runs[0]) != len(runs[2]) or (runs[0].time_ms != runs[2].time_ms).any()


def test_the_callers_global_random_state_is_left_alone(scores: np.ndarray) -> None:
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # type: ignore[index,union-attr]  # noqa: NPY002
    CIRCUIT.attend(scores[:2], duration_ms=100, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # type: ignore[index]  # noqa: NPY002


def test_permuting_rows_permutes_results_statistically(scores: np.ndarray, selection: Selection) -> None:
    """Rows in reverse order give, row by row, counts homogeneous with the first run's.

    A 2 x 8 chi-square of homogeneity per row (keys with few spikes merged into the expected >= 5 cells);
    48 independent p values are uniform or conservative, so the smallest stays above .001/48 * 10.
    """
    order = np.arange(48)[::-1]
    permuted = CIRCUIT.attend(scores[order], duration_ms=1000, rng=np.random.default_rng(9))
    smallest = min(
        stats.chi2_contingency(np.stack([a, b])[:, (a + b) >= 10], correction=False).pvalue
        for a, b in zip(selection.counts, permuted.counts[order], strict=True)
        if ((a + b) >= 10).sum() > 1
    )
    assert smallest > 2e-4
    wrong = stats.chi2_contingency(np.stack([selection.counts[0], permuted.counts[0]]) + 1).pvalue
    assert wrong < 1e-6  # and the test sees two rows that differ


def test_masked_keys_take_no_part() -> None:
    scores = np.array([[0.0, 1.0, np.inf], [np.nan, 0.5, 0.0], [1.0, -np.inf, -np.inf]])
    mask = np.array([[True, True, False], [False, True, True], [True, False, False]])
    selection = CIRCUIT.attend(scores, duration_ms=400, rng=np.random.default_rng(0), mask=mask)
    assert (selection.counts[~mask] == 0).all()
    assert (selection.weights[~mask] == 0).all()
    assert selection.weights[2, 0] == 1
    assert not selection.silent.any()


def test_masking_a_key_is_as_if_it_were_not_there(scores: np.ndarray) -> None:
    """Same populations, same seed: the same spikes, not only the same law."""
    alone = CIRCUIT.attend(scores[:4, :5], duration_ms=200, rng=np.random.default_rng(1))
    mask = np.zeros((4, 8), dtype=bool)
    mask[:, :5] = True
    masked = CIRCUIT.attend(scores[:4], duration_ms=200, rng=np.random.default_rng(1), mask=mask)
    np.testing.assert_array_equal(alone.counts, masked.counts[:, :5])
    np.testing.assert_array_equal(alone.spikes.time_ms, masked.spikes.time_ms)


@pytest.mark.parametrize("feedforward", ["max", "mean"])
def test_a_common_offset_changes_nothing(feedforward: str) -> None:
    """Offsets that floating point carries exactly: the very same spikes."""
    circuit = GammaCircuit(GammaParams(feedforward=feedforward, gain=1.0))
    scores = np.array([[1.0, 0.0, -1.0, 0.5], [0.25, 0.75, 2.0, -3.0]])
    a = circuit.attend(scores, duration_ms=200, rng=np.random.default_rng(0))
    b = circuit.attend(scores + 64.0, duration_ms=200, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(a.spikes.time_ms, b.spikes.time_ms)


def test_a_silent_row_is_flagged_not_an_error() -> None:
    circuit = GammaCircuit(GammaParams(cell=EscapeRate(drive=-40.0), gain=1.0))
    selection = circuit.attend(np.zeros((2, 3)), duration_ms=100, rng=np.random.default_rng(0))
    assert selection.silent.all()
    assert (selection.weights == 0).all()
    assert np.isnan(selection.f_gamma_Hz).all()
    assert (selection.n_cycles == 0).all()


def test_diffusive_cells_select_and_oscillate_too() -> None:
    """In 92 % of rows the highest score gets most spikes (400 rows); .8 is 6 errors of 200 rows away."""
    scores = np.random.default_rng(0).normal(0, 1.5, (200, 8))
    circuit = GammaCircuit(GammaParams(cell=DiffusiveLIF(), n_cells=20))
    selection = circuit.attend(scores, duration_ms=1000, rng=np.random.default_rng(0))
    assert np.isfinite(selection.f_gamma_Hz).mean() >= 0.9
    assert (selection.counts.argmax(axis=1) == scores.argmax(axis=1)).mean() >= 0.8


def test_progress_runs_to_one(scores: np.ndarray) -> None:
    seen: list[float] = []
    CIRCUIT.attend(scores[:2], duration_ms=100, rng=np.random.default_rng(0), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)


def test_the_pool_of_i_cells_is_what_its_parameters_say() -> None:
    """Thresholds lie evenly about 1, and a spike of every I cell takes `inhibition` off an E cell's input."""
    params = GammaParams(n_inh=5, inh_spread=0.2, inhibition=12.0)
    pool = gamma_row(params, 2)["inh"]
    np.testing.assert_allclose(pool.v_th[:], [0.8, 0.9, 1.0, 1.1, 1.2])
    assert params.namespace()["w_ie"] * len(pool) == pytest.approx(12.0)


def test_noise_moves_a_free_membrane_by_sigma() -> None:
    """2000 cells that never fire, ten time constants on: the sample's spread is sigma to 1.6 %, 4 are allowed."""
    cell = DiffusiveLIF(drive=0.0, theta=100.0)

    def build(rng: np.random.Generator) -> Network:
        cells = b2.NeuronGroup(
            2000,
            cell.equations + "inh : 1\nu : 1 (constant)",
            threshold=cell.threshold,
            reset=cell.reset,
            method=cell.method,
            dt=0.1 * b2.ms,
            name="E",
        )
        return Network([cells], cell.namespace())

    ran = simulate_circuit(
        build, duration_ms=102, rng=np.random.default_rng(0), sample=["E.v"], sample_ms=100.0, engine=Fused()
    )
    free = np.asarray(ran.samples["E.v"])[..., -1].ravel()
    assert len(free) == 2000
    assert free.std() == pytest.approx(cell.sigma, rel=4 / np.sqrt(2 * 2000))
