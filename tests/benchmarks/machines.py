"""A dataflow matrix machine of 100 neurons: cycles per second of the exact and of the dense engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from pragmatic.machines.dmm import NEURONS, DenseMachine, Machine, Program
from tests.benchmarks.table import Table, in_turn, spread

KINDS = ("accum", "max-norm", "less-or-equal", "dot", "mask-mult")
N_NEURONS, LINKS_A_ROW, LEAVES, BATCH, REPEATS = 100, 5, "abcdefgh", 64, 5
CYCLES = {"exact": 5, "dense": 200, f"dense, {BATCH} machines at once": 20}


def program(rng: np.random.Generator) -> Program:
    """Neurons of five types linked at random, with signals of eight leaves."""
    neurons = [(KINDS[i % len(KINDS)], f"n{i}") for i in range(N_NEURONS)]
    outputs = [f"{kind}.{name}.{slot}" for kind, name in neurons for slot in NEURONS[kind].outputs]
    inputs = [f"{kind}.{name}.{slot}" for kind, name in neurons for slot in NEURONS[kind].inputs]
    links = {
        to: {str(out): rng.normal(0, 0.2) for out in rng.choice(outputs, LINKS_A_ROW, replace=False)}
        for to in inputs
    }
    return Program(links=links, outputs={out: {leaf: rng.normal() for leaf in LEAVES} for out in outputs})


def run() -> Table:
    """Cycles per second, warm."""
    shared = program(np.random.default_rng(0))
    machines = (Machine(shared), DenseMachine(shared), DenseMachine(shared, batch=BATCH))
    ways: dict[str, Callable[[], object]] = {
        name: partial(machine.run, n) for (name, n), machine in zip(CYCLES.items(), machines, strict=True)
    }
    seconds = in_turn(ways, repeats=REPEATS).seconds
    rates = {name: n / seconds[name] for name, n in CYCLES.items()}
    rates[f"dense, {BATCH} machines at once"] *= BATCH
    return Table(
        setting=f"{N_NEURONS} neurons of five types, {LINKS_A_ROW} links to each input, signals of {len(LEAVES)} "
        f"leaves and a number; warm; median of {REPEATS} rounds (range). Cycles of machines that run at once are "
        "added up.",
        head=("engine", "cycles/s", "over the exact one"),
        lines=tuple(
            (name, spread(rate, 0), spread(rate / rates["exact"], 0)) for name, rate in rates.items()
        ),
        packages=("numpy", "torch"),
    )
