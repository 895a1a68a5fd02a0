"""What a row shows up to any moment: share and softmax, spectrum and its peak, spikes of each cycle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import xarray as xr

from bridge.comparison.metrics import total_variation
from bridge.comparison.sampling import total_variation_floor
from scenarios.workbench.competition import Competition
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import words
from scenarios.workbench.statistics import mean
from scenarios.workbench.tables import columns
from spiking import Selection
from spiking.measures.rhythm import GammaPeak, gamma_peak

__all__ = ["LEAST_ms", "Watched", "in_data", "in_numbers", "in_words"]

LEAST_ms = 100.0  # two periods at 30 Hz and some more, below which no peak is looked for


@dataclass(frozen=True, kw_only=True)
class Watched:
    """One row that competed for a time, and its rhythm."""

    competition: Competition  # of one row, its scores divided by the temperature
    peak: GammaPeak

    @classmethod
    def of(cls, selection: Selection, scores: np.ndarray, until_ms: float | None = None) -> Self:
        """Read a row, or its beginning as if it had ended then.

        Parameters
        ----------
        selection : Selection
            Of one row that ran for a time.
        scores : (1, n_keys) array
            Divided by the temperature.
        until_ms : float, optional
            Up to the whole duration.
        """
        until_ms = selection.duration_ms if until_ms is None else min(until_ms, selection.duration_ms)
        spikes = replace(selection.spikes.before(np.array([until_ms])), duration_ms=until_ms)
        peak = gamma_peak(spikes)
        n_samples = int(until_ms / selection.field_dt_ms)
        seen = replace(
            selection,
            spikes=spikes,
            counts=spikes.counts(),
            field=selection.field[:, :n_samples],
            f_gamma_Hz=peak.f_gamma_Hz,
            duration_ms=until_ms,
            row_ms=np.array([until_ms]),
        )
        competition = Competition(selection=seen, scores=scores, reference_Hz=float(peak.f_gamma_Hz[0]))
        return cls(competition=competition, peak=peak)

    @property
    def selection(self) -> Selection:
        """The spikes and the field."""
        return self.competition.selection

    @property
    def softmax(self) -> np.ndarray:
        """The target, (n_keys,)."""
        return self.competition.target[0]

    @property
    def sampling_error(self) -> np.ndarray:
        """Standard error of each key's share in a multinomial sample of as many spikes, (n_keys,)."""
        return np.sqrt(self.softmax * (1 - self.softmax) / max(self.n_spikes, 1))

    @property
    def n_spikes(self) -> int:
        return int(self.selection.counts.sum())

    @property
    def total_variation(self) -> float:
        """Distance of the spike shares from the softmax; nan without a spike."""
        if not self.n_spikes:
            return np.nan
        return float(total_variation(self.selection.weights, self.competition.target)[0])

    @property
    def floor(self) -> float:
        """What as many independent samples of the softmax are expected to have; nan without a spike."""
        return float(total_variation_floor(self.competition.target, np.array([self.n_spikes]))[0])

    @property
    def f_gamma_Hz(self) -> float:
        """The significant peak of the population's spectrum, nan without one."""
        return float(self.peak.f_gamma_Hz[0])

    @cached_property
    def cycle_edges_ms(self) -> np.ndarray:
        """Where complete cycles of the field begin, and where the last one ends, (n_cycles + 1,); empty without."""
        if not self.selection.field.shape[1]:
            return np.empty(0)
        index = self.competition.cycles.cycle_index[0]
        inside = np.flatnonzero(index >= 0)
        if not len(inside):
            return np.empty(0)
        first = inside[np.flatnonzero(np.diff(index[inside], prepend=-1))]
        return np.append(first, inside[-1] + 1) * self.selection.field_dt_ms

    @cached_property
    def spikes_of_cycles(self) -> np.ndarray:
        """E spikes of each key in each complete cycle, (n_cycles, n_keys) int64."""
        spikes, edges = self.selection.spikes, self.cycle_edges_ms
        n_cycles = max(len(edges) - 1, 0)
        cycle = np.searchsorted(edges, spikes.time_ms, side="right") - 1
        inside = (cycle >= 0) & (cycle < n_cycles)
        flat = cycle[inside] * spikes.n_keys + spikes.key[inside]
        return np.bincount(flat, minlength=n_cycles * spikes.n_keys).reshape(n_cycles, spikes.n_keys)


def in_data(watched: Watched) -> xr.Dataset:
    """Scores, counts, softmax, field, spectrum and cycles."""
    frequency_Hz, power = watched.competition.relative_spectrum()
    selection = watched.selection
    time_ms = np.arange(selection.field.shape[1]) * selection.field_dt_ms
    return xr.Dataset(
        {
            **columns("key", score=watched.competition.scores[0], softmax=watched.softmax),
            **columns("key", counts=selection.counts[0], sampling_error=watched.sampling_error),
            **columns("time", field=selection.field[0]),
            **columns("frequency", relative_power=power[0]),
            **columns(("cycle", "key"), spikes_of_cycles=watched.spikes_of_cycles),
        },
        {**columns("time", "ms", time=time_ms), **columns("frequency", "Hz", frequency=frequency_Hz)},
    )


def in_numbers(watched: Watched) -> dict[str, Metric]:
    """Every number of the report."""
    lines = Lines()
    selection, seconds = watched.selection, watched.selection.duration_ms / 1e3
    note = "floor: as many independent samples of the softmax"
    lines.add(
        "total_variation",
        "total variation to softmax",
        watched.total_variation,
        floor=watched.floor,
        note=note,
    )
    lines.add("spikes", "E spikes", watched.n_spikes)
    lines.add("rate", "E spikes per second", watched.n_spikes / seconds, unit="1/s")
    for group, counts in selection.other_counts.items():
        lines.add(f"rate_{group}", f"spikes per second of {group}", counts[0] / seconds, unit="1/s")
    lines.add("f_gamma", "gamma peak", watched.f_gamma_Hz, unit="Hz", note="only if significant at 1 %")
    lines.add("p_value", "p value of the peak", float(watched.peak.p_value[0]))
    lines.add("spikes_per_cycle", "E spikes per cycle", watched.spikes_of_cycles.sum(axis=1))
    return lines.metrics


def in_words(watched: Watched) -> Words:
    """What was seen, in three sentences."""
    selection = watched.selection
    if not watched.n_spikes:
        silent = f"No E cell fired in {selection.duration_ms:g} ms: the row is silent."
        return words(silent, short=(silent,))
    share = (
        f"{watched.n_spikes:,} spikes in {selection.duration_ms:g} ms lie {watched.total_variation:.3f} (total "
        f"variation) from the softmax of the scores; as many independent samples would lie {watched.floor:.3f}."
    )
    winner = int(selection.counts[0].argmax())
    won = (
        f"Key {winner + 1} has the most, {selection.weights[0, winner]:.1%}; its softmax is "
        f"{watched.softmax[winner]:.1%}."
    )
    rhythm = f"No peak in 30 to 80 Hz is significant (p = {watched.peak.p_value[0]:.2g})."
    if np.isfinite(watched.f_gamma_Hz):
        per_cycle = mean(watched.spikes_of_cycles.sum(axis=1))
        rhythm = f"The row beats at {watched.f_gamma_Hz:.1f} Hz, with {per_cycle} spikes a cycle."
    return words(share, won, rhythm, short=(share, won, rhythm))
