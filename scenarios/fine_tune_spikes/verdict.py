"""The verdict of fine-tune-spikes, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import choose
from scenarios.workbench.statistics import clear, estimate_of, sign

__all__ = ["in_words"]

COMPARED = ("spikes_or_softmax", "spikes_or_samples")  # corrected together


def in_words(metrics: Mapping[str, Metric], params: Any) -> tuple[tuple[str, ...], str]:
    """Say the answer in short and as a paragraph; every comparison in it is decided by the numbers of the run."""
    signs = clear({name: estimate_of(metrics[name]) for name in COMPARED})
    rise, control = _rise(metrics, params), _control(metrics, signs["spikes_or_softmax"])
    times = metrics["times_softmax"]
    cost = f"An iteration with simulated spikes takes {times.value:.3g} times that of softmax heads."
    samples = _samples(metrics, signs["spikes_or_samples"])
    return (rise, control, cost), " ".join((rise, control, samples, cost, _back(metrics)))


def _rise(metrics: Mapping[str, Metric], params: Any) -> str:
    before, after, gone = (metrics[name] for name in ("before", "after", "recovered"))
    start = (
        f"With {params.chosen} spiking at {params.train_spikes} spikes a row, the model as trained loses "
        f"{before.text()}"
    )
    if sign(before) <= 0:
        return f"{start}, which is no clear loss: there is nothing for fine-tuning to win back."
    word = choose(
        sign(gone),
        f"{gone.text()} of the rise is gone",
        f"no clear part of the rise is gone ({gone.text()})",
        f"the rise is larger than before (part gone: {gone.text()})",
    )
    return (
        f"{start}; after {params.tune_iterations} iterations with spikes in the loop it loses {after.text()} "
        f"against softmax heads that learnt on as long, and {metrics['after_original'].text()} against the "
        f"model as it was: {word}."
    )


def _control(metrics: Mapping[str, Metric], apart: int) -> str:
    """Whether it was the spikes in the loop or the mere learning on."""
    word = choose(
        apart,
        "Spikes in the loop help less than softmax does",
        "That spikes in the loop help more than softmax does is not clear",
        "Spikes in the loop help more than softmax does",
    )
    return (
        f"{word}: the model that learnt on with softmax loses {metrics['after_softmax'].text()} when swapped "
        f"(spikes less softmax in the loop: {metrics['spikes_or_softmax'].text()})."
    )


def _samples(metrics: Mapping[str, Metric], apart: int) -> str:
    word = choose(apart, "samples help more", "no clear difference", "samples help less")
    return f"With exact samples in the loop it loses {metrics['after_sampled'].text()}: {word}."


def _back(metrics: Mapping[str, Metric]) -> str:
    back = metrics["back"]
    word = choose(sign(back), "worse than", "not clearly different from", "better than")
    return f"With softmax put back the model is {word} one that never left it ({back.text()})."
