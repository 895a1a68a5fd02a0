"""Programs of assignments, steps and conditions, whose printed values have to be predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pragmatic.checks import at_least, within
from pragmatic.tasks.batch import IGNORED, Batch
from pragmatic.tasks.synthetic import Drawn

__all__ = ["Programs"]


@dataclass(frozen=True, kw_only=True)
class Programs(Drawn):
    """Straight-line programs, a statement a token; the target of a print is the value that it prints.

    Five kinds of statement: x = c, x += 1, x -= 1, if y > c: x += 1 (or -= 1), print x. Values are 1 ... n_values;
    a step beyond either end does nothing. The first statements assign every variable. With all kinds as likely, as
    in the source, an assignment soon makes what was before it irrelevant; fewer of them make longer chains.

    Fan, Lavril, Grave, Joulin and Sukhbaatar (2020), Addressing some limitations of transformers with feedback
    memory, arXiv:2002.09402, section 4.1.1, where a statement is several tokens.
    """

    n_variables: int = 2
    n_values: int = 5
    length: int = 30
    assigning: float = 1.0  # how much likelier an assignment is than any other kind of statement

    needs_causal = True

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("Programs", "n_variables", self.n_variables, 1)
        at_least("Programs", "n_values", self.n_values, 2)
        at_least("Programs", "length", self.length, self.n_variables + 1)
        within("Programs", "assigning", self.assigning, 0.0, 1e3)

    @property
    def n_vocab(self) -> int:
        """Statements that differ."""
        return self._starts[-1]

    @property
    def _starts(self) -> tuple[int, ...]:
        """The first token of each kind, and the number of all: assign, step up, step down, if, print."""
        v, c = self.n_variables, self.n_values
        return tuple(int(n) for n in np.cumsum([0, v * c, v, v, 2 * v * v * (c - 1), v]))

    def batch(self, n: int, rng: np.random.Generator) -> Batch:
        """Draw n programs; each ends with a print, so that none is without a target."""
        v, c, (assign, up, down, when, show, _) = self.n_variables, self.n_values, self._starts
        shape = (n, self.length)
        likely = np.array([self.assigning, 1, 1, 1, 1])
        kind = rng.choice(5, size=shape, p=likely / likely.sum())
        kind[:, :v], kind[:, -1] = 0, 4
        x, y, is_up = (rng.integers(0, m, shape) for m in (v, v, 2))
        x[:, :v] = np.arange(v)
        value = rng.integers(0, np.where(kind == 3, c - 1, c))
        condition = ((y * (c - 1) + value) * 2 + is_up) * v + x
        tokens = np.choose(kind, [assign + x * c + value, up + x, down + x, when + condition, show + x])
        step = np.choose(kind, [0, 1, -1, 2 * is_up - 1, 0])
        printed = self._run(kind, x, y, value, step)
        return Batch.of(tokens, np.where(kind == 4, printed, IGNORED))

    def _run(
        self, kind: np.ndarray, x: np.ndarray, y: np.ndarray, value: np.ndarray, step: np.ndarray
    ) -> np.ndarray:
        """Carry out n programs side by side; after each statement the value of its x, from 0, (n, length)."""
        rows, state = np.arange(len(kind)), np.zeros((len(kind), self.n_variables), dtype=int)
        after = np.empty_like(kind)
        for t in range(self.length):
            old = state[rows, x[:, t]]
            done = (kind[:, t] != 3) | (state[rows, y[:, t]] > value[:, t])
            stepped = np.clip(old + step[:, t] * done, 0, self.n_values - 1)
            state[rows, x[:, t]] = after[:, t] = np.where(kind[:, t] == 0, value[:, t], stepped)
        return after
