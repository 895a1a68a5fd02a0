"""Machines that are trained, cut down to few links, and trained without a kind of neuron or through spikes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from pragmatic.checkpoint import put_tensors, read_tensors, write_tensors
from pragmatic.machines.dmm.layers import KINDS, LayeredMachine, Sizes, fitted, sparsified, squared_errors
from pragmatic.machines.dmm.lite import TEXT
from scenarios.dmm_learns.published import NINETEEN_LOSSES
from scenarios.workbench.outcome import RunContext

if TYPE_CHECKING:
    from scenarios.dmm_learns import Params

__all__ = ["N_CYCLES", "Learnt", "Tests", "learn", "sizes_left"]

N_CYCLES = 140
SHRINK = (
    0.86  # of the weights that a round leaves; the author's rounds 1486, 983, 863, 747, 645, ... shrink so
)
PATIENCE = 3
POLISH = (300, 1e-4)  # steps and penalty after the last cut
WITHOUT = tuple(kind for kind in KINDS if kind != "compare")

Tests = dict[tuple[str, int], np.ndarray]  # (text, cycles) -> (n_machines,) squared errors


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What came of the trainings."""

    losses: np.ndarray  # (steps + 1, n_machines)
    minutes: float  # of that training, by the clock
    whole: Tests  # with all weights
    left: tuple[int, ...]  # weights after each round
    cut: np.ndarray  # (n_rounds, n_machines) squared errors after each round
    sparse: LayeredMachine  # after the last round
    few: Tests
    without: Tests  # of trained machines that cannot compare
    drawn: dict[str, np.ndarray]  # source -> (spike_steps + 1,) losses of a machine trained through spikes

    @property
    def best(self) -> int:
        """The sparse machine with the smallest error on the text of the training."""
        return int(self.few[TEXT, N_CYCLES].argmin())


def sizes_left(n_weights: int, smallest: int) -> tuple[int, ...]:
    """Weights after each round of sparsifying."""
    left = [n_weights]
    while left[-1] > smallest:
        left.append(max(smallest, int(SHRINK * left[-1])))
    return tuple(left[1:]) or (smallest,)


def learn(params: Params, ctx: RunContext) -> Learnt:
    """Train, cut, and train the variants."""
    machine, rng = LayeredMachine(Sizes(), params.machines, ctx.rng.spawn(1)[0]), ctx.rng.spawn(1)[0]
    with ctx.part("training", share=0.25) as part:
        losses, minutes = _kept(machine, part.checkpoint("whole"), lambda: _losses(machine, params, part))
    whole, left = _tests(machine, params), sizes_left(machine.sizes.n_weights, params.smallest)
    with ctx.part("sparsifying", share=0.45) as part:
        cut, _ = _kept(machine, part.checkpoint("sparse"), lambda: _cut(machine, left, params, part))
    without = LayeredMachine(Sizes(n_layers=6, kinds=WITHOUT), params.machines, rng)
    with ctx.part("training without comparisons", share=0.15) as part:
        _kept(without, part.checkpoint("without"), lambda: _losses(without, params, part))
    return Learnt(
        losses=losses,
        minutes=minutes,
        whole=whole,
        left=left,
        cut=cut,
        sparse=machine,
        few=_tests(machine, params),
        without=_tests(without, params),
        drawn=_through_spikes(params, ctx),
    )


def _losses(machine: LayeredMachine, params: Params, ctx: RunContext) -> np.ndarray:
    return fitted(machine, n_steps=params.steps, progress=ctx.progress)


def _cut(machine: LayeredMachine, left: tuple[int, ...], params: Params, ctx: RunContext) -> np.ndarray:
    """Rounds, and a last training with hardly a penalty, whose error replaces that of the last round."""
    cut = sparsified(machine, left, n_steps=params.round_steps, patience=PATIENCE, progress=ctx.progress)
    steps, l1 = POLISH
    fitted(machine, n_steps=min(steps, 3 * params.round_steps), l1=l1)
    cut[-1] = squared_errors(machine, TEXT, N_CYCLES)
    return cut


def _through_spikes(params: Params, ctx: RunContext) -> dict[str, np.ndarray]:
    """Train one machine by each source of spikes, rows drawn in every cycle, the gradient that of exact rows."""
    losses, base = {}, int(ctx.rng.integers(2**31))
    for source in ("regular", "sampled"):
        machine = LayeredMachine(Sizes(), 1, np.random.default_rng(base))
        with ctx.part(f"training through spikes, {source}", share=0.05) as part:
            draw = params.signed_rows(source, params.train_spikes, part)
            drawn, _ = _kept(
                machine,
                part.checkpoint(f"through-{source}"),
                lambda m=machine, d=draw, p=part: fitted(  # type: ignore[misc]
                    m, n_steps=params.spike_steps, draw=d, progress=p.progress
                ),
            )
        losses[source] = drawn[:, 0]
    return losses


def _tests(machine: LayeredMachine, params: Params) -> Tests:
    texts = [*NINETEEN_LOSSES, (params.unseen, N_CYCLES)]
    return {(text, n): squared_errors(machine, text, n) for text, n in dict.fromkeys(texts)}


def _kept(
    machine: LayeredMachine, path: Path | None, made: Callable[[], np.ndarray]
) -> tuple[np.ndarray, float]:
    """Train, or take machine and numbers from what an interrupted run has kept; with the minutes it took."""
    if path is not None and path.exists():
        tensors, _ = read_tensors(path, {})
        numbers, minutes = tensors.pop("numbers").numpy(), float(tensors.pop("minutes"))
        put_tensors(machine.state_dict(), tensors, str(path))
        return numbers, minutes
    began = time.perf_counter()
    numbers = made()
    minutes = (time.perf_counter() - began) / 60
    if path is not None:
        known = {"numbers": torch.from_numpy(numbers), "minutes": torch.tensor(minutes)}
        write_tensors(path, {**machine.state_dict(), **known}, {})
    return numbers, minutes
