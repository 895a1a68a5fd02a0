"""Measures of fine-tune-spikes: four models in softmax and in spikes on the same windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from pragmatic.training.evaluation import SequenceScores
from pragmatic.training.train import TrainResult
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.scores import paired_columns, score_columns
from scenarios.workbench.statistics import Estimate, bootstrap
from scenarios.workbench.tables import columns

__all__ = ["MODELS", "TUNED", "models_dataset", "table"]

TUNED = ("softmax", "sampled", "simulated")  # the heads while learning on
MODELS = ("trained", *TUNED)
OVER = "over softmax heads of as many iterations"


def models_dataset(
    softmax: Mapping[str, SequenceScores],  # of a model
    spiking: Mapping[tuple[str, int], SequenceScores],  # model, spikes; always simulated
    trainings: Mapping[str, TrainResult],  # of a tuned model
) -> xr.Dataset:
    """Losses of every window, rises over the softmax model of as many iterations, losses of every batch."""
    full, spikes = ("model", "spikes", "window"), list(dict.fromkeys(n for _, n in spiking))
    iterations = np.arange(1, len(trainings["softmax"].losses) + 1)
    axes = columns("spikes", spikes=spikes) | columns("iteration", iteration=iterations)
    dataset = xr.Dataset(
        {
            **score_columns(("model",), [softmax[m] for m in MODELS], "softmax_"),
            **score_columns(("model", "spikes"), [[spiking[m, n] for n in spikes] for m in MODELS]),
            **columns(("tuned", "iteration"), "nat", batch_loss=[trainings[m].losses for m in TUNED]),
            **columns(("tuned", "iteration"), "s", seconds=[trainings[m].seconds for m in TUNED]),
        },
        {"model": list(MODELS), "tuned": list(TUNED), **axes},
    )
    reference = dataset.softmax_loss.sel(model=["trained", *["softmax"] * len(TUNED)])
    rise = (dataset.loss - reference.assign_coords(model=dataset.model)).transpose(*full)
    return dataset.assign(
        {"window_rise": rise.assign_attrs(units="nat"), **paired_columns("rise", rise, "rise in loss", "nat")}
    )


def table(dataset: xr.Dataset, rng: np.random.Generator) -> dict[str, Metric]:
    """Every number of the report, all differences over the same windows."""
    lines = Lines()
    _rises(lines, dataset)
    _recovered(lines, dataset, rng)
    _losses(lines, dataset)
    _time(lines, dataset)
    return lines.metrics


def _rises(lines: Lines, dataset: xr.Dataset) -> None:
    n, softmax = dataset.train_spikes, dataset.softmax_loss
    rise = {model: dataset.window_rise.sel(model=model, spikes=n) for model in MODELS}
    spikes = rise["simulated"]
    original = dataset.loss.sel(model="simulated", spikes=n) - softmax.sel(model="trained")
    for name, label, values, control, note in (
        ("before", f"rise in loss at {n} spikes, before", rise["trained"], None, OVER),
        (
            "after",
            "– after learning on with spikes",
            spikes,
            rise["softmax"],
            f"{OVER}; control: learnt on with softmax, then swapped",
        ),
        ("after_softmax", "– after learning on with softmax", rise["softmax"], None, OVER),
        (
            "after_sampled",
            "– after learning on with exact samples",
            rise["sampled"],
            None,
            f"{OVER}; measured in simulated spikes",
        ),
    ):
        lines.add(name, label, values, control=control, unit="nat", note=note)
    for name, label, other, note in (
        ("softmax", "softmax", "softmax", "below 0: the spikes in the loop taught something"),
        ("samples", "samples", "sampled", ""),
    ):
        label = f"– with spikes above with {label} in the loop"
        lines.add(f"spikes_or_{name}", label, spikes - rise[other], floor=0, unit="nat", note=note)
    better = "below 0: better than it was"
    lines.add("after_original", "– after, over the model as it was", original, unit="nat", note=better)


def _recovered(lines: Lines, dataset: xr.Dataset, rng: np.random.Generator) -> None:
    """Part of the rise that is gone, with spikes in the loop and, as control, without."""
    rises = dataset.window_rise.sel(spikes=dataset.train_spikes)
    before = rises.sel(model="trained").values

    def part(model: str) -> Estimate:
        after = rises.sel(model=model).values

        def recovered(rows: np.ndarray) -> float:
            was = before[rows].mean()
            return float(1 - after[rows].mean() / was) if was > 0 else np.nan

        return bootstrap(recovered, len(before), rng)

    note = "control: learnt on with softmax, then swapped"
    spikes, softmax = part("simulated"), part("softmax")
    lines.add("recovered", "part of the rise that is gone", spikes, control=softmax, note=note)


def _losses(lines: Lines, dataset: xr.Dataset) -> None:
    n = dataset.train_spikes
    softmax = {model: dataset.softmax_loss.sel(model=model) for model in MODELS}
    lines.add("loss", "loss as trained, with softmax", softmax["trained"], unit="nat")
    lines.add(
        "loss_after",
        f"loss after learning on, at {n} spikes",
        dataset.loss.sel(model="simulated", spikes=n),
        control=softmax["softmax"],
        unit="nat",
        note="control: softmax heads all along",
    )
    learnt, more = softmax["softmax"] - softmax["trained"], "what more training does"
    lines.add("learnt", "change of softmax heads by learning on", learnt, unit="nat", note=more)
    back, label = softmax["simulated"] - softmax["softmax"], "rise if the spikes' model goes back to softmax"
    lines.add("back", label, back, floor=0, unit="nat", note="over softmax heads all along")


def _time(lines: Lines, dataset: xr.Dataset) -> None:
    """Medians over iterations: the first one compiles."""
    median = {m: np.median(np.diff(dataset.seconds.sel(tuned=m).values)) for m in TUNED}
    spikes, samples, softmax = median["simulated"], median["sampled"], median["softmax"]
    same = "control: softmax heads, in the same run"
    lines.add("seconds", "time of an iteration with spikes", spikes, control=softmax, unit="s", note=same)
    times = "– times that of softmax heads"
    note = "control: exact samples"
    lines.add("times_softmax", times, spikes / softmax, control=samples / softmax, note=note)
