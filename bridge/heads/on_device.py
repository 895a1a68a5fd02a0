"""A score map whose tensors stay on the GPU: scores reach the circuit there, counts become weights there."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from bridge.bill.usage import Usage
from pragmatic.masks import masked_scores
from spiking import Budget, Cuda, Engine, EventDriven, RowCircuit, Streams
from spiking.fill import FAR, taking_part
from spiking.measures.selection import select
from spiking.record import Recorded
from spiking.rows import Layout
from spiking.template import template_of

__all__ = ["Weighed", "engine_there", "weigh_there"]


def engine_there(engine: Engine, scores: Tensor, circuit: RowCircuit) -> Cuda | None:
    """The engine that simulates on the GPU, if that is asked for by name, or the scores lie there and it can."""
    if isinstance(engine, Cuda):
        return engine
    if not (scores.is_cuda and type(engine) is EventDriven) or circuit.why_stepped() is not None:
        return None
    from spiking.engines.cuda.launch import is_there

    return Cuda(engine.precision) if is_there() else None


@dataclass(frozen=True, eq=False)
class Weighed:
    """What the rows of one call did, on the device of their scores."""

    weights: Tensor  # (n_rows, n_keys): spike shares, 0 in a silent row
    counts: Tensor  # (n_rows, n_keys) int64
    usage: Usage


def weigh_there(
    circuit: RowCircuit,
    scores: Tensor,
    mask: Tensor | None,
    *,
    budget: Budget,
    streams: Streams,
    engine: Cuda,
    grid: float | None = None,
) -> Weighed:
    """Let every row compete, without its scores or counts leaving the device.

    Parameters
    ----------
    circuit : RowCircuit
        Whose keys receive scores relative to their row (`RowCircuit.relative_to`).
    scores : Tensor, (..., n_queries, n_keys), float
    mask : Tensor, broadcastable to the scores, bool, optional
    budget, streams, engine
        As for `RowCircuit.attend`.
    grid : float, optional
        Scores are rounded to multiples of it.
    """
    from spiking.on_device import attend_there

    rows, present, n_keys = _cleaned(scores, mask, grid, circuit.temperature)
    precision = torch.float64 if engine.precision == "float64" else torch.float32
    received = _relative(rows, present, *circuit.relative_to()).to(precision)
    inputs = received.reshape(-1) if present is None else received[present]
    counted = torch.zeros(inputs.shape, dtype=torch.int64, device=inputs.device)
    recorded = attend_there(
        circuit, _shared(inputs), _shared(counted), n_keys, budget=budget, streams=streams, engine=engine
    )
    counts = counted.reshape(rows.shape) if present is None else _at_keys(counted, present)
    totals = counts.sum(-1)
    exact = scores.dtype if scores.dtype == torch.float64 else torch.float32
    weights = counts.to(exact) / totals.clamp(min=1).to(exact).unsqueeze(-1)
    usage = _usage(recorded, totals.cpu().numpy(), n_keys, circuit, budget)
    return Weighed(weights.to(scores.dtype), counts, usage)


def _cleaned(
    scores: Tensor, mask: Tensor | None, grid: float | None, temperature: float
) -> tuple[Tensor, Tensor | None, np.ndarray]:
    """Rows, 0 at masked keys; which keys take part, None where all do; and how many do in each row.

    A fill value masks its key as on the processor. Rows are looked at there, if their scores lie so far apart.
    """
    precise = scores.detach().to(torch.promote_types(scores.dtype, torch.float32))
    rows = precise.reshape(-1, scores.shape[-1])
    present = rows != -math.inf
    if mask is not None:
        present &= mask.expand(scores.shape).reshape(rows.shape)
    bad = (present & ~(rows < math.inf)).any()
    rows = rows.masked_fill(~present, 0.0)
    if grid is not None:
        rows = torch.round(rows / grid) * grid
    is_bad, spread = torch.stack((bad.double(), _spread(rows))).tolist()
    n_keys = present.sum(-1).cpu().numpy()
    if is_bad or not n_keys.all():
        masked_scores(scores, mask)  # says which, and where
    if spread >= FAR:
        kept = taking_part(rows.cpu().numpy(), present.cpu().numpy(), temperature=temperature)
        present, n_keys = torch.from_numpy(kept).to(present.device), kept.sum(-1)
        rows = rows.masked_fill(~present, 0.0)
    return rows, None if n_keys.sum() == rows.numel() else present, n_keys


def _spread(rows: Tensor) -> Tensor:
    """How far the scores of all rows lie apart, float64."""
    if not rows.numel():
        return torch.zeros((), dtype=torch.float64, device=rows.device)
    low, high = torch.aminmax(rows)
    return high.double() - low.double()


def _relative(rows: Tensor, present: Tensor | None, factor: float, reference: str) -> Tensor:
    """What keys receive, as `spiking.relative.relative_scores` computes it."""
    precise = rows.double()
    if reference == "max":
        seen = precise if present is None else precise.masked_fill(~present, -math.inf)
        precise = precise - seen.amax(-1, keepdim=True)
    elif reference == "mean":
        n_keys = rows.shape[-1] if present is None else present.sum(-1, keepdim=True)
        precise = precise - precise.sum(-1, keepdim=True) / n_keys
    return (factor * precise).to(rows.dtype)


def _at_keys(counted: Tensor, present: Tensor) -> Tensor:
    """Counts of the keys that take part at their places, 0 elsewhere."""
    counts = torch.zeros(present.shape, dtype=counted.dtype, device=counted.device)
    counts[present] = counted
    return counts


def _shared(tensor: Tensor) -> Tensor | np.ndarray:
    """The tensor's memory as the engine takes it."""
    return tensor if tensor.is_cuda else tensor.numpy()


def _usage(
    recorded: Recorded, totals: np.ndarray, n_keys: np.ndarray, circuit: RowCircuit, budget: Budget
) -> Usage:
    """What the rows did; it is read from their totals, without the counts of single keys."""
    group = template_of(circuit).wiring.counts
    rows = np.ones((len(totals), 1), dtype=bool)
    summed = replace(recorded, counts={**recorded.counts, group: totals})
    selection = select(summed, Layout.of(rows, 1), rows, budget, counted=group, field=None)
    return replace(Usage.of(selection, circuit), keys=int(n_keys.sum()))
