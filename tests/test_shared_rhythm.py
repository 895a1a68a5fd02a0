"""The shared rhythm: there with the loop, absent where keys are regular each for itself; the test has its size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spiking import GammaCircuit, GammaParams, SpikeRecord, Spikes, Streams
from spiking.measures.shared_rhythm import SharedRhythm, shared_rhythm

RNG = np.random.default_rng


def record_of(trains: list[list[np.ndarray]], duration_ms: float = 1000.0) -> SpikeRecord:
    """Of spike times by row and key."""
    parts = [(r, k, t) for r, row in enumerate(trains) for k, times in enumerate(row) for t in times]
    row, key, time_ms = (np.array(part) for part in zip(*parts, strict=True))
    return SpikeRecord.of_spikes(
        row=row, key=key, time_ms=time_ms, n_rows=len(trains), n_keys=len(trains[0]), duration_ms=duration_ms
    )


def even(period_ms: float, phase: float) -> np.ndarray:
    return np.arange(phase * period_ms, 1000, period_ms)


def test_keys_regular_each_for_itself_share_no_rhythm() -> None:
    """600 rows of 6 even trains, most of them in the band: 1 % of rows by chance, at most 2.2 % within 3 errors."""
    rng = RNG(0)
    rows = [[even(rng.uniform(8, 40), rng.random()) for _ in range(6)] for _ in range(600)]
    assert shared_rhythm(record_of(rows), rng=rng).significant.mean() < 0.022


def test_the_p_value_of_independent_trains_is_uniform() -> None:
    """Poisson trains: the share of p below .05, .2 and .5 is that within 3 standard errors."""
    rng = RNG(1)
    rows = [[np.sort(rng.uniform(0, 1000, rng.poisson(40))) for _ in range(5)] for _ in range(500)]
    p_value = shared_rhythm(record_of(rows), rng=rng).p_value
    for level in (0.05, 0.2, 0.5):
        assert (p_value <= level).mean() == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / 500))
    assert p_value.min() >= 1 / 200  # what is seen is one of the 200 phases that it is compared with


def test_trains_that_beat_together_are_seen_at_their_frequency() -> None:
    """Four trains with two thirds of their spikes in common volleys at 45 Hz."""
    rng = RNG(2)

    def row() -> list[np.ndarray]:
        volleys = even(1000 / 45, rng.random())
        return [
            np.sort(np.r_[(volleys + rng.normal(0, 2, len(volleys))) % 1000, rng.uniform(0, 1000, 22)])
            for _ in range(4)
        ]

    found = shared_rhythm(record_of([row() for _ in range(20)]), rng=rng)
    assert found.significant.mean() > 0.9
    assert np.nanmedian(found.f_shared_Hz) == pytest.approx(45, abs=2)
    assert (found.strength[found.significant] > 0.3).all()


def of_circuit(params: GammaParams) -> SharedRhythm:
    scores = RNG(5).normal(0, 1.5, (100, 8))
    selection = GammaCircuit(params).attend(scores, rng=Streams(1), duration_ms=1000, record="all")
    return shared_rhythm(selection.spikes, selection.other_spikes["inh"], rng=RNG(3))


def test_regular_cells_share_the_loops_rhythm_and_none_without_it() -> None:
    """E to I cut, the drive lowered to the same 300 spikes a row: 95 % of 100 rows fall to below 5 %."""
    regular = GammaParams.regular()
    loop = of_circuit(regular)
    assert loop.significant.mean() > 0.95
    assert 37 < np.nanmedian(loop.f_shared_Hz) < 43
    alone = of_circuit(replace(regular, w_ei=0.0, cell=regular.cell.with_drive(5.634)))
    assert alone.significant.mean() < 0.05
    assert (alone.n_members >= 3).all()


def test_a_row_of_one_train_has_none() -> None:
    fast = even(2.3, 0.5)  # nothing of it lies in the band
    found = shared_rhythm(record_of([[even(20.3, 0.3), fast]]), rng=RNG(0))
    assert not found.significant[0]
    assert found.p_value[0] == 1
    pool = Spikes(row=np.zeros(50, dtype=int), cell=np.zeros(50, dtype=int), time_ms=even(20, 0.5))
    assert shared_rhythm(record_of([[even(20, 0.3)]]), pool, rng=RNG(0)).n_members[0] == 2


def test_what_cannot_be_tested_is_refused() -> None:
    record = record_of([[even(20, 0.3), even(20, 0.4)]])
    with pytest.raises(ValueError, match=r"record must last >= 300 ms for a shared rhythm, got 200 ms"):
        shared_rhythm(replace(record, duration_ms=200.0), rng=RNG(0))
    with pytest.raises(ValueError, match=r"n_surrogates must be >= 1 / alpha - 1 = 99, got 50; draw more"):
        shared_rhythm(record, rng=RNG(0), n_surrogates=50)
