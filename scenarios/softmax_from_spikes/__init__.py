"""Scenario softmax-from-spikes: the circuit's selection law on random scores, beside its floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.special import softmax

from bridge import FitReport, fit, fit_softmax
from bridge.comparison.metrics import kl_nats, total_variation
from bridge.comparison.sampling import kl_floor_nats, total_variation_floor
from scenarios.softmax_from_spikes.plots import draw_excess, draw_kl, draw_laws, draw_temperature
from scenarios.workbench.outcome import Metric, Outcome, Picture, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.style import WIDTH_in
from spiking import CELLS, GammaCircuit, GammaParams, Selection
from spiking.measures.readout import share_against_time

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "How closely do the spikes of a 40 Hz circuit compute a softmax at the temperature asked for, and how "
    "many spikes does that take? Random scores over several numbers of keys and temperatures, both cell models."
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    keys: tuple[int, ...] = param((2, 8, 32, 64), "numbers of keys, escape-rate cells", at_least=2)
    keys_lif: tuple[int, ...] = param((2, 8), "numbers of keys, diffusive cells (slower)", at_least=2)
    temperatures: tuple[float, ...] = param((0.5, 1.0, 2.0), "softmax temperatures asked for", above=0)
    score_sd: float = param(1.5, "scores are normal with this standard deviation", above=0)
    n_rows: int = param(64, "rows of each condition; more with less than 8 keys", at_least=4)
    n_cells: int = param(40, "excitatory cells per key", at_least=1)
    duration_ms: float = param(2700.0, "simulated time", at_least=200)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One circuit on one set of rows."""

    cell: str
    n_keys: int
    temperature: float
    scores: np.ndarray  # (n_rows, n_keys)
    selection: Selection

    @property
    def target(self) -> np.ndarray:
        """Softmax at the temperature asked for, (n_rows, n_keys)."""
        return softmax(self.scores / self.temperature, axis=1)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Simulate every condition, fit each, and rank the selection laws at the middle temperature."""
    conditions = _simulate(params, ctx)
    table = _table(conditions)
    middle = [c for c in conditions if c.temperature == _middle(params)]
    curves = {c.n_keys: _kl_curve(c) for c in middle if c.cell == "escape"}
    reports = {c.cell: fit(c.selection.counts, c.scores) for c in middle if c.n_keys == max(params.keys_lif)}
    ctx.progress(1.0, "done")
    return Outcome(
        dataset=xr.merge([table, _curve_data(curves)]),
        metrics=_metrics(table, reports),
        headline=("worst_beta", "worst_excess", "kl_over_floor"),
        pictures=_pictures(table, curves, reports),
        verdict=_verdict(table, reports),
    )


def _middle(params: Params) -> float:
    return sorted(params.temperatures)[len(params.temperatures) // 2]


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
        circuit = GammaCircuit(
            GammaParams(n_cells=params.n_cells, temperature=temperature, cell=CELLS[cell]())
        )
        n_rows = max(params.n_rows, 8 * params.n_rows // n_keys)  # few keys tell less a row
        scores = ctx.rng.normal(0, params.score_sd, (n_rows, n_keys))
        label = f"{cell} cells, {n_keys} keys, temperature {temperature:g}"
        with ctx.progress.stage(label, share=share) as progress:
            selection = circuit.attend(
                scores, duration_ms=params.duration_ms, rng=ctx.rng, engine=ctx.engine, progress=progress
            )
        conditions.append(
            Condition(cell=cell, n_keys=n_keys, temperature=temperature, scores=scores, selection=selection)
        )
    return conditions


def _table(conditions: list[Condition]) -> xr.Dataset:
    """One entry a condition."""
    columns: dict[str, list[float]] = {name: [] for name in _UNITS}
    for condition in conditions:
        counts, weights, target = condition.selection.counts, condition.selection.weights, condition.target
        n_spikes = counts.sum(axis=1)
        fitted = fit_softmax(counts, condition.scores / condition.temperature)
        distance, divergence = total_variation(weights, target), kl_nats(weights, target)
        floor = total_variation_floor(target, n_spikes)
        entry = {
            "beta": fitted.beta,
            "beta_se": max(fitted.beta_se, fitted.beta_se_quasi),
            "total_variation": np.nanmean(distance),
            "total_variation_se": np.nanstd(distance, ddof=1) / np.sqrt(len(distance)),
            "floor": np.nanmean(floor),
            "excess": np.nanmean(distance) / np.nanmean(floor),
            "excess_se": np.nanstd(distance - floor, ddof=1) / np.sqrt(len(floor)) / np.nanmean(floor),
            "kl": np.nanmean(divergence),
            "kl_floor": np.nanmean(kl_floor_nats(target, n_spikes)),
            "dispersion": fitted.dispersion,
            "spikes": n_spikes.mean(),
            "f_gamma": np.nanmean(condition.selection.f_gamma_Hz),
            "rhythmic": np.isfinite(condition.selection.f_gamma_Hz).mean(),
        }
        for name, value in entry.items():
            columns[name].append(float(value))
    data = {name: ("condition", values, {"units": _UNITS[name]}) for name, values in columns.items()}
    coords = {
        "cell": ("condition", [c.cell for c in conditions]),
        "n_keys": ("condition", [c.n_keys for c in conditions], {"units": "1"}),
        "temperature": ("condition", [c.temperature for c in conditions], {"units": "1"}),
    }
    return xr.Dataset(data, coords)


_UNITS = {
    **dict.fromkeys(("beta", "beta_se", "total_variation", "total_variation_se", "floor", "excess"), "1"),
    **dict.fromkeys(("excess_se", "dispersion", "spikes", "rhythmic"), "1"),
    **dict.fromkeys(("kl", "kl_floor"), "nat"),
    "f_gamma": "Hz",
}


@dataclass(frozen=True, kw_only=True)
class KlCurve:
    """Divergence from the softmax against spikes, for one number of keys."""

    n_keys: int
    spikes: np.ndarray  # (n_times,) mean spikes per row
    kl: np.ndarray  # (n_times,) mean over rows, nats
    kl_se: np.ndarray  # (n_times,) over rows
    floor: np.ndarray  # (n_times,) (K - 1) / 2N, mean over rows


def _kl_curve(condition: Condition) -> KlCurve:
    edges = np.geomspace(50, condition.selection.duration_ms, 12)
    shares = share_against_time(condition.selection.spikes, edges)
    kl = np.stack([kl_nats(weights, condition.target) for weights in shares.weights])
    floor = np.stack([kl_floor_nats(condition.target, n) for n in shares.n_spikes])
    return KlCurve(
        n_keys=condition.n_keys,
        spikes=shares.n_spikes.mean(axis=1),
        kl=np.nanmean(kl, axis=1),
        kl_se=np.nanstd(kl, axis=1, ddof=1) / np.sqrt(kl.shape[1]),
        floor=np.nanmean(floor, axis=1),
    )


def _curve_data(curves: dict[int, KlCurve]) -> xr.Dataset:
    stacked = {
        name: (("curve", "time"), np.stack([getattr(c, name) for c in curves.values()]), {"units": unit})
        for name, unit in (("spikes", "1"), ("kl", "nat"), ("kl_se", "nat"), ("floor", "nat"))
    }
    renamed = {f"curve_{name}": value for name, value in stacked.items()}
    return xr.Dataset(renamed, {"curve_keys": ("curve", list(curves), {"units": "1"})})


def _metrics(table: xr.Dataset, reports: dict[str, FitReport]) -> dict[str, Metric]:
    escape = table.isel(condition=np.flatnonzero(table.cell.values == "escape"))
    off = int(np.abs(escape.beta.values - 1).argmax())
    far = int(escape.excess.values.argmax())
    metrics = {
        "worst_beta": Metric(
            label="beta x temperature furthest from 1, escape cells",
            value=float(escape.beta[off]),
            standard_error=float(escape.beta_se[off]),
            note=_name(escape, off),
        ),
        "worst_excess": Metric(
            label="largest total variation / floor, escape cells",
            value=float(escape.excess[far]),
            standard_error=float(escape.excess_se[far]),
            floor=1.0,
            note=_name(escape, far),
        ),
        "kl_over_floor": Metric(
            label="KL to softmax / floor (K-1)/2N, mean of escape conditions",
            value=float((escape.kl / escape.kl_floor).mean()),
            standard_error=float(
                (escape.kl / escape.kl_floor).std(ddof=1) / np.sqrt(escape.sizes["condition"])
            ),
            floor=1.0,
        ),
    }
    for cell, report in reports.items():
        metrics[f"{cell}_softmax_behind"] = Metric(
            label=f"{cell} cells: softmax behind the best law ({report.best.law.name})",
            value=report["softmax"].behind,
            standard_error=report["softmax"].behind_se,
            control=report["uniform"].behind,
            unit="nats/spike",
            note="held out; control: the uniform law",
        )
    for i in range(table.sizes["condition"]):
        at = table.isel(condition=i)
        metrics[f"condition_{i}"] = Metric(
            label=f"total variation: {_name(table, i)}",
            value=float(at.total_variation),
            standard_error=float(at.total_variation_se),
            floor=float(at.floor),
            note=f"ratio {float(at.excess):.2f}; beta x T {float(at.beta):.3f} ± {float(at.beta_se):.3f}; "
            f"{float(at.spikes):.0f} spikes a row; dispersion {float(at.dispersion):.2f}",
        )
    return metrics


def _name(table: xr.Dataset, i: int) -> str:
    at = table.isel(condition=i)
    return f"{at.cell.item()}, {at.n_keys.item()} keys, temperature {at.temperature.item():g}"


def _pictures(
    table: xr.Dataset, curves: dict[int, KlCurve], reports: dict[str, FitReport]
) -> dict[str, Picture]:
    return {
        "fidelity": Picture(
            draw=lambda: _draw_fidelity(table),
            caption="Left: temperature fitted to the spikes over the temperature asked for. Right: total "
            "variation to the softmax asked for over what a multinomial of as many spikes has; dotted: 1.25. "
            "Filled: escape-rate cells; open: diffusive cells. Bars are standard errors.",
        ),
        "spikes": Picture(
            draw=lambda: _draw_curves(curves),
            caption="Divergence of the spike share from the softmax against the spikes counted so far, mean "
            "over rows; dashed: (K - 1)/2N, the expected divergence of N exact samples over K keys.",
        ),
        "laws": Picture(
            draw=lambda: _draw_laws(reports),
            caption="Selection laws fitted to the spikes, by how far their held-out log-likelihood lies "
            "behind the best law's. Bars are paired standard errors over rows.",
        ),
    }


def _draw_fidelity(table: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.4))
    left, right = figure.subplots(1, 2)
    draw_temperature(left, table)
    draw_excess(right, table)
    return figure


def _draw_curves(curves: dict[int, KlCurve]) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.6))
    draw_kl(figure.subplots(), curves)
    return figure


def _draw_laws(reports: dict[str, FitReport]) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 2.8))
    axes = figure.subplots(1, len(reports), squeeze=False)[0]
    for ax, (cell, report) in zip(axes, reports.items(), strict=True):
        draw_laws(ax, report, f"{cell} cells")
    return figure


def _verdict(table: xr.Dataset, reports: dict[str, FitReport]) -> str:
    sentences = []
    for cell in ("escape", "lif"):
        here = table.isel(condition=np.flatnonzero(table.cell.values == cell))
        if here.sizes["condition"] == 0:
            continue
        off, excess = float(np.abs(here.beta - 1).max()), here.excess
        kind = "Escape-rate" if cell == "escape" else "Diffusive integrate-and-fire"
        sentences.append(
            f"{kind} cells give the temperature asked for to within {off:.1%}, and lie "
            f"{float(excess.min()):.2f} to {float(excess.max()):.2f} times as far from that softmax as their "
            f"number of spikes explains."
        )
    for cell, report in reports.items():
        behind, error = report["softmax"].behind, report["softmax"].behind_se
        if behind <= 2 * error:
            sentences.append(f"For {cell} cells no law predicts held-out spikes better than softmax does.")
        else:
            sentences.append(
                f"For {cell} cells {report.best.law.name} predicts held-out spikes better than softmax, by "
                f"{behind:.2g} ± {error:.1g} nats per spike."
            )
    sentences.append("The rest is sampling: (K - 1)/2N nats, which only more spikes reduce.")
    return " ".join(sentences)
