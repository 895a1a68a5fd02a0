"""The answer of language-model-on-gamma, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scenarios.language_model_on_gamma.trials import Kind
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference

if TYPE_CHECKING:
    from scenarios.language_model_on_gamma.measures import Study

__all__ = ["in_words"]


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    signs = clear(_differences(study))
    pairs, written, bill = _pairs(m, study, signs), _written(study), _bill(m, study)
    if "spikes" in study.kinds:
        loss, against, price = _loss(m, study, signs), _against(m, study, signs), _price(m, study)
        parts = (loss, against, _budgets(m, study), _layers(study), pairs, written, price, bill)
        return words(*parts, short=(loss, pairs or against, price))
    only = f"By softmax the perplexity is {m['perplexity']}; nothing was simulated." if study.tried else ""
    return words(
        only, pairs, written, bill, short=[part for part in (only, pairs, written, bill) if part][:3]
    )


def _differences(study: Study) -> dict[str, Estimate]:
    """Every difference that a sentence speaks of: losses, and pairs judged right, overall and by field."""
    shown = study.params.shown
    rises = {kind: study.rise(kind, shown) for kind in study.kinds}
    others = {kind: difference(rise, rises["spikes"]) for kind, rise in rises.items() if kind != "spikes"}
    compared = {"loss": rises["spikes"], **others} if rises else {}
    main, judged = Kind(name="spikes", spikes=shown), study.judged
    if judged is not None and main in judged.kinds:
        compared["pairs"] = judged.change(main)
        compared |= {field: judged.change(main, field=field) for field in judged.fields}
    return compared


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
    said = f"Asked to go on with “{written.prompt}”, both choose the same text {alike}"
    if not written.uncached:
        return f"{said}."
    whole = len(written.uncached)
    again = (
        f"all {whole}"
        if written.alike_uncached >= whole
        else f"the first {written.alike_uncached} of {whole}"
    )
    return f"{said}; without a cache of keys and values spikes choose {again} tokens as with one."


def _pairs(m: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    """What is judged right, and in which fields of linguistics that changes."""
    judged, shown = study.judged, study.params.shown
    if judged is None:
        return ""
    whole = f"Of {len(judged.pairs):,} minimal pairs softmax judges {m['pairs_softmax']} right"
    if "pairs" not in signs:
        return f"{whole}."
    word = choose(signs["pairs"], "clearly more", "no clear change", "clearly fewer")
    moved = [field for field in judged.fields if signs[field]]
    by_field = "" if not moved else f", and by field clearly in {listed(moved)}"
    return (
        f"{whole}, {shown} spikes a row {m['pairs']}: {word} on the same pairs ({m['pairs_change']}){by_field}; "
        f"{m['pairs_same']:.1%} are judged as softmax judges them."
    )


def _bill(m: Numbers, study: Study) -> str:
    if not study.bills:
        return ""
    return (
        f"Counted operation by operation the whole model takes {m['operations']:.3g} times the operations of "
        f"softmax and {m['energy']:.3g} times its energy in FP32 arithmetic, {m['hardware']:.3g} times on "
        "neuromorphic hardware, which updates every cell."
    )


def _price(m: Numbers, study: Study) -> str:
    times = f"{m['time']} times as long as softmax"
    return f"On this machine the simulation takes {times} at {study.params.shown} spikes a row."
