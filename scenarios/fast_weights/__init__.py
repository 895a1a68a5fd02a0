"""Scenario fast-weights: matrices that are written while they are read, one column a spike."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from pragmatic.score_maps import Softmax
from scenarios.fast_weights.figures import figures
from scenarios.fast_weights.gates import gate_of
from scenarios.fast_weights.learners import HEADS, learnt
from scenarios.fast_weights.measures import Point, Study, in_data, in_numbers
from scenarios.fast_weights.memories import Draws, Gate, Tasks, best, forgotten, overwritten
from scenarios.fast_weights.words import in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.sources import SOURCES, SourceParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "When a matrix is written while it is read, how many spikes does a write take, does a layer that rewrites "
    "itself survive spikes, and can tasks share a matrix without forgetting?"
)


@dataclass(frozen=True, kw_only=True)
class Params(SourceParams):
    keys: tuple[int, ...] = param((4, 8, 16), "keys of a memory", at_least=1)
    writes: int = param(3, "values that each key gets, one after another", at_least=1)
    dim: int = param(16, "of keys", at_least=2)
    n_values: int = param(32, "different values", at_least=2)
    columns: int = param(64, "of a matrix that softmax or spikes address", at_least=8)
    sharpness: float = param(4.0, "standard deviation of a key's scores on the columns", above=0, at_most=100)
    spikes: tuple[int, ...] = param((1, 4, 16, 64), "spikes of each read and write", at_least=1, at_most=4096)
    memories: int = param(200, "at every point", at_least=2)
    tasks: tuple[int, ...] = param((1, 2, 4, 8), "tasks that are learnt one after another", at_least=1)
    pairs: int = param(4, "pairs of key and value in each task", at_least=1)
    gate: int = param(8, "columns that a task may use", at_least=1)
    gate_sharpness: float = param(8.0, "standard deviation of a task's scores on them", above=0, at_most=100)
    task_memories: int = param(60, "memories that learn tasks", at_least=2)
    width: int = param(64, f"of networks that learn to learn; a multiple of {HEADS}", at_least=HEADS)
    iterations: int = param(800, "of each of their trainings", at_least=1)
    batch: int = param(32, "episodes in each iteration", at_least=1)
    learning_rate: float = param(5e-3, "of Adam", above=0, at_most=1)
    seeds: int = param(2, "networks of each kind", at_least=2)
    episodes: int = param(200, "episodes that are measured", at_least=2)
    asked: int = param(24, "examples without labels in each of these", at_least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("keys", "spikes", "tasks")
        if self.gate > self.columns:
            raise UsageError(
                f"gate must be <= columns, got {self.gate} of {self.columns}; use {self.columns}"
            )
        if self.width % HEADS:
            raise UsageError(f"width must be a multiple of {HEADS}, got {self.width}; use {HEADS * 16}")

    @property
    def middle(self) -> int:
        """The number of spikes of most sentences: 16, or the next below."""
        return max([n for n in self.spikes if n <= 16], default=self.spikes[0])


def run(params: Params, ctx: RunContext) -> Outcome:
    """Overwriting by every rule and number of spikes, then tasks, then networks that learn to learn."""
    with ctx.part("overwriting", share=0.3) as part:
        memories = _memories(params, part)
    with ctx.part("tasks", share=0.2) as part:
        tasks = _tasks(params, part)
    with ctx.part("learning to learn", share=0.5) as part:
        learners = learnt(params, part)
    study = Study(params=params, memories=memories, tasks=tasks, learners=learners)
    data, metrics = in_data(study), in_numbers(study)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("overwritten", "learner", "tasks"),
        pictures=figures(study),
        **in_words(study, metrics),
    )


def _memories(params: Params, ctx: RunContext) -> dict[Point, np.ndarray]:
    """All readers write and read the same values."""
    done: dict[Point, np.ndarray] = {}
    for at, n in enumerate(params.keys):
        draws = Draws.of(params, n, ctx.rng)
        done["hebb", 0, n] = overwritten(params, draws, "hebb")
        done["delta", 0, n] = overwritten(params, draws, "delta")
        done["softmax", 0, n] = overwritten(params, draws, "delta", Softmax())
        for source, spikes in product(SOURCES, params.spikes):
            score_map = params.source_map(source, spikes, ctx)
            done[source, spikes, n] = overwritten(params, draws, "delta", score_map)
        for spikes in params.spikes:
            score_map = params.source_map("circuit", spikes, ctx)
            done["shared", spikes, n] = overwritten(params, draws, "delta", score_map, shared=True)
        ctx.progress((at + 1) / len(params.keys))
    return done


def _tasks(params: Params, ctx: RunContext) -> dict[tuple[str, int], Tasks]:
    """By softmax without a gate, with the task's scores added, and with the best columns; by spikes throughout."""
    seed = int(ctx.rng.integers(2**63))
    done: dict[tuple[str, int], Tasks] = {}
    for at, n in enumerate(params.tasks):
        gates: dict[str, Gate | str] = {"none": "none", "added": "added", "best": best(params.gate)}
        gates |= {source: gate_of(params, source, ctx) for source in SOURCES}
        for name, gate in gates.items():
            score_map = params.source_map(name, params.spikes[-1], ctx) if name in SOURCES else Softmax()
            done[name, n] = forgotten(params, n, score_map, gate, np.random.default_rng([seed, n]))
        score_map, kept = (
            params.source_map("circuit", params.spikes[-1], ctx),
            gate_of(params, "circuit", ctx),
        )
        done["kept", n] = forgotten(params, n, score_map, kept, np.random.default_rng([seed, n]), keeps=True)
        ctx.progress((at + 1) / len(params.tasks))
    return done
