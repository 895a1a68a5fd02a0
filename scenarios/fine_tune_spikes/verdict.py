"""The verdict of fine-tune-spikes, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import sign

__all__ = ["findings_verdict"]


def findings_verdict(metrics: Mapping[str, Metric], *, spikes: int, iterations: int) -> str:
    """A paragraph; every comparison in it is made here, none is taken for granted.

    Parameters
    ----------
    metrics : mapping
        Of `findings_metrics`.
    spikes : int
        Of a row while learning.
    iterations : int
        Of learning on.
    """
    return " ".join(
        (_rise(metrics, spikes, iterations), _control(metrics), _samples(metrics), _back(metrics))
    )


def _rise(metrics: Mapping[str, Metric], spikes: int, iterations: int) -> str:
    before, after = metrics["before"], metrics["after"]
    first = f"Swapped as it is, the model loses {before.text()} at {spikes} spikes a row"
    if sign(before) <= 0:
        return f"{first}: too little to tell what fine-tuning wins back."
    then = f"after {iterations} iterations with spikes in the loop it loses {after.text()}"
    word = (
        f"{metrics['recovered'].text()} of the rise is gone"
        if sign(metrics["recovered"]) > 0
        else f"no clear part of the rise is gone ({metrics['recovered'].text()})"
    )
    return (
        f"{first}; {then} against softmax heads that learnt on as long, and {metrics['after_original'].text()} "
        f"against the model as it was: {word}."
    )


def _control(metrics: Mapping[str, Metric]) -> str:
    """Whether it was the spikes in the loop or the mere learning on."""
    control, apart = metrics["after_softmax"].text(), sign(metrics["spikes_or_softmax"])
    if apart < 0:
        return (
            f"It is the spikes in the loop that teach: the model that learnt on with softmax loses {control}."
        )
    if apart > 0:
        return f"Spikes in the loop are not what helps: what learnt on with softmax loses less, {control}."
    return f"Whether spikes in the loop teach is not clear: the model that learnt on with softmax loses {control}."


def _samples(metrics: Mapping[str, Metric]) -> str:
    sampled, apart = metrics["after_sampled"].text(), sign(metrics["spikes_or_samples"])
    price = (
        f"an iteration with simulated spikes takes {metrics['times_softmax'].value:.3g} times that of softmax"
    )
    if apart == 0:
        return f"Exact samples in the loop teach as much ({sampled}); {price}."
    word = "less" if apart < 0 else "more"
    return f"Exact samples in the loop teach {word} ({sampled}); {price}."


def _back(metrics: Mapping[str, Metric]) -> str:
    back, apart = metrics["back"], sign(metrics["back"])
    if apart > 0:
        return f"With softmax put back the model is worse by {back.text()} than one that never left it."
    word = "no worse" if apart == 0 else "better"
    return f"With softmax put back the model is {word} than one that never left it ({back.text()})."
