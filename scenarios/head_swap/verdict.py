"""The verdict of head-swap, from its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from scenarios.head_swap.measures import REASONS
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import LEVEL, difference, estimate_of, holm, sign

__all__ = ["in_words"]

OTHERS = {
    "matters": "what uniform attention costs in that head",
    "scatter": "how far apart the values lie that it attends to",
    "depth": "how deep its layer lies",
}


def in_words(m: Numbers, params: Any, spikes: int) -> Words:
    """Say the answer; every comparison in it is decided by the numbers of the run.

    Parameters
    ----------
    m : mapping
        Of `table`.
    params : Params
    spikes : int
        Budget of the headline.
    """
    word = choose(sign(m["rise"]), "rises by", "does not clearly rise:", "falls, a rise of")
    together = (
        f"With {params.chosen} of the model spiking at {spikes} spikes a row, the held-out loss of {m['loss']} "
        f"{word} {m['rise']}; uniform attention there costs {m['rise_uniform']}, hardmax {m['rise_hardmax']}."
    )
    accuracy = choose(
        sign(m["drop"]),
        f"Accuracy falls by {m['drop']} from {m['accuracy']}.",
        f"Accuracy, {m['accuracy']}, does not clearly fall ({m['drop']}).",
        f"Accuracy rises from {m['accuracy']} (fall {m['drop']}).",
    )
    same = "no clear difference, so the number of spikes limits it rather than the circuit"
    word = choose(sign(m["excess"]), "the circuit itself costs more", same, "the circuit itself costs less")
    circuit = (
        f"As many exact samples of the softmax cost {m['rise_sampled']}: {word} (spikes above samples: "
        f"{m['excess']})."
    )
    law, cost = _price(m, params.goal)
    alone, why = _alone(m, params.few_spikes), _why(m)
    return words(together, accuracy, circuit, law, cost, alone, why, short=(together, circuit, cost))


def _price(m: Numbers, goal: float) -> tuple[str, str]:
    """The law of the rise, and what the goal takes."""
    needed, rest, sampled = (m[name] for name in ("spikes_for_goal", "rest", "rest_sampled"))
    if not np.isfinite(m["cost"].value):
        return "Too few budgets were measured for a law of the rise.", ""
    beyond = sign(difference(estimate_of(rest), estimate_of(sampled))) > 0
    word = "above a rest of" if beyond else "with no clear rest beyond that of exact samples:"
    takes = f"takes {needed} spikes a row" if np.isfinite(needed.value) else "is out of reach"
    law = f"From 4 spikes on the rise goes as {m['cost']} over the spikes, {word} {rest} (exact samples: {sampled})."
    return law, f"A rise of {goal:g} nat {takes}."


def _alone(m: Numbers, few: int) -> str:
    most, least, beyond = (m[name] for name in ("most_fragile", "least_fragile", "beyond_sum"))
    fragile, robust = (metric.note.partition(";")[0] for metric in (most, least))
    if fragile == robust:
        return f"The one head chosen, {fragile}, costs {most} at {few} spikes."
    word = choose(sign(beyond), "more", "no clear difference", "less")
    return (
        f"Alone at {few} spikes, the heads cost from {least} ({robust}) to {most} ({fragile}); their rises add up "
        f"to {m['sum_alone']}, and together they cost {m['together_few']}: {word} ({beyond})."
    )


def _why(m: Numbers) -> str:
    """What goes with fragility, the four rank correlations corrected together."""
    if not np.isfinite(m["entropy"].value):
        return "The heads are too few to say why."
    kept = holm({name: m[f"{name}_p"].value for name in REASONS})
    numbers = {name: f"rank correlation {m[name]}, p = {m[f'{name}_p']:.2g}" for name in REASONS}
    entropy = "That entropy goes with fragility is not shown"
    if "entropy" in kept:
        entropy = f"{'Diffuse' if m['entropy'].value > 0 else 'Sharp'} heads are the fragile ones"
    said = f"{entropy} ({numbers['entropy']}; of {len(REASONS)} reasons tried, Holm-corrected)."
    others = [f"{what} ({numbers[name]})" for name, what in OTHERS.items() if name in kept]
    also = f"What goes with fragility is {listed(others)}." if others else "No other reason holds."
    if {"entropy", "depth"} <= set(kept) and m["entropy_by_depth_p"].value < LEVEL:
        turn = m["entropy_by_depth"]
        also += f" Entropy itself goes with the layer ({turn:+.2f}): which of the two matters stays open."
    return f"{said} {also}"
