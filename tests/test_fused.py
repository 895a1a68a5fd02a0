"""The fused engine by itself: its exponential, its random numbers, its rows, what it keeps."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numba import njit, vectorize
from scipy import stats

from spiking import Brian2, Fused, GammaCircuit, GammaParams, Selection
from spiking.circuit import row_program
from spiking.engines.fused.exp import EXP32_ERROR, EXP32_RANGE, EXP64_ERROR, EXP64_RANGE, exp32, exp64
from spiking.engines.fused.functions import (
    EXPREL32_ERROR,
    EXPREL64_ERROR,
    TANH32_ERROR,
    TANH64_ERROR,
    exprel32,
    exprel64,
    tanh32,
    tanh64,
)
from spiking.engines.fused.random import bits64, normal32, normal64, row_key, uniform32, uniform64
from spiking.engines.fused.simd import prefer_wide_vectors
from spiking.engines.fused.source import write_source


def _exprel(x: np.ndarray) -> np.ndarray:
    return np.expm1(x) / x


CIRCUIT = GammaCircuit(GammaParams(n_cells=10, gain=1.0, settle_ms=20.0))
SCORES = np.random.default_rng(0).normal(0, 1.5, (12, 6))


def attend(scores: np.ndarray, **options: Any) -> Selection:
    options = {"duration_ms": 200, "engine": Fused(), "rng": np.random.default_rng(1), **options}
    return CIRCUIT.attend(scores, **options)


@pytest.mark.parametrize(
    ("function", "real", "limits", "bound"),
    [(exp32, np.float32, EXP32_RANGE, EXP32_ERROR), (exp64, np.float64, EXP64_RANGE, EXP64_ERROR)],
    ids=["float32", "float64"],
)
def test_exp_keeps_its_stated_error_over_its_range(
    function: Any, real: Any, limits: tuple[float, float], bound: float
) -> None:
    """Against NumPy's long double, on a fine grid, around the halfway points of its range reduction too."""
    x = np.linspace(*limits, 1_000_001)
    halfway = (np.arange(np.ceil(limits[0] / np.log(2)), np.floor(limits[1] / np.log(2))) + 0.5) * np.log(2)
    x = np.concatenate([x, halfway, halfway - 1e-6, halfway + 1e-6]).astype(real)
    x = x[(x >= limits[0]) & (x <= limits[1])]
    exact = np.exp(x.astype(np.longdouble))
    got = vectorize(lambda v: function(v))(x)
    assert got.dtype == real
    assert np.abs(got / exact - 1).max() < bound


def test_the_hint_about_wide_vectors_reaches_the_compiler() -> None:
    @njit
    def hinted(x: Any) -> Any:
        prefer_wide_vectors()
        return x + 1.0

    assert hinted(1.0) == 2.0
    assert all('"prefer-vector-width"="512"' in text for text in hinted.inspect_llvm().values())
    program = row_program(CIRCUIT)
    source = write_source(program, record=("exc",), sample=(), precision="float32")
    assert "prefer_wide_vectors()" in source.text


@pytest.mark.parametrize(
    ("function", "exact", "real", "limit", "bound"),
    [
        (tanh32, np.tanh, np.float32, 100.0, TANH32_ERROR),
        (tanh64, np.tanh, np.float64, 100.0, TANH64_ERROR),
        (exprel32, _exprel, np.float32, EXP32_RANGE[1], EXPREL32_ERROR),
        (exprel64, _exprel, np.float64, EXP64_RANGE[1], EXPREL64_ERROR),
    ],
    ids=["tanh32", "tanh64", "exprel32", "exprel64"],
)
def test_tanh_and_exprel_keep_their_stated_errors(
    function: Any, exact: Any, real: Any, limit: float, bound: float
) -> None:
    """Relative, against NumPy's long double: wide, near 0, and where their two formulas meet."""
    tiny = np.geomspace(1e-30, 1, 20_001)
    x = np.concatenate([np.linspace(-limit, limit, 500_001), np.linspace(-2, 2, 500_001), tiny, -tiny])
    x = x[(x != 0) & (x > -87)].astype(real)
    got = vectorize(lambda v: function(v))(x)
    assert got.dtype == real
    assert np.abs(got / exact(x.astype(np.longdouble)) - 1).max() < bound
    assert function(real(0)) == exact(np.longdouble(1e-30)).astype(int)


def test_exp_beyond_its_range_is_that_of_the_edge() -> None:
    assert exp32(np.float32(-1e4)) == exp32(np.float32(EXP32_RANGE[0])) < 2e-38
    assert exp64(1e4) == exp64(EXP64_RANGE[1]) > 8e307


@pytest.mark.parametrize(
    ("draw", "law"),
    [
        *((u, stats.uniform) for u in (uniform32, uniform64)),
        *((z, stats.norm) for z in (normal32, normal64)),
    ],
    ids=["uniform32", "uniform64", "normal32", "normal64"],
)
def test_random_numbers_follow_their_law(draw: Any, law: Any) -> None:
    """Kolmogorov-Smirnov on 200000 draws, and no correlation from one counter, row or seed to the next."""
    n = 200_000
    made = vectorize(["f8(u8, i8)"])(lambda key, counter: draw(key, counter))
    x = made(row_key(3, 5), np.arange(n))
    assert stats.kstest(x, law.cdf).pvalue > 1e-3
    for other in (made(row_key(3, 6), np.arange(n)), made(row_key(4, 5), np.arange(n)), np.roll(x, 1)):
        assert abs(np.corrcoef(x, other)[0, 1]) < 4 / np.sqrt(n)


def test_random_bits_are_those_of_splitmix64() -> None:
    """The first outputs for the seed 0, as Vigna's reference program (splitmix64.c, 2015) prints them."""
    known = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [int(bits64(np.uint64(0), np.uint64(n))) for n in (1, 2, 3)] == known


def test_a_row_alone_is_the_same_row_in_any_batch_bit_for_bit() -> None:
    batch, few, one = (attend(SCORES[:n]) for n in (12, 5, 1))
    for part in (few, one):
        n = len(part.counts)
        np.testing.assert_array_equal(part.counts, batch.counts[:n])
        np.testing.assert_array_equal(part.field, batch.field[:n])
        for row in range(n):
            np.testing.assert_array_equal(part.spikes.of_row(row).time_ms, batch.spikes.of_row(row).time_ms)
            np.testing.assert_array_equal(part.spikes.of_row(row).cell, batch.spikes.of_row(row).cell)


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_any_number_of_threads_gives_the_same_spikes(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when every row is a call of its own."""
    whole = attend(SCORES)
    monkeypatch.setattr("spiking.engines.fused.run._MOST", 1)
    split = attend(SCORES, engine=Fused(threads=threads))
    np.testing.assert_array_equal(split.field, whole.field)
    np.testing.assert_array_equal(split.spikes.time_ms, whole.spikes.time_ms)
    np.testing.assert_array_equal(split.spikes.cell, whole.spikes.cell)


def test_counts_alone_are_the_counts_of_the_spikes() -> None:
    spikes, counts = attend(SCORES), attend(SCORES, record="counts")
    np.testing.assert_array_equal(counts.counts, spikes.counts)
    np.testing.assert_array_equal(counts.counts, spikes.spikes.counts())
    np.testing.assert_array_equal(counts.other_counts["inh"], spikes.other_counts["inh"])
    np.testing.assert_array_equal(counts.weights, spikes.weights)
    assert len(counts.spikes) == 0
    assert np.isnan(counts.f_gamma_Hz).all()


def test_both_engines_keep_counts_alone() -> None:
    counts = attend(SCORES[:2], record="counts", engine=Brian2())
    full = attend(SCORES[:2], engine=Brian2())
    np.testing.assert_array_equal(counts.counts, full.counts)
    assert len(counts.spikes) == 0


def test_rows_of_different_numbers_of_keys() -> None:
    """A masked key has no cells: the row is as if the key were not there, bit for bit."""
    mask = np.ones(SCORES.shape, dtype=bool)
    mask[0, 3:] = False
    mask[2, :5] = False
    ragged = attend(np.where(mask, SCORES, np.nan), mask=mask)
    assert (ragged.counts[~mask] == 0).all()
    assert not ragged.silent.any()
    np.testing.assert_array_equal(ragged.counts[0, :3], attend(SCORES[:1, :3]).counts[0])
    np.testing.assert_array_equal(ragged.counts[1], attend(SCORES).counts[1])
    assert ragged.weights[2, 5] == 1


def test_same_seed_same_spikes_and_another_seed_others() -> None:
    a, b, c = (attend(SCORES[:2], rng=np.random.default_rng(seed)).spikes for seed in (7, 7, 8))
    np.testing.assert_array_equal(a.time_ms, b.time_ms)
    assert len(a) != len(c) or (a.time_ms != c.time_ms).any()


def test_spikes_come_in_order_of_time_and_inside_the_window() -> None:
    spikes = attend(SCORES).spikes
    assert (np.diff(spikes.time_ms) >= 0).all()
    assert spikes.time_ms.min() >= 0
    assert spikes.time_ms.max() < 200


def test_more_spikes_than_expected_are_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spiking.engines.fused.run._room", lambda *_: 3)
    again = attend(SCORES)
    monkeypatch.undo()
    np.testing.assert_array_equal(again.spikes.time_ms, attend(SCORES).spikes.time_ms)


def test_memory_of_counts_grows_with_neither_rows_nor_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peak of what Python and NumPy hold, but for the scores and counts themselves, which go with the rows."""
    monkeypatch.setattr("spiking.engines.fused.run._MOST", 2_000_000)  # calls of 140 of these rows

    def peak_MiB(n_rows: int, duration_ms: float) -> float:
        scores = np.zeros((n_rows, 2))
        tracemalloc.start()
        attend(scores, duration_ms=duration_ms, record="counts")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak / 2**20

    peak_MiB(2, 50)
    small = peak_MiB(200, 50)
    assert peak_MiB(200, 400) < small + 1
    assert peak_MiB(2000, 50) < small + 1 + 2000 * 2 * 8 * 12 / 2**20  # a dozen arrays of the scores' shape


def test_progress_runs_to_one_and_stopping_early_leaves_nothing_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spiking.engines.fused.run._MOST", 1)
    seen: list[float] = []
    attend(SCORES, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1

    def interrupt(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attend(SCORES, progress=interrupt)
    attend(SCORES[:1])


def test_unknown_precision_and_record_are_refused() -> None:
    with pytest.raises(ValueError, match="precision must be one of float32, float64; got 'float16'"):
        Fused("float16")
    with pytest.raises(ValueError, match="record must be one of spikes, counts, all; got 'both'"):
        attend(SCORES, record="both")
