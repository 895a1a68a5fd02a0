"""The answer of attention-by-inhibition, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scenarios.attention_by_inhibition.circuits import SMOOTH_ms
from scenarios.attention_by_inhibition.measures import NAMES, Study
from scenarios.workbench.outcome import Words
from scenarios.workbench.sentences import choose, listed, say, words
from scenarios.workbench.statistics import clear, difference, mean

__all__ = ["in_words"]


def in_words(study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    on, off = study.coherent[-1], study.coherent[0]
    suppressed = {name: each[study.at] for name, each in study.suppressed.items()}
    others = {name: other for name, other in suppressed.items() if name != "attended"}
    signs = clear(
        {
            "locking": difference(mean(on.locking), mean(off.locking)),
            **{name: difference(suppressed["attended"], other) for name, other in others.items()},
            **{f"law {name}": law.behind for name, law in study.laws.items()},
        }
    )
    coherence, rivalry = _coherence(study, signs), _rivalry(study, signs)
    theory, laws = _theory(study), _laws(study, signs)
    return words(coherence, rivalry, theory, laws, _rates(study), short=(coherence, rivalry, laws))


def _coherence(study: Study, signs: Mapping[str, int]) -> str:
    on, off = study.coherent[-1], study.coherent[0]
    verb = choose(signs["locking"], "raises", "does not clearly change", "lowers")
    return (
        f"A bath of {on.bath_uA_cm2:g} in place of {off.bath_uA_cm2:g} uA/cm2 on the I cells {verb} the locking of "
        f"their spikes, {say(mean(on.locking))} against {say(mean(off.locking))} (cells shifted in time: "
        f"{say(mean(on.by_chance))} and {say(mean(off.by_chance))}), and takes the driven E cells from "
        f"{say(mean(off.exc_Hz))} to {say(mean(on.exc_Hz), 'Hz')}."
    )


def _rivalry(study: Study, signs: Mapping[str, int]) -> str:
    suppressed = {name: each[study.at] for name, each in study.suppressed.items()}
    said = [
        f"{say(suppressed[name])} "
        f"{choose(signs[name], '(clearly less)', '(no clear difference)', '(clearly more)')} {where}"
        for name, where in (
            ("smooth", f"with the same feedback smoothed over {SMOOTH_ms:g} ms, at the same rate alone"),
            ("unattended", "without attention"),
            ("gain", "when more drive to all E cells, in place of attention, brings that rate"),
        )
    ]
    volleys = [f"{say(mean(r.locking))} ({NAMES[name]})" for name, r in study.rivalry.items()]
    return (
        f"An assembly {study.params.contrasts[study.at]:g} scores weaker loses {say(suppressed['attended'])} of "
        f"its spikes to the stronger one under attention, {listed(said)}. The stronger one's own volleys, alone, "
        f"have a vector strength of {listed(volleys)}."
    )


def _theory(study: Study) -> str:
    theory = study.theory
    if not np.isfinite(theory.lag_ms):
        return "The I cells are silent, so that theory has no lag to start from."
    reached = (
        f"half are left at a contrast of {say(study.half, 'scores')}"
        if np.isfinite(study.half.value)
        else "no contrast tried leaves half"
    )
    return (
        f"Under attention the I cells follow the stronger assembly by {theory.lag_ms:.2f} ms; a rival that is "
        f"released later than that is suppressed, which theory expects for half of its cells at {theory.half:.2f} "
        f"scores; of the rival's spikes {reached}."
    )


def _laws(study: Study, signs: Mapping[str, int]) -> str:
    said = []
    for name, law in study.laws.items():
        best = law.fitted.best.law.name
        better = (
            f"{best}, by {say(law.behind)} nats per 1000 spikes"
            if signs[f"law {name}"] > 0
            else "no law clearly better than softmax"
        )
        said.append(f"{NAMES[name]}: {better} (beta {say(law.beta)})")
    return f"Best law for held-out spikes of random scores: {'; '.join(said)}."


def _rates(study: Study) -> str:
    rivalry = study.rivalry
    said = [
        f"{say(mean(r.rival_Hz[study.at]))} of {say(mean(r.alone_Hz[study.at]), 'Hz')} alone ({NAMES[name]})"
        for name, r in rivalry.items()
    ]
    return f"The rival's rate next to the stronger is {listed(said)}."
