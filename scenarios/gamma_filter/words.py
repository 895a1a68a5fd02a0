"""The answer of gamma-filter, from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.gamma_filter.laws import LAWS
from scenarios.gamma_filter.passing import CONDITIONS
from scenarios.gamma_filter.phases import RECEIVERS
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, say, words
from scenarios.workbench.statistics import clear, difference

if TYPE_CHECKING:
    from scenarios.gamma_filter.measures import Study

__all__ = ["in_words"]

MORE = ("clearly more", "not clearly more", "clearly less")


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    slopes, heard = study.passed.slopes, study.heard
    signs = clear(
        {
            "filter": difference(slopes["filter"].over, slopes["without"].over),
            "steady": difference(slopes["filter"].over, slopes["steady"].over),
            **heard.laws.ahead,
            **{
                other: difference(study.kappas("ping")[-1], study.kappas(other)[-1])
                for other in ("tonic", "forward")
            },
        }
    )
    passed, law, temperature = _passed(study, signs), _law(study, signs), _temperature(study, signs)
    return words(passed, law, temperature, _tuned(study), _knobs(study), short=(passed, law, temperature))


def _passed(study: Study, signs: dict[str, int]) -> str:
    said = [
        f"{say(slopes.ac)} and {say(slopes.dc)} {CONDITIONS[name]}"
        for name, slopes in study.passed.slopes.items()
        if name != "filter"
    ]
    own = study.passed.slopes["filter"]
    return (
        f"The filter network's E rate rises by {say(own.ac)} Hz for each hertz of AC and by {say(own.dc)} for each "
        f"of DC, a ratio of {say(own.over)}, {choose(signs['filter'], *MORE)} than without inhibition and "
        f"{choose(signs['steady'], *MORE)} than with constant inhibition; these slopes are {listed(said)}."
    )


def _law(study: Study, signs: dict[str, int]) -> str:
    laws = study.heard.laws
    said = [
        f"{choose(signs[name], 'clearly ahead of', 'not clearly apart from', 'clearly behind')} {LAWS[name].words} "
        f"({say(ahead)})"
        for name, ahead in laws.ahead.items()
    ]
    return (
        f"Over the lags of its senders a PING receiver's spikes are fitted by {LAWS['von_mises'].words}: on "
        f"rows held out it gains {say(laws.gained['von_mises'])} nats a spike over equal weights, {listed(said)}."
    )


def _temperature(study: Study, signs: dict[str, int]) -> str:
    queries = study.params.queries
    said = [f"{say(k)} at {q:g}" for q, k in zip(queries, study.kappas("ping"), strict=True)]
    others = [
        f"{say(study.kappas(name)[-1])} {RECEIVERS[name][1]} ({choose(signs[name], *MORE)})"
        for name in ("forward", "tonic")
    ]
    return (
        f"Its kappa, one over the temperature, is {listed(said)} of the query's rhythm; the last compares with "
        f"{listed(others)}."
    )


def _tuned(study: Study) -> str:
    rates = study.passed.tuning_Hz.mean(axis=1)
    best = study.params.frequencies[int(np.argmax(rates))]
    said = [f"{rate:.1f} Hz at {f:g} Hz" for f, rate in zip(study.params.frequencies, rates, strict=True)]
    return (
        f"Of the frequencies tried the filter passes {best:g} Hz best: E cells fire at {listed(said)}. With "
        f"constant inhibition of {study.passed.strength:.2f} of the driven one's mean they fire about as often on "
        "the whole."
    )


def _knobs(study: Study) -> str:
    heard = study.heard
    senders = [f"{say(s.kappa)} at {kappa:g}" for kappa, s in heard.by_sender.items()]
    taus = [f"{say(s.kappa)} at {tau:g} ms" for tau, s in heard.by_tau.items()]
    return f"By the senders' own synchrony kappa is {listed(senders)}, by the decay of inhibition {listed(taus)}."
