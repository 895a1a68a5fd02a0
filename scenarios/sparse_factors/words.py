"""Sentences of sparse-factors, each decided by the numbers of the run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scenarios.sparse_factors.measures import KINDS, NEAR, Study, swapped_name
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, mean

__all__ = ["in_words"]


def in_words(study: Study, metrics: Mapping[str, Metric]) -> Words:
    """Samples, edges, the start, and circuits."""
    signs = clear(_comparisons(study))
    samples, edges = _on_samples(study, metrics, signs), _on_edges(study, metrics, signs)
    spikes = _on_spikes(study, metrics, signs)
    return words(
        samples,
        edges,
        _on_start(study, metrics, signs),
        spikes,
        _on_swap(study),
        short=(samples, edges, spikes),
    )


def _comparisons(study: Study) -> dict[str, Estimate]:
    """Of all sentences, so that they are corrected together."""
    at, kinds = study.widest, study.results.kinds
    named = {
        "top": study.gain("top", "all", at),
        "random": study.gain("top", "random", at),
        "start": study.gain("top", "at once", at),
        "precision": mean(kinds["top"].precision[:, -1] - kinds["all"].precision[:, -1]),
    }
    named |= {kind: study.gain(kind, "all", at) for kind in ("first", "counts", "sampled") if kind in kinds}
    if {"counts", "sampled"} <= kinds.keys():
        named["twin"] = study.gain("counts", "sampled", at)
    return named


def _on_samples(study: Study, metrics: Mapping[str, Metric], signs: Mapping[str, int]) -> str:
    n, k = study.params.samples[study.widest], study.params.top
    said = choose(signs["top"], "more than", "not clearly more than", "less than")
    needed = [_needed(study, kind) for kind in ("top", "all")]
    return (
        f"After {n} samples a head that reads the {k} best predicts {metrics['accuracy_top']} right, {said} "
        f"softmax over all ({metrics['accuracy_all']}), {k} at random {metrics['accuracy_random']}; the graph "
        f"itself gives {study.best}. Within {NEAR:g} of that the first stays {needed[0]}, softmax {needed[1]}."
    )


def _needed(study: Study, kind: str) -> str:
    enough = study.needed(kind)
    return f"from {enough:g} samples on" if np.isfinite(enough) else "with no number of samples tried"


def _on_edges(study: Study, metrics: Mapping[str, Metric], signs: Mapping[str, int]) -> str:
    said = choose(signs["precision"], "more", "not clearly more", "fewer")
    return (
        f"Of the pairs that it reads with {study.params.samples[-1]} samples {metrics['precision_top']} share a "
        f"factor, {said} than with softmax ({metrics['precision_all']}; of all pairs "
        f"{metrics['precision_all'].floor:.3f}); of the true pairs it reads {metrics['recall_top']}, softmax "
        f"{metrics['recall_all']}."
    )


def _on_start(study: Study, metrics: Mapping[str, Metric], signs: Mapping[str, int]) -> str:
    """What it takes that k falls during the training."""
    said = choose(
        signs["start"],
        f"A head held to {study.params.top} keys from the start does not find them",
        f"A head held to {study.params.top} keys from the start does about as well",
        f"A head held to {study.params.top} keys from the start does better",
    )
    why = (
        f", although one that is given the true neighbours needs few samples ({metrics['accuracy_true']}): the "
        "bottleneck is an aid to learning only for what has been searched through a wide one"
        if signs["start"] > 0
        else ""
    )
    return f"{said} ({metrics['accuracy_at_once']}){why}."


def _on_spikes(study: Study, metrics: Mapping[str, Metric], signs: Mapping[str, int]) -> str:
    kinds = [kind for kind in ("first", "counts", "sampled") if kind in study.results.kinds]
    if not kinds:
        return ""
    said = [
        f"{KINDS[kind]} {metrics[f'accuracy_{kind}']} "
        f"({choose(signs[kind], 'above', 'no clear difference from', 'below')} softmax)"
        for kind in kinds
    ]
    twin = (
        choose(
            signs["twin"],
            " The circuit is ahead of its twin.",
            " Circuit and twin do not differ clearly.",
            " The circuit is worse than its twin.",
        )
        if "twin" in signs
        else ""
    )
    spikes = f"{study.params.spikes} for a choice by counts"
    return f"Trained through the selection by spikes ({spikes}): {listed(said)}.{twin}"


def _on_swap(study: Study) -> str:
    """Circuits in the place of the k best, and what a colder race does."""
    spiking = {name: mean(right) for name, right in study.results.swapped.items() if name[0] != "sampled"}
    if not spiking:
        return ""
    said = [f"{swapped_name(*name)} {right}" for name, right in spiking.items()]
    return (
        f"Put into the trained head in place of the k best ({study.accuracy('top')} with "
        f"{study.params.samples[-1]} samples): {listed(said)}."
    )
