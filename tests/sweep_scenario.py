"""A scenario of a few lines for sweeps: it notes every run in a file, and fails, waits or dies when told to."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import xarray as xr

from scenarios.workbench import registry
from scenarios.workbench.outcome import Metric, Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

QUESTION = "What is the mean of a few numbers around n + x?"
NAME = "few-numbers"


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n: int = param(2, "whole number", at_least=0, at_most=99)
    x_ms: float = param(0.5, "number", above=0)
    keys: tuple[int, ...] = param((2, 8), "several numbers", at_least=2)
    law: str = param("plus", "one of two", choices=("plus", "minus"))
    loud: bool = param(False, "ten times as much")
    wait_s: float = param(0.0, "takes so long", at_least=0)
    log: str = param("log", "file that every run that ends is noted in")
    fail_at: int = param(-1, "the n that fails", at_least=-1)
    die_at: int = param(-1, "the n whose worker dies", at_least=-1)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Draw and average."""
    time.sleep(params.wait_s)
    if params.n == params.die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    with Path(params.log).open("a") as file:
        file.write(f"{params.n} {params.x_ms} {os.getpid()}\n")
    if params.n == params.fail_at:
        raise ValueError(f"n must not be {params.n}")
    sign = 1 if params.law == "plus" else -1
    drawn = (params.n + sign * params.x_ms) * (10 if params.loud else 1) + ctx.rng.normal(0, 1, 20)
    metrics = {
        "mean": Metric(label="mean", value=drawn.mean(), standard_error=drawn.std() / 20**0.5, control=0.0),
        "n": Metric(label="number", value=20, unit="Hz"),
        "unknown": Metric(label="unknown", value=float("nan")),
    }
    return Outcome(
        dataset=xr.Dataset({"drawn": ("draw", drawn, {"units": "1"})}),
        metrics=metrics,
        headline=("mean", "n", "unknown"),
        pictures={},
        verdict="A mean.",
    )


def register() -> None:
    """Put this module where the registry of this process looks; workers import it by its own name."""
    registry.SCENARIOS[NAME] = registry.Entry("Chance", "A few numbers")
    sys.modules[f"scenarios.{NAME.replace('-', '_')}"] = sys.modules[__name__]


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register this module for the length of a test."""
    monkeypatch.setattr(registry, "SCENARIOS", dict(registry.SCENARIOS))
    monkeypatch.setitem(sys.modules, f"scenarios.{NAME.replace('-', '_')}", sys.modules[__name__])
    register()


def computed(log: str = "log") -> list[str]:
    """The runs that came to an end: n and x of each."""
    path = Path(log)
    return [line.rpartition(" ")[0] for line in path.read_text().splitlines()] if path.exists() else []
