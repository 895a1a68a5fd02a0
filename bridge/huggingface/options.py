"""Options of gamma attention in a Hugging Face configuration: checked, and the head they ask for."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from bridge.heads.score_map import MODES
from bridge.heads.spiking_head import SpikingHead
from spiking import GammaCircuit
from spiking.checks import known, positive, positive_int
from spiking.circuits.gamma import ENGINES
from spiking.params import PARAMETER_SETS

__all__ = ["GammaOptions"]

PREFIX = "gamma_"


@dataclass(frozen=True, kw_only=True)
class GammaOptions:
    """Which heads are simulated and how; `heads` is `gamma_heads` in the configuration, and so on."""

    heads: str = "all"  # or layer.head separated by commas, such as "0.1,3.*"
    spikes: int | None = None  # a row ends with its spike of this number; 64 unless duration_ms is given
    duration_ms: float | None = None  # time of each row; beside spikes the limit of it
    temperature: float = 1.0  # divides the scores; 1 as the model was trained
    circuit: str = "brief"  # the parameter set, one of those with a stored calibration
    n_cells: int | None = None  # excitatory cells per key; the parameter set's own when None
    engine: str = "fused"
    seed: int | None = 0  # None: new noise in every call
    mode: str = "simulated"  # "sampled" draws from the law that the circuit follows

    def __post_init__(self) -> None:
        owner = "GammaOptions"
        if not isinstance(self.heads, str):
            raise TypeError(
                f'{owner}.heads must be "all" or such as "0.1,3.*", got {self.heads!r}; use a text'
            )
        for name in ("spikes", "n_cells"):
            if getattr(self, name) is not None:
                positive_int(owner, name, getattr(self, name))
        if self.duration_ms is not None:
            positive(owner, "duration_ms", self.duration_ms)
        positive(owner, "temperature", self.temperature)
        known("circuit", self.circuit, PARAMETER_SETS)
        known("engine", self.engine, ENGINES)
        known("mode", self.mode, MODES)
        if self.seed is not None and not (type(self.seed) is int and self.seed >= 0):
            raise ValueError(
                f"{owner}.seed must be a whole number >= 0 or None, got {self.seed!r}; use 0, or None for new "
                "noise in every call"
            )

    @classmethod
    def of(cls, config: Any) -> GammaOptions:
        """The options in a configuration, a `transformers.PreTrainedConfig`.

        Raises
        ------
        ValueError, TypeError
            For a value that cannot be, and a name with `gamma_` in front that is no option.
        """
        known_names = [PREFIX + field.name for field in fields(cls)]
        given = [name for name in vars(config) if name.startswith(PREFIX) and not hasattr(type(config), name)]
        for name in given:
            known("gamma option of the configuration", name, known_names)
        return cls(**{name.removeprefix(PREFIX): getattr(config, name) for name in given})

    @property
    def keyed(self) -> bool:
        """Whether each row's noise is a function of the seed and of where the row stands."""
        return self.seed is not None and (self.engine == "fused" or self.mode == "sampled")

    def head(self) -> SpikingHead:
        """One head for all the chosen places."""
        params = replace(PARAMETER_SETS[self.circuit], temperature=self.temperature)
        if self.n_cells is not None:
            params = replace(params, n_cells=self.n_cells)
        return SpikingHead(
            GammaCircuit(params),
            spikes=self.spikes,
            duration_ms=self.duration_ms,
            mode=self.mode,
            engine=self.engine,
            seed=self.seed or 0,
        )
