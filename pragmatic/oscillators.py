"""Attention by oscillators: what counts of a query and a key is the phase of each pair of their components.

    weights_j ~ exp( sum_p kappa_p cos(phi_p - phi_pj) )

Each pair of components is one oscillator of the query and one of each key; its amplitude is dropped, and a fixed
coupling kappa_p stands in for it: the von Mises law of phases, a softmax over unit vectors of two components. In a
model with rotary positions the pairs are those that turn with the position, each at a frequency.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pragmatic import formulas
from pragmatic.attention import Attended
from pragmatic.masks import masked_scores

__all__ = ["OscillatorHead", "fit_coupling"]

SMALLEST = 1e-12  # amplitude, so that a pair of zeros has no phase rather than nan
MOST_STEPS = 40  # of the search, after which the KL of a language model's heads falls by less than 1 %


class OscillatorHead:
    """Von Mises attention over the phases of pairs of components; a `pragmatic.Head`.

    Component i and component i + dim / 2 are a pair, as rotary models lay them out (Su et al. 2021, RoFormer).

    Parameters
    ----------
    coupling : Tensor, (..., dim / 2)
        kappa of each pair, its leading dimensions broadcast to those of the query; (n_heads, dim / 2) most often.

    References
    ----------
    Attention by oscillators whose phases give the weights: Pasqualetti and Guo (2026), arXiv:2606.12059, who train
    a model so; here a trained model keeps its weights.
    """

    def __init__(self, coupling: Tensor) -> None:
        self.coupling = coupling

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        for name, vectors in (("query", query), ("key", key)):
            if vectors.shape[-1] != 2 * self.coupling.shape[-1]:
                raise ValueError(
                    f"{name} must have {2 * self.coupling.shape[-1]} components, two for each coupling, got "
                    f"{vectors.shape[-1]}; fit the coupling to vectors of this size"
                )
        scores = _agreement(_phases(query), _phases(key), self.coupling)
        weights = formulas.softmax(masked_scores(scores, mask)).to(value.dtype)
        return Attended(weights @ value, weights)


def fit_coupling(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """Find the couplings whose weights are nearest to the softmax of the dot products.

    The mean KL from the softmax over all queries is convex in the couplings. The start is the product of the
    mean amplitudes, the couplings of oscillators whose amplitudes do not vary.

    Parameters
    ----------
    query : Tensor, (n_sequences, n_heads, n_queries, dim)
    key : Tensor, (n_sequences, n_heads, n_keys, dim)
    mask : Tensor, broadcastable to (n_sequences, n_heads, n_queries, n_keys), bool, optional

    Returns
    -------
    Tensor, (n_heads, dim / 2)
    """
    factor = query.shape[-1] ** -0.5
    target = formulas.softmax(masked_scores(factor * query @ key.mT, mask))
    phase_q, phase_k = _phases(query), _phases(key)
    start = factor * _amplitudes(query).mean(dim=(0, -2)) * _amplitudes(key).mean(dim=(0, -2))
    coupling = start.clone().requires_grad_()
    search = torch.optim.LBFGS([coupling], max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        scores = masked_scores(_agreement(phase_q, phase_k, coupling), mask)
        missed = -(target * scores.log_softmax(-1).clamp_min(torch.finfo(scores.dtype).min)).sum(-1)
        total = missed.mean(dim=(0, -1)).sum()  # of all heads, which do not know of each other
        total.backward()
        return total

    with torch.enable_grad():
        search.step(loss)
    return coupling.detach()


def _pairs(vectors: Tensor) -> tuple[Tensor, Tensor]:
    first, second = vectors.unflatten(-1, (2, -1)).unbind(-2)
    return first, second


def _amplitudes(vectors: Tensor) -> Tensor:
    """(..., dim) -> (..., dim / 2)."""
    first, second = _pairs(vectors)
    return (first.square() + second.square()).sqrt()


def _phases(vectors: Tensor) -> Tensor:
    """The cosines of all phases, then the sines, (..., dim)."""
    size = _amplitudes(vectors).clamp_min(SMALLEST)
    return vectors / torch.cat([size, size], dim=-1)


def _agreement(query: Tensor, key: Tensor, coupling: Tensor) -> Tensor:
    """sum_p kappa_p cos(phi_qp - phi_kp), (..., n_queries, n_keys)."""
    both = torch.cat([coupling, coupling], dim=-1).unsqueeze(-2)
    return (query * both) @ key.mT
