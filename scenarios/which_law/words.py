"""The answer of which-law, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import listed, say, words
from scenarios.workbench.statistics import clear

if TYPE_CHECKING:
    from scenarios.which_law.measures import Measured, Study

__all__ = ["in_words"]


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; the comparisons of laws are corrected together."""
    signs = clear({name: each.behind for name, each in study.measured.items()})
    kept, left, theory = _kept(study, signs), _left(m, study), _theory(m, study)
    return words(kept, left, theory, _laws(study, signs), _range(study), short=(kept, left, theory))


def _kept(study: Study, signs: Mapping[str, int]) -> str:
    """In how many circuits of either kind no law is clearly better."""
    said = []
    for exponential, who in ((True, "whose cells fire exponentially"), (False, "whose cells do not")):
        group = study.group(exponential=exponential)
        if group:
            kept = sum(signs[name] <= 0 for name in group)
            said.append(f"{kept} of {len(group)} circuits {who}")
    return (
        f"No law predicts held-out spikes clearly better than a softmax in {listed(said)}; to samples "
        f"of a softmax the same fits give {_floor(study)}."
    )


def _floor(study: Study) -> str:
    best, behind = study.samples.fitted.best.law.name, study.samples.behind
    return "a softmax" if best == "softmax" else f"{best}, by {say(behind)} nats per 1000 spikes"


def _left(m: Numbers, study: Study) -> str:
    """How far from a softmax the others are, however many spikes."""
    order = sorted(study.measured.values(), key=lambda each: each.left.value)
    best, worst = order[0], order[-1]
    return (
        "At its own best temperature infinitely many spikes would leave a total variation to softmax of "
        f"{say(worst.left)} in the worst circuit ({_name(worst)}) and {say(best.left)} in the best "
        f"({_name(best)}); uniform weights are {study.uniform:.2f} away."
    )


def _theory(m: Numbers, study: Study) -> str:
    ratios = {each.theory: each for each in study.measured.values()}
    low, high = ratios[min(ratios)], ratios[max(ratios)]
    natives = [each.native.value for each in study.measured.values()]
    apart = f"{low.theory:.2f} for {_name(low)}, {high.theory:.2f} for {_name(high)}"
    return (
        f"The cells set the temperature: beta at gain 1 is {min(natives):.2f} to {max(natives):.2f}. The slope of "
        f"a lone key's log rate, at the input that the loop leaves, predicts {m['theory']} times what is measured "
        f"({apart})."
    )


def _laws(study: Study, signs: Mapping[str, int]) -> str:
    """Which law wins where softmax loses."""
    lost = [each for name, each in study.measured.items() if signs[name] > 0]
    if not lost:
        return ""
    said = [f"{_name(each)}: {each.fitted.best.law.name}, by {say(each.behind)}" for each in lost]
    return f"Where another law is clearly better (nats per 1000 spikes): {'; '.join(said)}."


def _range(study: Study) -> str:
    others = study.group(exponential=False)
    if not others:
        return ""
    holds = np.array([each.holds for each in others.values()])
    return (
        f"Without an exponential cell a key gets its softmax's spikes, to a fifth, down to {holds.min():.1f} to "
        f"{holds.max():.1f} scores below the best, as far as there are spikes enough to tell."
    )


def _name(measured: Measured) -> str:
    return measured.kind.label
