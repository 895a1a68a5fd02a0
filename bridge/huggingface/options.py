"""Options of gamma attention in a Hugging Face configuration: checked, and the head they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from bridge.heads.named import check_circuit_name, circuit_named
from bridge.heads.read_out import READOUTS
from bridge.heads.score_map import MODES
from bridge.heads.spiking_head import SPIKES, SpikingHead
from bridge.heads.uneven import FLATNESSES, UnevenScoreMap
from pragmatic.attention import Head, dot_product_head
from spiking.checks import known, positive, positive_int, positive_within
from spiking.engines import ENGINES, engine_named

__all__ = ["KEYS", "NAME", "GammaOptions", "gamma_keys"]

NAME = "gamma"  # of the attention implementation
PREFIX = "gamma_"  # of its options in a configuration


@dataclass(frozen=True, kw_only=True)
class GammaOptions:
    """Which heads are simulated, and how; `heads` is `gamma_heads` in the configuration, and so on."""

    heads: str = "all"  # or layer.head separated by commas, such as "0.1,3.*"
    spikes: int | None = None  # a row ends with its spike of this number; 64 unless duration_ms is given
    duration_ms: float | None = None  # time of each row; together with spikes its limit
    temperature: float = 1.0  # divides the scores; 1 as the model was trained
    circuit: str = "regular-brief"  # a parameter set, or an import path such as "my_package.circuits:Mine"
    n_cells: int | None = None  # excitatory cells per key; the circuit's own number when None
    engine: str = "events"
    seed: int | None = 0  # None: new noise in every call
    mode: str = "simulated"  # "sampled" draws from the law that the circuit follows
    readout: str = "auto"  # of the values: "product" with the weights, "spikes" one by one, or what is faster
    flatness: float = 1.0  # above 1 strong keys spike less and their spikes weigh more: 1.5 for regular cells

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
        check_circuit_name(self.circuit)
        known("engine", self.engine, ENGINES)
        known("mode", self.mode, MODES)
        known("readout", self.readout, READOUTS)
        self._check_flatness()
        if self.seed is not None and not (type(self.seed) is int and self.seed >= 0):
            raise ValueError(
                f"{owner}.seed must be a whole number >= 0 or None, got {self.seed!r}; use 0, or None for new "
                "noise in every call"
            )

    @classmethod
    def of(cls, config: Any) -> GammaOptions:
        """Read the options of a configuration, a `transformers.PreTrainedConfig`.

        Raises
        ------
        ValueError, TypeError
            For a value out of range, and a name that starts with `gamma_` and is no option.
        """
        given = gamma_keys(config)
        for name in given:
            known("gamma option of the configuration", name, KEYS)
        return cls(**{name.removeprefix(PREFIX): value for name, value in given.items()})

    def as_keys(self) -> dict[str, Any]:
        """The options as a configuration holds them."""
        return {PREFIX + field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def keyed(self) -> bool:
        """Whether the noise of a row follows from the seed and the row's place."""
        return self.seed is not None and (ENGINES[self.engine].takes_streams or self.mode == "sampled")

    def head(self) -> Head:
        """Make the one head that serves all chosen places."""
        circuit = circuit_named(self.circuit, temperature=self.temperature, n_cells=self.n_cells)
        if self.flatness != 1:
            return dot_product_head(
                UnevenScoreMap(
                    *(circuit, self.spikes or SPIKES, np.random.default_rng(self.seed or 0)),
                    engine_named(self.engine),
                    flatness=self.flatness,
                    rows="even",
                    mode=self.mode,
                    gradient=True,
                )
            )
        return SpikingHead(
            circuit,
            spikes=self.spikes,
            duration_ms=self.duration_ms,
            mode=self.mode,
            readout=self.readout,
            engine=engine_named(self.engine),
            seed=self.seed or 0,
        )

    def _check_flatness(self) -> None:
        """Raise unless it is at least 1, and 1 where what it changes is asked for otherwise."""
        positive_within("GammaOptions", "flatness", self.flatness, *FLATNESSES)
        if self.flatness != 1 and (self.duration_ms is not None or self.readout == "spikes"):
            given = "duration_ms" if self.duration_ms is not None else 'readout "spikes"'
            raise ValueError(
                f"flatness must be 1 with {given}, got {self.flatness}; use spikes=64, and leave the other out"
            )


KEYS = tuple(PREFIX + field.name for field in fields(GammaOptions))


def gamma_keys(config: Any) -> Mapping[str, Any]:
    """What a configuration itself holds under `gamma_`; a field of its architecture's own is no option."""
    return {
        name: value
        for name, value in vars(config).items()
        if name.startswith(PREFIX) and (name in KEYS or not hasattr(type(config), name))
    }
