"""A user's circuit whose synapses depress, differ in delays and hear Poisson spikes, as an attention head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms

from bridge.bill.operations import circuit_operations
from spiking import (
    Brian2,
    Budget,
    EventDriven,
    Fused,
    Network,
    Recorded,
    Row,
    RowCircuit,
    Streams,
    Wiring,
    simulate_circuit,
)

DT = 0.1 * ms


@dataclass(frozen=True, kw_only=True)
class Depressing(RowCircuit):
    """Keys excite one inhibitory cell through synapses that tire; a Poisson bath reaches every key."""

    n_cells: int = 4
    bath_Hz: float = 400.0
    temperature: float = 1.0
    gain: float = 1.0

    def build(self, row: Row) -> Wiring:
        n = row.n_keys * self.n_cells
        exc = b2.NeuronGroup(
            n,
            """dv/dt = (1.3 + 0.2 * u - g - v) / (10*ms) : 1
            dg/dt = -g / (6*ms) : 1
            u : 1 (constant)""",
            threshold="v > 1", reset="v = 0", method="euler", dt=DT, name="exc",
        )  # fmt: skip
        inh = b2.NeuronGroup(
            1,
            "dv/dt = -v / (3*ms) : 1",
            threshold="v > 0.5",
            reset="v = 0",
            method="exact",
            dt=DT,
            name="inh",
        )
        bath = b2.PoissonGroup(n, self.bath_Hz * Hz, dt=DT, name="bath")
        excite = b2.Synapses(
            exc,
            inh,
            "dx/dt = (1 - x) / (50*ms) : 1 (event-driven)",
            on_pre="v_post += 0.3 * x\nx *= 0.8",
            dt=DT,
            name="excite",
        )
        inhibit = b2.Synapses(inh, exc, on_pre="g_post += 0.5", dt=DT, name="inhibit")
        hear = b2.Synapses(bath, exc, on_pre="v_post += 0.1", dt=DT, name="hear")
        excite.connect()
        inhibit.connect()
        hear.connect(j="i")
        excite.x = 1.0
        inhibit.delay = np.linspace(0.5, 3, n) * ms
        start: dict[str, str | float] = {"exc.v": "0.9 * rand()"}
        objects = [exc, inh, bath, excite, inhibit, hear]
        return Wiring(objects, scores="exc.u", counts="exc", field="exc.g", start=start, settle_ms=20)


SCORES = np.array([[2.0, 0.0, -2.0], [0.0, 0.0, 0.0]])


def _spikes(engine: Any, **options: Any) -> np.ndarray:
    circuit = Depressing(bath_Hz=0.0)
    return circuit.attend(
        SCORES, rng=np.random.default_rng(1), duration_ms=200, engine=engine, **options
    ).counts


def test_its_rows_are_those_of_brian2_where_nothing_is_drawn_in_a_step() -> None:
    """Without a bath only the start is drawn, by numbers that both engines share."""
    reference = _spikes(Brian2())
    assert reference.sum() > 50
    np.testing.assert_array_equal(_spikes(Fused("float64")), reference)
    np.testing.assert_array_equal(_spikes(EventDriven("float64")), reference)


def test_the_bath_excites_and_follows_streams() -> None:
    """A row's spikes are its own in any batch; more Poisson spikes, more of the cells'."""
    circuit, scores = Depressing(), np.zeros((16, 3))
    whole = circuit.attend(scores, rng=Streams(3), duration_ms=200)
    some = np.array([11, 2])
    alone = circuit.attend(scores[some], rng=Streams(3, rows=some), duration_ms=200)
    np.testing.assert_array_equal(alone.counts, whole.counts[some])
    dry = Depressing(bath_Hz=100.0).attend(scores, rng=Streams(3), duration_ms=200)
    gap = whole.n_spikes - dry.n_spikes
    assert gap.mean() > 5 * gap.std(ddof=1) / 4  # standard errors over 16 rows


def test_why_its_cells_are_stepped_and_what_it_costs() -> None:
    assert Depressing().why_stepped() is not None
    operations = circuit_operations(Depressing())
    assert operations.pathways["excite_pre"] == ("exc", ("inh",))
    assert operations.arrival["excite_pre"].exponentials > 0


def test_another_row_has_delays_of_its_own() -> None:
    """Delays spread over the cells of a row of any number of keys: the longest is 3 ms in each."""
    circuit = Depressing(bath_Hz=0.0)
    for n_keys in (2, 5):
        scores = np.zeros((1, n_keys))
        reference, fused = (
            circuit.attend(scores, rng=np.random.default_rng(2), duration_ms=100, engine=engine)
            for engine in (Brian2(), Fused("float64"))
        )
        np.testing.assert_array_equal(fused.counts, reference.counts)


def test_a_lead_ends_its_rows() -> None:
    lead = 3
    selection = Depressing().attend(SCORES[:1], rng=Streams(0), budget=Budget(duration_ms=500, lead=lead))
    ordered = np.sort(selection.counts[0])
    assert ordered[-1] - ordered[-2] >= lead


def _learning(rng: np.random.Generator) -> Network:
    """Poisson inputs whose synapses grow with each spike, and synapses without a single pair."""
    inputs = b2.PoissonGroup(5, 300 * Hz, dt=DT, name="inputs")
    cells = b2.NeuronGroup(3, "v : 1", dt=DT, name="cells")
    grow = b2.Synapses(inputs, cells, "w : 1", on_pre="v_post += w\nw += 1", dt=DT, name="grow")
    none = b2.Synapses(inputs, cells, "w : 1", on_pre="v_post += w\nw = 0", dt=DT, name="none")
    grow.connect()
    none.connect(condition="i > 10")
    grow.delay = rng.uniform(0, 1, len(grow)) * ms
    return Network([inputs, cells, grow, none])


def test_a_row_that_is_run_again_begins_with_its_first_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """More spikes than there was room for: the second attempt is as if there had been room at once."""

    def run() -> Recorded:
        rng = np.random.default_rng(4)
        return simulate_circuit(
            _learning, duration_ms=100, rng=rng, record=["inputs"], sample=["grow.w", "cells.v"]
        )

    whole = run()
    monkeypatch.setattr("spiking.engines.fused.run._room", lambda *_: 3)
    again = run()
    assert len(whole.spikes["inputs"].time_ms) > 3
    for name in ("grow.w", "cells.v"):
        assert whole.samples[name].max() > 0
        np.testing.assert_array_equal(again.samples[name], whole.samples[name])
