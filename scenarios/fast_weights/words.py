"""The answer of fast-weights, from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.fast_weights.learners import ASKED, PARTS, TASK
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, say, words
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.statistics import clear, difference, estimate_of, mean

if TYPE_CHECKING:
    from scenarios.fast_weights.measures import Study

__all__ = ["in_words"]

NEAR = 0.02  # of the values: as good as softmax


def in_words(study: Study, metrics: Numbers) -> Words:
    """In short, and a paragraph; every comparison is decided here by the numbers."""
    memory, tasks, swap = _memory(study, metrics), _tasks(study, metrics), _swap(study, metrics)
    return words(
        memory, _twins(study), _shared(study), swap, _worn(study, metrics), tasks, short=(memory, swap, tasks)
    )


def _memory(study: Study, metrics: Numbers) -> str:
    """The rules, and the spikes from which they recall what softmax does."""
    most = study.params.keys[-1]
    rules = [metrics[f"{rule}_{most}"] for rule in ("hebb", "delta", "softmax")]
    enough = [f"{_enough(study, source)} with {label}" for source, label in SOURCES.items()]
    return (
        f"The last of {study.params.writes} values that each of {most} keys got is recalled in {rules[0]} of the "
        f"cases by Hebb's rule, in {rules[1]} by the delta rule, in {rules[2]} with columns by softmax. "
        f"To come within {NEAR:g} of that, for any number of keys, takes this many spikes a read and write: "
        f"{listed(enough)}."
    )


def _enough(study: Study, source: str) -> str:
    def near(n: int) -> bool:
        gaps = (study.apart(("softmax", 0, k), (source, n, k)).value for k in study.params.keys)
        return max(gaps) <= NEAR

    n = next((n for n in study.params.spikes if near(n)), None)
    return str(n) if n else f"more than {study.params.spikes[-1]}"


def _twins(study: Study) -> str:
    """Circuits against as many samples, all keys together."""
    params = study.params
    gaps = {
        (source, n): mean(
            sum(study.memories[source, n, k] - study.memories["sampled", n, k] for k in params.keys)
        )
        for source in ("circuit", "regular")
        for n in params.spikes
    }
    signs = clear({f"{source} {n}": gap for (source, n), gap in gaps.items()})
    said = []
    for source in ("circuit", "regular"):
        some = {way: [str(n) for n in params.spikes if signs[f"{source} {n}"] == way] for way in (1, -1)}
        parts = [f"{word} at N = {listed(some[w])}" for w, word in ((1, "more"), (-1, "less")) if some[w]]
        said.append(f"{SOURCES[source]} {' and '.join(parts) or 'neither more nor less'}")
    return f"Compared with as many samples, N spikes recall, in {'; in '.join(said)}."


def _shared(study: Study) -> str:
    params = study.params
    gaps = {
        f"{n}": mean(
            sum(study.memories["shared", n, k] - study.memories["circuit", n, k] for k in params.keys)
        )
        for n in params.spikes
    }
    signs = clear(gaps)
    some = {way: [n for n in gaps if signs[n] == way] for way in (1, -1)}
    parts = [f"{word} at N = {listed(some[w])}" for w, word in ((1, "more"), (-1, "less")) if some[w]]
    return (
        f"Where a write uses the spikes of its own read, random cells recall {' and '.join(parts)}."
        if parts
        else "Whether a write uses the spikes of its own read or new ones makes no clear difference."
    )


def _swap(study: Study, metrics: Numbers) -> str:
    """What the layer learnt, and what the swap costs it."""
    params, ours, delta = study.params, metrics["learner"], metrics["learner_delta"]
    lost = {f"{source} {n}": study.lost("self", source, n) for source in SOURCES for n in params.spikes}
    signs = clear({"written": difference(estimate_of(ours), study.right("frozen")), **lost})
    learns = choose(
        signs["written"], "learns", "does not clearly learn", "does worse than one that never writes at"
    )
    free = []
    for source, label in SOURCES.items():
        some = [str(n) for n in params.spikes if signs[f"{source} {n}"] <= 0]
        free.append(f"{label} {f'at {listed(some)}' if some else 'at no number'}")
    middle = f"self_circuit_{params.middle}"
    return (
        f"A layer that rewrites itself {learns} {TASK.n_classes} new classes from {TASK.shots} examples of each: "
        f"{ours} of its answers are right (delta rule {delta}, never written {say(study.right('frozen'))}). With "
        f"{params.middle} spikes of random cells a column it loses {metrics[f'lost_{middle}']}; no clear loss: "
        f"{'; '.join(free)}."
    )


def _worn(study: Study, metrics: Numbers) -> str:
    """Whether errors that are written add up, and whether reads or writes are what costs."""
    params = study.params
    names = [f"worn_self_{source}_{n}" for source in SOURCES for n in params.spikes]
    signs = clear({name: estimate_of(metrics[name]) for name in names})
    grows = [name for name in names if signs[name] > 0]
    said = f"adds to that in {len(grows)} of {len(names)} cases" if grows else "does not clearly add to that"
    reads, writes = (metrics[f"lost_{part}_{params.middle}"] for part in PARTS)
    return (
        f"With reads alone by spikes it loses {reads}, with writes alone {writes}. Over {params.asked} examples "
        f"without label, of which training had {ASKED}, the layer that rewrites itself loses "
        f"{metrics['worn_self']} of its answers by softmax (delta rule {metrics['worn_delta']}); what spikes "
        f"write wrongly {said}."
    )


def _tasks(study: Study, metrics: Numbers) -> str:
    most = study.params.tasks[-1]
    gained = {
        name: mean(study.tasks[name, most].all - study.tasks["none", most].all)
        for name in ("best", "circuit")
    }
    verdict = choose(clear(gained)["circuit"], "more than", "no more than", "less than")
    ours, kept = metrics["tasks"], metrics["all_kept"]
    return (
        f"Of {most} tasks that share keys, learnt one after another, {metrics['tasks_best']} of the values are "
        f"left at the end where each may use its best {study.params.gate} of {study.params.columns} columns, "
        f"{ours} with the first columns to spike, {verdict} without a gate ({ours.control:.3f}; the last task "
        f"alone would be {ours.floor:.3f}); {kept} where a task keeps the columns that spiked first, and "
        f"{metrics['tasks_added']} with the task's scores added and all columns."
    )
