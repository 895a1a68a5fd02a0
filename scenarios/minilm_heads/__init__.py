"""Scenario minilm-heads: every attention row of a real pretrained transformer through the gamma circuit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from bridge.heads.choice import chosen_heads
from scenarios.minilm_heads.figures import figures
from scenarios.minilm_heads.measures import Compared, in_data, in_numbers, in_words, table_of
from scenarios.workbench.minilm import N_HEADS, N_LAYERS, Heads, minilm_heads, shipped_paragraph
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.stages import simulation
from spiking import GammaCircuit, GammaParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Can a 40 Hz circuit stand in for the softmax of a real transformer? Every row of the attention heads of "
    "all-MiniLM-L6-v2 competes in spikes, and is compared with the model's own attention."
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    text: str = param(shipped_paragraph(), "what the model reads")
    heads: str = param("all", "all, or layer.head from 0 with commas, * for every one: 3.0 or 0.1,3.*")
    temperature: float = param(
        1.0, "softmax temperature wanted; the model's own is 1", at_least=1e-6, at_most=1e6
    )
    duration_ms: float = param(400.0, "simulated time for every row", at_least=100)
    n_cells: int = param(20, "excitatory cells per key", at_least=1)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Simulate the chosen heads, a layer's rows in one network, and compare each with its softmax."""
    pairs = tuple(chosen_heads(params.heads, [N_HEADS] * N_LAYERS))
    with ctx.progress.stage("read the model", share=0.05):
        heads = minilm_heads(params.text)
    compared = _simulate(params, ctx, heads, pairs)
    table = table_of(compared, ctx.rng)
    return Outcome(
        dataset=in_data(compared, table),
        metrics=in_numbers(table, compared),
        headline=("excess", "beta_model", "f_gamma"),
        pictures=figures(compared, table),
        **in_words(table, compared),
    )


def _simulate(params: Params, ctx: RunContext, heads: Heads, pairs: tuple[tuple[int, int], ...]) -> Compared:
    circuit = GammaCircuit(GammaParams(n_cells=params.n_cells, temperature=params.temperature))
    scores, length = np.stack([heads.scores[pair] for pair in pairs]), len(heads.tokens)
    layers = np.array([layer for layer, _ in pairs])
    selections = []
    for layer in np.unique(layers):
        rows = scores[layers == layer].reshape(-1, length)
        stage = f"layer {layer}: {len(rows)} rows in spikes"
        with simulation(ctx, stage, share=0.9 * len(rows) / (len(pairs) * length)) as options:
            selections.append(circuit.attend(rows, duration_ms=params.duration_ms, **options))
    return Compared(
        tokens=heads.tokens,
        pairs=pairs,
        counts=np.concatenate([s.counts for s in selections]).reshape(scores.shape),
        f_gamma_Hz=np.concatenate([s.f_gamma_Hz for s in selections]).reshape(scores.shape[:2]),
        scores=scores / params.temperature,
        target=softmax(scores / params.temperature, axis=-1),
        value=np.stack([heads.value[pair] for pair in pairs]),
        duration_ms=params.duration_ms,
    )
