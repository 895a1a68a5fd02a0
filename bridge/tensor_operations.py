"""Operations of one call to one PyTorch kernel, from the shapes it was called with.

Products come from PyTorch's own formulas (`torch.utils.flop_counter`), everything else from the table below.
Arithmetic on whole numbers and booleans (positions, masks) is not counted; the bytes it moves are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from bridge.operations import Counts

__all__ = ["MATMULS", "PICKS", "SOFTMAXES", "Call", "fused_attention", "is_free", "moved_bytes", "operations"]

aten = torch.ops.aten

MATMULS = frozenset({aten.mm, aten.bmm, aten.addmm, aten.baddbmm, aten.mv, aten.dot})
PICKS = frozenset(
    {aten.embedding, aten.index, aten.index_select, aten.gather, aten._unsafe_index}
)  # entries of a table
SOFTMAXES = frozenset({aten._softmax, aten._log_softmax})
_ATTENTION = frozenset(
    {
        aten._scaled_dot_product_flash_attention_for_cpu,
        aten._scaled_dot_product_flash_attention,
        aten._scaled_dot_product_efficient_attention,
        aten._scaled_dot_product_cudnn_attention,
    }
)


class Call(NamedTuple):
    """One call to one kernel."""

    packet: Any  # the operator without its overload, as torch.ops.aten.mm
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    out: Any

    @property
    def result(self) -> Tensor | None:
        """The first tensor that came out."""
        return next((t for t in tree_leaves(self.out) if isinstance(t, Tensor)), None)

    @property
    def operand(self) -> Tensor | None:
        """The first tensor that went in."""
        return next((t for t in tree_leaves(self.args) if isinstance(t, Tensor)), None)


def operations(call: Call) -> Counts | None:
    """Arithmetic of a call, without bytes; None where the table does not know it."""
    if call.packet in (aten.mv, aten.dot):
        assert call.operand is not None
        return Counts(macs=call.operand.numel())
    if call.packet in flop_registry:
        return Counts(macs=flop_registry[call.packet](*call.args, **call.kwargs, out_val=call.out) // 2)
    if not _is_float(call):
        return Counts()
    rule = _RULES.get(call.packet)
    return None if rule is None else rule(call)


def fused_attention(call: Call) -> dict[str, Counts] | None:
    """The three parts of a fused scaled dot-product attention; None for anything else.

    Counted as if written out: the whole rectangle of queries and keys, whatever a kernel skips.
    """
    if call.packet not in _ATTENTION:
        return None
    query, key, value = call.args[:3]
    pairs = query.shape[:-1].numel() * key.shape[-2]
    masked = any(isinstance(a, Tensor) for a in (*call.args[3:], call.kwargs.get("attn_mask")))
    scaled_and_masked = Counts(multiplies=1, acs=int(masked)) * pairs
    return {
        "scores": Counts(macs=pairs * query.shape[-1]),
        "score map": _SOFTMAX * pairs + scaled_and_masked,
        "read-out": Counts(macs=pairs * value.shape[-1]),
    }


def is_free(func: Any, packet: Any) -> bool:
    """Whether a call only looks at memory, or makes room, without touching what is in it."""
    if packet in _NO_TRAFFIC:
        return True
    returns = func._schema.returns
    return bool(returns) and all(r.alias_info is not None and not r.alias_info.is_write for r in returns)


def moved_bytes(call: Call) -> int:
    """Bytes of every tensor that goes in or comes out, each once; a broadcast one as it lies in memory.

    Of a table that entries are picked from, only what is picked counts.
    """
    if call.packet in PICKS:
        assert call.result is not None
        return 2 * call.result.numel() * call.result.element_size()
    tensors = {
        id(t): t for t in tree_leaves((call.args, dict(call.kwargs), call.out)) if isinstance(t, Tensor)
    }
    return sum(min(t.numel() * t.element_size(), t.untyped_storage().nbytes()) for t in tensors.values())


def _is_float(call: Call) -> bool:
    tensors = (t for t in tree_leaves((call.args, dict(call.kwargs), call.out)) if isinstance(t, Tensor))
    return any(t.is_floating_point() for t in tensors)


def _each(**kinds: int) -> Callable[[Call], Counts]:
    """So many operations for each number that comes out."""
    one = Counts(**kinds)
    return lambda call: one * (0 if call.result is None else call.result.numel())


def _in(**kinds: int) -> Callable[[Call], Counts]:
    """So many operations for each number that goes in: reductions."""
    one = Counts(**kinds)
    return lambda call: one * (0 if call.operand is None else call.operand.numel())


def _add(call: Call) -> Counts:
    """x + alpha y."""
    assert call.result is not None
    one = Counts(acs=1) if call.kwargs.get("alpha", 1) == 1 else Counts(macs=1)
    return one * call.result.numel()


def _power(call: Call) -> Counts:
    assert call.result is not None
    exponent = call.args[1]
    small = isinstance(exponent, (int, float)) and exponent in (2, 3, 4)
    one = Counts(multiplies=int(exponent) - 1) if small else Counts(exponentials=1)
    return one * call.result.numel()


def _normalised(call: Call) -> Counts:
    """For each number mean and difference (acs), variance (mac), scale (multiply), gain and offset (mac)."""
    assert call.operand is not None
    numbers = call.operand.numel()
    rows = tree_leaves(call.out)[1].numel()  # one mean a row
    return Counts(acs=2, macs=2, multiplies=1) * numbers + Counts(divisions=1, multiplies=2) * rows


def _mean(call: Call) -> Counts:
    assert call.operand is not None
    assert call.result is not None
    return Counts(acs=call.operand.numel(), multiplies=call.result.numel())


# exp(s - max) / sum: a comparison, a difference, an exponential, a sum and a division for each number.
_SOFTMAX = Counts(acs=3, exponentials=1, divisions=1)
_FREE = _each()

_RULES: dict[Any, Callable[[Call], Counts]] = {
    **dict.fromkeys((aten.add, aten.add_, aten.sub, aten.sub_, aten.rsub), _add),
    **dict.fromkeys((aten.mul, aten.mul_), _each(multiplies=1)),
    **dict.fromkeys((aten.div, aten.div_, aten.reciprocal, aten.sqrt, aten.sqrt_), _each(divisions=1)),
    **dict.fromkeys((aten.reciprocal_, aten.rsqrt, aten.fmod, aten.remainder), _each(divisions=1)),
    **dict.fromkeys(
        (aten.exp, aten.exp_, aten.expm1, aten.log, aten.log_, aten.log1p), _each(exponentials=1)
    ),
    **dict.fromkeys((aten.tanh, aten.tanh_, aten.erf, aten.sin, aten.cos), _each(exponentials=1)),
    **dict.fromkeys((aten.sigmoid, aten.sigmoid_), _each(exponentials=1, acs=1, divisions=1)),
    **dict.fromkeys((aten.silu, aten.silu_), _each(exponentials=1, acs=1, divisions=1, multiplies=1)),
    **dict.fromkeys(
        (aten.gelu, aten.gelu_), _each(exponentials=1, acs=1, multiplies=3)
    ),  # x/2 (1 + erf(x/√2))
    **dict.fromkeys((aten.addcmul, aten.addcmul_), _each(macs=1, multiplies=1)),
    **dict.fromkeys((aten.addcdiv, aten.addcdiv_), _each(macs=1, divisions=1)),
    **dict.fromkeys((aten.lerp, aten.lerp_), _each(macs=1, acs=1)),
    **dict.fromkeys((aten.pow, aten.pow_), _power),
    **dict.fromkeys((aten.maximum, aten.minimum, aten.clamp, aten.clamp_, aten.clamp_min), _each(acs=1)),
    **dict.fromkeys((aten.clamp_min_, aten.clamp_max, aten.relu, aten.relu_, aten.abs), _each(acs=1)),
    **dict.fromkeys((aten.eq, aten.ne, aten.lt, aten.le, aten.gt, aten.ge, aten.isnan), _each(acs=1)),
    **dict.fromkeys((aten.isinf, aten.sign, aten.floor, aten.round, aten.ceil, aten.threshold), _each(acs=1)),
    **dict.fromkeys((aten.isposinf, aten.isneginf, aten.isfinite), _each(acs=1)),
    **dict.fromkeys((aten.sum, aten.cumsum, aten.max, aten.min, aten.amax, aten.amin), _in(acs=1)),
    **dict.fromkeys((aten.argmax, aten.argmin, aten.aminmax, aten.equal), _in(acs=1)),
    **dict.fromkeys((aten.var, aten.std, aten.var_mean), _in(acs=2, macs=1)),
    **dict.fromkeys((aten.linalg_vector_norm, aten.norm), _in(macs=1)),
    **dict.fromkeys((aten.native_layer_norm, aten.native_group_norm), _normalised),
    **dict.fromkeys(
        (aten.bernoulli, aten.bernoulli_, aten.rand, aten.rand_like, aten.randn), _each(random_draws=1)
    ),
    **dict.fromkeys((aten.randn_like, aten.normal_, aten.uniform_, aten.exponential_), _each(random_draws=1)),
    **dict.fromkeys((aten.multinomial, aten.randint, aten.randperm), _each(random_draws=1)),
    **dict.fromkeys((aten._softmax, aten._log_softmax), lambda call: _SOFTMAX * _in(acs=1)(call).acs),
    aten.mean: _mean,
    aten.softplus: _each(exponentials=2, acs=2),
    aten.native_dropout: _each(random_draws=1, multiplies=2),
    **dict.fromkeys((aten.embedding, aten.clone, aten.copy_, aten._to_copy, aten.cat, aten.stack), _FREE),
    **dict.fromkeys((aten.index, aten.index_select, aten.gather, aten.scatter, aten.scatter_), _FREE),
    **dict.fromkeys((aten.index_put, aten.index_put_, aten.slice_scatter, aten.masked_fill), _FREE),
    **dict.fromkeys((aten.masked_fill_, aten.where, aten.fill_, aten.zero_, aten.zeros, aten.ones), _FREE),
    **dict.fromkeys((aten.full, aten.full_like, aten.zeros_like, aten.ones_like, aten.arange), _FREE),
    **dict.fromkeys((aten.new_zeros, aten.new_ones, aten.new_full, aten.repeat, aten.tril, aten.triu), _FREE),
    **dict.fromkeys(
        (aten.neg, aten.neg_, aten.flip, aten.roll, aten.constant_pad_nd, aten.scalar_tensor), _FREE
    ),
    **dict.fromkeys((aten._local_scalar_dense, aten.linspace, aten.nonzero, aten.masked_select), _FREE),
    **dict.fromkeys(
        (aten.select_scatter, aten.select_backward, aten.slice_backward, aten._unsafe_index), _FREE
    ),
}

_NO_TRAFFIC = frozenset(
    {
        *(aten._unsafe_view, aten.empty, aten.empty_like, aten.empty_strided, aten.new_empty),
        *(
            aten.new_empty_strided,
            aten.is_same_size,
            aten.sym_size,
            aten.resize_,
            aten._has_compatible_shallow_copy_type,
        ),
        *(aten.lift_fresh, aten.detach_, aten.set_, aten._assert_async, aten._assert_scalar),
    }
)
