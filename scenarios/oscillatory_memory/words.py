"""The answer of oscillatory-memory, from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.oscillatory_memory.heads import EXACT, PHASES
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.readers import reader_name
from scenarios.workbench.sentences import choose, listed, say, words
from scenarios.workbench.statistics import clear, difference

if TYPE_CHECKING:
    from scenarios.oscillatory_memory.measures import Study

__all__ = ["in_words"]


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    phasors, head, price = _phasors(study), _head(study), _price(m, study)
    return words(
        phasors, head, price, _harmonics(study), _again(study), _map(study), short=(phasors, head, price)
    )


def _phasors(study: Study) -> str:
    """Where spikes fall behind numbers, if they do."""
    loads = study.params.loads
    behind = clear({str(n): difference(study.spiking.success(n), study.phasors.success(n)) for n in loads})
    worse = [name for name, sign in behind.items() if sign < 0]
    said = (
        f"clearly less than as numbers at {listed(worse)}"
        if worse
        else "nowhere clearly less than as numbers"
    )
    n = study.shown
    return (
        f"A memory of {study.params.units} phasor units, {study.params.active} active in a pattern, gives back "
        f"{say(study.phasors.success(n))} of damaged patterns with {n} stored; resonate-and-fire units that spike "
        f"at 40 Hz give back {say(study.spiking.success(n))} (cosine {say(study.spiking.cosine(n))}), {said}."
    )


def _head(study: Study) -> str:
    n = study.params.keys[-1]
    said = [f"{say(study.heads.success(r, n))} with {reader_name(r)}" for r in study.spikes]
    return (
        f"Of {n} patterns in {study.params.dim} dimensions the gamma head finds {listed(said)}, the softmax "
        f"{say(study.heads.success(EXACT, n))}, chance {1 / n:.2g}."
    )


def _price(m: Numbers, study: Study) -> str:
    one = reader_name(study.spikes[0])
    return (
        f"Phasors in spikes give back {m['bits_synapse'].value:.2f} bits a synapse and {m['bits_cell'].value:.0f} "
        f"a cell at their best load ({study.best(study.spiking)} patterns), the head with {one} "
        f"{m['bits_synapse'].control:.2f} and {m['bits_cell'].control:.0f}: the head has a cell for each pattern, "
        "phasors share theirs."
    )


def _harmonics(study: Study) -> str:
    params, harmonics = study.params, study.harmonics
    without = [f"{harmonics.overlap(0.0, n):.3f} with {n} patterns" for n in params.stored]
    held = [f"{harmonics.overlap(params.epsilon, n):.3f} with {n}" for n in params.stored]
    spurious = [e for e, share in harmonics.spurious.items() if share.value > 0.5]
    random = (
        f"From {min(spurious):g} on most random states are as stable as patterns."
        if spurious
        else "At no strength tried are most random states stable."
    )
    return (
        f"Oscillators with the first harmonic alone keep an overlap of {listed(without)}; a second harmonic of "
        f"{params.epsilon:g} makes that {listed(held)}. {random}"
    )


def _again(study: Study) -> str:
    """Does feeding back help?"""
    if study.params.cycles == 1:
        return ""
    n, last = study.params.keys[-1], study.params.cycles
    signs = clear(
        {
            reader_name(r): difference(study.heads.success(r, n, last), study.heads.success(r, n))
            for r in study.spikes
        }
    )
    said = [
        f"with {name} it is {choose(sign, 'clearly better', 'not clearly different', 'clearly worse')}"
        for name, sign in signs.items()
    ]
    return f"Read {last} times, each time with what was read as the query, {listed(said)}."


def _map(study: Study) -> str:
    """How often the head settles on means, exactly and in spikes."""
    said = []
    for reader, share in study.map.shares.items():
        cluster, whole = (share[..., PHASES.index(of)].mean() for of in ("mean of a cluster", "mean of all"))
        who = "a softmax" if reader == EXACT else f"the head with {reader_name(reader)}"
        said.append(
            f"{who} settles on the mean of a cluster from {cluster:.2f}, of all from {whole:.2f} of cues"
        )
    return f"Over the temperatures and similarities tried {listed(said)}."
