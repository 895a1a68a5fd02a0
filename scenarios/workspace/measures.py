"""Data and numbers of workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bridge.laws.race import inclusion
from pragmatic.machines.working_memory import DEALS, slot_law
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, bootstrap, fraction, mean
from scenarios.workbench.tables import column, estimate_column
from scenarios.workspace.capacity import DEALT, Stored
from scenarios.workspace.ignition import BIMODAL, Ignited, bimodality, least_gain, rest_states

if TYPE_CHECKING:
    from scenarios.workspace import Params

__all__ = ["ARRIVALS", "LOOPS", "THEORIES", "WAYS", "Study", "in_data", "in_numbers"]

WAYS = {
    "slots": "ideal slots",
    "resource": "a shared resource",
    "first": "first distinct keys",
    "random": "spikes of random cells",
    "regular": "spikes of regular cells",
    "sampled": "independent samples",
    "volley": "a volley ended by inhibition",
    "open": "a cycle without inhibition",
}
THEORIES = {"slots": "slots", "resource": "a resource", "chance": "copies dealt by chance"}
LOOPS = {
    "softmax": "softmax in a loop",
    "loop": "the loop",
    "cut": "no loop",
    "mean": "a loop fed with the mean of all trials",
    "cold": "no loop, cold",
    "sampled": "a loop of independent samples",
    "no rhythm": "a loop with E to I cut",
}
ARRIVALS = {"first": "exponential", "first regular": "uniform"}  # of first spikes, by the cells


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was measured."""

    params: Params
    memories: Mapping[str, Stored]
    cue: Mapping[str, np.ndarray]  # (n_scores, n_trials) bool
    loops: Mapping[str, Ignited]
    by_gain: Mapping[float, Ignited]

    @property
    def guess(self) -> float:
        """Chance to be right without a copy."""
        return 1 / self.params.values

    def right(self, way: str, n: int) -> Estimate:
        """Answers right from copies without noise, averaged over all items that could be asked for."""
        known = self.memories[way].known[n]
        return mean(known + (1 - known) * self.guess)

    def held(self, way: str, n: int) -> Estimate:
        """Items that have a copy."""
        return mean(n * self.memories[way].known[n])

    def law(self, n: int) -> float:
        """What as many slots would give."""
        return slot_law(n, self.params.slots, self.guess)

    def better(self, way: str, theory: str, than: str) -> Estimate:
        """Nats an answer by which one theory describes the errors better than another."""
        fits = self.memories[way].fits
        return mean(fits[theory].log_density - fits[than].log_density)

    def best(self, way: str) -> str:
        """The theory that describes the errors best."""
        fits = self.memories[way].fits
        return max(DEALS, key=lambda deal: float(fits[deal].log_density.mean()))

    def included(self, cells: str) -> np.ndarray:
        """Chance that the cued item is stored, by the law of the race, (n_scores,)."""
        n, cues = self.params.items[-1], np.array(self.params.cues)
        scores = np.zeros((len(cues), n))
        scores[:, 0] = cues
        return inclusion(scores, self.params.slots, arrivals=ARRIVALS[cells])[:, 0]


def in_data(study: Study) -> xr.Dataset:
    """By number of items, score of the cue, contrast and gain."""
    params, ways, loops = study.params, list(study.memories), study.loops
    right, held = ([[of(way, n) for n in params.items] for way in ways] for of in (study.right, study.held))
    on = [[mean(one) for one in ignited.on] for ignited in loops.values()]
    on_gain = [[mean(one) for one in ignited.on] for ignited in study.by_gain.values()]
    rest = [rest_states(gain, params.rest, params.contents) for gain in params.gains]
    data = xr.Dataset(
        {
            **estimate_column("right", ("way", "items"), right, "answers right"),
            **estimate_column("held", ("way", "items"), held, "items kept"),
            "law": column("items", [study.law(n) for n in params.items], "answers right by the law of slots"),
            **estimate_column("on", ("loop", "contrast"), on, "stimulus' part of the broadcast"),
            **estimate_column("on_gain", ("gain", "contrast"), on_gain, "stimulus' part of the broadcast"),
            **estimate_column(
                "kept", "gain", [fraction(i.kept) for i in study.by_gain.values()], "lit after the stimulus"
            ),
            "rest_state": column(("gain", "start"), rest, "state of rest without noise"),
        },
        {
            "way": [WAYS[way] for way in ways],
            "loop": [LOOPS[loop] for loop in loops],
            "start": ["dark", "lit"],
            "items": column("items", params.items, "items shown"),
            "contrast": column("contrast", params.contrasts, "score of the stimulus"),
            "gain": column("gain", params.gains, "gain of the loop"),
        },
    )
    if not study.cue:
        return data
    included = [[fraction(one) for one in chosen] for chosen in study.cue.values()]
    return data.assign(
        estimate_column("included", ("cells", "cue"), included, "cued item stored")
    ).assign_coords(cells=list(study.cue), cue=column("cue", params.cues, "score of the cued item"))


def in_numbers(study: Study, rng: np.random.Generator) -> dict[str, Metric]:
    """The law of slots, what each way keeps, which theory describes it, the cue, and what ignites."""
    lines = Lines()
    _storage(study, lines)
    _theories(study, lines)
    for cells, chosen in study.cue.items():
        apart = np.abs(chosen.mean(axis=1) - study.included(cells))
        lines.add(
            f"cue_{cells.replace(' ', '_')}",
            f"cued item stored: largest distance from the law of the race, {cells} distinct keys",
            float(apart.max()),
            floor=float(np.sqrt(2 / np.pi) * np.sqrt(0.25 / study.params.trials)),
            note="floor: one point's sampling error at 1/2",
        )
    _ignition(study, lines, rng)
    return lines.metrics


def _storage(study: Study, lines: Lines) -> None:
    params, n = study.params, study.params.items[-1]
    apart = [abs(study.right("slots", m).value - study.law(m)) for m in params.items]
    lines.add(
        "law",
        f"{params.slots} ideal slots: largest distance from K/n + (1 - K/n) guess",
        max(apart),
        floor=0.0,
        note="every item asked for, so without sampling error",
    )
    for way in study.memories:
        lines.add(
            f"right_{way}",
            f"answers right of {n} items, {WAYS[way]}",
            study.right(way, n),
            floor=study.guess,
            control=study.law(n),
            note="floor: a guess; control: the law of slots",
        )
        lines.add(
            f"held_{way}",
            f"– items kept of {n}",
            study.held(way, n),
            control=study.held(way, params.items[0]),
            note=f"control: of {params.items[0]}",
        )


def _theories(study: Study, lines: Lines) -> None:
    for way in [way for way in DEALT if way in study.memories]:
        for theory in ("resource", "chance"):
            lines.add(
                f"slots_{theory}_{way}",
                f"slots over {THEORIES[theory]}, errors of {WAYS[way]}",
                study.better(way, "slots", theory),
                unit="nat",
                note="an answer",
            )
        fit = study.memories[way].fits["slots"]
        lines.add(
            f"sigma_{way}",
            f"– noise of a copy by the fit of slots ({fit.k} of them)",
            float(np.rad2deg(fit.sigma)),
            control=study.params.noise_deg,
            unit="degrees",
            note="control: what was put in",
        )


def _ignition(study: Study, lines: Lines, rng: np.random.Generator) -> None:
    for name, ignited in study.loops.items():
        at = ignited.on[ignited.threshold]
        suffix = "" if name == "loop" else f"_{name.replace(' ', '_')}"
        lines.add(
            f"bimodal{suffix}",
            f"bimodality at threshold, {LOOPS[name]}",
            bootstrap(partial(_bimodality_of, at), len(at), rng),
            floor=BIMODAL,
            note="floor: a uniform distribution",
        )
        lines.add(f"middle{suffix}", "– neither lit nor dark there", fraction(ignited.middle))
        lines.add(f"kept{suffix}", "– still lit after the stimulus", fraction(ignited.kept))
    lines.add(
        "sustained",
        "lowest gain at which a loop without noise keeps a broadcast",
        least_gain(study.params.rest, study.params.contents),
        control=_keeps(study),
        note="control: at which most measured broadcasts stay",
    )


def _bimodality_of(shares: np.ndarray, rows: np.ndarray) -> float:
    return bimodality(shares[rows])


def _keeps(study: Study) -> float:
    """The lowest gain at which most broadcasts outlast the stimulus."""
    return next((g for g, i in study.by_gain.items() if len(i.kept) and i.kept.mean() > 0.5), np.nan)
