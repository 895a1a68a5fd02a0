"""Measures of train-with-spikes: the course of every training, as data that runs can share, and its price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from pragmatic.training.evaluation import SequenceScores
from scenarios.workbench.cost import COST_AXES, cost_columns
from scenarios.workbench.head_kinds import KINDS, SPIKING_KINDS
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.scores import score_columns
from scenarios.workbench.statistics import Estimate, mean, mean_over_seeds
from scenarios.workbench.tables import columns
from scenarios.workbench.trainings import Learnt

__all__ = [
    *("READS", "Training", "gaps", "headline_of", "join", "kinds_of", "of_kind", "paired", "table"),
    "trainings_dataset",
]

READS = ("softmax", "simulated")  # heads that a trained model is also measured with
DIGITAL, HARDWARE = "fp32_45nm", "loihi_fp32"  # energy tables in the report; the others are in the data


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training from scratch."""

    kind: str
    seed: int
    learnt: Learnt
    scores: Mapping[str, SequenceScores]  # of the trained model, by the heads in it; its own are `kind`

    def loss_with(self, read: str) -> np.ndarray:
        """Losses with other heads put in, (n_windows,); nan where that was not measured."""
        own = self.scores[self.kind].loss
        return (
            self.scores[read].loss if read in self.scores and read != self.kind else np.full(len(own), np.nan)
        )


def trainings_dataset(trainings: Sequence[Training], settings: str) -> xr.Dataset:
    """Losses by iteration, held-out losses along the way and at the end, counts and joules of an iteration."""
    results = [t.learnt.result for t in trainings]
    evaluations = [result.evaluations for result in results]
    costs = np.array([t.learnt.costs for t in trainings], dtype=object)  # (n_trainings, 2)
    along = ("training", "evaluation")
    iterations = np.arange(1, len(results[0].losses) + 1)
    axes = columns("iteration", iteration=iterations) | columns("training", seed=[t.seed for t in trainings])
    axes |= columns("evaluation", evaluation=[e.iteration for e in evaluations[0]])
    return xr.Dataset(
        {
            **columns(("training", "iteration"), "nat", batch_loss=[result.losses for result in results]),
            **columns(("training", "iteration"), "s", seconds=[result.seconds for result in results]),
            **columns(along, "nat", held_out_loss=[[e.loss for e in each] for each in evaluations]),
            **columns(along, held_out_accuracy=[[e.accuracy for e in each] for each in evaluations]),
            **score_columns(("training",), [t.scores[t.kind] for t in trainings]),
            **columns(
                ("training", "read", "window"),
                "nat",
                loss_with=[[t.loss_with(read) for read in READS] for t in trainings],
            ),
            **cost_columns(("training", "when"), costs),
        },
        {"kind": ("training", [t.kind for t in trainings]), "read": list(READS), "when": ["first", "last"]}
        | axes
        | COST_AXES,
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
    lines = Lines()
    for kind in kinds_of(dataset):
        ours = of_kind(dataset, kind)
        several = ours.sizes["training"] > 1
        note = "spread over seeds and windows together" if several else "over windows alone, one seed"
        loss = mean_over_seeds(ours.loss.values)
        lines.add(f"loss_{kind}", f"loss with {kind} heads", loss, unit="nat", note=f"error: {note}")
        lines.add(f"accuracy_{kind}", "– accuracy", mean_over_seeds(ours.accuracy.values))
    for kind in kinds_of(dataset):
        if kind != "softmax" and paired(dataset, kind):
            _against_softmax(lines, dataset, kind)
    for kind in kinds_of(dataset):
        _price(lines, dataset, kind)
    return lines.metrics


def headline_of(metrics: Mapping[str, Metric]) -> tuple[str, str, str]:
    """Loss, time and operations of the simulated heads over softmax, where both were trained."""
    wanted = ("gap_simulated", "times_simulated", "operations_times_simulated")
    first, second, third = wanted if set(wanted) <= set(metrics) else list(metrics)[:3]
    return first, second, third


def _against_softmax(lines: Lines, dataset: xr.Dataset, kind: str) -> None:
    gap, swapped = gaps(dataset, kind), gaps(dataset, "softmax", "simulated")
    by_seed = gap.mean(axis=1)
    spread = f"; standard deviation over seeds {by_seed.std(ddof=1):.4f}" if len(gap) > 1 else ""
    simulated = kind == "simulated"
    control = "; control: spikes put into the model trained with softmax" if simulated else ""
    lines.add(
        f"gap_{kind}",
        f"loss with {kind} heads above softmax",
        mean_over_seeds(gap),
        floor=0,
        control=swapped.mean() if simulated else None,
        unit="nat",
        note=f"by seed: {', '.join(f'{value:+.4f}' for value in by_seed)}{spread}{control}",
    )
    if kind in SPIKING_KINDS:
        back, label = gaps(dataset, kind, "softmax"), "– with softmax put into the trained model"
        lines.add(f"gap_{kind}_back", label, mean_over_seeds(back), floor=0, unit="nat")
    if simulated:
        label, note = "– with spikes put into the model trained with softmax", "what training has to beat"
        lines.add("gap_swapped", label, mean_over_seeds(swapped), floor=0, unit="nat", note=note)
        label = "– what training through the spikes saves of that"
        lines.add("gain_by_training", label, mean_over_seeds(swapped - gap), unit="nat")
    lines.add(
        f"loss_{kind}_same_operations",
        f"loss with {kind} heads at the operations of the whole softmax training",
        _at_equal_operations(*paired(dataset, kind)),
        control=of_kind(dataset, "softmax").loss.mean(),
        unit="nat",
        note="control: softmax; between evaluations by straight lines",
    )


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
    ratio = (
        softmax.operations.sel(machine="simulated").values / ours.operations.sel(machine="simulated").values
    )
    places = np.minimum(1.0, ratio.mean(axis=1)) * ours.sizes["iteration"]
    curves = zip(places, ours.held_out_loss.values, strict=True)
    return mean(np.array([np.interp(place, ours.evaluation.values, curve) for place, curve in curves]))
