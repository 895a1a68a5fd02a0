"""The answer of coherence-routes, from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.coherence_routes.measures import READERS, RIVALS, at_best, efficiency
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, say, words
from scenarios.workbench.statistics import clear, difference

if TYPE_CHECKING:
    from scenarios.coherence_routes.measures import Study

__all__ = ["in_words"]


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    kappa = study.params.kappas[0]
    signs = clear(
        {
            **{
                f"{reader} {rival}": difference(
                    study.found[kappa, rival, reader], study.found[kappa, rival, "plain"]
                )
                for reader in ("ping", "local", "tonic")
                for rival in RIVALS
            },
            **{  # every lag, since the best is picked among them
                f"lag {rate:g} {lag:g}": difference(gain, study.gain[rate, 0.0])
                for (rate, lag), gain in study.gain.items()
                if lag
            },
            **{f"gain {rate:g} {lag:g}": gain for (rate, lag), gain in study.gain.items()},
        }
    )  # fmt: skip
    rivals, receiver, routing = _rivals(study), _receiver(study, signs), _routing(study, signs)
    others = " ".join(_against_counts(study, signs, reader) for reader in ("local", "tonic"))
    return words(rivals, receiver, routing, others, _pair(study), short=(rivals, receiver, routing))


def _rivals(study: Study) -> str:
    kappa = study.params.kappas[0]
    said = [
        f"{say(study.found[kappa, rival, 'matched'])} against {name} (theory "
        f"{study.theory[kappa, rival, 'matched']:.3g})"
        for rival, name in RIVALS.items()
    ]
    return f"At kappa {kappa:g} a matched filter gets {listed(said)}, in 1/rad²."


def _receiver(study: Study, signs: dict[str, int]) -> str:
    said = [f"{say(efficiency(study, rival, 'ping'))} ({name})" for rival, name in RIVALS.items()]
    return (
        f"A PING receiver gets this share of the filter's information: {listed(said)}. "
        f"{_against_counts(study, signs, 'ping')}"
    )


def _against_counts(study: Study, signs: dict[str, int], reader: str) -> str:
    """More than the counts of the window, or less?"""
    kappa = study.params.kappas[0]
    said = [
        f"{say(study.found[kappa, rival, reader])} against {say(study.found[kappa, rival, 'plain'])} "
        f"({name}: {choose(signs[f'{reader} {rival}'], 'clearly more', 'no clear difference', 'clearly less')})"
        for rival, name in RIVALS.items()
    ]
    return f"Next to the spike counts of the window, the {READERS[reader]} has {listed(said)}."


def _routing(study: Study, signs: dict[str, int]) -> str:
    said = []
    for rate in study.params.rates:
        lag, more = at_best(study, rate)
        gain = study.gain[rate, lag]
        wins = choose(
            signs[f"gain {rate:g} {lag:g}"],
            "the leader prevails",
            "neither prevails",
            "the follower prevails",
        )
        does = choose(signs[f"lag {rate:g} {lag:g}"], "clearly more", "not clearly more", "clearly less")
        said.append(
            f"with the second sender at {rate:g} times the rate the log gain of the first is {say(gain)} at a lag "
            f"of {lag:g} cycles, {does} than without a lag (by {say(more)}), and {wins}"
        )
    return f"Two senders of one rhythm: {listed(said)}."


def _pair(study: Study) -> str:
    n = {name: len(times) for name, times in study.pair.spikes_ms.items()}
    counts = listed([f"{count} on {name}" for name, count in n.items()])
    return (
        f"Under a sharp and a blunt input of one mean, the two cells of Boergers' chapter 38 fire {counts} in "
        f"{study.params.pair_ms:g} ms, within {study.pair.off_ms:.3f} ms of the printed times."
    )
