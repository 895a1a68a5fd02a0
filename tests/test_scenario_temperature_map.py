"""temperature-map, small: what sets the temperature, and that the circuit itself is one of its points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from scenarios.temperature_map import MEASURES, Params
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.run_sweep import run_sweep
from scenarios.workbench.store import StoredRun
from scenarios.workbench.sweep import plan_sweep

SMALL = {"n_rows": 4, "duration_ms": 2000.0, "n_cells": 16}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    folder: Path = tmp_path_factory.mktemp("runs") / "run"
    return run_scenario("temperature-map", Params(**SMALL, steps=3), seed=2, out=folder)


def test_each_parameter_is_varied_alone_around_the_circuit(run: StoredRun) -> None:
    data = run.dataset()
    assert data.varied.values.tolist()[:3] == ["", "tau_gaba_ms", "tau_gaba_ms"]
    for name in ("tau_gaba_ms", "delay_ms", "sigma", "inhibition", "n_cells"):
        elsewhere = data[name].values[data.varied.values != name]
        assert (elsewhere == getattr(Params(**SMALL), name)).all()
        assert len(np.unique(data[name])) == 3


def test_temperature_is_membrane_noise(run: StoredRun) -> None:
    """Voltage has no other scale than its noise, so temperature is proportional to it: exponent 1.

    Threshold and reset are further scales, of which only the far end of the range sees something: 4 standard
    errors beside 0.1.
    """
    slope = run.metrics["fitted_temperature_by_sigma"]
    assert slope.standard_error is not None
    assert abs(slope.value - 1) < 0.1 + 4 * slope.standard_error
    assert "membrane noise" in run.verdict


def test_slower_loops_have_a_slower_rhythm(run: StoredRun) -> None:
    """A longer delay and a longer decay of inhibition both lengthen the period: by 3 standard errors."""
    data = run.dataset()
    for name in ("delay_ms", "tau_gaba_ms"):
        curve = data.isel(setting=(data.varied == name).values).sortby(name)
        fast, slow = (curve.isel(setting=i) for i in (0, -1))
        if np.isfinite(slow.f_gamma):  # else the rhythm has left the gamma band downwards
            assert fast.f_gamma - slow.f_gamma > 3 * np.hypot(fast.f_gamma_se, slow.f_gamma_se)


def test_keys_at_once_and_temperature_tell_of_the_same_softmax(run: StoredRun) -> None:
    """exp(entropy) of the softmax at the fitted temperature is the effective number of keys, within a tenth."""
    scores = Params(**SMALL).scores()[0]
    itself = run.dataset().isel(setting=0)
    weights = softmax(scores / float(itself.fitted_temperature))
    expected = np.exp(-np.sum(weights * np.log(weights)))
    assert abs(float(itself.effective_keys) / expected - 1) < 0.1


def test_swept_one_point_is_the_run_of_one_circuit(tmp_path: Path) -> None:
    settings = [f"{name}={value}" for name, value in {**SMALL, "steps": 1}.items()]
    swept = run_sweep(plan_sweep("temperature-map", settings), out=tmp_path / "sweep", jobs=1).run.dataset()
    params = Params(**SMALL, steps=1)
    alone = run_scenario("temperature-map", params, seed=swept.seed.item(), out=tmp_path / "run")
    assert not alone.captions
    for name in MEASURES:
        assert swept[name].item() == alone.metrics[name].value
