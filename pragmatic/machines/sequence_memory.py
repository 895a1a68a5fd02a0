"""A memory of pairs that learns to answer: a short convolution joins neighbours, one layer of attention recalls."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.attention import Head
from pragmatic.masks import causal_mask
from pragmatic.tasks.batch import IGNORED, Batch

__all__ = ["SequenceMemory", "answered"]

N_TAPS = 2  # of the convolution: this token and the one before


class SequenceMemory(nn.Module):
    """Multi-query recall (Arora et al. 2023, Zoology, arXiv:2312.04927), where key and value are tokens in turn.

    A value is stored under the token before it. A transformer needs a layer of attention to join the two; here
    queries, keys and values each pass a convolution over two tokens, channel by channel, as the models do that the
    paper compares (Fu et al. 2023, Hungry hungry hippos, ICLR). So one layer suffices, and its memory is the only
    thing that is asked for.

    Parameters
    ----------
    width : int
        Of queries, keys and values: a linear head's state is width x width.
    n_vocab : int
        Tokens are 0 ... n_vocab - 1.
    head : Head
    rng : numpy.random.Generator
        Draws the first weights, uniform in +-1 / sqrt(width), those of the convolution in [0, 1].
    """

    def __init__(self, width: int, n_vocab: int, head: Head, rng: np.random.Generator) -> None:
        super().__init__()
        self.head = head

        def drawn(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.from_numpy(rng.uniform(-1, 1, shape) / width**0.5).float())

        self.vectors, self.to_logits = drawn(n_vocab, width), drawn(width, n_vocab)
        self.to_qkv = drawn(3, width, width)
        self.taps = nn.Parameter(torch.from_numpy(rng.uniform(0, 1, (N_TAPS, 3, 1, 1, width))).float())

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of the next token, (B, T, n_vocab), of tokens (B, T) int64."""
        here = self.vectors[tokens] @ self.to_qkv[:, None]  # (3, B, T, width)
        before = functional.pad(here, (0, 0, 1, 0))[:, :, :-1]
        query, key, value = (self.taps[0] * here + self.taps[1] * before)[:, :, None]  # (B, 1, T, width) each
        length = tokens.shape[1]
        read, _ = self.head(query, key, value, causal_mask(length, length, device=tokens.device))
        return read[:, 0] @ self.to_logits

    def learn(self, batch: Batch, optimizer: torch.optim.Optimizer) -> None:
        """Take one step on the cross-entropy of what is asked."""
        logits = self(batch.tokens).flatten(0, 1)
        loss = functional.cross_entropy(logits, batch.targets.flatten(), ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.no_grad()
def answered(memory: SequenceMemory, batch: Batch) -> np.ndarray:
    """Compute the share of each sequence's targets that are right, (B,)."""
    asked = batch.targets != IGNORED
    right = (memory(batch.tokens).argmax(dim=-1) == batch.targets) & asked
    return (right.sum(dim=1) / asked.sum(dim=1)).double().numpy()
