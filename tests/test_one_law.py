"""One law: escape-rate cells by thinning against the fused engine and Brian2, at 2 to 512 keys.

The wide part is a study: `pytest -m slow -k one_law -s` prints the smallest p value of each comparison, and whether
the same tests notice a weaker inhibition and a weaker reset.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from spiking import Brian2, Budget, Engine, EscapeRate, EventDriven, Fused, GammaCircuit, GammaParams

FALSE_ALARM = 1e-3  # of a family of two-sample tests, shared among its tests (Bonferroni)
SHIPPED = GammaParams(n_cells=10, gain=1.05)
BRIEF = GammaParams.brief(gain=1.06)
DEPLETED = GammaParams(n_cells=4, cell=EscapeRate(reset_by=4.0), gain=1.0)
FORGETFUL = GammaParams.brief(cell=EscapeRate(tau_ms=0.5, drive=10.0, reset_by=4.0), gain=1.0)  # tau = dt
CROWDED = GammaParams.brief(cell=EscapeRate(drive=16.0, reset_by=2.0), gain=1.0, w_ei=0.0)
SHORT, LONG = Budget(spikes=64, duration_ms=500), Budget(duration_ms=500)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What two engines may differ in."""

    of_rows: dict[str, np.ndarray]  # one number a row; two runs have the same scores
    pooled: dict[str, np.ndarray]


def measured(
    params: GammaParams, engine: Engine, seed: int, budget: Budget, n_rows: int, n_keys: int
) -> Measured:
    scores = np.random.default_rng(2).normal(0, 1.5, (n_rows, n_keys))
    rng = np.random.default_rng(seed)
    run = GammaCircuit(params).attend(scores, budget=budget, rng=rng, record="all", engine=engine)
    spikes, best = run.spikes, run.counts[np.arange(n_rows), scores.argmax(axis=1)]
    order = np.lexsort((spikes.time_ms, spikes.cell, spikes.key, spikes.row))
    cell = ((spikes.row.astype(np.int64) * n_keys + spikes.key) * params.n_cells + spikes.cell)[order]
    return Measured(
        of_rows={
            "time": run.row_ms,
            "spikes": run.n_spikes,
            "I spikes": run.other_counts["inh"],
            "frequency": run.f_gamma_Hz,
            "cycles": run.n_cycles,
            "share of the best key": best / run.n_spikes,
            "mean score": (run.weights * scores).sum(axis=1),
            "dispersion": run.weights.var(axis=1),
        },
        pooled={
            "spike times": spikes.time_ms[::20],
            "intervals of cells": np.diff(spikes.time_ms[order])[np.diff(cell) == 0][::5],
        },
    )


def differences(a: Measured, b: Measured) -> dict[str, float]:
    """p values: paired t tests of rows, two-sample Kolmogorov-Smirnov tests of every 20th spike, 5th interval."""
    p = {name: _paired(a.of_rows[name], b.of_rows[name]) for name in a.of_rows}
    p |= {name: float(stats.ks_2samp(a.pooled[name], b.pooled[name]).pvalue) for name in a.pooled}
    return {name: value for name, value in p.items() if np.isfinite(value)}


def _paired(a: np.ndarray, b: np.ndarray) -> float:
    """Of rows that have a value in both; nan where there is nothing to test, as in times that are all equal."""
    difference = (a - b)[np.isfinite(a - b)]
    return float(stats.ttest_1samp(difference, 0).pvalue) if difference.any() else float("nan")


def smallest(found: dict[str, float]) -> str:
    name = min(found, key=found.__getitem__)
    return f"{found[name]:.2g} ({name})"


def is_clear(found: dict[str, float]) -> bool:
    """Whether a family of tests tells two engines apart."""
    return min(found.values()) < FALSE_ALARM / len(found)


ESCAPE = {
    "brief": (BRIEF, SHORT, 3000, 8),
    "brief, 2 keys": (BRIEF, SHORT, 1500, 2),
    "brief, 64 keys": (BRIEF, SHORT, 600, 64),
    "brief, 512 keys": (BRIEF, SHORT, 200, 512),
    "shipped": (SHIPPED, LONG, 600, 8),
    "few cells, strong reset": (DEPLETED, LONG, 800, 8),
    "a reset that lasts one step": (FORGETFUL, SHORT, 1500, 8),
    "proposals that crowd": (CROWDED, Budget(duration_ms=40), 300, 8),
}


@pytest.mark.parametrize("name", ESCAPE)
def test_thinning_follows_the_law_of_stepped_cells(name: str) -> None:
    """No test of the family below .001 over their number; the test after the next shows what they find."""
    params, budget, *size = ESCAPE[name]
    assert GammaCircuit(params).why_stepped() is None
    stepped = measured(params, Fused(), 1, budget, *size)
    found = differences(stepped, measured(params, EventDriven(), 2, budget, *size))
    assert not is_clear(found), found


@pytest.mark.parametrize("name", ["brief", "few cells, strong reset", "a reset that lasts one step"])
def test_thinning_follows_the_law_of_brian2(name: str) -> None:
    """The reference itself, on few rows: it runs uncompiled here."""
    params, budget = ESCAPE[name][0], Budget(spikes=64, duration_ms=100)
    reference = measured(params, Brian2(), 1, budget, 200, 8)
    found = differences(reference, measured(params, EventDriven(), 2, budget, 200, 8))
    assert not is_clear(found), found


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("shipped", {"inhibition": 0.95 * SHIPPED.inhibition}),
        ("few cells, strong reset", {"cell": EscapeRate(reset_by=0.8 * 4.0)}),
    ],
    ids=["inhibition weakened by 5 %", "reset weakened by 20 %"],
)
def test_the_tests_of_the_law_have_power(name: str, changed: dict[str, Any]) -> None:
    params, budget, *size = ESCAPE[name]
    stepped = measured(params, Fused(), 1, budget, *size)
    found = differences(stepped, measured(replace(params, **changed), EventDriven(), 2, budget, *size))
    assert is_clear(found), found


WIDE = {"shipped": SHIPPED, "brief": BRIEF, "few cells, strong reset": DEPLETED}
ROWS = {
    2: (3000, 1000),
    8: (3000, 600),
    64: (1200, 200),
    512: (400, 60),
}  # keys -> of the fused engine, Brian2


@pytest.mark.slow
@pytest.mark.parametrize("budget", [SHORT, LONG], ids=["64 spikes", "500 ms"])
@pytest.mark.parametrize("name", WIDE)
def test_one_law_at_2_to_512_keys(name: str, budget: Budget) -> None:
    """48 families of 7 to 9 tests, each at .001: all six studies together raise a false alarm once in 20 runs.

    Under a time limit both references notice inhibition that is weaker by 5 %, at any number of keys. Of 64 spikes
    most come before much inhibition where keys are many, and few cells fire twice: there the tests have little to
    find, and the power is asked for at few keys.
    """
    params = WIDE[name]
    weaker_inhibition = replace(params, inhibition=0.95 * params.inhibition)
    assert isinstance(params.cell, EscapeRate)
    weaker_reset = replace(params, cell=replace(params.cell, reset_by=0.8 * params.cell.reset_by))
    print(f"\n### {name}, {budget}\n\n| keys | engine | rows | same | inhibition -5 % | reset -20 % |")
    print("|---|---|---|---|---|---|")
    for n_keys, rows in ROWS.items():
        for engine, n_rows in zip((Fused(), Brian2()), rows, strict=True):
            reference = measured(params, engine, 1, budget, n_rows, n_keys)
            same, inhibition, reset = (
                differences(reference, measured(of, EventDriven(), 2, budget, n_rows, n_keys))
                for of in (params, weaker_inhibition, weaker_reset)
            )
            words = (smallest(found) for found in (same, inhibition, reset))
            print(f"| {n_keys} | {engine.name} | {n_rows} | {' | '.join(words)} |")
            assert not is_clear(same), same
            if budget is LONG or (n_keys <= 8 and engine.name == "fused"):
                assert is_clear(inhibition), inhibition
            if n_keys == 2 and engine.name == "fused":
                assert is_clear(reset), reset
