"""Data and numbers of sparse-factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.sparse_factors.learning import Results
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, difference, mean
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.sparse_factors import Params

__all__ = ["KINDS", "NEAR", "Study", "in_data", "in_numbers", "swapped_name"]

KINDS = {
    "all": "softmax, k = n",
    "top": "the k best",
    "at once": "the k best from the start",
    "random": "k at random",
    "true": "the true neighbours",
    "first": "first k keys to spike",
    "counts": "k keys by spikes",
    "sampled": "k keys by samples",
}
NEAR = 0.02  # below the best accuracy that there is


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was measured."""

    params: Params
    results: Results

    def accuracy(self, kind: str, at: int = -1) -> Estimate:
        """Of the predictions, over graphs."""
        return mean(self.results.kinds[kind].accuracy[:, at])

    @property
    def best(self) -> Estimate:
        """Accuracy of who knows the graph."""
        return mean(self.results.best)

    def gain(self, kind: str, over: str, at: int) -> Estimate:
        """Accuracy of a kind less that of another, graph by graph."""
        kinds = self.results.kinds
        return mean(kinds[kind].accuracy[:, at] - kinds[over].accuracy[:, at])

    def needed(self, kind: str) -> float:
        """Fewest samples from which a kind is near the best, and stays so; nan if none."""
        enough = np.nan
        for at in reversed(range(len(self.params.samples))):
            if difference(self.best, self.accuracy(kind, at)).value > NEAR:
                break
            enough = float(self.params.samples[at])
        return enough

    @property
    def widest(self) -> int:
        """Index of the number of samples at which the k best are furthest ahead of softmax."""
        return int(np.argmax([self.gain("top", "all", at).value for at in range(len(self.params.samples))]))


def swapped_name(selection: str, n: int) -> str:
    """For readers and legends."""
    if selection == "first":
        return "first k keys to spike" + (f", {n} times colder" if n > 1 else "")
    return f"k keys by {n} {'spikes' if selection == 'spiking' else 'samples'}"


def in_data(study: Study) -> xr.Dataset:
    """By kind of head and number of samples; weights of the first graph."""
    results, kinds = study.results, list(study.results.kinds)
    at = range(len(study.params.samples))
    measured = {
        name: [[mean(getattr(results.kinds[kind], name)[:, m]) for m in at] for kind in kinds]
        for name in ("accuracy", "precision", "recall")
    }
    labels = {
        "accuracy": "predictions right",
        "precision": "read pairs that are true",
        "recall": "true pairs that are read",
    }
    swapped = [mean(right) for right in results.swapped.values()]
    return xr.Dataset(
        {
            **{
                key: value
                for name, label in labels.items()
                for key, value in estimate_column(name, ("kind", "samples"), measured[name], label).items()
            },
            **(estimate_column("swapped", "put_in", swapped, "predictions right") if swapped else {}),
            "weights": column(
                ("kind", "variable", "read"), [results.weights[kind] for kind in kinds], "weight"
            ),
            "edges": column(("variable", "read"), results.graph.edges, "shares a factor"),
        },
        {
            "kind": [KINDS[kind] for kind in kinds],
            "samples": column("samples", study.params.samples, "samples"),
            **({"put_in": [swapped_name(*name) for name in results.swapped]} if swapped else {}),
        },
    )


def in_numbers(study: Study) -> dict[str, Metric]:
    """Accuracy where the k best are furthest ahead and with most samples, samples needed, edges, circuits."""
    lines, params, at = Lines(), study.params, study.widest
    guess = 0.5
    for kind, learnt in study.results.kinds.items():
        name = kind.replace(" ", "_")
        lines.add(
            f"accuracy_{name}",
            f"predictions right after {params.samples[at]} samples, {KINDS[kind]}",
            study.accuracy(kind, at),
            floor=guess,
            control=study.best,
            note="control: who knows the graph",
        )
        lines.add(f"most_{name}", f"– after {params.samples[-1]}", study.accuracy(kind), control=study.best)
        lines.add(
            f"needed_{name}",
            f"– samples from which it stays within {NEAR:g} of the best",
            study.needed(kind),
            control=study.needed("all"),
            note="control: softmax; empty: more than there were",
        )
        density = study.results.graph.edges.sum() / (params.variables * (params.variables - 1))
        lines.add(
            f"precision_{name}",
            f"– of the pairs read, those that share a factor, {params.samples[-1]} samples",
            mean(learnt.precision[:, -1]),
            floor=float(density),
            note="floor: of all pairs",
        )
        lines.add(
            f"recall_{name}", "– of the pairs that share a factor, those read", mean(learnt.recall[:, -1])
        )
    for (selection, n), right in study.results.swapped.items():
        lines.add(
            f"put_in_{selection}_{n}",
            f"the k best replaced after training: {swapped_name(selection, n)}",
            mean(right),
            floor=guess,
            control=study.accuracy("top"),
            note="control: the k best",
        )
    return lines.metrics
