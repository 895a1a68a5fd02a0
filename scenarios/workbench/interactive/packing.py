"""Spikes as small integers: time steps since the last spike and cells, each a varint, in base64.

A varint holds seven bits a byte, the lowest first; the eighth bit says that more follow (LEB128, DWARF 5,
section 7.6). Most spikes of a row follow each other within 128 steps, and take two or three bytes.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from scenarios.workbench.interactive.grid import Grid, Seen
from spiking import Spikes

__all__ = ["field_bytes", "pack", "packed", "unpack"]

SHOWN_Hz = 100.0  # of the spectrum
FIELD_dt_ms = 1.0
FULL = 255  # of a byte


def pack(time_ms: np.ndarray, cell: np.ndarray, dt_ms: float) -> str:
    """Spikes ordered by time, (n_spikes,) each, as text; times are multiples of `dt_ms`."""
    step = np.rint(np.asarray(time_ms) / dt_ms).astype(np.int64)
    numbers = np.column_stack([np.diff(step, prepend=0), cell]).ravel().tolist()
    return base64.b64encode(b"".join(map(_varint, numbers))).decode("ascii")


def unpack(text: str, dt_ms: float) -> tuple[np.ndarray, np.ndarray]:
    """The times in ms and the cells that `pack` was given, (n_spikes,) each."""
    numbers, number, shift = [], 0, 0
    for byte in base64.b64decode(text):
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number, shift = 0, 0
    pairs = np.array(numbers, dtype=np.int64).reshape(-1, 2)
    return np.cumsum(pairs[:, 0]) * dt_ms, pairs[:, 1]


def packed(grid: Grid, end_ms: float) -> list[dict[str, Any] | None]:
    """Each setting up to `end_ms` as what JSON can hold, in the grid's order; None where none was simulated."""
    return [None if seen.selection is None else _setting(grid, seen, end_ms) for seen in grid.seen]


def _setting(grid: Grid, seen: Seen, end_ms: float) -> dict[str, Any]:
    of = seen.selection
    assert of is not None
    peak_Hz, exc = float(of.f_gamma_Hz[0]), of.spikes
    flat = Spikes(row=exc.row, cell=exc.key * exc.n_cells + exc.cell, time_ms=exc.time_ms)
    inh, text = of.other_spikes["inh"], {}
    for name, spikes in (("exc", flat), ("inh", inh)):
        here = spikes.time_ms < end_ms
        text[name] = pack(spikes.time_ms[here], spikes.cell[here], grid.dt_ms)
    frequency_Hz, power = seen.competition(grid.scores).relative_spectrum()
    shown = (frequency_Hz > 0) & (frequency_Hz <= SHOWN_Hz)
    field, top = field_bytes(of.field[0], of.field_dt_ms, end_ms)
    return {
        **text,
        "field": base64.b64encode(field.tobytes()).decode("ascii"),
        "top": top,
        "peak": round(peak_Hz, 2) if np.isfinite(peak_Hz) else None,
        "power": [float(f"{value:.3g}") for value in np.nan_to_num(power[0, shown])],
        "step": float(frequency_Hz[1]),  # Hz from one value of the power to the next
    }


def field_bytes(field: np.ndarray, dt_ms: float, end_ms: float) -> tuple[np.ndarray, float]:
    """The field once a millisecond in units of its largest value / 255, and that value."""
    every = max(1, round(FIELD_dt_ms / dt_ms))
    values = field[::every][: int(end_ms / (every * dt_ms))]
    top = float(values.max(initial=0.0)) or 1.0
    return np.rint(values / top * FULL).astype(np.uint8), round(top, 4)


def _varint(number: int) -> bytes:
    groups = [number & 127]
    while number := number >> 7:
        groups.append(number & 127)
    return bytes([group | 128 for group in groups[:-1]] + groups[-1:])
