"""SUBLEQ by its interpreter and by the looped transformer, which must agree on any program."""

from __future__ import annotations

import numpy as np
import pytest

from bridge import SpikingScoreMap
from pragmatic.machines.looped import LoopedTransformer
from pragmatic.machines.subleq import (
    SubleqError,
    SubleqState,
    addition,
    multiplication,
    run,
    states,
    step,
)
from pragmatic.score_maps import Softmax
from spiking import Budget, GammaCircuit, GammaParams

MACHINE = LoopedTransformer(address_bits=6, value_bits=8)


def test_programs_compute_in_the_steps_known() -> None:
    """Step counts of the reference: 6 x 7 in 35, 3 x 4 in 20, an addition in 3."""
    for program, cell, result, n_steps in (
        (multiplication(6, 7), 32, 42, 35),
        (multiplication(3, 4), 32, 12, 20),
        (addition(19, 23), 13, 42, 3),
        (addition(-5, 2), 13, -3, 3),
    ):
        trace = list(states(program))
        assert trace[-1].halted
        assert trace[-1].memory[cell] == result
        assert len(trace) - 1 == n_steps


@pytest.mark.parametrize("program", [multiplication(6, 7), addition(19, 23), addition(-5, 2)])
def test_the_transformer_equals_the_interpreter_step_by_step(program: tuple[int, ...]) -> None:
    stream = MACHINE.load([program])
    for expected in list(states(program))[1:]:
        stream = MACHINE(stream, Softmax())
        state = MACHINE.states(stream)[0]
        assert state.memory[: len(program)] == expected.memory
        assert state.at == expected.at


def test_it_equals_the_interpreter_from_random_memories() -> None:
    """Any memory is a program: one instruction of each of 300, wherever the interpreter can carry it out."""
    rng = np.random.default_rng(0)
    wanted, given = [], []
    while len(wanted) < 300:
        memory = rng.integers(-40, 41, MACHINE.n_cells)
        start = SubleqState(tuple(map(int, memory)), int(rng.integers(0, MACHINE.n_cells - 3)))
        try:
            wanted.append(step(start, MACHINE.value_bits))
        except SubleqError:
            continue
        given.append(start)
    stream = MACHINE.load([s.memory for s in given], at=[s.at for s in given])
    assert MACHINE.states(MACHINE(stream, Softmax())) == wanted


def test_without_a_clean_up_softmax_still_computes_for_a_while() -> None:
    """beta 10: a read is off by 6 e^-20; with beta 1 the right cell has a third of the weight and bits are lost."""
    program = addition(19, 23)
    for beta, works in ((10.0, True), (1.0, False)):
        machine = LoopedTransformer(beta=beta, clean_up=False)
        stream = machine.load([program])
        for _ in range(3):
            stream = machine(stream, Softmax())
        assert (machine.states(stream)[0].memory[13] == 42) == works


def test_spikes_run_a_program_with_few_spikes_a_read() -> None:
    """35 steps of 32 regular spikes at beta 3: a read is wrong far less often than once in 1000 steps."""
    circuit = GammaCircuit(GammaParams.regular_brief())
    score_map = SpikingScoreMap(circuit, Budget(spikes=32), np.random.default_rng(0), record="counts")
    machine = LoopedTransformer(beta=3.0)
    stream = machine.load([multiplication(6, 7)])
    for _ in range(35):
        stream = machine(stream, score_map)
    state = machine.states(stream)[0]
    assert state.halted
    assert state.memory[32] == 42
    assert score_map.usage.rows == 35 * (4 + 2 + 64 + 1)


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (
            (0, 0, 9),
            "an instruction must lie within the memory of 3 cells, got a jump to 9; correct the jump",
        ),
        ((7, 0, -1), "operand a of the instruction at 0 must be an address below 3, got 7"),
        ((0, -2, -1), "operand b of the instruction at 0 must be an address below 3, got -2"),
        ((3, 3, 0, 0), "a program must halt within 50 steps, got one that runs on; raise the limit"),
        ((1, 2), "a program must have at least 3 cells, got 2"),
        ((0, 0, 1.5), "cell 2 must hold a whole number, got 1.5"),
        ((0, 0, 200), "cell 2 must lie in -128 to 127, as 8 bits hold, got 200"),
        ((3, 4, -1, 100, -100), "the result of the instruction at 0 must lie in -128 to 127"),
    ],
)
def test_bad_programs_are_refused(program: tuple[int, ...], says: str) -> None:
    with pytest.raises(SubleqError, match=says):
        run(program, limit=50, value_bits=8)


def test_a_program_that_does_not_fit_the_machine_is_refused() -> None:
    with pytest.raises(SubleqError, match="a program must have at most 16 cells, as 4 bits address, got 35"):
        LoopedTransformer(address_bits=4).load([multiplication(6, 7)])
    with pytest.raises(ValueError, match=r"LoopedTransformer.value_bits must lie in \[7, 32\], got 6"):
        LoopedTransformer(address_bits=6, value_bits=6)
