"""A task for machines that learn: count the repeats of letters in a text, and its full stops.

The trainable machine "DMM Lite" of Bukatin (2022), github.com/anhinga/julia-flux-drafts, arxiv-1606-09470-section3,
implemented anew. A letter comes every tenth cycle; after the end of the text its last letter comes again and again.
Output 1 says by how much the most frequent letter so far exceeds 1, output 2 how many full stops have come.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pragmatic.checks import at_least
from pragmatic.machines.dmm.dense import DenseMachine, RowDraw
from pragmatic.machines.dmm.neurons import constant, letters
from pragmatic.machines.dmm.program import Links, Program

__all__ = ["EVERY", "HAND", "NINETEEN", "OUTPUTS", "TEXT", "counted", "said", "wired"]

TEXT, EVERY = "test string.", 10
INPUT, CONST, STOP = "letters.input.single", "one.const.single", "stop.eos.single"
OUTPUTS = ("identity.repeats.single", "identity.stops.single")

HAND: Links = {  # nine links with the accumulator's own, all of weight 1
    "accum.a.delta": {INPUT: 1.0},
    "max-norm.n.single": {"accum.a.single": 1.0},
    "compare.c.left": {"max-norm.n.single": 1.0},
    "compare.c.right": {CONST: 1.0},
    "dot.d.mask": {"accum.a.single": 1.0},
    "dot.d.signal": {STOP: 1.0},
    OUTPUTS[0]: {"compare.c.true": 1.0},
    OUTPUTS[1]: {"dot.d.single": 1.0},
}

NINETEEN: Links = {  # what training and sparsifying left: sparse20-after-100-steps-matrix.json of the author
    "accum.a.delta": {INPUT: 0.76140845},
    "max-norm.n2.single": {"accum.a.single": 0.6799909, INPUT: -0.5035984},
    "dot.d2.mask": {"accum.a.single": -0.68474704, INPUT: -0.5177265},
    "dot.d2.signal": {STOP: -1.289527},
    "compare.c1.left": {CONST: -0.44793695},
    "compare.c1.right": {CONST: 0.4385935},
    "compare.c3.left": {"max-norm.n2.single": 0.25769955, "compare.c1.false": -0.44086167},
    "compare.c3.right": {"max-norm.n2.single": -0.25060785, "compare.c1.false": 0.44996113},
    "compare.c4.left": {"max-norm.n2.single": -0.5982746},
    "compare.c4.right": {"max-norm.n2.single": 0.60425675},
    "compare.c5.left": {"dot.d2.single": 0.67944056},
    "compare.c5.right": {"dot.d2.single": -0.689225},
    OUTPUTS[0]: {"compare.c3.false": -1.2568029, "compare.c4.false": 1.069833},
    OUTPUTS[1]: {"compare.c5.true": 1.0863824},
}


def wired(links: Links, text: str = TEXT, *, every: int = EVERY) -> Program:
    """The program of some links, with clock, letters and constants, and accumulators that keep their sums.

    These hard links of weight 1 are not counted among the weights of a machine.
    """
    sums = {to.rpartition(".")[0] for to in links if to.startswith("accum.")}
    hard = {
        "timer.clock.single": {"timer.clock.single": 1.0},
        "letters.input.clock": {"timer.clock.single": 1.0},
        **{f"{name}.accum": {f"{name}.single": 1.0} for name in sums},
    }
    sources = {
        "one": constant({"number": 1.0}),
        "stop": constant({".": 1.0}),
        "letters": letters(text, every),
    }
    return Program(links={**hard, **links}, types=sources)


def counted(text: str, n_cycles: int, *, every: int = EVERY) -> Tensor:
    """What the hand program says, (n_cycles, 2): repeats four cycles after a letter, stops three.

    Letter i comes in cycle `every` times i; the signal takes a cycle through each neuron on its way.
    """
    at_least("counted", "n_cycles", n_cycles, 1)
    seen: dict[str, int] = {}
    wanted = torch.zeros(n_cycles, 2, dtype=torch.float64)
    for i in range(n_cycles // every + 1):
        letter = text[min(i, len(text) - 1)]
        seen[letter] = seen.get(letter, 0) + 1
        wanted[every * i + 4 :, 0] = max(seen.values()) - 1
        wanted[every * i + 3 :, 1] = seen.get(".", 0)
    return wanted


def said(program: Program, n_cycles: int, *, batch: int = 1, draw: RowDraw | None = None) -> Tensor:
    """The numbers at both outputs, (batch, n_cycles, 2)."""
    machine = DenseMachine(program, batch=batch, draw=draw)
    outputs = machine.run(n_cycles)  # (n_cycles, batch, n_outputs, D)
    numbers = torch.zeros(batch, n_cycles, 2, dtype=outputs.dtype)
    for at, name in enumerate(OUTPUTS):
        path = tuple(name.split("."))
        if path in machine.layout.outputs:  # an output without links is silent
            place = machine.layout.outputs.index(path)
            numbers[:, :, at] = machine.layout.numbers(outputs[:, :, place]).T
    return numbers
