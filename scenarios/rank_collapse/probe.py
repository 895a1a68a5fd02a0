"""Whether what is left of the residual says which token stands where: a linear probe of token identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pragmatic import Head
from pragmatic.attention_layer import AttentionLayer, Parts, residual
from scenarios.rank_collapse.initial import LOST

__all__ = ["N_TOKEN_KINDS", "Probed", "identity_by_layer"]

N_TOKEN_KINDS = 16
RIDGE = 1e-3  # of the features' variance


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What a probe reads from the residual at every layer."""

    accuracy: np.ndarray  # (n_layers + 1, n_sequences // 2), nan where rounding has taken over
    size: np.ndarray  # (n_layers + 1,) mean residual, relative to the whole


@torch.no_grad()
def identity_by_layer(
    layers: Sequence[AttentionLayer], tokens: np.ndarray, vectors: np.ndarray, head: Head, parts: Parts
) -> Probed:
    """Fit a probe to the residuals of half of the sequences and score it on the others, layer by layer.

    Parameters
    ----------
    layers : sequence of AttentionLayer
    tokens : (n_sequences, T) array of int
    vectors : (n_tokens, C) array
        What each token is embedded as.
    head : Head
    parts : Parts
    """
    x = torch.from_numpy(vectors[tokens])  # (n_sequences, T, C)
    states = [x]
    for layer in layers:
        x = layer(x, parts, head).output
        states.append(x)
    sizes = [float(torch.linalg.norm(residual(x)) / torch.linalg.norm(x)) for x in states]
    accuracies = [
        _probed(x, tokens) if size > LOST else np.full(len(tokens) // 2, np.nan)
        for x, size in zip(states, sizes, strict=True)
    ]
    return Probed(accuracy=np.stack(accuracies), size=np.array(sizes))


def _probed(x: Tensor, tokens: np.ndarray) -> np.ndarray:
    """Least squares from each sequence's residual, at unit size, to the token's one-hot code."""
    rest = residual(x)
    size = torch.linalg.matrix_norm(rest).clamp_min(torch.finfo(rest.dtype).tiny)
    features = (rest / size[:, None, None]).numpy()
    half = len(tokens) - len(tokens) // 2
    fit, wanted = features[:half].reshape(-1, x.shape[-1]), np.eye(tokens.max() + 1)[tokens[:half].ravel()]
    gram = fit.T @ fit
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    probe = np.linalg.solve(gram, fit.T @ (wanted - wanted.mean(axis=0)))
    guessed = (features[half:] @ probe + wanted.mean(axis=0)).argmax(axis=-1)
    return (guessed == tokens[half:]).mean(axis=1)
