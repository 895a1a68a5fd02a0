"""Sentences of workspace, each decided by the numbers of the run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of
from scenarios.workspace.ignition import BIMODAL
from scenarios.workspace.measures import LOOPS, THEORIES, WAYS, Study

__all__ = ["in_words"]

SAME = 1e-9  # probability, of a law that is met to the digit
SPIKES = ("random", "regular", "sampled")


def in_words(study: Study, metrics: Mapping[str, Metric]) -> Words:
    """Capacity, what describes it, what the cue does, and what ignition says and does not say."""
    return words(
        _on_law(study, metrics),
        _on_spikes(study, metrics),
        _on_theories(study),
        _on_volley(study, metrics),
        _on_cue(study, metrics),
        *(on_loop := (_on_ignition(metrics), _on_persistence(study, metrics))),
        _on_rhythm(metrics),
        short=(_on_law(study, metrics), _on_theories(study), " ".join(filter(None, on_loop[:1]))),
    )


def _on_law(study: Study, metrics: Mapping[str, Metric]) -> str:
    apart, n = metrics["law"], study.params.items[-1]
    exact = "to the digit" if apart.value < SAME else f"within {apart:.2g}"
    said = f"{study.params.slots} ideal slots follow K/n + (1 - K/n) guess {exact}"
    if "first" not in study.memories:
        return f"{said}."
    first, law = study.right("first", n), study.law(n)
    as_well = (
        "follow it as exactly"
        if max(abs(study.right("first", m).value - study.law(m)) for m in study.params.items) < SAME
        else f"are right in {first} of answers about {n} items, where it gives {law:.3f}"
    )
    return f"{said}; the first {study.params.slots} distinct keys to spike {as_well}."


def _on_spikes(study: Study, metrics: Mapping[str, Metric]) -> str:
    """How many different items as many spikes reach."""
    ways = [way for way in SPIKES if way in study.memories]
    if not ways:
        return ""
    n, k = study.params.items[-1], study.params.slots
    kept = [f"{metrics[f'held_{way}']} ({WAYS[way]})" for way in ways]
    chance = n * (1 - (1 - 1 / n) ** k)
    return (
        f"{k} spikes keep of {n} items {listed(kept)}: {k} where each falls on another item, {chance:.2f} where "
        f"each falls on any."
    )


def _on_theories(study: Study) -> str:
    """Which theory of working memory describes each way to spend spikes, and how clearly."""
    ways = [way for way in SPIKES if way in study.memories]
    if not ways:
        return ""
    margins: dict[str, Estimate] = {}
    for way in ways:
        best = study.best(way)
        others = [study.better(way, best, other) for other in THEORIES if other != best]
        margins[way] = min(others, key=lambda margin: margin.value)
    signs = clear(margins)
    said = []
    for theory, name in THEORIES.items():
        which = [
            f"{WAYS[way]}{'' if signs[way] else ' (not clearly)'}"
            for way in ways
            if study.best(way) == theory
        ]
        said += [f"{name} for {listed(which)}"] * bool(which)
    return f"The theory that describes errors of noisy copies best is {listed(said)}."


def _on_volley(study: Study, metrics: Mapping[str, Metric]) -> str:
    if "volley" not in study.memories:
        return ""
    items, high = study.params.items, study.params.items[-1]
    low = min(items, key=lambda n: abs(n - study.params.slots))
    return (
        f"A volley that its inhibition ends keeps {metrics['held_volley']} of {high} items and "
        f"{study.held('volley', low)} of {low}: a limit that nobody set, but no fixed number of slots. With E to I "
        f"cut a cycle keeps {metrics['held_open']} of {high}."
    )


def _on_cue(study: Study, metrics: Mapping[str, Metric]) -> str:
    if not study.cue:
        return ""
    cue = study.params.cues[-1]
    said = [
        f"{study.cue[cells][-1].mean():.1%} (law {study.included(cells)[-1]:.1%}) among the {cells} distinct keys"
        for cells in study.cue
    ]
    return f"An item cued by a score of {cue:g} is stored in {listed(said)}."


def _on_ignition(metrics: Mapping[str, Metric]) -> str:
    """Bimodality at threshold, and whether it tells a loop from a cold row."""
    names = [name for name in ("bimodal", "bimodal_cut", "bimodal_cold") if name in metrics]
    above = {
        name: difference(estimate_of(metrics[name]), Estimate(value=BIMODAL, error=0.0)) for name in names
    }
    signs = clear(above)
    loop = choose(signs["bimodal"], "is all or none", "is not clearly all or none", "is graded")
    said = (
        f"At threshold a broadcast that feeds itself {loop} (bimodality {metrics['bimodal']}, uniform "
        f"{BIMODAL:.3f}), without the loop {metrics['bimodal_cut']}; "
    )
    cold = metrics["bimodal_cold"]
    return said + choose(
        signs["bimodal_cold"],
        f"but so is a cold row without any loop ({cold}), so that two modes alone are no sign of a workspace.",
        f"a cold row without a loop has {cold}, not clearly two modes.",
        f"a cold row without a loop stays graded ({cold}).",
    )


def _on_persistence(study: Study, metrics: Mapping[str, Metric]) -> str:
    """What the loop alone does: keep the content."""
    loop, cold = metrics["kept"], metrics["kept_cold"]
    sustained = metrics["sustained"]
    at = (
        f"a loop without noise can from a gain of {sustained.value:.2f} on"
        if np.isfinite(sustained.value)
        else "a loop without noise cannot at any gain"
    )
    kept = (
        f", most measured broadcasts do from {sustained.control:g} on"
        if np.isfinite(sustained.control or np.nan)
        else ", measured broadcasts do not"
    )
    return (
        f"What tells them apart is what outlasts the stimulus: {loop} of the lit broadcasts stay with the loop, "
        f"{cold} in the cold row; {at}{kept}."
    )


def _on_rhythm(metrics: Mapping[str, Metric]) -> str:
    """Whether the rhythm, and the circuit against its twin, make a difference."""
    apart = {
        name: difference(estimate_of(metrics["bimodal"]), estimate_of(metrics[f"bimodal_{name}"]))
        for name in ("no_rhythm", "sampled", "mean")
        if f"bimodal_{name}" in metrics
    }
    signs = clear(apart)
    said = [
        f"{metrics[f'bimodal_{name}']} in {LOOPS[name.replace('_', ' ')]} "
        f"({choose(signs[name], 'clearly less', 'no clear difference', 'clearly more')})"
        for name in apart
    ]
    return f"The coefficient is {listed(said)}." if said else ""
