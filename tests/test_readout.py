"""Readouts on records small enough to count by hand, and against the race law."""

from __future__ import annotations

import numpy as np
import pytest

from spiking.measures.readout import (
    READOUTS,
    first_spike,
    first_spike_ms,
    phase_locked_share,
    share_against_time,
    spike_share,
)
from spiking.measures.rhythm import Cycles, cycles
from spiking.record import SpikeRecord

DT_MS = 1.0


def make_record(spikes: list[tuple[int, int, float]], n_rows: int = 2, n_keys: int = 3) -> SpikeRecord:
    """A record of 100 ms from (row, key, time) entries."""
    row, key, time_ms = np.array(spikes).reshape(-1, 3).T
    return SpikeRecord.of_spikes(
        row=row, key=key, time_ms=time_ms, n_rows=n_rows, n_keys=n_keys, duration_ms=100.0
    )


def clockwork() -> Cycles:
    """Row 0: three cycles of 25 ms from 10 ms on, peaks at 22.5, 47.5, 72.5 ms. Row 1: no rhythm."""
    time_ms = np.arange(100.0)
    phase = np.angle(np.exp(2j * np.pi * (time_ms - 22.5) / 25))
    index = np.floor((time_ms - 10) / 25).astype(np.int64)
    index[(index < 0) | (index > 2)] = -1
    return Cycles(
        phase_rad=np.stack([phase, np.full(100, np.nan)]),
        cycle_index=np.stack([index, np.full(100, -1)]),
        n_cycles=np.array([3, 0]),
    )


def test_spike_share_counts_spikes_and_flags_silence() -> None:
    result = spike_share(make_record([(0, 0, 5.0), (0, 0, 6.0), (0, 2, 7.0), (0, 0, 9.0)]))
    assert result.weights.tolist() == [[0.75, 0.0, 0.25], [0.0, 0.0, 0.0]]
    assert result.n_events.tolist() == [4, 0]
    assert result.silent.tolist() == [False, True]


def test_first_spike_gives_one_vote_a_cycle() -> None:
    """Later spikes of a cycle, spikes outside cycles and rows without a rhythm do not vote."""
    record = make_record(
        [(0, 1, 3.0), (0, 0, 12.0), (0, 1, 13.0), (0, 1, 14.0), (0, 2, 40.0), (0, 1, 90.0), (1, 0, 12.0)]
    )
    result = first_spike(record, clockwork(), DT_MS)
    assert result.weights.tolist() == [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0]]
    assert result.n_events.tolist() == [2, 0]
    assert result.silent.tolist() == [False, True]


def test_a_tie_shares_the_vote_of_its_cycle() -> None:
    """Two spikes of key 0 and one of key 1 share the first cycle; key 2 has the second alone."""
    record = make_record([(0, 0, 12.0), (0, 0, 12.0), (0, 1, 12.0), (0, 1, 12.1), (0, 2, 37.0)])
    result = first_spike(record, clockwork(), DT_MS)
    np.testing.assert_allclose(result.weights[0], [1 / 3, 1 / 6, 1 / 2])
    assert result.n_events[0] == 2


def test_first_spike_in_a_row_without_rhythm_before_others() -> None:
    """Cycles of different rows are never mixed up, wherever the rowless rhythm stands."""
    flipped = clockwork()
    flipped = Cycles(
        phase_rad=flipped.phase_rad[::-1],
        cycle_index=flipped.cycle_index[::-1],
        n_cycles=flipped.n_cycles[::-1],
    )
    result = first_spike(make_record([(0, 0, 12.0), (1, 1, 12.0), (1, 2, 62.0)]), flipped, DT_MS)
    assert result.weights.tolist() == [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5]]


def test_phase_locked_share_takes_only_spikes_near_the_peak() -> None:
    """Within pi/4, an eighth of 25 ms, of the peaks at 22.5 and 47.5 ms."""
    record = make_record([(0, 0, 20.0), (0, 0, 25.0), (0, 1, 18.0), (0, 1, 27.0), (0, 2, 47.5), (1, 0, 22.5)])
    result = phase_locked_share(record, clockwork(), DT_MS)
    np.testing.assert_allclose(result.weights[0], [2 / 3, 0, 1 / 3])
    assert result.n_events.tolist() == [3, 0]
    wide = phase_locked_share(record, clockwork(), DT_MS, half_width_rad=np.pi)
    np.testing.assert_allclose(wide.weights[0], [0.4, 0.4, 0.2])
    assert wide.silent.tolist() == [False, True]


def test_half_width_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"half_width_rad must lie in \(0, pi\], got 4"):
        phase_locked_share(make_record([(0, 0, 1.0)]), clockwork(), DT_MS, half_width_rad=4)


@pytest.mark.parametrize("name", READOUTS)
def test_every_readout_of_a_race_is_its_softmax(name: str) -> None:
    """Poisson keys of rates proportional to exp(score) are read as softmax, up to sampling error."""
    rng = np.random.default_rng(0)
    expected = np.exp([0.0, 0.7, 1.4]) / np.exp([0.0, 0.7, 1.4]).sum()
    duration_ms, n = 20_000.0, 8000
    key, time_ms = rng.choice(3, n, p=expected), rng.uniform(0, duration_ms, n)
    record = SpikeRecord.of_spikes(
        row=np.zeros(n), key=key, time_ms=time_ms, n_rows=1, n_keys=3, duration_ms=duration_ms
    )
    field = np.cos(2 * np.pi * 0.04 * np.arange(duration_ms))[None]
    result = READOUTS[name](record, cycles(field, DT_MS, np.array([40.0])), DT_MS)
    # multinomial standard error at the number of events, 3 of them
    error = 3 * np.sqrt(expected * (1 - expected) / result.n_events[0])
    assert (np.abs(result.weights[0] - expected) < error).all()
    assert result.n_events[0] >= 700  # of about 800 cycles


def test_first_spike_ms_is_the_latency_of_each_key() -> None:
    result = first_spike_ms(make_record([(0, 1, 30.0), (0, 1, 20.0), (1, 0, 5.0)]))
    np.testing.assert_array_equal(result, [[np.nan, 20.0, np.nan], [5.0, np.nan, np.nan]])


def test_share_against_time_accumulates_to_the_spike_share() -> None:
    record = make_record([(0, 0, 5.0), (0, 1, 15.0), (0, 1, 25.0), (1, 2, 25.0), (0, 1, 99.0)])
    curve = share_against_time(record, np.array([5.0, 10.0, 20.0, 100.0]))
    assert curve.n_spikes.tolist() == [[0, 0], [1, 0], [2, 0], [4, 1]]
    np.testing.assert_array_equal(curve.weights[2], [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(curve.weights[-1], spike_share(record).weights)


def test_edges_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match=r"edges_ms must be 1-D and increasing"):
        share_against_time(make_record([(0, 0, 1.0)]), np.array([10.0, 5.0]))


def test_an_empty_record_is_silent_in_every_readout() -> None:
    empty = make_record([])
    for readout in READOUTS.values():
        result = readout(empty, clockwork(), DT_MS)
        assert result.silent.all()
        assert not result.weights.any()
