"""circuit-knobs, small: each knob turns its own parameter, the loop holds the spikes, words follow numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from scenarios.circuit_knobs import Params, run
from scenarios.circuit_knobs import report as report_of_knobs
from scenarios.circuit_knobs.effects import fitted_effects, jackknife
from scenarios.circuit_knobs.measures import BASE, Rows, Setting, attend, settings_of, spikes_a_cycle
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from spiking import GammaCircuit, cut_loop

SMALL = Params(n_rows=40, n_keys=8, steps=1, duration_ms=400.0)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_each_knob_turns_its_own_parameter(outcome: Outcome) -> None:
    """Within four standard errors or the few per cent by which resets deplete; inhibition takes spikes away."""
    for knob in ("drive", "gain"):
        for suffix, allowed in (("", 0.06), ("_regular", 0.02)):
            assert outcome.metrics[f"own_{knob}{suffix}"].value == pytest.approx(1, abs=allowed)
    assert -1 < outcome.metrics["own_inhibition"].value < -0.3


def test_regular_cells_leave_bias_and_temperature_apart(outcome: Outcome) -> None:
    """The law does not depend on the total: crosstalk within four standard errors of 0, and those below .02."""
    for name in ("drive_to_beta", "gain_to_bias", "inhibition_to_bias", "inhibition_to_beta"):
        entry = outcome.metrics[f"{name}_regular"]
        assert entry.standard_error is not None
        assert entry.standard_error < 0.02
        assert abs(entry.value) < 4 * entry.standard_error + 0.005


def test_the_loop_holds_the_spikes(outcome: Outcome) -> None:
    """Without it a nat of gain moves them several times as much, and inhibition, which nobody recruits, nothing."""
    metrics = outcome.metrics
    assert metrics["gain_to_spikes_cut"].value > 3 * abs(metrics["gain_to_spikes"].value)
    silent_knob = metrics["own_inhibition_cut"]
    assert silent_knob.standard_error is not None
    assert abs(silent_knob.value) < 4 * silent_knob.standard_error
    assert "With the loop cut a nat of drive" in outcome.in_short[2]


def test_sentences_follow_the_numbers(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.circuit_knobs.report.PREDICTED", 5.0)
    study = next(iter(outcome.pictures.values())).draw.args[0]  # type: ignore[attr-defined]
    assert (
        "random cells 6 of 6 are clearly below 500%, none is clearly above"
        in report_of_knobs.in_words(outcome.metrics, study)["verdict"]
    )


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"knobs", "curves", "matrices"}


def test_effects_of_causes_are_recovered() -> None:
    """Multinomial counts of a known law; four standard errors, by leaving groups of rows out."""
    rng = np.random.default_rng(0)
    causes, true = rng.normal(size=(100, 6, 2)), np.array([0.8, -0.5])
    counts = rng.multinomial(50, softmax(causes @ true, axis=1))

    def fit(rows: np.ndarray) -> np.ndarray:
        return fitted_effects(counts[rows], causes[rows])

    error = jackknife(fit, 100)
    assert (error < 0.05).all()
    assert (np.abs(fit(np.arange(100)) - true) < 4 * error).all()


def test_counts_on_one_side_have_a_bounded_effect() -> None:
    counts, causes = np.array([[5, 0], [7, 0]]), np.array([[[1.0, 0.0], [0.0, 0.0]]] * 2)
    assert np.abs(fitted_effects(counts, causes)).max() <= 10


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=30)
    error = jackknife(lambda rows: values[rows].mean(), 30, n_groups=30)
    assert error == pytest.approx(values.std(ddof=1) / np.sqrt(30))


def test_cycles_and_windows_hold_the_spikes() -> None:
    """Rows without a rhythm are cut into windows that hold all; cycles leave the ends out, and nothing twice."""
    rng = np.random.default_rng(0)
    rows = Rows.draw(10, 4, 1.0, rng)
    circuit = SMALL.row_params("regular")
    loop = attend(circuit, rows, BASE, 400.0, rng=rng)
    inside = np.nansum(spikes_a_cycle(loop), axis=1)
    assert (inside <= loop.counts).all()
    assert inside.sum() > 0.8 * loop.counts.sum()
    cut = attend(cut_loop(GammaCircuit(circuit)).params, rows, BASE, 400.0, rng=rng)
    assert not np.isfinite(cut.f_gamma_Hz).any()
    np.testing.assert_array_equal(np.nansum(spikes_a_cycle(cut), axis=1), cut.counts)


def test_settings_turn_one_knob_or_all() -> None:
    alone, corners = settings_of(SMALL)
    assert len(alone) == 7
    assert BASE in alone
    assert len(corners) == 8
    assert Setting(drive=1.5, gain=np.log(2.0), inhibition=-np.log(2.0)) in corners
