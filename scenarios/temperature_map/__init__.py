"""Scenario temperature-map: how one circuit's parameters set the attention that its spikes pay.

One circuit, the same scores in every row, and four numbers: the temperature of the softmax that its spikes
follow, how many keys it effectively attends, its gamma frequency, and its spikes per cycle. A plain run also
varies each parameter alone. For maps over several at once, sweep it with ``steps`` 1::

    fortyhertz sweep temperature-map --set steps=1 --set tau_gaba_ms=4:16:4 --set sigma=1:4:4 --repeats 3
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import norm

from scenarios.temperature_map.figures import figures
from scenarios.temperature_map.measures import (
    MEASURES,
    VARIED,
    Varied,
    in_data,
    in_numbers,
    in_words,
    measure,
)
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, fields_of, param
from scenarios.workbench.stages import simulation
from spiking import GammaCircuit, GammaParams
from spiking.cells import DiffusiveLIF, EscapeRate

__all__ = ["MEASURES", "QUESTION", "Params", "run"]

QUESTION = (
    "Which temperature, how many keys at once and which gamma frequency does a circuit's selection have, and how "
    "do GABA decay, delay, noise, inhibition and cells per key set them?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    cell: str = param("lif", "model of the E cells", choices=("lif", "escape"))
    tau_gaba_ms: float = param(8.0, "decay of inhibition", at_least=0.1, at_most=1000)
    delay_ms: float = param(
        1.0, "axonal and synaptic delay, both ways round the loop", at_least=0.2, at_most=100
    )
    sigma: float = param(2.0, "noise on the membrane, in scores; lif cells", at_least=1e-3, at_most=100)
    reset_by: float = param(
        1.0, "fall of the voltage at a spike, in scores; escape cells", at_least=1e-3, at_most=100
    )
    inhibition: float = param(
        10.0, "fall in E input when every I cell fires once, in scores", at_least=0, at_most=500
    )
    n_cells: int = param(40, "E cells per key", at_least=1)
    n_keys: int = param(8, "keys", at_least=2)
    score_sd: float = param(
        1.5, "scores are the quantiles of a normal of this deviation", above=0, at_most=100
    )
    n_rows: int = param(8, "independent rows, all with the same scores", at_least=2)
    duration_ms: float = param(1000.0, "simulated time", at_least=200)
    steps: int = param(
        5, "values of each parameter, varied alone; 1: this circuit only", at_least=1, at_most=21
    )

    def circuit(self) -> GammaCircuit:
        """The circuit, with its scores as they are: gain 1, temperature 1."""
        cell = DiffusiveLIF(sigma=self.sigma) if self.cell == "lif" else EscapeRate(reset_by=self.reset_by)
        shared = ("n_cells", "tau_gaba_ms", "delay_ms", "inhibition")
        return GammaCircuit(
            GammaParams(cell=cell, gain=1.0, **{name: getattr(self, name) for name in shared})
        )

    def scores(self) -> np.ndarray:
        """The scores, (n_rows, n_keys), highest last."""
        quantiles = norm.ppf((np.arange(self.n_keys) + 0.5) / self.n_keys)
        return np.tile(self.score_sd * quantiles, (self.n_rows, 1))

    @property
    def varied(self) -> list[Varied]:
        """The parameters that are varied alone."""
        return [v for v in VARIED if v.cell in (None, self.cell)] if self.steps > 1 else []


def run(params: Params, ctx: RunContext) -> Outcome:
    """Measure the circuit, then vary each of its parameters alone."""
    plan, scores = _plan(params), params.scores()
    total = sum(setting.n_cells for _, setting in plan)
    measured = []
    for name, setting in plan:
        with simulation(ctx, name or "the circuit itself", share=setting.n_cells / total) as options:
            selection = setting.circuit().attend(scores, duration_ms=setting.duration_ms, **options)
        measured.append(measure(selection, scores, ctx.rng))
    dataset = in_data(plan, measured, params.varied)
    return Outcome(
        dataset=dataset,
        metrics=in_numbers(measured[0], scores[0], dataset, params.varied),
        headline=("fitted_temperature", "effective_keys", "f_gamma"),
        pictures=figures(dataset, params.varied) if params.varied else {},
        **in_words(measured[0], dataset, params.varied, params.n_keys),
    )


def _plan(params: Params) -> list[tuple[str, Params]]:
    """The circuit itself, then each parameter at its other values, within its bounds: (name, circuit)."""
    plan = [("", params)]
    bounds = {field.name: (field.at_least, field.at_most) for field in fields_of(Params)}
    for varied in params.varied:
        value = getattr(params, varied.name)
        values = value * np.geomspace(1 / varied.reach, varied.reach, params.steps)
        values = np.clip(values, *bounds[varied.name])
        for other in dict.fromkeys(_like(value, other) for other in values):
            if other != value:
                changed: dict[str, Any] = {varied.name: other}
                plan.append((varied.name, replace(params, **changed)))
    return plan


def _like(value: float, other: float) -> float:
    """`other` in the type of `value`, to three digits."""
    return max(1, round(other)) if isinstance(value, int) else float(f"{other:.3g}")
