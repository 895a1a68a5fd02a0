"""The stored calibration: which gain gives the shipped circuits the temperature that the caller asks for.

`calibration.json` is made by `make calibration` (bridge.laws.calibration) and holds one
table per set of parameters in `PARAMETER_SETS`: gain against cells per key and temperature.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from spiking.params import PARAMETER_SETS, GammaParams

__all__ = ["STORED_CALIBRATION", "effective_gain"]

STORED_CALIBRATION = Path(__file__).with_name("calibration.json")


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return json.loads(STORED_CALIBRATION.read_text()) if STORED_CALIBRATION.exists() else {}


def _table(params: GammaParams) -> dict[str, Any] | None:
    """The table of the set that `params` belong to: equal in everything that moves the gain."""
    free = ("n_cells", "temperature", "feedforward", "dt_ms", "settle_ms")
    bound = [f.name for f in fields(GammaParams) if f.name not in free]
    for name, stored in PARAMETER_SETS.items():
        if all(getattr(stored, f) == getattr(params, f) for f in bound):
            return _tables().get(name)
    return None


@cache
def effective_gain(params: GammaParams) -> float:
    """The gain that `params` runs with: its own, or the stored one for its cells and temperature.

    The table is read linearly in 1/n_cells (depletion is shared among the cells) and log temperature.
    Parameters that were never calibrated run with the race law's gain 1 and say so in a warning.
    """
    if params.gain is not None:
        return params.gain
    table = _table(params)
    if table is None:
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
