"""The gamma circuit as a hand-written C loop (`gamma_row.c`), compiled here: the limit on one thread."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from spiking import EscapeRate, GammaParams

# Rounding by adding a large number must not be reassociated away. gcc's own choice on x86 is 256 bits.
FLAGS = ("-O3", "-ffast-math", "-fno-associative-math", "-march=native", "-shared", "-fPIC")
WIDE = ("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()
WHOLE = ("n_rows", "n_keys", "n_cells", "n_inh", "n_steps", "delay", "refractory", "seed")
REAL = (
    *("dt", "tau_e", "drive", "theta", "rho_0", "reset_by"),
    *("tau_i", "tau_rise", "tau_ampa", "tau_gaba", "w_ei", "w_ie", "inh_spread"),
)


class Circuit(ctypes.Structure):
    _fields_ = [*((name, ctypes.c_int64) for name in WHOLE), *((name, ctypes.c_double) for name in REAL)]


@cache
def library() -> ctypes.CDLL:
    """The loop, compiled for this processor."""
    out = Path(tempfile.mkdtemp(prefix="fortyhertz-")) / "gamma_row.so"
    source = Path(__file__).with_name("gamma_row.c")
    subprocess.run(["gcc", *FLAGS, *WIDE, "-o", str(out), str(source), "-lm"], check=True)
    return ctypes.CDLL(str(out))


def simulate(
    params: GammaParams, score_input: np.ndarray, *, duration_ms: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Spike counts (n_rows, n_keys) and I spikes (n_rows,) of rows with these inputs, from the first step."""
    cell = params.cell
    assert isinstance(cell, EscapeRate)
    n_rows, n_keys = score_input.shape
    circuit = Circuit(
        n_rows=n_rows,
        n_keys=n_keys,
        n_cells=params.n_cells,
        n_inh=params.n_inh,
        n_steps=round(duration_ms / params.dt_ms),
        delay=round(params.grid_delay_ms / params.dt_ms),
        refractory=round(params.refractory_ms / params.dt_ms),
        seed=seed,
        dt=params.dt_ms,
        tau_e=cell.tau_ms,
        drive=cell.drive,
        theta=cell.theta,
        rho_0=cell.rho_0_per_ms,
        reset_by=cell.reset_by,
        tau_i=params.tau_i_ms,
        tau_rise=params.tau_rise_ms,
        tau_ampa=params.tau_ampa_ms,
        tau_gaba=params.tau_gaba_ms,
        w_ei=params.w_ei,
        w_ie=params.inhibition / params.n_inh,
        inh_spread=params.inh_spread,
    )
    counts = np.zeros((n_rows, n_keys), dtype=np.int64)
    inh_counts = np.zeros(n_rows, dtype=np.int64)
    score_input = np.ascontiguousarray(score_input, dtype=np.float64)
    pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (score_input, counts, inh_counts)]
    library().simulate(ctypes.byref(circuit), *pointers)
    return counts, inh_counts
