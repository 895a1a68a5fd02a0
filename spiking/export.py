"""Spike records for other tools: Neo blocks (extra `neuro`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spiking.checks import check_kind
from spiking.record import SpikeRecord

if TYPE_CHECKING:
    from neo import Block, SpikeTrain

__all__ = ["to_neo"]


def to_neo(record: SpikeRecord) -> Block:
    """The record as a Neo block: a segment a row, a spike train a cell that fired.

    Every train carries the annotations `row`, `key` and `cell`, the block `n_keys` and `n_cells`, so nothing
    but the silent cells' names is lost.

    Raises
    ------
    ModuleNotFoundError
        Without the extra `neuro`.
    """
    check_kind("record", record, SpikeRecord, "give selection.spikes")
    try:
        from neo import Block, Segment
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "to_neo needs the extra `neuro`: pip install '.[neuro]' in the checkout"
        ) from error
    block = Block(name="spikes", n_keys=record.n_keys, n_cells=record.n_cells)
    for row in range(record.n_rows):
        segment = Segment(name=f"row {row}", index=row)
        segment.spiketrains.extend(_trains(record.of_row(row), row))
        block.segments.append(segment)
    return block


def _trains(one_row: SpikeRecord, row: int) -> list[SpikeTrain]:
    from neo import SpikeTrain

    flat = one_row.key.astype(np.int64) * one_row.n_cells + one_row.cell
    order = np.argsort(flat, kind="stable")  # keeps each cell's spikes in the order of time
    active, first = np.unique(flat[order], return_index=True)
    times_ms = np.split(one_row.time_ms[order], first[1:])
    return [
        SpikeTrain(times, units="ms", t_stop=one_row.duration_ms, row=row, key=int(key), cell=int(cell))
        for times, key, cell in zip(times_ms, *divmod(active, one_row.n_cells), strict=False)
    ]
