"""Operations of one call to one PyTorch kernel, from the shapes it was called with.

Products come from PyTorch's own formulas (`torch.utils.flop_counter`), everything else from the table below.
Arithmetic on whole numbers and booleans (positions, masks) is not counted; the bytes it moves are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from bridge.bill.counts import Counts

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


def _list(**kinds: int) -> Callable[[Call], Counts]:
    """So many operations for each number of a list of tensors: optimisers."""
    one = Counts(**kinds)
    return lambda call: one * sum(tensor.numel() for tensor in call.args[0])


def _ordered(call: Call) -> Counts:
    """Merge sort of each row: log2(n) comparisons a number."""
    assert call.operand is not None
    length = call.operand.shape[-1] if call.operand.ndim else 1
    return Counts(acs=call.operand.numel() * math.ceil(math.log2(max(2, length))))


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
_TABLE: tuple[tuple[str, Callable[[Call], Counts]], ...] = (  # names of operators -> what a call costs
    ("add add_ sub sub_ rsub", _add),
    ("mul mul_", _each(multiplies=1)),
    ("div div_ reciprocal reciprocal_ sqrt sqrt_ rsqrt fmod remainder", _each(divisions=1)),
    ("exp exp_ expm1 log log_ log1p tanh tanh_ erf sin cos", _each(exponentials=1)),
    ("pow pow_", _power),
    ("sigmoid sigmoid_", _each(exponentials=1, acs=1, divisions=1)),
    ("silu silu_", _each(exponentials=1, acs=1, divisions=1, multiplies=1)),
    ("gelu gelu_", _each(exponentials=1, acs=1, multiplies=3)),  # x / 2 (1 + erf(x / sqrt(2)))
    ("softplus", _each(exponentials=2, acs=2)),
    ("addcmul addcmul_", _each(macs=1, multiplies=1)),
    ("addcdiv addcdiv_", _each(macs=1, divisions=1)),
    ("lerp lerp_", _each(macs=1, acs=1)),
    ("maximum minimum clamp clamp_ clamp_min clamp_min_ clamp_max relu relu_ threshold", _each(acs=1)),
    ("eq ne lt le gt ge isnan isinf isposinf isneginf", _each(acs=1)),
    ("abs sign floor round ceil", _each(acs=1)),
    ("sum cumsum max min amax amin argmax argmin aminmax equal any all", _in(acs=1)),
    ("mean", _mean),
    ("var std var_mean", _in(acs=2, macs=1)),
    ("linalg_vector_norm norm", _in(macs=1)),
    ("sort topk", _ordered),
    ("native_layer_norm native_group_norm", _normalised),
    ("_softmax _log_softmax", lambda call: _SOFTMAX * _in(acs=1)(call).acs),
    ("bernoulli bernoulli_ rand rand_like randn randn_like randint randperm", _each(random_draws=1)),
    ("normal_ uniform_ exponential_ multinomial", _each(random_draws=1)),
    ("native_dropout", _each(random_draws=1, multiplies=2)),
    # Backward passes as their formulas read, for each number of the gradient that comes in; optimisers.
    ("_softmax_backward_data", _in(macs=1, acs=1, multiplies=1)),  # y (g - sum y g)
    ("_log_softmax_backward_data", _in(macs=1, acs=1, exponentials=1)),  # g - exp(y) sum g
    ("native_layer_norm_backward", _in(macs=4, acs=2, multiplies=2)),
    ("gelu_backward", _in(macs=2, multiplies=5, exponentials=2)),
    ("silu_backward", _in(macs=1, acs=2, multiplies=3, exponentials=1, divisions=1)),
    ("tanh_backward", _in(macs=1, multiplies=1)),
    ("sigmoid_backward", _in(acs=1, multiplies=2)),
    ("threshold_backward embedding_dense_backward", _in(acs=1)),
    ("_foreach_norm", _list(macs=1)),
    ("_foreach_mul _foreach_mul_", _list(multiplies=1)),
    ("_foreach_add _foreach_add_", _list(acs=1)),
    # Copies, choices and signs: bytes alone.
    ("clone copy_ _to_copy cat stack repeat flip roll tril triu constant_pad_nd", _each()),
    ("embedding index index_select gather scatter scatter_ index_put index_put_ _unsafe_index", _each()),
    ("slice_scatter select_scatter select_backward slice_backward masked_select nonzero", _each()),
    ("masked_fill masked_fill_ where fill_ zero_ neg neg_ nll_loss_forward nll_loss_backward", _each()),
    ("zeros ones full zeros_like ones_like full_like new_zeros new_ones new_full", _each()),
    ("arange linspace scalar_tensor _local_scalar_dense", _each()),
)
_RULES = {getattr(aten, name): rule for names, rule in _TABLE for name in names.split()}

_STILL = (
    "_unsafe_view empty empty_like empty_strided new_empty new_empty_strided resize_ set_ detach_ "
    "lift_fresh is_same_size sym_size _assert_async _assert_scalar"
)
_NO_TRAFFIC = frozenset(getattr(aten, name) for name in _STILL.split())
