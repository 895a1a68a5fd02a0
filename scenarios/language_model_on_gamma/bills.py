"""What a language model computes on one window, counted in the run: by softmax, and on circuits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bridge import TABLES, Bill, count
from pragmatic import Softmax, dot_product_head
from scenarios.language_model_on_gamma.trials import Kind
from scenarios.workbench.cost import DIGITAL, HARDWARE, OPERATIONS
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.reading import Trial

if TYPE_CHECKING:
    from scenarios.language_model_on_gamma import Params

__all__ = ["add_bill", "count_window"]


def count_window(model: Any, window: Tensor, params: Params, ctx: RunContext) -> dict[int, Bill]:
    """Bills of one window (length,) by spikes a row, 0 for softmax.

    Softmax is put in as a head, too, so that both are counted operation by operation: a fused attention kernel
    is one operation to the counter.
    """
    softmax = Trial(label="softmax", heads={params.heads: lambda seed: dot_product_head(Softmax())})
    trials = {0: softmax} | {n: Kind(name="spikes", spikes=n).trial(params, ctx) for n in params.spikes}
    bills = {}
    for done, (n, trial) in enumerate(trials.items(), 1):
        seeds = np.random.default_rng(ctx.rng.integers(2**31))
        with trial.placed(model, seeds), torch.inference_mode(), count(model) as counter:
            model(window[None])
        bills[n] = counter.bill()
        ctx.progress(done / len(trials), f"counted, {trial.label}")
    return bills


def add_bill(lines: Lines, bills: Mapping[int, Bill], n: int, ending: str) -> None:
    """Operations and joules of the whole model at a budget, over those with softmax."""
    label = f"operations over softmax's, {n} spikes a row"
    lines.add(f"operations{ending}", label, _operations(bills[n]) / _operations(bills[0]))
    for name, table in (("energy", DIGITAL), ("hardware", HARDWARE)):
        own, softmax = (bill.joules(table).total_J for bill in (bills[n], bills[0]))
        lines.add(f"{name}{ending}", f"– joules over softmax's, {TABLES[table].title}", own / softmax)


def _operations(bill: Bill) -> float:
    """All operations on a digital machine, each kind counting alike."""
    done = asdict(bill.total())
    return float(sum(done[kind] for kind in OPERATIONS))
