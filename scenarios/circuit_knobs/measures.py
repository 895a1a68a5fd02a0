"""What circuit-knobs measures: rows under each setting of each knob, and what the setting did to their law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from scenarios.circuit_knobs.effects import fitted_effects, jackknife
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate
from spiking import GammaCircuit, GammaParams, Selection
from spiking.calibration import effective_gain
from spiking.measures.rhythm import cycles

if TYPE_CHECKING:
    from scenarios.circuit_knobs import Params

__all__ = [
    "BASE",
    "KNOBS",
    "PARAMETERS",
    "Circuit",
    "Rows",
    "Setting",
    "Spikes",
    "attend",
    "measure",
    "settings_of",
]

KNOBS = {"drive": "drive of half the keys", "gain": "gain of the drive", "inhibition": "inhibition"}
PARAMETERS = {
    "bias": "bias (log odds)",
    "beta": "ln inverse temperature",
    "spikes": "ln spikes a cycle",
    "keys": "ln distinct keys a cycle",
}
GAMMA_MS = 25.0  # window where no row has a rhythm
FEWEST = 1e-2  # spikes a cycle, and beta, whose logarithm is still taken


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Where the knobs stand, in nats from the circuit's own parameters."""

    drive: float = 0.0  # more current into half the keys, in scores
    gain: float = 0.0  # ln of a factor
    inhibition: float = 0.0  # the same


BASE = Setting()


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Scores, and the half of each row's keys that the drive favours."""

    scores: np.ndarray  # (n_rows, n_keys)
    favoured: np.ndarray  # (n_rows, n_keys) bool

    @classmethod
    def draw(cls, n_rows: int, n_keys: int, spread: float, rng: np.random.Generator) -> Rows:
        """Normal scores; which half is favoured does not depend on them."""
        order = rng.random((n_rows, n_keys)).argsort(axis=1)
        return cls(scores=rng.normal(0, spread, (n_rows, n_keys)), favoured=order < n_keys // 2)

    @property
    def causes(self) -> np.ndarray:
        """Score and favour of each key, (n_rows, n_keys, 2)."""
        return np.stack([self.scores, self.favoured], axis=2)

    def law(self, setting: Setting) -> np.ndarray:
        """What the knobs are meant to make of the softmax, (n_rows, n_keys)."""
        weights: np.ndarray = softmax(
            np.exp(setting.gain) * self.scores + setting.drive * self.favoured, axis=1
        )
        return weights


@dataclass(frozen=True, kw_only=True)
class Spikes:
    """What one setting left of every row; C the most cycles of a row."""

    counts: np.ndarray  # (n_rows, n_keys)
    totals: np.ndarray  # (n_rows, C) spikes of each complete cycle, nan where a row has no more
    distinct: np.ndarray  # (n_rows, C) keys that spike in it
    f_Hz: float  # mean over rows with a rhythm
    rhythmic: float  # fraction of these

    @classmethod
    def of(cls, a_cycle: np.ndarray, counts: np.ndarray, f_Hz: np.ndarray) -> Spikes:
        """From the spikes of each cycle (n_rows, C, n_keys), of all time, and each row's frequency."""
        known = np.isfinite(f_Hz)
        return cls(
            counts=counts,
            totals=a_cycle.sum(axis=2),
            distinct=np.where(np.isnan(a_cycle), np.nan, a_cycle > 0).sum(axis=2),
            f_Hz=float(f_Hz[known].mean()) if known.any() else np.nan,
            rhythmic=float(known.mean()),
        )

    def twin(self, law: np.ndarray, rng: np.random.Generator) -> Spikes:
        """As many independent samples of the law in each cycle."""
        n = np.nan_to_num(self.totals).astype(int)
        drawn = rng.multinomial(n, law[:, None, :]).astype(float)  # (n_rows, C, n_keys)
        drawn[np.isnan(self.totals)] = np.nan
        return Spikes.of(drawn, np.nansum(drawn, axis=1), np.full(len(law), self.f_Hz))


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """One circuit's answers to its knobs: "random", "regular", "cut", or the sampled "twin"."""

    runs: Mapping[Setting, Spikes]
    causes: np.ndarray  # (n_rows, n_keys, 2)

    def along(self, knob: str) -> list[Setting]:
        """The settings that turn this knob alone, from low to high."""
        others = [name for name in KNOBS if name != knob]
        alone = [s for s in self.runs if not any(getattr(s, name) for name in others)]
        return sorted(alone, key=lambda s: getattr(s, knob))

    def read(self, setting: Setting, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """The parameters of PARAMETERS under a setting, (4,)."""
        spikes = self.runs[setting]
        beta, bias = fitted_effects(spikes.counts[rows], self.causes[rows])
        sizes = (np.log(max(float(np.nanmean(of[rows])), FEWEST)) for of in (spikes.totals, spikes.distinct))
        return np.array([bias, np.log(max(beta, FEWEST)), *sizes])

    def slopes(self, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Nats of each parameter for a nat of each knob, least squares, (3 knobs, 4 parameters)."""
        found = []
        for knob in KNOBS:
            settings = self.along(knob)
            turned = np.array([getattr(s, knob) for s in settings])
            values = np.stack([self.read(s, rows) for s in settings])
            found.append(np.polyfit(turned, values, 1)[0])
        return np.stack(found)

    @cached_property
    def estimates(self) -> dict[str, list[list[Estimate]]]:
        """ "slopes" and "crosstalk", with errors by leaving groups of rows out."""

        def both(rows: np.ndarray) -> np.ndarray:
            slopes = self.slopes(rows)
            own = np.diag(slopes)[:, None]
            return np.stack([slopes, slopes / np.where(own == 0, np.nan, own)])

        n_rows = len(self.causes)
        values, errors = both(np.arange(n_rows)), jackknife(both, n_rows)
        return {
            name: [
                [Estimate(value=float(v), error=float(e)) for v, e in zip(of_knob, theirs, strict=True)]
                for of_knob, theirs in zip(values[i], errors[i], strict=True)
            ]
            for i, name in enumerate(("slopes", "crosstalk"))
        }

    def apart(self, corners: list[Setting]) -> np.ndarray:
        """How far knobs turned together are from the sum of each alone, largest over corners, (4,) nats."""
        base = self.read(BASE)
        far = []
        for corner in corners:
            alone = (self.read(replace(BASE, **{knob: getattr(corner, knob)})) - base for knob in KNOBS)
            far.append(np.abs(self.read(corner) - base - sum(alone)))
        return np.max(far, axis=0)


def settings_of(params: Params) -> tuple[list[Setting], list[Setting]]:
    """Each knob turned alone, and all together to both ends."""
    reach = {"drive": params.bias, "gain": np.log(params.factor), "inhibition": np.log(params.factor)}
    parts = np.arange(-params.steps, params.steps + 1) / params.steps
    alone = {
        Setting(**{knob: float(part * most) if part else 0.0})
        for knob, most in reach.items()
        for part in parts
    }
    signs = [(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]
    corners = [
        Setting(**{k: float(sign * most) for sign, (k, most) in zip(of, reach.items(), strict=True)})
        for of in signs
    ]
    return sorted(alone, key=lambda s: (s.drive, s.gain, s.inhibition)), corners


def measure(
    name: str, circuit: GammaParams, rows: Rows, settings: list[Setting], params: Params, ctx: RunContext
) -> Circuit:
    """Run every setting on the same rows, with new spikes each."""
    runs = {}
    for setting in settings:
        with simulation(ctx, name, share=1 / len(settings)) as options:
            selection = attend(circuit, rows, setting, params.duration_ms, **options)
        f_Hz = selection.f_gamma_Hz
        runs[setting] = Spikes.of(spikes_a_cycle(selection), selection.counts, f_Hz)
    return Circuit(runs=runs, causes=rows.causes)


def attend(
    params: GammaParams, rows: Rows, setting: Setting, duration_ms: float, **options: Any
) -> Selection:
    """One setting. The current enters after the gain, as a tonic input to the favoured cells does."""
    gain = effective_gain(params) * float(np.exp(setting.gain))
    inhibition = params.inhibition * float(np.exp(setting.inhibition))
    circuit = GammaCircuit(replace(params, gain=gain, inhibition=inhibition))
    scores = rows.scores + setting.drive / gain * rows.favoured
    return circuit.attend(scores, duration_ms=duration_ms, record="all", **options)


def spikes_a_cycle(selection: Selection) -> np.ndarray:
    """Spikes of each key in each complete cycle, (n_rows, C, n_keys), nan where a row has fewer cycles.

    Cycles of the row's own rhythm; where it has none, windows of GAMMA_MS.
    """
    found, spikes = cycles(selection.field, selection.field_dt_ms, selection.f_gamma_Hz), selection.spikes
    has_rhythm, (n_rows, n_keys) = found.n_cycles > 0, selection.counts.shape
    n_cycles = np.where(has_rhythm, found.n_cycles, int(selection.duration_ms / GAMMA_MS))
    sample = np.minimum((spikes.time_ms / selection.field_dt_ms).astype(int), selection.field.shape[1] - 1)
    cycle = found.cycle_index[spikes.row, sample]
    cycle = np.where(has_rhythm[spikes.row], cycle, (spikes.time_ms / GAMMA_MS).astype(int))
    inside = (cycle >= 0) & (cycle < n_cycles[spikes.row])
    counted = np.zeros((n_rows, int(n_cycles.max()), n_keys))
    np.add.at(counted, (spikes.row[inside], cycle[inside], spikes.key[inside]), 1)
    counted[np.arange(counted.shape[1])[None] >= n_cycles[:, None]] = np.nan
    return counted
