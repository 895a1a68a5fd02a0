"""Data, numbers and sentences of sequential-digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.sequential_digits.pixels import N_CLASSES
from scenarios.sequential_digits.read import KINDS, TALLER, Read
from scenarios.workbench.lines import Lines
from scenarios.workbench.modules import EXACT, Way
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, mean, mean_over_seeds
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.sequential_digits import Params

__all__ = ["NAMES", "PUBLISHED", "Study", "in_data", "in_numbers", "in_words"]

NAMES = {"turns": "modules that take turns", "all_active": "all active"}
# MNIST, trained at 14 pixels a side, 6 modules, of which 4 or all take turns: a public reimplementation of Goyal et
# al. (2021), github.com/dido1998/Recurrent-Independent-Mechanisms. Finer by 1.14, 1.36 and 1.71.
PUBLISHED = {"turns": (0.8789, 0.6975, 0.4623), "all_active": (0.8031, 0.5619, 0.3745)}
PUBLISHED_SCALE = (16 / 14, 19 / 14, 24 / 14)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was trained and read."""

    params: Params
    digits: Mapping[tuple[str, Way], Read]

    def right(self, kind: str, at: int, way: Way = EXACT) -> Estimate:
        """Share of digits at one of the resolutions."""
        return mean_over_seeds(self.digits[kind, way].right[:, at])

    def cost(self, way: Way, at: int) -> Estimate:
        """Digits lost against top-k, digit by digit."""
        apart = self.digits["turns", EXACT].right[:, at] - self.digits["turns", way].right[:, at]
        return mean(apart.mean(axis=0))


def in_data(study: Study) -> xr.Dataset:
    """By kind and resolution, and by way to choose and resolution."""
    params = study.params
    n = range(len(params.sides))
    kinds = [[study.right(kind, at) for at in n] for kind in KINDS]
    taller = [[study.right(kind, at, TALLER) for at in n] for kind in KINDS]
    ways = [[study.right("turns", at, way) for at in n] for way in params.ways]
    return xr.Dataset(
        {
            **estimate_column("right", ("kind", "side"), kinds, "digits read"),
            **estimate_column("taller", ("kind", "side"), taller, "digits read"),
            **estimate_column("chosen", ("way", "side"), ways, "digits read"),
            "wrong": column(
                "way", [study.digits["turns", w].wrong for w in params.ways], "steps with other modules"
            ),
            "choice": column(
                "way", [study.digits["turns", w].spikes for w in params.ways], "spikes of a choice"
            ),
        },
        {
            "kind": [NAMES[kind] for kind in KINDS],
            "way": [way.name for way in params.ways],
            "side": column("side", params.sides, "pixels a side"),
        },
    )


def in_numbers(study: Study) -> dict[str, Metric]:
    """Each kind at each resolution, square and with more rows alone, and each way to choose."""
    lines, params, guess = Lines(), study.params, 1 / N_CLASSES
    for kind, other in (KINDS, KINDS[::-1]):
        for at, side in enumerate(params.sides):
            lines.add(
                f"{kind}_{side}",
                f"digits read at {side} x {side} pixels, {NAMES[kind]}",
                study.right(kind, at),
                floor=guess,
                control=study.right(other, at),
                note="floor: a guess; control: the other kind" + ("" if at else ", as trained"),
            )
            if at:
                lines.add(
                    f"{kind}_taller_{side}",
                    f"– {side} rows of {params.resolution} pixels, {NAMES[kind]}",
                    study.right(kind, at, TALLER),
                    floor=guess,
                    control=study.right(kind, at),
                    note="control: square",
                )
    for way in params.ways[1:]:
        of = study.digits["turns", way]
        for at, side in enumerate(params.sides):
            lines.add(
                f"{way.id}_{side}",
                f"– chosen by {way.name}, {side} x {side} pixels",
                study.right("turns", at, way),
                floor=guess,
                control=study.right("turns", at),
                note="control: top k"
                + (f"; {of.spikes:.3g} spikes a choice" if at == 0 and not np.isnan(of.spikes) else ""),
            )
    way = _race(study)
    lines.add("price", f"digits that choosing by {way.name} costs, as trained", study.cost(way, 0))
    return lines.metrics


def _race(study: Study) -> Way:
    """The race of the last circuit, or what else there is."""
    races = [way for way in study.params.ways if way.by in study.params.circuits]
    return races[-1] if races else study.params.ways[-1]


def in_words(study: Study, metrics: Mapping[str, Metric]) -> Words:
    """Turns against all active at each resolution, what rows alone do, and the price of choosing by spikes."""
    kinds, rows, price = _on_kinds(study, metrics), _on_rows(study, metrics), _on_price(study, metrics)
    return words(kinds, rows, price, _on_published(study), short=(kinds, rows, price))


def _on_kinds(study: Study, metrics: Mapping[str, Metric]) -> str:
    params, coarse = study.params, study.params.resolution
    gains = {
        f"{side} x {side}": difference(study.right("turns", at), study.right("all_active", at))
        for at, side in enumerate(params.sides)
    }
    signs = clear(gains)
    ahead, back = ([side for side in signs if signs[side] == sign] for sign in (1, -1))
    sides = listed([str(side) for side in params.finer])
    finer = [listed([f"{metrics[f'{kind}_{side}']:.2f}" for side in params.finer]) for kind in KINDS]
    verdict = (
        [f"turns are clearly ahead at {listed(ahead)}"] if ahead else ["turns are nowhere clearly ahead"]
    )
    verdict += [f"behind at {listed(back)}"] if back else []
    return (
        f"At {coarse} x {coarse} pixels, as trained, modules that take turns read {metrics[f'turns_{coarse}']} of "
        f"the digits, with all active {metrics[f'all_active_{coarse}']}; at {sides} a side "
        f"{finer[0]} against {finer[1]}: {', and '.join(verdict)}."
    )


def _on_rows(study: Study, metrics: Mapping[str, Metric]) -> str:
    """Whether both kinds fail at the length of the rows or of the sequence, and which kind lasts longer."""
    params, last = study.params, len(study.params.sides) - 1
    side = params.sides[last]
    gains = {
        f"{n}": difference(study.right("turns", at, TALLER), study.right("all_active", at, TALLER))
        for at, n in enumerate(params.sides)
        if at
    }
    gains["rows"] = difference(study.right("turns", last, TALLER), study.right("turns", last))
    signs = clear(gains)
    ahead, back = ([n for n in signs if n != "rows" and signs[n] == sign] for sign in (1, -1))
    said = [f"with turns they are read better at {listed(ahead)} rows"] if ahead else []
    said += [f"with all active at {listed(back)} rows"] if back else []
    return (
        f"With {side} rows of {params.resolution} pixels in place of {side} x {side}, turns read "
        f"{metrics[f'turns_taller_{side}']} and all active {metrics[f'all_active_taller_{side}']}"
        + choose(
            signs["rows"],
            ": much of what is lost is lost to rows of another length",
            ": that rows have another length does not explain the loss",
            ", less than of squares",
        )
        + f"; {' and '.join(said) or 'neither kind reads such digits clearly better'}."
    )


def _on_price(study: Study, metrics: Mapping[str, Metric]) -> str:
    """What each way to choose costs as trained, and at the next resolution."""
    others, params = study.params.ways[1:], study.params
    if not others:
        return ""
    costs = {(way.name, at): study.cost(way, at) for way in others for at in (0, 1)}
    signs = clear({f"{name} {at}": cost for (name, at), cost in costs.items()})
    parts = []
    for at in (0, 1):
        each = [
            f"{way.name} {metrics[f'{way.id}_{params.sides[at]}']:.2f}"
            f"{choose(signs[f'{way.name} {at}'], ' (less)', '', ' (more)')}"
            for way in others
        ]
        parts.append(f"{listed(each)} at {params.sides[at]} x {params.sides[at]} pixels")
    top = listed([f"{metrics[f'turns_{side}']:.2f}" for side in params.sides[:2]])
    took = [
        f"{study.digits['turns', way].spikes:.3g}"
        for way in others
        if not np.isnan(study.digits["turns", way].spikes)
    ]
    spikes = f" Until {params.active} modules have spiked it takes {listed(took)} spikes." if took else ""
    return f"Chosen in other ways than top k ({top}): {', and '.join(parts)}.{spikes}"


def _on_published(study: Study) -> str:
    """How much of the accuracy as trained is kept at the scale nearest to a published one."""
    params = study.params
    scales = np.array(params.finer) / params.resolution
    near = int(np.abs(scales - PUBLISHED_SCALE[1]).argmin())
    ours = [f"{study.right(kind, near + 1):.2f}" for kind in KINDS]
    theirs = [f"{PUBLISHED[kind][1]:.2f}" for kind in KINDS]
    return (
        f"Published for MNIST at {PUBLISHED_SCALE[1]:.2f} times the resolution of the training: {theirs[0]} with "
        f"turns and {theirs[1]} with all active; here, at {scales[near]:.2f} times, {ours[0]} and {ours[1]}."
    )
