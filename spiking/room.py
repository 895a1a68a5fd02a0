"""Whether spike times will fit into memory, estimated from one row before all are simulated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spiking.batch import Batch, Wanted
from spiking.engines import Engine
from spiking.streams import Streams

__all__ = ["check_room"]

_SPIKE_BYTES = (
    96  # at the peak, of a recorded spike: 84 measured over 1e5 rows of 8 keys, 200 ms, with their field
)
_SAMPLE_BYTES = 8  # float32, in blocks of rows and then together
_TRIAL_MS = 1000.0
_MEMORY = Path("/proc/meminfo")


def check_room(batch: Batch, wanted: Wanted, engine: Engine) -> None:
    """Raise ValueError if what is to be recorded would take more memory than there is.

    Only where cells at `Wanted.likely_Hz` would fill a quarter of it is a row simulated to see what they do.
    """
    if not wanted.spikes:
        return
    available = _available()
    if available is None:
        return
    limit_ms = wanted.budget.limit_ms
    n_cells = sum(int(batch.n_cells(group).sum()) for group in wanted.spikes)
    samples = len(wanted.samples) * batch.n_rows * limit_ms / wanted.sample_ms * _SAMPLE_BYTES
    if samples + _SPIKE_BYTES * wanted.likely_Hz * limit_ms / 1000 * n_cells < available / 4:
        return
    n_spikes = batch.n_rows * _of_a_row(batch, wanted, engine)
    needed = samples + _SPIKE_BYTES * n_spikes
    if needed > available:
        raise ValueError(
            f'record must be "counts" where spike times do not fit, got about {n_spikes:.2g} spikes of '
            f"{batch.n_rows} rows in {limit_ms:g} ms, which take {needed / 2**30:.3g} GiB of "
            f"{available / 2**30:.3g} GiB; record counts, or ask for fewer rows or less time"
        )


def _of_a_row(batch: Batch, wanted: Wanted, engine: Engine) -> float:
    """Recorded spikes of a row, as its first second has them."""
    trial_ms = min(_TRIAL_MS, wanted.budget.limit_ms)
    short = replace(wanted, budget=replace(wanted.budget, duration_ms=trial_ms), samples=())
    recorded = engine.run(batch.row(0, Streams(0)), short)
    n_spikes = sum(len(spikes.time_ms) for spikes in recorded.spikes.values())
    if wanted.budget.ends_early:
        return float(n_spikes)
    return n_spikes * wanted.budget.limit_ms / trial_ms


def _available() -> float | None:
    """Bytes of memory that are free or can be freed; None where the system does not say."""
    try:
        lines = _MEMORY.read_text(encoding="ascii").splitlines()
        return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None
