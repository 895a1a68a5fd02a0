"""SUBLEQ, a computer of one instruction: mem[b] -= mem[a], and if the result is <= 0 go to c.

Mazonka and Kolodin (2011), A simple multi-processor computer based on subleq, arXiv:1106.2593. Programs and their
data lie in one memory, three cells an instruction. A jump below 0 halts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pragmatic.checks import at_least, shown

__all__ = [
    "SubleqError",
    "SubleqState",
    "addition",
    "check_memory",
    "multiplication",
    "run",
    "states",
    "step",
]

CELLS_OF_AN_INSTRUCTION = 3
STEP_LIMIT = 10_000


class SubleqError(ValueError):
    """A program that leaves its memory or its range of numbers, or does not halt."""


@dataclass(frozen=True)
class SubleqState:
    """The memory and the address of the next instruction; below 0 it has halted."""

    memory: tuple[int, ...]
    at: int = 0

    @property
    def halted(self) -> bool:
        """Whether there is no next instruction."""
        return self.at < 0


def step(state: SubleqState, value_bits: int | None = None) -> SubleqState:
    """Carry out one instruction.

    Parameters
    ----------
    state : SubleqState
        Not halted.
    value_bits : int, optional
        Of a number in two's complement, its sign among them; any number if not given.

    Raises
    ------
    SubleqError
        If the instruction or one of its operands lies outside of the memory, or its result outside of the range.
    """
    memory, at = state.memory, state.at
    if not 0 <= at <= len(memory) - CELLS_OF_AN_INSTRUCTION:
        raise SubleqError(
            f"an instruction must lie within the memory of {len(memory)} cells, got a jump to {at}; "
            "correct the jump, or halt with -1"
        )
    a, b, jump = memory[at : at + CELLS_OF_AN_INSTRUCTION]
    for name, address in (("a", a), ("b", b)):
        if not 0 <= address < len(memory):
            raise SubleqError(
                f"operand {name} of the instruction at {at} must be an address below {len(memory)}, got {address}; "
                "correct it, or give the program more cells"
            )
    result = memory[b] - memory[a]
    if value_bits is not None:
        _check_value(f"the result of the instruction at {at}", result, value_bits)
    changed = (*memory[:b], result, *memory[b + 1 :])
    return SubleqState(changed, jump if result <= 0 else at + CELLS_OF_AN_INSTRUCTION)


def states(
    memory: Sequence[int], *, limit: int = STEP_LIMIT, value_bits: int | None = None
) -> Iterator[SubleqState]:
    """The state before the first instruction and after each one, until it halts.

    Raises
    ------
    SubleqError
        As `step` says, and for a program that has not halted after `limit` instructions.
    """
    at_least("states", "limit", limit, 1)
    state = SubleqState(check_memory(memory, value_bits))
    yield state
    for _ in range(limit):
        if state.halted:
            return
        state = step(state, value_bits)
        yield state
    if not state.halted:
        raise SubleqError(
            f"a program must halt within {limit} steps, got one that runs on; raise the limit, or correct its jumps"
        )


def run(memory: Sequence[int], *, limit: int = STEP_LIMIT, value_bits: int | None = None) -> SubleqState:
    """The state in which a program halts."""
    *_, last = states(memory, limit=limit, value_bits=value_bits)
    return last


def check_memory(memory: Sequence[int], value_bits: int | None = None) -> tuple[int, ...]:
    """The memory as a tuple, refused unless it holds an instruction and whole numbers in range."""
    if len(memory) < CELLS_OF_AN_INSTRUCTION:
        raise SubleqError(
            f"a program must have at least {CELLS_OF_AN_INSTRUCTION} cells, got {len(memory)}; use for example "
            "0,0,-1"
        )
    for cell, value in enumerate(memory):
        if not isinstance(value, int) or isinstance(value, bool):
            raise SubleqError(f"cell {cell} must hold a whole number, got {shown(value)}; use int")
        if value_bits is not None:
            _check_value(f"cell {cell}", value, value_bits)
    return tuple(memory)


def addition(a: int, b: int) -> tuple[int, ...]:
    """A program that puts a + b into cell 13, in 3 steps."""
    return (12, 14, 3, 14, 13, 6, 14, 14, -1, 0, 0, 0, a, b, 0)


def multiplication(a: int, b: int) -> tuple[int, ...]:
    """A program that puts a b into cell 32, for b >= 1, in 5 b steps."""
    code = (30, 33, 3, 33, 32, 6, 33, 33, 9, 34, 31, 15, 33, 33, 0, 33, 33, -1)
    return (*code, *(0,) * (30 - len(code)), a, b, 0, 0, 1)


def _check_value(what: str, value: int, value_bits: int) -> None:
    half = 2 ** (value_bits - 1)
    if not -half <= value < half:
        raise SubleqError(
            f"{what} must lie in {-half} to {half - 1}, as {value_bits} bits hold, got {value}; use more bits or "
            "smaller numbers"
        )
