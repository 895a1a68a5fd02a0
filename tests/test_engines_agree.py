"""Every scenario on Brian2 and on the compiled engines: the same conclusions, how much sooner (`make study`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_runs import SMALL

from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import Metric
from scenarios.workbench.rate_controls import MATCHED, TOLERANCE
from scenarios.workbench.registry import SCENARIOS, load

pytestmark = pytest.mark.slow

COMPILED = ("events", "fused")
SCORES = "scores.npy"
GIVEN: dict[str, dict[str, Any]] = {  # what differs from the defaults
    "adaptive-depth": {
        "n_rows": 60,
        "leads": (4,),
        "gaps": (1.0,),
        "budgets": (8,),
        "keys": (3,),
        "halting": ("ponder",),
        "iterations": 20,
        "sequences": 4,
        "model": "none",
    },
    "fast-weights": {
        "keys": (4,),
        "spikes": (16,),
        "memories": 30,
        "tasks": (2,),
        "task_memories": 20,
        "width": 16,
        "iterations": 20,
        "episodes": 20,
        "asked": 4,
    },
    "gene-cascade": {
        "n_rows": 60,
        "numbers": (16, 64),
        "rings": 1,
        "ring_time": 20.0,
        "iterations": 20,
        "draws": 2,
    },
    "in-context-learning": {
        "n_tasks": 60,
        "betas": (1.0,),
        "spikes": (64,),
        "layer_iterations": 20,
        "iterations": 20,
        "toy_tasks": 20,
        "toy_spikes": (16,),
        "tune_iterations": 10,
    },
    "self-modifying-attention": {
        "sizes": (4,),
        "ratios": (0.8, 1.5),
        "spikes": (16,),
        "machines": 16,
        "steps": 24,
        "loop_steps": 6,
    },
    "temperature-map": {"steps": 3},
    "shared-workspace": {
        "test_others": (5,),
        "iterations": 4,
        "seeds": 2,
        "held_out": 40,
        "spikes": (16,),
    },
    "sparse-factors": {
        "variables": 5,
        "factors": (3, 2),
        "samples": (32,),
        "seeds": 10,
        "iterations": 4,
        "budgets": (16,),
        "colder": (1,),
        "draws": 1,
    },
    "workspace": {
        "items": (2, 8),
        "trials": 60,
        "cues": (1.0,),
        "gains": (6.0,),
        "contrasts": (0.0, 2.0),
        "loop_trials": 20,
    },
    "binding-by-synchrony": {"n_networks": 8, "n_windows": 2, "spikes": 16},  # of two the error is not known
    "compare-file": {"scores": SCORES},
    "expressive-transformer": {"spikes": (16,), "n_rows": 200, "matches": (1,), "few_spikes": (4,)},
    "regular-or-random": {  # each kind of cells compiles anew in Brian2
        "n_rows": 60,
        "budgets": (16,),
        "keys": (4,),
        "spreads": (1.0,),
        "shapes": (1, 8),
        "cells": (4,),
        "unequal": (0.2,),
        "jitters": (1.0,),
    },
    "parse-geometry": {"n_sentences": 30, "longest": 15, "spikes": (8,)},
    "rank-collapse": {"spikes": (4, 64), "pretrained": False, "iterations": 20, "bert_layers": 2},
    "dmm-learns": {"steps": 20, "smallest": 40, "round_steps": 2, "spikes": (16,), "spike_steps": 2},
    "dmm-wakes-and-sleeps": {"cycles": 60, "machines": 4, "seed_cycles": 300, "spikes": (16,)},
    "dmm-traces": {"spikes": (17, 65), "machines": 16, "cycles": 8},
    "universal-machine": {"program": "add", "spikes": (3, 7), "n_steps": 60, "machines": 2},
    "price-of-context": {"n_keys": (16, 64), "rounds": 2},
}
LONG = (  # at their smallest: at their defaults Brian2 takes too long
    "which-law",
    "crick-koch",
    "theta-gamma-heads",
    "binding-by-synchrony",
    "attention-by-inhibition",
    "match-and-control",
    "coherence-routes",
    "gamma-filter",
    "oscillatory-memory",
    "language-model-on-gamma",
    "language-model-rivals",
    "spikes-where-they-matter",
    "adapt-language-model",
    "vision-on-gamma",
    "swap-model",
)
WITHIN = {"rate_matched": MATCHED, "rate_slow": TOLERANCE}  # a control meets its rate to that, relative
HEAD = "| | Brian2 | compiled | apart (errors) |\n|---|---|---|---|"


@pytest.mark.parametrize(
    "name", [name for name in SCENARIOS if name not in ("one-head", "spikes-while-writing", "rhythm-file")]
)  # keyed rows alone, and a recording
def test_all_engines_conclude_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No metric differs by more than 4.5 of its standard errors: with some 100 metrics, 1 false alarm in 1400.

    All see the same scores, so the errors, which count how rows differ, are ample.
    """
    monkeypatch.chdir(tmp_path)
    np.save(SCORES, np.random.default_rng(0).normal(0, 1.5, (32, 8)))
    params = load(name).Params(**{**(SMALL[name] if name in LONG else {}), **GIVEN.get(name, {})})
    runs = {
        engine: run_scenario(name, params, seed=1, engine=engine, out=tmp_path / engine)
        for engine in ("brian2", *COMPILED)
    }
    brian2, seconds = runs["brian2"].metrics, runs["brian2"].provenance.wall_s
    for engine in COMPILED:
        fewer = runs[engine].provenance.wall_s
        print(f"\n### {name}: {seconds:.1f} s on Brian2, {fewer:.1f} s on {engine}\n\n{HEAD}")
        apart = {
            metric: distance(value, brian2[metric], within=2 * WITHIN.get(metric, 0.0))
            for metric, value in runs[engine].metrics.items()
        }
        for metric, value in runs[engine].metrics.items():
            print(f"| {value.label} | {brian2[metric].text()} | {value.text()} | {apart[metric]:.1f} |")
        assert np.nanmax(list(apart.values())) < 4.5


def distance(a: Metric, b: Metric, *, within: float) -> float:
    """Of two values, less what they may differ by (relative), in standard errors; nan where none is known."""
    if a.standard_error is None or b.standard_error is None:
        return float("nan")
    if a.value == b.value:  # every row alike: an error of 0
        return 0.0
    gap = max(abs(a.value - b.value) - within * abs(b.value), 0.0)
    return gap / float(np.hypot(a.standard_error, b.standard_error))
