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
import xarray as xr
from matplotlib.figure import Figure
from scipy.special import softmax
from scipy.stats import norm

from bridge import fit_softmax
from scenarios.temperature_map.plots import draw_setting
from scenarios.workbench.outcome import Metric, Outcome, Picture, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.statistics import Estimate, bootstrap, mean, metric
from scenarios.workbench.style import WIDTH_in
from spiking import GammaCircuit, GammaParams, Selection
from spiking.cells import CellModel, DiffusiveLIF, EscapeRate

__all__ = ["MEASURES", "QUESTION", "Params", "Varied", "run"]

QUESTION = (
    "Which temperature, how many keys at once and which gamma frequency does a circuit's selection have, and how "
    "do GABA decay, delay, noise, inhibition and cells per key set them?"
)

MOST = 0.5  # of the rows must have a significant gamma peak for the circuit to have a gamma frequency


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    cell: str = param("lif", "model of the E cells", choices=("lif", "escape"))
    tau_gaba_ms: float = param(8.0, "decay of inhibition", above=0)
    delay_ms: float = param(1.0, "axonal and synaptic delay, both ways round the loop", at_least=0.2)
    sigma: float = param(2.0, "noise on the membrane, in scores; lif cells", above=0)
    reset_by: float = param(1.0, "fall of the voltage at a spike, in scores; escape cells", above=0)
    inhibition: float = param(10.0, "fall in E input when every I cell fires once, in scores", above=0)
    n_cells: int = param(40, "E cells per key", at_least=1)
    n_keys: int = param(8, "keys", at_least=2)
    score_sd: float = param(1.5, "scores are the quantiles of a normal of this deviation", above=0)
    n_rows: int = param(8, "independent rows, all with the same scores", at_least=2)
    duration_ms: float = param(1000.0, "simulated time", at_least=200)
    steps: int = param(
        5, "values of each parameter, varied alone; 1: this circuit only", at_least=1, at_most=21
    )

    def circuit(self) -> GammaCircuit:
        """The circuit, with its scores as they are: gain 1, temperature 1."""
        params = GammaParams(
            cell=self._cell(),
            gain=1.0,
            n_cells=self.n_cells,
            tau_gaba_ms=self.tau_gaba_ms,
            delay_ms=self.delay_ms,
            inhibition=self.inhibition,
        )
        return GammaCircuit(params)

    def scores(self) -> np.ndarray:
        """The scores, (n_rows, n_keys), highest last."""
        quantiles = norm.ppf((np.arange(self.n_keys) + 0.5) / self.n_keys)
        return np.tile(self.score_sd * quantiles, (self.n_rows, 1))

    def _cell(self) -> CellModel:
        return DiffusiveLIF(sigma=self.sigma) if self.cell == "lif" else EscapeRate(reset_by=self.reset_by)


@dataclass(frozen=True, kw_only=True)
class Varied:
    """A parameter that is varied alone, and how far around its value."""

    name: str
    label: str
    reach: float  # from value / reach to value x reach
    cell: str | None = None  # of which model; None: of both


VARIED = (
    Varied(name="tau_gaba_ms", label="GABA decay (ms)", reach=2.0),
    Varied(name="delay_ms", label="loop delay (ms)", reach=2.5),
    Varied(name="sigma", label="membrane noise", reach=2.0, cell="lif"),
    Varied(name="reset_by", label="reset", reach=4.0, cell="escape"),
    Varied(name="inhibition", label="inhibition", reach=2.0),
    Varied(name="n_cells", label="cells per key", reach=2.0),
)

MEASURES = {  # name -> (label, unit)
    "fitted_temperature": ("temperature of the selection", ""),
    "effective_keys": ("effective number of keys", ""),
    "f_gamma": ("gamma frequency", "Hz"),
    "spikes_per_cycle": ("spikes per cycle and row", ""),
}


def run(params: Params, ctx: RunContext) -> Outcome:
    """Measure the circuit, then vary each of its parameters alone."""
    plan = _plan(params)
    cost = np.array([setting.n_cells for _, setting in plan], dtype=float)
    found = []
    for (name, setting), share in zip(plan, cost / cost.sum(), strict=True):
        with ctx.progress.stage(name or "the circuit itself", share=share) as progress:
            selection = setting.circuit().attend(
                setting.scores(),
                duration_ms=setting.duration_ms,
                rng=ctx.rng,
                engine=ctx.engine,
                progress=progress,
            )
        found.append(_measures(selection, setting, ctx.rng))
    dataset = _dataset(params, plan, found)
    return Outcome(
        dataset=dataset,
        metrics=_metrics(params, found[0], dataset),
        headline=("fitted_temperature", "effective_keys", "f_gamma"),
        pictures=_pictures(params, dataset),
        verdict=_verdict(params, found[0], dataset),
    )


def _plan(params: Params) -> list[tuple[str, Params]]:
    """The circuit itself, then each parameter at its other values: (name of the parameter, circuit)."""
    plan = [("", params)]
    for varied in _varied(params):
        value = getattr(params, varied.name)
        values = value * np.geomspace(1 / varied.reach, varied.reach, params.steps)
        for other in dict.fromkeys(_like(value, other) for other in values):
            if other != value:
                changed: dict[str, Any] = {varied.name: other}
                plan.append((varied.name, replace(params, **changed)))
    return plan


def _varied(params: Params) -> list[Varied]:
    if params.steps == 1:
        return []
    return [varied for varied in VARIED if varied.cell in (None, params.cell)]


def _like(value: float, other: float) -> float:
    """`other` in the type of `value`, to three digits."""
    return max(1, round(other)) if isinstance(value, int) else float(f"{other:.3g}")


def _measures(selection: Selection, params: Params, rng: np.random.Generator) -> dict[str, Estimate]:
    fitted = fit_softmax(selection.counts, params.scores())
    error = max(fitted.beta_se, fitted.beta_se_quasi) / fitted.beta**2
    rhythmic = selection.n_cycles > 0
    if rhythmic.mean() < MOST:  # the few peaks that are left are a harmonic of a slower rhythm, or chance
        rhythmic = np.zeros_like(rhythmic)
    per_cycle = selection.counts.sum(axis=1)[rhythmic] / selection.n_cycles[rhythmic]
    return {
        "fitted_temperature": Estimate(value=float(1 / fitted.beta), error=float(error)),
        "effective_keys": bootstrap(
            lambda rows: _effective_keys(selection.counts[rows].sum(axis=0)), params.n_rows, rng
        ),
        "f_gamma": mean(selection.f_gamma_Hz[rhythmic]),
        "spikes_per_cycle": mean(per_cycle),
    }


def _effective_keys(weights: np.ndarray) -> float:
    """exp of the entropy of weights (n_keys,) that need not sum to 1; nan if they are all 0."""
    shares = weights[weights > 0] / weights.sum() if weights.any() else np.array([np.nan])
    return float(np.exp(-np.sum(shares * np.log(shares))))


def _dataset(params: Params, plan: list[tuple[str, Params]], found: list[dict[str, Estimate]]) -> xr.Dataset:
    """One entry a circuit; `varied` names the parameter that differs from the first."""
    data: dict[str, Any] = {}
    for name, (label, unit) in MEASURES.items():
        attributes = {"units": unit or "1", "long_name": label}
        data[name] = ("setting", [f[name].value for f in found], attributes)
        data[f"{name}_se"] = ("setting", [f[name].error for f in found], attributes)
    coordinates: dict[str, Any] = {"varied": ("setting", [name for name, _ in plan])}
    for varied in _varied(params):
        unit = "ms" if varied.name.endswith("_ms") else "1"
        values = [getattr(setting, varied.name) for _, setting in plan]
        coordinates[varied.name] = ("setting", values, {"units": unit})
    return xr.Dataset(data, coordinates)


def _metrics(params: Params, itself: dict[str, Estimate], dataset: xr.Dataset) -> dict[str, Metric]:
    target = _effective_keys(softmax(params.scores()[0]))
    metrics = {
        name: metric(
            label,
            itself[name],
            unit=unit,
            control={"fitted_temperature": 1.0, "effective_keys": target}.get(name),
            note={"fitted_temperature": "control: asked for", "effective_keys": "control: softmax"}.get(
                name, ""
            ),
        )
        for name, (label, unit) in MEASURES.items()
    }
    for varied in _varied(params):
        for name, (label, _) in MEASURES.items():
            metrics[f"{name}_by_{varied.name}"] = _slope(dataset, name, varied, f"{label} by {varied.label}")
    return metrics


def _curve(dataset: xr.Dataset, name: str) -> xr.Dataset:
    """The circuits along one parameter, the circuit itself among them, in its order."""
    along = np.isin(dataset.varied.values, ["", name])
    return dataset.isel(setting=along).sortby(name)


def _slope(dataset: xr.Dataset, name: str, varied: Varied, label: str) -> Metric:
    """Exponent of the power law through the curve: per cent of the measure for a per cent of the parameter."""
    curve = _curve(dataset, varied.name)
    x, y = np.log(curve[varied.name].values), np.log(curve[name].values)
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < 3:
        return Metric(label=f"exponent: {label}", value=np.nan, note="fewer than three values")
    coefficients, covariance = np.polyfit(x[known], y[known], 1, cov="unscaled")
    residual = y[known] - np.polyval(coefficients, x[known])
    error = np.sqrt(covariance[0, 0] * np.sum(residual**2) / (known.sum() - 2))
    return Metric(label=f"exponent: {label}", value=float(coefficients[0]), standard_error=float(error))


def _pictures(params: Params, dataset: xr.Dataset) -> dict[str, Picture]:
    if params.steps == 1:
        return {}
    return {
        "map": Picture(
            draw=lambda: _draw(params, dataset),
            caption="Each column varies one parameter of the circuit alone, around the values given below (open "
            "circles). Gaps: fewer than half of the rows have a significant gamma peak. Bars are standard errors.",
        )
    }


def _draw(params: Params, dataset: xr.Dataset) -> Figure:
    columns = _varied(params)
    figure = Figure(figsize=(WIDTH_in, 6.4))
    axes = figure.subplots(len(MEASURES), len(columns), sharex="col", sharey="row", squeeze=False)
    for column, varied in enumerate(columns):
        curve = _curve(dataset, varied.name)
        for row, name in enumerate(MEASURES):
            draw_setting(axes[row, column], curve, varied.name, name)
        axes[-1, column].set_xlabel(varied.label)
    for row, (label, unit) in enumerate(MEASURES.values()):
        axes[row, 0].set_ylabel(_two_lines(f"{label} ({unit})" if unit else label))
    figure.align_ylabels()
    return figure


def _two_lines(label: str) -> str:
    head, _, tail = label.partition(" ")
    return f"{head}\n{tail}"


def _verdict(params: Params, itself: dict[str, Estimate], dataset: xr.Dataset) -> str:
    temperature, keys, f_gamma = (itself[n] for n in ("fitted_temperature", "effective_keys", "f_gamma"))
    rhythm = f"at {f_gamma.value:.0f} Hz" if np.isfinite(f_gamma.value) else "without a significant rhythm"
    sentences = [
        f"This circuit selects at a temperature of {temperature.value:.2f} ± {temperature.error:.2f}, "
        f"{keys.value:.1f} of {params.n_keys} keys at once, {rhythm}."
    ]
    if params.steps > 1:
        sentences += [
            f"{MEASURES[name][0].capitalize()} ranges most with {_strongest(params, dataset, name)}."
            for name in ("fitted_temperature", "effective_keys", "f_gamma")
        ]
    return " ".join(sentences)


def _strongest(params: Params, dataset: xr.Dataset, measure: str) -> str:
    """The parameter along which a measure ranges most, and from where to where."""
    ends = {varied.label: _ends(_curve(dataset, varied.name)[measure].values) for varied in _varied(params)}
    label = max(ends, key=lambda name: ends[name][1] - ends[name][0])
    return f"{label}: {ends[label][0]:.2f} to {ends[label][1]:.2f}"


def _ends(values: np.ndarray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
