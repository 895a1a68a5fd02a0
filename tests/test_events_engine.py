"""The event-driven engine: the fused engine's spikes in closed form, its law by thinning, and what it steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms
from scipy import stats

from spiking import (
    Budget,
    DiffusiveLIF,
    Engine,
    EscapeRate,
    EventDriven,
    Fused,
    GammaCircuit,
    GammaParams,
    PingAttention,
    RegularCell,
    Row,
    RowCircuit,
    Selection,
    Streams,
    TwoPools,
    Wiring,
)
from tests.doubles import Unprimed

FALSE_ALARM = 1e-3  # of a family of two-sample tests, shared among its tests (Bonferroni)
SCORES = np.random.default_rng(11).normal(0.0, 1.5, (12, 9))
MASK = np.random.default_rng(12).random(SCORES.shape) < 0.7
MASK[:, 0] = True
SHORT = Budget(spikes=64)


def attend(params: GammaParams, engine: Engine, **options: Any) -> Selection:
    asked = {"scores": SCORES, "budget": SHORT, "rng": np.random.default_rng(5), "record": "all", **options}
    return GammaCircuit(params).attend(engine=engine, **asked)


def in_order(selection: Selection) -> np.ndarray:
    """Every spike as (row, step, key, cell), in that order."""
    spikes = selection.spikes
    step = np.rint(spikes.time_ms / 0.05)
    return np.stack(sorted(zip(spikes.row, step, spikes.key, spikes.cell, strict=True)))


REGULAR = {
    "evenly spread": GammaParams.regular_brief(),
    "settled, at 40 Hz": GammaParams.regular(),
    "one cell a key": GammaParams.regular_brief(n_cells=1, dt_ms=0.25),
    "phases of their own": GammaParams.regular_brief(cell=RegularCell(phases="own")),
    "one phase for the row": GammaParams.regular_brief(cell=RegularCell(phases="row")),
    "drawn thresholds": GammaParams.regular_brief(cell=RegularCell(shape=4)),
    "soft reset": GammaParams.regular_brief(cell=RegularCell(shape=1, phases="own")),
    "crowded steps": GammaParams.regular_brief(n_cells=2, w_ei=0.2),
}


@pytest.mark.parametrize("name", REGULAR)
def test_regular_cells_spike_as_the_fused_engine_steps_them(name: str) -> None:
    """One by one, in double precision, with masked keys; and the I cells, the field and the rows' times."""
    params = REGULAR[name]
    assert GammaCircuit(params).why_stepped() is None
    stepped, events = (attend(params, e("float64"), mask=MASK) for e in (Fused, EventDriven))
    np.testing.assert_array_equal(in_order(events), in_order(stepped))
    np.testing.assert_array_equal(events.counts, stepped.counts)
    np.testing.assert_array_equal(events.row_ms, stepped.row_ms)
    np.testing.assert_array_equal(events.other_spikes["inh"].time_ms, stepped.other_spikes["inh"].time_ms)
    np.testing.assert_allclose(events.field, stepped.field, rtol=1e-5)


@pytest.mark.parametrize(
    "budget", [Budget(duration_ms=150), Budget(lead=6), Budget(spikes=300, duration_ms=60)], ids=str
)
def test_every_budget_ends_rows_in_the_same_step(budget: Budget) -> None:
    params = GammaParams.regular_brief()
    stepped, events = (attend(params, e("float64"), budget=budget) for e in (Fused, EventDriven))
    np.testing.assert_array_equal(events.counts, stepped.counts)
    np.testing.assert_array_equal(events.row_ms, stepped.row_ms)
    np.testing.assert_array_equal(events.unfinished, stepped.unfinished)


@pytest.mark.parametrize(
    "params", [GammaParams.regular_brief(), GammaParams.brief()], ids=["closed", "thinned"]
)
def test_bits_depend_on_seed_and_stream_alone(params: GammaParams, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on the other rows, their order, the threads, the kernel calls, or single against double scores."""
    scores = SCORES.astype(np.float32)

    def counts(rows: np.ndarray, engine: Engine = EventDriven(), scores: np.ndarray = scores) -> np.ndarray:
        return attend(params, engine, scores=scores[rows], rng=Streams(3, rows)).counts

    rows = np.arange(len(SCORES))
    whole = counts(rows)
    np.testing.assert_array_equal(counts(rows[::-1])[::-1], whole)
    np.testing.assert_array_equal(counts(rows[4:5]), whole[4:5])
    np.testing.assert_array_equal(counts(rows, EventDriven(threads=1)), whole)
    np.testing.assert_array_equal(counts(rows, scores=scores.astype(np.float64)), whole)
    monkeypatch.setattr("spiking.engines.fused.run._MOST", 1)
    np.testing.assert_array_equal(counts(rows), whole)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What two engines may differ in."""

    of_rows: dict[str, np.ndarray]  # one number a row; two runs have the same scores
    pooled: dict[str, np.ndarray]


def measured(params: GammaParams, engine: Engine, seed: int, budget: Budget, n_rows: int) -> Measured:
    scores = np.random.default_rng(2).normal(0, 1.5, (n_rows, 8))
    run = attend(params, engine, scores=scores, budget=budget, rng=np.random.default_rng(seed))
    spikes, best = run.spikes, run.counts[np.arange(n_rows), scores.argmax(axis=1)]
    order = np.lexsort((spikes.time_ms, spikes.cell, spikes.key, spikes.row))
    cell = ((spikes.row.astype(np.int64) * 8 + spikes.key) * params.n_cells + spikes.cell)[order]
    return Measured(
        of_rows={
            "time": run.row_ms,
            "spikes": run.n_spikes,
            "I spikes": run.other_counts["inh"],
            "share of the best key": best / run.n_spikes,
            "dispersion": run.weights.var(axis=1),
        },
        pooled={
            "spike times": spikes.time_ms[::20],
            "intervals of cells": np.diff(spikes.time_ms[order])[np.diff(cell) == 0][::5],
        },
    )


def differences(a: Measured, b: Measured) -> dict[str, float]:
    """p values: paired t tests of rows, two-sample Kolmogorov-Smirnov tests of every 20th spike, 5th interval."""
    rows = {n: float(stats.ttest_rel(a.of_rows[n], b.of_rows[n]).pvalue) for n in a.of_rows}
    pooled = {n: float(stats.ks_2samp(a.pooled[n], b.pooled[n]).pvalue) for n in a.pooled}
    return {n: p for n, p in (rows | pooled).items() if np.isfinite(p)}  # of equal times there is none


SHIPPED = GammaParams(n_cells=10)
DEPLETED = GammaParams(n_cells=4, cell=EscapeRate(reset_by=4.0), gain=1.0)
FORGETFUL = GammaParams.brief(cell=EscapeRate(tau_ms=0.5, drive=10.0, reset_by=4.0), gain=1.0)  # tau = dt
ESCAPE = {
    "brief": (GammaParams.brief(), SHORT, 3000),
    "shipped": (SHIPPED, Budget(duration_ms=200), 800),
    "few cells, strong reset": (DEPLETED, Budget(duration_ms=200), 800),
    "a reset that lasts one step": (FORGETFUL, SHORT, 1500),
}


@pytest.mark.parametrize("name", ESCAPE)
def test_thinning_follows_the_law_of_stepped_cells(name: str) -> None:
    """None of seven tests below .001 / 7; the next test shows what they find."""
    params, budget, n_rows = ESCAPE[name]
    assert GammaCircuit(params).why_stepped() is None
    stepped = measured(params, Fused(), 1, budget, n_rows)
    events = measured(params, EventDriven(), 2, budget, n_rows)
    found = differences(stepped, events)
    assert min(found.values()) > FALSE_ALARM / len(found), found


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("shipped", {"inhibition": 0.95 * SHIPPED.inhibition, "gain": GammaCircuit(SHIPPED).gain}),
        ("few cells, strong reset", {"cell": EscapeRate(reset_by=0.8 * 4.0)}),
    ],
    ids=["inhibition weakened by 5 %", "reset weakened by 20 %"],
)
def test_the_tests_of_the_law_have_power(name: str, changed: dict[str, Any]) -> None:
    params, budget, n_rows = ESCAPE[name]
    stepped = measured(params, Fused(), 1, budget, n_rows)
    events = measured(replace(params, **changed), EventDriven(), 2, budget, n_rows)
    found = differences(stepped, events)
    assert min(found.values()) < FALSE_ALARM / len(found), found


def test_a_cell_fires_once_a_step_however_many_proposals_there_are() -> None:
    """At 40 proposals a cell and step nearly every cell fires in it, each once; the fused engine agrees."""
    params = GammaParams.brief(cell=EscapeRate(drive=60.0, reset_by=2.0), gain=1.0, w_ei=0.0)
    stepped, events = (
        attend(params, e, scores=np.tile(SCORES, (20, 1)), budget=Budget(duration_ms=40))
        for e in (Fused(), EventDriven())
    )
    spikes = in_order(events)
    assert len(np.unique(spikes, axis=0)) == len(spikes)
    p = stats.ks_2samp(stepped.n_spikes, events.n_spikes).pvalue
    assert p > FALSE_ALARM


def test_circuits_that_have_to_be_stepped_say_why_and_spike_as_they_did() -> None:
    cold = GammaCircuit(GammaParams.brief(cell=Unprimed(), gain=1.0))
    reasons = {
        "its membranes do not hold the score from the start; begin exc.v with": cold,
        "its counted cells receive noise at every step": GammaCircuit(GammaParams(cell=DiffusiveLIF())),
        "its counted cells are refractory": PingAttention(),
    }
    for reason, circuit in reasons.items():
        assert reason in str(circuit.why_stepped())
    stepped, events = (attend(cold.params, engine) for engine in (Fused(), EventDriven()))
    np.testing.assert_array_equal(in_order(events), in_order(stepped))


@dataclass(frozen=True, kw_only=True)
class Mine(RowCircuit):
    """A stranger's circuit: regular cells on synaptic currents, one I cell."""

    n_cells: int = 3

    def build(self, row: Row) -> Wiring:
        exc = b2.NeuronGroup(
            row.n_keys * self.n_cells,
            """dv/dt = (12 + score - g - v) / (8*ms) : 1
               dg/dt = -g / (6*ms) : 1
               dhazard/dt = exp(v - 9) / ms : 1
               score : 1 (constant)""",
            threshold="hazard > 1",
            reset="hazard -= 1",
            method="euler",
            dt=0.25 * ms,
            name="pyramids",
        )
        inh = b2.NeuronGroup(
            1,
            "dv/dt = -v / (2*ms) : 1",
            threshold="v > 3",
            reset="v = 0",
            method="exact",
            dt=0.25 * ms,
            name="basket",
        )
        excite = b2.Synapses(exc, inh, on_pre="v_post += 1", delay=1 * ms, dt=0.25 * ms, name="excite")
        inhibit = b2.Synapses(inh, exc, on_pre="g_post += 8", delay=1 * ms, dt=0.25 * ms, name="inhibit")
        excite.connect()
        inhibit.connect()
        return Wiring(
            [exc, inh, excite, inhibit],
            scores="pyramids.score",
            counts="pyramids",
            field="pyramids.g",
            start={"pyramids.v": "4 + score", "pyramids.hazard": "rand()"},
        )


def test_a_circuit_of_a_user_gets_it_without_a_word() -> None:
    circuit = Mine()
    assert circuit.why_stepped() is None
    assert TwoPools().why_stepped() is None
    stepped, events = (
        circuit.attend(SCORES, spikes=48, rng=np.random.default_rng(0), engine=e("float64"))
        for e in (Fused, EventDriven)
    )
    np.testing.assert_array_equal(in_order(events), in_order(stepped))
