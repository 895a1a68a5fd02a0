"""The structural probe, and a probe of attention weights; both are fitted to some sentences and judged on others.

Hewitt and Manning (2019): squared distances ||B (h_i - h_j)||^2 fitted to the tree's by their absolute error over
the squared length, with Adam. Coenen et al. (2019), Visualizing and measuring the
geometry of BERT, NeurIPS: a linear classifier on the weights of all heads between two words, both ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pragmatic.trees import Tree, by_length, edges, rank_agreement
from scenarios.workbench.statistics import Estimate, bootstrap

__all__ = ["Judged", "attention_accuracy", "judged", "structural", "whitened"]

LEARNING_RATE, BATCH = 0.05, 20
SMALLEST = 1e-6  # variance of a direction that is scaled up, as a part of the largest
START = 4.0  # mean squared distance before the fit
N_STEPS, RIDGE = 200, 1e-3  # of the classifier's fit


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Scores of predicted distances, sentence by sentence."""

    right: np.ndarray  # (n,) edges that are in the tree
    all: np.ndarray  # (n,) edges
    agreement: np.ndarray  # (n,) rank correlation
    length: np.ndarray  # (n,) words
    distances: Sequence[np.ndarray]  # that were predicted, (n_words, n_words) of each

    def uuas(self, rng: np.random.Generator) -> Estimate:
        """Edges right of all edges, its error over sentences."""
        n = len(self.right)
        return bootstrap(
            lambda rows: float(self.right[rows].sum() / max(self.all[rows].sum(), 1)), n, rng, 100
        )

    def dspr(self, rng: np.random.Generator) -> Estimate:
        """Rank correlation averaged within and then over lengths, its error over sentences."""
        n = len(self.right)
        return bootstrap(lambda rows: by_length(self.agreement[rows], self.length[rows]), n, rng, 100)


def judged(trees: Sequence[Tree], distances: Sequence[np.ndarray]) -> Judged:
    """Score the distances (n, n) of each sentence."""
    counted = np.array([edges(tree, own) for tree, own in zip(trees, distances, strict=True)])
    agreement = [rank_agreement(tree.distances, own) for tree, own in zip(trees, distances, strict=True)]
    length = np.array([len(tree.words) for tree in trees])
    return Judged(
        right=counted[:, 0],
        all=counted[:, 1],
        agreement=np.array(agreement),
        length=length,
        distances=distances,
    )


def structural(
    vectors: Sequence[np.ndarray],
    trees: Sequence[Tree],
    n_fit: int,
    *,
    rank: int,
    epochs: int,
    rng: np.random.Generator,
) -> Judged:
    """Fit B (rank, width) on the first sentences and judge the others, vectors (n_words, width) of each."""
    width = vectors[0].shape[1]
    # so that words start at distances like the tree's, and one learning rate serves every layer
    scale = float(np.concatenate(vectors[:n_fit]).std()) * (2 * width * rank / START) ** 0.5
    matrix = torch.from_numpy(rng.normal(size=(width, rank))).float().requires_grad_()
    optimizer = torch.optim.Adam([matrix], LEARNING_RATE)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, epochs)
    fit = sorted(range(n_fit), key=lambda i: len(vectors[i]))  # those of like length together
    batches = [fit[first : first + BATCH] for first in range(0, n_fit, BATCH)]
    padded = [_padded([vectors[i] / scale for i in own], [trees[i] for i in own]) for own in batches]
    for _ in range(epochs):
        for at in rng.permutation(len(padded)):
            words, wanted, share = padded[at]
            loss = ((_squared(words @ matrix) - wanted).abs() * share).sum() / len(words)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        falling.step()
    with torch.no_grad():
        rest = [_squared(torch.from_numpy(own / scale) @ matrix).double().numpy() for own in vectors[n_fit:]]
    return judged(trees[n_fit:], rest)


def whitened(vectors: Sequence[np.ndarray], n_fit: int) -> list[np.ndarray]:
    """Rotate and scale vectors so that those of the first sentences have no covariance and unit variance.

    A linear probe can undo it, so that it sees the same trees. But a few directions carry nearly all the variance
    in a small model, and gradient descent does not reach the others: without this a layer's UUAS rises from .34 to
    more only after hundreds of epochs. With as many words as a wide model's squared width it would overfit.
    """
    fit = np.concatenate(vectors[:n_fit])
    centre = fit.mean(axis=0)
    variance, directions = np.linalg.eigh(np.cov(fit.T))
    scaled = directions / np.sqrt(variance.clip(SMALLEST * variance.max()))
    return [((own - centre) @ scaled).astype(np.float32) for own in vectors]


def attention_accuracy(
    attention: Sequence[np.ndarray], trees: Sequence[Tree], n_fit: int, rng: np.random.Generator
) -> np.ndarray:
    """Whether two words depend on each other, from the weights of all heads, right or not of each held-out pair.

    As many pairs with a dependency as without, so that chance is one half.
    """
    features, labels = zip(
        *(_pairs(own, tree, rng) for own, tree in zip(attention, trees, strict=True)), strict=True
    )
    fit, wanted = np.concatenate(features[:n_fit]), np.concatenate(labels[:n_fit])
    centre, size = fit.mean(axis=0), fit.std(axis=0) + 1e-9
    x, y = torch.from_numpy((fit - centre) / size).double(), torch.from_numpy(wanted).double()
    weights = torch.zeros(x.shape[1] + 1, dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=N_STEPS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        logits = x @ weights[:-1] + weights[-1]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y)
        loss = loss + RIDGE * (weights[:-1] ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    found = weights.detach().numpy()
    rest, truth = (np.concatenate(part[n_fit:]) for part in (features, labels))
    return ((((rest - centre) / size) @ found[:-1] + found[-1]) > 0) == truth


def _pairs(attention: np.ndarray, tree: Tree, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Weights both ways of all pairs that depend and as many that do not, (n, 2 * n_maps), and which do."""
    first, second = np.triu_indices(len(tree.words), 1)
    near = tree.distances[first, second] == 1
    apart = np.flatnonzero(~near)
    chosen = np.concatenate(
        [np.flatnonzero(near), rng.permutation(apart)[: int(near.sum())]]
    )  # of two words there is no other pair
    both = np.concatenate([attention[:, first, second], attention[:, second, first]])  # (2 * n_maps, n_pairs)
    return both[:, chosen].T, near[chosen]


def _padded(
    vectors: Sequence[np.ndarray], trees: Sequence[Tree]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Words (B, T, width), wanted distances (B, T, T), and what each counts in the loss, 0 for padding."""
    longest = max(map(len, vectors))
    words = torch.zeros(len(vectors), longest, vectors[0].shape[1])
    wanted, share = torch.zeros(2, len(vectors), longest, longest)
    for i, (own, tree) in enumerate(zip(vectors, trees, strict=True)):
        n = len(own)
        words[i, :n] = torch.from_numpy(own)
        wanted[i, :n, :n] = torch.from_numpy(tree.distances).float()
        share[i, :n, :n] = 1 / n**2
    return words, wanted, share


def _squared(points: torch.Tensor) -> torch.Tensor:
    """Squared distances between points (..., T, rank), (..., T, T)."""
    norm = (points**2).sum(-1)
    return (norm[..., :, None] + norm[..., None, :] - 2 * points @ points.mT).clamp_min(0)
