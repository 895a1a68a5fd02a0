"""Without a C++ compiler the circuit says so and runs on Brian2's numpy target."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from spiking import Brian2, GammaCircuit, GammaParams, codegen_target


def test_no_compiler_is_said_and_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    assert codegen_target() == "numpy"
    with pytest.warns(UserWarning, match=r"no C\+\+ compiler found.*install g\+\+"):
        selection = GammaCircuit(GammaParams(n_cells=10)).attend(
            np.array([[2.0, 0.0]]), duration_ms=100, rng=np.random.default_rng(0), engine=Brian2()
        )
    assert selection.counts[0, 0] > selection.counts[0, 1] > 0
