"""Data and numbers of shared-workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.shared_workspace.learning import Results
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.readers import Reader, reader_id
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.shared_workspace import Params

__all__ = ["NAMES", "Study", "chooser", "in_data", "in_numbers"]

NAMES = {
    "attention": "attention, all pairs",
    "own": "attention, weights of its own a layer",
    "top": "attention, k best",
    "soft": "workspace, all write",
    "hard": "workspace, k best write",
    "random": "workspace, k at random write",
}
GUESS = 0.5


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was measured."""

    params: Params
    results: Results

    def right(self, kind: str, at: int = -1) -> Estimate:
        """Answers right with one of the numbers of other points, over seeds."""
        return mean(self.results.kinds[kind][:, at])

    def gains(self, over: str, at: int = -1) -> np.ndarray:
        """What the narrow workspace has more than another kind, seed by seed, (n_seeds,)."""
        return self.results.kinds["hard"][:, at] - self.results.kinds[over][:, at]

    @property
    def near(self) -> int:
        """Index of the number of other points in test that is nearest to that of the training."""
        return int(np.abs(np.array(self.params.test_others) - self.params.others).argmin())


def chooser(reader: Reader) -> str:
    """How circuits choose writers, for readers."""
    head, n = reader
    what = "spike" if head == "spiking" else "sample"
    return f"most of {n} {what}{'' if n == 1 else 's'}" if n else f"first k distinct, {what}s"


def in_data(study: Study) -> xr.Dataset:
    """By kind and number of other points, with every seed."""
    results, kinds = study.results, list(study.results.kinds)
    at = range(len(study.params.test_others))
    right = [[study.right(kind, i) for i in at] for kind in kinds]
    chosen = [[mean(shares[:, i]) for i in at] for shares in results.chosen.values()]
    return xr.Dataset(
        {
            **estimate_column("right", ("kind", "others"), right, "answers right"),
            "by_seed": column(
                ("kind", "seed", "others"), [results.kinds[kind] for kind in kinds], "answers right"
            ),
            **(estimate_column("chosen", ("chooser", "others"), chosen, "answers right") if chosen else {}),
        },
        {
            "kind": [NAMES[kind] for kind in kinds],
            "others": column("others", study.params.test_others, "points that are no corners"),
            **({"chooser": [chooser(reader) for reader in results.chosen]} if chosen else {}),
        },
    )


def in_numbers(study: Study) -> dict[str, Metric]:
    """Near and far from the training, the gain seed by seed, and writers chosen by circuits."""
    lines, results, params = Lines(), study.results, study.params
    near, far = params.test_others[study.near], params.test_others[-1]
    for kind in results.kinds:
        lines.add(
            f"near_{kind}",
            f"right with {near} other points, {NAMES[kind]}",
            study.right(kind, study.near),
            floor=GUESS,
            note=f"{results.parameters[kind]:,} parameters; trained with {params.others}",
        )
        lines.add(f"far_{kind}", f"– with {far}", study.right(kind), floor=GUESS)
    for over in ("attention", "own", "top", "soft", "random"):
        lines.add(f"gain_{over}", f"k best write, over {NAMES[over]}, {far} points", study.gains(over))
    for seed, gain in enumerate(study.gains("attention")):
        lines.add(
            f"gain_seed_{seed}",
            f"– seed {seed}: over {NAMES['attention']}",
            float(gain),
            control=float(study.gains("soft")[seed]),
            note="control: over all that write",
        )
    for reader, shares in results.chosen.items():
        lines.add(
            f"chosen_{reader_id(reader) if reader[1] else 'first_' + reader[0]}",
            f"right with {far} other points, writers by {chooser(reader)}",
            mean(shares[:, -1]),
            floor=GUESS,
            control=study.right("hard"),
            note="control: the k best",
        )
    return lines.metrics
