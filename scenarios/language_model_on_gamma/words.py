"""The answer of language-model-on-gamma, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference

if TYPE_CHECKING:
    from scenarios.language_model_on_gamma.measures import Study

__all__ = ["in_words"]


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    if "spikes" not in study.kinds:
        only = f"By softmax the perplexity is {m['perplexity']}; nothing was simulated."
        return words(only, short=(only,))
    signs = clear(_differences(study))
    loss, against, price = _loss(m, study, signs), _against(m, study, signs), _price(m, study)
    return words(
        loss,
        against,
        _budgets(m, study),
        _layers(study),
        _written(study),
        price,
        short=(loss, against, price),
    )


def _differences(study: Study) -> dict[str, Estimate]:
    """Every difference of losses that a sentence speaks of."""
    rises = {kind: study.rise(kind, study.params.shown) for kind in study.kinds}
    others = {kind: difference(rise, rises["spikes"]) for kind, rise in rises.items() if kind != "spikes"}
    return {"loss": rises["spikes"], **others}


def _loss(m: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    params = study.params
    word = choose(signs["loss"], "a clear loss", "no clear loss", "a clear gain")
    return (
        f"With {study.chosen} of the language model simulated at {params.shown} spikes a row its perplexity is "
        f"{m['ratio']} times that of softmax ({m['perplexity']}) on the same windows, {word}; the most probable "
        f"next token is the same in {m['same']} of places."
    )


def _against(m: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    """Random cells and samples against the circuit in question."""
    n, others = study.params.shown, [kind for kind in ("random", "samples") if kind in signs]
    names = {
        "random": f"{study.params.random} cells",
        "samples": "as many independent samples of the softmax",
    }
    said = [
        f"{names[kind]} have {m[f'ratio_{kind}_{n}']} "
        f"({choose(signs[kind], 'clearly more', 'not clearly different', 'clearly less')})"
        for kind in others
    ]
    return f"At {n} spikes {listed(said)}, uniform attention {m['uniform']:.3g}." if said else ""


def _budgets(m: Numbers, study: Study) -> str:
    said = [
        f"{m['ratio' if n == study.params.shown else f'ratio_spikes_{n}']} at {n}"
        for n in study.params.spikes
    ]
    return f"By spikes a row the ratio is {listed(said)}."


def _layers(study: Study) -> str:
    if not study.layers:
        return ""
    order = sorted(study.layers, key=lambda layer: study.alone(layer).value, reverse=True)
    most, least = order[0], order[-1]
    return (
        f"Alone at {study.params.layer_spikes} spikes a row layer {most} changes the next token most, by a KL of "
        f"{study.alone(most)} nat, layer {least} least, by {study.alone(least)}."
    )


def _written(study: Study) -> str:
    written = study.written
    if written is None:
        return ""
    n = len(written.softmax)
    alike = f"for all {n} tokens" if written.common >= n else f"for {written.common} of {n} tokens"
    return f"Asked to go on with “{written.prompt}”, both choose the same text {alike}."


def _price(m: Numbers, study: Study) -> str:
    times = f"{m['time']} times as long as softmax"
    return f"On this machine the simulation takes {times} at {study.params.shown} spikes a row."
