"""What temperature-map measures of a circuit, how it changes along a parameter, and the sentences that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import softmax

from bridge import fit_softmax
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import listed, say, words
from scenarios.workbench.statistics import Estimate, bootstrap, clear, estimate_of, mean, metric, ratio
from scenarios.workbench.tables import Variables, column, estimate_column
from spiking import Selection

__all__ = ["MEASURES", "VARIED", "Varied", "curve", "in_data", "in_numbers", "in_words", "measure"]

MOST = 0.5  # of the rows must have a significant gamma peak for the circuit to have a gamma frequency
MEASURES = {  # name -> (label, unit)
    "fitted_temperature": ("temperature of the selection", ""),
    "effective_keys": ("effective number of keys", ""),
    "f_gamma": ("gamma frequency", "Hz"),
    "spikes_per_cycle": ("spikes per cycle and row", ""),
}


@dataclass(frozen=True, kw_only=True)
class Varied:
    """A parameter that is varied alone, and how far around its value."""

    name: str
    label: str
    reach: float  # from value / reach to value x reach
    cell: str | None = None  # of which model; None: of both
    symbol: str = ""
    unit: str = ""


VARIED = (
    Varied(name="tau_gaba_ms", label="GABA decay", reach=2.0, symbol=r"$\tau_\mathrm{GABA}$", unit="ms"),
    Varied(name="delay_ms", label="loop delay", reach=2.5, unit="ms"),
    Varied(name="sigma", label="membrane noise", reach=2.0, cell="lif", symbol=r"membrane noise $\sigma$"),
    Varied(name="reset_by", label="reset", reach=4.0, cell="escape"),
    Varied(name="inhibition", label="inhibition", reach=2.0),
    Varied(name="n_cells", label="cells per key", reach=2.0),
)


def measure(selection: Selection, scores: np.ndarray, rng: np.random.Generator) -> dict[str, Estimate]:
    """The four numbers of a circuit."""
    fitted = fit_softmax(selection.counts, scores)
    error = ratio(max(fitted.beta_se, fitted.beta_se_quasi), fitted.beta**2)
    rhythmic = selection.n_cycles > 0
    if rhythmic.mean() < MOST:  # the few peaks that are left are a harmonic of a slower rhythm, or chance
        rhythmic = np.zeros_like(rhythmic)
    return {
        "fitted_temperature": Estimate(value=ratio(1.0, fitted.beta), error=error),
        "effective_keys": bootstrap(
            lambda rows: _effective_keys(selection.counts[rows].sum(axis=0)), len(scores), rng
        ),
        "f_gamma": mean(selection.f_gamma_Hz[rhythmic]),
        "spikes_per_cycle": mean(selection.counts.sum(axis=1)[rhythmic] / selection.n_cycles[rhythmic]),
    }


def _effective_keys(weights: np.ndarray) -> float:
    """exp of the entropy of weights (n_keys,) that need not sum to 1; nan if they are all 0."""
    shares = weights[weights > 0] / weights.sum() if weights.any() else np.array([np.nan])
    return float(np.exp(-np.sum(shares * np.log(shares))))


def in_data(
    plan: Sequence[tuple[str, object]], measured: Sequence[Mapping[str, Estimate]], varied: Sequence[Varied]
) -> xr.Dataset:
    """One entry a circuit; `varied` names the parameter that differs from the first."""
    data: Variables = {}
    for name, (label, unit) in MEASURES.items():
        data |= estimate_column(name, "setting", [m[name] for m in measured], label, unit)
    coordinates: Variables = {"varied": ("setting", [name for name, _ in plan], {})}
    for each in varied:
        values = [getattr(setting, each.name) for _, setting in plan]
        coordinates[each.name] = column("setting", values, each.symbol or each.label, each.unit)
    return xr.Dataset(data, coordinates)


def in_numbers(
    itself: Mapping[str, Estimate], scores: np.ndarray, dataset: xr.Dataset, varied: Sequence[Varied]
) -> dict[str, Metric]:
    """Every number of the report: the circuit itself, then its exponents along each parameter."""
    wanted = {
        "fitted_temperature": (1.0, "control: asked for"),
        "effective_keys": (_effective_keys(softmax(scores)), "control: softmax"),
    }
    metrics = {}
    for name, (label, unit) in MEASURES.items():
        control, note = wanted.get(name, (None, ""))
        metrics[name] = metric(label, itself[name], unit=unit, control=control, note=note)
    return metrics | {
        f"{name}_by_{each.name}": _exponent(dataset, name, each, f"{label} by {each.label}")
        for each in varied
        for name, (label, _) in MEASURES.items()
    }


def curve(dataset: xr.Dataset, name: str) -> xr.Dataset:
    """The circuits along one parameter, the circuit itself among them, in its order."""
    return dataset.isel(setting=np.isin(dataset.varied.values, ["", name])).sortby(name)


def _exponent(dataset: xr.Dataset, name: str, varied: Varied, label: str) -> Metric:
    """Exponent of the power law through the curve: per cent of the measure for a per cent of the parameter."""
    along = curve(dataset, varied.name)
    x, y = np.log(along[varied.name].values), np.log(along[name].values)
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < 3:
        return Metric(label=f"exponent: {label}", value=np.nan, note="fewer than three values")
    coefficients, covariance = np.polyfit(x[known], y[known], 1, cov="unscaled")
    residual = y[known] - np.polyval(coefficients, x[known])
    error = np.sqrt(covariance[0, 0] * np.sum(residual**2) / (known.sum() - 2))
    return Metric(label=f"exponent: {label}", value=float(coefficients[0]), standard_error=float(error))


def in_words(
    itself: Mapping[str, Estimate], dataset: xr.Dataset, varied: Sequence[Varied], n_keys: int
) -> Words:
    """In short, and a paragraph; the exponents are judged together."""
    temperature, keys, f_gamma = (itself[n] for n in ("fitted_temperature", "effective_keys", "f_gamma"))
    rhythm = f"at {say(f_gamma, 'Hz')}" if np.isfinite(f_gamma.value) else "without a significant rhythm"
    answer = (
        f"This circuit selects at a temperature of {temperature}, {keys:.1f} of {n_keys} keys at once, "
        f"{rhythm}."
    )
    if not varied:
        return words(answer, short=(answer,))
    temperature_by, keys_by, f_gamma_by = (
        _widest(dataset, varied, name) for name in ("fitted_temperature", "effective_keys", "f_gamma")
    )
    parts = answer, temperature_by, keys_by, f_gamma_by, _moved(dataset, varied)
    return words(*parts, short=(answer, temperature_by, f_gamma_by))


def _widest(dataset: xr.Dataset, varied: Sequence[Varied], name: str) -> str:
    """The parameter along which a measure ranges most, and from where to where."""
    ends = {each.label: _ends(curve(dataset, each.name)[name].values) for each in varied}
    label = max(ends, key=lambda each: ends[each][1] - ends[each][0])
    low, high = ends[label]
    if low == high:  # known of one circuit at most
        return ""
    of, unit = MEASURES[name]
    return f"The {of} ranges most with {label}: {low:.3g} to {high:.3g} {unit}".rstrip() + "."


def _ends(values: np.ndarray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)


def _moved(dataset: xr.Dataset, varied: Sequence[Varied]) -> str:
    """Which parameters move the temperature clearly, with their exponents."""
    exponents = {
        each.label: estimate_of(_exponent(dataset, "fitted_temperature", each, "")) for each in varied
    }
    signs = clear(exponents)
    said = [f"{label} ({exponents[label]})" for label, sign in signs.items() if sign]
    if not said:
        return "No parameter moves the temperature by a clear power law."
    return f"The temperature goes as a power of {listed(said)}, exponents in brackets."
