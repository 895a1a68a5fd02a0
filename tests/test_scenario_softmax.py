"""softmax-from-spikes, small: its numbers, its curve and its ranking say what the spikes did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scenarios.softmax_from_spikes import Params
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.store import StoredRun


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    params = Params(keys=(2, 8), keys_lif=(8,), temperatures=(0.5, 1.0), n_rows=24, duration_ms=800)
    folder: Path = tmp_path_factory.mktemp("runs") / "run"
    return run_scenario("softmax-from-spikes", params, seed=3, out=folder)


def test_temperature_and_floor(run: StoredRun) -> None:
    """Small runs: within 4 standard errors of the requirement, itself 5 % and 1.25 floors."""
    data = run.dataset()
    escape = data.isel(condition=np.flatnonzero(data.cell.values == "escape"))
    assert (np.abs(escape.beta - 1) < 0.05 + 4 * escape.beta_se).all()
    assert (escape.excess < 1.25 + 4 * escape.excess_se).all()


def test_divergence_falls_with_spikes_along_its_floor(run: StoredRun) -> None:
    data = run.dataset()
    ratio = data.curve_kl / data.curve_floor
    assert (data.curve_kl[:, -1] < data.curve_kl[:, 0] / 5).all()
    assert (ratio < 2).all()
    assert (ratio > 0.4).all()


def test_softmax_beats_the_uniform_law_and_is_near_the_best(run: StoredRun) -> None:
    behind = run.metrics["escape_softmax_behind"]
    assert behind.control is not None
    assert behind.value < 0.01 < behind.control
    assert "held-out" in run.verdict
