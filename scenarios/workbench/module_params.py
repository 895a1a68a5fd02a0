"""The parameters of scenarios in which modules take turns: how many, how large, and which spikes choose them."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.workbench.modules import SAMPLES, Way, check_active
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.readers import HEADS, check_softmax
from spiking import PARAMETER_SETS

__all__ = ["ModuleParams"]


@dataclass(frozen=True, kw_only=True)
class ModuleParams(ScenarioParams):
    """Modules, and the ways to choose them by spikes."""

    heads: tuple[str, ...] = param(HEADS, f"that choose the modules, of: {', '.join(HEADS)}", choices=HEADS)
    circuits: tuple[str, ...] = param(
        ("brief", "regular-brief"),
        f"whose spikes choose, of: {', '.join(PARAMETER_SETS)}",
        choices=tuple(PARAMETER_SETS),
    )
    spikes: tuple[int, ...] = param((8, 32, 128), "spikes that are counted in place of a race", at_least=1)
    modules: int = param(6, "of a model", at_least=5)
    active: int = param(4, "modules at a time", at_least=1, at_most=4)
    module_width: int = param(16, "of a module", at_least=1)
    seeds: int = param(3, "models of each kind", at_least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes")
        check_softmax(self.heads)
        check_active(self.active, self.modules)

    @property
    def races(self) -> tuple[Way, ...]:
        """The first k distinct modules to spike, or to be sampled."""
        spiking = self.circuits if "spiking" in self.heads else ()
        return tuple(Way(name, 1.0) for name in (*spiking, *([SAMPLES] if "sampled" in self.heads else ())))

    @property
    def counts(self) -> tuple[Way, ...]:
        """The modules with the most of so many spikes."""
        names = self.circuits if "spiking" in self.heads else ()
        return tuple(Way("counts", n, name) for name in names for n in self.spikes)
