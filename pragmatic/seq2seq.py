"""From sequence to sequence by two recurrent networks, with one state between them or with attention.

Without attention everything that the decoder knows of the source is the encoder's last state, a vector of fixed
size (Sutskever, Vinyals and Le 2014, Sequence to sequence learning with neural networks, NeurIPS). With attention
each output also looks at the encoder's states at all positions (Bahdanau, Cho and Bengio 2015, ICLR); here after
the recurrence, so that all outputs of a training sequence are computed at once (Luong, Pham and Manning 2015,
Effective approaches to attention-based neural machine translation, EMNLP).

Letters of the shapes: B batch, S source length, T target length, C width, V symbols.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.attention import AdditiveHead
from pragmatic.checks import at_least, check_rng
from pragmatic.training.train import TrainParams, learning_rate

__all__ = ["Reversal", "Seq2Seq", "Seq2SeqParams", "train_seq2seq"]


@dataclass(frozen=True, kw_only=True)
class Seq2SeqParams:
    """Sizes of an encoder and decoder, and whether the decoder attends."""

    n_symbols: int  # tokens are 0 ... n_symbols - 1, and one more that begins every target
    width: int = 64  # of both recurrent states
    dim_embedding: int = 32
    dim_score: int = 32  # of the comparison of decoder with encoder states
    attends: bool = True

    def __post_init__(self) -> None:
        for name in ("n_symbols", "width", "dim_embedding", "dim_score"):
            at_least("Seq2SeqParams", name, getattr(self, name), 1)


class Seq2Seq(nn.Module):
    """Encoder and decoder, each a gated recurrent network (Cho et al. 2014, EMNLP) of one layer.

    Parameters
    ----------
    params : Seq2SeqParams
    rng : numpy.random.Generator
        Draws the first weights, uniform in +-1 / sqrt(width), as torch.nn.GRU's are.
    """

    def __init__(self, params: Seq2SeqParams, rng: np.random.Generator) -> None:
        super().__init__()
        check_rng(rng)
        self.params = params
        width, dim = params.width, params.dim_embedding
        self.embed = nn.Embedding(params.n_symbols + 1, dim)
        self.encoder = nn.GRU(dim, width, batch_first=True)
        self.decoder = nn.GRU(dim, width, batch_first=True)
        self.head = (
            AdditiveHead(dim_query=width, dim_key=width, dim_hidden=params.dim_score, rng=rng)
            if params.attends
            else None
        )
        self.to_logits = nn.Linear(width * (1 if self.head is None else 2), params.n_symbols)
        bound = 1 / math.sqrt(width)
        for module in (self.embed, self.encoder, self.decoder, self.to_logits):
            for weights in module.parameters():
                weights.data = torch.from_numpy(rng.uniform(-bound, bound, tuple(weights.shape))).float()

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Logits (B, T, V) of every target token, given the true ones before it (teacher forcing).

        Parameters
        ----------
        source : Tensor, (B, S) int64
        target : Tensor, (B, T) int64
        """
        encoded, state = self.encoder(self.embed(source))  # (B, S, C), (1, B, C)
        begun = torch.cat([self._first(source), target[:, :-1]], dim=1)
        decoded, _ = self.decoder(self.embed(begun), state)  # (B, T, C)
        return self._read(decoded, encoded)

    @torch.no_grad()
    def decode(self, source: Tensor, n_tokens: int) -> Tensor:
        """The most likely token at each step, each given those that the model itself chose before, (B, T)."""
        encoded, state = self.encoder(self.embed(source))
        token, chosen = self._first(source), []
        for _ in range(n_tokens):
            decoded, state = self.decoder(self.embed(token), state)
            token = self._read(decoded, encoded).argmax(dim=-1)  # (B, 1)
            chosen.append(token)
        return torch.cat(chosen, dim=1)

    def _first(self, source: Tensor) -> Tensor:
        return torch.full((len(source), 1), self.params.n_symbols, device=source.device)

    def _read(self, decoded: Tensor, encoded: Tensor) -> Tensor:
        if self.head is None:
            return self.to_logits(decoded)
        attended, _ = self.head(decoded, encoded, encoded)  # (B, T, C)
        return self.to_logits(torch.cat([decoded, attended], dim=-1))


@dataclass(frozen=True, kw_only=True)
class Reversal:
    """Say a sequence of random symbols backwards; the length is drawn for each batch, the same for all in it."""

    n_symbols: int = 16
    shortest: int = 5
    longest: int = 30

    def __post_init__(self) -> None:
        at_least("Reversal", "n_symbols", self.n_symbols, 2)
        at_least("Reversal", "shortest", self.shortest, 1)
        at_least("Reversal", "longest", self.longest, self.shortest)

    def pairs(self, n: int, rng: np.random.Generator, length: int | None = None) -> tuple[Tensor, Tensor]:
        """Draw n sources and targets, each (n, length) int64."""
        length = int(rng.integers(self.shortest, self.longest + 1)) if length is None else length
        source = torch.from_numpy(rng.integers(0, self.n_symbols, size=(n, length)))
        return source, source.flip(1)


def train_seq2seq(
    model: Seq2Seq,
    task: Reversal,
    params: TrainParams,
    *,
    rng: np.random.Generator,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Train in place by Adam; the loss of each batch, (n_iterations,) in nats a token."""
    optimizer = torch.optim.Adam(model.parameters(), betas=(params.beta1, params.beta2))
    losses = np.empty(params.n_iterations)
    for iteration in range(params.n_iterations):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(iteration, params)
        source, target = task.pairs(params.batch_size, rng)
        logits = model(source, target)
        loss = functional.cross_entropy(logits.flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), params.max_gradient)
        optimizer.step()
        losses[iteration] = loss.item()
        if progress is not None:
            progress((iteration + 1) / params.n_iterations)
    return losses
