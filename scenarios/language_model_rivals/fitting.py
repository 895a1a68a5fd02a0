"""What the rivals are fitted to: vectors and scores of the model itself, on text that judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge import fit_softmax, swap
from pragmatic import Attended, Softmax, dot_product_head
from pragmatic.masks import masked_scores
from pragmatic.oscillators import fit_coupling
from scenarios.workbench.outcome import RunContext
from spiking import Budget, DiffusiveLIF, GammaCircuit, GammaParams, RowCircuit
from spiking.budget import SLOWEST_CYCLE_MS
from spiking.measures.shared_rhythm import shared_rhythm

__all__ = [
    "Layer",
    "Rows",
    "Totals",
    "couplings",
    "diffusive",
    "heard",
    "keys_read",
    "rows_of",
    "time_of",
    "watched",
]

MOST_QUERIES = 128  # of a window, for the oscillators
BEAT_ROWS, BEAT_ms = 60, 1000.0  # in which a rhythm is looked for
STEPS = 3  # of a calibration; the last one only confirms
SOFTMAX = dot_product_head(Softmax())


@dataclass(eq=False)
class Layer:
    """A head that is the softmax and keeps what it is given, for all heads of a layer."""

    queries: list[Tensor] = field(default_factory=list)  # (1, n_heads, length, dim) of each text
    keys: list[Tensor] = field(default_factory=list)
    mask: Tensor | None = None  # (1, 1, length, length)

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        self.queries.append(query)
        self.keys.append(key)
        self.mask = mask
        return Attended(*SOFTMAX(query, key, value, mask))


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of scores as the model has them."""

    scores: np.ndarray  # (n_rows, n_keys), 0 where a key takes no part
    mask: np.ndarray  # (n_rows, n_keys) bool


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How well a circuit holds the spikes of a row, and whether it has a rhythm."""

    spikes: np.ndarray  # (n_rows,) in `duration_ms`
    rivals: np.ndarray  # (n_rows,) sum of exp(score - largest score): 1 where one key has all the weight
    rhythmic: np.ndarray  # (n_beat_rows,) bool: keys and I cells share a rhythm
    f_shared_Hz: np.ndarray  # (n_beat_rows,) nan without one
    duration_ms: float

    @property
    def usual(self) -> float:
        """Spikes of a row on average."""
        return float(self.spikes.mean())


def heard(model: Any, windows: Tensor, n_layers: int) -> list[Layer]:
    """Let the model read some windows, and keep queries and keys of every layer."""
    layers = [Layer() for _ in range(n_layers)]
    with ExitStack() as swaps, torch.no_grad():
        for number, layer in enumerate(layers):
            swaps.enter_context(swap(model, heads=f"{number}.*", head=layer))
        for window in windows:
            model(window[None])
    return layers


def couplings(layers: Sequence[Layer], ctx: RunContext) -> list[Tensor]:
    """Fit the oscillators of each layer, (n_heads, dim / 2)."""
    fitted = []
    for number, layer in enumerate(layers):
        query, mask = torch.cat(layer.queries), layer.mask
        some = slice(None, None, max(1, query.shape[-2] // MOST_QUERIES))
        mask = None if mask is None else mask[..., some, :]
        fitted.append(fit_coupling(query[..., some, :], torch.cat(layer.keys), mask))
        ctx.progress((number + 1) / len(layers), f"oscillators of layer {number}")
    return fitted


def rows_of(layers: Sequence[Layer], n_rows: int, rng: np.random.Generator) -> Rows:
    """Draw rows from all layers, heads and places, the same number of each layer as far as it goes."""
    each = -(-n_rows // len(layers))
    scores, masks = [], []
    for layer in layers:
        query, key = torch.cat(layer.queries), torch.cat(layer.keys)
        whole = masked_scores(query.shape[-1] ** -0.5 * query @ key.mT, layer.mask)
        flat = whole.reshape(-1, whole.shape[-1])
        some = torch.from_numpy(rng.permutation(len(flat))[:each])
        chosen = flat[some].double().numpy()
        scores.append(np.where(np.isfinite(chosen), chosen, 0.0))
        masks.append(np.isfinite(chosen))
    return Rows(scores=np.concatenate(scores)[:n_rows], mask=np.concatenate(masks)[:n_rows])


def diffusive(rows: Rows, spikes: int, ctx: RunContext) -> GammaCircuit:
    """A circuit of diffusive cells whose softmax, fitted on these rows, has temperature 1.

    The brief circuit with noise in the membrane in place of the threshold: 4 cells a key, which are stepped one by
    one, and 30 ms for their membranes to settle, three time constants.
    """
    params = GammaParams.brief(cell=DiffusiveLIF(), n_cells=4, settle_ms=30.0, gain=1.0)
    circuit, budget = GammaCircuit(params), Budget(spikes=spikes)
    for step in range(STEPS):
        selection = circuit.attend(
            rows.scores, budget=budget, rng=ctx.rng, mask=rows.mask, engine=ctx.engine, record="counts"
        )
        circuit = circuit.varied(
            gain=float(circuit.gain / fit_softmax(selection.counts, rows.scores, rows.mask).beta)
        )
        ctx.progress((step + 1) / STEPS, "diffusive cells")
    return circuit


def watched(circuit: GammaCircuit, rows: Rows, duration_ms: float, ctx: RunContext) -> Totals:
    """Count the spikes of each row in this time, and look for a rhythm in some of them for longer."""
    options: dict[str, Any] = {"rng": ctx.rng, "engine": ctx.engine}
    selection = circuit.attend(
        rows.scores, mask=rows.mask, duration_ms=duration_ms, record="counts", **options
    )
    some = slice(None, None, max(1, len(rows.scores) // BEAT_ROWS))
    beat = circuit.attend(
        rows.scores[some], mask=rows.mask[some], duration_ms=BEAT_ms, record="all", **options
    )
    rhythm = shared_rhythm(beat.spikes, beat.other_spikes["inh"], rng=ctx.rng)
    scores = np.where(rows.mask, rows.scores, -np.inf)
    return Totals(
        spikes=selection.counts.sum(axis=1),
        rivals=np.exp(scores - scores.max(axis=1, keepdims=True)).sum(axis=1),
        rhythmic=rhythm.significant,
        f_shared_Hz=rhythm.f_shared_Hz,
        duration_ms=duration_ms,
    )


def keys_read(circuit: RowCircuit, rows: Rows, spikes: int, ctx: RunContext) -> int:
    """Keys of a row that spike within a budget, on average."""
    selection = circuit.attend(
        rows.scores,
        budget=Budget(spikes=spikes),
        rng=ctx.rng.spawn(1)[0],  # so that other rivals' noise does not depend on whether this one is tried
        mask=rows.mask,
        engine=ctx.engine,
        record="counts",
    )
    return max(1, round(float((selection.counts > 0).sum(axis=1).mean())))


def time_of(circuit: GammaCircuit, rows: Rows, spikes: int, ctx: RunContext) -> float:
    """Time in which a row has so many spikes, on average, and no less than a gamma cycle (ms)."""
    budget = Budget(spikes=spikes)
    ended = circuit.attend(
        rows.scores, budget=budget, rng=ctx.rng, mask=rows.mask, engine=ctx.engine, record="counts"
    )
    return max(SLOWEST_CYCLE_MS, float(ended.row_ms.mean()))
