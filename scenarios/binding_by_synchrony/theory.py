"""Phase models of objects whose parts attract and that repel one another."""

from __future__ import annotations

import numpy as np

__all__ = ["phase_model"]

CELLS = 8  # of an object
STEP, STEPS = 0.02, 3000  # of Euler's method, in units of one over the repulsion


def phase_model(n_objects: int, harmonics: int, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Let objects of phase oscillators come to rest from random phases.

    A cell is moved by n_objects sin(D) of the cells of its object and by -sin(h D) / h, h from 1 to `harmonics`, of
    the cells of all others, each a mean over the cells of an object.

    Returns
    -------
    (n_draws, 3) array
        Mean cosine of phase differences within and between objects, and the smallest gap over even spacing.
    """
    phase = rng.uniform(0, 2 * np.pi, (n_draws, n_objects, CELLS))
    for _ in range(STEPS):
        move = n_objects * _pull(phase, 1)[0]
        for h in range(1, harmonics + 1):
            own, everyone = _pull(phase, h)
            move -= (everyone - own) / h
        phase = phase + STEP * move
    mean = np.exp(1j * phase).mean(axis=2)  # (n_draws, n_objects)
    within = ((CELLS * np.abs(mean) ** 2 - 1) / (CELLS - 1)).mean(axis=1)
    of_all, of_each = np.abs(mean.sum(axis=1)) ** 2, (np.abs(mean) ** 2).sum(axis=1)
    between = (of_all - of_each) / (n_objects * (n_objects - 1))
    place = np.sort(np.angle(mean) % (2 * np.pi), axis=1)
    gap = np.diff(place, axis=1, append=place[:, :1] + 2 * np.pi).min(axis=1) * n_objects / (2 * np.pi)
    return np.stack([within, between, gap], axis=1)


def _pull(phase: np.ndarray, h: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum of sin(h (other - own)), of the cells of the same object (a mean) and of all objects (their means)."""
    turned = np.exp(1j * h * phase)
    mean = turned.mean(axis=2, keepdims=True)
    return (mean * turned.conj()).imag, (mean.sum(axis=1, keepdims=True) * turned.conj()).imag
