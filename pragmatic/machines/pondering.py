"""A Universal Transformer that decides for each input how often to apply its one block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.checks import at_least, check_rng, within
from pragmatic.tasks.parity import Parity
from pragmatic.transformer import Block, TransformerParams

__all__ = ["HALTING", "PonderParams", "Pondered", "Ponderer", "act_weights", "learn", "ponder_weights"]

HALTING = ("ponder", "act")
_EPSILON = 0.01  # of ACT: halts once the probabilities have added up to 1 - this (Graves 2016, eq. 5)
_VECTOR_STD = 0.5  # of tokens, places and steps, which are told apart by their sum alone


@dataclass(frozen=True, kw_only=True)
class PonderParams:
    """Sizes, and the price of a step."""

    n_places: int = 8
    most_steps: int = 8
    width: int = 32
    n_heads: int = 4
    halting: str = (
        "ponder"  # "ponder": PonderNet's distribution of the last step; "act": adaptive computation time
    )
    prior: float = 0.2  # of PonderNet: probability of halting at each step (Banino et al. 2021, section 3.1)
    kl_weight: float = 0.01  # of the divergence from that prior
    act_weight: float = 0.01  # of ACT's ponder time (tensor2tensor, universal_transformer.py)

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for name in ("n_places", "most_steps", "width", "n_heads"):
            at_least(owner, name, getattr(self, name), 1)
        if self.halting not in HALTING:
            raise ValueError(f"{owner}.halting must be one of {', '.join(HALTING)}; got {self.halting!r}")
        within(owner, "prior", self.prior, 1e-3, 1 - 1e-3)
        within(owner, "kl_weight", self.kl_weight, 0.0, 1e3)
        within(owner, "act_weight", self.act_weight, 0.0, 1e3)


class Pondered(NamedTuple):
    """What the machine thinks after each step, and when it stops; S steps, B sequences."""

    logits: Tensor  # (S, B, 2) of the answer if it stopped there
    weights: Tensor  # (S, B) of that step: the probability to stop there, or ACT's share in the answer
    steps: Tensor  # (B,) expected steps; of ACT the number taken
    remainder: Tensor | None = None  # (B,) of ACT alone: the part of its cost that has a gradient

    def right(self, odd: Tensor) -> Tensor:
        """Give the probability of a right answer to each sequence, (B,); ACT answers once, from all its steps."""
        if self.remainder is not None:
            return (self.mixed.argmax(dim=-1) == odd).to(self.weights.dtype)
        return (self.weights * (self.logits.argmax(dim=-1) == odd)).sum(dim=0)

    @property
    def mixed(self) -> Tensor:
        """The logits of ACT's answer, (B, 2)."""
        return (self.weights[..., None] * self.logits).sum(dim=0)


class Ponderer(nn.Module):
    """Embed, then the same block over and over; a probability to halt is read off the first token at each step.

    Dehghani, Gouws, Vinyals, Uszkoreit and Kaiser (2019), Universal Transformers, ICLR: one block, its steps marked
    by a vector. Halting after PonderNet (Banino et al. 2021), or ACT (Graves 2016, arXiv:1603.08983), for the whole
    sequence.

    Parameters
    ----------
    params : PonderParams
    rng : numpy.random.Generator
        Draws the initial parameters.

    Examples
    --------
    >>> machine = Ponderer(PonderParams(), np.random.default_rng(0))
    >>> tokens, odd = Parity().batch(5, 1, 8, np.random.default_rng(1))
    >>> machine(tokens).weights.shape
    torch.Size([8, 5])
    """

    def __init__(self, params: PonderParams, rng: np.random.Generator) -> None:
        super().__init__()
        check_rng(rng)
        self.params = params
        sizes = TransformerParams(
            n_vocab=Parity.n_vocab,
            n_layers=1,
            n_heads=params.n_heads,
            width=params.width,
            n_context=1 + params.n_places,
            causal=False,
        )
        self.token_vectors = _vectors(rng, Parity.n_vocab, params.width)
        self.place_vectors = _vectors(rng, 1 + params.n_places, params.width)
        self.step_vectors = _vectors(rng, params.most_steps, params.width)
        self.blocks = nn.ModuleList([Block(sizes, rng)])  # as `bridge.swap` finds the heads of a transformer
        self.norm = nn.LayerNorm(params.width, bias=False)
        self.to_answer = nn.Parameter(torch.zeros(2, params.width))
        self.to_halting = nn.Parameter(torch.zeros(params.width))
        self.halting_bias = nn.Parameter(torch.tensor(math.log(params.prior / (1 - params.prior))))

    def forward(self, tokens: Tensor) -> Pondered:
        """Think about every sequence (B, 1 + n_places) up to the last step."""
        logits, halting = [], []
        for first in self.states(tokens):
            logits.append(first @ self.to_answer.T)
            halting.append(torch.sigmoid(first @ self.to_halting + self.halting_bias))
        return _pondered(torch.stack(logits), torch.stack(halting), self.params.halting)

    def states(self, tokens: Tensor) -> Iterator[Tensor]:
        """Yield the first token's vector (B, C) after each step."""
        x = self.token_vectors[tokens] + self.place_vectors
        for step in self.step_vectors:
            x, _ = self.blocks[0](x + step, None)  # (B, T, C)
            yield self.norm(x[:, 0])

    def loss(self, pondered: Pondered, odd: Tensor) -> Tensor:
        """Cross-entropy of the answers, and the price of thinking."""
        params, weights = self.params, pondered.weights
        if pondered.remainder is not None:
            wrong = functional.cross_entropy(pondered.mixed, odd)
            return wrong + params.act_weight * (pondered.steps + pondered.remainder).mean()
        steps, n = weights.shape
        each = functional.cross_entropy(pondered.logits.flatten(0, 1), odd.repeat(steps), reduction="none")
        wrong = (weights * each.reshape(steps, n)).sum(dim=0).mean()
        prior = params.prior * (1 - params.prior) ** torch.arange(steps, device=odd.device)
        kl = (weights * (weights.clamp_min(1e-9) / (prior / prior.sum())[:, None]).log()).sum(dim=0).mean()
        return wrong + params.kl_weight * kl


def ponder_weights(halting: Tensor) -> Tensor:
    """Probability that each step is the last, (S, B): halt there, and not before; the last step takes the rest.

    Banino et al. (2021), eq. 3.
    """
    go_on = torch.cumprod(1 - halting[:-1], dim=0)
    reached = torch.cat([torch.ones_like(halting[:1]), go_on])
    return reached * torch.cat([halting[:-1], torch.ones_like(halting[:1])])


def act_weights(halting: Tensor, epsilon: float = _EPSILON) -> tuple[Tensor, Tensor, Tensor]:
    """Give each step's share in the answer (S, B), steps taken (B,) and remainder (B,).

    Graves (2016), eqs. 5 to 9: probabilities add up, the step that reaches 1 - epsilon gets what is left of 1.
    """
    total = halting.cumsum(dim=0)
    stops = total >= 1 - epsilon
    stops[-1] = True
    last = stops.int().argmax(dim=0)  # (B,), the first step that stops
    at = torch.arange(len(halting), device=halting.device)[:, None]
    before = torch.where(at < last, halting, torch.zeros_like(halting))
    remainder = 1 - before.sum(dim=0)
    return before + (at == last) * remainder, (last + 1).to(halting.dtype), remainder


def _pondered(logits: Tensor, halting: Tensor, kind: str) -> Pondered:
    if kind == "act":
        weights, steps, remainder = act_weights(halting)
        return Pondered(logits, weights, steps, remainder)
    weights = ponder_weights(halting)
    steps = (weights * torch.arange(1, len(weights) + 1, device=weights.device)[:, None]).sum(dim=0)
    return Pondered(logits, weights, steps)


def learn(
    machine: Ponderer,
    *,
    most_signs: int,
    iterations: int,
    batch: int,
    learning_rate: float,
    rng: np.random.Generator,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Train on parity, from one sign upwards: a sign more whenever nearly all answers are right.

    Parameters
    ----------
    machine : Ponderer
    most_signs : int
        The most that training ever shows.
    iterations, batch : int
    learning_rate : float
        Of AdamW, at its highest; it falls by half a cosine.
    rng : numpy.random.Generator
        Draws the batches.
    progress : callable, optional

    Returns
    -------
    (iterations,) array
        Signs shown at most in each.
    """
    task, shown, level, smooth = Parity(n_places=machine.params.n_places), [], 1, 0.5
    optimizer = torch.optim.AdamW(machine.parameters(), lr=learning_rate, weight_decay=0.01)
    for iteration in range(iterations):
        rate = (
            min(1.0, (iteration + 1) / 100) * 0.5 * (1.05 + 0.95 * math.cos(math.pi * iteration / iterations))
        )
        optimizer.param_groups[0]["lr"] = learning_rate * rate
        tokens, odd = task.batch(batch, 1, level, rng)
        pondered = machine(tokens)
        optimizer.zero_grad()
        machine.loss(pondered, odd).backward()
        nn.utils.clip_grad_norm_(machine.parameters(), 1.0)
        optimizer.step()
        smooth += 0.05 * (float(pondered.right(odd).detach().mean()) - smooth)
        shown.append(level)
        if smooth > 0.95 and level < most_signs:
            level, smooth = level + 1, 0.5
        if progress is not None:
            progress((iteration + 1) / iterations)
    return np.array(shown)


def _vectors(rng: np.random.Generator, n: int, width: int) -> nn.Parameter:
    drawn = torch.from_numpy(rng.normal(0.0, _VECTOR_STD, size=(n, width)))
    return nn.Parameter(drawn.to(torch.get_default_dtype()))
