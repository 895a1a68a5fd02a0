"""The answer of language-model-rivals, from its numbers: what circuit, rhythm and spikes contribute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scenarios.language_model_rivals.rivals import DRAWN, MAIN, RIVALS, SOFTMAX, SUMMED
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.rate_controls import SETTLE_ms
from scenarios.workbench.sentences import choose, listed, words

if TYPE_CHECKING:
    from scenarios.language_model_rivals.measures import Study

__all__ = ["in_words"]


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    loss, spikes, rhythm = _loss(m, study), _spikes(m, study), _rhythm(m, study)
    rules, price = _rules(m, study), _price(m, study)
    return words(
        loss,
        spikes,
        rhythm,
        _summed(m, study),
        rules,
        price,
        short=(loss, f"{spikes} {rhythm}".strip() or rules, price),
    )


def _loss(m: Numbers, study: Study) -> str:
    word = choose(study.signs[MAIN], "a clear loss", "no clear loss", "a clear gain")
    return (
        f"At {study.params.spikes} spikes a row the gamma circuit has {m['ratio']} times the perplexity of softmax "
        f"({m['perplexity']}), {word}; its KL from softmax's next token is {m['kl']}."
    )


def _spikes(m: Numbers, study: Study) -> str:
    """What regular cells in a circuit make of spikes."""
    names = {
        "samples": "as many independent samples of the softmax",
        "random": "random cells",
        "diffusive": "diffusive cells",
    }
    said = _compared(m, study, names)
    return f"This KL is {said}." if said else ""


def _rhythm(m: Numbers, study: Study) -> str:
    """The same spikes without the rhythm."""
    names = {"off": "the loop cut at the same rate", "slow": "a slow loop in place of the gamma loop"}
    said = _compared(m, study, names)
    if not said:
        return ""
    alike = not any(study.signs[name] for name in names if name in study.rivals)
    so = ": what a spike says does not clearly depend on the rhythm" if alike else ""
    return f"At as many spikes it is {said}{so}."


def _summed(m: Numbers, study: Study) -> str:
    """Values that are summed, which need a total that is held."""
    names = [name for name in SUMMED if name in study.rivals]
    judged = (
        {"summed_off": "with the loop cut", "summed_slow": "with a slow loop"} if SUMMED[0] in names else {}
    )
    said = [
        f"{m[f'ratio_{name}']} {where} ({_more(study.signs[name])})"
        for name, where in judged.items()
        if name in names
    ]
    if not said:
        return ""
    settled = f", which runs for {SETTLE_ms:g} ms before it is read" if names[-1] == SUMMED[-1] else ""
    return (
        "Where every row has the same time and its values are summed, with no division by the spikes of the row, "
        f"the ratio is {m['ratio_summed']} with the gamma loop, {listed(said)}{settled}."
    )


def _rules(m: Numbers, study: Study) -> str:
    """Rivals that compute weights without noise, by how far from softmax they are."""
    exact = [name for name in study.rivals if not RIVALS[name].noisy]
    places = (
        "not clearly nearer or farther",
        "clearly farther",
        "clearly nearer to softmax than the circuit",
    )
    said = []
    for sign in (-1, 0, 1):
        here = [f"{study.label(name)} ({m[f'kl_{name}']:.2g})" for name in exact if study.signs[name] == sign]
        if here:
            said.append(f"{listed(here)} {'are' if len(here) > 1 else 'is'} {places[sign]}")
    return f"Of weights computed without noise, {'; '.join(said)}." if said else ""


def _price(m: Numbers, study: Study) -> str:
    fewest = min(
        (name for name in study.rivals if name in DRAWN), key=lambda name: study.priced[name].operations
    )
    least = study.priced[fewest].operations / study.priced[SOFTMAX].operations
    others = (
        f"; of all with a budget {study.label(fewest)} takes fewest operations, {least:.3g} times softmax's"
    )
    return (
        f"The circuit takes {m['time']} times as long as softmax, {m['operations']:.3g} times its operations of "
        f"attention and {m['joules']:.3g} times its joules on a digital machine, {m['hardware']:.3g} times with "
        f"the cells on neuromorphic hardware{others if fewest != MAIN else ''}."
    )


def _compared(m: Numbers, study: Study, names: Mapping[str, str]) -> str:
    """KL of some rivals, each judged against the circuit."""
    here = [name for name in names if name in study.rivals]
    return listed([f"{m[f'kl_{name}']} with {names[name]} ({_more(study.signs[name])})" for name in here])


def _more(sign: int) -> str:
    return choose(sign, "clearly more", "not clearly different", "clearly less")
