"""Races of keys whose scores fall evenly: from their start, cycle by cycle, and judged by counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.heads.first_keys import FirstKeys
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from spiking import PARAMETER_SETS, GammaCircuit, Selection, SpikeRecord
from spiking.measures.distinct import FirstDistinct, by_cycle, first_distinct, volley_ends

if TYPE_CHECKING:
    from scenarios.first_to_spike import Params

__all__ = ["SAMPLES", "TOP", "WATCHED_MS", "Cycles", "by_counts", "in_cycles", "races", "scores_of"]

SAMPLES = "samples"  # independent ones of the softmax
WATCHED_MS = 150.0
TOP = 2  # keys that are selected by their counts


@dataclass(frozen=True, kw_only=True)
class Cycles:
    """What the cycles of one circuit select."""

    first: FirstDistinct  # of each cycle
    n_spikes: np.ndarray  # (n_cycles,) of each cycle
    n_distinct: np.ndarray  # (n_cycles,) keys that spike in it
    follows: np.ndarray  # (n_cycles,) bool: whether the cycle before is the entry before
    watched: SpikeRecord  # the begin of one row
    inh_ms: np.ndarray  # spikes of its I cells
    ends_ms: np.ndarray  # of its cycles

    @classmethod
    def of(cls, record: SpikeRecord, row: np.ndarray, selection: Selection, first: FirstDistinct) -> Cycles:
        """From the spikes of all cycles, the row that each is of, and all spikes of the rows."""
        counts, inh = record.counts(), selection.other_spikes["inh"]
        of_row, end_ms = volley_ends(inh)
        return cls(
            first=first,
            n_spikes=counts.sum(axis=1),
            n_distinct=(counts > 0).sum(axis=1),
            follows=np.diff(row, prepend=-1) == 0,
            watched=selection.spikes.of_row(0).before(np.array([WATCHED_MS])),
            inh_ms=inh.time_ms[(inh.row == 0) & (inh.time_ms < WATCHED_MS)],
            ends_ms=end_ms[(of_row == 0) & (end_ms < WATCHED_MS)],
        )

    @property
    def repeats(self) -> np.ndarray:
        """Whether the first key of a cycle was that of the cycle before, (n_pairs,) bool."""
        winner = self.first.order[:, 0]
        both = self.follows[1:] & (winner[1:] >= 0) & (winner[:-1] >= 0)
        return (winner[1:] == winner[:-1])[both]


def scores_of(params: Params, n_rows: int) -> np.ndarray:
    """The same row so many times, its first key the strongest, (n_rows, n_keys)."""
    return np.repeat(-params.step * np.arange(params.n_keys)[None], n_rows, axis=0)


def races(params: Params, ctx: RunContext) -> dict[tuple[str, int], FirstDistinct]:
    """The first k distinct keys from the start of each row, by circuit and k, and of independent samples."""
    scores, names = scores_of(params, params.n_rows), (*params.circuits, SAMPLES)
    raced = {}
    for at, name in enumerate(names):
        circuit = GammaCircuit(PARAMETER_SETS[params.circuits[0] if name == SAMPLES else name])
        mode = "sampled" if name == SAMPLES else "simulated"
        for k in params.k:
            raced[name, k] = FirstKeys(circuit, k, ctx.rng, ctx.engine, mode=mode).select(scores)
        ctx.progress((at + 1) / len(names))
    return raced


def in_cycles(params: Params, ctx: RunContext) -> dict[str, Cycles]:
    """Each circuit for a while, cut into the cycles of its I cells."""
    looked_at = {}
    for name in params.circuits:
        with simulation(ctx, name, share=1 / len(params.circuits)) as options:
            selection = GammaCircuit(PARAMETER_SETS[name]).attend(
                scores_of(params, params.beat_rows), duration_ms=params.beat_ms, record="all", **options
            )
        record, row = by_cycle(selection.spikes, selection.other_spikes["inh"])
        looked_at[name] = Cycles.of(record, row, selection, first_distinct(record, params.shown, ctx.rng))
    return looked_at


def by_counts(params: Params, ctx: RunContext) -> dict[tuple[str, int], np.ndarray]:
    """Whether the keys with the most spikes are those of the largest scores, (n_rows,), by circuit and spikes."""
    scores = scores_of(params, params.count_rows)
    right: dict[tuple[str, int], np.ndarray] = {}
    share = np.exp(scores[0]) / np.exp(scores[0]).sum()
    for at, name in enumerate((*params.circuits, SAMPLES)):
        for n in params.spikes:
            if name == SAMPLES:
                counts = ctx.rng.multinomial(n, share, size=len(scores))
            else:
                counts = (
                    GammaCircuit(PARAMETER_SETS[name])
                    .attend(scores, spikes=n, record="counts", rng=ctx.rng, engine=ctx.engine)
                    .counts
                )
            ranked = np.argsort(-(counts + ctx.rng.random(counts.shape)), axis=1)  # ties are drawn
            right[name, n] = np.all(ranked[:, :TOP] < TOP, axis=1)
        ctx.progress((at + 1) / (len(params.circuits) + 1))
    return right
