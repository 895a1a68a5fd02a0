"""Scenario self-modifying-attention: a program that edits its own matrix by attention, and when it survives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from pragmatic.machines.self_editing import edited
from pragmatic.score_maps import Softmax
from scenarios.self_modifying_attention.cycles import (
    Rotation,
    exact_spreads,
    follow,
    machine_rows,
    rotate,
    starts,
    unlooped,
)
from scenarios.self_modifying_attention.figures import figures
from scenarios.self_modifying_attention.measures import (
    ALIVE,
    RATIOS,
    Point,
    Start,
    Study,
    between,
    in_data,
    in_numbers,
)
from scenarios.self_modifying_attention.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.sources import SOURCES, SourceParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "A program rewrites its own matrix by attention over the matrix: at which temperature does it live, and "
    "does it when spikes attend?"
)
HEADS = ("softmax", "spiking", "sampled")
DRAWN_STEPS = 48  # edits


@dataclass(frozen=True, kw_only=True)
class Params(SourceParams):
    n: int = param(3, "updates of the cycle that runs on spikes", at_least=3, at_most=6)
    sizes: tuple[int, ...] = param((3, 4, 5, 8), "updates of the other cycles", at_least=3, at_most=16)
    ratios: tuple[float, ...] = param(
        (0.5, 0.8, 0.95, 1.0, 1.05, 1.2, 1.5, 2.0, 3.0),
        "beta / n, inverse temperature over updates",
        at_least=0.1,
        at_most=3,
    )
    spikes: tuple[int, ...] = param((1, 4, 16, 64, 256), "spikes an edit", at_least=1, at_most=4096)
    machines: int = param(64, "machines at every point", at_least=2)
    steps: int = param(120, "edits of each; the first third is not measured", at_least=6)
    exact_steps: int = param(1000, "edits by softmax", at_least=10)
    heads: str = param("spiking", "who runs the programs that are drawn", choices=HEADS)
    ratio: float = param(1.5, "beta / n where the gamma loop is cut", at_least=0.1, at_most=2)
    loop_ms: float = param(100.0, "time of an edit there", at_least=34, at_most=1000)
    loop_steps: int = param(30, "edits there", at_least=3)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("sizes", "ratios", "spikes")

    @property
    def just_above(self) -> float:
        """The lowest ratio above threshold, where there is one."""
        return min((x for x in self.ratios if x > 1), default=self.ratios[-1])

    @property
    def middle(self) -> int:
        """The number of spikes of the cycles of other sizes and of what is drawn: 64, or the next below."""
        return max([n for n in self.spikes if n <= 64], default=self.spikes[0])


def run(params: Params, ctx: RunContext) -> Outcome:
    """Softmax first, then spikes at each temperature and number, from two starts, and without the loop."""
    sizes = sorted({params.n, *params.sizes})
    curves = {n: exact_spreads(n, RATIOS, params.exact_steps) for n in sizes}
    exact = {n: exact_spreads(n, np.array(params.ratios), params.exact_steps) for n in sizes}
    with ctx.part("spikes", share=0.5) as part:
        rotations = _rotations(params, part, sizes)
        corrected = _corrected(params, part, rotations)
    with ctx.part("two starts", share=0.2) as part:
        bistable = _two_starts(params, part, between(curves, sizes[-1]))
    with ctx.part("without division", share=0.3) as part:
        loops = unlooped(params, part)
    study = Study(
        params=params,
        curves=curves,
        exact=exact,
        rotations=rotations,
        corrected=corrected,
        bistable=bistable,
        loops=loops,
        drawn=_drawn(params, ctx, exact[params.n][0]),
        forms_apart=_forms_apart(params),
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("threshold", "right", "loop_right"),
        pictures=figures(study),
        **in_words(study, metrics),
    )


def _rotations(params: Params, ctx: RunContext, sizes: list[int]) -> dict[Point, Rotation]:
    """Every number of spikes with the cycle of n, the middle one with the others."""
    points = [(s, params.n, x, spikes) for s, x, spikes in product(SOURCES, params.ratios, params.spikes)]
    points += [
        (s, n, x, params.middle) for s, n, x in product(SOURCES, sizes, params.ratios) if n != params.n
    ]
    done = {}
    for at, point in enumerate(points):
        done[point] = rotate(params, ctx, *point)
        ctx.progress((at + 1) / len(points))
    return done


def _corrected(params: Params, ctx: RunContext, rotations: Mapping[Point, Rotation]) -> Rotation:
    """Random cells just above threshold, colder by as much as their spikes were warmer than asked for."""
    ratio = params.just_above
    followed = rotations["circuit", params.n, ratio, params.middle].beta.value
    known = min(max(followed, 0.5), 2.0) if np.isfinite(followed) else 1.0  # a row always right tells no beta
    return rotate(params, ctx, "circuit", params.n, ratio / known, params.middle)


def _two_starts(params: Params, ctx: RunContext, at: tuple[int, float]) -> dict[Start, Rotation]:
    """The largest cycle in the middle of its bistable zone, from both starts."""
    points = list(product(SOURCES, params.spikes, (True, False)))
    done = {}
    for i, (source, spikes, named) in enumerate(points):
        done[source, spikes, named] = rotate(params, ctx, source, *at, spikes, named=named)
        ctx.progress((i + 1) / len(points))
    return done


def _drawn(params: Params, ctx: RunContext, settled: np.ndarray) -> dict[tuple[str, float], np.ndarray]:
    """The whole machine, X := W Y, where softmax forgets its program, and at the strong ratio."""
    weak = max([x for x, spread in zip(params.ratios, settled, strict=True) if spread < ALIVE], default=0.5)

    def rows(head: str, ratio: float) -> np.ndarray:
        beta = ratio * params.n
        if head == "softmax":
            return machine_rows(params.n, DRAWN_STEPS, Softmax(temperature=1 / beta))
        source = "sampled" if head == "sampled" else "circuit"
        score_map = params.source_map(source, params.middle, ctx, temperature=1 / beta)
        return machine_rows(params.n, DRAWN_STEPS, score_map)

    pairs = [("softmax", weak), (params.heads, weak), (params.heads, params.ratio)]
    return {(head, ratio): rows(head, ratio) for head, ratio in dict.fromkeys(pairs)}


def _forms_apart(params: Params) -> float:
    """Largest difference between the row alone and the row inside X := W Y, by softmax."""
    score_map = Softmax(temperature=1 / (params.ratio * params.n))
    alone = follow(starts(params.n, 1, named=True), DRAWN_STEPS, lambda row: edited(row, score_map))
    return float(np.abs(alone[:, 0] - machine_rows(params.n, DRAWN_STEPS, score_map)).max())
