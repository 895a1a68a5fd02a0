"""Data, numbers and sentences of independent-mechanisms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.independent_mechanisms.copied import KINDS, TUNED, Copied
from scenarios.workbench.lines import Lines
from scenarios.workbench.modules import EXACT, PHASES, Way
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of, mean_over_seeds
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.independent_mechanisms import Params

__all__ = ["NAMES", "Study", "in_data", "in_numbers", "in_words"]

NAMES = {
    "mechanisms": "modules that take turns",
    "all_active": "all active",
    "silent": "no communication",
    TUNED: "trained through races",
}


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was trained and measured."""

    params: Params
    copied: Mapping[tuple[str, Way], Copied]

    def right(self, kind: str, way: Way = EXACT, length: int = -1) -> Estimate:
        """Share of symbols, at the longest delay unless another is asked for."""
        return mean_over_seeds(self.copied[kind, way].right[:, length])

    @property
    def longest(self) -> int:
        """The longest delay."""
        return self.params.lengths[-1]

    def lasting(self, way: Way) -> Estimate:
        """What a way to choose leaves of what top-k remembers at the longest delay, both above a guess."""
        guess = 1 / self.params.n_symbols
        of_top = self.right("mechanisms").value - guess
        ours = self.right("mechanisms", way)
        if of_top <= 0:
            return Estimate(value=np.nan, error=np.nan)
        return Estimate(value=(ours.value - guess) / of_top, error=ours.error / of_top)

    def expected(self, way: Way) -> float:
        """That, if one wrong choice overwrote all: the chance that there is none in any of its steps."""
        n_steps = 2 * self.params.n_copied + self.longest
        if way.phase:
            n_steps = self.longest if way.phase == "waiting" else self.params.n_copied
        chance = (
            way.amount if way.by == "swaps" else float(self.copied["mechanisms", way].wrong[:, -1].mean())
        )
        return (1 - chance) ** n_steps


def in_data(study: Study) -> xr.Dataset:
    """By kind of model and delay, and by way to choose."""
    params = study.params
    kinds, ways = list(KINDS), list(params.ways)
    tuned = [EXACT, *params.races]
    n = range(len(params.lengths))
    return xr.Dataset(
        {
            **estimate_column(
                "right",
                ("kind", "delay"),
                [[study.right(k, length=i) for i in n] for k in kinds],
                "symbols copied",
            ),
            **estimate_column(
                "chosen",
                ("way", "delay"),
                [[study.right("mechanisms", w, i) for i in n] for w in ways],
                "symbols copied",
            ),
            **estimate_column(
                "retrained",
                ("tuned_way", "delay"),
                [[study.right(TUNED, w, i) for i in n] for w in tuned],
                "symbols copied",
            ),
            "wrong": column(
                "way",
                [study.copied["mechanisms", w].wrong[:, -1].mean() for w in ways],
                "steps with other modules than top k",
            ),
            "spikes_of_choice": column(
                "way", [study.copied["mechanisms", w].spikes for w in ways], "spikes of a choice"
            ),
            "loss": column(
                ("kind", "seed"),
                [study.copied[k, EXACT].loss[:, -1].mean(axis=1) for k in kinds],
                "cross-entropy at the longest delay",
                "nat",
            ),
        },
        {
            "kind": [NAMES[kind] for kind in kinds],
            "way": [way.name for way in ways],
            "tuned_way": [way.name for way in tuned],
            "delay": column("delay", params.lengths, "steps between symbols and copies"),
        },
    )


def in_numbers(study: Study) -> dict[str, Metric]:
    """The ablations, the ways to choose, what training through races mends, and what lasts of a memory."""
    lines, params, guess = Lines(), study.params, 1 / study.params.n_symbols
    for kind in KINDS:
        lines.add(
            f"{kind}_top",
            f"symbols copied after {study.longest} steps, {NAMES[kind]}",
            study.right(kind),
            floor=guess,
            control=study.right(kind, length=0),
            note=f"floor: a guess; control: after {params.delay} steps, as trained",
        )
        lines.add(
            f"{kind}_loss",
            f"– cross-entropy, {NAMES[kind]}",
            mean_over_seeds(study.copied[kind, EXACT].loss[:, -1]),
            unit="nat",
            control=mean_over_seeds(study.copied[kind, EXACT].loss[:, 0]),
            note=f"a guess has {np.log(params.n_symbols):.2f}; control: as trained",
        )
    for kind, ways in (("mechanisms", (*params.races, *params.counts)), (TUNED, params.races)):
        for way in ways:
            of = study.copied[kind, way]
            lines.add(
                f"{kind}_{way.id}",
                f"– {NAMES[kind]}, chosen by {way.name}",
                study.right(kind, way),
                floor=guess,
                control=study.right(kind),
                note=f"control: top k; other modules in {of.wrong[:, -1].mean():.0%} of the steps"
                + ("" if np.isnan(of.spikes) else f", {of.spikes:.3g} spikes a choice"),
            )
            if way in params.races:
                lines.add(
                    f"{kind}_{way.id}_trained",
                    f"– the same after {params.delay} steps, as trained",
                    study.right(kind, way, 0),
                    floor=guess,
                    control=study.right(kind, length=0),
                )
    for way in params.swapped:
        lines.add(
            f"lasting_{way.id}",
            f"of what top k remembers, left by {way.name}",
            study.lasting(way),
            control=study.expected(way),
            note="control: if one exchange overwrote all",
        )
    lines.add("price", f"symbols that the first spikes cost, {_cheapest(study).name}", _price(study))
    return lines.metrics


def _cheapest(study: Study) -> Way:
    """The race that copies most, before or after training through races; top-k where there is none."""
    return max(study.params.races, key=lambda way: _best(study, way).value, default=EXACT)


def _best(study: Study, way: Way) -> Estimate:
    return max((study.right(kind, way) for kind in ("mechanisms", TUNED)), key=lambda right: right.value)


def _price(study: Study) -> Estimate:
    """Top-k as trained less the best race."""
    return difference(study.right("mechanisms"), _best(study, _cheapest(study)))


def in_words(study: Study, metrics: Mapping[str, Metric]) -> Words:
    """What turns are for, what choosing by spikes costs, and what a wrong turn costs."""
    ablations, spikes, lasting = _on_ablations(study, metrics), _on_spikes(study, metrics), _on_lasting(study)
    return words(ablations, spikes, _on_counts(study), lasting, short=(ablations, spikes, lasting))


def _on_ablations(study: Study, metrics: Mapping[str, Metric]) -> str:
    ours = metrics["mechanisms_top"]
    others = {kind: metrics[f"{kind}_top"] for kind in KINDS if kind != "mechanisms"}
    signs = clear({kind: difference(estimate_of(ours), estimate_of(m)) for kind, m in others.items()})
    said = [
        f"{m} with {NAMES[kind]} ({choose(signs[kind], 'less', 'not clearly different', 'more')})"
        for kind, m in others.items()
    ]
    k, n = study.params.active, study.params.modules
    return (
        f"After {study.longest} steps, four times the delay of the training, {n} modules with {k} of them active "
        f"copy {ours} of the symbols, against {listed(said)}."
    )


def _on_spikes(study: Study, metrics: Mapping[str, Metric]) -> str:
    """Each race, and what training through races mends as trained and after the longest delay."""
    races, params = study.params.races, study.params
    if not races:
        return ""
    before = [f"{metrics[f'mechanisms_{way.id}']} ({way.name})" for way in races]
    after = [f"{metrics[f'{TUNED}_{way.id}']}" for way in races]
    spikes = [f"{study.copied['mechanisms', way].spikes:.3g}" for way in races]
    gains = {
        (way.name, at): difference(study.right(TUNED, way, at), study.right("mechanisms", way, at))
        for way in races
        for at in (0, -1)
    }
    signs = clear({f"{name} {at}": gain for (name, at), gain in gains.items()})
    helped = [
        f"{listed(some)} after {delay} steps"
        for at, delay in ((0, params.delay), (-1, study.longest))
        if (some := [way.name for way in races if signs[f"{way.name} {at}"] > 0])
    ]
    return (
        f"When the first {params.active} modules to spike are active, {listed(before)} of the symbols are copied, "
        f"with {listed(spikes)} spikes a choice; after training through races {listed(after)}, which "
        + (f"helps {listed(helped)}." if helped else "helps none of them clearly.")
    )


def _on_counts(study: Study) -> str:
    """The best count of each circuit."""
    said = []
    for name in study.params.circuits if study.params.counts else ():
        way = max(
            (way for way in study.params.counts if way.circuit == name),
            key=lambda way: study.right("mechanisms", way).value,
        )
        said.append(f"{study.right('mechanisms', way)} with {way.name}")
    return f"Counting spikes in place of a race copies {listed(said)} at best." if said else ""


def _on_lasting(study: Study) -> str:
    """Where exchanges cost, against the law of one that overwrites all."""
    strongest = study.params.swapped[-len(PHASES) - 1]
    phases = study.params.swapped[-len(PHASES) :]
    left = [f"{study.lasting(way)} while {way.phase}" for way in phases]
    waiting = next(way for way in phases if way.phase == "waiting")
    expected = study.expected(waiting)
    apart = clear({"waiting": difference(study.lasting(waiting), Estimate(value=expected, error=0.0))})[
        "waiting"
    ]
    return (
        f"If one active module is exchanged with a chance of {strongest.amount:g} in each step, "
        f"{study.lasting(strongest)} of what top k remembers is left, and {listed(left)} alone. If one exchange "
        f"overwrote all, waiting {study.longest} steps would leave {expected:.2g}"
        + choose(
            apart, ": stored symbols outlive wrong turns.", ", which is not clearly less.", ", which is more."
        )
    )
