"""The event-driven engine: the fused engine's spikes in closed form, what it steps (`test_one_law`: thinning)."""

from __future__ import annotations

from dataclasses import dataclass
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


@pytest.mark.parametrize("n_keys", [2, 64, 512])
def test_regular_cells_spike_as_stepped_at_any_number_of_keys(n_keys: int) -> None:
    params, scores = GammaParams.regular_brief(), np.random.default_rng(13).normal(0, 1.5, (20, n_keys))
    stepped, events = (attend(params, e("float64"), scores=scores) for e in (Fused, EventDriven))
    np.testing.assert_array_equal(in_order(events), in_order(stepped))


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
