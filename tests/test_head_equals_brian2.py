"""The whole head on both engines: the same spikes from the same noise, the same law from free noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import brian2 as b2
import numpy as np
import pytest
from scipy import stats

from spiking import Brian2, EscapeRate, Fused, GammaParams, HeadParams, HeadSelection, Streams, VectorCircuit
from tests.doubles import DrawnThresholds, Unprimed

FALSE_ALARM = 1e-3  # of the family of two-sample tests, shared among its tests (Bonferroni)
N_KEYS, D, D_VALUE, N_CELLS = 4, 5, 3, 10
HEAD = HeadParams(n_query=3)
PARAMS = GammaParams(n_cells=N_CELLS, gain=1.0)


def _vectors(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    shapes = {"query": (n, D), "key": (n, N_KEYS, D), "value": (n, N_KEYS, D_VALUE)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def test_same_noise_same_spikes_in_every_part_of_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """All thresholds, of E and of query cells, handed in as arrays; 300 ms in float64: not one differs."""
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
    table = b2.TimedArray(drawn_query, dt=1 * b2.second, name="drawn_query")
    monkeypatch.setattr(
        HeadParams,
        "namespace",
        lambda self, plain=HeadParams.namespace: {**plain(self), "drawn_query": table},
    )
    circuit = VectorCircuit(replace(PARAMS, cell=DrawnThresholds(drawn=drawn)), HEAD)
    vectors = _vectors(rng, 1)
    reference, fused = (
        circuit.attend(**vectors, duration_ms=300, rng=Streams(0), engine=engine)
        for engine in (Brian2(), Fused("float64"))
    )
    a, b = reference.selection.spikes, fused.selection.spikes
    assert len(a) > 100
    order = [np.lexsort((s.cell, s.key, np.round(s.time_ms / PARAMS.dt_ms))) for s in (a, b)]
    for name in ("key", "cell"):
        np.testing.assert_array_equal(getattr(a, name)[order[0]], getattr(b, name)[order[1]])
    np.testing.assert_allclose(a.time_ms[order[0]], b.time_ms[order[1]], atol=1e-6)
    np.testing.assert_array_equal(reference.query_spikes, fused.query_spikes)
    assert reference.selection.other_counts["inh"] == fused.selection.other_counts["inh"]
    assert np.ptp(fused.trace) > 0
    np.testing.assert_allclose(fused.trace, reference.trace, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fused.selection.field, reference.selection.field, rtol=1e-4, atol=1e-5)


def test_rows_of_different_numbers_of_keys_bring_their_own_weights() -> None:
    """Each query of a ragged batch is the query alone, bit for bit."""
    vectors = _vectors(np.random.default_rng(2), 3)
    mask = np.ones((3, N_KEYS), dtype=bool)
    mask[0, 2:] = mask[2, 0] = False
    whole = VectorCircuit(PARAMS, HEAD).attend(**vectors, mask=mask, duration_ms=50, rng=Streams(0))
    for row in range(3):
        present = np.flatnonzero(mask[row])
        alone = VectorCircuit(PARAMS, HEAD).attend(
            vectors["query"][[row]],
            vectors["key"][[row]][:, present],
            vectors["value"][[row]][:, present],
            duration_ms=50,
            rng=Streams(0, np.array([row])),
        )
        np.testing.assert_array_equal(alone.trace[0], whole.trace[row])
        np.testing.assert_array_equal(alone.selection.counts[0], whole.selection.counts[row, present])


def _attend(n: int = 48, **options: Any) -> HeadSelection:
    vectors = _vectors(np.random.default_rng(3), n)
    options = {"duration_ms": 600, "rng": np.random.default_rng(1), **options}
    return VectorCircuit(PARAMS, HEAD).attend(**vectors, **options)


def _differences(a: HeadSelection, b: HeadSelection) -> dict[str, float]:
    """p values that two runs of the same queries differ, paired by query."""
    total = [s.selection.counts.sum(axis=1) for s in (a, b)]
    share = [s.selection.counts[:, 0] for s in (a, b)]
    length = [np.linalg.norm(s.output, axis=1) for s in (a, b)]
    return {
        "spikes": stats.ttest_rel(*total).pvalue,
        "spikes of one key": stats.ttest_rel(*share).pvalue,
        "I spikes": stats.ttest_rel(a.selection.other_counts["inh"], b.selection.other_counts["inh"]).pvalue,
        "query spikes": stats.ttest_rel(a.query_spikes, b.query_spikes).pvalue,
        "output": stats.ttest_rel(a.output.ravel(), b.output.ravel()).pvalue,
        "length of the output": stats.ttest_rel(*length).pvalue,
    }


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_free_noise_gives_the_same_law(precision: str) -> None:
    found = _differences(_attend(engine=Brian2()), _attend(engine=Fused(precision)))
    assert min(found.values()) > FALSE_ALARM / len(found), found


def test_membranes_begin_with_the_input_of_empty_dendrites() -> None:
    """Which is none: the first 50 ms are the same, spike for spike, whether or not cells begin with their score."""
    plain, primed = (
        VectorCircuit(replace(PARAMS, cell=cell), HEAD).attend(
            **_vectors(np.random.default_rng(3), 2),
            duration_ms=50,
            rng=np.random.default_rng(1),
        )
        for cell in (Unprimed(), EscapeRate())
    )
    np.testing.assert_array_equal(plain.trace, primed.trace)


def test_a_query_alone_is_the_same_query_in_any_batch_on_any_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, even when every query is a call of its own."""
    batch = _attend(6, duration_ms=100)
    monkeypatch.setattr("spiking.engines.fused.run._MOST", 1)
    for other in (
        _attend(6, duration_ms=100, engine=Fused(threads=1)),
        _attend(6, duration_ms=100, engine=Fused(threads=5)),
    ):
        np.testing.assert_array_equal(batch.trace, other.trace)
        np.testing.assert_array_equal(batch.selection.spikes.time_ms, other.selection.spikes.time_ms)
        np.testing.assert_array_equal(batch.query_spikes, other.query_spikes)
    vectors = {name: v[:2] for name, v in _vectors(np.random.default_rng(3), 6).items()}
    few = VectorCircuit(PARAMS, HEAD).attend(**vectors, duration_ms=100, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(few.trace, batch.trace[:2])
