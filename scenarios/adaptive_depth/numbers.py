"""Every number of adaptive-depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import xarray as xr

from scenarios.adaptive_depth.lead import KINDS, Races, wald_choice, wald_spikes
from scenarios.adaptive_depth.likeness import Likeness
from scenarios.adaptive_depth.thinking import Attention, Ponder
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import difference, mean
from scenarios.workbench.tables import columns, estimate_column

if TYPE_CHECKING:
    from scenarios.adaptive_depth import Params

__all__ = ["Study", "in_data", "in_numbers"]

SHOWN_GAP = 1.0  # the headline's: the gap nearest to it
NAMES = {"ponder": "PonderNet", "act": "ACT"}
LAW = "floor: Wald's law; control: ideal spikes without a circuit"


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured."""

    races: Races
    attention: Attention | None
    likeness: Likeness | None
    ponders: Sequence[Ponder]
    params: Params

    @property
    def gap(self) -> float:
        """The gap of the headline."""
        return min(self.params.gaps, key=lambda gap: abs(gap - SHOWN_GAP))


def in_numbers(study: Study) -> Numbers:
    """Leads, fixed budgets, many keys, a real model, and networks that halt."""
    lines, params = Lines(), study.params
    for gap in sorted(params.gaps, key=lambda gap: gap != study.gap):
        _of_gap(lines, study, gap, "" if gap == study.gap else f"_{gap:g}")
    for kind in KINDS:
        _against_fixed(lines, study, kind)
    for crowd in study.races.crowds:
        n, note = crowd.n_keys, "floor: as many exact choices; control: leads of independent samples"
        lines.add(f"beta_{n}", f"{n} keys: fitted inverse temperature / {params.lead}", crowd.beta, floor=1)
        lines.add(
            *(
                f"distance_{n}",
                f"– total variation to the softmax at temperature 1/{params.lead}",
                crowd.distance,
            ),
            floor=crowd.floor,
            control=crowd.twin,
            note=note,
        )
        lines.add(f"crowd_spikes_{n}", "– spikes", crowd.spikes)
    if study.attention is not None:
        _of_attention(lines, study.attention)
    if study.likeness is not None:
        _of_likeness(lines, study.likeness)
    for ponder in study.ponders:
        _of_ponder(lines, ponder, params.most_signs)
    return lines.metrics


def _of_gap(lines: Lines, study: Study, gap: float, ending: str) -> None:
    """Choice and spikes of two keys at one gap, random cells and regular ones."""
    races, lead = study.races, study.params.lead
    for kind in KINDS:
        led, twin = (races.at(of[kind, lead], gap) for of in (races.led, races.twins))
        of = "" if kind == "random" else f"_{kind}"
        random = kind == "random"
        at, note = (
            f"score {gap:g} apart, lead {lead}, {kind} cells",
            LAW if random else "control: ideal turns",
        )
        lines.add(
            *(f"choice{of}{ending}", f"choices of the better of two keys, {at}", led.accuracy),
            floor=wald_choice(gap, lead) if random else None,
            control=twin.accuracy,
            note=note,
        )
        lines.add(
            *(f"spent{of}{ending}", "– spikes until then", mean(led.spikes)),
            floor=wald_spikes(gap, lead) if random else None,
            control=mean(twin.spikes),
            note=note,
        )


def _against_fixed(lines: Lines, study: Study, kind: str) -> None:
    """The lead against a fixed number of spikes, equal in the mean over all gaps."""
    races, lead = study.races, study.params.lead
    led, (n, fixed) = races.led[kind, lead], races.equal(kind, lead)
    of = "" if kind == "random" else f"_{kind}"
    lines.add(
        *(f"accuracy{of}", f"right choices over all gaps, lead {lead}, {kind} cells", led.accuracy),
        control=fixed.accuracy,
        note=f"control: {n} spikes for every row, as many in the mean",
    )
    lines.add(f"mean_spikes{of}", "– spikes in the mean", mean(led.spikes), control=mean(fixed.spikes))
    gained = difference(led.accuracy, fixed.accuracy)
    lines.add(f"advantage{of}", "– right choices gained over the fixed number", gained)
    lines.add(f"worth{of}", "– fixed spikes for the same accuracy / spikes spent", races.worth(kind, lead))


def _of_attention(lines: Lines, attention: Attention) -> None:
    """Rows of a real model."""
    lines.add("rank", "MiniLM: rank correlation of spikes with entropy", attention.rank, floor=0)
    lines.add("row_spikes", "– spikes until one key leads", mean(attention.spikes))
    lines.add("unled", "– rows stopped without a leader", attention.unfinished)
    note = f"control: {attention.fixed_spikes} spikes for every row"
    for name, label, pair in (
        ("top", "– rows whose strongest key is softmax's", attention.top),
        ("weights_error", "– squared error of the weights", attention.error),
    ):
        lines.add(name, label, pair["lead"], control=pair["fixed"], note=note)
        lines.add(f"{name}_fixed", "– – with the fixed number", pair["fixed"])


def _of_likeness(lines: Lines, likeness: Likeness) -> None:
    """A sentence model at its task, at equal mean spikes."""
    note = f"{likeness.n_pairs} pairs"
    lines.add("alike", "MiniLM: rank correlation with people, softmax", likeness.rank["softmax"], note=note)
    for kind, label in (("lead", "until one key leads"), ("fixed", "a fixed number")):
        spikes = f"{likeness.spikes[kind]:.1f} spikes a row"
        lines.add(f"alike_{kind}", f"– {label}, {spikes}", likeness.rank[kind])
        lines.add(f"alike_lost_{kind}", "– – lost against softmax", likeness.lost[kind])
    lines.add("alike_gained", "– gained by the lead over the fixed number", likeness.gained)


def _of_ponder(lines: Lines, ponder: Ponder, most_signs: int) -> None:
    """Accuracy and steps of one machine, with every kind of head."""
    name, told, new = NAMES[ponder.halting], slice(None, most_signs), slice(most_signs, None)
    exact, at = ponder.softmax, f"_{ponder.halting}"
    few, many = exact.along("steps")[0], exact.along("steps")[-1]
    lines.add(
        f"parity{at}", f"{name}: parity right, up to {most_signs} signs", exact.accuracy(told), floor=0.5
    )
    if exact.right[new].size:
        lines.add(f"beyond{at}", "– more signs than in training", exact.accuracy(new), floor=0.5)
    lines.add(f"few{at}", "– steps for one sign", few)
    lines.add(f"many{at}", f"– steps for {len(exact.steps)}", many, control=few)
    step, fixed = ponder.fixed_depth()
    lines.add(
        *(f"depth{at}", "– right, all numbers of signs", exact.accuracy()),
        control=fixed,
        note=f"control: all stop after step {step}, the mean",
    )
    for kind, thought in ponder.thoughts.items():
        if kind == "softmax":
            continue
        spikes = f"{thought.spikes:.1f} spikes"
        label = {"lead": f"a row ends when a key leads, {spikes}", "equal": f"{spikes} for every row"}.get(
            kind, f"{kind} heads, {spikes}"
        )
        lines.add(
            f"parity{at}_{kind}", f"– {label}: right", thought.accuracy(told), control=exact.accuracy(told)
        )
        lines.add(f"steps{at}_{kind}", "– – steps", mean(thought.steps), control=mean(exact.steps))


def in_data(study: Study) -> xr.Dataset:
    """Two keys by kind, lead and gap; and by number of signs what each machine answers."""
    races, params = study.races, study.params
    leads = sorted({lead for _, lead in races.led})
    gaps, kinds = sorted(params.gaps), list(KINDS)

    def grid(part: str) -> list[list[list[object]]]:
        return [
            [
                [
                    led.accuracy if part == "right" else mean(led.spikes)
                    for led in (races.at(races.led[k, lead], gap) for gap in gaps)
                ]
                for lead in leads
            ]
            for k in kinds
        ]

    dims = ("cells", "lead", "gap")
    data = xr.Dataset(
        {
            **estimate_column("choice", dims, grid("right"), "choices of the better key"),
            **estimate_column("spent", dims, grid("spikes"), "spikes until one key leads"),
            **columns(dims[1:], wald_choice=[[wald_choice(g, n) for g in gaps] for n in leads]),
            **columns(dims[1:], wald_spent=[[wald_spikes(g, n) for g in gaps] for n in leads]),
        },
        {"cells": kinds, **columns("lead", lead=leads), **columns("gap", gap=gaps)},
    )
    for ponder in study.ponders:
        kinds = list(ponder.thoughts)
        for part in ("right", "steps"):
            values = [getattr(thought, part).mean(axis=1) for thought in ponder.thoughts.values()]
            name = f"{part}_{ponder.halting}"
            data = data.assign(columns(("heads", "signs"), **{name: values})).assign_coords(heads=kinds)
    if study.attention is not None:
        data = data.assign(columns("row", "nat", entropy=study.attention.entropy))
        data = data.assign(columns("row", row_spikes=study.attention.spikes))
    return data
