"""Models that read a digit pixel by pixel, trained at one resolution and tested at others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pragmatic.machines.mechanisms import Mechanisms, MechanismsParams, train_mechanisms
from scenarios.sequential_digits.pixels import N_CLASSES, N_INPUTS, Digits
from scenarios.workbench.modules import EXACT, Watched, Way, kept, selector
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.trainings import schedule

if TYPE_CHECKING:
    from scenarios.sequential_digits import Params

__all__ = ["KINDS", "TALLER", "Read", "read_digits"]

KINDS = ("turns", "all_active")
TALLER = Way("taller")  # top-k, of digits with more rows of as many pixels as in training


@dataclass(frozen=True, kw_only=True)
class Read:
    """How digits are read at each resolution, when modules are chosen in one way."""

    right: np.ndarray  # (n_seeds, n_sides, n_digits) of 0 and 1
    wrong: float  # share of steps at the finest resolution with other modules than top-k
    spikes: float  # of a choice, nan where it takes none


def read_digits(params: Params, ctx: RunContext) -> dict[tuple[str, Way], Read]:
    """Train models of both kinds, and test the one whose modules take turns with every way to choose."""
    digits, base, done = Digits.read(), int(ctx.rng.integers(2**31)), {}
    for kind in KINDS:
        with ctx.part(kind, share=0.4) as part:
            models = _trained(params, part, digits, kind, base)
        ways = params.ways if kind == "turns" else (EXACT,)
        with ctx.part(f"{kind}, tests", share=0.1) as part:
            for at, way in enumerate(ways):
                done[kind, way] = _tested(params, part, digits, models, way)
                part.progress((at + 1) / len(ways))
            done[kind, TALLER] = _tested(params, part, digits, models, EXACT, columns=params.resolution)
    return done


def _trained(params: Params, ctx: RunContext, digits: Digits, kind: str, base: int) -> Mechanisms:
    sizes = MechanismsParams(
        n_inputs=N_INPUTS,
        n_outputs=N_CLASSES,
        n_models=params.seeds,
        n_modules=params.modules,
        n_active=params.active if kind == "turns" else params.modules,
        width=params.module_width,
    )
    models, rng = Mechanisms(sizes, np.random.default_rng([base, 0])), np.random.default_rng([base, 1])
    shape = (params.seeds, params.batch)
    kept(
        ctx,
        kind,
        models,
        lambda: train_mechanisms(
            models,
            lambda: digits.sequences(digits.for_training(shape, rng), params.resolution),
            schedule(params.iterations, params.batch, params.learning_rate),
            progress=ctx.progress,
        ),
    )
    return models


@torch.no_grad()
def _tested(
    params: Params,
    ctx: RunContext,
    digits: Digits,
    models: Mechanisms,
    way: Way,
    columns: int | None = None,
) -> Read:
    """The same digits for all, square unless the number of columns is given."""
    right, watched = [], Watched(selector(way, params.active, ctx), params.active)
    for side in params.sides:
        x, label = digits.sequences(digits.for_tests(params.windows)[None], side, columns)
        watched.wrong.clear()
        logits = models(x.expand(params.seeds, -1, -1, -1), 1, watched)
        right.append((logits.argmax(dim=-1) == label)[..., 0].double().numpy())
    return Read(
        right=np.stack(right, axis=1),
        wrong=float(np.mean(watched.wrong)) if watched.wrong else 0.0,
        spikes=float(np.mean(watched.spikes)) if watched.spikes else np.nan,
    )
