"""The kinds of attention that language-model-on-gamma tries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bridge import SpikingHead
from bridge.heads.named import circuit_named
from pragmatic import Head, Uniform, dot_product_head
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.reading import Trial

if TYPE_CHECKING:
    from scenarios.language_model_on_gamma import Params

__all__ = ["Kind", "judges_of", "kinds_of"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of attention at a budget."""

    name: str  # "softmax", "uniform", "spikes", "random", "samples", "layer"
    spikes: int = 0  # per row, 0 where there are none
    layer: int = -1  # simulated alone; -1: all chosen heads

    @property
    def label(self) -> str:
        """For progress bars and axes: ``"random, 64 a row"``."""
        where = f"layer {self.layer}" if self.layer >= 0 else self.name
        return f"{where}, {self.spikes} a row" if self.spikes else where

    def trial(self, params: Params, ctx: RunContext) -> Trial:
        """What is put into the model."""
        if self.name == "softmax":
            return Trial(label=self.label)
        alone = self.layer >= 0
        return Trial(
            label=self.label,
            heads={f"{self.layer}.*" if alone else params.heads: self._head(params, ctx)},
            windows=params.layer_windows if alone else None,
        )

    def _head(self, params: Params, ctx: RunContext) -> Callable[[int], Head]:
        if self.name == "uniform":
            return lambda seed: dot_product_head(Uniform())
        option = "random" if self.name in ("random", "samples") else "circuit"
        make = partial(
            SpikingHead,
            circuit_named(getattr(params, option), temperature=1.0, n_cells=params.n_cells, option=option),
            spikes=self.spikes,
            mode="sampled" if self.name == "samples" else "simulated",
            engine=ctx.engine,
            gradient=False,
        )
        return lambda seed: make(seed=seed)


def kinds_of(params: Params, n_layers: int) -> list[Kind]:
    """Softmax first, its control, and every kind that was asked for."""
    kinds = [Kind(name="softmax"), Kind(name="uniform")]
    for name in ("spikes", "random"):
        if "spiking" in params.kinds:
            kinds += [Kind(name=name, spikes=n) for n in params.spikes]
    if "sampled" in params.kinds:
        kinds += [Kind(name="samples", spikes=n) for n in params.spikes]
    if params.layer_spikes and "spiking" in params.kinds:
        kinds += [Kind(name="layer", spikes=params.layer_spikes, layer=i) for i in range(n_layers)]
    return kinds


def judges_of(params: Params) -> list[Kind]:
    """The kinds that judge minimal pairs: softmax, the circuit in question, and as many samples."""
    names = [name for name, kind in (("spikes", "spiking"), ("samples", "sampled")) if kind in params.kinds]
    return [Kind(name="softmax"), *(Kind(name=name, spikes=n) for name in names for n in params.spikes)]
