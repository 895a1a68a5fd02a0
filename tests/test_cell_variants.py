"""Cells with other rates, other noise and other inputs: what each does without a loop, against what it says."""

from __future__ import annotations

from dataclasses import replace

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

from spiking import Brian2, DiffusiveLIF, EscapeRate, GammaCircuit, GammaParams, RowCircuit
from spiking.cells import CellModel
from spiking.cells.hazards import PowerEscape, SigmoidEscape
from spiking.cells.noisy import AdEx, SynapticLIF
from spiking.cells.variant import CellVariant
from spiking.circuits.common_noise import CommonNoise

SCORES = np.array([[0.0, -1.0, -2.0]])


def alone(cell: CellModel, **changes: object) -> GammaCircuit:
    """Without E to I: every key for itself."""
    settings: dict = {"n_cells": 20, "gain": 1.0, "w_ei": 0.0, **changes}
    return GammaCircuit(GammaParams(cell=cell, **settings))


def rates_Hz(circuit: RowCircuit, rows: int = 60, seed: int = 1, **options: object) -> np.ndarray:
    """Of a cell of each key, and their standard errors, (2, n_keys)."""
    scores = np.repeat(SCORES, rows, axis=0)
    rng = np.random.default_rng(seed)
    counts = circuit.attend(scores, duration_ms=400.0, rng=rng, record="counts", **options).counts  # type: ignore[arg-type]
    each = counts / (circuit.params.n_cells * 0.4)  # type: ignore[attr-defined]
    return np.stack([each.mean(axis=0), each.std(axis=0, ddof=1) / rows**0.5])


@pytest.mark.parametrize(
    ("cell", "expected_per_ms"),
    [
        (SigmoidEscape(drive=7.0, reset_by=1e-6), 0.1 / (1 + np.exp(-SCORES[0]))),
        (PowerEscape(drive=9.0, reset_by=1e-6), 0.002 * (4.0 + SCORES[0]) ** 3),
    ],
)
def test_the_rate_of_a_resting_cell_is_that_of_its_voltage(
    cell: CellModel, expected_per_ms: np.ndarray
) -> None:
    """Four standard errors, and 3 %: a spike is noticed up to a step of .1 ms late, at intervals of 10 ms."""
    measured, error = rates_Hz(alone(cell))
    np.testing.assert_allclose(measured, 1e3 * expected_per_ms, atol=4 * error.max(), rtol=0.03)


@pytest.mark.parametrize(
    "cell", [SigmoidEscape(), PowerEscape(), SynapticLIF(), AdEx(), AdEx(noise="synaptic")]
)
def test_both_engines_agree_in_the_loop(cell: CellModel) -> None:
    """Two simulations of their own: 4.5 joint standard errors for the largest of three keys."""
    circuit = GammaCircuit(GammaParams(cell=cell, n_cells=6, gain=1.0))
    ours, error = rates_Hz(circuit, rows=24, seed=2)
    theirs, their_error = rates_Hz(circuit, rows=24, seed=3, engine=Brian2())
    assert (np.abs(ours - theirs) < 4.5 * np.hypot(error, their_error) + 1e-9).all()
    assert ours[0] > ours[2]


def test_coloured_noise_leaves_the_free_membrane_its_spread() -> None:
    """Of 3000 cells without a threshold the standard deviation is known to 1.3 %: four errors."""
    cell = SynapticLIF()
    b2.seed(3)
    free = b2.NeuronGroup(
        3000,
        f"{cell.equations}u = 0 : 1\ninh = 0 : 1",
        method="euler",
        dt=0.1 * ms,
        namespace=cell.namespace(),
    )
    free.x = "randn()"
    b2.Network(free).run(60 * ms)
    assert np.std(free.v[:]) == pytest.approx(cell.sigma, rel=0.052)
    assert np.mean(free.v[:]) == pytest.approx(cell.drive, abs=4 * cell.sigma / 3000**0.5 + 0.03)


def test_adaptation_slows_an_adex_cell() -> None:
    adapting, _ = rates_Hz(alone(AdEx(drive=14.0)))
    plain, _ = rates_Hz(alone(AdEx(drive=14.0, adapt_by=1e-6, adapt=1e-6)))
    assert (adapting < 0.7 * plain).all()


def test_unequal_drives_spread_the_rates_of_cells_and_raise_their_mean() -> None:
    """exp of a normal of variance s^2 has the mean exp(s^2 / 2): 1.65 at s = 1, less what resets take."""
    equal, _ = rates_Hz(alone(EscapeRate(drive=5.0, reset_by=1e-6)))
    unequal, error = rates_Hz(alone(CellVariant(cell=EscapeRate(drive=5.0, reset_by=1e-6), unequal=0.1)))
    ratio = unequal / equal
    np.testing.assert_allclose(ratio, np.exp(0.5), atol=4 * (error / equal).max())


def test_shunting_leaves_a_silent_loops_cell_alone() -> None:
    cell = DiffusiveLIF()
    plain, error = rates_Hz(alone(cell))
    shunted, other = rates_Hz(alone(CellVariant(cell=cell, shunt_at=7.0)))
    assert (np.abs(plain - shunted) < 4 * np.hypot(error, other)).all()


def test_shunting_divides_scores_where_subtraction_does_not() -> None:
    """The share of the best key falls; in the plain loop of exponential cells it is a softmax's."""
    plain, _ = rates_Hz(GammaCircuit(GammaParams(gain=1.0, n_cells=20)))
    shunted, _ = rates_Hz(
        GammaCircuit(GammaParams(cell=CellVariant(cell=EscapeRate(), shunt_at=7.0), gain=1.0, n_cells=20))
    )
    assert shunted[0] / shunted.sum() < plain[0] / plain.sum() - 0.1


def test_noise_in_common_moves_all_keys_of_a_row_together() -> None:
    """Without a loop the totals of rows spread far more than those of Poisson counts; shares stay a softmax."""
    params = alone(EscapeRate(drive=7.0)).params
    scores = np.repeat(SCORES, 100, axis=0)
    rng = np.random.default_rng(5)
    counts = CommonNoise(params).attend(scores, duration_ms=400.0, rng=rng, record="counts").counts
    totals = counts.sum(axis=1)
    assert totals.var(ddof=1) > 3 * totals.mean()
    assert CommonNoise(params).template_key() != CommonNoise(params, sd=1.0).template_key()
    assert CommonNoise(params).varied(n_cells=5) == CommonNoise(replace(params, n_cells=5))


def test_constants_are_named_as_the_equations_name_them() -> None:
    names = AdEx().namespace()
    assert names["tau_e"] == 9.37 * ms
    assert names["tau_w"] == 144.0 * ms
    assert "noise" not in names
    assert SigmoidEscape().namespace()["rho_max"] == 0.1 / ms


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: AdEx(noise="thermal"), "AdEx.noise must be one of membrane, synaptic"),
        (lambda: CellVariant(cell=EscapeRate(), unequal=2.0), "CellVariant.unequal must lie"),
        (
            lambda: CellVariant(cell=CellVariant(cell=EscapeRate(), shunt_at=7.0), shunt_at=7.0),
            "receives 'drive",
        ),
        (lambda: CommonNoise(sd=-1.0), "CommonNoise.sd must lie"),
    ],
)
def test_what_cannot_be_is_refused(make, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=says):
        make()
