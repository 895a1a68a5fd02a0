"""The numbers of train-with-spikes, from its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from scenarios.workbench.head_kinds import KINDS, SPIKING_KINDS
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, mean, mean_over_seeds, metric

__all__ = ["gaps", "headline_of", "of_kind", "paired", "training_metrics"]

DIGITAL, HARDWARE = "fp32_45nm", "loihi_fp32"  # energy tables that are told; the others are in the data
ERRORS = "error: spread over seeds and windows together"


def training_metrics(dataset: xr.Dataset) -> dict[str, Metric]:
    """Every number of the report, of the kinds of head that were trained."""
    kinds = [kind for kind in KINDS if kind in dataset.kind.values]
    found: dict[str, Metric] = {}
    for kind in kinds:
        found |= _loss(dataset, kind)
    for kind in kinds:
        if kind != "softmax" and paired(dataset, kind):
            found |= _against_softmax(dataset, kind)
    for kind in kinds:
        found |= _price(dataset, kind)
    return found


def headline_of(metrics: Mapping[str, Metric]) -> tuple[str, str, str]:
    """Loss, time and operations of the simulated heads over softmax, where both were trained."""
    wanted = ("gap_simulated", "times_simulated", "operations_times_simulated")
    first, second, third = wanted if set(wanted) <= set(metrics) else list(metrics)[:3]
    return first, second, third


def of_kind(dataset: xr.Dataset, kind: str) -> xr.Dataset:
    """The trainings of one kind of head, by seed."""
    return dataset.isel(training=dataset.kind.values == kind).sortby("seed")


def paired(dataset: xr.Dataset, kind: str) -> list[int]:
    """Seeds from which both this kind and softmax were trained."""
    seeds = (set(of_kind(dataset, each).seed.values.tolist()) for each in (kind, "softmax"))
    return sorted(set.intersection(*seeds))


def gaps(dataset: xr.Dataset, kind: str, read: str | None = None) -> np.ndarray:
    """Loss above softmax's of the same seed, (n_seeds, n_windows); `read`: with these heads put in."""
    seeds = paired(dataset, kind)
    ours, softmax = (_at_seeds(of_kind(dataset, each), seeds) for each in (kind, "softmax"))
    loss = ours.loss if read is None else ours.loss_with.sel(read=read)
    return loss.values - softmax.loss.values


def _loss(dataset: xr.Dataset, kind: str) -> dict[str, Metric]:
    ours = of_kind(dataset, kind)
    note = ERRORS if ours.sizes["training"] > 1 else "error: over windows alone, one seed"
    return {
        f"loss_{kind}": metric(
            f"loss with {kind} heads", mean_over_seeds(ours.loss.values), unit="nat", note=note
        ),
        f"accuracy_{kind}": metric("– accuracy", mean_over_seeds(ours.accuracy.values)),
    }


def _against_softmax(dataset: xr.Dataset, kind: str) -> dict[str, Metric]:
    found = gaps(dataset, kind)
    each = ", ".join(f"{value:+.4f}" for value in found.mean(axis=1))
    spread = f"; standard deviation over seeds {found.mean(axis=1).std(ddof=1):.4f}" if len(found) > 1 else ""
    swapped = gaps(dataset, "softmax", "simulated")
    metrics = {
        f"gap_{kind}": metric(
            f"loss with {kind} heads above softmax",
            mean_over_seeds(found),
            floor=0.0,
            control=float(swapped.mean()) if kind == "simulated" else None,
            unit="nat",
            note=f"by seed: {each}{spread}"
            + ("; control: spikes put into the model trained with softmax" if kind == "simulated" else ""),
        )
    }
    if kind in SPIKING_KINDS:
        metrics[f"gap_{kind}_back"] = metric(
            "– with softmax put into the trained model",
            mean_over_seeds(gaps(dataset, kind, "softmax")),
            floor=0.0,
            unit="nat",
        )
    if kind == "simulated":
        metrics["gap_swapped"] = metric(
            "– with spikes put into the model trained with softmax",
            mean_over_seeds(swapped),
            floor=0.0,
            unit="nat",
            note="what training through the spikes has to beat",
        )
        metrics["gain_by_training"] = metric(
            "– what training through the spikes saves of that", mean_over_seeds(swapped - found), unit="nat"
        )
    metrics[f"loss_{kind}_same_operations"] = metric(
        f"loss with {kind} heads at the operations of the whole softmax training",
        _at_equal_operations(dataset, kind),
        control=float(of_kind(dataset, "softmax").loss.mean()),
        unit="nat",
        note="control: softmax; between evaluations by straight lines",
    )
    return metrics


def _price(dataset: xr.Dataset, kind: str) -> dict[str, Metric]:
    ours = of_kind(dataset, kind)
    done = ours.operations.mean("when")
    joules = ours.joules.mean("when")
    digital = ours.operations.sel(machine="simulated")
    drift = abs(digital.sel(when="last") / digital.sel(when="first") - 1)
    metrics = {
        f"seconds_{kind}": metric(f"time of an iteration, {kind}", mean(_medians(ours)), unit="s"),
        f"operations_{kind}": metric(
            f"operations of an iteration, {kind}",
            mean(done.sel(machine="simulated").values),
            note=f"first and last counted; they differ by {100 * float(drift.max()):.2g} % at most",
        ),
        f"joules_{kind}": metric(
            f"– energy, digital ({DIGITAL})", mean(joules.sel(table=DIGITAL).values), unit="J"
        ),
    }
    if kind == "simulated":
        metrics["joules_events"] = metric(
            f"– energy, cells in hardware ({HARDWARE})", mean(joules.sel(table=HARDWARE).values), unit="J"
        )
    if kind != "softmax" and paired(dataset, kind):
        metrics |= _times_softmax(dataset, kind)
    return metrics


def _times_softmax(dataset: xr.Dataset, kind: str) -> dict[str, Metric]:
    seeds = paired(dataset, kind)
    ours, softmax = (_at_seeds(of_kind(dataset, each), seeds) for each in (kind, "softmax"))

    def times(measure: Callable[[xr.Dataset], np.ndarray]) -> Estimate:
        return mean(measure(ours) / measure(softmax))

    def work(d: xr.Dataset) -> np.ndarray:
        return d.operations.sel(machine="simulated").mean("when").values

    found = {
        f"times_{kind}": metric(
            f"time of an iteration, {kind} / softmax",
            times(_medians),
            note="medians over iterations, the kinds of a seed one after the other in one run",
        ),
        f"operations_times_{kind}": metric(f"operations, {kind} / softmax", times(work)),
        f"joules_times_{kind}": metric(
            f"energy, {kind} / softmax ({DIGITAL})",
            times(lambda d: d.joules.sel(table=DIGITAL).mean("when").values),
        ),
    }
    if kind == "simulated":
        found["joules_times_events"] = metric(
            f"energy, {kind} / softmax ({HARDWARE})",
            times(lambda d: d.joules.sel(table=HARDWARE).mean("when").values),
        )
    return found


def _at_equal_operations(dataset: xr.Dataset, kind: str) -> Estimate:
    """Held-out loss of each training when it has done as many operations as the softmax training in all."""
    seeds = paired(dataset, kind)
    ours, softmax = (_at_seeds(of_kind(dataset, each), seeds) for each in (kind, "softmax"))
    share = (softmax.operations.values / ours.operations.values)[:, :, 0].mean(axis=1)  # machine "simulated"
    last = dataset.sizes["iteration"]
    return mean(
        np.array(
            [
                np.interp(min(1.0, part) * last, dataset.evaluation.values, curve)
                for part, curve in zip(share, ours.held_out_loss.values, strict=True)
            ]
        )
    )


def _medians(trainings: xr.Dataset) -> np.ndarray:
    """Seconds of an iteration, of each training (n,)."""
    return np.median(np.diff(trainings.seconds.values, axis=1), axis=1)


def _at_seeds(trainings: xr.Dataset, seeds: list[int]) -> xr.Dataset:
    return trainings.isel(training=np.isin(trainings.seed.values, seeds))
