"""Neuron types: named inputs, each a linear combination of outputs, and a nonlinear map to named outputs.

Every type is written twice, for the two engines: on V-values, and on tensors whose last dimension runs over the
leaves that a machine's signals can have. The types are those of Bukatin and Anthony (2017), arXiv:1712.07447,
section 6, and of their trainable machine (2022), with names as they have them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pragmatic.checks import at_least, shown
from pragmatic.machines.dmm.layout import Layout
from pragmatic.machines.dmm.values import (
    DmmError,
    Value,
    add,
    checked,
    from_leaves,
    leaves,
    lin_comb,
    mask_mult,
    max_norm,
    number,
    of_number,
)

__all__ = ["DOT_LIMIT", "NEURONS", "NeuronType", "constant", "dot", "letters"]

DOT_LIMIT = 4.0  # Bukatin (2022), DMM Lite: keeps products of a machine that is trained from exploding

Signals = Mapping[str, Value]  # slot -> V-value
Act = Callable[[Signals], dict[str, Value]]
DenseAct = Callable[[Tensor, "Layout"], Tensor]  # (..., n_inputs, D) to (..., n_outputs, D)


@dataclass(frozen=True, kw_only=True)
class NeuronType:
    """What neurons of a type do in the second half of a cycle.

    Attributes
    ----------
    inputs, outputs : tuple of str
        Their slots.
    act : callable
        From a V-value for each input to one for each output.
    dense : callable, optional
        The same on tensors: (..., n_inputs, D) and the layout to (..., n_outputs, D). A type without it runs on
        the exact engine alone.
    keys : tuple of str
        Leaves that its outputs have by themselves, besides those of its inputs and "number".
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    act: Act
    dense: DenseAct | None = None
    keys: tuple[str, ...] = ()


def _one(function: Callable[..., Value], *inputs: str) -> Act:
    return lambda signals: {"single": function(*(signals[name] for name in inputs))}


def _larger(left: Value, right: Value) -> Value:
    """Leaf by leaf the larger of the two; an absent leaf is 0."""
    values: tuple[dict[tuple[str, ...], float], ...] = (dict(leaves(left)), dict(leaves(right)))
    paths = values[0] | values[1]
    return from_leaves((path, max(values[0].get(path, 0.0), values[1].get(path, 0.0))) for path in paths)


def _compare(signals: Signals) -> dict[str, Value]:
    apart = number(signals["left"]) - number(signals["right"])
    return {"true": of_number(max(apart, 0.0)), "false": of_number(max(-apart, 0.0))}


def _compare_dense(inputs: Tensor, layout: Layout) -> Tensor:
    left, right = layout.numbers(inputs).unbind(dim=-1)
    return layout.of_numbers(torch.stack([torch.relu(left - right), torch.relu(right - left)], dim=-1))


def _less(signals: Signals) -> dict[str, Value]:
    below = number(signals["left"]) <= number(signals["right"])
    return {"true": of_number(float(below)), "false": of_number(float(not below))}


def _less_dense(inputs: Tensor, layout: Layout) -> Tensor:
    left, right = layout.numbers(inputs).unbind(dim=-1)
    return layout.of_numbers(torch.stack([left <= right, left > right], dim=-1).to(inputs.dtype))


def _list_cell(old: Value, signal: Value) -> Value:
    """Put the signal before the old list if it raises its flag."""
    return {"this": signal, "rest": old} if signal.get("flag") else old


def _product(inputs: Tensor) -> Tensor:
    return inputs[..., 0, :] * inputs[..., 1, :]


def dot(limit: float = DOT_LIMIT) -> NeuronType:
    """Make a neuron type: the sum over leaves of the product of two V-values, at most `limit` in size."""

    def act(mask: Value, signal: Value) -> Value:
        other = dict(leaves(signal))
        total = sum(leaf * other.get(path, 0.0) for path, leaf in leaves(mask))
        return of_number(min(max(total, -limit), limit))

    return NeuronType(
        inputs=("mask", "signal"),
        outputs=("single",),
        act=_one(act, "mask", "signal"),
        dense=lambda x, layout: layout.of_numbers(_product(x).sum(dim=-1, keepdim=True).clamp(-limit, limit)),
    )


def constant(value: Mapping[str, float]) -> NeuronType:
    """Make a source: a neuron without inputs that says the same in every cycle, from the first on."""
    held = checked("constant", value)
    if any(isinstance(leaf, dict) for leaf in held.values()):
        raise DmmError(
            f"a constant must be one map of numbers, got {shown(value)}; keep deeper ones by identity"
        )

    def dense(inputs: Tensor, layout: Layout) -> Tensor:
        out = inputs.new_zeros(*inputs.shape[:-2], 1, inputs.shape[-1])
        for key, leaf in held.items():
            out[..., layout.index[(key,)]] = leaf
        return out

    return NeuronType(
        inputs=(), outputs=("single",), act=lambda _: {"single": held}, dense=dense, keys=tuple(held)
    )


def letters(text: str, every: int = 10) -> NeuronType:
    """Make a sensor: at each multiple of `every` on the clock it reads, the next letter of a text as {letter: 1}.

    After its end it goes on with the last letter.
    """
    if not text:
        raise DmmError("text must have at least one letter, got ''; give one")
    at_least("letters", "every", every, 1)
    names = tuple(dict.fromkeys(text))

    def act(clock: Value) -> Value:
        cycle = round(number(clock))
        return {} if cycle % every else {text[min(cycle // every, len(text) - 1)]: 1.0}

    def dense(inputs: Tensor, layout: Layout) -> Tensor:
        cycle = layout.numbers(inputs).round().long()  # (..., 1)
        places = torch.tensor([layout.index[(letter,)] for letter in text], device=inputs.device)
        letter = places[(cycle // every).clamp(max=len(text) - 1)]
        out = torch.zeros_like(inputs)
        return out.scatter(-1, letter[..., None], (cycle % every == 0).to(inputs.dtype)[..., None])

    return NeuronType(inputs=("clock",), outputs=("single",), act=_one(act, "clock"), dense=dense, keys=names)


NEURONS: dict[str, NeuronType] = {
    "identity": NeuronType(
        inputs=("single",),
        outputs=("single",),
        act=_one(lambda x: x, "single"),
        dense=lambda x, _: x,
    ),
    "accum": NeuronType(  # linked from "single" to "accum" with weight 1 it adds up what comes to "delta"
        inputs=("accum", "delta"),
        outputs=("single",),
        act=_one(add, "accum", "delta"),
        dense=lambda x, _: x.sum(dim=-2, keepdim=True),
    ),
    "max-norm": NeuronType(
        inputs=("single",),
        outputs=("single",),
        act=_one(lambda x: of_number(max_norm(x)), "single"),
        dense=lambda x, layout: layout.of_numbers(x.abs().amax(dim=-1)),
    ),
    "maximum": NeuronType(
        inputs=("left", "right"),
        outputs=("single",),
        act=_one(_larger, "left", "right"),
        dense=lambda x, _: x.amax(dim=-2, keepdim=True),
    ),
    "mask-mult": NeuronType(
        inputs=("mask", "signal"),
        outputs=("single",),
        act=_one(mask_mult, "mask", "signal"),
        dense=lambda x, _: _product(x)[..., None, :],
    ),
    "lin-comb": NeuronType(
        inputs=("mask", "signal"),
        outputs=("single",),
        act=_one(lin_comb, "mask", "signal"),
        dense=lambda x, layout: layout.of_numbers(_product(x).sum(dim=-1, keepdim=True)),
    ),
    "dot": dot(),
    "less-or-equal": NeuronType(
        inputs=("left", "right"), outputs=("true", "false"), act=_less, dense=_less_dense
    ),
    "compare": NeuronType(
        inputs=("left", "right"), outputs=("true", "false"), act=_compare, dense=_compare_dense
    ),
    "timer": NeuronType(  # linked to itself with weight 1 it counts cycles
        inputs=("single",),
        outputs=("single",),
        act=_one(lambda x: add(x, of_number(1.0)), "single"),
        dense=lambda x, layout: x + layout.of_numbers(torch.ones_like(x[..., 0])),
    ),
    "list": NeuronType(
        inputs=("self", "signal"), outputs=("single",), act=_one(_list_cell, "self", "signal")
    ),
}
