"""What was taken in silence though no result can be right for it: refused, with a remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bridge import SpikingHead, compare, compare_scores, fit, fit_softmax
from scenarios.workbench.errors import UsageError
from scenarios.workbench.registry import load
from scenarios.workbench.sweep import plan_sweep
from spiking import (
    Budget,
    Cuda,
    EventDriven,
    Fused,
    GammaCircuit,
    GammaParams,
    HeadParams,
    PingAttention,
    RegularCell,
    Streams,
    TwoPools,
    VectorCircuit,
    cut_loop,
    gamma_off,
    simulate_circuit,
)
from tests.test_networks import GOOD as NETWORK

RNG = np.random.default_rng(0)
SCORES = np.array([[1.0, 0.0, -1.0], [0.5, 0.2, 0.1]])
MASKED = np.ma.masked_array(SCORES, mask=[[0, 1, 0], [0, 0, 0]])
CIRCUIT = GammaCircuit(GammaParams(n_cells=5, gain=1.0))


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        (MASKED, "must be a plain array, got a masked one"),
        (SCORES + 1j, "must be an array of numbers.*complex128"),
    ],
    ids=["masked", "complex"],
)
def test_arrays_that_would_lose_a_part(scores: np.ndarray, says: str) -> None:
    counts = np.ones((2, 3), dtype=int)
    for call in (
        lambda: CIRCUIT.attend(scores, duration_ms=100, rng=RNG),
        lambda: compare_scores(scores, CIRCUIT, duration_ms=100, rng=RNG),
        lambda: compare(scores, SCORES, SCORES, CIRCUIT, duration_ms=100, rng=RNG),
        lambda: fit(counts, scores),
        lambda: fit_softmax(scores, SCORES),
        lambda: VectorCircuit().attend(scores, SCORES, SCORES, duration_ms=100, rng=RNG),
    ):
        with pytest.raises(TypeError, match=says):
            call()


def test_a_masked_array_without_a_masked_entry_is_plain() -> None:
    plain = np.ma.masked_array(SCORES, mask=False)
    assert CIRCUIT.attend(plain, duration_ms=50, rng=RNG).mask.all()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: SpikingHead(CIRCUIT, law=5), "law must be a FittedLaw or None, got 5"),  # type: ignore[arg-type]
        (lambda: SpikingHead(CIRCUIT, seed=1.5), "SpikingHead.seed must be a whole number, got 1.5"),  # type: ignore[arg-type]
        (lambda: SpikingHead(CIRCUIT, readout="fast"), "readout must be one of"),
        (lambda: SpikingHead("gamma"), "circuit must be a RowCircuit, got 'gamma'"),  # type: ignore[arg-type]
        (lambda: Fused(threads=1.5), "threads must be a whole number, got 1.5"),  # type: ignore[arg-type]
        (lambda: EventDriven(threads=0), "threads must be >= 1, got 0"),
        (lambda: Cuda("float16"), "precision must be one of float32, float64; got 'float16'"),
        (lambda: Cuda(threads=2.5), "threads must be a whole number, got 2.5"),  # type: ignore[arg-type]
        (lambda: RegularCell(shape=2.5), "shape must be a whole number from 1 to 100 or inf, got 2.5"),
        (lambda: RegularCell(jitter=-1.0), "jitter must lie in"),
        (lambda: HeadParams(query_rate_Hz=1e25), "query_rate_Hz must lie in .*, got 1e[+]25"),
        (lambda: GammaParams(temperature=1e300), "temperature must lie in .*, got 1e[+]300"),
        (lambda: GammaParams(n_cells=2**70), "n_cells must be <= 100000, got 1180591620717411303424"),
        (lambda: GammaParams(n_cells=10**400), "n_cells must be <= 100000, got a whole number of 1329 bits"),
        (
            lambda: GammaParams(dt_ms=0.5, delay_ms=2.0, cell=RegularCell(tau_ms=0.2)),
            "cell.tau_ms must lie in",
        ),
        (lambda: Streams(seed=True), "Streams.seed must be a whole number, got True"),
        (lambda: Budget(duration_ms=1e30), "duration_ms must be <= 8.64e[+]07"),
        (lambda: TwoPools(tau_slow_ms=0.0), "tau_slow_ms must be > 0, got 0.0"),
        (lambda: TwoPools(temperature=-1.0), "temperature must be > 0, got -1.0"),
        (lambda: PingAttention(dt_ms=0.0), "dt_ms must be > 0, got 0.0"),
        (lambda: cut_loop(TwoPools()), "circuit must be a GammaCircuit, got TwoPools"),  # type: ignore[arg-type]
        (
            lambda: gamma_off(CIRCUIT, SCORES, duration_ms=50, rng=3),
            "rng must be a numpy.random.Generator, got 3",
        ),  # type: ignore[arg-type]
    ],
)
def test_settings_that_mean_nothing(make: Any, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        make()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"duration_ms": -5.0}, "duration_ms must be > 0, got -5.0"),
        ({"duration_ms": 1e300}, "duration_ms must lie in"),
        ({"settle_ms": -1.0}, "settle_ms must lie in"),
        ({"record": "E"}, "record must be a list of names, got 'E'"),
        ({"record": ["E", "E"]}, "record must name each once, got 'E' twice"),
        ({"sample": ["E.v", "E.v"]}, "sample must name each once, got 'E.v' twice"),
        ({"record": ["X"]}, "group to record must be one of E.* got 'X'"),
        ({"record": [3]}, "record must be a list of names"),
        ({"namespace": {"E.v": 1}}, "namespace must map names to constants"),
        ({"namespace": {"tau": [0.0, 0.0]}}, "namespace must map names to constants"),
        ({"progress": 3}, "progress must be callable, got 3"),
    ],
)
def test_networks_that_cannot_be_simulated_so(change: dict[str, Any], says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        simulate_circuit(**{**NETWORK, **change})


def test_a_query_faster_than_the_time_step() -> None:
    """At 1e4 Hz a cell has a spike every 0.1 ms; a component of 3 would ask it for three."""
    circuit = VectorCircuit(GammaParams(n_cells=4, gain=1.0), HeadParams(n_query=1, query_rate_Hz=1e4))
    with pytest.raises(
        ValueError, match="query must ask no cell for more than a spike a step, 10000 Hz, got 3e"
    ):
        circuit.attend(3 * np.ones((1, 2)), np.eye(2), np.eye(2), duration_ms=50, rng=RNG)


def test_a_pool_of_one_cell() -> None:
    """Thresholds lie evenly in a pool; the spacing of a single one divided by zero."""
    circuit = TwoPools(n_cells=4, n_inh=1)
    assert circuit.attend(SCORES, duration_ms=100, rng=RNG).counts.sum() > 0


def test_small_integers_do_not_overflow() -> None:
    """100 cells for each of 3 keys are more than an int8 holds."""
    params = GammaParams(n_cells=np.int8(100), gain=1.0)  # type: ignore[arg-type]
    selection = GammaCircuit(params).attend(SCORES, spikes=np.int8(100), rng=RNG)  # type: ignore[arg-type]
    assert (selection.counts.sum(axis=1) >= 100).all()


def test_tensors_that_no_head_can_weigh() -> None:
    head = SpikingHead(CIRCUIT, spikes=4)
    good = torch.zeros(1, 3, 4)
    for odd in (None, np.zeros((1, 3, 4)), good.long(), good.to(torch.complex64), good.to("meta")):
        with pytest.raises(
            (TypeError, ValueError), match=r"must be a floating-point tensor|must have values"
        ):
            head(odd, good, good)  # type: ignore[arg-type]


def test_sweeps_too_large_to_lay_out() -> None:
    wide = plan_sweep("gamma-selects", ["w_ei=0:1:16000"])
    assert len(wide.points) == 16_000
    for settings, says in (
        (["w_ei=0:1:9999999999"], "a range must have at most 1,000,000 values"),
        (["w_ei=0:1:2000", "drive_range=1:2:2000"], "a sweep must have at most 1,000,000 points"),
    ):
        with pytest.raises(UsageError, match=says):
            plan_sweep("gamma-selects", settings)
    with pytest.raises(UsageError, match=r"must not hold a value twice, got 1.0 again"):
        plan_sweep("gamma-selects", ["w_ei=1,2,1"])


def test_whole_numbers_that_no_array_holds() -> None:
    params = load("gamma-selects").Params
    with pytest.raises(UsageError, match="n_rows must be finite, got a whole number of 333 bits"):
        params(n_rows=10**100)
