"""Data, numbers and sentences of first-to-spike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bridge.laws.race import ARRIVALS, inclusion, mean_spikes
from scenarios.first_to_spike.races import SAMPLES, TOP, Cycles, scores_of
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of, fraction, mean
from scenarios.workbench.tables import column, estimate_column
from spiking.measures.distinct import FirstDistinct

if TYPE_CHECKING:
    from scenarios.first_to_spike import Params

__all__ = ["LAW_NAMES", "Study", "in_data", "in_numbers", "in_words"]

ENOUGH = 0.9  # of the rows
LAW_NAMES = {"exponential": "Plackett-Luce", "uniform": "a race of uniform times"}


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was raced."""

    params: Params
    raced: Mapping[tuple[str, int], FirstDistinct]  # by circuit, or samples, and k
    cycles: Mapping[str, Cycles]
    counted: Mapping[tuple[str, int], np.ndarray]  # (n_rows,) bool

    @property
    def names(self) -> tuple[str, ...]:
        """Of what raced."""
        return (*self.params.circuits, SAMPLES)

    @cached_property
    def laws(self) -> dict[tuple[str, int], np.ndarray]:
        """Inclusion by arrivals and k, (n_keys,)."""
        one = scores_of(self.params, 1)
        return {(a, k): inclusion(one, k, arrivals=a)[0] for a in ARRIVALS for k in self.params.k}

    def spikes(self, k: int) -> float:
        """What memoryless cells take on average."""
        return float(mean_spikes(scores_of(self.params, 1), k)[0])

    def distance(self, chosen: np.ndarray, arrivals: str, k: int) -> Estimate:
        """Mean distance over keys of the frequency of selection (n_rows, n_keys) from a law.

        Of its error: keys vary nearly independently, and each by the error of a frequency.
        """
        apart = np.abs(chosen.mean(axis=0) - self.laws[arrivals, k]).mean()
        error = np.sqrt((chosen.var(axis=0) / len(chosen)).sum()) / chosen.shape[1]
        return Estimate(value=float(apart), error=float(error))

    def floor(self, n_rows: int, k: int) -> float:
        """The distance from Plackett-Luce that so many of its own samples have: normal deviations, in the mean."""
        p = self.laws["exponential", k]
        return float(np.sqrt(2 * p * (1 - p) / (np.pi * n_rows)).mean())

    def by_law(self, name: str, k: int) -> dict[str, Estimate]:
        """How far a circuit's races are from each law."""
        return {a: self.distance(self.raced[name, k].chosen, a, k) for a in ARRIVALS}


def in_data(study: Study) -> xr.Dataset:
    """Inclusion and spikes by circuit and k, cycles, counts."""
    params = study.params
    included = [[list(map(fraction, study.raced[n, k].chosen.T)) for k in params.k] for n in study.names]
    spikes = [[mean(study.raced[n, k].n_spikes) for k in params.k] for n in study.names]
    right = [[fraction(study.counted[n, s]) for s in params.spikes] for n in study.names]
    laws = [[study.laws[a, k] for k in params.k] for a in ARRIVALS]
    reached = [[fraction(study.cycles[n].n_distinct >= k) for k in params.k] for n in params.circuits]
    return xr.Dataset(
        {
            **estimate_column(
                "included", ("raced_by", "k", "key"), included, "chance to be among the first k"
            ),
            **estimate_column("took", ("raced_by", "k"), spikes, "spikes until k keys have spiked"),
            **estimate_column("right", ("raced_by", "counted"), right, "rows whose strongest keys lead"),
            **estimate_column("reached", ("circuit", "k"), reached, "cycles in which k keys spike"),
            "law": column(("arrivals", "k", "key"), laws, "chance to be among the first k"),
            "law_spikes": column("k", [study.spikes(k) for k in params.k], "spikes until k keys have spiked"),
        },
        {
            "raced_by": list(study.names),
            "circuit": list(params.circuits),
            "arrivals": [LAW_NAMES[a] for a in ARRIVALS],
            "k": column("k", params.k, "keys selected, k"),
            "key": column("key", np.arange(1, params.n_keys + 1), "key, by falling score"),
            "counted": column("counted", params.spikes, "spikes counted"),
        },
    )


def in_numbers(study: Study) -> dict[str, Metric]:
    """Distances from both laws, spikes until k, cycles, counts."""
    lines, params, k = Lines(), study.params, study.params.shown
    for name in study.names:
        apart = study.by_law(name, k)
        lines.add(
            f"race_{name}",
            f"distance of selection from Plackett-Luce, k = {k}, {name}",
            apart["exponential"],
            floor=study.floor(params.n_rows, k),
            control=apart["uniform"],
            note="floor: as many samples; control: distance from a race of uniform times",
        )
    for name in study.names:
        for each in params.k:
            lines.add(
                f"spikes_{name}" if each == k else f"spikes_{name}_{each}",
                f"spikes until {each} {'key has' if each == 1 else 'keys have'} spiked, {name}",
                mean(study.raced[name, each].n_spikes),
                control=study.spikes(each),
                note="control: memoryless cells",
            )
    for name, cycles in study.cycles.items():
        complete = cycles.first.complete
        won = np.bincount(cycles.first.order[complete, 0], minlength=params.n_keys) / max(1, complete.sum())
        lines.add(f"cycle_{name}", f"cycles in which {k} keys spike, {name}", fraction(complete))
        lines.add(f"cycle_spikes_{name}", f"– spikes of a cycle, {name}", mean(cycles.n_spikes))
        if complete.any():
            lines.add(
                f"cycle_race_{name}",
                f"– distance from Plackett-Luce in these, {name}",
                study.distance(cycles.first.chosen[complete], "exponential", k),
                floor=study.floor(int(complete.sum()), k),
                note="floor: as many samples",
            )
        lines.add(
            f"repeats_{name}",
            f"– cycles with the first key of the cycle before, {name}",
            fraction(cycles.repeats),
            control=float((won**2).sum()),
            note="control: independent cycles",
        )
    for (name, n), right in study.counted.items():
        lines.add(
            f"counts_{name}_{n}",
            f"rows whose {TOP} strongest keys have the most of {n} spikes, {name}",
            fraction(right),
            control=fraction(study.counted[SAMPLES, n]),
            note="control: samples",
        )
    return lines.metrics


def in_words(study: Study, metrics: Mapping[str, Metric]) -> Words:
    """Which law each circuit follows, what it takes, what a cycle holds, what counting adds."""
    laws, takes = _on_laws(study), _on_spikes(study, metrics)
    cycles = _on_cycles(study, metrics)
    return words(laws, takes, cycles, _on_counts(study), short=(laws, takes, cycles))


def _on_laws(study: Study) -> str:
    """The nearer law of each circuit."""
    k, said = study.params.shown, []
    apart = {name: study.by_law(name, k) for name in study.params.circuits}
    for arrivals, other in (ARRIVALS, ARRIVALS[::-1]):
        near = [name for name in apart if apart[name][arrivals].value <= apart[name][other].value]
        if near:
            here, there = (listed([f"{apart[n][law].value:.3f}" for n in near]) for law in (arrivals, other))
            said.append(
                f"of {listed(near)} are nearer to {LAW_NAMES[arrivals]} (mean distance over keys {here}, from the "
                f"other law {there})"
            )
    floor = study.floor(study.params.n_rows, k)
    return (
        f"The first {k} distinct keys to spike {', those '.join(said)}; as many samples of Plackett-Luce are "
        f"{floor:.3f} away from it."
    )


def _on_spikes(study: Study, metrics: Mapping[str, Metric]) -> str:
    k, law = study.params.shown, study.spikes(study.params.shown)
    took = {name: metrics[f"spikes_{name}"] for name in study.params.circuits}
    signs = clear({n: difference(estimate_of(m), Estimate(value=law, error=0.0)) for n, m in took.items()})
    each = [f"{m} ({name}{choose(signs[name], ', more', '', ', fewer')})" for name, m in took.items()]
    return (
        f"Until {k} {'key has' if k == 1 else 'keys have'} spiked it takes {listed(each)} spikes, where memoryless "
        f"cells take {law:.2f}."
    )


def _on_cycles(study: Study, metrics: Mapping[str, Metric]) -> str:
    """How many cycles are long enough, and whether the first key of one returns in the next."""
    k, names = study.params.shown, study.params.circuits
    shares = listed([f"{metrics[f'cycle_{name}']:.0%} ({name})" for name in names])
    lines = {name: metrics[f"repeats_{name}"] for name in names}
    signs = clear(
        {n: difference(estimate_of(m), Estimate(value=m.control or 0.0, error=0.0)) for n, m in lines.items()}
    )
    some = [
        f"{word} in {listed([n for n in signs if signs[n] == sign])}"
        for sign, word in ((1, "more often"), (-1, "less often"))
        if sign in signs.values()
    ]
    again = (
        f"The first key of a cycle is also that of the next {' and '.join(some)} than if cycles were independent."
        if some
        else "Which key comes first in a cycle says nothing clear of the next one."
    )
    what = "key" if k == 1 else "keys"
    return f"In a rhythm that goes on, {shares} of the cycles have {k} different {what}. {again}"


def _on_counts(study: Study) -> str:
    """The least number of spikes whose counts are right in nine of ten rows."""
    most, said = study.params.spikes[-1], []
    for name in study.names:
        enough = next((n for n in study.params.spikes if study.counted[name, n].mean() >= ENOUGH), None)
        said.append(f"{enough or f'more than {most}'} ({name})")
    return (
        f"For the {TOP} strongest keys to have the most spikes in {ENOUGH:.0%} of the rows it takes {listed(said)} "
        "spikes, of the numbers tried."
    )
