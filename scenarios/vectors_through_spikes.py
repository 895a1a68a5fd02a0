"""Scenario vectors-through-spikes: the whole spiking head against softmax attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.special import softmax

from bridge.metrics import cosine, total_variation
from bridge.sampling import multinomial_counts, total_variation_floor
from scenarios.outcome import Metric, Outcome, Picture, RunContext
from scenarios.params import ScenarioParams, param
from scenarios.sparse_objects import STRENGTHS, SparseObjects, sparse_objects
from scenarios.style import WIDTH_in
from scenarios.vector_plots import draw_components, draw_cosine, draw_features, draw_survivors
from spiking import GammaCircuit, GammaParams, VectorCircuit
from spiking.readout import share_against_time

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Can attention run on spikes from end to end, query vectors in and output vectors out, and what does an object "
    "that is attended only a little still show?"
)
N_DRAWS = 40  # multinomial samples behind the floor of the cosine


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_queries: int = param(48, "random queries, each with keys and values of its own", at_least=2)
    n_keys: int = param(8, "keys of each query", at_least=2)
    d: int = param(32, "dimension of queries, keys and values", at_least=1)
    n_cells: int = param(40, "excitatory cells per key", at_least=1)
    temperature: float = param(1.0, "softmax temperature wanted", above=0)
    duration_ms: float = param(1000.0, "simulated time", at_least=200)
    threshold: float = param(0.08, "a feature is seen if the output holds more of it than this", above=0)
    n_repeats: int = param(8, "simulations of each attention level of the sparse objects", at_least=2)


@dataclass(frozen=True, kw_only=True)
class Attended:
    """The head's answers to random vectors beside the softmax head's."""

    time_ms: np.ndarray  # (n_times,)
    cosine: np.ndarray  # (n_times, n_queries) of the output so far
    floor: np.ndarray  # (n_times, n_queries) of exact sampling with as many spikes
    uniform: np.ndarray  # (n_queries,) of equal weights
    hardest: np.ndarray  # (n_queries,) of the strongest key alone
    excess: float  # total variation over floor, whole head
    excess_direct: float  # the same with scores handed to the circuit directly
    output: np.ndarray  # (n_queries, d)
    reference: np.ndarray  # (n_queries, d)
    trace: np.ndarray  # (d, n_samples) of the first query
    spikes: np.ndarray  # (n_queries,)
    query_spikes: np.ndarray  # (n_queries,)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Random vectors first, then sparse objects under falling attention."""
    attended = _random_vectors(params, ctx)
    circuit = VectorCircuit(GammaParams(n_cells=params.n_cells))
    with ctx.progress.stage("sparse objects", share=0.3) as progress:
        objects = sparse_objects(
            circuit,
            n_repeats=params.n_repeats,
            duration_ms=params.duration_ms,
            rng=ctx.rng,
            engine=ctx.engine,
            progress=progress,
        )
    metrics = _metrics(attended, objects, params.threshold)
    return Outcome(
        dataset=_dataset(attended, objects),
        metrics=metrics,
        headline=("cosine", "cosine_early", "seen"),
        pictures=_pictures(attended, objects, params.threshold),
        verdict=_verdict(attended, objects, metrics, params),
    )


def _random_vectors(params: Params, ctx: RunContext) -> Attended:
    n, k, d = params.n_queries, params.n_keys, params.d
    query, key, value = (ctx.rng.normal(size=shape) for shape in ((n, d), (n, k, d), (n, k, d)))
    scores = np.einsum("nd,nkd->nk", query, key) / np.sqrt(d)
    target = softmax(scores / params.temperature, axis=1)
    gamma = GammaParams(n_cells=params.n_cells, temperature=params.temperature, feedforward="mean")
    options: dict[str, Any] = {"duration_ms": params.duration_ms, "rng": ctx.rng, "engine": ctx.engine}
    with ctx.progress.stage("queries, keys and values in spikes", share=0.5) as progress:
        head = VectorCircuit(gamma).attend(query, key, value, progress=progress, **options)
    with ctx.progress.stage("the same scores handed in directly", share=0.2) as progress:
        direct = GammaCircuit(gamma).attend(scores, progress=progress, **options)

    def excess(weights: np.ndarray, counts: np.ndarray) -> float:
        floor = total_variation_floor(target, counts.sum(axis=1))
        return float(np.nanmean(total_variation(weights, target)) / np.nanmean(floor))

    def outputs(weights: np.ndarray) -> np.ndarray:
        return np.einsum("...nk,nkd->...nd", weights, value)

    reference = outputs(target)
    edges = np.unique(np.round(np.geomspace(50, params.duration_ms, 12)))
    so_far = np.cumsum(head.trace, axis=2, dtype=float)
    running = [so_far[:, :, int(edge) - 1] / edge for edge in edges]
    n_spikes = share_against_time(head.selection.spikes, edges).n_spikes
    floor = []
    for counts in n_spikes:
        draws = np.concatenate(list(multinomial_counts(target, np.maximum(counts, 1), ctx.rng, N_DRAWS)))
        floor.append(cosine(outputs(draws), reference).mean(axis=0))
    return Attended(
        time_ms=edges,
        cosine=np.stack([cosine(output, reference) for output in running]),
        floor=np.stack(floor),
        uniform=cosine(value.mean(axis=1), reference),
        hardest=cosine(value[np.arange(n), target.argmax(axis=1)], reference),
        excess=excess(head.selection.weights, head.selection.counts),
        excess_direct=excess(direct.weights, direct.counts),
        output=head.output,
        reference=reference,
        trace=head.trace[0],
        spikes=head.selection.counts.sum(axis=1),
        query_spikes=head.query_spikes,
    )


def _metrics(attended: Attended, objects: SparseObjects, threshold: float) -> dict[str, Metric]:
    def at(index: int, label: str) -> Metric:
        values = attended.cosine[index]
        return Metric(
            label=label,
            value=float(values.mean()),
            standard_error=_error(values),
            floor=float(attended.floor[index].mean()),
            control=float(attended.uniform.mean()),
            note="control: equal weights",
        )

    early = int(np.searchsorted(attended.time_ms, 100))
    scale = np.sum(attended.output * attended.reference, axis=1) / np.sum(attended.reference**2, axis=1)
    agree = objects.seen(threshold) == objects.seen_by_softmax(threshold)[:, None, :]
    whole = f"cosine to softmax attention, {attended.time_ms[-1]:.0f} ms"
    return {
        "cosine": at(-1, whole),
        "cosine_early": at(early, f"the same after {attended.time_ms[early]:.0f} ms"),
        "hardest": Metric(
            label="cosine of the strongest key alone",
            value=float(attended.hardest.mean()),
            standard_error=_error(attended.hardest),
        ),
        "scale": Metric(
            label="output over softmax output, in length",
            value=float(scale.mean()),
            standard_error=_error(scale),
            note=f"coefficient of variation over queries {scale.std(ddof=1) / scale.mean():.2f}: nothing divides, "
            "the loop holds the spikes",
        ),
        "excess": Metric(
            label="total variation / floor, whole head",
            value=attended.excess,
            floor=1.0,
            control=attended.excess_direct,
            note="control: the scores handed to the circuit directly",
        ),
        "seen": Metric(
            label="features seen or unseen as under softmax",
            value=float(agree.mean()),
            standard_error=_error(agree.mean(axis=(0, 2))),
            note=f"threshold {threshold:g}",
        ),
        "spikes": Metric(label="spikes per query in the race", value=float(attended.spikes.mean())),
        "query_spikes": Metric(
            label="spikes per query that carry the query", value=float(attended.query_spikes.mean())
        ),
    }


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _dataset(attended: Attended, objects: SparseObjects) -> xr.Dataset:
    unit = {"units": "1"}
    return xr.Dataset(
        {
            "cosine": (("time", "query"), attended.cosine, unit),
            "cosine_floor": (("time", "query"), attended.floor, unit),
            "cosine_uniform": ("query", attended.uniform, unit),
            "cosine_strongest": ("query", attended.hardest, unit),
            "output": (("query", "component"), attended.output, unit),
            "softmax_output": (("query", "component"), attended.reference, unit),
            "object_output": (("attention", "repeat", "feature"), objects.output, unit),
        },
        {
            "time": ("time", attended.time_ms, {"units": "ms"}),
            "attention": ("attention", objects.attention, unit),
            "feature": ("feature", np.array(STRENGTHS), {**unit, "long_name": "strength of the feature"}),
        },
    )


def _pictures(attended: Attended, objects: SparseObjects, threshold: float) -> dict[str, Picture]:
    return {
        "head": Picture(
            draw=lambda: _draw_head(attended),
            caption="Left: distance between the head's output so far and the softmax head's, mean and "
            "standard error over queries; grey: what exact samples, as many as there were spikes, would reach. "
            "Right: eight output components of one query, running mean; dashes: the softmax head's.",
        ),
        "objects": Picture(
            draw=lambda: _draw_objects(objects, threshold),
            caption="An object with eight features of falling strength, under falling attention. Colour: how "
            "much of each feature the output holds, square-root scale; outlined: more than the threshold "
            f"{threshold:g}, so still seen. Right: features seen, mean and standard error over simulations.",
        ),
    }


def _draw_head(attended: Attended) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.2))
    left, right = figure.subplots(1, 2)
    draw_cosine(left, attended)
    draw_components(right, attended.trace, attended.reference[0])
    return figure


def _draw_objects(objects: SparseObjects, threshold: float) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.4))
    axes = figure.subplots(1, 3, width_ratios=[1, 1, 1.1])
    draw_features(axes[0], objects.softmax_output, objects.attention, threshold, "softmax")
    image = draw_features(axes[1], objects.output[:, 0], objects.attention, threshold, "spikes")
    axes[1].set_ylabel("")
    figure.colorbar(image, ax=axes[1], label="feature in the output", pad=0.03)
    draw_survivors(axes[2], objects, threshold)
    return figure


def _verdict(attended: Attended, objects: SparseObjects, metrics: dict[str, Metric], params: Params) -> str:
    seen = objects.seen(params.threshold).mean(axis=1).sum(axis=1)
    last = int(np.flatnonzero(seen >= 0.5)[-1]) if (seen >= 0.5).any() else 0
    cost = attended.excess / attended.excess_direct
    return (
        f"After {attended.time_ms[-1]:.0f} ms the whole spiking head points where softmax attention points: cosine "
        f"{metrics['cosine'].text()}, against {attended.floor[-1].mean():.4f} for as many exact samples, "
        f"{attended.uniform.mean():.2f} for equal weights and {attended.hardest.mean():.2f} for the strongest "
        f"key alone. Carrying the query in Poisson spikes puts the weights {cost:.2f} times as far from the "
        f"softmax as handing in the scores. An object with the attention {objects.attention[last]:.2g} still shows "
        f"{seen[last]:.1f} of its {len(STRENGTHS)} features above the threshold, the strong ones; with "
        f"{objects.attention[0]:.2g} it shows {seen[0]:.1f}."
    )
