"""Data and numbers of fast-weights: overwriting, tasks, and layers that learn to learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.fast_weights.learners import ASKED, PARTS, TASK, Learnt
from scenarios.fast_weights.memories import Tasks
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.statistics import Estimate, difference, mean, mean_over_seeds
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.fast_weights import Params

__all__ = ["GATES", "KINDS", "RULES", "Point", "Study", "in_data", "in_numbers"]

Point = tuple[str, int, int]  # rule or source, spikes, keys

RULES = {"hebb": "Hebb", "delta": "delta rule", "softmax": "delta rule, columns by softmax"}
GATES = {
    "none": "all columns",
    "added": "the task's scores added",
    "best": "the best columns",
    **{source: f"first columns to spike, {label}" for source, label in SOURCES.items()},
    "kept": "first columns to spike, kept for the task",
}
PART_NAMES = {"read_map": "reads", "write_map": "writes"}
KINDS = {"self": "rewrites itself", "delta": "delta rule", "frozen": "never written"}


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was run."""

    params: Params
    memories: Mapping[Point, np.ndarray]  # (n_memories,) share of keys
    tasks: Mapping[tuple[str, int], Tasks]  # (gate, tasks)
    learners: Learnt  # (n_seeds, n_episodes, n_asked)

    def right(self, kind: str, source: str = "softmax", spikes: int = 0) -> Estimate:
        """Answers among the first so many as in training."""
        return mean_over_seeds(self.learners[kind, source, spikes][..., :ASKED].mean(axis=-1))

    def worn(self, kind: str, source: str = "softmax", spikes: int = 0) -> Estimate:
        """How much of the answers is lost from the first examples without label to the last as many."""
        right = self.learners[kind, source, spikes]
        few = min(ASKED, right.shape[-1] // 2)
        return mean_over_seeds(right[..., :few].mean(axis=-1) - right[..., -few:].mean(axis=-1))

    def lost(self, kind: str, source: str, spikes: int) -> Estimate:
        """Answers that exact columns have right and spikes do not, the same episodes and networks."""
        exact, spiking = (self.learners[kind, *of][..., :ASKED] for of in (("softmax", 0), (source, spikes)))
        return mean_over_seeds((exact - spiking).mean(axis=-1))

    def apart(self, ours: Point, control: Point) -> Estimate:
        """Values recalled by one reader less another's, memory by memory."""
        return mean(self.memories[ours] - self.memories[control])


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, params = Lines(), study.params
    most, middle = params.keys[-1], params.middle
    lines.add(
        "overwritten",
        f"last values recalled of {most} keys, {middle} spikes a read and write, {SOURCES['circuit']}",
        mean(study.memories["circuit", middle, most]),
        floor=1 / params.n_values,
        control=mean(study.memories["sampled", middle, most]),
        note="floor: a guess; control: sampled",
    )
    for (name, spikes, keys), right in study.memories.items():
        if name == "shared" and keys != most:
            continue
        label = RULES.get(name) or (
            f"{spikes} spikes, {SOURCES['circuit']}, a write by the spikes of its read"
            if name == "shared"
            else f"{spikes} spikes, {SOURCES[name]}"
        )
        tag = f"{name}_{spikes}_{keys}" if spikes else f"{name}_{keys}"
        lines.add(tag, f"last values of {keys} keys, {label}", mean(right), floor=1 / params.n_values)
    _task_lines(lines, study)
    _learner_lines(lines, study)
    return lines.metrics


def _task_lines(lines: Lines, study: Study) -> None:
    most = study.params.tasks[-1]
    control = mean(study.tasks["none", most].all)
    note = f"floor: the last task alone; control: {GATES['none']}"
    for name, label in (("tasks", "circuit"), ("tasks_best", "best"), ("tasks_added", "added")):
        text = f"values of {most} tasks recalled at the end, {GATES[label]}"
        lines.add(name, text, mean(study.tasks[label, most].all), floor=1 / most, control=control, note=note)
    for gate, label in GATES.items():
        ended = study.tasks[gate, most]
        lines.add(
            f"all_{gate}", f"values of {most} tasks at the end, {label}", mean(ended.all), floor=1 / most
        )
        first, fresh = mean(ended.first), mean(ended.fresh)
        lines.add(f"first_{gate}", "– of the first task", first, control=fresh, note="control: just learnt")


def _learner_lines(lines: Lines, study: Study) -> None:
    params, chance = study.params, 1 / TASK.n_classes
    frozen = study.right("frozen")
    note = "floor: a guess; control: never written"
    for name, label, kind in (
        ("learner", "answers of the layer that rewrites itself", "self"),
        ("learner_delta", "– of the delta rule", "delta"),
    ):
        lines.add(name, label, study.right(kind), floor=chance, control=frozen, note=note)
    for kind in ("self", "delta"):
        worn = f"– lost over {params.asked} examples without label, {KINDS[kind]}"
        lines.add(f"worn_{kind}", worn, study.worn(kind), floor=0.0)
        for source, spikes in product(SOURCES, params.spikes):
            at, label = f"{kind}_{source}_{spikes}", f"{KINDS[kind]}, {spikes} spikes, {SOURCES[source]}"
            right, exact = study.right(kind, source, spikes), study.right(kind)
            lines.add(
                f"swap_{at}", f"answers, {label}", right, floor=chance, control=exact, note="control: softmax"
            )
            lines.add(f"lost_{at}", "– lost by the swap", study.lost(kind, source, spikes), floor=0.0)
            if kind == "self":
                more = difference(study.worn(kind, source, spikes), study.worn(kind))
                lines.add(f"worn_{at}", "– lost over the episode, more than by softmax", more, floor=0.0)
    for part, spikes in product(PARTS, params.spikes):
        label = f"answers lost with {spikes} spikes for {PART_NAMES[part]} alone, {SOURCES['circuit']}"
        lines.add(f"lost_{part}_{spikes}", label, study.lost("self", part, spikes), floor=0.0)


def in_data(study: Study) -> xr.Dataset:
    """Overwriting by rule and by spikes, tasks by gate, answers by kind, source and place."""
    params = study.params
    sources, kinds = [*SOURCES, "shared"], ["self", "delta"]
    spiking = [[[mean(study.memories[s, n, k]) for k in params.keys] for n in params.spikes] for s in sources]
    exact = [[mean(study.memories[rule, 0, k]) for k in params.keys] for rule in RULES]
    ended = [[mean(study.tasks[gate, n].all) for n in params.tasks] for gate in GATES]
    swapped = [[[study.right(k, s, n) for n in params.spikes] for s in SOURCES] for k in kinds]
    place = [
        [study.learners[kind, "softmax", 0].mean(axis=(0, 1))]
        + [study.learners[kind, s, params.middle].mean(axis=(0, 1)) for s in SOURCES]
        for kind in kinds
    ]
    return xr.Dataset(
        {
            **estimate_column("recalled", ("source", "spikes", "keys"), spiking, "last values recalled"),
            **estimate_column("by_rule", ("rule", "keys"), exact, "last values recalled"),
            **estimate_column("ended", ("gate", "tasks"), ended, "values of all tasks recalled"),
            **estimate_column("swapped", ("kind", "swap", "spikes"), swapped, "answers right"),
            "by_place": column(("kind", "columns", "place"), place, "answers right"),
        },
        {
            "source": [SOURCES.get(s, "a write by the spikes of its read") for s in sources],
            "rule": list(RULES.values()),
            "gate": list(GATES.values()),
            "kind": [KINDS[kind] for kind in kinds],
            "swap": list(SOURCES.values()),
            "columns": ["softmax", *SOURCES.values()],
            "spikes": column("spikes", params.spikes, "spikes of each read and write"),
            "keys": column("keys", params.keys, "keys"),
            "tasks": column("tasks", params.tasks, "tasks"),
            "place": column("place", np.arange(1, params.asked + 1), "example without label"),
        },
    )
