"""What a simulation leaves, for other tools: Neo blocks (extra `neuro`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spiking.checks import check_kind, shown
from spiking.record import Recorded, Selection, SpikeRecord
from spiking.refs import Ref

if TYPE_CHECKING:
    from neo import Block, Segment, SpikeTrain

__all__ = ["get_data", "to_neo"]


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
    return get_data(record, name="spikes")


def get_data(source: SpikeRecord | Selection | Recorded, name: str = "spikes") -> Block:
    """What was recorded as a Neo block, the form in which PyNN's `Population.get_data` hands it out.

    A row, or network, is a segment. Its spike trains carry `source_population` and `source_index` as PyNN's do
    (Davison et al. 2009, Frontiers in Neuroinformatics 2:11), and those of keys also `row`, `key` and `cell`.
    What was sampled every millisecond is an analog signal, a channel a cell, named "group.variable".

    Parameters
    ----------
    source : SpikeRecord, Selection or Recorded
        Of a selection the counted spikes and the field; of `simulate_circuit` every recorded group and variable.
    name : str
        Of the block, and of the population of a record.

    Raises
    ------
    TypeError
        For anything else.
    ModuleNotFoundError
        Without the extra `neuro`.
    """
    try:
        from neo import Block, Segment
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Neo blocks need the extra `neuro`: pip install '.[neuro]' in the checkout"
        ) from error
    if isinstance(source, Recorded):
        block = Block(name=name)
        block.segments.extend([_segment(Segment, source, network) for network in range(len(source.row_ms))])
        return block
    record = source.spikes if isinstance(source, Selection) else source
    if not isinstance(record, SpikeRecord):
        raise TypeError(
            f"source must be a SpikeRecord, a Selection or a Recorded, got {shown(source)}; give what attend or "
            "simulate_circuit returns."
        )
    block = Block(name=name, n_keys=record.n_keys, n_cells=record.n_cells)
    for row in range(record.n_rows):
        segment = Segment(name=f"row {row}", index=row)
        segment.spiketrains.extend(_trains(record.of_row(row), row, name))
        if isinstance(source, Selection):
            segment.analogsignals.append(_signal(source.field[row][:, None], source.field_dt_ms, "field"))
        block.segments.append(segment)
    return block


def _trains(one_row: SpikeRecord, row: int, name: str) -> list[SpikeTrain]:
    from neo import SpikeTrain

    flat = one_row.key.astype(np.int64) * one_row.n_cells + one_row.cell
    order = np.argsort(flat, kind="stable")  # keeps each cell's spikes in the order of time
    active, first = np.unique(flat[order], return_index=True)
    times_ms = np.split(one_row.time_ms[order], first[1:])
    return [
        SpikeTrain(
            times,
            units="ms",
            t_stop=one_row.duration_ms,
            source_population=name,
            source_index=int(index),
            row=row,
            key=int(index) // one_row.n_cells,
            cell=int(index) % one_row.n_cells,
        )
        for times, index in zip(times_ms, active, strict=False)
    ]


def _segment(kind: type[Segment], recorded: Recorded, network: int) -> Segment:
    """One network of a batch."""
    from neo import SpikeTrain

    segment = kind(name=f"network {network}", index=network)
    for group, spikes in recorded.spikes.items():
        here = spikes.row == network
        for cell in np.unique(spikes.cell[here]):
            segment.spiketrains.append(
                SpikeTrain(
                    spikes.time_ms[here & (spikes.cell == cell)],
                    units="ms",
                    t_stop=recorded.duration_ms,
                    source_population=group,
                    source_index=int(cell),
                )
            )
    for name, samples in recorded.samples.items():
        n_cells = int(recorded.n_cells.get(Ref.read(name).group, samples.shape[1])[network])
        segment.analogsignals.append(
            _signal(samples[network, :n_cells].T, recorded.duration_ms / samples.shape[2], name)
        )
    return segment


def _signal(samples: np.ndarray, dt_ms: float, name: str) -> Any:
    """Samples (n_samples, n_channels) without a unit, since the circuits' variables have none."""
    from neo import AnalogSignal
    from quantities import ms

    return AnalogSignal(samples, units="dimensionless", sampling_period=dt_ms * ms, name=name)
