"""The kinds of attention head that a mini-transformer is trained with, by name."""

from __future__ import annotations

from bridge import SpikingHead
from pragmatic.attention import Head, dot_product_head, linear_attention
from pragmatic.score_maps import Softmax, Sparsemax, Uniform
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, SOFTMAX, SPIKING
from spiking import Engine, RowCircuit

__all__ = ["COLOURS", "KINDS", "SPIKING_KINDS", "head_of"]

KINDS = ("softmax", "uniform", "linear", "sparsemax", "sampled", "simulated")
SPIKING_KINDS = ("sampled", "simulated")  # that have a number of spikes
COLOURS = dict(zip(KINDS, (SOFTMAX, INK, FLOOR, INH, CONTROL, SPIKING), strict=True))


def head_of(
    kind: str, *, spikes: int, circuit: RowCircuit, engine: Engine, seed: int, gradient: bool = True
) -> Head:
    """Make one head, to be used in every place of a model.

    Parameters
    ----------
    kind : str
        Of `KINDS`: "uniform" selects nothing and is the control, "sampled" draws spikes from the softmax,
        "simulated" has the circuit spike them; both hand back the softmax's gradient.
    spikes : int
        Of each row, where the kind has spikes.
    circuit : RowCircuit
        Where the kind is simulated.
    engine, seed, gradient
        As `SpikingHead` says.
    """
    if kind == "linear":
        return linear_attention
    if kind not in SPIKING_KINDS:
        return dot_product_head({"softmax": Softmax, "uniform": Uniform, "sparsemax": Sparsemax}[kind]())
    return SpikingHead(circuit, spikes=spikes, mode=kind, engine=engine, seed=seed, gradient=gradient)
