"""Conductance-based cells and PING against figures made with Boergers' own programs, on both engines."""

from __future__ import annotations

import numpy as np
import pytest

from spiking.circuit import simulate_circuit
from spiking.conductance import TWO_CELLS


@pytest.mark.parametrize("engine", ["brian2", "fused"])
def test_two_cells_keep_the_period_of_the_reference(engine: str) -> None:
    """19.869 ms within 0.05 ms: over 5 periods, the step of 0.01 ms alone makes 0.002."""
    ran = simulate_circuit(
        TWO_CELLS.build,
        settle_ms=60,
        duration_ms=120,
        record=("exc",),
        engine=engine,
        rng=np.random.default_rng(0),
    )
    period_ms = np.diff(ran.spikes["exc"].time_ms)
    assert len(period_ms) >= 5
    assert period_ms.mean() == pytest.approx(19.869, abs=0.05)
