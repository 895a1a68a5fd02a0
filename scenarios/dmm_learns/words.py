"""Sentences of dmm-learns, each decided by the numbers of its run."""

from __future__ import annotations

import numpy as np

from pragmatic.machines.dmm.lite import TEXT
from scenarios.dmm_learns.draws import GROUPS
from scenarios.dmm_learns.measures import LEARNT, Study
from scenarios.dmm_learns.published import CHANGES, NINETEEN_LOSSES
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import words
from scenarios.workbench.sources import SOURCES

__all__ = ["in_words"]


def in_words(metrics: Numbers, study: Study) -> Words:
    """In short, and a paragraph."""
    exact, learns, cut = _exact(metrics), _learns(metrics, study), _cut(metrics, study)
    without, spikes, kinds = _without(metrics), _spikes(metrics, study), _kinds(study)
    return words(exact, learns, cut, without, spikes, kinds, _through(study), short=(learns, spikes, kinds))


def _exact(metrics: Numbers) -> str:
    names = [name for name in metrics if name == "nineteen" or name.startswith("nineteen_")]
    apart = max(abs(metrics[name].value / (metrics[name].floor or np.nan) - 1) for name in names)
    hand = f"The hand program changes in {metrics['hand'].value:.0f} of {sum(map(len, CHANGES))} published cycles"
    return (
        f"{hand}, and the losses of the author's machine of 19 weights agree with his on "
        f"{len(NINETEEN_LOSSES)} "
        f"tests within {apart:.0e} of each."
    )


def _learns(metrics: Numbers, study: Study) -> str:
    n, all_of, steps = len(study.steps_needed), study.params.machines, study.params.steps
    when = f", after {metrics['steps_needed']} steps" if n else ""
    final = metrics["final_loss"]
    against = "" if final.floor is None else f" (published {final.floor:g})"
    return (
        f"Of {all_of} machines of {study.learnt.sparse.sizes.n_weights} weights {n} learn to count with a "
        "loss below "
        f"{LEARNT:g}{when}; after {steps} steps, {metrics['minutes'].value:.1f} minutes for all, it is "
        f"{final}{against}."
    )


def _cut(metrics: Numbers, study: Study) -> str:
    if study.fewest is None:
        return "Cut down, none of them keeps a squared error below 1."
    few, unseen = metrics["few_loss"], (study.params.unseen, 140)
    best, left = study.learnt.best, study.learnt.left[-1]
    new, old = (float(tests[unseen][best]) for tests in (study.learnt.few, study.learnt.whole))
    better = (
        "generalises better than it did whole"
        if new < old
        else "does not generalise better than it did whole"
    )
    longer = float(study.learnt.few[TEXT, 150][best])
    return (
        f"Cut down to {left} weights, {metrics['kept'].value:.0f} of {study.params.machines} still count; "
        "the fewest "
        f"with which one does are {study.fewest}. The best of {left}, chosen by its error on the text of "
        "the training, "
        f"{few.value:.2g} (the author's {few.floor:g}), {better}: on “{unseen[0]}” it is off by {new:.2g}, "
        "before the cuts "
        f"by {old:.3g}, and ten cycles beyond its training by {longer:.2g}."
    )


def _without(metrics: Numbers) -> str:
    without, unseen = metrics["without"], metrics["without_unseen"]
    learn = "learn the text too" if without.value < LEARNT else "do not learn the text"
    return (
        f"Machines without comparisons {learn}, with a squared error of {without} (published: a wrong "
        "algorithm); on "
        f"the unseen text they are off by {unseen}, those with comparisons by {unseen.control:.3g}."
    )


def _spikes(metrics: Numbers, study: Study) -> str:
    said = []
    for source, label in SOURCES.items():
        n = study.enough("author", source)
        said.append(f"{label} {f'from {n}' if n else f'at none of up to {study.params.spikes[-1]}'}")
    slope = metrics["slope_author_circuit"]
    law = "" if np.isnan(slope.value) else f" Its error falls as N to the power of {slope} (theory -1)."
    hand = metrics["excess_hand"].value
    immune = " The hand program, of one link a row, is not disturbed at all." if hand == 0 else ""
    return (
        "With rows drawn by spikes the author's 19 weights keep their meaning, the right counts in all "
        "cycles of all "
        f"{study.params.replicas} machines, at spikes a row: {'; '.join(said)}.{law}{immune}"
    )


def _kinds(study: Study) -> str:
    excess = {kind: study.kinds[kind].excess for kind in GROUPS}
    worst = max(excess, key=lambda kind: excess[kind].value)
    others = max((e.value for kind, e in excess.items() if kind != worst), default=0.0)
    times = (
        f"{excess[worst].value / others:.0f} times as much as any other kind"
        if others
        else "and no other any"
    )
    predicted = "as predicted of integrators" if worst == "accum" else "not the accumulators, as predicted"
    return (
        f"Drawn alone by {study.middle} spikes, the rows of {GROUPS[worst]} make a squared error of "
        f"{excess[worst]}, {times}: "
        f"they are the weakest neurons, {predicted}."
    )


def _through(study: Study) -> str:
    parts = []
    for source in study.learnt.drawn:
        losses = study.through(source)
        parts.append(f"{SOURCES[source]} {losses[-1]:.3g} (least {losses.min():.3g})")
    return (
        f"Trained through {study.params.train_spikes} spikes a row from the start, every row drawn in every "
        "cycle, the loss is "
        f"after {study.params.spike_steps} steps: {'; '.join(parts)}; with exact rows "
        f"{study.loss_at(min(study.params.spike_steps, study.params.steps)).mean():.3g}."
    )
