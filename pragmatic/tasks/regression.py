"""Linear regression in context: examples of an unknown linear map, then a question; with its closed forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pragmatic.checks import at_least

__all__ = ["Examples", "LinearTasks", "averaging_error", "least_squares", "step_loss", "step_size"]

INPUTS = ("uniform", "normal")


class Examples(NamedTuple):
    """Tasks, each with inputs and what the task's map makes of them."""

    x: np.ndarray  # (n_tasks, n_points, d)
    y: np.ndarray  # (n_tasks, n_points)


@dataclass(frozen=True, kw_only=True)
class LinearTasks:
    """y = w · x with w ~ N(0, I) for each task, and inputs of every point alike."""

    d: int = 5
    inputs: str = "normal"  # each component N(0, 1) (Garg et al. 2022), or U(-1, 1) (von Oswald et al. 2023)

    def __post_init__(self) -> None:
        at_least("LinearTasks", "d", self.d, 1)
        if self.inputs not in INPUTS:
            raise ValueError(f"LinearTasks.inputs must be one of {', '.join(INPUTS)}; got {self.inputs!r}")

    def draw(
        self, n_tasks: int, n_points: int, rng: np.random.Generator, n_active: int | None = None
    ) -> Examples:
        """Draw tasks of so many points each; of their inputs only the first `n_active` components are not 0."""
        shape = (n_tasks, n_points, self.d)
        x = rng.normal(size=shape) if self.inputs == "normal" else rng.uniform(-1, 1, shape)
        x[..., self.d if n_active is None else n_active :] = 0.0
        return Examples(x, np.einsum("tpd,td->tp", x, rng.normal(size=(n_tasks, self.d))))


def step_size(d: int, n_examples: int) -> float:
    """Best size of the one step of gradient descent from w = 0, inputs U(-1, 1).

    With S = (1/N) sum x x^T the loss after a step of size eta is E |x·(I - eta S) w|^2 / 2, smallest at
    E tr S / E tr S^2. For U(-1, 1) the variance is 1/3 and the fourth moment 1/5.
    """
    return (d / 3) / _trace_of_square(d, n_examples)


def step_loss(d: int, n_examples: int) -> float:
    """Half the expected squared error after that step: (d - (E tr S)^2 / E tr S^2) / 6.

    Von Oswald, Niklasson, Randazzo, Sacramento, Mordvintsev, Zhmoginov and Vladymyrov (2023), Transformers learn
    in-context by gradient descent, ICML: what a trained layer of linear attention reaches.
    """
    return (d - (d / 3) ** 2 / _trace_of_square(d, n_examples)) / 6


def _trace_of_square(d: int, n: int) -> float:
    """E tr S^2: the same example twice, E |x|^4 = d/5 + d(d-1)/9, or two different ones, d/9."""
    return (d / 5 + d * (d - 1) / 9) / n + (n - 1) / n * d / 9


def least_squares(known: Examples, asked: np.ndarray) -> np.ndarray:
    """Predict (n_tasks,) by the smallest w that fits all examples.

    Parameters
    ----------
    known : Examples
    asked : (n_tasks, d) array
    """
    if known.x.shape[1] == 0:
        return np.zeros(len(asked))
    w = np.einsum("tdp,tp->td", np.linalg.pinv(known.x), known.y)
    return np.einsum("td,td->t", w, asked)


def averaging_error(d: int, n_examples: int) -> float:
    """Expected squared error / d of w = (1/k) sum y x, inputs N(0, 1): (d + 1)/k; 1 without an example.

    Garg, Tsipras, Liang and Valiant (2022), What can transformers learn in-context?, NeurIPS, compare with it.
    """
    return (d + 1) / n_examples if n_examples else 1.0
