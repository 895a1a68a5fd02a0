"""The answer of spikes-where-they-matter, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.reading import KL, SPIKES
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, mean

if TYPE_CHECKING:
    from scenarios.spikes_where_they_matter.measures import Study
    from scenarios.spikes_where_they_matter.plans import Plan

__all__ = ["in_words"]

PARTS = ("keys", "rows", "heads", "keys and rows", "split")
SAID = {
    "keys": "unequal keys",
    "rows": "unequal rows",
    "heads": "unequal heads",
    "keys and rows": "unequal keys and rows",
    "split": "all three",
}


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    signs = clear({plan.label: study.log_gain(plan) for plan in _compared(study)} | _sentence_gains(study))
    loss, parts = _loss(m, study), _parts(study, signs)
    control = _control(study, signs)
    rest = (_budgets(study), _law(study), _leads(study, signs), _places(m, study), _tokens(study))
    last = _sentences(study, signs), _price(study)
    return words(loss, parts, control, *rest, *last, short=(loss, parts, control))


def _compared(study: Study) -> list[Plan]:
    """Every plan whose gain a sentence speaks of."""
    leads = [plan for plan in study.plans if plan.split == "lead"]
    random = [study.plan(part, random=True) for part in ("keys", "split")]
    return [study.plan(part) for part in PARTS] + random + leads


def _loss(m: Numbers, study: Study) -> str:
    split, even = study.plan("split"), study.plan("even")
    return (
        f"With keys, rows and heads at unequal numbers of spikes, {study.of(SPIKES, split)} a row in the mean, the "
        f"language model's perplexity is {m['ratio']} times that of softmax ({m['perplexity']}), and "
        f"{study.ratio(even)} with as many for every row ({study.of(SPIKES, even)}); the KL of the next token is "
        f"{study.of(KL, split)} nat against {study.of(KL, even)}."
    )


def _parts(study: Study, signs: Mapping[str, int]) -> str:
    said = [
        f"{study.gain(study.plan(part))} times that with {SAID[part]}{_unclear(study.plan(part), signs)}"
        for part in PARTS
    ]
    return f"At as many spikes the KL of even budgets is {listed(said)}."


def _unclear(plan: Plan, signs: Mapping[str, int]) -> str:
    return choose(signs[plan.label], "", " (not clearly different from 1)", " (a loss)")


def _control(study: Study, signs: Mapping[str, int]) -> str:
    """Random cells, whose best split between keys is the even one."""
    keys, split = (study.plan(part, random=True) for part in ("keys", "split"))
    return (
        f"For random cells the same factor is {study.gain(keys)} with unequal keys{_unclear(keys, signs)} and "
        f"{study.gain(split)} with all three{_unclear(split, signs)}, which leaves {study.of(KL, split)} nat."
    )


def _budgets(study: Study) -> str:
    said = []
    for n in study.params.spikes:
        plan = study.plan("split", n)
        said.append(f"{study.ratio(plan)} at {study.of(SPIKES, plan).value:.0f}")
    return f"By mean spikes the perplexity ratio of the split is {listed(said)}."


def _law(study: Study) -> str:
    said = [
        f"{study.law[plan.label].mean():.3g} for {name} ({study.of(KL, plan)} measured)"
        for name, plan in (("even budgets", study.plan("even")), ("the split", study.plan("split")))
    ]
    return f"The law predicts, from gradients on other text and without simulation, a KL of {listed(said)}."


def _leads(study: Study, signs: Mapping[str, int]) -> str:
    said = [
        f"by {plan.spikes} has {1 / study.gain(plan).value:.2g} times the KL of even budgets at its "
        f"{study.of(SPIKES, plan).value:.0f} spikes{_unclear(plan, signs)}"
        for plan in study.plans
        if plan.split == "lead"
    ]
    return f"A row that stops when one key leads {listed(said)}."


def _places(m: Numbers, study: Study) -> str:
    layers, head = study.layer_spikes(), study.head_spikes()
    (layer, place), most = study.needs.places[int(head.argmax())], head.max()
    return (
        f"The tenth of the heads with most spikes has {m['heads_share'].value:.0%} of them; head {layer}.{place} "
        f"has most, {most:.0f} a row, the layers from {layers.min():.0f} (layer {int(layers.argmin())}) to "
        f"{layers.max():.0f} (layer {int(layers.argmax())})."
    )


def _tokens(study: Study) -> str:
    written = study.written
    order = np.argsort(written.spikes)
    most, least = ([f"“{written.tokens[i].strip()}”" for i in some] for some in (order[::-1][:3], order[:3]))
    return (
        f"While it writes, the choice of a token takes {written.spikes.min():.0f} to {written.spikes.max():.0f} "
        f"spikes a row: most for {listed(most)}, least for {listed(least)}."
    )


def _sentence_gains(study: Study) -> dict[str, Estimate]:
    """At each budget of the sentence model: error of even budgets less that of the split, pair by pair."""
    sentences = study.sentences
    if sentences is None:
        return {}
    return {
        f"sentences {n}": mean(sentences.error("even", n) - sentences.error("keys and rows", n))
        for n in study.params.sentence_spikes
    }


def _sentences(study: Study, signs: Mapping[str, int]) -> str:
    sentences = study.sentences
    if sentences is None:
        return ""
    said = [
        f"{sentences.error('even', n).mean() / sentences.error('keys and rows', n).mean():.2f} at {n} spikes"
        + choose(signs[f"sentences {n}"], "", " (not clear)", " (a loss)")
        for n in study.params.sentence_spikes
    ]
    return (
        "In the sentence model the squared error of a cosine, over that with unequal keys and rows, is with even "
        f"budgets {listed(said)}."
    )


def _price(study: Study) -> str:
    even, keys, split = (study.time(study.plan(name)) for name in ("even", "keys", "split"))
    return (
        f"On this machine a window takes {even:.1f} times as long as softmax with even budgets, {keys:.1f} with "
        f"unequal keys and {split:.1f} with all three, whose rows are simulated in groups of one budget."
    )
