"""Constructions that look things up: counting matches, reading a cell by its address, choosing a branch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pragmatic.attention import Attended, dot_product_head
from pragmatic.checks import at_least, within
from pragmatic.score_maps import ScoreMap

__all__ = ["AddressedMemory", "GatedBranches", "SelectorWidth", "Switch", "addresses", "as_bits"]


def as_bits(numbers: Tensor, n_bits: int) -> Tensor:
    """The low bits of whole numbers as -1 and 1, lowest first, (...) -> (..., n_bits) float64.

    Of a negative number the two's complement.
    """
    return ((numbers.long()[..., None] >> torch.arange(n_bits)) & 1).double() * 2 - 1


def addresses(n_bits: int) -> Tensor:
    """Every address of so many bits, (2^n_bits, n_bits) of -1 and 1."""
    return as_bits(torch.arange(2**n_bits), n_bits)


@dataclass(frozen=True, kw_only=True)
class SelectorWidth:
    """How many of a row's tokens equal a symbol, read from the weight of one key that always matches.

    With d matches of equal score that key has weight 1 / (d + 1); d is read with thresholds at midpoints. Lindner
    et al. (2023), Tracr: Compiled transformers as a laboratory for interpretability, NeurIPS.
    """

    n_symbols: int
    coldness: float = 20.0  # score of a match over that of a token that does not

    def __post_init__(self) -> None:
        at_least("SelectorWidth", "n_symbols", self.n_symbols, 1)
        within("SelectorWidth", "coldness", self.coldness, 0.1, 100.0)

    def __call__(self, tokens: Tensor, symbol: Tensor, score_map: ScoreMap) -> Tensor:
        """Count.

        Parameters
        ----------
        tokens : Tensor, (n, length), int
        symbol : Tensor, (n,), int
        score_map : ScoreMap

        Returns
        -------
        Tensor, (n,), int
        """
        symbols = torch.eye(self.n_symbols, dtype=torch.float64)
        always = torch.ones(len(tokens), 1, self.n_symbols, dtype=torch.float64)
        key = torch.cat([always, symbols[tokens]], dim=1)  # (n, 1 + length, n_symbols)
        value = torch.zeros(1 + tokens.shape[1], 1, dtype=torch.float64)
        value[0] = 1.0
        head = dot_product_head(score_map, scaling=self.coldness)
        share = head(symbols[symbol][:, None], key, value).output[:, 0]  # (n, 1)
        return (share < self.midpoints(tokens.shape[1])).sum(-1)

    @staticmethod
    def midpoints(length: int) -> Tensor:
        """Between the weights that the key which always matches has for d and d + 1 matches, (length,)."""
        d = torch.arange(length, dtype=torch.float64)
        return (1 / (d + 1) + 1 / (d + 2)) / 2


@dataclass(frozen=True, kw_only=True)
class AddressedMemory:
    """2^n_bits cells, each with its address in -1 and 1 as key; a query is an address times beta.

    The right cell has weight sigmoid(2 beta)^n_bits: each bit is right or wrong by itself. Giannou et al. (2023),
    Looped transformers as programmable computers, ICML.
    """

    n_bits: int
    beta: float

    def __post_init__(self) -> None:
        at_least("AddressedMemory", "n_bits", self.n_bits, 1)
        within("AddressedMemory", "n_bits", self.n_bits, 1, 16)
        within("AddressedMemory", "beta", self.beta, 1e-3, 100.0)

    def __call__(self, cell: Tensor, values: Tensor, score_map: ScoreMap) -> Attended:
        """Read cells, (n,) int, from values (2^n_bits, dim) -> output (n, 1, dim), weights (n, 1, 2^n_bits)."""
        if len(values) != 2**self.n_bits:
            raise ValueError(
                f"values must have a row for each of {2**self.n_bits} cells, got {len(values)}; pad them"
            )
        query = as_bits(cell, self.n_bits)[:, None]
        return dot_product_head(score_map, scaling=self.beta)(query, addresses(self.n_bits), values)

    @property
    def right(self) -> float:
        """Weight of the right cell under softmax."""
        return float(torch.sigmoid(torch.tensor(2 * self.beta, dtype=torch.float64)) ** self.n_bits)


@dataclass(frozen=True, kw_only=True)
class Switch:
    """One of two branches, chosen by a sign that is there only when the network runs.

    Two keys, 1 and -1, whose values are the branches' results; the query is gain times the switch. What the other
    branch leaks is (1 - tanh(gain)) / 2 of the difference of both.
    """

    gain: float = 4.0

    def __post_init__(self) -> None:
        within("Switch", "gain", self.gain, 0.1, 100.0)

    def __call__(self, switch: Tensor, first: Tensor, second: Tensor, score_map: ScoreMap) -> Tensor:
        """The branch that the switch names, +1 the first and -1 the second, (n,) each."""
        key = torch.tensor([[1.0], [-1.0]], dtype=first.dtype)
        value = torch.stack([first, second], dim=-1)[..., None]
        head = dot_product_head(score_map, scaling=self.gain)
        return head(switch[:, None, None].to(first.dtype), key, value).output[:, 0, 0]


@dataclass(frozen=True, kw_only=True)
class GatedBranches:
    """Two branches in one row, of which the switch inhibits one before it competes.

    Every key has its score and the sign of its branch; the query is 1 and the switch times half the inhibition.
    The branch not taken keeps about e^-inhibition of the weight, and of the spikes.
    """

    inhibition: float = 8.0  # of the branch not taken, in scores

    def __post_init__(self) -> None:
        within("GatedBranches", "inhibition", self.inhibition, 0.0, 100.0)

    def __call__(
        self,
        switch: Tensor,
        scores: tuple[Tensor, Tensor],
        values: tuple[Tensor, Tensor],
        score_map: ScoreMap,
    ) -> Attended:
        """Attend to both branches' keys.

        Parameters
        ----------
        switch : Tensor, (n,)
            1 or -1: the first branch or the second.
        scores, values : pairs of Tensor, (n, n_keys)
            Of the first branch and of the second.
        score_map : ScoreMap

        Returns
        -------
        Attended
            Output (n, 1, 1), weights (n, 1, keys of both branches).
        """
        score, value = torch.cat(scores, dim=-1), torch.cat(values, dim=-1)  # (n, n_keys)
        of_branch = torch.cat([torch.ones_like(scores[0]), -torch.ones_like(scores[1])], dim=-1)
        gate = self.inhibition / 2 * switch.to(score.dtype)
        query = torch.stack([torch.ones_like(gate), gate], dim=-1)[:, None]
        key = torch.stack([score, of_branch], dim=-1)
        return dot_product_head(score_map, scaling=1.0)(query, key, value[..., None])
