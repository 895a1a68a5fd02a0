"""Scenario softmax-from-spikes: the circuit's selection law on random scores, against its sampling floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bridge import fit
from scenarios.softmax_from_spikes.figures import figures
from scenarios.softmax_from_spikes.measures import Condition, in_numbers, in_words, kl_curves, table_of
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.stages import simulation
from spiking import CELLS, GammaCircuit, GammaParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "How closely do the spikes of a 40 Hz circuit compute a softmax at the temperature asked for, and how "
    "many spikes does that take? Random scores over several numbers of keys and temperatures, both cell models."
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    keys: tuple[int, ...] = param((2, 8, 32, 64), "numbers of keys, escape-rate cells", at_least=2)
    keys_lif: tuple[int, ...] = param((2, 8), "numbers of keys, diffusive cells (slower)", at_least=2)
    temperatures: tuple[float, ...] = param(
        (0.5, 1.0, 2.0), "softmax temperatures asked for", at_least=1e-6, at_most=1e6
    )
    score_sd: float = param(1.5, "scores are normal with this standard deviation", at_least=1e-3, at_most=100)
    n_rows: int = param(64, "rows of each condition; more with less than 8 keys", at_least=4)
    n_cells: int = param(40, "excitatory cells per key", at_least=1)
    duration_ms: float = param(2700.0, "simulated time", at_least=200)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Simulate every condition, fit each, and rank the selection laws at the middle temperature."""
    conditions = _simulate(params, ctx)
    table = table_of(conditions)
    middle = sorted(params.temperatures)[len(params.temperatures) // 2]
    at_middle = [c for c in conditions if c.temperature == middle]
    curves = kl_curves([c for c in at_middle if c.cell == "escape"])
    laws = {c.cell: fit(c.selection.counts, c.scores) for c in at_middle if c.n_keys == max(params.keys_lif)}
    metrics = in_numbers(table, laws)
    ctx.progress(1.0, "done")
    return Outcome(
        dataset=xr.merge([table, curves]),
        metrics=metrics,
        headline=("worst_beta", "worst_excess", "kl_over_floor"),
        pictures=figures(table, curves, laws),
        **in_words(table, laws, metrics),
    )


def _simulate(params: Params, ctx: RunContext) -> list[Condition]:
    plan = [
        (cell, n_keys, temperature)
        for cell, keys in (("escape", params.keys), ("lif", params.keys_lif))
        for n_keys in keys
        for temperature in params.temperatures
    ]
    cost = np.array([n_keys * (3 if cell == "lif" else 1) + 4 for cell, n_keys, _ in plan], dtype=float)
    conditions = []
    for (cell, n_keys, temperature), share in zip(plan, 0.97 * cost / cost.sum(), strict=True):
        asked = GammaParams(n_cells=params.n_cells, temperature=temperature, cell=CELLS[cell]())
        n_rows = max(params.n_rows, 8 * params.n_rows // n_keys)  # few keys determine beta less well
        scores = ctx.rng.normal(0, params.score_sd, (n_rows, n_keys))
        label = f"{cell} cells, {n_keys} keys, temperature {temperature:g}"
        with simulation(ctx, label, share=share) as options:
            selection = GammaCircuit(asked).attend(scores, duration_ms=params.duration_ms, **options)
        conditions.append(
            Condition(cell=cell, n_keys=n_keys, temperature=temperature, scores=scores, selection=selection)
        )
    return conditions
