"""Rows whose scores already lie on the GPU, and whose spike counts stay there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from spiking.batch import Own
from spiking.budget import Budget
from spiking.engines.cuda.engine import Cuda
from spiking.engines.cuda.launch import lent
from spiking.record import Recorded
from spiking.rows import Layout
from spiking.running import wanted
from spiking.streams import Streams
from spiking.template import template_of

if TYPE_CHECKING:
    from spiking.circuit import RowCircuit

__all__ = ["attend_there"]


def attend_there(
    circuit: RowCircuit,
    inputs: Any,
    counts: Any,
    n_keys: np.ndarray,
    *,
    budget: Budget,
    streams: Streams,
    engine: Cuda,
) -> Recorded:
    """Let the keys of each row compete; what they receive is on the GPU, and their spikes are counted there.

    Parameters
    ----------
    circuit : RowCircuit
    inputs : array on the GPU, (n_populations,), of the engine's precision
        What each key that takes part receives, row by row, as `RowCircuit.score_input` computes it.
    counts : array of int64 on the GPU, (n_populations,)
        Zeros, to which each key's spikes are added.
    n_keys : (n_rows,) int64 array
        Keys of each row that take part.
    budget : Budget
    streams : Streams
    engine : Cuda

    Returns
    -------
    Recorded
        With `counts` in it, and what else the rows did as arrays of the host.
    """
    template = template_of(circuit)
    score = template.wiring.score_ref
    assert score is not None
    first = np.concatenate([[0], np.cumsum(n_keys)])
    received, counted = lent(inputs), lent(counts)

    def by_key(rows: range) -> Any:
        return received[first[rows.start] : first[rows.stop]]

    def on_cells(rows: range) -> Own:  # of circuits whose start reads the score
        held = by_key(rows)
        here = held if isinstance(held, np.ndarray) else held.copy_to_host()
        return {score: np.repeat(here, template.per_key(score.group))}

    batch = circuit.batch(_Sizes.of(n_keys, template.unit), streams, frozenset({score}), on_cells)
    batch = replace(batch, score=score, at_keys=by_key, start=template.start)
    return engine.run_into(counted, batch, wanted(template, budget, "counts"))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sizes(Layout):
    """Rows of which only the numbers of keys are known here."""

    n_each: np.ndarray

    @classmethod
    def of(cls, n_each: np.ndarray, n_cells: int) -> _Sizes:
        return cls(present=np.empty((0, 0), dtype=bool), n_cells=n_cells, n_each=n_each)

    @property
    def n_rows(self) -> int:
        return len(self.n_each)

    @cached_property
    def n_present(self) -> np.ndarray:
        return self.n_each
