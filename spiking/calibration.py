"""The stored calibration: which gain gives the shipped circuits the temperature that the caller asks for.

`calibration.json` is made by `make calibration` (bridge.calibration) and holds one
table per cell model: gain against cells per key and temperature.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from spiking.cells import CELLS
from spiking.params import GammaParams

__all__ = ["STORED_CALIBRATION", "effective_gain"]

STORED_CALIBRATION = Path(__file__).with_name("calibration.json")


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return json.loads(STORED_CALIBRATION.read_text()) if STORED_CALIBRATION.exists() else {}


def _shipped(params: GammaParams) -> bool:
    """Whether `params` are the shipped ones in everything that moves the gain."""
    shipped = GammaParams(cell=CELLS[params.cell.name]())
    free = ("n_cells", "temperature", "feedforward", "dt_ms", "settle_ms")
    return shipped == replace(params, **{name: getattr(shipped, name) for name in free})


@cache
def effective_gain(params: GammaParams) -> float:
    """The gain that `params` runs with: its own, or the stored one for its cells and temperature.

    The table is read linearly in 1/n_cells (depletion is shared among the cells) and log temperature.
    Parameters that were never calibrated run with the race law's gain 1 and say so in a warning.
    """
    if params.gain is not None:
        return params.gain
    table = _tables().get(params.cell.name)
    if table is None or not _shipped(params):
        warnings.warn(
            "these GammaParams have no stored calibration and run with gain 1, so the temperature may be "
            "off by some per cent; bridge.calibrate(params, rng=rng) finds their gain.",
            UserWarning,
            stacklevel=2,
        )
        return 1.0
    gain = np.array(table["gain"])  # (n_cells, temperature)
    inverse = 1.0 / np.array(table["n_cells"], dtype=float)
    order = np.argsort(inverse)
    at_cells = np.array([np.interp(1.0 / params.n_cells, inverse[order], column[order]) for column in gain.T])
    return float(np.interp(np.log(params.temperature), np.log(table["temperature"]), at_cells))
