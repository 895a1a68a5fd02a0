"""Scenario gamma-selects: stimuli of different drive compete, with the gamma loop and without."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scenarios.gamma_selects.figures import figures
from scenarios.gamma_selects.measures import Study, in_data, in_numbers, in_words, line, typical_row
from scenarios.gamma_selects.watched import watch
from scenarios.workbench.competition import Competition
from scenarios.workbench.errors import UsageError
from scenarios.workbench.interactive import as_file, simulate
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import bootstrap, mean
from spiking import GammaCircuit, GammaParams, cut_loop, gamma_off

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Stimuli of different drive compete for one pool of inhibitory cells. Does the circuit select among them "
    "at a gamma rhythm, and what is left of rhythm and selection once the loop is cut?"
)
CUT_ROWS, CUT_ms = 24, 500.0  # without inhibition a row fires tens of thousands of spikes a second
INTERACTIVE_ms = 2000.0  # at most, of the figure to be scrubbed through
MATCH_ms = 300.0  # each step of the search for the control's drive


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_rows: int = param(48, "competitions", at_least=2)
    n_keys: int = param(8, "stimuli that compete in each", at_least=2)
    drive_range: float = param(
        3.5, "drive of the strongest over the weakest stimulus, in scores", above=0, at_most=100
    )
    duration_ms: float = param(1000.0, "measured time", at_least=100)
    n_cells: int = param(40, "excitatory cells per stimulus", at_least=1)
    w_ei: float = param(4.0, "synaptic weight E to I; 0: no loop to begin with", at_least=0, at_most=1000)
    tau_gaba_ms: tuple[float, ...] = param(
        (5.0, 6.5, 8.0, 10.0, 12.0), "decays of inhibition", at_least=0.1, at_most=1000
    )
    tau_rows: int = param(24, "competitions at each decay of inhibition", at_least=2)
    interactive: bool = param(False, "put a figure into the report that can be scrubbed through")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.interactive and not self.w_ei:
            raise UsageError(
                "w_ei must be > 0 for the interactive figure, which compares the loop with its cut, got 0; "
                "leave out --interactive or --w-ei"
            )

    def drives(self) -> np.ndarray:
        """Of the stimuli, the weakest first, (n_keys,)."""
        return np.linspace(0.0, self.drive_range, self.n_keys)

    def circuit(self, tau_gaba_ms: float = GammaParams().tau_gaba_ms) -> GammaCircuit:
        """The shipped circuit with its calibration; changed, it runs at the race law's gain 1."""
        changed = GammaParams(n_cells=self.n_cells, w_ei=self.w_ei, tau_gaba_ms=tau_gaba_ms, gain=1.0)
        shipped = GammaParams(n_cells=self.n_cells)
        return GammaCircuit(shipped if replace(changed, gain=None) == shipped else changed)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Answer the question; where asked for, add the figure to be scrubbed through."""
    if not params.interactive:
        return _answer(params, ctx)
    with ctx.part("the answer", share=0.5) as part:
        outcome = _answer(params, part)
    with ctx.progress.stage("interactive figure", share=0.5) as progress:
        grid = simulate(
            params.circuit(),
            params.drives(),
            duration_ms=min(params.duration_ms, INTERACTIVE_ms),
            rng=ctx.rng,
            engine=ctx.engine,
            progress=progress,
        )
    return replace(outcome, files=as_file(grid, unit="drive"))


def _answer(params: Params, ctx: RunContext) -> Outcome:
    """Simulate the loop, the cut and the rate-matched control; vary the decay of inhibition; compare."""
    scores = ctx.rng.permuted(np.tile(params.drives(), (params.n_rows, 1)), axis=1)
    simulated, circuits, mismatch = _three_circuits(params, ctx, scores)
    f_gamma_Hz, tau = _peaks(params, ctx, scores), params.tau_gaba_ms
    slope = bootstrap(lambda rows: line(tau, f_gamma_Hz[:, rows])[0], f_gamma_Hz.shape[1], ctx.rng)
    study = Study(
        circuits=circuits, mismatch=mismatch, tau_gaba_ms=tau, f_gamma_Hz=f_gamma_Hz, slope_Hz_per_ms=slope
    )
    metrics, row = in_numbers(study, ctx.rng), typical_row(circuits)
    inside = {
        name: watch(simulated[name], of, row, ctx, of.selection.duration_ms, share=0.01)
        for name, of in circuits.items()
    }
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("rhythmic", "f_gamma", "tv_spike_share"),
        pictures=figures(study, inside),
        spikes={name: circuits[name].selection.spikes for name in ("loop", "matched")},
        **in_words(study),
    )


def _three_circuits(
    params: Params, ctx: RunContext, scores: np.ndarray
) -> tuple[dict[str, GammaCircuit], dict[str, Competition], float]:
    """The loop, the same circuit cut, and the control at the loop's rate; with the mismatch of that rate."""
    circuit, duration_ms = params.circuit(), params.duration_ms
    with simulation(ctx, "with the loop", share=0.2) as options:
        loop = circuit.attend(scores, duration_ms=duration_ms, **options)
    with simulation(ctx, "E to I cut", share=0.15) as options:
        cut = cut_loop(circuit).attend(scores[:CUT_ROWS], duration_ms=min(CUT_ms, duration_ms), **options)
    with simulation(ctx, "match the control's rate", share=0.25) as options:
        control = gamma_off(circuit, scores, duration_ms=min(MATCH_ms, duration_ms), **options)
    with simulation(ctx, "rate-matched control", share=0.2) as options:
        matched = control.circuit.attend(scores, duration_ms=duration_ms, **options)
    reference_Hz = mean(loop.f_gamma_Hz).value
    simulated = {"loop": circuit, "cut": cut_loop(circuit), "matched": control.circuit}
    compared = {
        name: Competition(selection=run, scores=scores[: len(run.counts)], reference_Hz=reference_Hz)
        for name, run in {"loop": loop, "cut": cut, "matched": matched}.items()
    }
    return simulated, compared, control.mismatch


def _peaks(params: Params, ctx: RunContext, scores: np.ndarray) -> np.ndarray:
    """Gamma peak of each row at each decay of inhibition, (n_tau, n_rows)."""
    peaks = []
    for tau in params.tau_gaba_ms:
        with simulation(ctx, f"τ_GABA {tau:g} ms", share=0.17 / len(params.tau_gaba_ms)) as options:
            circuit, some = params.circuit(tau), scores[: params.tau_rows]
            peaks.append(circuit.attend(some, duration_ms=params.duration_ms, **options).f_gamma_Hz)
    return np.array(peaks)
