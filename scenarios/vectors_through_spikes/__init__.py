"""Scenario vectors-through-spikes: the whole spiking head against softmax attention."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bridge.comparison.agreement import Comparison
from scenarios.vectors_through_spikes.figures import figures
from scenarios.vectors_through_spikes.measures import Study, in_data, in_numbers, in_words
from scenarios.vectors_through_spikes.sparse_objects import SparseObjects, look_at, scene
from scenarios.vectors_through_spikes.whole_head import (
    Vectors,
    WholeHead,
    compared,
    output_curve,
    random_vectors,
)
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.stages import simulation
from spiking import GammaCircuit, GammaParams, HeadParams, VectorCircuit, gamma_off

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Can attention run on spikes from end to end, query vectors in and output vectors out, and what does an "
    "object that is attended only a little still show?"
)
MATCH_ms = 300.0  # each step of the search for the control's drive


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_queries: int = param(48, "random queries, each with its keys and values", at_least=2)
    n_keys: int = param(8, "keys of each query, and objects of the scene", at_least=2)
    d: int = param(32, "dimension of queries, keys and values", at_least=2)
    n_cells: int = param(40, "excitatory cells per key", at_least=1)
    temperature: float = param(1.0, "softmax temperature wanted", at_least=1e-6, at_most=1e6)
    duration_ms: float = param(1000.0, "measured time", at_least=200)
    query_rate_Hz: float = param(100.0, "rate of a query cell whose component is 1", above=0, at_most=1000)
    noise_rates_Hz: tuple[float, ...] = param(
        (1.0, 3.0, 10.0, 30.0), "other rates, for the price of it", above=0, at_most=1000
    )
    noise_queries: int = param(24, "queries at each of these rates", at_least=2)
    threshold: float = param(
        0.045, "a feature is seen if the output holds more of it than this", above=0, at_most=100
    )
    strengths: tuple[float, ...] = param(
        (1.0, 0.7, 0.45, 0.25), "features of an object, strong to weak", above=0, at_most=10
    )
    focus: tuple[float, ...] = param(
        (0.0, 1.0, 2.0, 4.0, 8.0), "score of the most over the least attended object", at_least=0, at_most=20
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("noise_rates_Hz", "focus")
        self.check_ordered("strengths", falling=True)

    @property
    def gamma(self) -> GammaParams:
        """The circuit in which the keys race."""
        return GammaParams(n_cells=self.n_cells, temperature=self.temperature)

    def circuit(self, query_rate_Hz: float) -> VectorCircuit:
        """The whole head, its query cells at a rate."""
        return VectorCircuit(self.gamma, HeadParams(query_rate_Hz=query_rate_Hz))

    def vectors(self, n_queries: int, rng: np.random.Generator) -> Vectors:
        """Random queries with their keys and values."""
        return random_vectors(n_queries, self.n_keys, self.d, self.temperature, rng)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Random vectors first, then the price of the query's spikes, then a scene of sparse objects."""
    vectors = params.vectors(params.n_queries, ctx.rng)
    some = params.vectors(params.noise_queries, ctx.rng)
    head = _whole_head(params, ctx, vectors)
    noise = _noise(params, ctx, some) | {params.query_rate_Hz: head.agreement}
    study = Study(head=head, noise=dict(sorted(noise.items())), objects=_objects(params, ctx))
    data = in_data(study)
    metrics = in_numbers(study, data)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("cosine", "cosine_early", "seen"),
        pictures=figures(study, data),
        spikes={"exc": head.spiking.selection.spikes},
        **in_words(study, data, metrics),
    )


def _noise(params: Params, ctx: RunContext, vectors: Vectors) -> dict[float, Comparison]:
    """The head with its query cells at other rates."""
    noise, share = {}, 0.25 / len(params.noise_rates_Hz)
    for rate_Hz in params.noise_rates_Hz:
        with simulation(ctx, f"query cells at {rate_Hz:g} Hz", share=share) as options:
            circuit = params.circuit(rate_Hz)
            attended = circuit.attend(*vectors.inputs, duration_ms=params.duration_ms, **options)
        noise[rate_Hz] = compared(attended.selection, vectors, ctx.rng)
    return noise


def _whole_head(params: Params, ctx: RunContext, vectors: Vectors) -> WholeHead:
    """The whole head, the same scores handed in directly, and the whole head without its loop."""
    duration_ms, head = params.duration_ms, HeadParams(query_rate_Hz=params.query_rate_Hz)
    # the same mean subtracted, so that only the noise of the query's spikes is gone
    circuit = GammaCircuit(replace(params.gamma, feedforward="mean"))
    with simulation(ctx, "vectors through spikes", share=0.19) as options:
        whole = VectorCircuit(params.gamma, head)
        spiking = whole.attend(*vectors.inputs, duration_ms=duration_ms, **options)
    with simulation(ctx, "the same scores handed in", share=0.08) as options:
        direct = circuit.attend(vectors.scores, duration_ms=duration_ms, **options)
    with simulation(ctx, "match the control's rate", share=0.08) as options:
        control = gamma_off(circuit, vectors.scores, duration_ms=min(MATCH_ms, duration_ms), **options)
    with simulation(ctx, "the head without its loop", share=0.2) as options:
        uncoupled = VectorCircuit(control.circuit.params, head)
        off = uncoupled.attend(*vectors.inputs, duration_ms=duration_ms, **options)
    return WholeHead(
        vectors=vectors,
        spiking=spiking,
        agreement=compared(spiking.selection, vectors, ctx.rng),
        direct=compared(direct, vectors, ctx.rng),
        curve=output_curve(spiking, vectors, head.tau_out_ms, ctx.rng),
        off=off,
        mismatch=control.mismatch,
    )


def _objects(params: Params, ctx: RunContext) -> SparseObjects:
    """Look at a scene of sparse objects with every focus and rotation."""
    graded = {"strengths": params.strengths, "focus": params.focus}
    shown = scene(params.n_keys, params.d, **graded, temperature=params.temperature, rng=ctx.rng)
    with simulation(ctx, "sparse objects", share=0.2) as options:
        circuit = params.circuit(params.query_rate_Hz)
        attended = circuit.attend(*shown.inputs, duration_ms=params.duration_ms, **options)
    return look_at(shown, attended, params.threshold, ctx.rng)
