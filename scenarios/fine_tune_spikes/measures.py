"""Measures of fine-tune-spikes: four models in softmax and in spikes on the same windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from pragmatic.training.evaluation import SequenceScores
from pragmatic.training.train import TrainResult
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.scores import paired_columns, score_columns
from scenarios.workbench.sentences import choose, words
from scenarios.workbench.statistics import Estimate, bootstrap, clear, estimate_of, sign
from scenarios.workbench.tables import columns

__all__ = ["MODELS", "TUNED", "in_words", "models_dataset", "table"]

TUNED = ("softmax", "sampled", "simulated")  # the heads while learning on
MODELS = ("trained", *TUNED)
OVER = "over softmax heads of as many iterations"
LEARNT_ON = "control: learnt on with softmax, then swapped"
COMPARED = ("spikes_or_softmax", "spikes_or_samples")  # corrected together


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
    n, at = dataset.train_spikes, dataset.sel(spikes=dataset.train_spikes)
    rise = {model: at.window_rise.sel(model=model) for model in MODELS}
    swapped, measured = f"{OVER}; {LEARNT_ON}", f"{OVER}; measured in simulated spikes"
    for name, model, label, control, note in (
        ("before", "trained", f"rise in loss at {n} spikes, before", None, OVER),
        ("after", "simulated", "– after learning on with spikes", rise["softmax"], swapped),
        ("after_softmax", "softmax", "– after learning on with softmax", None, OVER),
        ("after_sampled", "sampled", "– after learning on with exact samples", None, measured),
    ):
        lines.take(at.sel(model=model), "rise", name=name, label=label, control=control, note=note)
    taught = "below 0: the spikes in the loop taught something"
    for name, label, other, note in (
        ("softmax", "softmax", "softmax", taught),
        ("samples", "samples", "sampled", ""),
    ):
        apart, label = rise["simulated"] - rise[other], f"– with spikes above with {label} in the loop"
        lines.add(f"spikes_or_{name}", label, apart, floor=0, unit="nat", note=note)
    original = at.loss.sel(model="simulated") - dataset.softmax_loss.sel(model="trained")
    label, better = "– after, over the model as it was", "below 0: better than it was"
    lines.add("after_original", label, original, unit="nat", note=better)


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

    spikes, softmax = part("simulated"), part("softmax")
    lines.add("recovered", "part of the rise that is gone", spikes, control=softmax, note=LEARNT_ON)


def _losses(lines: Lines, dataset: xr.Dataset) -> None:
    n = dataset.train_spikes
    softmax = {model: dataset.softmax_loss.sel(model=model) for model in MODELS}
    lines.add("loss", "loss as trained, with softmax", softmax["trained"], unit="nat")
    label, after = f"loss after learning on, at {n} spikes", dataset.loss.sel(model="simulated", spikes=n)
    control, note = softmax["softmax"], "control: softmax heads all along"
    lines.add("loss_after", label, after, control=control, unit="nat", note=note)
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
    label, times, note = "– times that of softmax heads", spikes / softmax, "control: exact samples"
    lines.add("times_softmax", label, times, control=samples / softmax, note=note)


def in_words(m: Numbers, params: Any) -> Words:
    """Say the answer in short and as a paragraph; every comparison in it is decided by the numbers of the run."""
    signs, rise = clear({name: estimate_of(m[name]) for name in COMPARED}), _rise(m, params)
    word = choose(  # whether it was the spikes in the loop or the mere learning on
        signs["spikes_or_softmax"],
        "Spikes in the loop help less than softmax does",
        "That spikes in the loop help more than softmax does is not clear",
        "Spikes in the loop help more than softmax does",
    )
    control = (
        f"{word}: the model that learnt on with softmax loses {m['after_softmax']} when swapped "
        f"(spikes less softmax in the loop: {m['spikes_or_softmax']})."
    )
    word = choose(signs["spikes_or_samples"], "samples help more", "no clear difference", "samples help less")
    samples = f"With exact samples in the loop it loses {m['after_sampled']}: {word}."
    cost = f"An iteration with simulated spikes takes {m['times_softmax']:.3g} times that of softmax heads."
    word = choose(sign(m["back"]), "worse than", "not clearly different from", "better than")
    back = f"With softmax put back the model is {word} one that never left it ({m['back']})."
    return words(rise, control, samples, cost, back, short=(rise, control, cost))


def _rise(m: Numbers, params: Any) -> str:
    before, gone = m["before"], m["recovered"]
    spiking = f"{params.chosen} spiking at {params.train_spikes} spikes a row"
    start = f"With {spiking}, the model as trained loses {before}"
    if sign(before) <= 0:
        return f"{start}, which is no clear loss: there is nothing for fine-tuning to win back."
    word = choose(
        sign(gone),
        f"{gone} of the rise is gone",
        f"no clear part of the rise is gone ({gone})",
        f"the rise is larger than before (part gone: {gone})",
    )
    return (
        f"{start}; after {params.tune_iterations} iterations with spikes in the loop it loses {m['after']} "
        f"against softmax heads that learnt on as long, and {m['after_original']} against the model as it was: "
        f"{word}."
    )
