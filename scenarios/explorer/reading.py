"""What a window of the transformer room shows, as an address, as Python lines and as a command."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

import numpy as np

from scenarios.explorer.addressed import Addressed
from scenarios.one_head import Params
from scenarios.one_head.reader import Read, Reader, seed_of
from scenarios.workbench.errors import UsageError
from scenarios.workbench.params import ScenarioParams

__all__ = ["SPIKES", "Reading"]

SPIKES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, kw_only=True)
class Reading(Addressed):
    """A text in a head of a model: parameters of the scenario `one-head`, and the seed."""

    scenario: ClassVar[str] = "one-head"
    kind: ClassVar[type[ScenarioParams]] = Params
    engine: ClassVar[str] = "events"
    params: Params = field(default_factory=Params)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.params.spikes > SPIKES[-1]:
            raise UsageError(f"spikes must be at most {SPIKES[-1]} here, got {self.params.spikes}; use 64")

    def check_circuit(self, known: Collection[str]) -> Self:
        """Itself, unless its circuit is none of these: an address must not make a page import modules."""
        if self.params.circuit not in known:
            raise UsageError(
                f"circuit must be one of {', '.join(known)}, got {self.params.circuit!r}; for one of yours start "
                "fortyhertz explore --circuit package.module:name"
            )
        return self

    def search(self) -> str:
        """The part of the address after the question mark, with it."""
        return "?" + urlencode(self.query())

    def changed(self, **values: Any) -> Self:
        """The same with other parameters, or another seed."""
        seed = values.pop("seed", self.seed)
        return replace(self, params=replace(self.params, **values), seed=seed)

    def read(self, reader: Reader) -> Read:
        """Read the text; of a layer, head or query that is not there the last one is taken."""
        return reader.read(
            reader.nearest(self.params), seed=seed_of(np.random.default_rng(self.seed)), engine=self.engine
        )

    def python(self) -> str:
        """Lines that give the same spikes."""
        given = self.params
        cells = "" if given.n_cells is None else f"n_cells={given.n_cells}, "
        return "\n".join(
            [
                "import numpy as np",
                "import torch",
                "",
                "from bridge.huggingface import configure, record",
                "from scenarios.workbench.causal import load_text_model",
                "",
                f"pretrained = load_text_model({given.model!r})",
                f"text = pretrained.read([{given.text!r}])",
                f"seed = int(np.random.default_rng({self.seed}).integers(2**31))",
                f"configure(pretrained.model, spikes={given.spikes}, circuit={given.circuit!r}, {cells}"
                f"engine={self.engine!r}, seed=seed)",
                f'with record(pretrained.model, heads="{given.layer}.{given.head}") as spikes, torch.no_grad():',
                "    output = pretrained.model(**text)",
                f"row = spikes.row(layer={given.layer}, head={given.head}, query={given.query})",
                "print(row.counts, row.softmax)",
            ]
        )
