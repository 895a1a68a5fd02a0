"""Binding that is overlearnt: a colour calls up the shape that was shown with it, with the loop and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, fraction
from spiking import simulate_circuit
from spiking.circuits.associations import Associations

if TYPE_CHECKING:
    from scenarios.crick_koch import Params

__all__ = ["Lessons", "measure_lessons"]

SHOW_ms = 200.0  # of one pair, and of one colour that asks
TAUGHT = ("loop", "off", "in turn")  # with the loop, without it, with the loop and every shape in turn
ASKED = {"loop": True, "off": False}  # the loop


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """Whether a colour alone calls up its shape, after every pair was shown so many times."""

    n_pairs: int
    showings: Sequence[int]
    right: Mapping[
        tuple[str, str], np.ndarray
    ]  # taught, asked -> (n_showings, n_networks), share of the colours

    def success(self, taught: str, asked: str, at: int = -1) -> Estimate:
        """Colours of all networks that call up their shape after the showings number `at`."""
        return fraction(self.right[taught, asked][at].ravel())


def measure_lessons(params: Params, ctx: RunContext) -> Lessons:
    """Show pairs one after the other while synapses learn; then ask each colour, with the loop and without.

    Lessons are given with the loop and without it. As a control each colour is shown with one shape after the
    other; a quarter of the networks begin with its own, a quarter with the next, so that none has an advantage.
    """
    recipe = Associations()
    parts = [(taught, n) for taught in TAUGHT for n in params.showings]
    got = {}
    for taught, n in parts:
        with ctx.progress.stage(f"learn from {n} showings", share=1 / len(parts)):
            lessons = _lessons(taught, n, recipe.n_pairs, ctx.rng)
            networks = -(-params.networks // len(lessons))
            each = [_answers(recipe, lesson, taught != "off", networks, ctx.rng) for lesson in lessons]
            got[taught, n] = np.concatenate(each, axis=1)
    return Lessons(
        n_pairs=recipe.n_pairs,
        showings=params.showings,
        right={
            (taught, asked): np.array([got[taught, n][at] for n in params.showings])
            for taught in TAUGHT
            for at, asked in enumerate(ASKED)
        },
    )


def _lessons(taught: str, n_showings: int, n: int, rng: np.random.Generator) -> list[list[tuple[int, int]]]:
    """Pairs of a colour and a shape in the order in which they are shown, one list for each kind of networks."""
    order = [(time, int(colour)) for time in range(n_showings) for colour in rng.permutation(n)]
    if taught == "in turn":
        return [[(colour, n + (colour + time + first) % n) for time, colour in order] for first in range(n)]
    return [[(colour, n + colour) for _, colour in order]]


def _answers(
    recipe: Associations,
    lessons: Sequence[tuple[int, int]],
    with_loop: bool,
    n_networks: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Whether a colour calls up its shape when asked with the loop and without, (2, n_networks, n_pairs) bool."""
    n = recipe.n_pairs
    shown = [*lessons, *((colour,) for _ in ASKED for colour in range(n))]
    learning = np.arange(len(shown)) < len(lessons)
    loops = np.r_[np.full(len(lessons), with_loop), np.repeat(list(ASKED.values()), n)]
    spikes = simulate_circuit(
        lambda generator: recipe.build(generator, shown, learning, loops, SHOW_ms),
        duration_ms=SHOW_ms * len(shown),
        rng=rng,
        n_networks=n_networks,
        record=["cells"],
    ).spikes["cells"]
    counts = np.zeros((n_networks, len(shown), 2 * n))
    time = np.minimum(spikes.time_ms // SHOW_ms, len(shown) - 1).astype(int)
    np.add.at(counts, (spikes.row, time, recipe.feature_of_cell[spikes.cell]), 1)
    shapes = counts[:, len(lessons) :, n:].reshape(n_networks, len(ASKED), n, n)
    called = (shapes + rng.random(shapes.shape)).argmax(axis=-1)  # equal counts at random
    return (called == np.arange(n)).swapaxes(0, 1)
