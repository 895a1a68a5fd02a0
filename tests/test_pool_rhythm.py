"""What the test of a rhythm can and cannot notice, and the rhythm of cells that share their input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spiking import EscapeRate, GammaCircuit, GammaParams, RegularCell, Selection, Spikes
from spiking.measures.pool import inh_rhythm, volleys
from spiking.measures.rhythm import GammaPeak, gamma_peak, peak_of
from spiking.measures.trains import Trains
from tests.test_rhythm import make_record

N_ROWS, DURATION_MS = 300, 1000.0


def pool(cv: float, *, rate_Hz: float = 40.0, n_cells: int = 10, spread_ms: float = 1.0) -> Trains:
    """Cells that all fire in each volley; intervals between volleys vary by `cv` (1: Poisson volleys)."""
    rng = np.random.default_rng(0)
    n = int(2.5 * rate_Hz)
    interval_ms = rng.gamma(1 / cv**2, 1e3 / rate_Hz * cv**2, (N_ROWS, n))
    volley_ms = interval_ms.cumsum(axis=1) - 500 - rng.uniform(0, 1e3 / rate_Hz, (N_ROWS, 1))
    time_ms = volley_ms[..., None] + spread_ms * rng.standard_normal((N_ROWS, n, n_cells))
    row, _, cell = inside = np.nonzero((time_ms >= 0) & (time_ms < DURATION_MS))
    order = np.lexsort((time_ms[inside], row))
    spikes = Spikes(row=row[order], cell=cell[order].astype(np.int32), time_ms=time_ms[inside][order])
    return Trains.of_group(spikes, N_ROWS, DURATION_MS)


def attend(params: GammaParams, n_rows: int = 64) -> Selection:
    scores = np.random.default_rng(0).normal(0, 1.5, (n_rows, 8))
    rng = np.random.default_rng(1)
    return GammaCircuit(params).attend(scores, duration_ms=DURATION_MS, rng=rng, record="all")


def share(peak: GammaPeak) -> float:
    return float(peak.significant.mean())


@pytest.mark.parametrize("rate_Hz", [20.0, 40.0, 80.0])
def test_volleys_at_random_times_are_no_rhythm_of_the_pool(rate_Hz: float) -> None:
    """A test against independent cells would call them one: they do fire together."""
    alpha = 0.05
    trains = pool(cv=1.0, rate_Hz=rate_Hz)
    limit = alpha + 3 * np.sqrt(alpha * (1 - alpha) / N_ROWS)  # three binomial standard errors
    assert share(peak_of(volleys(trains), alpha=alpha)) <= limit
    assert share(peak_of(trains, alpha=alpha)) > 3 * limit


def test_regular_volleys_are_a_rhythm_and_irregular_ones_are_not() -> None:
    """Forty cycles show a period that jitters by a tenth, and do not show one that jitters by a third."""
    tight, loose = (peak_of(volleys(pool(cv=cv))) for cv in (0.1, 0.33))
    assert share(tight) > 0.95
    assert share(loose) < 0.2
    # 40 intervals place a row's frequency to 40 * 0.1 / sqrt(40) = 0.6 Hz, the mean of 300 rows to 0.04;
    # the peak of a line broadened by the jitter may stand up to f * cv^2 = 0.4 Hz from the mean rate
    assert np.nanmean(tight.f_gamma_Hz) == pytest.approx(40.0, abs=0.4 + 3 * 0.04)


def test_a_volley_is_what_follows_closely_within_a_row() -> None:
    trains = Trains(
        first=np.array([0, 4, 4, 6]),
        unit=np.zeros(6, dtype=np.int32),
        time_ms=np.array([1.0, 2.0, 3.4, 6.0, 6.5, 6.6]),
        n_units=1,
        duration_ms=10.0,
    )
    of_volleys = volleys(trains, gap_ms=1.5)
    assert of_volleys.unit.tolist() == [0, 0, 0, 1, 0, 0]
    assert of_volleys.n_units == 2


def test_cells_that_lock_as_tightly_as_stated_are_significant_in_half_of_the_rows() -> None:
    """Clocks of one frequency, their phases drawn with the vector strength that the test gives as its limit."""
    n_cells, n_rows = 40, 400

    def clocks(vector_strength: float) -> GammaPeak:
        rng = np.random.default_rng(2)
        random_ms = rng.uniform(0, 25.0, (n_rows, n_cells))
        shared = rng.random((n_rows, n_cells)) < vector_strength  # at one phase, others at any
        phase_ms = np.where(shared, rng.uniform(0, 25.0, (n_rows, 1)), random_ms)
        time_ms = phase_ms[..., None] + 25.0 * np.arange(-1, 41)
        time_ms += 3.0 * rng.standard_normal(time_ms.shape)  # or the harmonics would be as high
        row, cell, _ = inside = np.nonzero((time_ms >= 0) & (time_ms < DURATION_MS))
        return gamma_peak(make_record(row, cell, time_ms[inside], n_rows, n_cells, DURATION_MS))

    least = float(np.nanmedian(clocks(0.3).least_locking))
    assert 0.2 < least < 0.6
    # the power's median lies a little below its mean; a share of 400 rows has a standard error of 0.025
    assert share(clocks(least)) == pytest.approx(0.5, abs=0.1 + 3 * 0.025)
    assert share(clocks(2 * least)) > 0.95


def test_cells_that_fire_in_every_step_have_no_rhythm() -> None:
    """All trains are one, and their power is rounding error."""
    steps = np.arange(0, DURATION_MS, 0.25)
    row = np.zeros(10 * len(steps), dtype=np.int64)
    peak = gamma_peak(make_record(row, np.repeat(np.arange(10), len(steps)), np.tile(steps, 10), 1, 10, 1e3))
    assert np.isnan(peak.ratio).all()
    assert not peak.significant.any()


def test_with_one_regular_cell_a_key_the_note_says_so_and_the_pool_shows_the_rhythm() -> None:
    """One cell outweighs the others and is its own null; ten cells a key are enough."""
    one = GammaParams.regular(n_cells=1, cell=RegularCell(drive=13 + np.log(10)))
    few, enough = attend(one), attend(GammaParams.regular())
    assert not np.isfinite(few.f_gamma_Hz).any()
    assert (gamma_peak(few.spikes).least_locking > 1).all()
    assert few.rhythm_note.startswith(
        "In 64 of 64 rows with a peak no rhythm of the cells would be significant"
    )
    assert np.isfinite(enough.f_gamma_Hz).all()
    assert enough.rhythm_note == ""
    for selection in (few, enough):
        peak = inh_rhythm(selection)
        assert share(peak) > 0.65  # .82 and .83 of 96 rows, measured; 64 rows have a standard error of .05
        assert np.nanmean(peak.f_gamma_Hz) == pytest.approx(39.5, abs=1.5)


def test_a_pool_driven_by_cells_without_rhythm_has_none() -> None:
    """I cells that inhibit nobody: E cells fire at random, and I cells after them, together."""
    cut = GammaParams(n_cells=20, gain=1.0, inhibition=0.0, cell=EscapeRate(drive=5.0))
    selection = attend(cut)
    trains = Trains.of_group(selection.other_spikes["inh"], 64, DURATION_MS)
    assert share(peak_of(trains)) > 0.2  # against independent I cells, the wrong null: .42 measured
    assert share(inh_rhythm(selection)) <= 0.05  # alpha .01 of 64 rows: 4 or more has p < .01


def test_the_spikes_of_the_pool_must_be_there() -> None:
    selection = attend(GammaParams.regular(settle_ms=0.0), n_rows=1)
    with pytest.raises(ValueError, match=r"group of the selection must be one of inh; got 'basket'"):
        inh_rhythm(selection, "basket")
    with pytest.raises(ValueError, match=r"inh_rhythm needs the spikes of 'inh', .*record=\"all\""):
        inh_rhythm(replace(selection, other_spikes={}))
