"""The parameters that say which heads of a model spike, and in which circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.heads.choice import chosen_heads
from bridge.heads.named import check_circuit_name, circuit_named
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.pretrained import MINILM
from spiking import PARAMETER_SETS, RowCircuit
from spiking.engines import ENGINES

if TYPE_CHECKING:
    from bridge import SpikingHead

__all__ = ["CircuitParams", "HeadParams", "PretrainedParams", "check_keyed", "chosen_text"]


@dataclass(frozen=True, kw_only=True)
class CircuitParams(ScenarioParams):
    """The circuit of every head that spikes."""

    circuit: str = param(
        "regular-brief", f"one of: {', '.join(PARAMETER_SETS)}; or yours: package.module:name"
    )
    n_cells: int | None = param(None, "excitatory cells per key; the circuit's own if none", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_circuit_name(self.circuit)

    def row_circuit(self) -> RowCircuit:
        """Make it."""
        return circuit_named(self.circuit, temperature=1.0, n_cells=self.n_cells)


@dataclass(frozen=True, kw_only=True)
class HeadParams(CircuitParams):
    """Heads and circuit."""

    heads: str = param(
        "all", "heads that spike: all, or layer.head from 0 with commas, * for every one: 0.1,3.*"
    )

    def spiking_head(
        self,
        ctx: RunContext,
        spikes: int,
        mode: str = "simulated",
        *,
        gradient: bool = False,
        seeds: int = 2**63,
    ) -> SpikingHead:
        """Make a head of this circuit, or its sampled twin, with a seed below `seeds` from the run's generator."""
        from bridge import SpikingHead  # loads torch, which a page of sliders can do without

        return SpikingHead(
            self.row_circuit(),
            spikes=spikes,
            mode=mode,
            engine=ctx.engine,
            seed=int(ctx.rng.integers(seeds)),
            gradient=gradient,
        )


@dataclass(frozen=True, kw_only=True)
class PretrainedParams(HeadParams):
    """The same in a pretrained model."""

    model: str = param(MINILM, "minilm, or the folder of a Hugging Face model")
    temperature: float = param(
        1.0, "divides the scores; 1 as the model was trained", at_least=1e-6, at_most=1e6
    )

    def row_circuit(self) -> RowCircuit:
        """Make the circuit of every head that spikes, at this temperature."""
        return circuit_named(self.circuit, temperature=self.temperature, n_cells=self.n_cells)


def check_keyed(engine: str) -> None:
    """Raise unless the engine keys its rows, so that one of them can be simulated again and looked at."""
    if not ENGINES[engine].takes_streams:
        raise UsageError(
            f"engine must key its rows, so that they can be simulated again, got {engine}; use events"
        )


def chosen_text(heads: str, n_heads: Sequence[int]) -> str:
    """Name a choice of heads by their number: ``"all 72 heads"``, ``"13 of the 72 heads (0.1,3.*)"``."""
    chosen, whole = len(chosen_heads(heads, n_heads)), sum(n_heads)
    if chosen == whole:
        return {1: "the only head", 2: "both heads"}.get(whole, f"all {whole} heads")
    return f"{chosen} of the {whole} heads ({heads.strip()})"
