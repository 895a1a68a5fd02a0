"""Run it with: fortyhertz run my_study.py. All that makes a scenario is here: QUESTION, Params and run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import fortyhertz as fh
from scenarios.workbench.outcome import Metric, Outcome, RunContext
from scenarios.workbench.panels import against_floor, captioned, panels, pictures
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.sentences import choose, say
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import clear, mean, metric
from scenarios.workbench.tables import columns

QUESTION = "Do the spikes of a gamma circuit choose among keys as a softmax does?"


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_rows: int = param(32, "rows of random scores, each a competition", at_least=2)
    n_keys: int = param(8, "keys of a row", at_least=2)
    duration_ms: float = param(500.0, "simulated time for every row", above=0)


@dataclass(frozen=True, kw_only=True)
class Results:
    """What was simulated, with what it must be compared with; each (n_rows,)."""

    selection: fh.Selection
    distance: np.ndarray  # of the spike shares from the softmax
    floor: np.ndarray  # of as many exact samples of the softmax
    uniform: np.ndarray  # of equal weights: the control


def run(params: Params, ctx: RunContext) -> Outcome:
    """Simulate, measure, draw, judge."""
    scores = ctx.rng.normal(0, 1.5, (params.n_rows, params.n_keys))
    with simulation(ctx, "rows in spikes") as options:
        selection = fh.GammaCircuit().attend(scores, duration_ms=params.duration_ms, **options)
    results = measure(selection, scores, ctx.rng)
    return Outcome(
        dataset=xr.Dataset(
            {
                **columns("row", distance=results.distance, floor=results.floor, uniform=results.uniform),
                **columns(("row", "key"), scores=scores, counts=selection.counts),
            }
        ),
        metrics=metrics(results),
        headline=("distance", "spikes", "f_gamma"),
        pictures=pictures(results, distances),
        in_short=(verdict(results),),
        verdict=verdict(results),
    )


def measure(selection: fh.Selection, scores: np.ndarray, rng: np.random.Generator) -> Results:
    """Distances to the softmax: of the spikes, of as many samples, of equal weights."""
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    n_spikes = selection.counts.sum(axis=1)
    return Results(
        selection=selection,
        distance=total_variation(selection.counts, weights),
        floor=fh.sampling_floor(total_variation, weights, n_spikes, rng).mean,
        uniform=total_variation(np.ones_like(weights), weights),
    )


def total_variation(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Half the summed absolute difference between each row's shares and weights, in [0, 1]."""
    share = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    return np.abs(share - weights).sum(axis=-1) / 2


def metrics(results: Results) -> dict[str, Metric]:
    """Every number with its standard error, and with the floor and control that it must be read against."""
    floor, control = float(results.floor.mean()), float(results.uniform.mean())
    totals = results.selection.counts.sum(axis=1)
    return {
        "distance": metric("distance to the softmax", mean(results.distance), floor=floor, control=control),
        "spikes": metric("spikes per row", mean(totals)),
        "silent": Metric(label="rows without a spike", value=float(results.selection.silent.sum())),
        "f_gamma": metric("gamma frequency", mean(results.selection.f_gamma_Hz), unit="Hz"),
    }


@captioned("Total variation between spike shares and softmax, a dot a row, against that of as many samples.")
def distances(results: Results) -> Figure:
    """Draw each row against its floor."""
    figure, axes = panels("A", height_in=3.4, width=0.6)
    against_floor(axes["A"], results.floor, results.distance, "a row")
    return figure


def verdict(results: Results) -> str:
    """The answer, decided by the numbers and not by what was expected."""
    sign = clear({"excess": mean(results.distance - results.floor)})["excess"]
    judged = choose(sign, "lies above", "does not differ clearly from", "lies below")
    return (
        f"The spikes' distance to the softmax, {say(mean(results.distance))}, {judged} that of as many exact "
        f"samples, {results.floor.mean():.3f}; equal weights are at {results.uniform.mean():.3f}."
    )
