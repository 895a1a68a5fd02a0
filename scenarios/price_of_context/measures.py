"""Every way to attend over every context, counted, timed in turn, and compared with softmax attention."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from bridge import TABLES, Bill, SpikingHead, count
from bridge.bill.energy import IMPLEMENTATIONS
from pragmatic import Softmax, dot_product_head
from scenarios.workbench.cost import OPERATIONS
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.tables import Variables, columns
from spiking import GammaCircuit, GammaParams

if TYPE_CHECKING:
    from scenarios.price_of_context import Params

__all__ = ["KINDS", "READOUTS", "crossover", "measure"]

KINDS = {  # what draws the spikes
    "samples": "independent samples",
    "escape": "escape-rate cells",
    "regular": "regular cells",
}
READOUTS = ("product", "spikes")
ITEMSIZE = 4  # bytes of a component, single precision
SOFTMAX = dot_product_head(Softmax())  # with its weights, for the error

Way = tuple[str, int, str]  # kind, spikes, read-out
IN_ONE: Way = ("softmax", 0, "product")  # softmax attention as a library computes it fastest
Vectors = tuple[Tensor, Tensor, Tensor]


def measure(params: Params, ctx: RunContext) -> xr.Dataset:
    """All that the scenario measures; costs are of one row, those of softmax attention begin with `softmax_`."""
    seed = int(ctx.rng.integers(2**31))
    ways = _ways(params, ctx, seed)
    parts = []
    for n_keys in params.contexts:
        with ctx.progress.stage(f"{n_keys} keys", share=n_keys / sum(params.contexts)), torch.no_grad():
            parts.append(_context(_vectors(params, n_keys, ctx.rng), ways, params))
    names = {"kind": list(KINDS), "readout": list(READOUTS)}
    names |= {"machine": list(IMPLEMENTATIONS), "table": list(TABLES)}
    numbers = {**columns("n_keys", n_keys=params.contexts), **columns("spikes", spikes=params.budgets)}
    return xr.concat(parts, dim="n_keys").assign_coords({**names, **numbers})


def crossover(keys: np.ndarray, over_softmax: np.ndarray) -> float:
    """Keys from which on a cost stays below softmax's, interpolated between logarithms; nan if at none of them."""
    above = np.flatnonzero(~(over_softmax < 1))
    if not len(above):
        return float(keys[0])
    last = int(above[-1])
    if last == len(keys) - 1:
        return np.nan
    excess = np.log(over_softmax[[last, last + 1]])
    part = excess[0] / (excess[0] - excess[1])
    return float(np.exp((1 - part) * np.log(keys[last]) + part * np.log(keys[last + 1])))


def _ways(params: Params, ctx: RunContext, seed: int) -> dict[Way, SpikingHead]:
    """The same seed for both read-outs, so that they read the same spikes."""
    circuits = {
        "samples": (GammaCircuit(GammaParams.brief()), "sampled"),
        "escape": (GammaCircuit(GammaParams.brief()), "simulated"),
        "regular": (GammaCircuit(GammaParams.regular_brief()), "simulated"),
    }
    return {
        (kind, spikes, readout): SpikingHead(
            circuit, spikes=spikes, mode=mode, engine=ctx.engine, seed=seed, gradient=False, readout=readout
        )
        for kind, (circuit, mode) in circuits.items()
        for spikes in params.budgets
        for readout in READOUTS
    }


def _vectors(params: Params, n_keys: int, rng: np.random.Generator) -> Vectors:
    """Normal vectors, so that scores have the wanted spread and a value's components have variance 1."""
    query, key, value = (
        torch.from_numpy(rng.standard_normal((params.n_rows, n, params.dim), dtype=np.float32))
        for n in (1, n_keys, n_keys)
    )
    return query * params.score_sd, key, value


def _context(vectors: Vectors, ways: Mapping[Way, SpikingHead], params: Params) -> xr.Dataset:
    """Measure one length of the context."""
    bills: dict[Way, Bill] = {}
    outputs: dict[Way, Tensor] = {}
    touched: dict[Way, float] = {}  # value vectors of a row
    for way, head in ways.items():
        with count() as counter:
            outputs[way], weights = head(*vectors)
        bills[way] = counter.bill()
        spiked = float((weights > 0).sum()) / params.n_rows
        touched[way] = spiked if way[2] == "spikes" else weights.shape[-1]
    with count() as counter:
        _fused_softmax(*vectors)
    exact, probability = SOFTMAX(*vectors)
    seconds = _in_turn(vectors, ways, params.rounds)

    def nested(values: Mapping[Way, object], *budgets: int) -> np.ndarray:
        return np.array([[[values[k, n, r] for r in READOUTS] for n in budgets] for k in KINDS])

    of_ways = ("kind", "spikes", "readout")
    n_keys, n_values = vectors[1].shape[-2], params.n_rows * params.dim
    bytes_of = params.dim * ITEMSIZE
    data: Variables = {}
    for name, costs in {"": nested(bills, *params.budgets), "softmax_": np.array(counter.bill())}.items():
        dims = of_ways if costs.ndim else ()
        data |= _costs(name, dims, costs, params.n_rows)
    data |= columns(of_ways, "B", kv_bytes=(nested(touched, *params.budgets) + n_keys) * bytes_of)
    data |= columns((), "B", softmax_kv_bytes=2.0 * n_keys * bytes_of)
    over = {way: seconds[way] / seconds[IN_ONE] for way in ways}
    data |= columns((*of_ways, "round"), time_over_softmax=nested(over, *params.budgets))
    data |= columns("round", "s", softmax_time=seconds[IN_ONE] / params.n_rows)
    squared = {way: ((output - exact) ** 2).mean((-2, -1)).numpy() for way, output in outputs.items()}
    data |= columns((*of_ways, "row"), squared_error=nested(squared, *params.budgets))
    chance = (1 - (probability**2).sum((-2, -1)).numpy()) / np.array(params.budgets)[:, None]
    data |= columns(("spikes", "row"), squared_floor=chance)  # of independent samples of values of variance 1
    data |= columns((), softmax_squared=float((exact**2).sum() / n_values))
    data |= columns((), effective_keys=float((-(probability * probability.log()).sum(-1)).exp().mean()))
    return xr.Dataset(data)


def _costs(prefix: str, dims: tuple[str, ...], bills: np.ndarray, n_rows: int) -> Variables:
    """Operations and joules of a row, and the part that the scores have in the operations."""

    def each(of: Callable[[Bill], list[float]], n: int) -> np.ndarray:
        return np.array([of(bill) for bill in bills.flat], dtype=np.float64).reshape(*bills.shape, n)

    operations = each(lambda b: [_operations(b, m) / n_rows for m in IMPLEMENTATIONS], len(IMPLEMENTATIONS))
    scores = each(
        lambda b: [_operations(b, m, "scores") / n_rows for m in IMPLEMENTATIONS], len(IMPLEMENTATIONS)
    )
    joules = each(lambda b: [b.joules(table).total_J / n_rows for table in TABLES], len(TABLES))
    return {
        **columns((*dims, "machine"), **{f"{prefix}operations": operations}),
        **columns((*dims, "machine"), **{f"{prefix}score_operations": scores}),
        **columns((*dims, "table"), "J", **{f"{prefix}joules": joules}),
    }


def _operations(bill: Bill, machine: str, part: str | None = None) -> float:
    """All operations, each kind counting alike; of one part if it is named."""
    done = asdict(bill.total(machine) if part is None else bill.parts(machine)[part])
    return float(sum(done[kind] for kind in OPERATIONS))


def _fused_softmax(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention in one kernel, which takes rows as heads of a sequence."""
    return scaled_dot_product_attention(query[None], key[None], value[None])[0]


def _in_turn(vectors: Vectors, ways: Mapping[Way, SpikingHead], rounds: int) -> dict[Way, np.ndarray]:
    """Processor time of a call in each round, (rounds,) s; all meet the same noise of the machine.

    PyTorch computes in one thread: several wait for each other in such short calls, and waiting is processor time.
    """
    heads: dict[Way, Callable[..., object]] = {**ways, IN_ONE: _fused_softmax}
    seconds = {way: np.empty(rounds) for way in heads}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for turn in range(rounds):
            for way, head in heads.items():
                began = time.process_time()
                head(*vectors)
                seconds[way][turn] = time.process_time() - began
    finally:
        torch.set_num_threads(threads)
    return seconds
