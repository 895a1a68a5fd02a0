"""Senders whose rate codes a direction and whose rhythm carries it, after Akam and Kullmann (2012)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from scenarios.workbench.statistics import Estimate, bootstrap

__all__ = ["DT_MS", "N_BINS", "Sender", "Trials", "information", "matched", "plain", "predicted", "send"]

N_BINS = 8  # bins of preferred direction
RATE_HZ = 50_000 / N_BINS  # of the population of one bin (Akam and Kullmann 2012)
DT_MS = 1.0
BEFORE_MS = 100.0  # the rhythm and a receiver run in
FREQUENCY_NOISE = AMPLITUDE_NOISE = 0.1  # standard deviations over means (Akam and Kullmann 2012)


@dataclass(frozen=True, kw_only=True)
class Sender:
    """One population of `N_BINS` bins; modulated by exp(kappa cos phase) / I0(kappa), or not if kappa is 0."""

    kappa: float = 0.63
    f_Hz: float = 50.0
    rate: float = 1.0  # over that of the reference
    follows: int | None = None  # the sender whose phase it keeps, at `lag_rad`; its own phase if None
    lag_rad: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Trials:
    """What was sent in windows; the first half of the trials has the first of two directions of the target."""

    counts: np.ndarray  # (n_trials, n_steps, N_BINS) summed over senders, `BEFORE_MS` included
    modulation: np.ndarray  # (n_trials, n_steps, n_senders), 1 on average
    tuned: np.ndarray  # (n_trials, n_senders, N_BINS) rates of the bins over the mean of all bins
    apart_rad: float  # between the two directions

    @property
    def start(self) -> int:
        """First step of the window."""
        return round(BEFORE_MS / DT_MS)

    @property
    def second(self) -> np.ndarray:
        """Trials with the second direction, (n_trials,) bool."""
        return np.arange(len(self.counts)) >= len(self.counts) // 2


def send(
    senders: tuple[Sender, ...],
    n_trials: int,
    window_ms: float,
    rng: np.random.Generator,
    *,
    apart_rad: float = 0.1,
    target: int = 0,
) -> Trials:
    """Draw trials: the target's direction is one of two, those of the others are anywhere."""
    n_steps = round((BEFORE_MS + window_ms) / DT_MS)
    phases: list[np.ndarray] = []
    for sender in senders:
        kept = None if sender.follows is None else phases[sender.follows]
        phases.append(_phase(sender, n_trials, n_steps, rng) if kept is None else kept - sender.lag_rad)
    modulation = np.stack(
        [_modulation(s, phase, rng) for s, phase in zip(senders, phases, strict=True)], axis=-1
    )
    direction = rng.uniform(-np.pi, np.pi, (n_trials, len(senders)))
    direction[:, target] = np.where(np.arange(n_trials) >= n_trials // 2, 0.5, -0.5) * apart_rad
    tuned = tuning(direction)
    expected = RATE_HZ * DT_MS * 1e-3 * (modulation @ (tuned * np.array([s.rate for s in senders])[:, None]))
    return Trials(counts=rng.poisson(expected), modulation=modulation, tuned=tuned, apart_rad=apart_rad)


def tuning(direction: np.ndarray) -> np.ndarray:
    """Rates of the bins over their mean, (..., N_BINS): (2/3)(1 + cos)^2."""
    preferred = 2 * np.pi * np.arange(N_BINS) / N_BINS
    return 2 / 3 * (1 + np.cos(direction[..., None] - preferred)) ** 2


def _phase(sender: Sender, n_trials: int, n_steps: int, rng: np.random.Generator) -> np.ndarray:
    """Phase with a frequency that wanders, (n_trials, n_steps)."""
    wander = 1 + FREQUENCY_NOISE * _slow(sender.f_Hz, n_trials, n_steps, rng)
    turned = 2 * np.pi * sender.f_Hz * DT_MS * 1e-3 * np.cumsum(wander, axis=1)
    return rng.uniform(0, 2 * np.pi, (n_trials, 1)) + turned


def _slow(f_Hz: float, n_trials: int, n_steps: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit variance with no power above half the frequency, (n_trials, n_steps)."""
    n = 4 * max(n_steps, round(1e3 / f_Hz / DT_MS))  # longer than what is used, whose ends would meet
    spectrum = np.fft.rfft(rng.standard_normal((n_trials, n)), axis=1)
    passed = np.fft.rfftfreq(n, DT_MS * 1e-3) <= f_Hz / 2
    noise = np.fft.irfft(spectrum * passed, n, axis=1)
    return noise[:, :n_steps] / np.sqrt((2 * passed.sum() - 1) / n)


def _modulation(sender: Sender, phase: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if sender.kappa == 0:
        return np.ones_like(phase)
    kappa = sender.kappa * (1 + AMPLITUDE_NOISE * _slow(sender.f_Hz, len(phase), phase.shape[1], rng))
    return np.exp(kappa * np.cos(phase)) / special.i0(sender.kappa)


def matched(trials: Trials, of: int = 0) -> np.ndarray:
    """Bins of the window weighted with one sender's modulation less its mean, (n_trials, N_BINS)."""
    wave = trials.modulation[:, trials.start :, of]
    return np.einsum("nt,ntb->nb", wave - wave.mean(axis=1, keepdims=True), trials.counts[:, trials.start :])


def plain(trials: Trials) -> np.ndarray:
    """Spikes of the window, (n_trials, N_BINS)."""
    return trials.counts[:, trials.start :].sum(axis=1)


def information(read: np.ndarray, trials: Trials, rng: np.random.Generator) -> Estimate:
    """Linear Fisher information about the target's direction in what was read, per rad^2.

    Corrected for the bias of a covariance from few trials (Kanitscheider et al. 2015, PLoS Comput Biol
    11:e1004218). Bins in which nothing varies are left out.

    Parameters
    ----------
    read : (n_trials, N_BINS) array
    trials : Trials
    rng : numpy.random.Generator
    """
    read = read[:, read.std(axis=0) > 0]
    halves = read[~trials.second], read[trials.second]
    n, n_bins = len(halves[0]), read.shape[1]
    if n_bins == 0:
        return Estimate(value=0.0, error=0.0)

    def squared(*sides: np.ndarray) -> float:
        covariance = np.mean([np.cov(side.T).reshape(n_bins, n_bins) for side in sides], axis=0)
        apart = sides[1].mean(axis=0) - sides[0].mean(axis=0)
        return float(apart @ np.linalg.pinv(covariance) @ apart)

    corrected = (2 * n - n_bins - 3) / (2 * n - 2)
    value = squared(*halves) * corrected - 2 * n_bins / n

    def resampled(rows: np.ndarray) -> float:
        return squared(*(side[rows[rows < n]] for side in halves))

    error = bootstrap(resampled, n, rng, 100).error
    scale = trials.apart_rad**2
    return Estimate(value=value / scale, error=error / scale)


def predicted(trials: Trials, *, filtered: bool) -> float:
    """What leaks of the rivals and the Poisson noise of all leave of the information, per rad^2.

    The tuning has Fourier amplitudes a of 4/3 and 1/3 at k = 1 and 2. Each of D rivals leaves a share of itself
    whose mean square is l, in a random direction: variance D l a^2 / 2 in each of a harmonic's two components, and
    the noise s^2 of a bin adds 2 s^2 / N_BINS. The information is the sum of (k a)^2 over these variances.
    """
    sent = trials.modulation[:, trials.start :]
    wave = sent[..., 0] - sent[..., 0].mean(axis=1, keepdims=True) if filtered else np.ones_like(sent[..., 0])
    passed = np.einsum("nt,nts->ns", wave, sent)
    leak = (passed[:, 1:] / passed[:, :1]) ** 2
    noise = (wave**2 * sent.sum(axis=2)).sum(axis=1) / (RATE_HZ * DT_MS * 1e-3 * passed[:, 0] ** 2)
    k, a = np.array([1, 2]), np.array([4 / 3, 1 / 3])
    return float(np.sum((k * a) ** 2 / (leak.sum(axis=1).mean() * a**2 / 2 + 2 * noise.mean() / N_BINS)))
