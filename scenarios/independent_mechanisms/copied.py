"""Models that copy after a delay: modules that take turns, their ablations, and how well each remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from pragmatic.machines.mechanisms import Mechanisms, MechanismsParams, train_mechanisms
from scenarios.workbench.modules import EXACT, PHASES, SAMPLES, Watched, Way, kept, selector
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.trainings import schedule

if TYPE_CHECKING:
    from scenarios.independent_mechanisms import Params

__all__ = ["KINDS", "TUNED", "Copied", "copied"]

KINDS = {
    "mechanisms": {},
    "all_active": {"all": True},
    "silent": {"communicate": False},
}  # what differs
TUNED = "tuned"  # mechanisms trained further, modules chosen by samples


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What models remember at each delay, when modules are chosen in one way."""

    right: np.ndarray  # (n_seeds, n_lengths, n_sequences) share of symbols
    loss: np.ndarray  # (n_seeds, n_lengths, n_sequences) nats a symbol
    wrong: np.ndarray  # (n_seeds, n_lengths) share of steps with other modules than top-k
    spikes: float  # median over rows of a choice, mean over steps; nan where it takes none
    shown: np.ndarray  # (n_steps, n_modules) bool: active modules in one sequence of the shortest delay


def copied(params: Params, ctx: RunContext) -> dict[tuple[str, Way], Copied]:
    """Train models of each kind, and measure them with every way to choose that applies."""
    base, done = int(ctx.rng.integers(2**31)), {}
    n_trainings = len(KINDS) + params.tune_iterations / params.iterations
    for kind in KINDS:
        with ctx.part(kind, share=0.8 / n_trainings) as part:
            models = _trained(params, part, kind, base)
        if kind == "mechanisms":
            with ctx.part("modules chosen by spikes", share=0.1) as part:
                for at, way in enumerate(params.ways):
                    done[kind, way] = _measured(params, part, models, way, base)
                    part.progress((at + 1) / len(params.ways))
            first = models
        else:
            done[kind, EXACT] = _measured(params, ctx, models, EXACT, base)
    with ctx.part("training through races", share=0.8 * (1 - len(KINDS) / n_trainings)) as part:
        _tune(params, part, first, base)
    with ctx.part("after it", share=0.1) as part:
        for way in (EXACT, *params.races):
            done[TUNED, way] = _measured(params, part, first, way, base)
    return done


def _trained(params: Params, ctx: RunContext, kind: str, base: int) -> Mechanisms:
    """Models of all seeds; the first weights and the batches are the same for all kinds, as far as sizes are."""
    settings = KINDS[kind]
    sizes = MechanismsParams(
        n_inputs=params.task.n_inputs,
        n_outputs=params.n_symbols,
        n_models=params.seeds,
        n_modules=params.modules,
        n_active=params.modules if settings.get("all") else params.active,
        width=params.module_width,
        communicate=settings.get("communicate", True),
    )
    models = Mechanisms(sizes, np.random.default_rng([base, 0]))
    rates = schedule(params.iterations, params.batch, params.learning_rate)
    kept(
        ctx,
        kind,
        models,
        lambda: train_mechanisms(models, _draw(params, base, 1), rates, progress=ctx.progress),
    )
    return models


def _tune(params: Params, ctx: RunContext, models: Mechanisms, base: int) -> None:
    rates = schedule(params.tune_iterations, params.batch, params.learning_rate / 2)
    choose = selector(Way(SAMPLES, 1.0), params.active, ctx)
    kept(
        ctx,
        TUNED,
        models,
        lambda: train_mechanisms(models, _draw(params, base, 2), rates, select=choose, progress=ctx.progress),
    )


def _draw(params: Params, base: int, part: int):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng([base, part])
    return lambda: params.task.pairs((params.seeds, params.batch), params.delay, rng)


@torch.no_grad()
def _measured(params: Params, ctx: RunContext, models: Mechanisms, way: Way, base: int) -> Copied:
    """The same sequences for all."""
    right, loss, wrong, spikes, shown = [], [], [], [], []
    for delay in params.lengths:
        x, symbols = params.task.pairs((1, params.windows), delay, np.random.default_rng([base, 3, delay]))
        x, symbols = x.expand(params.seeds, -1, -1, -1), symbols.expand(params.seeds, -1, -1)
        watched = Watched(selector(way, params.active, ctx), params.active, _steps(params, way, delay))
        logits = models(x, params.n_copied, watched)  # (n_seeds, n_sequences, n_copied, n_symbols)
        right.append((logits.argmax(dim=-1) == symbols).double().mean(dim=-1).numpy())
        nats = functional.cross_entropy(logits.flatten(0, 2), symbols.flatten(), reduction="none")
        loss.append(nats.view(symbols.shape).double().mean(dim=-1).numpy())
        wrong.append(np.mean(watched.wrong, axis=0) if watched.wrong else np.zeros(params.seeds))
        spikes += watched.spikes
        shown.append(watched.shown)
    return Copied(
        right=np.stack(right, axis=1),
        loss=np.stack(loss, axis=1),
        wrong=np.stack(wrong, axis=1),
        spikes=float(np.mean(spikes)) if spikes else np.nan,
        shown=np.array(shown[0]),
    )


def _steps(params: Params, way: Way, delay: int) -> range | None:
    """Those of a phase: while symbols come, between, and while they are asked for."""
    if not way.phase:
        return None
    ends = (0, params.n_copied, params.n_copied + delay, 2 * params.n_copied + delay)
    at = PHASES.index(way.phase)
    return range(ends[at], ends[at + 1])
