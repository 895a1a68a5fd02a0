"""Heads: from queries, keys and values to an output and its attention weights.

Scaled dot product over any score map, additive, linear, and modern Hopfield retrieval. Every head takes
`(query, key, value, mask)` and gives `Attended(output, weights)`, so that a whole spiking head can stand in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from numbers import Real
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from pragmatic.checks import as_float, at_least, check_rng, shown
from pragmatic.masks import masked_scores
from pragmatic.score_maps import NameTable, ScoreMap, Softmax

__all__ = [
    "HEADS",
    "AdditiveHead",
    "Attended",
    "DotProductHead",
    "Head",
    "HopfieldHead",
    "check_head",
    "dot_product_head",
    "linear_attention",
    "linear_attention_recurrent",
]


class Attended(NamedTuple):
    """The result of a head; unpacks as `output, weights`."""

    output: Tensor  # (..., n_queries, dim_value)
    weights: Tensor  # (..., n_queries, n_keys), each row >= 0 and summing to 1


class Head(Protocol):
    """A map from vectors to vectors by attention.

    Called with `query` (..., n_queries, dim), `key` (..., n_keys, dim), `value` (..., n_keys, dim_value),
    where ... is most often (batch, heads), and `mask`, bool, broadcastable to (..., n_queries, n_keys), True
    where a key takes part (None: all do). The rules of `ScoreMap` about masks hold.

    Raises ValueError for shapes that do not belong together.
    """

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended: ...


def check_head(name: str, head: object) -> None:
    """Raise TypeError unless a head can be called with query, key, value and mask."""
    if not callable(head):
        raise TypeError(f"{name} must be callable as pragmatic.Head, got {type(head).__name__}; give a Head")
    try:
        signature(head).bind(None, None, None, None)
    except TypeError:
        raise TypeError(
            f"{name} must take query, key, value and mask, got {shown(head)}; give a function of these four"
        ) from None
    except ValueError:  # one of C, which does not say what it takes
        pass


@dataclass(frozen=True)
class DotProductHead:
    """weights = score_map(scaling * q·k), output = weights @ value.

    A score map with a method `read_out(weights, value)`, for its own way to that product, is asked for it.

    With softmax and scaling 1 / sqrt(dim) the scaled dot-product attention of Vaswani et al. (2017),
    Attention is all you need, NeurIPS.
    """

    score_map: ScoreMap
    scaling: float | None = None  # None: 1 / sqrt(dim)

    def __post_init__(self) -> None:
        _check_factor("DotProductHead.scaling", self.scaling)
        if isinstance(self.score_map, type) or not callable(self.score_map):
            raise TypeError(
                f"DotProductHead.score_map must be a score map, got {shown(self.score_map)}; use Softmax()"
            )

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        _check_vectors(query, key, value)
        scaling = 1.0 / math.sqrt(query.shape[-1]) if self.scaling is None else float(self.scaling)
        scores = (query * scaling) @ key.mT  # (..., n_queries, n_keys); this order spares half precision
        weights = self.score_map(scores, mask)
        read_out = getattr(self.score_map, "read_out", torch.matmul)
        return Attended(read_out(weights, value), weights)


def dot_product_head(score_map: ScoreMap, *, scaling: float | None = None) -> Head:
    """Lift a score map to a head.

    Parameters
    ----------
    score_map : ScoreMap
        Any, a spiking circuit among them.
    scaling : float, optional
        Factor on q·k, > 0; 1 / sqrt(dim) when None.
    """
    return DotProductHead(score_map, scaling)


class AdditiveHead(torch.nn.Module):
    """scores = w_score · tanh(w_query q + w_key k): a small network compares query and key.

    Bahdanau, Cho and Bengio (2015), Neural machine translation by jointly learning to align and translate,
    ICLR.

    Parameters
    ----------
    dim_query, dim_key, dim_hidden : int
        Components of a query, of a key (they may differ), and of the comparison.
    rng : numpy.random.Generator
        Draws the initial parameters, uniform in +-1 / sqrt(inputs), as torch.nn.Linear's are.
    score_map : ScoreMap
        Softmax in the paper.
    """

    def __init__(
        self,
        *,
        dim_query: int,
        dim_key: int,
        dim_hidden: int,
        rng: np.random.Generator,
        score_map: ScoreMap = Softmax(),  # noqa: B008, frozen
    ) -> None:
        super().__init__()
        for name, dim in (("dim_query", dim_query), ("dim_key", dim_key), ("dim_hidden", dim_hidden)):
            at_least("AdditiveHead", name, dim, 1)
        check_rng(rng)
        self.w_query = _initial(rng, dim_query, dim_hidden)  # (dim_query, dim_hidden)
        self.w_key = _initial(rng, dim_key, dim_hidden)  # (dim_key, dim_hidden)
        self.w_score = _initial(rng, dim_hidden, 1)  # (dim_hidden, 1)
        self.score_map = score_map

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        _check_vectors(query, key, value, dims=(self.w_query.shape[0], self.w_key.shape[0]))
        q = query @ self.w_query  # (..., n_queries, dim_hidden)
        k = key @ self.w_key  # (..., n_keys, dim_hidden)
        compared = torch.tanh(q.unsqueeze(-2) + k.unsqueeze(-3))  # (..., n_queries, n_keys, dim_hidden)
        weights = self.score_map((compared @ self.w_score).squeeze(-1), mask)
        return Attended(weights @ value, weights)


def linear_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
    """Linear attention over all positions in parallel: weights_j proportional to phi(q)·phi(k_j).

    phi(x) = elu(x) + 1. With `causal_mask` the same numbers as `linear_attention_recurrent`.
    Parameters and errors as `Head` says, and a ValueError for a row in which every phi(q)·phi(k) underflows.

    Katharopoulos et al. (2020), Transformers are RNNs, ICML.
    """
    _check_vectors(query, key, value)
    similarity = _positive_features(query) @ _positive_features(key).mT  # (..., n_queries, n_keys)
    taking_part = masked_scores(similarity, mask).relu()
    weights = _divided(taking_part, taking_part.sum(-1, keepdim=True)).to(value.dtype)
    return Attended(weights @ value, weights)


def linear_attention_recurrent(query: Tensor, key: Tensor, value: Tensor) -> Attended:
    """Causal linear attention one position at a time, through a state of fixed size.

    The state is sum_j phi(k_j) v_j^T and the normaliser sum_j phi(k_j), over the positions so far. The
    weights are what the same recurrence reads when each position's value is its own one-hot vector.

    Parameters
    ----------
    query, key : Tensor, (..., length, dim)
    value : Tensor, (..., length, dim_value)

    Raises
    ------
    ValueError
        Other shapes, or a row in which every phi(q)·phi(k) underflows.

    Katharopoulos et al. (2020), Transformers are RNNs, ICML, equations 16 to 20.
    """
    _check_vectors(query, key, value)
    length, dim_value = value.shape[-2:]
    if query.shape[-2] != length:
        raise ValueError(
            f"query must have as many positions as key and value ({length}), got {query.shape[-2]}; "
            "use linear_attention with causal_mask for fewer queries"
        )
    q, k = _positive_features(query), _positive_features(key)  # (..., length, dim)
    one_hot = torch.eye(length, dtype=k.dtype, device=k.device).expand(*value.shape[:-1], length)
    v = torch.cat([value.to(k.dtype), one_hot], dim=-1)  # (..., length, dim_value + length)
    state, normaliser = k.new_zeros(()), k.new_zeros(())
    read = []
    for t in range(length):
        state = state + k[..., t, :, None] * v[..., t, None, :]  # (..., dim, dim_value + length)
        normaliser = normaliser + k[..., t, :, None]  # (..., dim, 1)
        now = q[..., t, None, :]  # (..., 1, dim)
        read.append(_divided(now @ state, now @ normaliser))
    output, weights = torch.cat(read, dim=-2).to(value.dtype).split([dim_value, length], dim=-1)
    return Attended(output, weights)


@dataclass(frozen=True, kw_only=True)
class HopfieldHead:
    """Retrieval from a modern Hopfield network: keys are the stored patterns, the query is the first state.

    Each step is state <- softmax(beta state·k) @ key; the last one reads the values instead of the keys. One
    step with beta = 1 / sqrt(dim) is softmax attention.

    Ramsauer et al. (2021), Hopfield networks is all you need, ICLR, equation 3.
    """

    beta: float | None = None  # None: 1 / sqrt(dim)
    n_steps: int = 1

    def __post_init__(self) -> None:
        _check_factor("HopfieldHead.beta", self.beta)
        at_least("HopfieldHead", "n_steps", self.n_steps, 1)

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        head = DotProductHead(Softmax(), self.beta)
        state = query
        for _ in range(self.n_steps - 1):
            state = head(state, key, key, mask).output
        return head(state, key, value, mask)


def _positive_features(x: Tensor) -> Tensor:
    """elu(x) + 1, as a sum that keeps its digits for very negative x; single precision or better."""
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    return x.relu() + x.clamp(max=0.0).exp()


def _divided(part: Tensor, whole: Tensor) -> Tensor:
    if not bool(((whole > 0) & (whole < math.inf)).all()):
        raise ValueError(
            "linear attention needs the sum of phi(q)·phi(k) finite and > 0 in every row, got nan, overflow "
            "or underflow; scale query and key down"
        )
    return part / whole


def _initial(rng: np.random.Generator, n_in: int, n_out: int) -> torch.nn.Parameter:
    bound = 1.0 / math.sqrt(n_in)
    drawn = rng.uniform(-bound, bound, size=(n_in, n_out))
    return torch.nn.Parameter(torch.from_numpy(drawn).to(torch.get_default_dtype()))


def _check_factor(field: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{field} must be a number, got {shown(value)}; use None for 1 / sqrt(dim)")
    if not 0 < as_float(value) < math.inf:
        raise ValueError(f"{field} must be finite and > 0, got {shown(value)}; use None for 1 / sqrt(dim)")


def _check_vectors(query: Tensor, key: Tensor, value: Tensor, dims: tuple[int, int] | None = None) -> None:
    """Check that the shapes belong together; `dims` are the wanted dimensions of query and key, if known."""
    for name, x in (("query", query), ("key", key), ("value", value)):
        if not (isinstance(x, Tensor) and x.is_floating_point()):
            got = x.dtype if isinstance(x, Tensor) else shown(x)
            raise TypeError(f"{name} must be a floating-point tensor, got {got}; convert it with .float()")
        if x.is_meta:
            raise ValueError(
                f"{name} must have values, got a tensor on the meta device; move it to a real one"
            )
    if not query.dtype == key.dtype == value.dtype:
        raise TypeError(
            f"query, key and value must have one dtype, got {query.dtype}, {key.dtype}, {value.dtype}; convert them"
        )
    q, k, v = (tuple(x.shape) for x in (query, key, value))
    if min(len(q), len(k), len(v)) < 2:
        raise ValueError(
            f"query, key, value must have a length and a dim each, got shapes {q}, {k}, {v}; reshape them"
        )
    if k[-2] != v[-2]:
        raise ValueError(
            f"key and value must have the same length, got {k[-2]} and {v[-2]}; give one value a key"
        )
    if k[-2] == 0:
        raise ValueError(f"key and value must have at least one key, got shapes {k} and {v}; give one")
    if 0 in (*q[-2:], k[-1], v[-1]):
        raise ValueError(
            f"query, key, value must have no length or dim of 0, got shapes {q}, {k}, {v}; leave none empty"
        )
    if dims is None and q[-1] != k[-1]:
        raise ValueError(f"query and key must have the same dim, got {q[-1]} and {k[-1]}; project one first")
    if dims is not None and (q[-1], k[-1]) != dims:
        raise ValueError(f"query and key must have the head's dims {dims}, got {(q[-1], k[-1])}; match them")
    try:
        torch.broadcast_shapes(q[:-2], k[:-2], v[:-2])
    except RuntimeError:
        raise ValueError(
            f"the leading dimensions of query, key, value must broadcast, got {q[:-2]}, {k[:-2]}, {v[:-2]}; "
            "match them"
        ) from None


HEADS: NameTable[Callable[[int, np.random.Generator], Head]] = NameTable(
    "head",
    {  # each makes a head for queries and keys of `dim` components; rng draws its parameters if it has any
        "dot_product": lambda dim, rng: DotProductHead(Softmax()),
        "additive": lambda dim, rng: AdditiveHead(dim_query=dim, dim_key=dim, dim_hidden=dim, rng=rng),
        "linear": lambda dim, rng: linear_attention,
        "hopfield": lambda dim, rng: HopfieldHead(),
    },
)
