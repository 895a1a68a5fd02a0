"""What what-gamma-buys found: three circuits under several settings, as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from scenarios.what_gamma_buys.decisions import Decisions, Reading, decide, read_against_time
from scenarios.workbench.competition import Competition
from scenarios.workbench.statistics import bootstrap, mean
from spiking import Selection

__all__ = [
    "LABELS",
    "Findings",
    "Setting",
    "findings_dataset",
    "poisson_spread",
    "spread_of",
    "undivided_error",
]

LABELS = {"loop": "gamma loop", "matched": "no loop, same rate", "slow": "slow loop, no gamma"}
N_EDGES = 60  # times at which a reading is made


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Three circuits on the same rows."""

    spread: float  # standard deviation of the scores
    feedforward: str
    circuits: dict[str, Competition]  # loop, matched, slow


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything that was simulated, and the readings that several numbers and pictures share."""

    main: Setting
    onset: dict[str, Selection]  # the main rows, all cells from rest
    sweep: list[Setting]  # over spreads of scores, without feedforward inhibition and with it
    margin: int
    tv_goal: float

    @cached_property
    def decisions(self) -> dict[str, Decisions]:
        """Of the main rows."""
        return {name: decide(c.selection.spikes, self.margin) for name, c in self.main.circuits.items()}

    @cached_property
    def readings(self) -> dict[str, Reading]:
        """Of the main rows, at logarithmic times."""
        duration_ms = self.main.circuits["loop"].selection.duration_ms
        edges_ms = np.geomspace(2.0, duration_ms, N_EDGES)
        return {
            name: read_against_time(c.selection.spikes, c.target, edges_ms)
            for name, c in self.main.circuits.items()
        }


def spread_of(totals: np.ndarray) -> float:
    """Coefficient of variation over rows; nan if none spiked."""
    return float(totals.std(ddof=1) / totals.mean()) if totals.sum() else np.nan


def poisson_spread(totals: np.ndarray) -> float:
    """The coefficient of variation of Poisson counts of the same mean; nan if none spiked."""
    return float(totals.mean() ** -0.5) if totals.sum() else np.nan


def undivided_error(competition: Competition) -> np.ndarray:
    """Half the absolute error of counts over one number for all rows, the mean total; (n_rows,).

    What a reader gets who adds spikes up and cannot divide by each row's own total.
    """
    totals = competition.totals
    read = competition.selection.counts / (totals.mean() if totals.sum() else np.nan)
    return 0.5 * np.abs(read - competition.target).sum(axis=1)


def findings_dataset(found: Findings, rng: np.random.Generator) -> xr.Dataset:
    """The main rows in full, and of every other setting its summary."""
    main, decisions, readings = found.main.circuits, found.decisions.values(), found.readings.values()
    onset_Hz = np.stack([s.spikes.binned(1.0).T * 1e3 for s in found.onset.values()])
    per_row, in_time = ("circuit", "row"), ("circuit", "time", "row")
    dataset = xr.Dataset(
        {
            "scores": (("row", "key"), found.main.circuits["loop"].scores, {"units": "1"}),
            "counts": ((*per_row, "key"), [c.selection.counts for c in main.values()], {"units": "spikes"}),
            "f_gamma": (per_row, [c.selection.f_gamma_Hz for c in main.values()], {"units": "Hz"}),
            "decision_time": (per_row, [d.time_ms for d in decisions], {"units": "ms"}),
            "decision_spikes": (per_row, [d.n_spikes for d in decisions], {"units": "spikes"}),
            "total_variation": (in_time, [r.error for r in readings], {"units": "1"}),
            "n_spikes": (in_time, [r.n_spikes for r in readings], {"units": "spikes"}),
            "onset_rate": (("circuit", "onset_time", "row"), onset_Hz, {"units": "1/s"}),
        },
        {
            "circuit": list(LABELS),
            "time": ("time", found.readings["loop"].edges_ms, {"units": "ms"}),
            "onset_time": ("onset_time", np.arange(onset_Hz.shape[1], dtype=float), {"units": "ms"}),
        },
        {"duration_ms": main["loop"].selection.duration_ms, "spread_of_scores": found.main.spread},
    )
    return dataset.merge(_sweep_dataset(found, rng))


def _sweep_dataset(found: Findings, rng: np.random.Generator) -> xr.Dataset:
    """Spread of totals, error without division and total variation of each setting, with standard errors."""
    measures = {
        "sweep_cv": lambda c: bootstrap(lambda rows: spread_of(c.totals[rows]), c.n_rows, rng),
        "sweep_undivided": lambda c: mean(undivided_error(c)),
        "sweep_divided": lambda c: mean(c.distance().total_variation),
        "sweep_excess": lambda c: mean(c.distance().ratio),
    }
    data = {}
    for name, measure in measures.items():
        cells = [[measure(c) for c in s.circuits.values()] for s in found.sweep]
        for suffix, part in (("", "value"), ("_se", "error")):
            values = [[getattr(estimate, part) for estimate in row] for row in cells]
            data[name + suffix] = (("setting", "circuit"), np.array(values), {"units": "1"})
    poisson = [[poisson_spread(c.totals) for c in s.circuits.values()] for s in found.sweep]
    data["sweep_poisson"] = (("setting", "circuit"), np.array(poisson), {"units": "1"})
    return xr.Dataset(
        data,
        {
            "circuit": list(LABELS),
            "spread": ("setting", [s.spread for s in found.sweep], {"units": "1"}),
            "feedforward": ("setting", [s.feedforward for s in found.sweep]),
        },
    )
