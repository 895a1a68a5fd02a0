"""The answer of in-context-learning, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, words
from scenarios.workbench.statistics import Estimate, clear, estimate_of, mean

if TYPE_CHECKING:
    from scenarios.in_context_learning.numbers import Study

__all__ = ["in_words"]


def in_words(metrics: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are decided by the numbers, corrected together."""
    signs = clear(_differences(metrics, study))
    layer, pair, decoder = (
        _layer(metrics, study, signs),
        _pair(metrics, study, signs),
        _decoder(metrics, study, signs),
    )
    return words(layer, pair, decoder, _tuning(metrics, study), short=(layer, pair, decoder))


def _differences(metrics: Numbers, study: Study) -> Mapping[str, Estimate]:
    """Every difference that a sentence speaks of, over the same tasks."""
    few, step, toy = min(study.params.spikes), study.step, study.toy
    found = {
        "layer": mean(step.trained - step.step),
        "pair": mean(step.exact.losses - step.single.losses),
        "cells": mean(step.best("regular", few).losses - step.best("random", few).losses),
    }
    return found | {
        f"{kind}_{n}": estimate_of(metrics[f"rise_{kind}_{n}"]) for kind, n in toy.curves if kind != "softmax"
    }


def _layer(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    word = choose(signs["layer"], "more than", "not clearly more or less than", "less than")
    return (
        f"A trained layer of linear attention ends at a half squared error of {metrics['trained']}, {word} "
        f"one step of gradient descent on the same tasks ({metrics['step']}; in theory "
        f"{study.step.law:.5f}); its answers correlate with the step's by {metrics['agreement']:.4f}, and "
        f"its step is {metrics['size']:.3f} of the best."
    )


def _pair(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    """Two heads instead of one, then in spikes."""
    few, many = min(study.params.spikes), max(study.params.spikes)
    helps = choose(signs["pair"], "worse than", "no better than", "better than")
    cells = choose(signs["cells"], "worse than", "neither better nor worse than", "better than")
    return (
        f"Two softmax heads of opposite sign reach {metrics['pair']}, {helps} one head "
        f"({metrics['single']}); in spikes of random cells {metrics[f'pair_random_{few}']} with {few} a "
        f"row and {metrics[f'pair_random_{many}']} with {many}; regular cells, at "
        f"{metrics[f'pair_regular_{few}']} and {metrics[f'pair_regular_{many}']}, are {cells} random ones "
        f"at {few}."
    )


def _decoder(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    toy, k = study.toy, study.toy.exact.shape[1] - 1
    last = metrics["last"]
    said = (
        f"The decoder's squared error is {last} of no answer's after {k} examples (least squares "
        f"{last.floor:.3f}, averaging {last.control:.2f}), over all numbers of examples {metrics['whole']} "
        f"where least squares has {metrics['whole'].floor:.3f}"
    )
    kind = "spiking" if "spiking" in study.params.heads else "sampled"
    costly = [n for k_, n in sorted(toy.curves) if k_ == kind and signs[f"{kind}_{n}"] > 0]
    if not costly:
        return f"{said}; with {kind} heads no rise is clear at any number of spikes."
    rise = metrics[f"rise_{kind}_{max(costly)}"]
    return f"{said}; {kind} heads raise it clearly at up to {max(costly)} spikes a row, there by {rise}."


def _tuning(metrics: Numbers, study: Study) -> str:
    """What pretraining saves, head by head."""
    parts = []
    for heads in dict.fromkeys(tuning.heads for tuning in study.toy.tunings):
        taken = [metrics[f"tune_{start}_{heads}"] for start in ("pretrained", "fresh")]
        said = [
            f"{m.value:.0f}" if m.value == m.value else f"more than {study.params.tune_iterations}"
            for m in taken
        ]
        parts.append(f"{said[0]} iterations with {heads} heads where a fresh one takes {said[1]}")
    return (
        "Tuned to tokens whose components stand in another order, the trained decoder reaches an error of "
        f"{metrics['goal']:.2f} after {'; '.join(parts)}."
    )
