"""The verdict of head-swap, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import estimate_of, sign, standard_errors_apart

__all__ = ["findings_verdict"]

CLEAR = 2.0  # standard errors that a difference must exceed to be called one
CHANCE = 0.05  # p-value below which a rank correlation is called one
OTHERS = {
    "matters": "what uniform attention costs in that head",
    "scatter": "how far apart the values lie that it attends to",
    "depth": "how deep its layer lies",
}


def findings_verdict(metrics: Mapping[str, Metric], *, spikes: int, few: int, goal: float) -> str:
    """A paragraph; every comparison in it is made here, none is taken for granted.

    Parameters
    ----------
    metrics : mapping
        Of `findings_metrics`.
    spikes, few : int
        Budgets at which all heads, and single heads, are compared.
    goal : float
        Rise in nats whose price is told.
    """
    return " ".join(
        (
            _together(metrics, spikes),
            _circuit(metrics),
            _price(metrics, goal),
            _alone(metrics, few),
            _why(metrics),
        )
    )


def _together(metrics: Mapping[str, Metric], spikes: int) -> str:
    rise = metrics["rise"]
    word = "rises by" if sign(rise) > 0 else "does not clearly rise:"
    return (
        f"With all chosen heads spiking at {spikes} spikes a row, the held-out loss of "
        f"{metrics['loss'].text()} {word} {rise.text()}; uniform attention there costs "
        f"{metrics['rise_uniform'].text()}, hardmax {metrics['rise_hardmax'].text()}. Accuracy falls by "
        f"{metrics['drop'].text()} from {metrics['accuracy'].text()}."
    )


def _circuit(metrics: Mapping[str, Metric]) -> str:
    excess = metrics["excess"]
    if not sign(excess):
        return (
            f"That is what as many exact samples of the softmax cost ({metrics['rise_sampled'].text()}): "
            "the number of spikes limits it, not the circuit."
        )
    word = "more" if excess.value > 0 else "less"
    return (
        f"As many exact samples of the softmax cost {metrics['rise_sampled'].text()}: the circuit itself costs "
        f"{word}, {excess.text()}."
    )


def _price(metrics: Mapping[str, Metric], goal: float) -> str:
    needed, rest = metrics["spikes_for_goal"], metrics["rest"]
    if not np.isfinite(metrics["cost"].value):
        return "Too few budgets were measured for a law of the rise."
    apart = standard_errors_apart(estimate_of(rest), estimate_of(metrics["rest_sampled"]))
    word = "above a rest of" if apart > CLEAR else "with no clear rest beyond that of exact samples:"
    line = (
        f"From 4 spikes on the rise goes as {metrics['cost'].text()} over the spikes, {word} {rest.text()} "
        f"(exact samples: {metrics['rest_sampled'].text()})."
    )
    if not np.isfinite(needed.value):
        return f"{line} A rise of {goal:g} nat is out of reach."
    return f"{line} A rise of {goal:g} nat takes {needed.text()} spikes a row."


def _alone(metrics: Mapping[str, Metric], few: int) -> str:
    most, least, beyond = metrics["most_fragile"], metrics["least_fragile"], metrics["beyond_sum"]
    heads = [metric.note.partition(";")[0] for metric in (most, least)]
    if heads[0] == heads[1]:
        return f"The one head chosen, {heads[0]}, costs {most.text()} at {few} spikes."
    sums = (
        f"the heads' rises add up to {metrics['sum_alone'].text()}, and together they cost "
        f"{metrics['together_few'].text()}"
    )
    word = "no clear difference" if not sign(beyond) else ("more" if beyond.value > 0 else "less")
    return (
        f"Alone at {few} spikes, {heads[0]} is the most fragile ({most.text()}) and {heads[1]} the least "
        f"({least.text()}); {sums}: {word}."
    )


def _why(metrics: Mapping[str, Metric]) -> str:
    rho, p = metrics["entropy"], metrics["entropy_p"].value
    if not np.isfinite(rho.value):
        return "The heads are too few to say why."
    found = f"rank correlation {rho.text()}, p = {p:.2g}"
    said = (
        f"The entropy of a head's attention does not tell how fragile it is ({found})."
        if p >= CHANCE
        else (
            f"{'Diffuse' if rho.value > 0 else 'Sharp'} heads are the fragile ones: entropy goes "
            f"{'with' if rho.value > 0 else 'against'} fragility ({found})."
        )
    )
    related = [
        f"{words} ({metrics[name].value:+.2f}, p = {metrics[f'{name}_p'].value:.2g})"
        for name, words in OTHERS.items()
        if metrics[f"{name}_p"].value < CHANCE
    ]
    also = (
        f"What goes with fragility is {', and '.join(related)}." if related else "Nothing else measured does."
    )
    if all(metrics[f"{name}_p"].value < CHANCE for name in ("entropy", "depth", "entropy_by_depth")):
        also += (
            f" Entropy itself goes with the layer ({metrics['entropy_by_depth'].value:+.2f}): which of the two "
            "makes a head fragile stays open."
        )
    return f"{said} {also}"
