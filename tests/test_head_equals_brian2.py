"""The whole head on both engines: the same spikes from the same noise, the same law from free noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import brian2 as b2
import numpy as np
import pytest
from scipy import stats

from spiking import GammaParams, HeadParams, HeadSelection, VectorCircuit
from spiking.circuit import Circuit, simulate_circuit
from spiking.circuits.gamma import gamma_core
from spiking.circuits.head_rows import RowVectors
from spiking.circuits.periphery import build_periphery
from spiking.engines.brian2 import building
from spiking.engines.fused.program import read_program
from spiking.rows import Layout
from tests.doubles import DrawnThresholds

FALSE_ALARM = 1e-3  # of the family of two-sample tests, shared among its tests (Bonferroni)
N_KEYS, D, D_VALUE, N_CELLS = 4, 5, 3, 10
HEAD = HeadParams(n_query=3)
PARAMS = GammaParams(n_cells=N_CELLS, gain=1.0)


def _vectors(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    shapes = {"query": (n, D), "key": (n, N_KEYS, D), "value": (n, N_KEYS, D_VALUE)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def _objects(params: GammaParams, mask: np.ndarray, vectors: dict[str, Any]) -> list[b2.BrianObject]:
    rng = np.random.default_rng(0)
    layout = Layout.of(mask, params.n_cells)
    core = gamma_core(params, layout, rng, None)
    return [*core.objects, *build_periphery(core, layout, params, HEAD, **vectors, rng=rng).objects]


@pytest.mark.filterwarnings("ignore:no C\\+\\+ compiler")
def test_same_noise_same_spikes_in_every_part_of_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """All thresholds, of E and of query cells, handed in as arrays; 300 ms in float64: not one differs."""
    monkeypatch.setattr("spiking.engines.brian2.codegen_target", lambda: "numpy")  # sooner done than compiled
    rng = np.random.default_rng(1)
    drawn = rng.exponential(size=(400, N_KEYS * N_CELLS))
    drawn_query = rng.exponential(size=(900, D * 2 * HEAD.n_query))
    monkeypatch.setattr(
        "spiking.circuits.periphery.QUERY_RESET", "h -= q\nn_drawn += 1\nq = drawn_query(n_drawn * second, i)"
    )
    monkeypatch.setattr(
        "spiking.circuits.periphery.QUERY_EQUATIONS",
        "dh/dt = rate : 1\nrate : Hz (constant)\nq : 1\nn_drawn : 1",
    )
    params = replace(PARAMS, cell=DrawnThresholds(drawn=drawn))
    vectors = _vectors(rng, 1)
    table = b2.TimedArray(drawn_query, dt=1 * b2.second, name="drawn_query")
    namespace = {**params.namespace(), **HEAD.namespace(), "drawn_query": table}

    def build(_: np.random.Generator) -> Circuit:
        return Circuit(
            objects=_objects(params, np.ones((1, N_KEYS), dtype=bool), vectors), namespace=namespace
        )

    groups, states = ("exc", "inh", "query_cells"), ("readout__y", "dendrites__u", "row__inh")
    reference, fused = (
        simulate_circuit(
            build, duration_ms=300, record=groups, sample=states, rng=np.random.default_rng(0), engine=engine
        )
        for engine in ("brian2", "fused")
    )
    for group in groups:
        a, b = reference.spikes[group], fused.spikes[group]
        assert len(a.time_ms) > 100
        order = [np.lexsort((s.cell, np.round(s.time_ms / params.dt_ms))) for s in (a, b)]
        np.testing.assert_array_equal(a.cell[order[0]], b.cell[order[1]])
        np.testing.assert_allclose(a.time_ms[order[0]], b.time_ms[order[1]], atol=1e-6)
    for state in states:
        assert np.ptp(fused.samples[state]) > 0
        np.testing.assert_allclose(fused.samples[state], reference.samples[state], rtol=1e-4, atol=1e-5)


def test_rows_bring_the_weights_that_brian2_is_given() -> None:
    """Query by query, where rows have different numbers of keys: each array is that of the query's own objects."""
    rng = np.random.default_rng(2)
    vectors = _vectors(rng, 3)
    mask = np.ones((3, N_KEYS), dtype=bool)
    mask[0, 2:] = mask[2, 0] = False
    batch = RowVectors.of(Layout.of(mask, N_CELLS), PARAMS, HEAD, **vectors, seed=0)
    whole = batch.own(range(3))
    names = ("query_cells__rate", "exc__u", "key_synapses__weight", "value_synapses__weight")
    for row in range(3):
        with building():
            objects = _objects(PARAMS, mask[[row]], {name: v[[row]] for name, v in vectors.items()})
        program = read_program(objects, {**PARAMS.namespace(), **HEAD.namespace()}, per_cell=set())
        alone = batch.own(range(row, row + 1))
        for name in names:
            np.testing.assert_allclose(alone[name], program.fixed[name])
    for name in (*names, "query_cells__q"):
        parts = [batch.own(range(row, row + 1))[name] for row in range(3)]
        np.testing.assert_array_equal(whole[name], np.concatenate(parts))


def _attend(n: int = 48, **options: Any) -> HeadSelection:
    vectors = _vectors(np.random.default_rng(3), n)
    options = {"duration_ms": 600, "rng": np.random.default_rng(1), "engine": "fused", **options}
    return VectorCircuit(PARAMS, HEAD).attend(**vectors, **options)


def _differences(a: HeadSelection, b: HeadSelection) -> dict[str, float]:
    """p values that two runs of the same queries differ, paired by query."""
    total = [s.selection.counts.sum(axis=1) for s in (a, b)]
    share = [s.selection.counts[:, 0] for s in (a, b)]
    length = [np.linalg.norm(s.output, axis=1) for s in (a, b)]
    return {
        "spikes": stats.ttest_rel(*total).pvalue,
        "spikes of one key": stats.ttest_rel(*share).pvalue,
        "I spikes": stats.ttest_rel(a.selection.inh_counts, b.selection.inh_counts).pvalue,
        "query spikes": stats.ttest_rel(a.query_spikes, b.query_spikes).pvalue,
        "output": stats.ttest_rel(a.output.ravel(), b.output.ravel()).pvalue,
        "length of the output": stats.ttest_rel(*length).pvalue,
    }


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_free_noise_gives_the_same_law(precision: str) -> None:
    found = _differences(_attend(engine="brian2"), _attend(precision=precision))
    assert min(found.values()) > FALSE_ALARM / len(found), found


def test_membranes_begin_with_the_input_of_empty_dendrites() -> None:
    """Which is none: the first 50 ms are the same, spike for spike, whether or not they are primed with it."""
    plain, primed = (
        VectorCircuit(replace(PARAMS, primed=primed), HEAD).attend(
            **_vectors(np.random.default_rng(3), 2),
            duration_ms=50,
            rng=np.random.default_rng(1),
            engine="fused",
        )
        for primed in (False, True)
    )
    np.testing.assert_array_equal(plain.trace, primed.trace)


def test_a_query_alone_is_the_same_query_in_any_batch_on_any_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, even when every query is a call of its own."""
    batch = _attend(6, duration_ms=100)
    monkeypatch.setattr("spiking.engines.fused.run._MOST", 1)
    for other in (_attend(6, duration_ms=100, threads=1), _attend(6, duration_ms=100, threads=5)):
        np.testing.assert_array_equal(batch.trace, other.trace)
        np.testing.assert_array_equal(batch.selection.spikes.time_ms, other.selection.spikes.time_ms)
        np.testing.assert_array_equal(batch.query_spikes, other.query_spikes)
    vectors = {name: v[:2] for name, v in _vectors(np.random.default_rng(3), 6).items()}
    few = VectorCircuit(PARAMS, HEAD).attend(
        **vectors, duration_ms=100, rng=np.random.default_rng(1), engine="fused"
    )
    np.testing.assert_array_equal(few.trace, batch.trace[:2])
