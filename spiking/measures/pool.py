"""The rhythm of cells that share their input, such as the I pool of a row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spiking.checks import known
from spiking.measures.rhythm import GAMMA_BAND_HZ, GammaPeak, peak_of
from spiking.measures.trains import Trains
from spiking.record import Selection

__all__ = ["VOLLEY_MS", "inh_rhythm", "volleys"]

# Spikes of a pool that follow one another more closely belong to one volley. Of rows of Poisson volleys, 4 to 40
# spikes each that are spread by 0.2 to 2 ms, at most 2 % pass for rhythmic at alpha 0.05 (measured); with 1 ms up
# to 10 % do, and with 3 ms a third as many rows of the gamma circuit are significant.
VOLLEY_MS = 1.5


def inh_rhythm(
    selection: Selection,
    group: str = "inh",
    *,
    band_Hz: tuple[float, float] = GAMMA_BAND_HZ,
    alpha: float = 0.01,
) -> GammaPeak:
    """Find the peak of each row's I spikes and test it against volleys at independent times.

    I cells of a row hear the same E cells. They would fire together without any rhythm, and a test against
    independent cells would call that a rhythm: in 4 of 10 rows whose E cells have no inhibition (measured). So
    what falls at independent times under the null hypothesis is a volley as a whole, spikes less than `VOLLEY_MS`
    apart. Such a test depends neither on the number of E cells nor on how regular they are, but on the number of
    cycles alone: within a second it takes periods that jitter by less than some 15 %.

    It says that the pool fires rhythmically, not who makes the rhythm: a pool that follows one regular cell has
    that cell's.

    Parameters
    ----------
    selection : Selection
        Of a call with `record="all"`.
    group : str
        The I cells, or any other group that is not counted.
    band_Hz, alpha
        As in `spiking.measures.rhythm.gamma_peak`.

    Returns
    -------
    GammaPeak
        Its `largest_ratio` is that of volleys that all fall on one phase.
    """
    if not selection.other_spikes:
        raise ValueError(
            f'inh_rhythm needs the spikes of {group!r}, got a selection without; attend with record="all".'
        )
    known("group of the selection", group, selection.other_spikes)
    trains = Trains.of_group(selection.other_spikes[group], len(selection.counts), selection.duration_ms)
    return peak_of(volleys(trains), band_Hz, alpha)


def volleys(trains: Trains, gap_ms: float = VOLLEY_MS) -> Trains:
    """The same spikes with a volley as the unit: spikes of a row that follow each other within `gap_ms`."""
    begins = np.diff(trains.time_ms, prepend=-np.inf) > gap_ms
    firsts = trains.first[:-1][trains.n_spikes > 0]
    begins[firsts] = True
    number = np.cumsum(begins) - 1
    of_row = number - np.repeat(number[firsts], trains.n_spikes[trains.n_spikes > 0])
    return replace(trains, unit=of_row, n_units=int(of_row.max(initial=-1)) + 1)
