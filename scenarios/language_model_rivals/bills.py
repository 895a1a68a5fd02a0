"""What a row of each rival costs, counted on one window of text, and how many keys it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge import Bill, count
from scenarios.language_model_rivals.rivals import SOFTMAX
from scenarios.workbench.cost import DIGITAL, HARDWARE, OPERATIONS
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.reading import Trial

__all__ = ["Price", "prices"]

ATTENTION = ("scores", "score map", "simulation", "read-out")  # parts of a bill


@dataclass(frozen=True, kw_only=True)
class Price:
    """Of one row, from its query, keys and values to its output."""

    operations: float  # on a digital machine, each kind counting alike
    digital_J: float
    hardware_J: float  # the cells on neuromorphic hardware, all else on a digital host
    keys: float  # of a weight above 0


def prices(
    model: Any, window: Tensor, trials: Mapping[str, Trial], n_heads: int, ctx: RunContext
) -> dict[str, Price]:
    """Count one forward pass of each trial on a window (length,); `n_heads` of the whole model.

    What is not attention is the same for all, so it is taken from the model as it is and subtracted: whatever a
    head computes, and wherever, is then its own.
    """
    rows, found = n_heads * len(window), {}
    rest: _Cost | None = None
    for done, (name, trial) in enumerate(trials.items(), 1):
        seeds = np.random.default_rng(ctx.rng.integers(2**31))
        with trial.placed(model, seeds), torch.inference_mode():
            with count(model) as counter:
                attended = model(window[None], output_attentions=True).attentions
            read = sum(int((weights > 0).sum()) for weights in attended)
        bill = counter.bill()
        if name == SOFTMAX:
            rest = _Cost.of(bill, frozenset(bill.parts()) - frozenset(ATTENTION))
        assert rest is not None
        whole = _Cost.of(bill, frozenset(bill.parts()))
        found[name] = Price(
            operations=(whole.operations - rest.operations) / rows,
            digital_J=(whole.digital_J - rest.digital_J) / rows,
            hardware_J=(whole.hardware_J - rest.hardware_J) / rows,
            keys=read / rows,
        )
        ctx.progress(done / len(trials), f"counted, {name}")
    return found


@dataclass(frozen=True, kw_only=True)
class _Cost:
    """Some parts of a bill."""

    operations: float
    digital_J: float
    hardware_J: float

    @classmethod
    def of(cls, bill: Bill, parts: frozenset[str]) -> _Cost:
        counted = [asdict(done) for part, done in bill.parts().items() if part in parts]
        joules = [bill.joules(table).parts_J for table in (DIGITAL, HARDWARE)]
        digital_J, hardware_J = (sum(j for part, j in priced.items() if part in parts) for priced in joules)
        return cls(
            operations=float(sum(done[kind] for done in counted for kind in OPERATIONS)),
            digital_J=digital_J,
            hardware_J=hardware_J,
        )
