"""Running a program through a score map: single steps from true states, and whole runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pragmatic.machines.looped import LoopedTransformer
from pragmatic.machines.subleq import SubleqState
from pragmatic.score_maps import ScoreMap
from scenarios.workbench.statistics import Estimate, fraction

__all__ = ["Reads", "Run", "error_a_step", "follow", "wrong_majority"]

AT_ONCE = 70  # states that are stepped together


@dataclass(frozen=True, kw_only=True)
class Reads:
    """Single steps, each from a state of the interpreter."""

    wrong: np.ndarray  # (n_steps,) bool

    @property
    def rate(self) -> Estimate:
        """Of steps that leave another state than the interpreter's."""
        return fraction(self.wrong)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Machines that run a program by themselves."""

    right: np.ndarray  # (n_machines,) steps that each did right from the start
    n_steps: int
    memory: np.ndarray  # (steps + 1, cells) of the first machine
    at: np.ndarray  # (steps + 1,)

    @property
    def whole(self) -> Estimate:
        """Of machines that ran it without an error."""
        return fraction(self.right == self.n_steps)


def error_a_step(
    machine: LoopedTransformer,
    wanted: Sequence[SubleqState],
    score_map: ScoreMap,
    n_steps: int,
    rng: np.random.Generator,
) -> Reads:
    """Carry out steps of the program, drawn by chance, each from its true state."""
    chosen = rng.permutation(np.arange(n_steps) % (len(wanted) - 1))
    wrong = []
    for first in range(0, n_steps, AT_ONCE):
        steps = chosen[first : first + AT_ONCE]
        stream = machine.load([wanted[s].memory for s in steps], at=[wanted[s].at for s in steps])
        got = machine.states(machine(stream, score_map))
        wrong += [state != wanted[s + 1] for s, state in zip(steps, got, strict=True)]
    return Reads(wrong=np.array(wrong))


def follow(
    machine: LoopedTransformer, wanted: Sequence[SubleqState], score_map: ScoreMap, *, n_machines: int
) -> Run:
    """Run the program on several machines at once, as many steps as the interpreter takes.

    A machine goes on with what it has after an error; once every one has made one, the rest is not run.
    """
    stream = machine.load([wanted[0].memory] * n_machines)
    right, going, seen = np.zeros(n_machines, dtype=int), np.ones(n_machines, dtype=bool), [wanted[0]]
    for expected in wanted[1:]:
        stream = machine(stream, score_map)
        got = machine.states(stream)
        going &= np.array([state == expected for state in got])
        right += going
        seen.append(got[0])
        if n_machines > 1 and not going.any():
            break
    return Run(
        right=right,
        n_steps=len(wanted) - 1,
        memory=np.array([state.memory for state in seen]),
        at=np.array([state.at for state in seen]),
    )


def wrong_majority(beta: float) -> float:
    """Nats a spike by which a choice between two keys of scores beta and 0 gets rarer wrong.

    Half or more of N spikes fall to the wrong key with a chance of about (2 sqrt(p (1 - p)))^N (Chernoff 1952), and
    p = sigmoid(beta): ln cosh(beta / 2). That is a cell's choice between the result and itself; a read of a cell
    through more bits is decided by 2 beta for each.
    """
    return float(np.log(np.cosh(beta / 2)))
