"""Tasks for attention: recall, induction and copy, sorting; and the table of all tasks, including text."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pragmatic.checks import at_least, within
from pragmatic.score_maps import NameTable
from pragmatic.tasks.batch import IGNORED, Batch, Task
from pragmatic.tasks.text import Text

__all__ = ["TASKS", "AssociativeRecall", "Drawn", "Induction", "Sorting"]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A task whose sequences are drawn anew, so that two are unlikely to be equal; subclasses define `batch`."""

    held_out_seed: int = 0  # the same sequences to evaluate on for every model and training seed

    def __post_init__(self) -> None:
        at_least(type(self).__name__, "held_out_seed", self.held_out_seed, 0)

    def batch(self, n: int, rng: np.random.Generator) -> Batch:
        """Draw n sequences."""
        raise NotImplementedError

    def held_out(self, n: int) -> Batch:
        """Draw n sequences from a separate random stream, the same at each call."""
        return self.batch(n, np.random.default_rng([self.held_out_seed, 0x4E1D]))


@dataclass(frozen=True, kw_only=True)
class AssociativeRecall(Drawn):
    """Multi-query associative recall: pairs of key and value, then each key again; the target is its value.

    Tokens: 0 a blank, then n_symbols keys, then n_symbols values. The 2 n_pairs first positions hold the
    pairs; of the places after them, two positions each, n_pairs get one key, near ones more often; the rest
    is blank. Values stand nowhere but in the pairs.

    Arora et al. (2023), Zoology: measuring and improving recall in efficient language models,
    arXiv:2312.04927, appendix on synthetic data; there the blanks of a large vocabulary are random tokens.
    """

    n_pairs: int = 8
    n_symbols: int = 32  # keys, and as many values
    length: int = 64
    power: float = 0.01  # place x of a key's second time has probability proportional to x^(power - 1)

    needs_causal = False

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("AssociativeRecall", "n_pairs", self.n_pairs, 1)
        at_least("AssociativeRecall", "n_symbols", self.n_symbols, self.n_pairs)
        at_least("AssociativeRecall", "length", self.length, 4 * self.n_pairs)
        within("AssociativeRecall", "power", self.power, 0.0, 1.0)

    @property
    def n_vocab(self) -> int:
        """The blank, keys, values."""
        return 1 + 2 * self.n_symbols

    def batch(self, n: int, rng: np.random.Generator) -> Batch:
        """Draw n sequences."""
        context = 2 * self.n_pairs
        keys = 1 + _without_replacement(n, self.n_symbols, self.n_pairs, rng)  # (n, n_pairs)
        values = 1 + self.n_symbols + _without_replacement(n, self.n_symbols, self.n_pairs, rng)
        nearness = (self.power - 1.0) * np.log(np.arange(1, (self.length - context) // 2 + 1))
        places = context + 2 * _without_replacement(n, len(nearness), self.n_pairs, rng, nearness)
        tokens = np.zeros((n, self.length), dtype=np.int64)
        tokens[:, 0:context:2], tokens[:, 1:context:2] = keys, values
        targets = np.full((n, self.length), IGNORED)
        np.put_along_axis(tokens, places, keys, axis=1)
        np.put_along_axis(targets, places, values, axis=1)
        return Batch.of(tokens, targets)


@dataclass(frozen=True, kw_only=True)
class Induction(Drawn):
    """Different symbols, repeated to the end of the sequence; the target is the next one, from round two on.

    The number of symbols in a round is drawn for each sequence, so that position alone does not tell the next:
    a head has to find what followed this symbol before. With shortest = longest, position does tell: copying.

    Olsson et al. (2022), In-context learning and induction heads, Transformer Circuits Thread.
    """

    n_symbols: int = 32
    length: int = 64
    shortest: int = 12  # symbols in a round
    longest: int = 32

    needs_causal = True

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("Induction", "shortest", self.shortest, 1)
        at_least("Induction", "longest", self.longest, self.shortest)
        at_least("Induction", "n_symbols", self.n_symbols, self.longest)
        at_least("Induction", "length", self.length, self.longest + 1)

    @property
    def n_vocab(self) -> int:
        """The symbols."""
        return self.n_symbols

    def batch(self, n: int, rng: np.random.Generator) -> Batch:
        """Draw n sequences."""
        period = rng.integers(self.shortest, self.longest + 1, size=(n, 1))
        symbols = _without_replacement(n, self.n_symbols, self.longest, rng)
        position = np.arange(self.length + 1)
        repeated = np.take_along_axis(symbols, position % period, axis=1)  # (n, length + 1)
        return Batch.of(repeated[:, :-1], np.where(position[:-1] >= period, repeated[:, 1:], IGNORED))


@dataclass(frozen=True, kw_only=True)
class Sorting(Drawn):
    """Symbols, a separator, then the same symbols in order; the targets are the ordered ones."""

    n_symbols: int = 32
    n_items: int = 16

    needs_causal = True

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("Sorting", "n_symbols", self.n_symbols, 2)
        at_least("Sorting", "n_items", self.n_items, 2)

    @property
    def n_vocab(self) -> int:
        """The symbols and the separator."""
        return self.n_symbols + 1

    @property
    def length(self) -> int:
        """Items, separator, and all ordered ones but the last, which is only ever a target."""
        return 2 * self.n_items

    def batch(self, n: int, rng: np.random.Generator) -> Batch:
        """Draw n sequences."""
        items = rng.integers(0, self.n_symbols, size=(n, self.n_items))
        ordered = np.sort(items, axis=1)
        separator = np.full((n, 1), self.n_symbols)
        unasked = np.full((n, self.n_items), IGNORED)
        return Batch.of(
            np.concatenate([items, separator, ordered[:, :-1]], axis=1),
            np.concatenate([unasked, ordered], axis=1),
        )


def _without_replacement(
    n: int, n_choices: int, n_chosen: int, rng: np.random.Generator, log_odds: np.ndarray | float = 0.0
) -> np.ndarray:
    """n times n_chosen different numbers below n_choices (n, n_chosen), in the order drawn.

    The largest of log-odds plus Gumbel noise are such a draw (Yellott 1977; Vieira 2014).
    """
    noisy = log_odds + rng.gumbel(size=(n, n_choices))
    return np.argsort(-noisy, axis=1)[:, :n_chosen]


def _copy(*, n_symbols: int = 32, length: int = 64, held_out_seed: int = 0) -> Induction:
    period = min(n_symbols, math.ceil(length / 2))
    return Induction(
        n_symbols=n_symbols, length=length, shortest=period, longest=period, held_out_seed=held_out_seed
    )


TASKS: NameTable[Callable[..., Task]] = NameTable(
    "task",
    {  # each makes a task from its fields, all of which have defaults
        "recall": AssociativeRecall,
        "induction": Induction,
        "copy": _copy,
        "sort": Sorting,
        "text": Text.embedded,
    },
)
