"""Usage: what a simulated call is said to have cost, against counts made by hand and by a monitor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bridge import Usage
from bridge.bill.operations import Counts, circuit_operations
from bridge.bill.usage import listening, report
from spiking import (
    DiffusiveLIF,
    Engine,
    EventDriven,
    Fused,
    GammaCircuit,
    GammaParams,
    RegularCell,
    Selection,
)
from spiking.engines.events.thinning import AHEAD, LANES
from spiking.engines.events.trains import MARGIN

PARAMS = GammaParams(n_cells=5, settle_ms=0.0, n_inh=10)  # no settling: every spike is on record
CIRCUIT = GammaCircuit(PARAMS)
DURATION_MS = 100.0
STEPS = 1000


def attend(
    params: GammaParams = PARAMS, *, seed: int = 0, spikes: int | None = None, engine: Engine = Fused()
) -> Selection:
    """Three rows; the last has two keys, the others four."""
    rng = np.random.default_rng(seed)
    mask = np.array([[True] * 4, [True] * 4, [True, True, False, False]])
    scores = rng.normal(size=(3, 4))
    return GammaCircuit(params).attend(
        scores, duration_ms=DURATION_MS, rng=rng, mask=mask, spikes=spikes, engine=engine
    )


# What one step costs, read off the equations.
def test_an_escape_cell_by_hand() -> None:
    """h += dt rho exp(v - theta): mac, ac, exp. v += dt / tau (drive - inh + u - v): mac, 3 acs. h > q: ac."""
    step = circuit_operations(GammaCircuit()).step["exc"]
    assert step == Counts(macs=2, acs=5, exponentials=1, bytes_state=4 * 6)  # h, v, q, u read; h, v written


def test_a_reset_draws_its_next_threshold() -> None:
    """v - 1; h = 0; q = -log(rand())."""
    reset = circuit_operations(GammaCircuit()).reset["exc"]
    assert (reset.acs, reset.exponentials, reset.random_draws) == (1, 1, 1)


def test_a_diffusive_cell_draws_at_every_step() -> None:
    step = circuit_operations(GammaCircuit(GammaParams(cell=DiffusiveLIF(), gain=1.0))).step["exc"]
    assert (step.exponentials, step.random_draws) == (0, 1)


def test_double_precision_moves_twice_the_bytes_and_computes_the_same() -> None:
    single, double = (circuit_operations(GammaCircuit(), p).step["exc"] for p in ("float32", "float64"))
    assert double == replace(single, bytes_state=2 * single.bytes_state)


# A call.
def test_counts_of_a_call_by_hand() -> None:
    selection = attend()
    usage = Usage.of(selection, CIRCUIT)
    spikes = selection.spikes
    keys = np.array([4, 4, 2])
    assert (usage.calls, usage.rows, usage.keys, usage.silent_rows) == (1, 3, 10, 0)
    assert usage.spikes == len(spikes) > 0
    assert usage.other_spikes == selection.other_counts["inh"].sum() > 0
    assert usage.updates == (10 * 5 + 3 * 10) * STEPS
    assert usage.simulated_ms == pytest.approx(300.0)
    to_inh = 10 * len(spikes)
    to_exc = sum(int(selection.other_counts["inh"][row]) * 5 * int(keys[row]) for row in range(3))
    assert usage.events.synops == to_inh + to_exc
    assert usage.events.neuron_updates == usage.updates
    assert usage.simulated.exponentials == 10 * 5 * STEPS + len(spikes)
    at_start = 50 + 30  # threshold of each E cell, voltage of each I cell
    assert usage.simulated.random_draws == at_start + len(spikes)


def rest(selection: Selection, params: GammaParams) -> Counts:
    """What is stepped in any case: the I cells, the sums of the row, and the start of the I cells."""
    operations = circuit_operations(GammaCircuit(params), stepped=False)
    steps = round(selection.row_ms.sum() / params.dt_ms)
    inh_spikes = int(selection.other_counts["inh"].sum())
    return (
        operations.row_step * steps
        + operations.step["inh"] * (10 * steps)
        + operations.begin["inh"] * 30
        + operations.reset["inh"] * inh_spikes
    )


def test_the_clock_of_a_row_by_hand() -> None:
    """One E cell for all, without its input: h = dt rho exp(v - theta), v += dt / tau (drive - inh - v)."""
    stepped, events = (circuit_operations(CIRCUIT, stepped=each) for each in (True, False))
    of_cell, of_row = stepped.step["exc"], events.row_step.exponentials - stepped.row_step.exponentials
    assert (of_cell.exponentials, of_row) == (1, 1)
    assert events.step["exc"] == events.reset["exc"] == events.begin["exc"] == Counts()
    assert events.step["inh"] == stepped.step["inh"]


def test_counts_of_thinned_cells_by_hand() -> None:
    """Steps of the rest, a weight a key, and proposals, which are drawn 32 at a time."""
    selection = attend(engine=EventDriven())
    usage, stepped = (Usage.of(each, CIRCUIT) for each in (selection, replace(selection, stepped=True)))
    spikes = selection.n_spikes
    drawn = sum(32 * (int(n) // 32 + 1) for n in spikes)
    assert (AHEAD, LANES) == (32, 16)
    others = rest(selection, PARAMS)
    assert usage.simulated.exponentials == 3 * STEPS + 10 + drawn + spikes.sum()
    assert usage.simulated.random_draws == 30 + 2 * drawn
    assert usage.simulated.divisions == others.divisions + drawn
    assert usage.simulated.macs == others.macs + spikes.sum()
    assert usage.simulated.acs == others.acs + 10 + 18 * drawn + 3 * spikes.sum()
    assert usage.events == stepped.events  # cells of hardware know no engine
    assert usage.updates == stepped.updates


@pytest.mark.parametrize("spikes", [None, 20])
def test_counts_of_regular_cells_by_hand(spikes: int | None) -> None:
    """A phase, a rate and a weight a key; at each step a multiply-accumulate and a floor for a key looked at."""
    params = GammaParams.regular_brief(n_cells=5)
    selection = attend(params, spikes=spikes, engine=EventDriven())
    usage = Usage.of(selection, GammaCircuit(params))
    steps, keys = np.round(selection.row_ms / params.dt_ms), np.array([4, 4, 2])
    assert (keys < MARGIN * selection.n_spikes).all()  # so few keys are all looked at
    others = rest(selection, params)
    assert usage.simulated.exponentials == steps.sum() + 10
    assert usage.simulated.random_draws == 30 + 10
    assert usage.simulated.macs == others.macs + 2 * 10 + (keys * steps).sum()
    assert usage.simulated.acs == others.acs + 2 * 10 + (keys * steps).sum()


def test_keys_that_cannot_be_due_in_time_are_not_looked_at() -> None:
    params = GammaParams.regular_brief()
    selection = GammaCircuit(params).attend(np.zeros((2, 300)), spikes=16, rng=np.random.default_rng(0))
    usage = Usage.of(selection, GammaCircuit(params))
    steps = np.round(selection.row_ms / params.dt_ms)
    others = circuit_operations(GammaCircuit(params), stepped=False)
    of_rest = others.row_step.macs * steps.sum() + others.step["inh"].macs * 10 * steps.sum()
    looked_at = usage.simulated.macs - of_rest - 2 * 600
    assert looked_at == pytest.approx((1.5 * selection.n_spikes * steps).sum(), abs=1)


def test_cells_with_phases_or_thresholds_of_their_own_are_counted_one_by_one() -> None:
    """A phase; or a phase, and a first threshold from two numbers, of which each spike draws another."""
    for cell, draws in ((RegularCell(phases="own"), 1), (RegularCell(shape=1, phases="own"), 3)):
        params = GammaParams.regular_brief(n_cells=5, cell=cell)
        selection = attend(params, engine=EventDriven())
        usage = Usage.of(selection, GammaCircuit(params))
        redrawn = 0 if draws == 1 else selection.n_spikes.sum()
        assert usage.simulated.random_draws == 30 + 50 * draws + redrawn


def test_rows_that_stop_early_cost_their_own_steps() -> None:
    selection = attend(spikes=20)
    steps = np.round(selection.row_ms / PARAMS.dt_ms)
    usage = Usage.of(selection, CIRCUIT)
    assert (steps < STEPS).any()
    assert usage.updates == ((5 * np.array([4, 4, 2]) + 10) * steps).sum()
    assert usage.simulated_ms == pytest.approx(selection.row_ms.sum())


def test_settling_costs_updates_and_spikes_at_the_rate_of_the_window() -> None:
    selection = attend()
    settled = Usage.of(selection, CIRCUIT.varied(settle_ms=100.0))
    plain = Usage.of(selection, CIRCUIT)
    assert settled.updates == 2 * plain.updates
    assert settled.events.synops == 2 * plain.events.synops
    assert settled.spikes == plain.spikes


def test_usage_adds() -> None:
    one, other = (Usage.of(attend(seed=seed), CIRCUIT) for seed in (0, 1))
    both = Usage() + one + other
    assert both.calls == 2
    assert both.spikes == one.spikes + other.spikes
    assert both.simulated == one.simulated + other.simulated
    assert both.events.synops == one.events.synops + other.events.synops


def test_drawn_rows_cost_a_random_number_a_spike() -> None:
    mask = np.array([[True, True], [True, False]])
    usage = Usage.drawn(np.array([[3, 1], [0, 0]]), mask)
    assert (usage.rows, usage.keys, usage.spikes, usage.silent_rows) == (2, 3, 4, 1)
    assert usage.simulated == usage.events == Counts(random_draws=4)


def test_reports_reach_open_counters_only() -> None:
    heard: list[Usage] = []
    with listening(heard.append):
        report(Usage(rows=1))
    report(Usage(rows=2))
    assert heard == [Usage(rows=1)]
