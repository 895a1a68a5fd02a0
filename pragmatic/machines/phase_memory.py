"""Associative memories of phases: oscillators with a second harmonic, and threshold phasors, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pragmatic.checks import at_least, within

__all__ = ["PhaseOscillators", "PhasorMemory", "cosine", "overlap", "phase_patterns", "sign_patterns"]


def sign_patterns(n_patterns: int, n_units: int, rng: np.random.Generator) -> np.ndarray:
    """Random patterns of -1 and 1, (n_patterns, n_units)."""
    return rng.choice([-1.0, 1.0], (n_patterns, n_units))


def phase_patterns(n_patterns: int, n_units: int, n_active: int, rng: np.random.Generator) -> np.ndarray:
    """Random patterns of `n_active` units of modulus 1 at random phases, (n_patterns, n_units) complex."""
    patterns = np.zeros((n_patterns, n_units), dtype=complex)
    active = np.argsort(rng.random((n_patterns, n_units)), axis=1)[:, :n_active]
    phases = np.exp(2j * np.pi * rng.random((n_patterns, n_active)))
    np.put_along_axis(patterns, active, phases, axis=1)
    return patterns


@dataclass(frozen=True, kw_only=True)
class PhaseOscillators:
    """Oscillators coupled by a Hebb rule and by a second harmonic (Nishikawa, Lai and Hoppensteadt 2004).

    phi_i' = sum_j C_ij sin(phi_j - phi_i) + (epsilon / N) sum_j sin 2 (phi_j - phi_i), C the mean over units of the
    patterns' products, PRL 92:108101. In a pattern units are in phase or in antiphase. The second harmonic holds
    any such state; at 0 patterns are lost at once.

    Attributes
    ----------
    patterns : (n_patterns, n_units) array of -1 and 1
    epsilon : float
        Strength of the second harmonic.
    """

    patterns: np.ndarray
    epsilon: float = 0.25

    def __post_init__(self) -> None:
        within("PhaseOscillators", "epsilon", self.epsilon, 0.0, 10.0)

    def settle(self, phases: np.ndarray, *, duration: float = 300.0, dt: float = 0.2) -> np.ndarray:
        """Let the phases run from (..., n_units) for `duration`, by Euler's method; returns the phases."""
        n_units = self.patterns.shape[1]
        for _ in range(round(duration / dt)):
            z = np.exp(1j * phases)
            learnt = (z @ self.patterns.T) @ self.patterns / n_units
            second = self.epsilon * np.mean(z * z, axis=-1, keepdims=True) * np.conj(z) ** 2
            phases = phases + dt * (learnt * np.conj(z) + second).imag
        return phases

    def holds(self, state: np.ndarray) -> bool:
        """Whether a state of -1 and 1 is stable.

        It is, where the largest eigenvalue of the linearised coupling is below 2 epsilon, that of a common shift of
        all phases aside.
        """
        n_units = self.patterns.shape[1]
        coupling = self.patterns.T @ self.patterns / n_units * np.outer(state, state)
        np.fill_diagonal(coupling, 0.0)
        linear = coupling - np.diag(coupling.sum(axis=1))
        flat = np.eye(n_units) - 1 / n_units  # off the common shift
        return bool(np.linalg.eigvalsh(flat @ linear @ flat)[-1] < 2 * self.epsilon)


def overlap(phases: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    """|mean of pattern exp(i phase)|, (...): 1 where all units agree up to one common phase."""
    return np.abs((pattern * np.exp(1j * phases)).mean(axis=-1))


@dataclass(frozen=True, kw_only=True)
class PhasorMemory:
    """Threshold phasor associative memory (Frady and Sommer 2019, PNAS 116:18050).

    z := exp(i arg a) where |a| > threshold / sqrt(K), else 0, with a = J z / |z| and J the sum of s s^dagger, s
    patterns of K active units and norm 1, its diagonal 0.

    Attributes
    ----------
    patterns : (n_patterns, n_units) complex array
        Of modulus 1 in the active units, as `phase_patterns` draws them.
    threshold : float
    """

    patterns: np.ndarray
    threshold: float = 0.6

    def __post_init__(self) -> None:
        within("PhasorMemory", "threshold", self.threshold, 0.0, 10.0)
        at_least("PhasorMemory", "patterns", len(self.patterns), 1)

    @property
    def fewest(self) -> float:
        """Active units that a cue must exceed, or else it falls silent: threshold^2 K, what it makes of itself."""
        return self.threshold**2 * self.n_active

    @property
    def n_active(self) -> int:
        """Units of a pattern."""
        return int(np.count_nonzero(self.patterns[0]))

    def synapses(self) -> np.ndarray:
        """J, (n_units, n_units) complex."""
        coupling = self.patterns.T @ self.patterns.conj() / self.n_active
        np.fill_diagonal(coupling, 0.0)
        return coupling

    def settle(self, states: np.ndarray, *, n_steps: int = 30) -> np.ndarray:
        """Update states (n, n_units) so often; returns them, of modulus 0 or 1."""
        coupling = self.synapses()
        for _ in range(n_steps):
            norm = np.linalg.norm(states, axis=1, keepdims=True)
            sums = states @ coupling.T / np.maximum(norm, 1e-9)
            size = np.abs(sums)
            fires = size > self.threshold / self.n_active**0.5
            states = np.where(fires, sums / np.maximum(size, 1e-12), 0.0)
        return states


def cosine(states: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    """|<pattern, state>| over both norms, (n,); 0 for a silent state."""
    inner = np.abs((patterns.conj() * states).sum(axis=-1))
    norms = np.linalg.norm(states, axis=-1) * np.linalg.norm(patterns, axis=-1)
    return np.divide(inner, norms, out=np.zeros_like(inner), where=norms > 0)
