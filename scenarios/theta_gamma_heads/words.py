"""The answer of theta-gamma-heads, from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.theta_gamma_heads.buffer import REFERENCE, STERNBERG_ms
from scenarios.theta_gamma_heads.hops import CONTROLS
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, say, words
from scenarios.workbench.statistics import Estimate, clear, difference

if TYPE_CHECKING:
    from scenarios.theta_gamma_heads.hops import Hopped
    from scenarios.theta_gamma_heads.measures import Study

__all__ = ["in_words"]


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    family = {name: mixed.back(1) for name, mixed in study.mixed.items()}
    if study.sentences is not None:
        family |= {"lost": study.sentences.lost["shared"], "apart": study.sentences.apart}
    if study.hopped is not None:
        family |= _hop_family(study.hopped)
    signs = clear(family)
    kept, leak, shared = _kept(study), _leak(study), _shared(study, signs)
    rest = (_hops(study, signs), _scan(study), _share(study), _conditions(study), _noise(study))
    return words(kept, leak, shared, *rest, short=(kept, leak, shared or _hops(study, signs)))


def _kept(study: Study) -> str:
    said = []
    for key, (capacity, _) in REFERENCE.items():
        kept = study.buffered.reference[key]
        said.append(
            f"{kept.capacity:g} items {kept.interval_ms:.1f} ms apart with inhibition of {key[0]:g} mV "
            f"(reference {capacity})"
        )
    return f"A buffer of theta and gamma keeps {listed(said)}, in order, of as many as are loaded."


def _leak(study: Study) -> str:
    mixed = next(iter(study.mixed.values()))
    return (
        f"When {len(mixed.matrix)} heads share one circuit, each in a gamma cycle of {mixed.circuit.slot_ms:g} ms, "
        f"the scores of the slot before have {say(mixed.back(1))} of the effect of a slot's own; a linear membrane "
        f"carries {mixed.theory[1]:.3f}."
    )


def _shared(study: Study, signs: dict[str, int]) -> str:
    sentences = study.sentences
    if sentences is None:
        return ""
    lost = choose(signs["lost"], "a clear loss", "no clear loss", "a clear gain")
    apart = choose(signs["apart"], "clearly better", "not clearly different on these pairs", "clearly worse")
    return (
        f"With the {sentences.n_heads} heads of each layer of MiniLM on one circuit, {sentences.spikes:.0f} spikes "
        f"a head's row, {say(sentences.lost['shared'])} of rank correlation is lost, {lost}; a circuit for each "
        f"head ({say(sentences.lost['separate'])}) is {apart}; uniform attention costs "
        f"{sentences.lost['uniform']:.2f}."
    )


def _scan(study: Study) -> str:
    said = [
        f"{kept.scan_ms:.1f} ms with inhibition of {mV:g} mV"
        for (mV, _), kept in study.buffered.reference.items()
    ]
    return (
        f"An item more delays the end of a theta period's scan by {listed(said)}; it delays a person's answer by "
        f"{STERNBERG_ms:g} ms (Sternberg 1966)."
    )


def _hop_family(hopped: Hopped) -> dict[str, Estimate]:
    """The base circuit against each control, and against the circuit that leaks least."""
    base = hopped.circuits["base"]
    least = hopped.circuits[_least(hopped)]
    against = {**hopped.controls, "least": least.accuracy}
    return {f"hops {name}": difference(base.accuracy, accuracy) for name, accuracy in against.items()}


def _least(hopped: Hopped) -> str:
    return min(hopped.circuits, key=lambda name: hopped.circuits[name].leak.value)


def _hops(study: Study, signs: dict[str, int]) -> str:
    hopped = study.hopped
    if hopped is None:
        return ""
    base, least = hopped.circuits["base"], _least(hopped)
    words_of = ("less", "not clearly apart", "more")
    said = [
        f"{say(accuracy)} by {CONTROLS[name]} ({choose(signs[f'hops {name}'], *words_of)})"
        for name, accuracy in hopped.controls.items()
    ]
    deeper = [f"{say(each.accuracy)} after {n} hops" for n, each in hopped.by_hops.items() if n > 2]
    best = choose(signs["hops least"], *words_of)
    return (
        f"Where slot 2 takes its query from the spikes of slot 1, two hops along a chain of {study.params.n_items} "
        f"keys end at the right one in {say(base.accuracy)} of rows within a theta cycle, {base.spikes:.0f} spikes "
        f"a slot; it is {listed(said)}, and {listed(deeper)}. The first scores leak into slot 2 with "
        f"{say(base.leak)} of the weight of those handed on, which costs as many samples {say(hopped.cost)}; least "
        f"leaks with {least}, {say(hopped.circuits[least].leak)}: {say(hopped.circuits[least].accuracy)} ({best})."
    )


def _share(study: Study) -> str:
    best = max(study.buffered.varied, key=lambda kept: kept.capacity)
    least = min(study.buffered.varied, key=lambda kept: kept.capacity)
    return (
        f"Over theta and inhibition it keeps {study.buffered.share:.2f} items for each gamma cycle in a theta "
        "period: only the active part of theta holds items. Most, "
        f"{best.capacity:.1f}, at {best.buffer.f_theta_Hz:g} Hz with inhibition of {best.buffer.tau_inh_ms:g} ms, "
        f"fewest, {least.capacity:.1f}, at {least.buffer.f_theta_Hz:g} Hz with {least.buffer.tau_inh_ms:g} ms."
    )


def _conditions(study: Study) -> str:
    said = [f"{say(m.back(1))} ({m.theory[1]:.2f}) with {name}" for name, m in list(study.mixed.items())[1:]]
    return f"What a slot hears of the one before, and what a membrane carries: {listed(said)}."


def _noise(study: Study) -> str:
    noisy = study.buffered.noisy
    said = [f"{capacity:.1f} with {noise:g} mV" for noise, capacity in noisy.items()]
    return f"Noise costs the order: {listed(said)}."
