"""What fine-tune-spikes found: four models in softmax and in spikes on the same windows, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from pragmatic.training.evaluation import SequenceScores
from pragmatic.training.train import TrainResult

__all__ = ["MODELS", "SMOOTH", "TUNED", "Findings", "findings_dataset"]

TUNED = ("softmax", "sampled", "simulated")  # the heads while learning on
MODELS = ("trained", *TUNED)
SMOOTH = 20  # iterations over which a difference of batch losses is averaged


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Scores of each model on the same windows, and how the learning went."""

    spikes: tuple[int, ...]
    train_spikes: int
    softmax: Mapping[str, SequenceScores]  # of a model
    spiking: Mapping[tuple[str, int], SequenceScores]  # model, spikes; always simulated
    trainings: Mapping[str, TrainResult]  # of a tuned model


def findings_dataset(found: Findings) -> xr.Dataset:
    """Losses of every window, rises over the softmax model of as many iterations, losses of every batch."""
    full = ("model", "spikes", "window")
    nats, share = {"units": "nat"}, {"units": "1"}

    def in_spikes(field: str) -> np.ndarray:
        return np.array([[getattr(found.spiking[m, n], field) for n in found.spikes] for m in MODELS])

    dataset = xr.Dataset(
        {
            "softmax_loss": (("model", "window"), [found.softmax[m].loss for m in MODELS], nats),
            "softmax_accuracy": (("model", "window"), [found.softmax[m].accuracy for m in MODELS], share),
            "loss": (full, in_spikes("loss"), nats),
            "accuracy": (full, in_spikes("accuracy"), share),
            "batch_loss": (("tuned", "iteration"), [found.trainings[m].losses for m in TUNED], nats),
            "seconds": (("tuned", "iteration"), [found.trainings[m].seconds for m in TUNED], {"units": "s"}),
        },
        {
            "model": list(MODELS),
            "tuned": list(TUNED),
            "spikes": ("spikes", list(found.spikes), share),
            "iteration": ("iteration", np.arange(1, len(found.trainings["softmax"].losses) + 1), share),
        },
        {"train_spikes": found.train_spikes},
    )
    rise = dataset.loss - xr.concat(
        [dataset.softmax_loss.sel(model="trained" if m == "trained" else "softmax") for m in MODELS],
        dim=dataset.model,
    )
    dataset["window_rise"] = rise.assign_attrs(nats).transpose(*full)
    dataset["rise"] = dataset.window_rise.mean("window").assign_attrs(nats)
    error = dataset.window_rise.std("window", ddof=1) / np.sqrt(dataset.sizes["window"])
    dataset["rise_se"] = error.assign_attrs(nats)
    return dataset
