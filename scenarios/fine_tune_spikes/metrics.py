"""The numbers of fine-tune-spikes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scenarios.fine_tune_spikes.findings import Findings
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, bootstrap, mean, metric

__all__ = ["findings_metrics"]


def findings_metrics(found: Findings, dataset: xr.Dataset, rng: np.random.Generator) -> dict[str, Metric]:
    """Every number of the report, all differences over the same windows."""
    return _rises(found, dataset) | _recovered(found, dataset, rng) | _losses(found, dataset) | _time(dataset)


def _rises(found: Findings, dataset: xr.Dataset) -> dict[str, Metric]:
    n = found.train_spikes
    rises = dataset.window_rise.sel(spikes=n)
    over = "over softmax heads of as many iterations"
    original = dataset.loss.sel(model="simulated", spikes=n) - dataset.softmax_loss.sel(model="trained")
    return {
        "before": metric(
            f"rise in loss at {n} spikes, before", _mean(rises.sel(model="trained")), unit="nat", note=over
        ),
        "after": metric(
            "– after learning on with spikes",
            _mean(rises.sel(model="simulated")),
            control=float(rises.sel(model="softmax").mean()),
            unit="nat",
            note=f"{over}; control: learnt on with softmax, then swapped",
        ),
        "after_softmax": metric(
            "– after learning on with softmax", _mean(rises.sel(model="softmax")), unit="nat", note=over
        ),
        "after_sampled": metric(
            "– after learning on with exact samples",
            _mean(rises.sel(model="sampled")),
            unit="nat",
            note=f"{over}; measured in simulated spikes",
        ),
        "spikes_or_softmax": metric(
            "– with spikes above with softmax in the loop",
            _mean(rises.sel(model="simulated") - rises.sel(model="softmax")),
            floor=0.0,
            unit="nat",
            note="below 0: the spikes in the loop taught something",
        ),
        "spikes_or_samples": metric(
            "– with spikes above with samples in the loop",
            _mean(rises.sel(model="simulated") - rises.sel(model="sampled")),
            floor=0.0,
            unit="nat",
        ),
        "after_original": metric(
            "– after, over the model as it was",
            _mean(original),
            unit="nat",
            note="below 0: better than it was",
        ),
    }


def _recovered(found: Findings, dataset: xr.Dataset, rng: np.random.Generator) -> dict[str, Metric]:
    """Part of the rise that is gone, with spikes in the loop and, as control, without."""
    rises = dataset.window_rise.sel(spikes=found.train_spikes)
    before = rises.sel(model="trained").values

    def part(model: str) -> Estimate:
        after = rises.sel(model=model).values

        def recovered(rows: np.ndarray) -> float:
            was = before[rows].mean()
            return float(1 - after[rows].mean() / was) if was > 0 else np.nan

        return bootstrap(recovered, len(before), rng)

    return {
        "recovered": metric(
            "part of the rise that is gone",
            part("simulated"),
            control=part("softmax").value,
            note="control: learnt on with softmax, then swapped",
        )
    }


def _losses(found: Findings, dataset: xr.Dataset) -> dict[str, Metric]:
    softmax = dataset.softmax_loss
    back = softmax.sel(model="simulated") - softmax.sel(model="softmax")
    learnt = softmax.sel(model="softmax") - softmax.sel(model="trained")
    return {
        "loss": metric("loss as trained, with softmax", _mean(softmax.sel(model="trained")), unit="nat"),
        "loss_after": metric(
            f"loss after learning on, at {found.train_spikes} spikes",
            _mean(dataset.loss.sel(model="simulated", spikes=found.train_spikes)),
            control=float(softmax.sel(model="softmax").mean()),
            unit="nat",
            note="control: softmax heads all along",
        ),
        "learnt": metric(
            "change of softmax heads by learning on",
            _mean(learnt),
            unit="nat",
            note="what more training does",
        ),
        "back": metric(
            "rise if the spikes' model goes back to softmax",
            _mean(back),
            floor=0.0,
            unit="nat",
            note="over softmax heads all along",
        ),
    }


def _time(dataset: xr.Dataset) -> dict[str, Metric]:
    """Medians over iterations: the first one compiles."""
    each = {m: np.diff(dataset.seconds.sel(tuned=m).values) for m in dataset.tuned.values}
    return {
        "seconds": Metric(
            label="time of an iteration with spikes",
            value=float(np.median(each["simulated"])),
            control=float(np.median(each["softmax"])),
            unit="s",
            note="control: softmax heads, in the same run",
        ),
        "times_softmax": Metric(
            label="– times that of softmax heads",
            value=float(np.median(each["simulated"]) / np.median(each["softmax"])),
            control=float(np.median(each["sampled"]) / np.median(each["softmax"])),
            note="control: exact samples",
        ),
    }


def _mean(values: xr.DataArray) -> Estimate:
    return mean(values.values)
