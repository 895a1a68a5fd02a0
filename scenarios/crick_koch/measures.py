"""Numbers of crick-koch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import xarray as xr

from scenarios.crick_koch.knocked import N_INH, Knocked
from scenarios.crick_koch.lessons import Lessons
from scenarios.crick_koch.memory import Loaded
from scenarios.crick_koch.visits import Visits
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import mean
from scenarios.workbench.tables import column, columns, estimate_column

if TYPE_CHECKING:
    from scenarios.crick_koch import Params

__all__ = ["Study", "in_data", "in_numbers"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was measured."""

    params: Params
    memory: Loaded
    visits: Visits
    lessons: Lessons
    knocked: Sequence[Knocked]


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, params, memory, visits = Lines(), study.params, study.memory, study.visits
    chance, after = 1 / params.n_keys, f"after {params.delay_ms:g} ms"
    lines.add("memory", f"attended item read out of facilitation {after}", memory.success("gamma"), floor=chance,
              control=memory.success("off"), note="floor: chance; control: no loop, same rate")  # fmt: skip
    lines.add(
        "memory_off", "– loaded without the loop, at the same rate", memory.success("off"), floor=chance
    )
    lines.add("at_once", "– most spikes of the burst itself", memory.at_once("gamma"), floor=chance,
              control=memory.at_once("off"))  # fmt: skip
    lines.add(
        "burst", "– spikes of a burst", mean(memory.spikes["gamma"]), control=mean(memory.spikes["off"])
    )
    lines.add("burst_unsteady", "– their spread over rows (CV)", memory.unsteady("gamma"),
              control=memory.unsteady("off"))  # fmt: skip
    lines.add("order", "saliency and earliness of the first visit, rank correlation", visits.order, floor=0.0)
    lines.add("covered", f"different places in {params.n_keys} visits", visits.covered(visits.visited),
              control=visits.covered(visits.without), note="control: no inhibition of return")  # fmt: skip
    lines.add("first", "first visit to the most salient place", visits.first_is_best(), floor=chance)
    _add_lessons(lines, study.lessons)
    whole = study.knocked[0]
    for number, each in enumerate(study.knocked):
        ending, where = (f"_{each.left}", f", {each.left} of {N_INH} I cells") if number else ("", "")
        control = whole if number else None
        lines.add(f"penumbra{ending}", f"spikes of all but the best item{where}", each.penumbra,
                  floor=each.expected, note="floor: the softmax's")  # fmt: skip
        for name, label, unit in (
            ("beta", "beta", ""),
            ("off_softmax", "total variation to softmax that infinitely many spikes leave", ""),
            ("rhythmic", "rows with a gamma rhythm", ""),
            ("f_gamma", "its frequency", "Hz"),
            ("rate_Hz", "spikes of a row", "Hz"),
            ("unsteady", "spread of totals over rows (CV)", ""),
        ):
            lines.add(f"{name}{ending}", f"– {label}", getattr(each, name), unit=unit,
                      control=None if control is None else getattr(control, name),
                      note="" if control is None else "control: all I cells")  # fmt: skip
    return lines.metrics


def _add_lessons(lines: Lines, lessons: Lessons) -> None:
    chance = 1 / lessons.n_pairs
    for at, n in enumerate(lessons.showings):
        lines.add(f"recall_{n}", f"colours that call up their shape without the loop, after {n} showings",
                  lessons.success("loop", "off", at), floor=chance, control=lessons.success("in turn", "off", at),
                  note="floor: chance; control: shown with all shapes in turn")  # fmt: skip
        for name, taught, asked, label in (
            ("loop", "loop", "loop", "with the loop"),
            ("never", "off", "off", "learnt without the loop as well"),
        ):
            lines.add(f"recall_{n}_{name}", f"– {label}", lessons.success(taught, asked, at), floor=chance)


def in_data(study: Study) -> xr.Dataset:
    """Visits, and what is left with fewer I cells."""
    knocked, visits = study.knocked, study.visits
    names = {
        "beta": "beta",
        "rhythmic": "rows with a gamma rhythm",
        "unsteady": "spread of totals",
        "penumbra": "spikes of all but the best item",
        "off_softmax": "total variation left",
    }
    kept = {
        key: value
        for name, label in names.items()
        for key, value in estimate_column(
            name, "inh_left", [getattr(k, name) for k in knocked], label
        ).items()
    }
    return xr.Dataset(
        {
            **kept,
            **columns(("row", "item"), score=visits.scores),
            **columns(("row", "visit"), visited=visits.visited, without=visits.without),
            **columns(("loop", "row"), right=[study.memory.right[n].astype(float) for n in ("gamma", "off")]),
        },
        {
            "inh_left": column("inh_left", [k.left for k in knocked], "I cells left"),
            "loop": ["gamma", "off"],
        },
    )
