"""Scenario what-gamma-buys: the gamma loop against no loop and against a loop without a gamma rhythm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from scenarios.what_gamma_buys.findings import (
    Findings,
    Setting,
    findings_dataset,
)
from scenarios.what_gamma_buys.metrics import findings_metrics
from scenarios.what_gamma_buys.plots import (
    draw_accuracy,
    draw_decision_times,
    draw_error_against_spikes,
    draw_onset,
    draw_spread,
    draw_totals,
    draw_undivided,
)
from scenarios.what_gamma_buys.slow_loop import slow_loop
from scenarios.what_gamma_buys.verdict import findings_verdict
from scenarios.workbench.competition import Competition
from scenarios.workbench.outcome import Outcome, Picture, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.style import WIDTH_in
from spiking import GammaCircuit, GammaParams, RateMatched, Selection, gamma_off

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What does the gamma rhythm buy? Selection, gain control, decision time and spikes per decision, with the "
    "gamma loop, without any loop at the same rate, and with a slow loop that has no gamma rhythm."
)
MATCH_ms = 200.0  # each step of the search for a control's drive or weight
ONSET_ms = 200.0
GAIN = (
    "Left: spikes of every row against the strength of its input (log of the sum of exp(score)), without "
    "feedforward inhibition. Right: spread of the rows' totals against the spread of scores; dashed: with "
    "feedforward inhibition that takes out each row's largest score."
)
SELECTION = (
    "Left: total variation to the softmax against the mean number of spikes read; a row not heard from yet "
    "counts as 1. Grey: as many softmax samples in every row. Right: error of weights read as counts over one "
    "number for all rows, that is without a division row by row; dotted: after it. No feedforward inhibition."
)
DECISION = (
    "Left: rows in which the strongest stimulus leads alone, against the time that spikes have been counted. "
    "Right: rows decided, that is in which the leader has come the margin of spikes ahead. Both start at a "
    "random moment of the running rhythm; no feedforward inhibition."
)
ONSET = (
    "Mean rate of a row after all of its cells start from rest, in bins of 5 ms. The slow loop holds the rate "
    "as well as gamma once it runs, but the onset passes before its inhibition has built up."
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_rows: int = param(64, "competitions", at_least=4)
    n_keys: int = param(8, "stimuli that compete in each", at_least=2)
    spread: float = param(1.5, "standard deviation of the scores", above=0)
    duration_ms: float = param(1000.0, "measured time", at_least=100)
    n_cells: int = param(40, "excitatory cells per stimulus", at_least=1)
    w_ei: float = param(4.0, "synaptic weight E to I; 0: no loop to begin with", at_least=0)
    margin: int = param(5, "lead in spikes that decides", at_least=1)
    tv_goal: float = param(0.1, "total variation to reach", above=0, at_most=1)
    spreads: tuple[float, ...] = param((0.75, 1.5, 3.0), "more spreads of scores", above=0)
    sweep_rows: int = param(24, "competitions at each of these", at_least=4)
    sweep_ms: float = param(500.0, "measured time at each of these", at_least=100)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Compare three circuits on the same rows, at onset and in the steady state, and over spreads."""
    scores = ctx.rng.normal(0, params.spread, (params.n_rows, params.n_keys))
    with ctx.progress.stage("three circuits, steady", share=0.4) as progress:
        circuits = _three_circuits(params, ctx, scores, progress)
        main = _setting(circuits, scores, params.spread, params.duration_ms, ctx)
    with ctx.progress.stage("three circuits, from rest", share=0.1):
        onset = {
            name: _attend(_from_rest(circuit), scores, ONSET_ms, ctx) for name, circuit in circuits.items()
        }
    found = Findings(
        main=main,
        onset=onset,
        sweep=_sweep(params, ctx, circuits),
        margin=params.margin,
        tv_goal=params.tv_goal,
    )
    metrics = findings_metrics(found, ctx.rng)
    dataset = findings_dataset(found, ctx.rng)
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("cv", "excess", "decision"),
        pictures=_pictures(found, dataset),
        verdict=findings_verdict(metrics, dataset, margin=params.margin, tv_goal=params.tv_goal),
    )


def _three_circuits(
    params: Params, ctx: RunContext, scores: np.ndarray, progress: Callable[[float], None]
) -> dict[str, GammaCircuit]:
    """The gamma loop and its two controls, matched to its mean rate on these rows."""
    gain = None if params.w_ei == GammaParams().w_ei else 1.0
    loop = GammaCircuit(GammaParams(n_cells=params.n_cells, w_ei=params.w_ei, gain=gain, feedforward="none"))
    matched = _matched(loop, scores, ctx, progress)

    def rate_Hz(circuit: GammaCircuit) -> float:
        selection = _attend(circuit, scores, MATCH_ms, ctx)
        return float(selection.counts.sum(axis=1).mean() / MATCH_ms * 1e3)

    slow = slow_loop(loop.params, rate_Hz, matched.target_Hz)
    return {"loop": loop, "matched": matched.circuit, "slow": slow}


def _matched(
    loop: GammaCircuit, scores: np.ndarray, ctx: RunContext, progress: Callable[[float], None]
) -> RateMatched:
    return gamma_off(
        loop, scores, duration_ms=MATCH_ms, rng=ctx.rng, engine=ctx.engine, tolerance=0.04, progress=progress
    )


def _attend(circuit: GammaCircuit, scores: np.ndarray, duration_ms: float, ctx: RunContext) -> Selection:
    return circuit.attend(scores, duration_ms=duration_ms, rng=ctx.rng, engine=ctx.engine)


def _from_rest(circuit: GammaCircuit) -> GammaCircuit:
    return GammaCircuit(replace(circuit.params, settle_ms=0.0))


def _setting(
    circuits: dict[str, GammaCircuit], scores: np.ndarray, spread: float, duration_ms: float, ctx: RunContext
) -> Setting:
    return Setting(
        spread=spread,
        feedforward=circuits["loop"].params.feedforward,
        circuits={
            name: Competition(
                selection=_attend(circuit, scores, duration_ms, ctx), scores=scores, reference_Hz=np.nan
            )
            for name, circuit in circuits.items()
        },
    )


def _sweep(params: Params, ctx: RunContext, circuits: dict[str, GammaCircuit]) -> list[Setting]:
    """The same over spreads of scores, without feedforward inhibition and with it.

    The drive of the circuit without a loop is matched anew in every setting. The slow loop is left as it
    is: it holds its own rate.
    """
    spreads = sorted({params.spread, *params.spreads})
    settings = []
    for feedforward in ("none", "max"):
        here = {name: _with_feedforward(circuit, feedforward) for name, circuit in circuits.items()}
        for spread in spreads:
            with ctx.progress.stage(f"spread {spread:g}", share=0.24 / len(spreads)) as progress:
                scores = ctx.rng.normal(0, spread, (params.sweep_rows, params.n_keys))
                here["matched"] = _matched(here["loop"], scores, ctx, progress).circuit
                settings.append(_setting(here, scores, spread, params.sweep_ms, ctx))
    return settings


def _with_feedforward(circuit: GammaCircuit, feedforward: str) -> GammaCircuit:
    return GammaCircuit(replace(circuit.params, feedforward=feedforward))


def _pictures(found: Findings, dataset: xr.Dataset) -> dict[str, Picture]:
    return {
        "gain": Picture(draw=lambda: _draw_gain(found, dataset), caption=GAIN),
        "selection": Picture(draw=lambda: _draw_selection(found, dataset), caption=SELECTION),
        "decision": Picture(draw=lambda: _draw_decision(found), caption=DECISION),
        "onset": Picture(draw=lambda: _draw_onset(dataset), caption=ONSET),
    }


def _draw_gain(found: Findings, dataset: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.4))
    left, right = figure.subplots(1, 2)
    draw_totals(left, found.main)
    draw_spread(right, dataset)
    return figure


def _draw_selection(found: Findings, dataset: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.4))
    left, right = figure.subplots(1, 2)
    draw_error_against_spikes(left, found)
    draw_undivided(right, dataset)
    return figure


def _draw_decision(found: Findings) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.2))
    left, right = figure.subplots(1, 2)
    draw_accuracy(left, found)
    draw_decision_times(right, found)
    return figure


def _draw_onset(dataset: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in * 0.75, 3.1))
    draw_onset(figure.subplots(), dataset)
    return figure
