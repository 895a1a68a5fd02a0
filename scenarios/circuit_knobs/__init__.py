"""Scenario circuit-knobs: drive, gain and inhibition as bias, temperature and sparseness of attention."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scenarios.circuit_knobs.figures import figures
from scenarios.circuit_knobs.measures import BASE, Circuit, Rows, Setting, attend, measure, settings_of
from scenarios.circuit_knobs.report import Study, in_data, in_numbers, in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.stages import simulation
from spiking import PARAMETER_SETS, GammaCircuit, GammaParams, Selection, gamma_off
from spiking.calibration import effective_gain
from spiking.params import FEEDFORWARD

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Feedback in cortex modulates: it changes drive, gain or inhibition of a circuit that is at work. Are these "
    "three knobs the bias, the temperature and the sparseness of attention, each alone?"
)
SETS = tuple(PARAMETER_SETS)
WATCHED_ms = 200.0  # of the rows that are drawn


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    circuit: str = param(
        "escape", f"the main circuit, of random cells; one of: {', '.join(SETS)}", choices=SETS
    )
    regular: str = param(
        "regular", "a circuit of regular cells to compare with, of the same list", choices=SETS
    )
    feedforward: str = param(
        "none", "inhibition that takes the row's score out before the loop", choices=FEEDFORWARD
    )
    n_rows: int = param(200, "rows of random scores", at_least=4)
    n_keys: int = param(16, "keys", at_least=2)
    spread: float = param(1.0, "standard deviation of the scores", at_least=0.1, at_most=3)
    bias: float = param(1.5, "drive of half the keys, up and down, in scores", at_least=0.1, at_most=3)
    factor: float = param(2.0, "of gain and of inhibition, up and down", at_least=1.1, at_most=2.5)
    steps: int = param(2, "settings of a knob to either side", at_least=1)
    duration_ms: float = param(1000.0, "measured time of every row", at_least=200)

    def row_params(self, name: str) -> GammaParams:
        """A set of parameters with its stored gain, which the knobs then turn."""
        shipped = PARAMETER_SETS[name]
        return replace(shipped, gain=effective_gain(shipped), feedforward=self.feedforward)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Turn the knobs of random and regular cells with their loop, and of random cells whose loop is cut."""
    rows = Rows.draw(params.n_rows, params.n_keys, params.spread, ctx.rng)
    alone, corners = settings_of(params)
    random = params.row_params(params.circuit)
    measured: dict[str, Circuit] = {}
    for name, circuit in (("random", random), ("regular", params.row_params(params.regular))):
        with ctx.part(f"{name} cells", share=0.35) as part:
            measured[name] = measure(f"{name} cells", circuit, rows, [*alone, *corners], params, part)
    measured["twin"] = _twin(measured["random"], rows, ctx.rng)
    with ctx.part("loop cut", share=0.3) as part:
        measured["cut"] = measure("loop cut", _cut(random, rows, params, part), rows, alone, params, part)
    study = Study(circuits=measured, corners=corners, watched=_watched(random, params, ctx), params=params)
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("worst", "drive_to_beta", "gain_to_spikes"),
        pictures=figures(study),
        **in_words(metrics, study),
    )


def _twin(circuit: Circuit, rows: Rows, rng: np.random.Generator) -> Circuit:
    """As many samples of the softmax that each setting is meant to give, cycle by cycle."""
    runs = {setting: spikes.twin(rows.law(setting), rng) for setting, spikes in circuit.runs.items()}
    return Circuit(runs=runs, causes=circuit.causes)


def _cut(circuit: GammaParams, rows: Rows, params: Params, ctx: RunContext) -> GammaParams:
    """E to I cut, the drive of all cells lowered to the loop's rate."""
    matched = gamma_off(
        GammaCircuit(circuit), rows.scores, duration_ms=params.duration_ms, rng=ctx.rng, engine=ctx.engine
    )
    return matched.circuit.params


def _watched(circuit: GammaParams, params: Params, ctx: RunContext) -> dict[str, Selection]:
    """One row at the base and under each knob, for the eye; every other key is favoured."""
    scores = np.linspace(1, -1, 6)[None] * params.spread
    row = Rows(scores=scores, favoured=np.arange(6)[None] % 2 == 1)
    up = np.log(params.factor)
    shown = {
        "as it is": BASE,
        "drive of every other key": Setting(drive=params.bias),
        "gain": Setting(gain=float(up)),
        "inhibition": Setting(inhibition=float(up)),
    }
    watched = {}
    for name, setting in shown.items():
        with simulation(ctx, f"one row, {name}", share=0.0) as options:
            watched[name] = attend(circuit, row, setting, WATCHED_ms, **options)
    return watched
