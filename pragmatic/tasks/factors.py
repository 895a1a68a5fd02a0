"""Binary variables tied by sparse factors, small enough to be known exactly: each state is visited.

Bengio (2017), The consciousness prior, arXiv:1709.08568: statements touch few variables each, so that what is known
is a sparse factor graph. Here p(x) is proportional to exp(strength * sum over factors of the product of their
variables), x = -1 or 1. A factor of two variables ties them in pairs; of one with three no two are correlated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pragmatic.checks import at_least, check_rng, within

__all__ = ["MOST_VARIABLES", "FactorGraph"]

MOST_VARIABLES = 16  # of which each of the 2^n states is visited


@dataclass(frozen=True)
class FactorGraph:
    """Which variables are tied to each other, and how strongly."""

    n_variables: int
    factors: tuple[tuple[int, ...], ...]
    strength: float

    def __post_init__(self) -> None:
        at_least("FactorGraph", "n_variables", self.n_variables, 2)
        within("FactorGraph", "n_variables", self.n_variables, 2, MOST_VARIABLES)
        within("FactorGraph", "strength", self.strength, 0, 20)
        for factor in self.factors:
            if len(set(factor)) < len(factor) or not set(factor) <= set(range(self.n_variables)):
                raise ValueError(
                    f"a factor must name different variables below {self.n_variables}, got {factor}; "
                    "count them from 0"
                )

    @classmethod
    def drawn(
        cls, n_variables: int, sizes: tuple[int, ...], strength: float, rng: np.random.Generator
    ) -> FactorGraph:
        """Draw factors of these sizes, each of the variables that have been tied least so far, in random order."""
        check_rng(rng)
        used, factors = np.zeros(n_variables), []
        for size in sizes:
            chosen = np.lexsort((rng.random(n_variables), used))[:size]
            used[chosen] += 1
            factors.append(tuple(sorted(int(v) for v in chosen)))
        return cls(n_variables, tuple(factors), strength)

    @cached_property
    def states(self) -> np.ndarray:
        """Every state, (2^n, n) of -1 and 1."""
        bits = (np.arange(2**self.n_variables)[:, None] >> np.arange(self.n_variables)) & 1
        return 2.0 * bits - 1

    @cached_property
    def probability(self) -> np.ndarray:
        """Of every state, (2^n,)."""
        energy = sum((self.states[:, list(f)].prod(axis=1) for f in self.factors), np.zeros(len(self.states)))
        weight = np.exp(self.strength * (energy - energy.max()))
        return weight / weight.sum()

    @cached_property
    def edges(self) -> np.ndarray:
        """Pairs of variables that share a factor, (n, n) bool."""
        tied = np.zeros((self.n_variables, self.n_variables), dtype=bool)
        for factor in self.factors:
            tied[np.ix_(factor, factor)] = True
        np.fill_diagonal(tied, False)
        return tied

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw states, (n, n_variables) of -1 and 1, exactly."""
        return self.states[rng.choice(len(self.states), size=n, p=self.probability)]

    def log_odds(self, x: np.ndarray) -> np.ndarray:
        """Compute ln P(x_i = 1) / P(x_i = -1) of each variable given all others, (n, n_variables)."""
        odds = np.zeros(x.shape)
        for factor in self.factors:
            for i in factor:
                odds[:, i] += 2 * self.strength * x[:, [j for j in factor if j != i]].prod(axis=1)
        return odds
