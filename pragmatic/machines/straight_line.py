"""Programs of sums and products, interpreted, and compiled into a transformer with two mirrored tokens.

The residual stream of the first token holds the registers, that of the second their negatives, and one column the
sign. So a product needs one head: a query from one register, keys from the other, which are y and -y, and the
sign column as value. A sum is a linear map between columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pragmatic.attention import dot_product_head
from pragmatic.checks import shown, unknown, within
from pragmatic.score_maps import ScoreMap

__all__ = ["OPERATIONS", "Compiled", "Instruction", "compiled", "interpret"]

OPERATIONS = ("add", "multiply")


@dataclass(frozen=True)
class Instruction:
    """into = left + right, or left * right."""

    operation: str
    left: str
    right: str
    into: str

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise ValueError(unknown("operation", self.operation, OPERATIONS))


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A transformer of one layer an instruction, all of its weights explicit.

    A layer adds to the residual stream X, (n, 2, width), what `add` or the head makes of it:
    X @ add, or (1 / gain) softmax(gain X @ query (X @ key)^T) X @ value, written into one column by `into`.
    """

    inputs: tuple[str, ...]
    columns: tuple[str, ...]  # registers in their order, then the sign
    layers: tuple[dict[str, Tensor], ...]
    gain: float

    def __call__(self, inputs: Mapping[str, Tensor], score_map: ScoreMap) -> dict[str, Tensor]:
        """Run it on registers of (n,) numbers each, and read every register from both tokens."""
        _check_inputs(self.inputs, inputs)
        first = torch.stack([inputs[name] for name in self.inputs], dim=-1)
        stream = torch.zeros(len(first), 2, len(self.columns), dtype=first.dtype)
        stream[:, 0, : len(self.inputs)] = first
        stream[:, 0, -1] = 1.0
        stream[:, 1] = -stream[:, 0]
        head = dot_product_head(score_map, scaling=self.gain)
        for layer in self.layers:
            if "add" in layer:
                stream = stream + stream @ layer["add"]
                continue
            query, key, value = (stream @ layer[name] for name in ("query", "key", "value"))
            stream = stream + head(query, key, value).output @ layer["into"] / self.gain
        read = (stream[:, 0] - stream[:, 1]) / 2
        return {name: read[:, i] for i, name in enumerate(self.columns[:-1])}


def interpret(program: Sequence[Instruction], inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Carry out the instructions one after another, exactly."""
    _registers(program, tuple(inputs))
    registers = dict(inputs)
    for step in program:
        left, right = registers[step.left], registers[step.right]
        registers[step.into] = left + right if step.operation == "add" else left * right
    return registers


def compiled(program: Sequence[Instruction], inputs: Sequence[str], *, gain: float) -> Compiled:
    """Compile a program.

    Parameters
    ----------
    program : sequence of Instruction
    inputs : sequence of str
        Registers that are set before it starts.
    gain : float
        Of every product, whose error is gain^2 / 3 at most while registers stay within 1.

    Raises
    ------
    ValueError
        For a program that reads a register before it is written, or writes one twice.
    """
    within("compiled", "gain", gain, 1e-6, 1e3)
    columns = (*_registers(program, tuple(inputs)), "the sign")
    return Compiled(
        inputs=tuple(inputs),
        columns=columns,
        layers=tuple(_layer(step, columns) for step in program),
        gain=gain,
    )


def _layer(step: Instruction, columns: tuple[str, ...]) -> dict[str, Tensor]:
    one_hot = torch.eye(len(columns), dtype=torch.float64)
    left, right, into = (one_hot[columns.index(name)] for name in (step.left, step.right, step.into))
    if step.operation == "add":
        return {"add": torch.outer(left, into) + torch.outer(right, into)}
    return {
        "query": left[:, None],
        "key": right[:, None],
        "value": one_hot[-1][:, None],
        "into": into[None],
    }


def _registers(program: Sequence[Instruction], inputs: tuple[str, ...]) -> tuple[str, ...]:
    """Every register in the order of writing."""
    if not inputs:
        raise ValueError("inputs must name at least one register, got none; name one")
    known = list(inputs)
    for at, step in enumerate(program):
        for name in (step.left, step.right):
            if name not in known:
                raise ValueError(
                    f"instruction {at} must read a register that is written before, got {shown(name)}; "
                    f"known there: {', '.join(known)}"
                )
        if step.into in known:
            raise ValueError(
                f"instruction {at} must write a register that is not in use, got {shown(step.into)}; rename it"
            )
        known.append(step.into)
    return tuple(known)


def _check_inputs(names: tuple[str, ...], given: Mapping[str, Tensor]) -> None:
    missing = [name for name in names if name not in given]
    if missing:
        raise ValueError(f"inputs must set every input register, got none for {', '.join(missing)}; set it")
