"""What regular-or-random measures: the error of shares against two yardsticks, and who shares the rhythm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy.special import softmax

from bridge import fit_softmax
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import Estimate, bootstrap, fraction, mean
from scenarios.workbench.tables import columns, estimate_column
from spiking import RegularCell, Selection
from spiking.measures.shared_rhythm import SharedRhythm, shared_rhythm

if TYPE_CHECKING:
    from scenarios.regular_or_random import Params

__all__ = ["Beat", "Case", "Point", "Study", "in_data", "in_numbers", "measure", "rounding_error"]

CURVES = {  # name -> what varies along it
    "spikes": "spikes per row",
    "keys": "keys",
    "spread": "spread of scores (s.d.)",
    "cells": "cells per key",
    "shape": "shape k of thresholds",
    "rate_spread": "spread of the cells' log rates",
    "jitter": "jitter of phases (spacings)",
}
SHOWN = {  # curve -> kinds of cells that have a line for each point
    "spikes": ("regular", "own phases", "random"),
    "keys": ("regular", "row phase"),
    "spread": ("regular",),
    "shape": ("regular",),
    "rate_spread": ("regular",),
    "jitter": ("regular",),
}
SPREAD_HELD = "spread of total spikes (CV)"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One point of a curve, before it is measured."""

    curve: str
    kind: str
    x: float
    cell: RegularCell
    n_keys: int
    spread: float
    spikes: int
    n_cells: int


@dataclass(frozen=True, kw_only=True)
class Point:
    """Squared error of the shares, over that of as many independent samples of the softmax."""

    case: Case
    error: Estimate
    least: float  # the same of systematic sampling, which no unbiased whole counts beat
    beta: Estimate


@dataclass(frozen=True, kw_only=True)
class Beat:
    """One kind of cells with its loop, with E to I cut, and cut at the loop's rate ("matched")."""

    scores: np.ndarray  # (n_rows, n_keys)
    ran: Mapping[str, Selection]
    rhythm: Mapping[str, SharedRhythm]

    @classmethod
    def of(cls, scores: np.ndarray, ran: Mapping[str, Selection], rng: np.random.Generator) -> Beat:
        """Test every run for a rhythm that keys and I cells share."""
        tested = {name: shared_rhythm(s.spikes, s.other_spikes["inh"], rng=rng) for name, s in ran.items()}
        return cls(scores=scores, ran=ran, rhythm=tested)

    @property
    def loop(self) -> Selection:
        return self.ran["loop"]

    def shared(self, name: str) -> Estimate:
        """Rows whose keys and I cells share a rhythm."""
        return fraction(self.rhythm[name].significant)

    def peaked(self, name: str) -> Estimate:
        """Rows with a peak in the spectrum of their population, whoever makes it."""
        return fraction(np.isfinite(self.ran[name].f_gamma_Hz))

    def unsteady(self, name: str, rng: np.random.Generator) -> Estimate:
        """Spread of the rows' totals."""
        totals = self.ran[name].counts.sum(axis=1)
        return bootstrap(lambda rows: float(totals[rows].std() / totals[rows].mean()), len(totals), rng)

    def error(self, name: str) -> Estimate:
        """Squared error of the whole record's shares over that of as many samples."""
        return _error(self.ran[name], softmax(self.scores, axis=1))


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was simulated."""

    points: Sequence[Point]
    beats: Mapping[str, Beat]
    watched: Mapping[str, tuple[np.ndarray, Selection]]
    params: Params

    def along(self, curve: str, kind: str = "regular") -> list[Point]:
        """The points of a curve, in order."""
        here = [p for p in self.points if (p.case.curve, p.case.kind) == (curve, kind)]
        return sorted(here, key=lambda p: p.case.x)

    def at(self, curve: str, kind: str, x: float) -> Point:
        """One of them."""
        return next(p for p in self.along(curve, kind) if p.case.x == x)

    def base(self, kind: str = "regular") -> Point:
        """The point that all curves vary."""
        return self.at("spikes", kind, self.params.spikes)


def measure(case: Case, attended: tuple[np.ndarray, Selection], rng: np.random.Generator) -> Point:
    """Measure the error and the softmax's own exponent at one point."""
    scores, selection = attended
    weights, n_spikes = softmax(scores, axis=1), selection.counts.sum(axis=1)
    fitted = fit_softmax(selection.counts, scores)
    samples = _sampling_error(weights, n_spikes).mean()
    return Point(
        case=case,
        error=_error(selection, weights),
        least=float(rounding_error(weights, n_spikes).mean() / samples),
        beta=Estimate(value=float(fitted.beta), error=float(fitted.beta_se_quasi)),
    )


def rounding_error(weights: np.ndarray, n_spikes: np.ndarray) -> np.ndarray:
    """Squared error of shares whose counts are N p rounded up or down, up with the fraction's own probability.

    The least of all unbiased whole counts: sum over keys of f (1 - f) / N^2, f the fraction of N p. Systematic
    sampling attains it.
    """
    part = (n_spikes[:, None] * weights) % 1
    return (part * (1 - part)).sum(axis=1) / n_spikes**2


def _sampling_error(weights: np.ndarray, n_spikes: np.ndarray) -> np.ndarray:
    """The same of independent samples: sum over keys of p (1 - p) / N."""
    return (weights * (1 - weights)).sum(axis=1) / n_spikes


def _error(selection: Selection, weights: np.ndarray) -> Estimate:
    """Ratio of means over rows, with its error by linearisation (Cochran 1977, eq. 6.13)."""
    spoke = ~selection.silent
    squared = ((selection.weights[spoke] - weights[spoke]) ** 2).sum(axis=1)
    samples = _sampling_error(weights[spoke], selection.counts[spoke].sum(axis=1))
    ratio = squared.mean() / samples.mean()
    return Estimate(value=float(ratio), error=mean(squared - ratio * samples).error / samples.mean())


def in_numbers(study: Study, rng: np.random.Generator) -> Numbers:
    """Every number of the report."""
    lines, base, random = Lines(), study.base(), study.base("random")
    spikes, as_random = study.params.spikes, "control: random cells"
    lines.add(
        "error",
        "squared error of shares / that of independent samples",
        base.error,
        floor=base.least,
        control=random.error,
        note=f"floor: systematic sampling; {as_random}",
    )
    lines.add(
        "worth",
        f"samples that {spikes} regular spikes are worth",
        _over(spikes, base.error),
        control=_over(spikes, random.error),
        note=as_random,
    )
    lines.add("beta", "beta, fitted", base.beta, control=random.beta, note=as_random)
    lines.add("error_own", "– each cell at its own phase", study.base("own phases").error)
    lines.add("least", "– systematic sampling", base.least)
    for curve, kinds in SHOWN.items():
        for kind in kinds:
            _along(lines, study, curve, kind)
    for kind, beat in study.beats.items():
        _of_the_loop(lines, kind, beat, rng)
    return lines.metrics


def _along(lines: Lines, study: Study, curve: str, kind: str) -> None:
    """A line for each point of a curve."""
    of, ending = ("", "") if kind == "regular" else (f"{kind}, ", f"_{kind.split()[0]}")
    for point in study.along(curve, kind):
        name, label = f"error_{curve}_{point.case.x:g}{ending}", f"– {of}{CURVES[curve]} {point.case.x:g}"
        lines.add(name, label, point.error, floor=point.least)


def _over(number: float, below: Estimate) -> Estimate:
    return Estimate(value=number / below.value, error=number * below.error / below.value**2)


def _of_the_loop(lines: Lines, kind: str, beat: Beat, rng: np.random.Generator) -> None:
    """Rhythm, totals and error with the loop, each against the circuit without it at the same rate."""
    ending, cells, chance = "" if kind == "regular" else f"_{kind}", f"{kind} cells", 0.01
    measures: dict[str, tuple[str, Callable[[str], Estimate], float | None]] = {
        "shared": ("rows whose keys and I cells share a rhythm", beat.shared, chance),
        "peaked": ("rows with a peak in their population's spectrum", beat.peaked, chance),
        "cv": (SPREAD_HELD, lambda name: beat.unsteady(name, rng), None),
        "error_beat": ("squared error over the whole time / that of samples", beat.error, None),
    }
    for name, (label, of, floor) in measures.items():
        matched, note = of("matched"), "control: no loop, same rate"
        lines.add(f"{name}{ending}", f"{label}, {cells}", of("loop"), floor=floor, control=matched, note=note)
        lines.add(f"{name}{ending}_matched", "– no loop, same rate", matched)
    lines.add(f"shared{ending}_cut", "– shared with E to I cut, same drive", beat.shared("cut"))
    f_shared = beat.rhythm["loop"].f_shared_Hz
    lines.add(f"f_shared{ending}", f"frequency that they share, {cells}", f_shared, unit="Hz")


def in_data(study: Study) -> xr.Dataset:
    """The points of all curves, and each row's rhythm."""
    cases = [p.case for p in study.points]
    beats = study.beats.values()
    circuits = list(study.beats["regular"].ran)
    return xr.Dataset(
        {
            **estimate_column(
                "error", "point", [p.error for p in study.points], "squared error / that of samples"
            ),
            **estimate_column("beta", "point", [p.beta for p in study.points], "fitted beta"),
            **columns("point", least=[p.least for p in study.points], x=[min(c.x, 1e9) for c in cases]),
            **columns("point", n_keys=[c.n_keys for c in cases], budget=[c.spikes for c in cases]),
            **columns("point", n_cells=[c.n_cells for c in cases], spread=[c.spread for c in cases]),
            **columns(
                ("cells", "circuit", "row"),
                "Hz",
                f_shared=[[b.rhythm[n].f_shared_Hz for n in circuits] for b in beats],
            ),
            **columns(
                ("cells", "circuit", "row"),
                strength=[[b.rhythm[n].strength for n in circuits] for b in beats],
            ),
            **columns(
                ("cells", "circuit", "row"),
                total=[[b.ran[n].counts.sum(axis=1) for n in circuits] for b in beats],
            ),
        },
        {
            "curve": ("point", [c.curve for c in cases]),
            "kind": ("point", [c.kind for c in cases]),
            "cells": list(study.beats),
            "circuit": circuits,
        },
    )
