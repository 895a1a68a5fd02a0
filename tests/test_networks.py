"""`simulate_circuit`: any network of Brian2 objects on both engines, and what it answers to odd requests."""

from __future__ import annotations

from typing import Any

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

from spiking import Brian2, Engine, Fused, Network, simulate_circuit

ENGINES = [Brian2(), Fused("float64")]


def cells(n: int = 3, model: str = "dv/dt = (2 - v) / tau : 1") -> b2.NeuronGroup:
    return b2.NeuronGroup(n, model, threshold="v > 1", reset="v = 0", method="euler", dt=0.1 * ms, name="E")


def build(rng: np.random.Generator) -> Network:
    """One to four cells that start anywhere."""
    group = cells(int(rng.integers(1, 5)))
    group.v = rng.random(len(group))
    return Network([group], {"tau": 10 * ms})


def test_numbers_of_numpy_are_numbers() -> None:
    """Networks numbered by an unsigned number were numbered by floats."""
    ran = simulate_circuit(
        build,
        duration_ms=5,
        rng=np.random.default_rng(3),
        n_networks=np.uint64(3),
        record=["E"],
        engine=ENGINES[1],
    )
    assert len(ran.n_cells["E"]) == 3


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)
def test_networks_of_different_sizes_in_one_batch(engine: Any) -> None:
    ran = simulate_circuit(
        build, duration_ms=50, rng=np.random.default_rng(3), n_networks=4, record=["E"], sample=["E.v"],
        engine=engine,
    )  # fmt: skip
    sizes = ran.n_cells["E"]
    assert len(set(sizes)) > 1
    assert ran.samples["E.v"].shape == (4, sizes.max(), 50)
    assert (np.isnan(ran.samples["E.v"][:, :, 0]).sum(axis=1) == sizes.max() - sizes).all()
    assert (np.bincount(ran.spikes["E"].row, minlength=4) == ran.counts["E"]).all()
    assert (ran.counts["E"] >= 6 * sizes).all()  # a period of 10 ms x ln 2 = 7 ms


def test_both_engines_give_the_same_spikes() -> None:
    runs = [
        simulate_circuit(
            build, duration_ms=50, rng=np.random.default_rng(3), n_networks=4, record=["E"], engine=e
        )
        for e in ENGINES
    ]
    a, b = (run.spikes["E"] for run in runs)
    order = [np.lexsort((s.cell, np.round(s.time_ms, 1), s.row)) for s in (a, b)]
    for part in ("row", "cell"):
        np.testing.assert_array_equal(getattr(a, part)[order[0]], getattr(b, part)[order[1]])


@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)
def test_a_brian2_network_runs_with_constants_from_where_it_was_called(engine: Any) -> None:
    tau = 10 * ms  # resolved as Brian2 does
    ran = simulate_circuit(
        b2.Network(cells()), duration_ms=30, rng=np.random.default_rng(0), record=["E"], engine=engine
    )
    assert (ran.counts["E"] == 3 * 4).all(), tau


UNKNOWN = "dv/dt = (2 - v) / tau_m : 1"
GOOD: dict[str, Any] = {"build": build, "duration_ms": 20, "rng": np.random.default_rng(0)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"record": ["I"]}, r"group to record must be one of E; got 'I'"),
        ({"sample": ["I.v"]}, r"group to sample must be one of E; got 'I'"),
        ({"sample": ["E.w"]}, r"variable of 'E' to sample must be one of v; got 'w'"),
        ({"sample": ["v"]}, r'a variable must be written "group\.variable", got \'v\''),
        ({"rng": 3}, r"rng must be a numpy\.random\.Generator, got 3; use np\.random\.default_rng\(0\)"),
        (
            {"duration_ms": 50 * ms},
            r"simulate_circuit\.duration_ms must be a number, got 50\. ?\*",
        ),
        ({"duration_ms": -1}, r"simulate_circuit\.duration_ms must be > 0, got -1; give milliseconds"),
        ({"n_networks": 0}, r"n_networks must be >= 1, got 0"),
        ({"engine": "fused"}, r"engine must be an engine, got 'fused'"),
        ({"build": 3}, r"build must be a function of a generator, or a network, got 3"),
        ({"build": lambda rng: [1]}, r"build must return a Network or a brian2\.Network, got \[1\]"),
        ({"build": lambda rng: Network([])}, r"a network must have a group of cells, got none"),
        (
            {"build": lambda rng: Network([cells(), cells()])},
            r"must give each object a name, got two called 'E'",
        ),
        (
            {"build": lambda rng: Network([cells(model="dv/dt = (2 - v) / tau_m : 1")])},
            r"needs the constant 'tau_m'",
        ),
        (
            {"build": lambda rng: Network([cells()], {"tau": rng.integers(5, 99) * ms}), "n_networks": 2},
            r"networks of one batch must have the same equations and constants",
        ),
        (
            {"build": Network([cells()], {"tau": 10 * ms}), "n_networks": 2},
            r"to make several networks, got one",
        ),
    ],
)
@pytest.mark.parametrize("engine", ENGINES, ids=lambda e: e.name)
def test_odd_requests_get_one_line(change: dict[str, Any], says: str, engine: Any) -> None:
    asked = {**GOOD, "engine": engine, **change}
    with pytest.raises((ValueError, TypeError), match=says) as refused:
        simulate_circuit(asked.pop("build"), **asked)
    assert "\n" not in str(refused.value)


def test_a_networks_own_monitors_are_replaced_by_the_engines_recording() -> None:
    """What they would record is there, on both engines alike."""

    def monitored(rng: np.random.Generator) -> Network:
        group = cells(3, "dv/dt = (a - v) / tau : 1\na : 1")
        group.a = [1.5, 2.0, 3.0]
        plastic = b2.Synapses(group, group, "w : 1", on_pre="w += 1", dt=0.1 * ms, name="S")
        plastic.connect(condition="i != j")
        monitors = [
            b2.SpikeMonitor(group, name="spikes"),
            b2.StateMonitor(group, "v", record=True, name="membranes"),
            b2.StateMonitor(plastic, "w", record=True, name="weights"),
        ]
        return Network([group, plastic, *monitors], {"tau": 10 * ms})

    ran = [
        simulate_circuit(monitored, duration_ms=50, rng=np.random.default_rng(3), n_networks=2, engine=engine)
        for engine in ENGINES
    ]
    for recorded in ran:
        assert set(recorded.spikes) == {"E"}
        assert recorded.samples["S.w"].shape == (2, 6, 50)
    np.testing.assert_array_equal(ran[0].spikes["E"].cell, ran[1].spikes["E"].cell)
    for name in ("E.v", "S.w"):
        np.testing.assert_allclose(ran[0].samples[name], ran[1].samples[name], rtol=1e-5)


def test_given_spikes_of_a_cell_in_one_step_are_refused() -> None:
    twice = b2.SpikeGeneratorGroup(2, [1, 1], [1, 1.02] * ms, dt=0.1 * ms, name="given")
    with pytest.raises(ValueError, match="at most one spike a step, got two of cell 1 of 'given' at 1 ms"):
        simulate_circuit(Network([twice]), duration_ms=5, rng=np.random.default_rng(0))


@pytest.mark.parametrize("engine", [Fused("float64"), Brian2()])
def test_tables_of_one_name_in_two_groups_are_two(engine: Engine) -> None:
    """Each group's namespace holds a timed array `drive`; each integrates its own."""

    def build(rng: np.random.Generator) -> Network:
        groups = [
            b2.NeuronGroup(
                1, "dv/dt = drive(t) / ms : 1", method="euler", dt=0.1 * ms, name=name,
                namespace={"drive": b2.TimedArray([slope], dt=1 * ms, name=f"of_{name}")},
            )
            for name, slope in (("one", 1.0), ("two", 2.0))
        ]  # fmt: skip
        return Network(groups)

    ran = simulate_circuit(
        build, duration_ms=2, rng=np.random.default_rng(0), sample=("one.v", "two.v"), engine=engine
    )
    assert [float(ran.samples[f"{name}.v"].ravel()[1]) for name in ("one", "two")] == pytest.approx(
        [1.0, 2.0]
    )


@pytest.mark.parametrize("engine", [Fused("float64"), Brian2()])
def test_the_only_cell_of_a_group_reads_its_column_of_a_table(engine: Engine) -> None:
    """On the fused engine the number of another group's last cell was taken for its own."""

    def build(rng: np.random.Generator) -> Network:
        clock = b2.Clock(0.1 * ms, name="steps")
        given = b2.NeuronGroup(1, "value : 1", clock=clock, name="given")
        given.run_regularly("value = drive(t, i)", when="start", name="fetch")
        reader = b2.NeuronGroup(1, "dv/dt = u / ms : 1\nu : 1", method="euler", clock=clock, name="reader")
        to_reader = b2.Synapses(
            given, reader, "u_post = value_pre : 1 (summed)", clock=clock, name="to_reader"
        )
        to_reader.connect()
        return Network(
            [given, reader, to_reader], {"drive": b2.TimedArray(np.eye(40, 1), dt=1 * ms, name="drive")}
        )

    ran = simulate_circuit(
        build, duration_ms=5, rng=np.random.default_rng(0), sample=("reader.v",), engine=engine
    )
    assert ran.samples["reader.v"][0, 0] == pytest.approx([0, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ("connected", "delay", "says"),
    [
        (False, 1 * ms, "synapses 'S' must be connected, got none"),
        (True, 0.01 * ms, r"delay of 'S' must be 0 or half a time step of 0\.1 ms at least, got 0\.01 ms"),
    ],
)
@pytest.mark.parametrize("engine", ENGINES, ids=["brian2", "fused"])
def test_synapses_that_wire_nothing_and_delays_of_no_step_are_refused(
    engine: Engine, connected: bool, delay: b2.Quantity, says: str
) -> None:
    group = cells()
    synapses = b2.Synapses(group, group, on_pre="v_post += 0.1", delay=delay, name="S")
    if connected:
        synapses.connect()
    with pytest.raises(ValueError, match=says):
        simulate_circuit(
            Network([group, synapses], {"tau": 10 * ms}),
            duration_ms=5,
            rng=np.random.default_rng(0),
            record=["E"],
            engine=engine,
        )
