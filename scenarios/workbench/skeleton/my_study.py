"""Run it with: fortyhertz run my_study.py. All that makes a scenario is here: QUESTION, Params and run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import fortyhertz as fh
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Outcome, RunContext, Words
from scenarios.workbench.panels import against_floor, captioned, panels, pictures
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.sentences import choose, words
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import clear, mean
from scenarios.workbench.tables import column

QUESTION = "Do the spikes of a gamma circuit choose among keys as a softmax does?"


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_rows: int = param(32, "rows of random scores, each a competition", at_least=2)
    n_keys: int = param(8, "keys of a row", at_least=2)
    duration_ms: float = param(500.0, "simulated time for every row", at_least=34)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Simulate, measure, draw, judge."""
    scores = ctx.rng.normal(0, 1.5, (params.n_rows, params.n_keys))
    with simulation(ctx, "rows in spikes") as options:
        selection = fh.GammaCircuit().attend(scores, duration_ms=params.duration_ms, **options)
    data = measure(selection, scores, ctx.rng)
    return Outcome(
        dataset=data,
        metrics=in_numbers(data),
        headline=("distance", "spikes", "f_gamma"),
        pictures=pictures(data, distances),
        **in_words(data),
    )


def measure(selection: fh.Selection, scores: np.ndarray, rng: np.random.Generator) -> xr.Dataset:
    """Declare every quantity once: dimensions, values, label and unit, which report and figures take from here."""
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    counts, label = selection.counts, "distance to the softmax"
    n_spikes = counts.sum(axis=1)
    floor = fh.sampling_floor(total_variation, weights, n_spikes, rng).mean
    return xr.Dataset(
        {
            "scores": column(("row", "key"), scores, "score"),
            "counts": column(("row", "key"), counts, "spikes"),
            "distance": column("row", total_variation(counts, weights), label),
            "floor": column("row", floor, f"{label} of as many exact samples"),
            "uniform": column(
                "row", total_variation(np.ones_like(weights), weights), f"{label}, equal weights"
            ),
            "spikes": column("row", n_spikes, "spikes per row"),
            "f_gamma": column("row", selection.f_gamma_Hz, "gamma frequency", "Hz"),
        }
    )


def total_variation(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Half the summed absolute difference between each row's shares and weights, in [0, 1]."""
    share = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return np.abs(share - weights).sum(axis=-1) / 2


def in_numbers(data: xr.Dataset) -> dict[str, Metric]:
    """Means over rows with their standard errors, and the floor and control that they must be read against."""
    lines = Lines()
    lines.take(data, "distance", floor="floor", control="uniform", note="control: equal weights")
    lines.take(data, "spikes")
    lines.add("silent", "rows without a spike", (data.spikes == 0).sum())
    lines.take(data, "f_gamma")
    return lines.metrics


@captioned("Total variation between spike shares and softmax, a dot a row, against that of as many samples.")
def distances(data: xr.Dataset) -> Figure:
    """Draw each row against its floor."""
    figure, axes = panels("A", height_in=3.4, width=0.6)
    against_floor(axes["A"], data.floor.values, data.distance.values, "a row")
    return figure


def in_words(data: xr.Dataset) -> Words:
    """The answer, decided by the numbers and not by what was expected."""
    sign = clear({"excess": mean((data.distance - data.floor).values)})["excess"]
    judged = choose(sign, "lies above", "does not differ clearly from", "lies below")
    answer = (
        f"The spikes' distance to the softmax, {mean(data.distance.values)}, {judged} that of as many exact "
        f"samples, {float(data.floor.mean()):.3f}; equal weights are at {float(data.uniform.mean()):.3f}."
    )
    return words(answer, short=(answer,))
