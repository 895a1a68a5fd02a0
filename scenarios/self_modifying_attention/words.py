"""The answer of self-modifying-attention, from its numbers."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from scenarios.self_modifying_attention.measures import ALIVE, RATIOS, between, thresholds
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of, mean, sign

if TYPE_CHECKING:
    from scenarios.self_modifying_attention.measures import Study

__all__ = ["in_words"]

ENOUGH = 0.99  # of the steps: the program runs


def in_words(study: Study, metrics: Numbers) -> Words:
    """In short, and a paragraph; every comparison is decided here by the numbers."""
    exact, spikes, loop = _exact(study), _spikes(study, metrics), _loop(metrics)
    return words(
        exact,
        spikes,
        _twins(study, metrics),
        _noise(study, metrics),
        _starts(study, metrics),
        loop,
        _form(metrics),
        short=(exact, spikes, loop),
    )


def _exact(study: Study) -> str:
    """The threshold and the zone below it."""
    pairs = {n: thresholds(study.curves, n) for n in study.curves}
    step = float(RATIOS[1] - RATIOS[0])
    woken = (
        "above beta / n = 1 for every n, as theory has it"
        if all(abs(wakes - 1) < 1.5 * step for _, wakes in pairs.values())
        else "above beta / n = "
        + listed([f"{wakes:.2f} (n = {n})" for n, (_, wakes) in pairs.items()])
        + ", theory 1"
    )
    survives = listed([f"{kept:.2f} (n = {n})" for n, (kept, _) in pairs.items()])
    return f"By softmax a nearly uniform row comes alive {woken}; a program that runs survives down to {survives}."


def _spikes(study: Study, metrics: Numbers) -> str:
    """How many spikes keep the program at the first ratio above threshold and at the last."""
    said = []
    for ratio in dict.fromkeys((study.params.just_above, study.params.ratios[-1])):
        needed = [f"{_enough(study, source, ratio)} with {label}" for source, label in SOURCES.items()]
        said.append(f"{listed(needed)} at beta / n = {ratio:g}")
    return (
        f"With n = {study.params.n} an edit needs, for {ENOUGH:.0%} right steps, this many spikes: "
        f"{'; '.join(said)}. At {study.params.middle} spikes and {study.params.just_above:g} random cells make "
        f"{metrics['right']} right steps."
    )


def _enough(study: Study, source: str, ratio: float) -> str:
    few = (n for n in study.params.spikes if study.at(source, ratio, n).right.mean() >= ENOUGH)
    n = next(few, None)
    return str(n) if n else f"more than {study.params.spikes[-1]}"


def _twins(study: Study, metrics: Numbers) -> str:
    """Circuits against as many samples just above threshold, and the temperature that they had."""
    params, ratio = study.params, study.params.just_above
    sampled = {n: mean(study.at("sampled", ratio, n).right) for n in params.spikes}
    pairs = list(product(("circuit", "regular"), params.spikes))
    signs = clear({f"{s} {n}": difference(mean(study.at(s, ratio, n).right), sampled[n]) for s, n in pairs})
    said = []
    for source in ("circuit", "regular"):
        some = {way: [str(n) for n in params.spikes if signs[f"{source} {n}"] == way] for way in (1, -1)}
        ways = ((1, "more often"), (-1, "less often"))
        parts = [f"{word} with {listed(some[way])}" for way, word in ways if some[way]]
        said.append(f"{SOURCES[source]} {' and '.join(parts) or 'neither more nor less often'}")
    return (
        f"At {ratio:g} spikes step right, compared with as many samples, in {'; in '.join(said)}. The beta of "
        f"random cells is {metrics['beta_circuit']} of the one asked for, that of regular cells "
        f"{metrics['beta_regular']}; at a temperature that makes up for it random cells take "
        f"{metrics['right_corrected']} right steps, samples {metrics['right'].control:.3f}."
    )


def _noise(study: Study, metrics: Numbers) -> str:
    params, low = study.params, study.params.ratios[0]
    if study.exact[params.n][0][0] > ALIVE:
        return ""
    most = params.spikes[-1]
    seen = metrics[f"noise_{most}_sampled"]
    law = "–" if seen.floor is None else f"{seen.floor:.3f}"
    right, guess = (
        mean(study.at("circuit", low, params.middle).right),
        Estimate(value=1 / params.n, error=0.0),
    )
    moves = choose(sign(difference(right, guess)), "more often than", "no more often than", "less often than")
    return (
        f"Where softmax forgets, at beta / n = {low:g}, spikes keep the row moving: with {most} samples its "
        f"entries stay {seen} apart (theory {law}). That falls with the number of spikes to the power "
        f"{metrics['slope_sampled']} (theory -0.5), {metrics['slope_circuit']} with random and "
        f"{metrics['slope_regular']} with regular cells; {right} of the steps of random cells go to the next "
        f"update, {moves} a guess."
    )


def _starts(study: Study, metrics: Numbers) -> str:
    n, ratio = between(study.curves, study.largest)
    signs = clear(
        {name: estimate_of(metric) for name, metric in metrics.items() if name.startswith("start_")}
    )
    said = []
    for source, label in SOURCES.items():
        some = [str(m) for m in study.params.spikes if signs[f"start_{source}_{m}"] > 0]
        said.append(f"{label} {f'at {listed(some)} an edit' if some else 'at no number'}")
    return (
        f"Between both thresholds (n = {n}, beta / n = {ratio:.2f}) softmax keeps whichever state it starts in; "
        f"the start still decides with spikes of {'; '.join(said)}."
    )


def _loop(metrics: Numbers) -> str:
    right, away, asleep, gain = (metrics[name] for name in ("loop_right", "runaway", "asleep", "gain"))
    return (
        f"Where counts are not divided by their total, {right:.0%} of the steps are right with the gamma loop "
        f"and {right.control:.0%} without it at the same rate, where {away.control:.0%} of the machines run away "
        f"and {asleep.control:.0%} end nearly uniform: a uniform row spikes {gain.value:.2f} times as much as "
        f"one that names an update with the loop, {gain.control:.2f} times without."
    )


def _form(metrics: Numbers) -> str:
    return (
        f"X := W Y, with program and updates inside X, differs by {metrics['forms'].value:.1g}; the sum of the "
        f"row drifts by {metrics['drift'].value:.1g} at most, with the loop or without, since each update adds "
        "up to 0."
    )
