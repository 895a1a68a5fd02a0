"""Scenario vectors-through-spikes: the whole spiking head against softmax attention."""

from __future__ import annotations

from dataclasses import dataclass, replace

from matplotlib.figure import Figure

from scenarios.vectors_through_spikes.findings import (
    Findings,
    findings_dataset,
    findings_metrics,
    findings_verdict,
)
from scenarios.vectors_through_spikes.object_plots import draw_features, draw_survival, draw_survivors
from scenarios.vectors_through_spikes.plots import (
    draw_components,
    draw_cosine,
    draw_error,
    draw_noise,
    draw_query,
    draw_raster,
    draw_scale,
    draw_weights,
)
from scenarios.vectors_through_spikes.sparse_objects import SparseObjects, attend_to_scene, scene
from scenarios.vectors_through_spikes.whole_head import (
    WholeHead,
    attend_to_random_vectors,
    query_noise,
    random_vectors,
)
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, Picture, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.style import WIDTH_in
from spiking import GammaParams, HeadParams, VectorCircuit

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Can attention run on spikes from end to end, query vectors in and output vectors out, and what does an "
    "object that is attended only a little still show?"
)
OBJECTS = (
    "What the output holds of each object (down, from the most to the least attended) and each of its "
    "features (across, from strong to weak), as attention goes from even (left) to focused (right). Outlined: "
    "above the threshold {threshold:g}, so seen. Colour: square-root scale."
)
SURVIVAL = (
    "Left: features of an object that are seen against the attention to it, all objects, focuses and "
    "rotations; the staircase is attention × strength > threshold. Right: the fraction of features seen "
    "against what softmax attention holds of them, in thresholds, with its standard error; the grey line is "
    "the blur of sampling alone."
)
OUTPUT = (
    "Distance between the head's output so far and the softmax head's, mean and standard error over queries. "
    "Grey: what exact samples of the softmax reach, as many as there were spikes. Green: equal weights "
    "(dashed) and the strongest key alone (dotted). On the right the length counts too, which no sample gets "
    "wrong and the spiking head does, because nothing divides by its number of spikes."
)
EXAMPLE = (
    "The query whose output is the median one in cosine. Top: its components, which ON cells (dark) and OFF "
    "cells (grey) fire; the spikes of the keys' populations, keys from the most to the least attended; the "
    "weights that they add up to. Bottom: six components of the output, from the lowest to the highest."
)
PRICE = (
    "Left: distance of the attention weights from softmax, in units of what as many exact samples have, "
    "against the rate of the query cells; standard error over queries. Right: length of the output over the "
    "softmax output's, with the loop and with E to I cut at the same mean rate."
)
WINDOW_ms = 250.0  # of the raster


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_queries: int = param(48, "random queries, each with keys and values of its own", at_least=2)
    n_keys: int = param(8, "keys of each query, and objects of the scene", at_least=2)
    d: int = param(32, "dimension of queries, keys and values", at_least=2)
    n_cells: int = param(40, "excitatory cells per key", at_least=1)
    temperature: float = param(1.0, "softmax temperature wanted", above=0)
    duration_ms: float = param(1000.0, "measured time", at_least=200)
    query_rate_Hz: float = param(100.0, "rate of a query cell whose component is 1", above=0)
    noise_rates_Hz: tuple[float, ...] = param(
        (1.0, 3.0, 10.0, 30.0), "other rates, for the price of it", above=0
    )
    noise_queries: int = param(24, "queries at each of these rates", at_least=2)
    threshold: float = param(0.045, "a feature is seen if the output holds more of it than this", above=0)
    strengths: tuple[float, ...] = param(
        (1.0, 0.7, 0.45, 0.25), "features of an object, strong to weak", above=0
    )
    focus: tuple[float, ...] = param(
        (0.0, 1.0, 2.0, 4.0, 8.0), "score of the most over the least attended object", at_least=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("strengths", "noise_rates_Hz", "focus"):
            values = getattr(self, name)
            ordered = sorted(set(values), reverse=name == "strengths")
            if list(values) != ordered:
                wanted = ",".join(map(str, ordered))
                raise UsageError(f"{name} must be ordered without repeats, got {values}; use {wanted}")


def run(params: Params, ctx: RunContext) -> Outcome:
    """Random vectors first, then the price of the query's spikes, then a scene of sparse objects."""
    found = _findings(params, ctx)
    metrics = findings_metrics(found)
    return Outcome(
        dataset=findings_dataset(found),
        metrics=metrics,
        headline=("cosine", "cosine_early", "seen"),
        pictures=_pictures(found),
        verdict=findings_verdict(found, metrics),
    )


def _findings(params: Params, ctx: RunContext) -> Findings:
    gamma = GammaParams(n_cells=params.n_cells, temperature=params.temperature)
    head = HeadParams(query_rate_Hz=params.query_rate_Hz)
    vectors = random_vectors(params.n_queries, params.n_keys, params.d, params.temperature, ctx.rng)
    some = random_vectors(params.noise_queries, params.n_keys, params.d, params.temperature, ctx.rng)
    with ctx.progress.stage("random vectors", share=0.55) as progress:
        whole = attend_to_random_vectors(
            vectors, gamma, head, params.duration_ms, replace(ctx, progress=progress)
        )
    with ctx.progress.stage("query noise", share=0.25) as progress:
        noise = query_noise(
            some, gamma, head, params.noise_rates_Hz, params.duration_ms, replace(ctx, progress=progress)
        )
    with ctx.progress.stage("sparse objects", share=0.2) as progress:
        objects = attend_to_scene(
            scene(
                params.n_keys,
                params.d,
                strengths=params.strengths,
                focus=params.focus,
                temperature=params.temperature,
                rng=ctx.rng,
            ),
            VectorCircuit(gamma, head),
            params.threshold,
            duration_ms=params.duration_ms,
            rng=ctx.rng,
            engine=ctx.engine,
            progress=progress,
        )
    compared = {**dict(zip(params.noise_rates_Hz, noise, strict=True)), params.query_rate_Hz: whole.agreement}
    return Findings(
        head=whole,
        noise_Hz=tuple(sorted(compared)),
        noise=[compared[rate_Hz] for rate_Hz in sorted(compared)],
        objects=objects,
    )


def _pictures(found: Findings) -> dict[str, Picture]:
    objects = OBJECTS.format(threshold=found.objects.threshold)
    return {
        "objects": Picture(draw=lambda: _draw_objects(found.objects), caption=objects),
        "survival": Picture(draw=lambda: _draw_survival(found.objects), caption=SURVIVAL),
        "output": Picture(draw=lambda: _draw_output(found.head), caption=OUTPUT),
        "example": Picture(draw=lambda: _draw_example(found.head), caption=EXAMPLE),
        "price": Picture(draw=lambda: _draw_price(found), caption=PRICE),
    }


def _draw_output(head: WholeHead) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.3))
    left, right = figure.subplots(1, 2)
    draw_cosine(left, head)
    draw_error(right, head)
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _draw_example(head: WholeHead) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 5.2))
    grid = figure.add_gridspec(2, 3, width_ratios=(1, 1.5, 1), height_ratios=(1.1, 1))
    draw_query(figure.add_subplot(grid[0, 0]), head.vectors.query[head.typical])
    window_ms = min(WINDOW_ms, head.spiking.selection.duration_ms)
    draw_raster(figure.add_subplot(grid[0, 1]), head, head.typical, window_ms)
    draw_weights(figure.add_subplot(grid[0, 2]), head, head.typical)
    draw_components(figure.add_subplot(grid[1, :]), head, head.typical)
    return figure


def _draw_price(found: Findings) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.2))
    left, right = figure.subplots(1, 2)
    draw_noise(left, found.noise_Hz, found.noise, found.head.direct)
    draw_scale(right, found.head)
    return figure


def _draw_objects(objects: SparseObjects) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 4.6))
    n_focus = len(objects.scene.focus)
    axes = figure.subplots(2, n_focus, squeeze=False)
    most = objects.scene.by_rank(objects.scene.weights)[:, 0, 0]
    for line, (name, features) in zip(
        axes, (("softmax", objects.softmax), ("spikes", objects.spiking)), strict=True
    ):
        ordered = objects.scene.by_rank(features)[:, 0]
        for ax, shown in zip(line, ordered, strict=True):
            image = draw_features(ax, shown, objects.seen(shown))
        line[0].set_ylabel(name, fontweight="bold")
    for ax, weight in zip(axes[0], most, strict=True):
        ax.set_title(f"attention\nto the first: {weight:.2f}", fontsize=8.5, fontweight="normal")
    for ax in axes[1]:
        ax.set_xlabel("strong → weak", fontsize=8.5)
    bar = figure.colorbar(image, ax=axes, label="feature in the output", shrink=0.6, pad=0.02)
    bar.set_ticks([0, 0.1**0.5, 0.3**0.5, 0.6**0.5, 1], labels=["0", "0.1", "0.3", "0.6", "1"])
    return figure


def _draw_survival(objects: SparseObjects) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.2))
    left, right = figure.subplots(1, 2)
    draw_survivors(left, objects)
    draw_survival(right, objects)
    return figure
