"""A row that ends after a number of spikes: what it keeps, what it costs, and that it is still a softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spiking import Brian2, Budget, Engine, Fused, GammaCircuit, GammaParams, Selection, Streams

CIRCUIT = GammaCircuit(GammaParams(n_cells=10, gain=1.0, settle_ms=20.0))
SCORES = np.random.default_rng(0).normal(0, 1.5, (12, 6))


def attend(scores: np.ndarray = SCORES, circuit: GammaCircuit = CIRCUIT, **options: Any) -> Selection:
    options = {"duration_ms": 400, "rng": np.random.default_rng(1), **options}
    return circuit.attend(scores, **options)


def test_a_row_ends_with_the_step_of_its_last_spike() -> None:
    """The whole run cut at that step, spike for spike."""
    whole, ended = attend(), attend(spikes=20)
    total = ended.counts.sum(axis=1)
    assert (total >= 20).all()
    assert not ended.unfinished.any()
    for row in range(len(SCORES)):
        all_ms, kept_ms = (s.spikes.of_row(row).time_ms for s in (whole, ended))
        np.testing.assert_array_equal(kept_ms, all_ms[all_ms <= all_ms[19]])
        assert ended.row_ms[row] == pytest.approx(all_ms[19] + 0.1)
        samples = int(np.ceil(ended.row_ms[row] - 1e-6))
        np.testing.assert_array_equal(ended.field[row, :samples], whole.field[row, :samples])
        assert (ended.field[row, samples:] == 0).all()


def test_counts_alone_end_at_the_same_step() -> None:
    spikes, counts = attend(spikes=20), attend(spikes=20, record="counts")
    for name in ("counts", "row_ms", "unfinished", "weights"):
        np.testing.assert_array_equal(getattr(spikes, name), getattr(counts, name))
    np.testing.assert_array_equal(spikes.other_counts["inh"], counts.other_counts["inh"])


@pytest.mark.parametrize("engine", [Brian2(), Fused()], ids=["brian2", "fused"])
@pytest.mark.parametrize("record", ["spikes", "counts"])
def test_rows_that_reach_the_limit_say_so(engine: Engine, record: str) -> None:
    short = attend(SCORES[:3], spikes=10**6, duration_ms=50, engine=engine, record=record)
    assert short.unfinished.all()
    np.testing.assert_allclose(short.row_ms, 50)
    assert not attend(SCORES[:3], duration_ms=50, engine=engine, record=record).unfinished.any()


def test_rows_of_the_reference_end_on_their_own() -> None:
    """Brian2 runs all rows to the limit; what is kept follows the same rule."""
    ended = attend(spikes=20, engine=Brian2())
    times = [ended.spikes.of_row(row).time_ms for row in range(len(SCORES))]
    for row, time_ms in enumerate(times):
        assert (time_ms < time_ms[19] + 1e-6).all()
        assert ended.row_ms[row] == pytest.approx(time_ms[19] + 0.1)
    assert len(set(ended.row_ms)) > 1


def test_ending_at_a_number_of_spikes_biases_no_key() -> None:
    """Mean counts of 4000 rows against rows ended by the clock: no share of 6 differs by 4 standard errors."""
    scores = np.tile(SCORES[:1], (4000, 1))
    by_clock, by_count = attend(scores, record="counts"), attend(scores, spikes=24, record="counts")
    share = [s.counts.sum(axis=0) / s.counts.sum() for s in (by_clock, by_count)]
    error = np.sqrt(share[0] * (1 - share[0]) / by_count.counts.sum())  # of the smaller sample
    assert (np.abs(share[0] - share[1]) < 4 * error).all()


def test_a_stream_is_the_same_row_in_any_batch() -> None:
    streams = np.array([3, 2**40, 17, 2**63 - 1, 0, 5])
    scores = SCORES[: len(streams)]
    batch = attend(scores, rng=Streams(1, streams))
    order = np.array([4, 1, 5])
    some = attend(scores[order], rng=Streams(1, streams[order]))
    np.testing.assert_array_equal(some.counts, batch.counts[order])
    for here, there in enumerate(order):
        np.testing.assert_array_equal(
            some.spikes.of_row(here).time_ms, batch.spikes.of_row(int(there)).time_ms
        )
    np.testing.assert_array_equal(
        attend(rng=Streams(1, np.arange(len(SCORES)))).counts, attend(rng=Streams(1)).counts
    )


def test_streams_are_independent_and_equal_streams_share_their_noise() -> None:
    same = np.tile(SCORES[:1], (2, 1))
    twins, others = (attend(same, rng=Streams(1, np.array(numbers))) for numbers in ([7, 7], [7, 8]))
    np.testing.assert_array_equal(twins.counts[0], twins.counts[1])
    assert (others.counts[0] != others.counts[1]).any()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"spikes": 0}, ValueError, "Budget.spikes must be >= 1, got 0"),
        ({"spikes": 2.5}, TypeError, "Budget.spikes must be a whole number, got 2.5"),
        (
            {"rng": Streams(1, np.arange(3))},
            ValueError,
            r"streams must be one number per row, shape \(12,\), got \(3,\)",
        ),
        (
            {"rng": Streams(1, np.arange(12)), "engine": Brian2()},
            ValueError,
            "streams are of compiled engines",
        ),
        ({"rng": 7}, TypeError, "rng must be a numpy.random.Generator or Streams, got 7"),
        ({"engine": "fused"}, TypeError, r"engine must be an engine, got 'fused'; use EventDriven\(\)"),
        ({"spikes": 5, "budget": Budget(spikes=5)}, ValueError, "give budget, or duration_ms and spikes"),
        ({"duration_ms": None}, ValueError, "Budget must have a limit, got none"),
    ],
)
def test_refusals(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        attend(**options)


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (-np.arange(12), ValueError, "streams must be >= 0, got -11"),
        (np.ones(12), TypeError, "streams must be integers, got dtype float64"),
    ],
)
def test_streams_refuse_what_is_no_number_of_a_row(rows: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Streams(1, rows)


@pytest.mark.parametrize("engine", [Brian2(), Fused()], ids=["brian2", "fused"])
def test_a_row_ends_when_a_key_leads(engine: Engine) -> None:
    """At the first step after which one key is 5 spikes ahead of all others, not before."""
    budget = Budget(duration_ms=400, lead=5)
    ended = attend(duration_ms=None, budget=budget, engine=engine)
    best = np.sort(ended.counts, axis=1)
    finished = ~ended.unfinished
    assert finished.sum() >= 8
    assert (best[finished, -1] - best[finished, -2] >= 5).all()
    for row in np.flatnonzero(finished):
        spikes = ended.spikes.of_row(int(row))
        earlier = spikes.time_ms < ended.row_ms[row] - 0.15  # all but the last step
        so_far = np.sort(np.bincount(spikes.key[earlier], minlength=6))
        assert so_far[-1] - so_far[-2] < 5
    assert len(set(ended.row_ms)) > 1
