"""The answer of regular-or-random, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import against, choose, words
from scenarios.workbench.statistics import clear, difference, estimate_of

if TYPE_CHECKING:
    from scenarios.regular_or_random.measures import Study

__all__ = ["in_words"]


def in_words(metrics: Numbers, study: Study) -> Words:
    """In short, and a paragraph; every comparison is decided here by the numbers."""
    signs = clear(
        {
            name: difference(estimate_of(metrics[name]), estimate_of(metrics[other]))
            for name, other in {
                "cv": "cv_matched",
                "cv_random": "cv_random_matched",
                "error_beat": "error_beat_matched",
                "shared": "shared_matched",
                "shared_random": "shared_random_matched",
            }.items()
        }
    )
    error, rhythm, cost = _error(metrics, study), _rhythm(metrics, signs), _cost(metrics, study)
    least, own, loop = _least(metrics, study), _own(metrics), _loop(metrics, signs)
    return words(error, least, own, rhythm, loop, cost, short=(error, rhythm, cost))


def _error(metrics: Numbers, study: Study) -> str:
    params = study.params
    return (
        f"{params.spikes} regular spikes over {params.n_keys} keys are worth {metrics['worth'].text()} independent "
        f"samples of the softmax: their squared error is {metrics['error'].text()} of the samples', against "
        f"{study.base('random').error.value:.2f} with random cells; beta is {metrics['beta'].text()} without "
        "calibration."
    )


def _least(metrics: Numbers, study: Study) -> str:
    """How near the bound the circuit comes, and where regularity helps little."""
    least = metrics["least"].value
    apart = metrics["error"].value / least
    many, few = study.along("keys")[-1], study.along("keys")[0]
    return (
        f"Whole counts without bias cannot do better than {least:.3f} here, which systematic sampling reaches: the "
        f"circuit's error is {apart:.2f} times that. With "
        f"{many.case.n_keys} keys the ratio is {many.error.value:.2f} (bound {many.least:.2f}), with "
        f"{few.case.n_keys} it is {few.error.value:.3f}: a key that expects less than one spike is a coin toss "
        "however its cells fire."
    )


def _own(metrics: Numbers) -> str:
    return (
        f"Turns within a key are what counts: where each cell has a phase of its own the ratio is "
        f"{metrics['error_own'].text()}."
    )


def _rhythm(metrics: Numbers, signs: Mapping[str, int]) -> str:
    shared = metrics["shared"]
    if signs["shared"] <= 0:
        return (
            f"Keys and I cells share a rhythm in {shared.value:.0%} of rows with the loop and in "
            f"{metrics['shared_matched'].value:.0%} without it: no clear difference."
        )
    return (
        f"Keys and I cells share a rhythm of {metrics['f_shared'].text()} in {shared.value:.0%} of rows, in "
        f"{metrics['shared_matched'].value:.0%} without the loop at the same rate and in "
        f"{metrics['shared_cut'].value:.0%} with E to I merely cut; a peak in the spectrum says less, for "
        f"single keys that take turns make one without the loop in {metrics['peaked_matched'].value:.0%} of rows."
    )


def _loop(metrics: Numbers, signs: Mapping[str, int]) -> str:
    """What-gamma-buys, asked again for regular cells."""
    selection = choose(
        signs["error_beat"],
        "selects less accurately",
        "changes no clear part of the error",
        "selects more accurately",
    )
    held = choose(signs["cv"], "more than", "no more and no less than", "less than")
    return (
        f"Over the same time the loop {selection}: {against(metrics['error_beat'], metrics['error_beat_matched'])} "
        f"without it. Totals vary {held} without the loop ({against(metrics['cv'], metrics['cv_matched'])}; random "
        f"cells {against(metrics['cv_random'], metrics['cv_random_matched'])})."
    )


def _cost(metrics: Numbers, study: Study) -> str:
    """What takes the advantage away."""
    unequal, jitter = study.along("rate_spread")[-1], study.along("jitter")[-1]
    shape = study.along("shape")[-2]
    return (
        f"Regularity is fragile: the ratio rises from {metrics['error'].value:.3f} to {unequal.error.value:.2f} "
        f"where log rates of a key's cells spread by {unequal.case.x:g}, to {jitter.error.value:.2f} where phases "
        f"jitter by {jitter.case.x:g} spacings, and to {shape.error.value:.2f} with thresholds of shape "
        f"{shape.case.x:g}."
    )
