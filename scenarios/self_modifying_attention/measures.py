"""Data and numbers of self-modifying-attention: thresholds, right steps, noise, two starts, the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.self_modifying_attention.cycles import Loop, Rotation, noise_spread
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.statistics import UNKNOWN, Estimate, fraction, mean
from scenarios.workbench.tables import Variables, column, estimate_column

if TYPE_CHECKING:
    from scenarios.self_modifying_attention import Params

__all__ = ["ALIVE", "RATIOS", "Point", "Start", "Study", "between", "in_data", "in_numbers"]

RATIOS = np.round(np.arange(0.3, 2.201, 0.01), 2)  # of the curves by softmax
ALIVE = 0.05  # spread of a row that still has a program

Point = tuple[str, int, float, int]  # source, updates, beta / n, spikes
Start = tuple[str, int, bool]  # source, spikes, whether the row named an update
Curves = Mapping[int, np.ndarray]  # updates -> (2, n_ratios) spread from both starts


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was run."""

    params: Params
    curves: Curves  # over RATIOS
    exact: Curves  # over params.ratios
    rotations: Mapping[Point, Rotation]
    corrected: Rotation  # random cells just above threshold, at the temperature that gives the beta asked for
    bistable: Mapping[Start, Rotation]
    loops: Mapping[str, Loop]
    drawn: Mapping[tuple[str, float], np.ndarray]  # (head, beta / n) -> (n_steps + 1, n)
    forms_apart: float

    @property
    def largest(self) -> int:
        """Updates of the cycle with two starts."""
        return max(self.curves)

    def at(self, source: str, ratio: float, spikes: int) -> Rotation:
        """Of the cycle of n."""
        return self.rotations[source, self.params.n, ratio, spikes]

    def noise_slope(self, source: str) -> Estimate:
        """Exponent of the spread in the number of spikes at the lowest ratio, by least squares from 4 spikes on."""
        few = [n for n in self.params.spikes if n >= 4]
        spreads = [mean(self.at(source, self.params.ratios[0], n).spread) for n in few]
        if len(few) < 2 or not all(s.value > 0 and s.error > 0 for s in spreads):
            return UNKNOWN
        x = np.log(few) - np.mean(np.log(few))
        slope = (x @ np.log([s.value for s in spreads])) / (x @ x)
        errors = np.array([s.error / s.value for s in spreads])
        return Estimate(value=float(slope), error=float(np.sqrt((x**2) @ errors**2) / (x @ x)))

    def kept(self, source: str, spikes: int) -> Estimate:
        """Right steps from a row that named an update, less those from next to the uniform row."""
        named, near = (self.bistable[source, spikes, start].right for start in (True, False))
        apart = named.mean() - near.mean()
        return Estimate(value=float(apart), error=float(np.hypot(mean(named).error, mean(near).error)))


def thresholds(curves: Curves, n: int) -> tuple[float, float]:
    """The lowest ratios at which softmax keeps a program it has, and at which one wakes next to the uniform row."""
    kept, woken = (RATIOS[spread > ALIVE] for spread in curves[n])
    return float(kept.min(initial=RATIOS[-1])), float(woken.min(initial=RATIOS[-1]))


def between(curves: Curves, n: int) -> tuple[int, float]:
    """The number of updates, and the middle of the zone where both rest and rotation are stable."""
    return n, float(np.mean(thresholds(curves, n)))


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines = Lines()
    for n in study.curves:
        kept, woken = thresholds(study.curves, n)
        name = "threshold" if n == study.params.n else f"threshold_{n}"
        lines.add(name, f"beta / n at which a nearly uniform row comes alive, n = {n}", woken, floor=1.0)
        lines.add(f"kept_{n}", "– down to which a running program survives", kept)
    _rotation_lines(lines, study)
    _noise_lines(lines, study)
    _loop_lines(lines, study)
    lines.add("forms", "the row alone against the row in X := W Y", study.forms_apart)
    return lines.metrics


def _rotation_lines(lines: Lines, study: Study) -> None:
    params, shown = study.params, study.params.just_above
    sampled = mean(study.at("sampled", shown, params.middle).right)
    note = "floor: a guess; control: sampled"
    for name, label, each in (
        (
            "right",
            f"right steps at beta / n {shown:g}, {params.middle} spikes",
            study.at("circuit", shown, params.middle),
        ),
        ("right_corrected", "– at the temperature that gives this beta", study.corrected),
    ):
        lines.add(name, label, mean(each.right), floor=1 / params.n, control=sampled, note=note)
    for source, of in SOURCES.items():
        beta = study.at(source, shown, params.middle).beta
        lines.add(f"beta_{source}", f"beta of the spikes there over the one asked for, {of}", beta, floor=1.0)
    for ratio, spikes in product(dict.fromkeys((shown, params.ratios[-1])), params.spikes):
        for source, of in SOURCES.items():
            right = mean(study.at(source, ratio, spikes).right)
            label = f"right steps at beta / n {ratio:g}, {spikes} spikes, {of}"
            lines.add(f"right_{ratio:g}_{spikes}_{source}", label, right, floor=1 / params.n)
    note = f"control: {SOURCES['circuit']}, {params.middle} spikes"
    for (at, ratio), n in product(enumerate(params.ratios), study.exact):
        spiking = mean(study.rotations["circuit", n, ratio, params.middle].spread)
        label = f"amplitude by softmax, n = {n}, beta / n {ratio:g}"
        lines.add(f"amplitude_{n}_{ratio:g}", label, study.exact[n][0][at], control=spiking, note=note)


def _noise_lines(lines: Lines, study: Study) -> None:
    params, low = study.params, study.params.ratios[0]
    for spikes, (source, of) in product(params.spikes, SOURCES.items()):
        label = f"spread that {spikes} spikes keep up at beta / n {low:g}, {of}"
        law, seen = noise_spread(low, params.n, spikes), mean(study.at(source, low, spikes).spread)
        lines.add(f"noise_{spikes}_{source}", label, seen, floor=law, note="floor: theory of samples")
    for source, of in SOURCES.items():
        label = f"exponent of that spread in the spikes, {of}"
        lines.add(
            f"slope_{source}", label, study.noise_slope(source), floor=-0.5, note="floor: theory of samples"
        )
    middle = between(study.curves, study.largest)[1]
    for spikes, (source, of) in product(params.spikes, SOURCES.items()):
        label = f"right steps that the start decides, beta / n {middle:.2f}, {spikes} spikes, {of}"
        lines.add(f"start_{source}_{spikes}", label, study.kept(source, spikes), floor=0.0)


def _loop_lines(lines: Lines, study: Study) -> None:
    loop, off = study.loops["loop"], study.loops["off"]
    note = "control: no loop, same rate"
    for name, label, ours, control in (
        ("loop_right", "right steps with the loop, not divided by the total", loop.right, off.right),
        ("runaway", "– machines that run away", fraction(loop.runaway), fraction(off.runaway)),
        ("asleep", "– machines that end nearly uniform", fraction(loop.asleep), fraction(off.asleep)),
        ("gain", "– spikes of a uniform row over those of a row that names an update", loop.gain, off.gain),
    ):
        lines.add(name, label, ours, control=control, note=note)
    drift = max(float(np.abs(each.rows.sum(axis=-1) - 1).max()) for each in study.loops.values())
    lines.add("drift", "largest drift of a row's sum", drift)


def in_data(study: Study) -> xr.Dataset:
    """Curves by softmax, the map of spikes and temperatures, two starts, and the runs that are drawn."""
    params, sizes = study.params, list(study.curves)
    sources = list(SOURCES)
    grid = [[[study.at(s, x, n) for n in params.spikes] for x in params.ratios] for s in sources]
    parts: dict[str, tuple[Callable[[Rotation], Estimate], str]] = {
        "right": (lambda r: mean(r.right), "right steps"),
        "spread": (lambda r: mean(r.spread), "spread of the row"),
        "beta": (lambda r: r.beta, "beta that the spikes followed over the one asked for"),
    }
    columns: Variables = {}
    for name, (part, label) in parts.items():
        values = [[[part(one) for one in row] for row in rows] for rows in grid]
        columns |= estimate_column(name, ("source", "ratio", "spikes"), values, label)
    kept = [[study.kept(s, n) for n in params.spikes] for s in sources]
    drawn = np.stack(list(study.drawn.values()))
    return xr.Dataset(
        {
            **columns,
            **estimate_column("kept", ("source", "spikes"), kept, "right steps that the start decides"),
            "amplitude": column(("n", "start", "beta_over_n"), [study.curves[n] for n in sizes], "amplitude"),
            "drawn": column(("run", "step", "update"), drawn, "active row"),
            "unlooped": column(
                ("loop", "edit", "machine", "update"),
                [each.rows for each in study.loops.values()],
                "row, counts not divided",
            ),
        },
        {
            "source": [SOURCES[s] for s in sources],
            "ratio": column("ratio", params.ratios, "beta / n"),
            "spikes": column("spikes", params.spikes, "spikes an edit"),
            "n": column("n", sizes, "updates"),
            "start": ["one update", "nearly uniform"],
            "beta_over_n": column("beta_over_n", RATIOS, "beta / n"),
            "run": [f"{head}, beta / n {ratio:g}" for head, ratio in study.drawn],
            "loop": list(study.loops),
        },
    )
