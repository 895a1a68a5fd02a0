"""Scenario gamma-selects: stimuli of different drive compete, with the gamma loop and without."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from scenarios.gamma_selects.findings import (
    LABELS,
    READOUT_LABELS,
    Findings,
    findings_dataset,
    findings_metrics,
    findings_verdict,
)
from scenarios.gamma_selects.plots import (
    COLOURS,
    draw_field,
    draw_fraction,
    draw_peak_shift,
    draw_raster,
    draw_readouts,
    draw_selection,
    draw_spectrum,
)
from scenarios.workbench.competition import Competition
from scenarios.workbench.outcome import Outcome, Picture, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.statistics import bootstrap, mean
from scenarios.workbench.style import WIDTH_in
from spiking import GammaCircuit, GammaParams, cut_loop, gamma_off

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Stimuli of different drive compete for one pool of inhibitory cells. Does the circuit select among them "
    "at a gamma rhythm, and what is left of rhythm and selection once the loop is cut?"
)
RASTER = (
    "A row of typical rate, rhythmic where most rows are and not where they are not. Above: spikes, a line a "
    "cell, stimuli ordered and coloured by drive. Below: its field (excitatory synaptic trace, in units of one "
    "spike; scales differ); dashed lines part its cycles. Left: with the loop. "
    "Middle: E to I cut and nothing else changed, so that every cell fires as fast as its drive makes it. "
    "Right: E to I cut and the drive lowered until the mean rate matches."
)
SPECTRUM = (
    "Left: power spectrum of the population rate over that of a Poisson process of the same rate, mean over "
    "rows with its standard error; 1 where cells fire independently at random. Right: rows with a significant "
    "peak in the gamma band (tested against independent cells, at 1 % per row), with the standard error."
)
SELECTION = (
    "Left: share of spikes against drive, mean over rows with its standard error, beside the softmax of the "
    "drives. Right: three ways to read the rhythmic circuit's spikes, each beside the distance that as many "
    "samples of the softmax have on average."
)
TAU_GABA = (
    "The gamma peak against the decay of inhibition: mean over rows with its standard error, every row as a "
    "faint dot. The fractions count rows with a significant peak in the band; a row slower than 30 Hz is not "
    "among them, which lifts the mean at slow decays."
)
CUT_ROWS, CUT_ms = 24, 500.0  # without inhibition a row fires tens of thousands of spikes a second
MATCH_ms = 300.0  # each step of the search for the control's drive
WINDOW_ms = 250.0  # of the raster


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_rows: int = param(48, "competitions", at_least=2)
    n_keys: int = param(8, "stimuli that compete in each", at_least=2)
    drive_range: float = param(3.5, "drive of the strongest over the weakest stimulus, in scores", above=0)
    duration_ms: float = param(1000.0, "measured time", at_least=100)
    n_cells: int = param(40, "excitatory cells per stimulus", at_least=1)
    w_ei: float = param(4.0, "synaptic weight E to I; 0: no loop to begin with", at_least=0)
    tau_gaba_ms: tuple[float, ...] = param((5.0, 6.5, 8.0, 10.0, 12.0), "decays of inhibition", above=0)
    tau_rows: int = param(24, "competitions at each decay of inhibition", at_least=2)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Simulate the loop, the cut and the rate-matched control; vary the decay of inhibition; compare."""
    drives = np.linspace(0.0, params.drive_range, params.n_keys)
    scores = ctx.rng.permuted(np.tile(drives, (params.n_rows, 1)), axis=1)
    circuits, mismatch = _three_circuits(params, ctx, scores)
    f_gamma_Hz = _vary_tau(params, ctx, scores[: params.tau_rows])
    tau = np.array(params.tau_gaba_ms)
    found = Findings(
        circuits=circuits,
        mismatch=mismatch,
        tau_gaba_ms=params.tau_gaba_ms,
        f_gamma_Hz=f_gamma_Hz,
        slope_Hz_per_ms=bootstrap(
            lambda rows: _line(tau, f_gamma_Hz[:, rows])[0], f_gamma_Hz.shape[1], ctx.rng
        ),
        intercept_Hz=_line(tau, f_gamma_Hz)[1],
    )
    metrics = findings_metrics(found, ctx.rng)
    return Outcome(
        dataset=findings_dataset(found),
        metrics=metrics,
        headline=("rhythmic", "f_gamma", "tv_spike_share"),
        pictures=_pictures(found),
        verdict=findings_verdict(found),
    )


def _circuit(params: Params, tau_gaba_ms: float = GammaParams().tau_gaba_ms) -> GammaCircuit:
    """The shipped circuit with its calibration; changed, it runs at the race law's gain 1."""
    circuit = GammaParams(n_cells=params.n_cells, w_ei=params.w_ei, tau_gaba_ms=tau_gaba_ms, gain=1.0)
    shipped = GammaParams(n_cells=params.n_cells)
    return GammaCircuit(shipped if replace(circuit, gain=None) == shipped else circuit)


def _three_circuits(
    params: Params, ctx: RunContext, scores: np.ndarray
) -> tuple[dict[str, Competition], float]:
    circuit = _circuit(params)
    with ctx.progress.stage("with the loop", share=0.2) as progress:
        loop = circuit.attend(
            scores, duration_ms=params.duration_ms, rng=ctx.rng, engine=ctx.engine, progress=progress
        )
    with ctx.progress.stage("E to I cut", share=0.15) as progress:
        duration_ms = min(CUT_ms, params.duration_ms)
        cut = cut_loop(circuit).attend(
            scores[:CUT_ROWS], duration_ms=duration_ms, rng=ctx.rng, engine=ctx.engine, progress=progress
        )
    with ctx.progress.stage("match the control's rate", share=0.25) as progress:
        match_ms = min(MATCH_ms, params.duration_ms)
        control = gamma_off(
            circuit, scores, duration_ms=match_ms, rng=ctx.rng, engine=ctx.engine, progress=progress
        )
    with ctx.progress.stage("rate-matched control", share=0.2) as progress:
        matched = control.circuit.attend(
            scores, duration_ms=params.duration_ms, rng=ctx.rng, engine=ctx.engine, progress=progress
        )
    reference_Hz = mean(loop.f_gamma_Hz).value
    runs = {"loop": loop, "cut": cut, "matched": matched}
    return {
        name: Competition(selection=run, scores=scores[: len(run.counts)], reference_Hz=reference_Hz)
        for name, run in runs.items()
    }, control.mismatch


def _vary_tau(params: Params, ctx: RunContext, scores: np.ndarray) -> np.ndarray:
    """Gamma peak of each row at each decay of inhibition, (n_tau, n_rows)."""
    peaks = []
    for tau in params.tau_gaba_ms:
        with ctx.progress.stage(f"tau_GABA {tau:g} ms", share=0.2 / len(params.tau_gaba_ms)) as progress:
            circuit = _circuit(params, tau)
            selection = circuit.attend(
                scores, duration_ms=params.duration_ms, rng=ctx.rng, engine=ctx.engine, progress=progress
            )
            peaks.append(selection.f_gamma_Hz)
    return np.array(peaks)


def _line(tau_ms: np.ndarray, f_Hz: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the least-squares line through all rows that have a peak."""
    at = np.broadcast_to(tau_ms[:, None], f_Hz.shape)
    known = np.isfinite(f_Hz)
    if len(np.unique(at[known])) < 2:
        return np.nan, np.nan
    fit = stats.linregress(at[known], f_Hz[known])
    return float(fit.slope), float(fit.intercept)


def _pictures(found: Findings) -> dict[str, Picture]:
    return {
        "raster": Picture(draw=lambda: _draw_raster(found), caption=RASTER),
        "spectrum": Picture(draw=lambda: _draw_spectrum(found), caption=SPECTRUM),
        "selection": Picture(draw=lambda: _draw_selection(found), caption=SELECTION),
        "tau_gaba": Picture(draw=lambda: _draw_tau(found), caption=TAU_GABA),
    }


def _draw_raster(found: Findings) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 4.2))
    axes = figure.subplots(2, len(LABELS), sharex="col", height_ratios=(3.2, 1))
    row = _typical_row(found)
    for (top, bottom), (name, competition) in zip(axes.T, found.circuits.items(), strict=True):
        window_ms = min(WINDOW_ms, competition.selection.duration_ms)
        rate_Hz = competition.rate_Hz[row]
        top.tick_params(axis="y", labelleft=name == "loop")
        draw_raster(top, competition, row, window_ms, f"{LABELS[name]}\n{rate_Hz:,.0f} spikes/s")
        draw_field(bottom, competition, row, window_ms, COLOURS[name])
    axes[0, 0].set_ylabel("cells, by drive of the stimulus")
    axes[1, 0].set_ylabel("field (spikes)")
    figure.align_ylabels(axes[:, 0])
    return figure


def _typical_row(found: Findings) -> int:
    """The row nearest the mean rate, of those in which both tests say what they say of most rows."""
    loop, matched = found.circuits["loop"], found.circuits["matched"]
    agrees = [c.rhythmic == (c.rhythmic.mean() > 0.5) for c in (loop, matched)]
    away = np.where(agrees[0] & agrees[1], np.abs(loop.totals - loop.totals.mean()), np.inf)
    return int(np.argmin(away[: found.circuits["cut"].n_rows]))


def _draw_spectrum(found: Findings) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.2))
    left, right = figure.subplots(1, 2, width_ratios=(1.9, 1))
    draw_spectrum(left, found.circuits, LABELS)
    draw_fraction(right, found.circuits, LABELS)
    return figure


def _draw_selection(found: Findings) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.4))
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    draw_selection(left, found.circuits, LABELS)
    draw_readouts(right, found.circuits["loop"], READOUT_LABELS)
    return figure


def _draw_tau(found: Findings) -> Figure:
    figure = Figure(figsize=(WIDTH_in * 0.75, 3.2))
    draw_peak_shift(
        figure.subplots(), found.tau_gaba_ms, found.f_gamma_Hz, found.slope_Hz_per_ms, found.intercept_Hz
    )
    return figure
