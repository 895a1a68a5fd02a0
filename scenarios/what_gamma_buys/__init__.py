"""Scenario what-gamma-buys: the gamma loop against no loop and against a loop without a gamma rhythm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scenarios.what_gamma_buys.figures import figures
from scenarios.what_gamma_buys.measures import Study, in_data, in_numbers
from scenarios.what_gamma_buys.words import in_words
from scenarios.workbench.competition import Competition
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.rate_controls import matched, rate_controls
from spiking import GammaCircuit, GammaParams, Selection

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What does the gamma rhythm buy? Selection, gain control, decision time and spikes per decision, with the "
    "gamma loop, without any loop at the same rate, and with a slow loop that has no gamma rhythm."
)
MATCH_ms = 200.0  # each step of the search for a control's drive or weight
ONSET_ms = 200.0


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_rows: int = param(64, "competitions", at_least=4)
    n_keys: int = param(8, "stimuli that compete in each", at_least=2)
    spread: float = param(1.5, "standard deviation of the scores", above=0, at_most=100)
    duration_ms: float = param(1000.0, "measured time", at_least=100)
    n_cells: int = param(40, "excitatory cells per stimulus", at_least=1)
    w_ei: float = param(4.0, "synaptic weight E to I; 0: no loop to begin with", at_least=0, at_most=1000)
    margin: int = param(5, "lead in spikes that decides", at_least=1)
    tv_goal: float = param(0.1, "total variation to reach", above=0, at_most=1)
    spreads: tuple[float, ...] = param((0.75, 1.5, 3.0), "more spreads of scores", above=0, at_most=100)
    sweep_rows: int = param(24, "competitions at each of these", at_least=4)
    sweep_ms: float = param(500.0, "measured time at each of these", at_least=100)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Compare three circuits on the same rows, at onset and in the steady state, and over spreads."""
    scores = ctx.rng.normal(0, params.spread, (params.n_rows, params.n_keys))
    with ctx.part("three circuits, steady", share=0.4) as part:
        circuits = _three_circuits(params, part, scores)
        main = _compete(circuits, scores, params.duration_ms, ctx)
    with ctx.progress.stage("three circuits, from rest", share=0.1):
        resting = {name: _changed(circuit, settle_ms=0.0) for name, circuit in circuits.items()}
        onset = {name: _attend(circuit, scores, ONSET_ms, ctx) for name, circuit in resting.items()}
    study = Study(
        spread=params.spread,
        main=main,
        onset=onset,
        sweep=_sweep(params, ctx, circuits),
        margin=params.margin,
        tv_goal=params.tv_goal,
    )
    metrics, dataset = in_numbers(study, ctx.rng), in_data(study, ctx.rng)
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("cv", "excess", "decision"),
        pictures=figures(study, dataset),
        spikes={name: circuit.selection.spikes for name, circuit in main.items()},
        **in_words(metrics, dataset, margin=params.margin, tv_goal=params.tv_goal),
    )


def _three_circuits(params: Params, ctx: RunContext, scores: np.ndarray) -> dict[str, GammaCircuit]:
    """The gamma loop and its two controls, matched to its mean rate on these rows."""
    gain = None if params.w_ei == GammaParams().w_ei else 1.0
    loop = GammaCircuit(GammaParams(n_cells=params.n_cells, w_ei=params.w_ei, gain=gain, feedforward="none"))
    controls = rate_controls(loop, scores, ctx, duration_ms=MATCH_ms)
    return {"loop": loop, "matched": controls.matched.circuit, "slow": controls.slow}


def _attend(circuit: GammaCircuit, scores: np.ndarray, duration_ms: float, ctx: RunContext) -> Selection:
    return circuit.attend(scores, duration_ms=duration_ms, rng=ctx.rng, engine=ctx.engine)


def _changed(circuit: GammaCircuit, **changes: Any) -> GammaCircuit:
    return GammaCircuit(replace(circuit.params, **changes))


def _compete(
    circuits: dict[str, GammaCircuit], scores: np.ndarray, duration_ms: float, ctx: RunContext
) -> dict[str, Competition]:
    """The same rows through every circuit."""
    selections = {name: _attend(circuit, scores, duration_ms, ctx) for name, circuit in circuits.items()}
    return {n: Competition(selection=s, scores=scores, reference_Hz=np.nan) for n, s in selections.items()}


def _sweep(
    params: Params, ctx: RunContext, circuits: dict[str, GammaCircuit]
) -> dict[tuple[str, float], dict[str, Competition]]:
    """The same over spreads of scores, without feedforward inhibition and with it.

    The drive of the circuit without a loop is matched anew in every setting. The slow loop is left as it
    is: it holds its rate by itself.
    """
    spreads, settings = sorted({params.spread, *params.spreads}), {}
    for feedforward in ("none", "max"):
        here = {name: _changed(circuit, feedforward=feedforward) for name, circuit in circuits.items()}
        for spread in spreads:
            with ctx.part(f"spread {spread:g}", share=0.24 / len(spreads)) as part:
                scores = ctx.rng.normal(0, spread, (params.sweep_rows, params.n_keys))
                here["matched"] = matched(here["loop"], scores, part, duration_ms=MATCH_ms).circuit
                settings[feedforward, spread] = _compete(here, scores, params.sweep_ms, ctx)
    return settings
