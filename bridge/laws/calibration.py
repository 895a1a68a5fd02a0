"""From the temperature that a caller wants to the gain that gives it, by simulation and fit.

`python -m bridge.laws.calibration` makes the calibration that is stored with the shipped parameters.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bridge.laws.softmax_fit import fit_softmax
from spiking import PARAMETER_SETS, Budget, Engine, EventDriven, GammaCircuit, RowCircuit
from spiking.calibration import STORED_CALIBRATION
from spiking.checks import check_circuit, check_progress, check_rng, positive_int

__all__ = ["Calibration", "calibrate", "reference_scores", "smoothed"]

GRID_CELLS: dict[str, tuple[int, ...]] = {
    "escape": (10, 20, 40, 80),
    "lif": (10, 20, 40, 80),
    "brief": (5, 10, 20, 40),
}
GRID_TEMPERATURE = (0.25, 0.5, 1.0, 2.0, 4.0)
KEYS = (2, 4, 8, 16, 32)  # the reference rows: as many of each
SCORE_SD = 1.5
DEFAULT = Budget(duration_ms=2000.0)
ASKED: dict[str, dict[str, Any]] = {  # of `calibrate`, where a set is not used for 2 s in Brian2
    "brief": {"budget": Budget(duration_ms=2000.0, spikes=64), "n_rows_each": 800}
}


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A gain, its error, and the circuit with it."""

    circuit: RowCircuit  # with `gain` set
    gain: float
    gain_se: float  # sampling error, inflated by the counts' dispersion where that exceeds 1
    tried: tuple[float, ...]  # the gain of each simulation
    estimates: tuple[float, ...]  # gain / (beta x temperature) of each: its estimate of the right gain


def reference_scores(n_rows_each: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Scores N(0, 1.5^2) over 2 to 32 keys, and their mask; both (5 n_rows_each, 32)."""
    n_keys = np.repeat(KEYS, n_rows_each)
    scores = rng.normal(0.0, SCORE_SD, (len(n_keys), max(KEYS)))
    return scores, np.arange(max(KEYS)) < n_keys[:, None]


def calibrate(
    circuit: RowCircuit,
    *,
    rng: np.random.Generator,
    n_rows_each: int = 13,
    budget: Budget = DEFAULT,
    n_steps: int = 3,
    engine: Engine = EventDriven(),
    progress: Callable[[float], None] | None = None,
) -> Calibration:
    """Find the gain at which the fitted softmax has the temperature `circuit.temperature`.

    Each step simulates fresh reference rows, fits beta by maximum likelihood and divides the gain by
    beta x temperature, which is proportional to it to first order. The first step, which may start far
    off, only sets the next; the later ones are averaged.

    Parameters
    ----------
    circuit : RowCircuit
        With a field `gain`, where the search starts.
    rng : numpy.random.Generator
    n_rows_each : int
        Rows for each of 2, 4, 8, 16 and 32 keys.
    budget : Budget
        Of each row, in each step: 2 s unless given. A circuit whose rows end after so many spikes is
        calibrated so.
    n_steps : int
        Simulations.

    Returns
    -------
    Calibration
    """
    check_circuit(circuit)
    check_rng(rng)
    check_progress(progress)
    positive_int("calibrate", "n_rows_each", n_rows_each)
    positive_int("calibrate", "n_steps", n_steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a gain that is not known yet is what is looked for
        gain = float(circuit.gain)
    tried: list[float] = []
    estimates: list[float] = []
    errors: list[float] = []
    for step in range(n_steps):
        scores, mask = reference_scores(n_rows_each, rng)
        selection = circuit.varied(gain=gain).attend(
            scores, budget=budget, rng=rng, mask=mask, engine=engine, record="counts"
        )
        fitted = fit_softmax(selection.counts, scores / circuit.temperature, mask)
        tried.append(gain)
        estimates.append(gain / fitted.beta)
        errors.append(estimates[-1] * max(fitted.beta_se, fitted.beta_se_quasi) / fitted.beta)
        gain = float(np.mean(estimates[min(1, step) :]))
        if progress is not None:
            progress((step + 1) / n_steps)
    used = errors[min(1, n_steps - 1) :]
    return Calibration(
        circuit=circuit.varied(gain=gain),
        gain=gain,
        gain_se=float(np.sqrt(np.sum(np.square(used))) / len(used)),
        tried=tuple(tried),
        estimates=tuple(estimates),
    )


def smoothed(n_cells: Sequence[int], gain: np.ndarray, error: np.ndarray) -> np.ndarray:
    """A quadratic surface in log cells and log temperature through measured gains, by weighted least squares.

    Neighbours of the grid say nearly the same, so that the surface is known better than any of its points.

    Parameters
    ----------
    n_cells : sequence of int
        Cells per key of each line.
    gain, error : (n_cells, n_temperatures) arrays
        Measured there at `GRID_TEMPERATURE`, and their standard errors.

    Returns
    -------
    (n_cells, n_temperatures) array
    """
    x, t = np.meshgrid(np.log(n_cells), np.log(GRID_TEMPERATURE), indexing="ij")
    terms = np.stack([np.ones_like(x), x, x**2, t, t**2, x * t], axis=-1).reshape(-1, 6)
    weight = 1 / error.ravel()
    coefficients, *_ = np.linalg.lstsq(terms * weight[:, None], gain.ravel() * weight, rcond=None)
    return (terms @ coefficients).reshape(gain.shape)


def _table(name: str, seed: int) -> dict[str, object]:
    """The calibration of one set of parameters, as it is stored."""
    rng, grid = np.random.default_rng(seed), GRID_CELLS[name]
    stored, asked = PARAMETER_SETS[name], ASKED.get(name, {})
    found = [
        [
            calibrate(GammaCircuit(replace(stored, n_cells=n, temperature=t, gain=1.0)), rng=rng, **asked)
            for t in GRID_TEMPERATURE
        ]
        for n in grid
    ]
    measured = np.array([[c.gain for c in row] for row in found])
    error = np.array([[c.gain_se for c in row] for row in found])
    return {
        "command": f"python -m bridge.laws.calibration --seed {seed} --sets {name}",
        "n_cells": grid,
        "temperature": GRID_TEMPERATURE,
        "gain": smoothed(grid, measured, error).round(4).tolist(),
        "measured": measured.round(4).tolist(),
        "measured_se": error.round(4).tolist(),
    }


def _store(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Calibrate the shipped parameters and store the result.")
    parser.add_argument("--seed", type=int, default=40)
    parser.add_argument("--sets", nargs="+", choices=list(GRID_CELLS), default=list(GRID_CELLS))
    parser.add_argument("--out", default=str(STORED_CALIBRATION))
    options = parser.parse_args(argv)
    out = Path(options.out)
    tables = json.loads(out.read_text()) if out.exists() else {}
    for name in options.sets:
        tables[name] = _table(name, options.seed)
        print(name, tables[name], flush=True)
    partial = Path(f"{options.out}.partial")
    partial.write_text(json.dumps(tables, indent=1) + "\n")
    partial.replace(out)
    return 0


if __name__ == "__main__":
    sys.exit(_store())
