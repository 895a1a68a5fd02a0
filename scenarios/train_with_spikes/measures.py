"""Measures of train-with-spikes: the course of every training, as data that runs can share, and its price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from pragmatic.training.evaluation import SequenceScores
from scenarios.workbench.cost import COST_AXES, DIGITAL, HARDWARE, cost_columns
from scenarios.workbench.head_kinds import KINDS, SPIKING_KINDS
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.scores import score_columns
from scenarios.workbench.sentences import choose, words
from scenarios.workbench.statistics import Estimate, clear, estimate_of, mean, mean_over_seeds, sign
from scenarios.workbench.tables import column, columns
from scenarios.workbench.trainings import Learnt

__all__ = [
    *("READS", "Training", "gaps", "headline_of", "in_words", "join", "kinds_of", "of_kind", "paired"),
    *("table", "trainings_dataset"),
]

READS = ("softmax", "simulated")  # heads that a trained model is also measured with
OTHERS = {
    "sampled": "as many exact samples",
    "linear": "linear",
    "sparsemax": "sparsemax",
    "uniform": "uniform",
}


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training from scratch."""

    kind: str
    seed: int
    learnt: Learnt
    scores: Mapping[str, SequenceScores]  # of the trained model, by the heads in it; its own are `kind`

    def loss_with(self, read: str) -> np.ndarray:
        """Losses with other heads put in, (n_windows,); nan where that was not measured."""
        other = self.scores.get(read) if read != self.kind else None
        return np.full(len(self.scores[self.kind].loss), np.nan) if other is None else other.loss


def trainings_dataset(trainings: Sequence[Training], settings: str) -> xr.Dataset:
    """Losses by iteration, held-out losses along the way and at the end, counts and joules of an iteration."""
    results = [t.learnt.result for t in trainings]
    evaluations = [result.evaluations for result in results]
    costs = np.array([t.learnt.costs for t in trainings], dtype=object)  # (n_trainings, 2)
    every, along = ("training", "iteration"), ("training", "evaluation")
    losses = [[e.loss for e in each] for each in evaluations]
    put_in = [[t.loss_with(read) for read in READS] for t in trainings]
    return xr.Dataset(
        {
            **columns(every, "nat", batch_loss=[result.losses for result in results]),
            "seconds": column(every, [result.seconds for result in results], "time", "s"),
            "held_out_loss": column(along, losses, "held-out loss", "nat"),
            **columns(along, held_out_accuracy=[[e.accuracy for e in each] for each in evaluations]),
            **score_columns(("training",), [t.scores[t.kind] for t in trainings]),
            **columns(("training", "read", "window"), "nat", loss_with=put_in),
            **cost_columns(("training", "when"), costs),
        },
        {
            "kind": ("training", [t.kind for t in trainings]),
            "read": list(READS),
            "when": ["first", "last"],
            **columns("iteration", iteration=np.arange(1, len(results[0].losses) + 1)),
            **columns("training", seed=[t.seed for t in trainings]),
            **columns("evaluation", evaluation=[e.iteration for e in evaluations[0]]),
            **COST_AXES,
        },
        {"settings": settings},
    )


def join(one: xr.Dataset | None, other: xr.Dataset | None) -> xr.Dataset:
    """The trainings of both, each (kind, seed) once; of either alone where the other is None."""
    given = [data.drop_encoding() for data in (one, other) if data is not None]  # read text has a width
    both = given[0] if len(given) == 1 else xr.concat(given, dim="training", combine_attrs="override")
    pairs = list(zip(both.kind.values, both.seed.values.tolist(), strict=True))
    return both.isel(training=sorted({pair: i for i, pair in reversed(list(enumerate(pairs)))}.values()))


def kinds_of(dataset: xr.Dataset) -> list[str]:
    """The kinds of head that were trained."""
    return [kind for kind in KINDS if kind in dataset.kind.values]


def of_kind(dataset: xr.Dataset, kind: str) -> xr.Dataset:
    """The trainings of one kind of head, by seed."""
    return dataset.isel(training=dataset.kind.values == kind).sortby("seed")


def paired(dataset: xr.Dataset, kind: str) -> list[xr.Dataset]:
    """Trainings of this kind and of softmax, from the seeds that both have; empty where there is none."""
    both = [of_kind(dataset, each) for each in (kind, "softmax")]
    seeds = sorted(set.intersection(*(set(each.seed.values.tolist()) for each in both)))
    return [each.isel(training=np.isin(each.seed.values, seeds)) for each in both] if seeds else []


def gaps(dataset: xr.Dataset, kind: str, read: str | None = None) -> np.ndarray:
    """Loss above softmax's of the same seed, (n_seeds, n_windows); `read`: with these heads put in."""
    ours, softmax = paired(dataset, kind)
    return (ours.loss if read is None else ours.loss_with.sel(read=read)).values - softmax.loss.values


def table(dataset: xr.Dataset) -> dict[str, Metric]:
    """Every number of the report, of the kinds of head that were trained."""
    lines, kinds = Lines(), kinds_of(dataset)
    for kind in kinds:
        ours = of_kind(dataset, kind)
        several = ours.sizes["training"] > 1
        note = "spread over seeds and windows together" if several else "over windows alone, one seed"
        loss = mean_over_seeds(ours.loss.values)
        lines.add(f"loss_{kind}", f"loss with {kind} heads", loss, unit="nat", note=f"error: {note}")
        lines.add(f"accuracy_{kind}", "– accuracy", mean_over_seeds(ours.accuracy.values))
    for kind in kinds:
        if kind != "softmax" and paired(dataset, kind):
            _against_softmax(lines, dataset, kind)
    for kind in kinds:
        _price(lines, dataset, kind)
    return lines.metrics


def headline_of(metrics: Mapping[str, Metric]) -> tuple[str, str, str]:
    """Loss, time and operations of the simulated heads over softmax, where both were trained."""
    wanted = ("gap_simulated", "times_simulated", "operations_times_simulated")
    first, second, third = wanted if set(wanted) <= set(metrics) else list(metrics)[:3]
    return first, second, third


def _against_softmax(lines: Lines, dataset: xr.Dataset, kind: str) -> None:
    gap, swapped = gaps(dataset, kind), gaps(dataset, "softmax", "simulated")

    def line(name: str, label: str, values: np.ndarray, **more: Any) -> None:
        lines.add(name, label, mean_over_seeds(values), unit="nat", **more)

    by_seed = gap.mean(axis=1)
    note = f"by seed: {', '.join(f'{value:+.4f}' for value in by_seed)}"
    if len(gap) > 1:
        note += f"; standard deviation over seeds {by_seed.std(ddof=1):.4f}"
    simulated, control = kind == "simulated", None
    if simulated:
        note, control = f"{note}; control: spikes put into the model trained with softmax", swapped.mean()
    line(f"gap_{kind}", f"loss with {kind} heads above softmax", gap, floor=0, control=control, note=note)
    if kind in SPIKING_KINDS:
        back = gaps(dataset, kind, "softmax")
        line(f"gap_{kind}_back", "– with softmax put into the trained model", back, floor=0)
    if simulated:
        label, note = "– with spikes put into the model trained with softmax", "what training has to beat"
        line("gap_swapped", label, swapped, floor=0, note=note)
        line("gain_by_training", "– what training through the spikes saves of that", swapped - gap)
    label = f"loss with {kind} heads at the operations of the whole softmax training"
    equal, control = _at_equal_operations(*paired(dataset, kind)), of_kind(dataset, "softmax").loss
    note = "control: softmax; between evaluations by straight lines"
    lines.add(f"loss_{kind}_same_operations", label, equal, control=control, unit="nat", note=note)


def _price(lines: Lines, dataset: xr.Dataset, kind: str) -> None:
    ours = of_kind(dataset, kind)
    digital = ours.operations.sel(machine="simulated")
    drift = abs(digital.sel(when="last") / digital.sel(when="first") - 1)
    counted = f"first and last counted; they differ by {100 * float(drift.max()):.2g} % at most"
    lines.add(f"seconds_{kind}", f"time of an iteration, {kind}", _medians(ours), unit="s")
    lines.add(f"operations_{kind}", f"operations of an iteration, {kind}", _work(ours), note=counted)
    lines.add(f"joules_{kind}", f"– energy, digital ({DIGITAL})", _joules(ours, DIGITAL), unit="J")
    if kind == "simulated":
        events = _joules(ours, HARDWARE)
        lines.add("joules_events", f"– energy, cells in hardware ({HARDWARE})", events, unit="J")
    if kind == "softmax" or not paired(dataset, kind):
        return
    ours, softmax = paired(dataset, kind)
    note = "medians over iterations, the kinds of a seed one after the other in one run"
    label, times = f"{kind} / softmax", _medians(ours) / _medians(softmax)
    lines.add(f"times_{kind}", f"time of an iteration, {label}", times, note=note)
    lines.add(f"operations_times_{kind}", f"operations, {label}", _work(ours) / _work(softmax))
    for name, priced in (kind, DIGITAL), ("events", HARDWARE):
        if name == kind or kind == "simulated":
            times = _joules(ours, priced) / _joules(softmax, priced)
            lines.add(f"joules_times_{name}", f"energy, {label} ({priced})", times)


def _work(trainings: xr.Dataset) -> np.ndarray:
    return trainings.operations.sel(machine="simulated").mean("when").values


def _joules(trainings: xr.Dataset, priced: str) -> np.ndarray:
    return trainings.joules.sel(table=priced).mean("when").values


def _medians(trainings: xr.Dataset) -> np.ndarray:
    """Seconds of an iteration, of each training (n,)."""
    return np.median(np.diff(trainings.seconds.values, axis=1), axis=1)


def _at_equal_operations(ours: xr.Dataset, softmax: xr.Dataset) -> Estimate:
    """Held-out loss of each training when it has done as many operations as the softmax training in all."""
    done = [trainings.operations.sel(machine="simulated").values for trainings in (softmax, ours)]
    places = np.minimum(1.0, (done[0] / done[1]).mean(axis=1)) * ours.sizes["iteration"]
    curves = zip(places, ours.held_out_loss.values, strict=True)
    return mean(np.array([np.interp(place, ours.evaluation.values, curve) for place, curve in curves]))


def in_words(m: Numbers, params: Any) -> Words:
    """Say the answer in short and as a paragraph; nothing is said of kinds that were not trained."""
    if "gap_simulated" not in m:
        trained = ", ".join(f"{kind} {m[f'loss_{kind}']}" for kind in KINDS if f"loss_{kind}" in m)
        lacking = (
            f"Loss after {params.iterations} iterations: {trained}. Simulated heads and softmax of one seed "
            "were not both trained, so nothing is compared; join the runs that have them."
        )
        return words(lacking, short=())
    learns, through, price = _learns(m, params), _through(m), _price_said(m)
    equal = m["loss_simulated_same_operations"]
    at_equal = (
        f"After as many operations as the whole softmax training its loss is {equal}, "
        f"{equal.value - (equal.control or 0.0):+.3g} nat from where softmax ended."
    )
    return words(learns, through, _others(m), price, at_equal, short=(learns, through, price))


def _learns(m: Numbers, params: Any) -> str:
    gap, unlearnt = m["gap_simulated"], ""
    word = choose(sign(gap), "worse", "no clear difference", "better")
    if "gap_uniform" in m and sign(m["gap_uniform"]) <= 0:
        unlearnt = (
            ", though softmax is not clearly better than uniform attention: no head has learnt to select"
        )
    return (
        f"From scratch, {params.iterations} iterations with {params.spikes} simulated spikes a row reach "
        f"{m['loss_simulated']} against {m['loss_softmax']} with softmax: {word}, {gap} seed by seed{unlearnt}."
    )


def _through(m: Numbers) -> str:
    """Whether it helps to have the spikes in the loop, or they may as well be put in at the end."""
    saved = m["gain_by_training"]
    word = choose(
        sign(saved),
        f"training through them saves {saved} of it",
        f"no clear gain by training through them ({saved})",
        f"training through them is worse than that (gain {saved})",
    )
    return f"Put only into the trained softmax model, the spikes cost {m['gap_swapped']}: {word}."


def _others(m: Numbers) -> str:
    """The other kinds of head against softmax, compared together."""
    given = {kind: m[f"gap_{kind}"] for kind in OTHERS if f"gap_{kind}" in m}
    signs = clear({kind: estimate_of(gap) for kind, gap in given.items()})
    said = [
        f"{OTHERS[kind]} {gap} ({choose(signs[kind], 'worse', 'no clear difference', 'better')})"
        for kind, gap in given.items()
    ]
    return f"Other heads against softmax: {', '.join(said)}." if said else ""


def _price_said(m: Numbers) -> str:
    return (
        f"An iteration takes {m['times_simulated']:.3g} times the time of softmax heads, "
        f"{m['operations_times_simulated']:.3g} times the operations, and {m['joules_times_simulated']:.3g} times "
        f"the energy on a digital machine or {m['joules_times_events']:.3g} times with the cells in hardware."
    )
