"""Small rows by `Cuda()` and by the processor's engine: what differs. Runs on a GPU, or in numba's simulator."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import torch

from bridge import SpikingHead, SpikingScoreMap
from spiking import (
    Budget,
    Cuda,
    EventDriven,
    GammaCircuit,
    GammaParams,
    RegularCell,
    RowCircuit,
    Selection,
    Streams,
)

SCORES = np.random.default_rng(11).normal(0.0, 1.5, (5, 9))
MASK = np.random.default_rng(12).random(SCORES.shape) < 0.7
MASK[:, 0] = True
SHORT = Budget(spikes=24)
REGULAR, BRIEF = GammaParams.regular_brief(), GammaParams.brief(n_cells=4)
CASES: dict[str, tuple[RowCircuit, dict[str, Any]]] = {
    "thinned": (GammaCircuit(BRIEF), {}),
    "thinned, masked": (GammaCircuit(BRIEF), {"mask": MASK}),
    "thinned, crowded steps": (GammaCircuit(GammaParams.brief(n_cells=2, dt_ms=0.5)), {}),
    "evenly spread": (GammaCircuit(REGULAR), {}),
    "evenly spread, masked": (GammaCircuit(REGULAR), {"mask": MASK}),
    "phases of their own": (GammaCircuit(GammaParams.regular_brief(cell=RegularCell(phases="own"))), {}),
    "drawn thresholds": (GammaCircuit(GammaParams.regular_brief(cell=RegularCell(shape=4))), {}),
    "by time": (GammaCircuit(REGULAR), {"budget": Budget(duration_ms=40)}),
    "by lead": (GammaCircuit(REGULAR), {"budget": Budget(lead=4), "mask": MASK}),
    "counts": (GammaCircuit(BRIEF), {"record": "counts"}),
}


def differences(name: str, scores: np.ndarray = SCORES) -> list[str]:
    """The results in which the two engines differ, in double precision; none if all spikes are equal."""
    circuit, options = CASES[name]
    options = {"budget": SHORT, "record": "all", **options}
    here, there = (
        circuit.attend(scores, engine=engine("float64"), rng=Streams(5), **options)
        for engine in (EventDriven, Cuda)
    )
    results = {key: (value, _results(there)[key]) for key, value in _results(here).items()}
    differ = [key for key, (a, b) in results.items() if not np.array_equal(a, b)]
    return differ + ([] if np.allclose(here.field, there.field, rtol=1e-5) else ["field"])


def _results(run: Selection) -> dict[str, np.ndarray]:
    spikes = {"key": run.spikes.key, "cell": run.spikes.cell, "time": run.spikes.time_ms}
    others = {f"spikes of {group}": n for group, n in run.other_counts.items()}
    return {"counts": run.counts, "row_ms": run.row_ms, **spikes, **others}


def of_head(device: str) -> list[str]:
    """Where a head on that device, its scores and counts handed over there, differs from one on the processor."""
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 1, 2, 5, 8, dtype=torch.float64)
    mask = torch.rand(1, 2, 5, 5) < 0.7
    mask[..., 0] = True
    differ = []
    for circuit in (GammaCircuit(REGULAR), GammaCircuit(BRIEF)):
        for masked in (None, mask):
            here, there = (
                SpikingHead(circuit, spikes=16, engine=engine("float64"), seed=1)
                for engine in (EventDriven, Cuda)
            )
            output, weights = here(query, key, value, masked)
            moved = there(*(None if x is None else x.to(device) for x in (query, key, value, masked)))
            checks = {
                "weights": torch.equal(moved.weights.cpu(), weights),
                "output": torch.allclose(moved.output.cpu(), output),
                "device": moved.output.device.type == device,
                "counts": np.array_equal(there.score_map.counts, here.score_map.counts),
                "usage": there.usage == here.usage,
            }
            differ += [name for name, holds in checks.items() if not holds]
    return differ


def of_fill_values(device: str) -> list[str]:
    """Where fill values on that device differ from a mask there, or from fill values on the processor."""
    mask = torch.from_numpy(MASK)
    filled = torch.from_numpy(SCORES).masked_fill(~mask, -1e9)
    differ = []
    for circuit in (GammaCircuit(REGULAR), GammaCircuit(BRIEF)):
        here, there, masked = (
            SpikingScoreMap(circuit, SHORT, np.random.default_rng(2), engine("float64"), record="counts")
            for engine in (EventDriven, Cuda, Cuda)
        )
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            of_filled = there(filled.to(device))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            on_processor = here(filled)
        of_masked = masked(torch.from_numpy(SCORES).to(device), mask.to(device))
        words = f"{(~MASK).sum()} of {MASK.size} scores lie"
        checks = {
            "mask": torch.equal(of_filled, of_masked),
            "processor": torch.equal(of_filled.cpu(), on_processor),
            "usage": there.usage == masked.usage == here.usage,
            "warning": sum(words in str(each.message) for each in said) == 1,
        }
        differ += [name for name, holds in checks.items() if not holds]
    return differ


if __name__ == "__main__":
    of_maps = {"head": of_head("cpu"), "fill values": of_fill_values("cpu")}
    print(json.dumps({**{name: differences(name) for name in CASES}, **of_maps}))
