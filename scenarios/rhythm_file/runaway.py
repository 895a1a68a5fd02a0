"""Cells whose rate no neuron holds are named and left out, not averaged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scenarios.workbench.errors import UsageError
from spiking.record import SpikeRecord

__all__ = ["RUNAWAY_Hz", "without_runaway"]

RUNAWAY_Hz = 500.0  # over a whole recording: a spike every 2 ms, refractory period and all


def without_runaway(spikes: SpikeRecord, file: str) -> tuple[SpikeRecord, int]:
    """Leave out the cells that fire above `RUNAWAY_Hz` on average.

    Parameters
    ----------
    spikes : SpikeRecord
        Of one key.
    file : str
        Named in the error.

    Returns
    -------
    SpikeRecord
        Of the other cells, numbered anew.
    int
        Cells left out.

    Raises
    ------
    UsageError
        Where no cell is left.
    """
    seconds = spikes.n_rows * spikes.duration_ms * 1e-3
    rate_Hz = np.bincount(spikes.cell, minlength=spikes.n_cells) / seconds
    steady = rate_Hz <= RUNAWAY_Hz
    if not steady.any():
        raise UsageError(
            f"file must hold cells that fire at {RUNAWAY_Hz:g} Hz at most, got {rate_Hz.min():.0f} Hz and more in "
            f"all {spikes.n_cells} of {file}: couplings or a threshold let them run away; choose another"
        )
    here = steady[spikes.cell]
    kept = {name: getattr(spikes, name)[here] for name in ("row", "key", "time_ms")}
    number = np.cumsum(steady) - 1
    cell = number[spikes.cell[here]].astype(np.int32)
    return replace(spikes, cell=cell, n_cells=int(steady.sum()), **kept), int((~steady).sum())
