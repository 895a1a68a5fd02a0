"""The verdict of head-swap, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scenarios.head_swap.measures import REASONS
from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import choose, listed
from scenarios.workbench.statistics import LEVEL, difference, estimate_of, holm, sign

__all__ = ["in_words"]

OTHERS = {
    "matters": "what uniform attention costs in that head",
    "scatter": "how far apart the values lie that it attends to",
    "depth": "how deep its layer lies",
}


def in_words(metrics: Mapping[str, Metric], params: Any, spikes: int) -> tuple[tuple[str, ...], str]:
    """Say the answer in short and as a paragraph; every comparison in it is decided by the numbers of the run.

    Parameters
    ----------
    metrics : mapping
        Of `table`.
    params : Params
    spikes : int
        Budget of the headline.
    """
    together, circuit = _together(metrics, params.chosen, spikes), _circuit(metrics)
    law, cost = _price(metrics, params.goal)
    parts = (
        together,
        _accuracy(metrics),
        circuit,
        law,
        cost,
        _alone(metrics, params.few_spikes),
        _why(metrics),
    )
    return tuple(filter(None, (together, circuit, cost))), " ".join(filter(None, parts))


def _accuracy(metrics: Mapping[str, Metric]) -> str:
    drop, accuracy = metrics["drop"].text(), metrics["accuracy"].text()
    return choose(
        sign(metrics["drop"]),
        f"Accuracy falls by {drop} from {accuracy}.",
        f"Accuracy, {accuracy}, does not clearly fall ({drop}).",
        f"Accuracy rises from {accuracy} (fall {drop}).",
    )


def _together(metrics: Mapping[str, Metric], chosen: str, spikes: int) -> str:
    rise, start = metrics["rise"], f"With {chosen} of the model spiking at {spikes} spikes a row"
    word = choose(sign(rise), "rises by", "does not clearly rise:", "falls, a rise of")
    return (
        f"{start}, the held-out loss of {metrics['loss'].text()} {word} {rise.text()}; uniform attention "
        f"there costs {metrics['rise_uniform'].text()}, hardmax {metrics['rise_hardmax'].text()}."
    )


def _circuit(metrics: Mapping[str, Metric]) -> str:
    sampled, excess = metrics["rise_sampled"].text(), metrics["excess"]
    same = "no clear difference, so the number of spikes limits it rather than the circuit"
    word = choose(sign(excess), "the circuit itself costs more", same, "the circuit itself costs less")
    return f"As many exact samples of the softmax cost {sampled}: {word} (spikes above samples: {excess.text()})."


def _price(metrics: Mapping[str, Metric], goal: float) -> tuple[str, str]:
    """The law of the rise, and what the goal takes."""
    needed, rest, sampled = (metrics[name] for name in ("spikes_for_goal", "rest", "rest_sampled"))
    if not np.isfinite(metrics["cost"].value):
        return "Too few budgets were measured for a law of the rise.", ""
    beyond = sign(difference(estimate_of(rest), estimate_of(sampled))) > 0
    word = "above a rest of" if beyond else "with no clear rest beyond that of exact samples:"
    takes = f"takes {needed.text()} spikes a row" if np.isfinite(needed.value) else "is out of reach"
    law = (
        f"From 4 spikes on the rise goes as {metrics['cost'].text()} over the spikes, {word} {rest.text()} "
        f"(exact samples: {sampled.text()})."
    )
    return law, f"A rise of {goal:g} nat {takes}."


def _alone(metrics: Mapping[str, Metric], few: int) -> str:
    most, least, beyond = (metrics[name] for name in ("most_fragile", "least_fragile", "beyond_sum"))
    heads = [metric.note.partition(";")[0] for metric in (most, least)]
    if heads[0] == heads[1]:
        return f"The one head chosen, {heads[0]}, costs {most.text()} at {few} spikes."
    word = choose(sign(beyond), "more", "no clear difference", "less")
    return (
        f"Alone at {few} spikes, the heads cost from {least.text()} ({heads[1]}) to {most.text()} "
        f"({heads[0]}); their rises add up to {metrics['sum_alone'].text()}, and together they cost "
        f"{metrics['together_few'].text()}: {word} ({beyond.text()})."
    )


def _why(metrics: Mapping[str, Metric]) -> str:
    """What goes with fragility, the four rank correlations corrected together."""
    if not np.isfinite(metrics["entropy"].value):
        return "The heads are too few to say why."
    kept = holm({name: metrics[f"{name}_p"].value for name in REASONS})

    def numbers(name: str) -> str:
        return f"rank correlation {metrics[name].text()}, p = {metrics[f'{name}_p'].value:.2g}"

    together = f"of {len(REASONS)} reasons tried, Holm-corrected"
    if "entropy" in kept:
        up = metrics["entropy"].value > 0
        said = (
            f"{'Diffuse' if up else 'Sharp'} heads are the fragile ones ({numbers('entropy')}; {together})."
        )
    else:
        said = f"That entropy goes with fragility is not shown ({numbers('entropy')}; {together})."
    others = [f"{words} ({numbers(name)})" for name, words in OTHERS.items() if name in kept]
    also = f"What goes with fragility is {listed(others)}." if others else "No other reason holds."
    if {"entropy", "depth"} <= set(kept) and metrics["entropy_by_depth_p"].value < LEVEL:
        turn = metrics["entropy_by_depth"].value
        also += f" Entropy itself goes with the layer ({turn:+.2f}): which of the two matters stays open."
    return f"{said} {also}"
