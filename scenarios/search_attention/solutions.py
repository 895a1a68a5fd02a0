"""The search: recall from a small memory as the task, and primitives that circuits have."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from scenarios.search_attention.expressions import BINARY, UNARY, search
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import spiking_map

if TYPE_CHECKING:
    from scenarios.search_attention import Params

__all__ = ["CLEAN", "FAMILIES", "FIRST_K", "NOISY", "SOLVED", "Found", "Searched", "family_of", "solutions"]

Operations = dict[str, Callable[..., np.ndarray]]  # text with places for operands -> operation

SHARPNESS = 8.0  # of queries, in lengths of a key
SOLVED = 0.95  # of the queries read back
FIRST_K = 2
CLEAN, NOISY = "clean", "noisy"

FAMILIES = {  # what an expression selects with -> its sign in the text; the first that fits
    "spikes": "spikes(",
    "samples": "samples(",
    "winner": "winner(",
    "first spikes": "first(",
    "phases": "phase(",
    "column softmax": "softmax_col(",
    "softmax": "softmax_row(",
    "relu": "relu(",
    "linear": "",
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """An expression that has the shape of an answer."""

    text: str
    n_operations: int
    recall: float  # share of queries whose own value is the nearest to the answer


@dataclass(frozen=True, kw_only=True)
class Searched:
    """One search."""

    n_expressions: list[int]  # distinct ones, by number of operations
    best: list[Found]  # all that solve the task, and of each family and number of operations the best

    @property
    def solved(self) -> list[Found]:
        """Those that recall enough, in the order in which they were met."""
        return [found for found in self.best if found.recall > SOLVED]

    def fewest(self, family: str) -> Found | None:
        """The best of the shortest solutions of a family."""
        some = [found for found in self.solved if family_of(found.text) == family]
        if not some:
            return None
        n = min(found.n_operations for found in some)
        return max((found for found in some if found.n_operations == n), key=lambda found: found.recall)

    def most(self, family: str) -> Found | None:
        """The expression of a family that recalls most, the shorter where two do."""
        some = [found for found in self.best if family_of(found.text) == family]
        return max(some, key=lambda found: (found.recall, -found.n_operations), default=None)


def family_of(text: str) -> str:
    """What an expression selects with."""
    return next(family for family, sign in FAMILIES.items() if sign in text)


def solutions(params: Params, ctx: RunContext) -> dict[str, Searched]:
    """Search with exact primitives and clean queries, then with all primitives and noisy queries.

    What is best in noise is chosen on one set of draws and measured on another, which the same search is run on.
    """
    unary, binary = _with_circuits(params, ctx)
    clean = _searched(params, ctx.rng, 0.0, UNARY, BINARY)
    ctx.progress(0.1)
    chosen = _searched(params, ctx.rng, params.noise, unary, binary)
    ctx.progress(0.55)
    texts = {found.text for found in chosen.best}
    again = _searched(params, ctx.rng, params.noise, unary, binary, only=texts)
    return {CLEAN: clean, NOISY: replace(chosen, best=again.best)}


def _with_circuits(params: Params, ctx: RunContext) -> tuple[Operations, Operations]:
    """The primitives with those that a circuit offers."""

    def spiking(head: str) -> Callable[[np.ndarray], np.ndarray]:
        score_map = spiking_map(params.row_circuit(), (head, params.spikes), ctx)
        return lambda x: score_map(torch.from_numpy(x)).numpy()

    unary: Operations = dict(UNARY)
    binary: Operations = dict(BINARY)
    if "spiking" in params.heads:
        unary |= {"spikes({})": spiking("spiking"), "winner({})": _winner, "first({})": _first}
        binary |= {"phase({}, {})": _phase}
    if "sampled" in params.heads:
        unary |= {"samples({})": spiking("sampled")}
    return unary, binary


def _searched(
    params: Params,
    rng: np.random.Generator,
    noise: float,
    unary: Operations,
    binary: Operations,
    only: Collection[str] | None = None,
) -> Searched:
    """Judge every expression, and keep all that solve the task and the best of each family and length.

    With `only`, the expressions of these texts are kept, and no others.
    """
    shape = (params.draws, params.n_items, params.dim)
    key, value = _unit(rng.normal(size=shape)), _unit(rng.normal(size=shape))
    order = rng.permuted(np.tile(np.arange(params.n_items), (params.draws, 1)), axis=1)
    asked = np.take_along_axis(key, order[..., None], axis=1)
    query = SHARPNESS * (asked + noise * rng.normal(size=shape) / params.dim**0.5)
    counted = [0] * (params.operations + 1)
    best: list[Found] = []
    top: dict[tuple[str, int], Found] = {}
    for made in search({"Q": query, "K": key, "V": value}, params.operations, unary=unary, binary=binary):
        counted[made.n_operations] += 1
        if made.value.shape != shape:
            continue
        recall = float(((made.value @ value.swapaxes(1, 2)).argmax(axis=2) == order).mean())
        found = Found(text=made.text, n_operations=made.n_operations, recall=recall)
        place = family_of(made.text), made.n_operations
        if made.text in only if only is not None else recall > SOLVED:
            best.append(found)
        elif only is None and (place not in top or recall > top[place].recall):
            top[place] = found
    return Searched(n_expressions=counted, best=[*best, *top.values()])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _winner(x: np.ndarray) -> np.ndarray:
    """All weight on the largest of a row."""
    return (x == x.max(axis=2, keepdims=True)).astype(float)


def _first(x: np.ndarray) -> np.ndarray:
    """Even weight on the `FIRST_K` largest of a row, whose cells would fire first."""
    k = min(FIRST_K, x.shape[2])
    return (x >= np.partition(x, -k, axis=2)[..., -k, None]) / k


def _phase(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How far the phases x of a row and y of a column agree: the sum of cos(x - y)."""
    return np.cos(x) @ np.cos(y) + np.sin(x) @ np.sin(y)
