"""What a peer's process and the benchmark say to each other; it imports numpy alone.

The peer gets the problem as a JSON file, builds it, says so in one line, and then simulates once for every
line that it reads.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["Outcome", "Problem", "serve"]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The gamma circuit in numbers: times in ms, rates per ms, voltages in scores."""

    n_cells: int
    n_steps: int
    dt: float
    delay_steps: int  # from the step of a spike to the step after which its effect is read
    threads: int
    tau_e: float
    drive: float
    theta: float
    v_start: float  # of an E cell, less its score
    rho_0: float
    reset_by: float
    tau_i: float
    tau_rise: float
    tau_ampa: float
    tau_gaba: float
    refractory: float
    w_ei: float
    w_ie: float  # of one I spike
    v_th: list[float]  # thresholds of a row's I cells
    score_input: list[list[float]]  # (n_rows, n_keys)

    @property
    def n_rows(self) -> int:
        return len(self.score_input)

    @property
    def n_keys(self) -> int:
        return len(self.score_input[0])

    @property
    def n_exc(self) -> int:
        """E cells of a row."""
        return self.n_keys * self.n_cells

    @property
    def n_inh(self) -> int:
        """I cells of a row."""
        return len(self.v_th)

    @property
    def refractory_steps(self) -> int:
        return round(self.refractory / self.dt)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a simulation is compared by."""

    counts: np.ndarray  # (n_rows, n_keys)
    inh_counts: np.ndarray  # (n_rows,)
    per_step: np.ndarray  # (n_rows, n_steps), E spikes


def serve(version: str, threads: int, build: Callable[[Problem], Callable[[int], Outcome]]) -> None:
    """Build the problem named on the command line, then simulate with every seed that comes in.

    Parameters
    ----------
    version : str
        Of the simulator.
    threads : int
        That it uses, if fewer than the problem allows; 0 for as many.
    build : callable
        Problem -> (seed -> Outcome).
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the simulator prints is no answer
    problem = Problem(**json.loads(Path(sys.argv[1]).read_text()))
    began = time.perf_counter()
    simulate = build(problem)
    build_s = time.perf_counter() - began
    print(
        json.dumps({"version": version, "threads": threads or problem.threads, "build_s": build_s}),
        file=answers,
        flush=True,
    )
    for line in sys.stdin:
        request = json.loads(line)
        began, cpu_before = time.perf_counter(), _cpu_seconds()
        outcome = simulate(request["seed"])
        taken = {"seconds": time.perf_counter() - began, "cpu_s": _cpu_seconds() - cpu_before}
        np.savez_compressed(request["file"], **vars(outcome))
        print(json.dumps(taken), file=answers, flush=True)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
