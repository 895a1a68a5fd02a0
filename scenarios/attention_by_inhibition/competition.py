"""Coherence of the I cells against attention, and what a stronger assembly leaves of a weaker one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scenarios.attention_by_inhibition.circuits import lone
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, bootstrap, ratio
from spiking import Selection
from spiking.circuits.inhibited_attention import InhibitedAttention
from spiking.record import SpikeRecord, Spikes

if TYPE_CHECKING:
    from scenarios.attention_by_inhibition import Params

__all__ = ["Coherent", "Rivalry", "coherences", "compete", "lag_ms", "locking", "suppression"]

BAND_Hz = np.arange(20.0, 80.5, 0.5)  # where the rhythm of a pool is sought
WINDOW_ms = 10.0  # less than half a cycle


@dataclass(frozen=True, kw_only=True)
class Coherent:
    """One assembly alone, at one strength of attention."""

    bath_uA_cm2: float
    locking: np.ndarray  # (n_rows,) of the I cells
    by_chance: np.ndarray  # (n_rows,) of the same cells, each shifted in time on its own
    exc_Hz: np.ndarray  # (n_rows,) rate of the assembly's cells
    inh_Hz: np.ndarray  # (n_rows,)


@dataclass(frozen=True, kw_only=True)
class Rivalry:
    """Two assemblies at several contrasts."""

    alone_Hz: np.ndarray  # (n_contrasts, n_rows) rate of the weaker when the stronger rests
    rival_Hz: np.ndarray  # (n_contrasts, n_rows) its rate next to the stronger
    winner_Hz: np.ndarray  # (n_contrasts, n_rows) the stronger's rate next to the weaker
    winner_alone_Hz: np.ndarray  # (n_rows,)
    locking: np.ndarray  # (n_rows,) of the stronger assembly's own cells when it is alone
    lag_ms: float  # of the I cells after the stronger assembly alone; nan where I cells are silent
    shown: Selection  # the contrast in the middle

    def suppressed(self, rng: np.random.Generator) -> list[Estimate]:
        """Part of the weaker assembly's spikes that the stronger takes, at each contrast."""
        return [suppression(*pair, rng) for pair in zip(self.alone_Hz, self.rival_Hz, strict=True)]

    def half(self, contrasts: Sequence[float], rng: np.random.Generator) -> Estimate:
        """The contrast at which half of the weaker assembly's spikes are left; nan where none tried gets there."""

        def crossing(rows: np.ndarray) -> float:
            left = [
                ratio(rival[rows].mean(), alone[rows].mean())
                for alone, rival in zip(self.alone_Hz, self.rival_Hz, strict=True)
            ]
            for at in range(1, len(left)):
                if left[at] < 0.5 <= left[at - 1]:
                    part = (left[at - 1] - 0.5) / (left[at - 1] - left[at])
                    return float(contrasts[at - 1] + part * (contrasts[at] - contrasts[at - 1]))
            return np.nan

        return bootstrap(crossing, self.alone_Hz.shape[1], rng)


def suppression(alone_Hz: np.ndarray, rival_Hz: np.ndarray, rng: np.random.Generator) -> Estimate:
    """1 - rate next to the stronger / rate alone, with its error over rows; both (n_rows,)."""
    return bootstrap(lambda rows: 1 - ratio(rival_Hz[rows].mean(), alone_Hz[rows].mean()), len(alone_Hz), rng)


def coherences(params: Params, ctx: RunContext) -> list[Coherent]:
    """One driven assembly under every bath."""
    measured = []
    for number, bath in enumerate(params.baths):
        circuit = InhibitedAttention(bath_uA_cm2=bath)
        selection = _attend(circuit, lone(params.n_rows), params, ctx)
        inh, seconds = selection.other_spikes["inh"], params.duration_ms * 1e-3
        shifts_ms = ctx.rng.uniform(0, params.duration_ms, (params.n_rows, circuit.n_inh))
        shifted_ms = (inh.time_ms + shifts_ms[inh.row, inh.cell]) % params.duration_ms
        measured.append(
            Coherent(
                bath_uA_cm2=bath,
                locking=locking(inh, params.n_rows),
                by_chance=locking(replace(inh, time_ms=shifted_ms), params.n_rows),
                exc_Hz=selection.counts[:, 0] / circuit.n_cells / seconds,
                inh_Hz=np.bincount(inh.row, minlength=params.n_rows) / circuit.n_inh / seconds,
            )
        )
        ctx.progress((number + 1) / len(params.baths), f"bath {bath:g} uA/cm2")
    return measured


def locking(spikes: Spikes | SpikeRecord, n_rows: int) -> np.ndarray:
    """Vector strength of a row's pooled spikes at the frequency of 20 to 80 Hz where it is largest, (n_rows,)."""
    strength = np.full(n_rows, np.nan)
    for row in range(n_rows):
        times_s = spikes.time_ms[spikes.row == row] * 1e-3
        if len(times_s):
            strength[row] = np.abs(np.exp(2j * np.pi * BAND_Hz[:, None] * times_s).mean(axis=1)).max()
    return strength


def compete(circuit: InhibitedAttention, params: Params, ctx: RunContext) -> Rivalry:
    """The strongest assembly alone, the rival alone at every contrast, and both together."""
    per_spike = 1e3 / params.duration_ms / circuit.n_cells
    first = _attend(circuit, lone(params.n_rows), params, ctx)
    alone, rival, winner, shown = [], [], [], []
    for contrast in params.contrasts:
        drive = circuit.drive_exc_uA_cm2 - contrast * circuit.score_uA_cm2
        weaker = replace(circuit, drive_exc_uA_cm2=drive)  # alone it is the highest score of its row
        scores = lone(params.n_rows)
        alone.append(_attend(weaker, scores + contrast * (scores < 0), params, ctx).counts[:, 0] * per_spike)
        scores[:, 1] = -contrast
        both = _attend(circuit, scores, params, ctx)
        rival.append(both.counts[:, 1] * per_spike)
        winner.append(both.counts[:, 0] * per_spike)
        shown.append(both)
    return Rivalry(
        alone_Hz=np.array(alone),
        rival_Hz=np.array(rival),
        winner_Hz=np.array(winner),
        winner_alone_Hz=first.counts[:, 0] * per_spike,
        locking=locking(first.spikes, params.n_rows),
        lag_ms=lag_ms(first),
        shown=shown[len(shown) // 2],
    )


def lag_ms(selection: Selection) -> float:
    """Mean time from an E spike to the I spikes within 10 ms before and after, hence from volley to volley."""
    inh, exc = selection.other_spikes["inh"], selection.spikes
    total, n = 0.0, 0
    for row in range(len(selection.counts)):
        gaps_ms = np.subtract.outer(inh.time_ms[inh.row == row], exc.of_row(row).time_ms)
        near = gaps_ms[np.abs(gaps_ms) < WINDOW_ms]
        total, n = total + float(near.sum()), n + len(near)
    return ratio(total, n)


def _attend(circuit: InhibitedAttention, scores: np.ndarray, params: Params, ctx: RunContext) -> Selection:
    return circuit.attend(
        scores, duration_ms=params.duration_ms, rng=ctx.rng, record="all", engine=ctx.engine
    )
