"""What softmax-from-spikes measures under each condition, and the sentences that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import softmax

from bridge import FitReport, fit_softmax
from bridge.comparison.metrics import kl_nats, total_variation
from bridge.comparison.sampling import kl_floor_nats, total_variation_floor
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.sentences import words
from scenarios.workbench.statistics import LEVEL, Estimate, clear, estimate_of, mean, ratio
from scenarios.workbench.tables import column, columns, estimate_column
from spiking import Selection
from spiking.measures.readout import share_against_time

__all__ = ["Condition", "in_numbers", "in_words", "kl_curves", "of_cells", "table_of"]

WORDS = {  # label, unit
    "excess": ("total variation / sampling floor",),
    "kl": ("KL(spike share || softmax)", "nat"),
    "kl_floor": ("KL of exact samples", "nat"),
    "f_gamma": ("gamma frequency", "Hz"),
}
CELLS = {"escape": "Escape-rate", "lif": "Diffusive integrate-and-fire"}


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


def table_of(conditions: Sequence[Condition]) -> xr.Dataset:
    """One entry a condition."""
    measured = [_measured(condition) for condition in conditions]
    data = {
        name: column("condition", [float(entry[name]) for entry in measured], *WORDS.get(name, (name,)))
        for name in measured[0]
    }
    asked = {name: [getattr(c, name) for c in conditions] for name in ("n_keys", "temperature")}
    cells = ("condition", [c.cell for c in conditions])
    return xr.Dataset(data, {"cell": cells, **columns("condition", **asked)})


def _measured(condition: Condition) -> dict[str, float]:
    selection, target = condition.selection, condition.target
    n_spikes = selection.counts.sum(axis=1)
    fitted = fit_softmax(selection.counts, condition.scores / condition.temperature)
    tv, floor = total_variation(selection.weights, target), total_variation_floor(target, n_spikes)
    distance, least = mean(tv), mean(floor).value
    return {
        "beta": fitted.beta,
        "beta_se": max(fitted.beta_se, fitted.beta_se_quasi),
        "total_variation": distance.value,
        "total_variation_se": distance.error,
        "floor": least,
        "excess": ratio(distance.value, least),
        "excess_se": ratio(mean(tv - floor).error, least),
        "kl": mean(kl_nats(selection.weights, target)).value,
        "kl_floor": mean(kl_floor_nats(target, n_spikes)).value,
        "dispersion": fitted.dispersion,
        "spikes": n_spikes.mean(),
        "f_gamma": mean(selection.f_gamma_Hz).value,
        "rhythmic": np.isfinite(selection.f_gamma_Hz).mean(),
    }


def kl_curves(conditions: Sequence[Condition]) -> xr.Dataset:
    """Divergence from the softmax as spikes come in, and its floor (K - 1) / 2N; a curve a number of keys."""
    spikes, kl, floor = zip(*(_kl_curve(condition) for condition in conditions), strict=True)
    dims = ("curve", "time")
    return xr.Dataset(
        {
            "curve_spikes": column(dims, spikes, "spikes per row"),
            **estimate_column("curve_kl", dims, kl, *WORDS["kl"]),
            "curve_floor": column(dims, floor, *WORDS["kl_floor"]),
        },
        columns("curve", curve_keys=[c.n_keys for c in conditions]),
    )


def _kl_curve(condition: Condition) -> tuple[np.ndarray, list[Estimate], np.ndarray]:
    """Spikes, divergence and floor at growing times."""
    shares = share_against_time(
        condition.selection.spikes, np.geomspace(50, condition.selection.duration_ms, 12)
    )
    kl = [mean(kl_nats(weights, condition.target)) for weights in shares.weights]
    floor = [np.nanmean(kl_floor_nats(condition.target, n)) for n in shares.n_spikes]
    return shares.n_spikes.mean(axis=1), kl, np.array(floor)


def of_cells(table: xr.Dataset, cell: str) -> xr.Dataset:
    """The conditions of one cell model."""
    return table.isel(condition=np.flatnonzero(table.cell.values == cell))


def in_numbers(table: xr.Dataset, laws: Mapping[str, FitReport]) -> dict[str, Metric]:
    """Every number of the report."""
    lines, escape = Lines(), of_cells(table, "escape")
    off, far = int(np.abs(escape.beta.values - 1).argmax()), int(escape.excess.values.argmax())
    label = "beta x temperature furthest from 1, escape cells"
    lines.take(escape.isel(condition=off), "beta", name="worst_beta", label=label, note=_name(escape, off))
    label, at = "largest total variation / floor, escape cells", escape.isel(condition=far)
    lines.take(at, "excess", name="worst_excess", label=label, floor=1, note=_name(escape, far))
    label = "KL to softmax / floor (K-1)/2N, mean of escape conditions"
    lines.add("kl_over_floor", label, escape.kl / escape.kl_floor, floor=1)
    for cell, report in laws.items():
        behind, control = _behind(report, "softmax"), _behind(report, "uniform")
        label = f"{cell} cells: log-likelihood of the best law ({report.best.law.name}) over softmax's"
        about = {"unit": "nats/spike", "note": "held out; control: over the uniform law's"}
        lines.add(f"{cell}_softmax_behind", label, behind, control=control, **about)
    for i in range(table.sizes["condition"]):
        at, label = table.isel(condition=i), f"total variation: {_name(table, i)}"
        note = (
            f"ratio {at.excess:.2f}; beta x T {at.beta:.3f} ± {at.beta_se:.3f}; {at.spikes:.0f} spikes a row; "
            f"dispersion {at.dispersion:.2f}"
        )
        lines.take(at, "total_variation", name=f"condition_{i}", label=label, floor="floor", note=note)
    return lines.metrics


def _behind(report: FitReport, law: str) -> Estimate:
    return Estimate(value=report[law].behind, error=report[law].behind_se)


def _name(table: xr.Dataset, i: int) -> str:
    at = table.isel(condition=i)
    return f"{at.cell.item()}, {at.n_keys.item()} keys, temperature {at.temperature.item():g}"


def in_words(table: xr.Dataset, laws: Mapping[str, FitReport], m: Numbers) -> Words:
    """In short, and a paragraph."""
    fidelity = {cell: _fidelity(of_cells(table, cell), kind) for cell, kind in CELLS.items()}
    ranked = [_law(cell, report) for cell, report in laws.items()]
    limit = _limit(estimate_of(m["kl_over_floor"]))
    return words(*fidelity.values(), *ranked, limit, short=(*fidelity.values(), limit))


def _fidelity(here: xr.Dataset, kind: str) -> str:
    off = float(np.abs(1 / here.beta - 1).max())
    low, high = f"{float(here.excess.min()):.2f}", f"{float(here.excess.max()):.2f}"
    return (
        f"{kind} cells give the temperature asked for to within {off:.1%}, and lie "
        f"{low if low == high else f'{low} to {high}'} times as far from that softmax as their number of spikes "
        "explains."
    )


def _law(cell: str, report: FitReport) -> str:
    """Softmax against the best of all laws; the best was picked, so that the level is shared among them."""
    behind = _behind(report, "softmax")
    if clear({cell: behind}, level=LEVEL / max(len(report.laws) - 1, 1))[cell] <= 0:
        return f"For {cell} cells no law predicts held-out spikes clearly better than softmax does."
    return (
        f"For {cell} cells {report.best.law.name} predicts held-out spikes better than softmax, by {behind} "
        "nats per spike."
    )


def _limit(kl: Estimate) -> str:
    above = Estimate(value=kl.value - 1, error=kl.error)
    if clear({"kl": above})["kl"] > 0:
        return (
            f"The divergence of escape-rate cells is {kl} times (K - 1)/2N: more than their number of spikes "
            "explains."
        )
    return (
        f"No divergence beyond that of sampling is clear: in escape-rate cells it is {kl} times (K - "
        "1)/2N nats, which more spikes reduce."
    )
