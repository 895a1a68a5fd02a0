"""The numbers and sentences of price-of-context, at one budget and read out by spikes unless it says otherwise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bridge import TABLES
from scenarios.price_of_context.measures import KINDS, crossover
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import choose, listed
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of, mean

__all__ = ["error", "in_numbers", "in_words", "over_softmax"]

MEASURES = {"operations": "operations", "kv_bytes": "bytes of K and V", "time": "processor time"}
DIGITAL = "simulated"  # the machine whose operations are counted here: one that computes every number


def over_softmax(data: xr.Dataset, measure: str) -> xr.DataArray:
    """A cost over softmax attention's in the same context; of time the median of the rounds."""
    if measure == "time":
        return data.time_over_softmax.median("round")
    over = data[measure] / data[f"softmax_{measure}"]
    return over.sel(machine=DIGITAL) if measure == "operations" else over


def error(data: xr.Dataset, squared: str) -> Estimate:
    """The root of the mean squared error over that of softmax's output, for one context and one way."""
    found = mean(data[squared].values / float(data.softmax_squared))
    root = float(np.sqrt(found.value))
    return Estimate(value=root, error=found.error / (2 * root))


def in_numbers(data: xr.Dataset) -> dict[str, Metric]:
    """Every number of the report; `data` is of one budget."""
    lines = Lines()
    longest, by_spikes = data.isel(n_keys=-1), data.sel(readout="spikes")
    keys = int(longest.n_keys)
    for measure, label in MEASURES.items():
        for kind, name in KINDS.items():
            here = longest.sel(kind=kind)
            value: object = float(over_softmax(here, measure).sel(readout="spikes"))
            if measure == "time":
                value = mean(here.time_over_softmax.sel(readout="spikes").values)
            lines.add(
                f"{measure}_{kind}",
                f"{label} over softmax's at {keys} keys, {name}",
                value,
                control=float(over_softmax(here, measure).sel(readout="product")),
                note="control: read out by the product",
            )
    for kind, name in KINDS.items():
        here = longest.sel(kind=kind, readout="spikes")
        lines.add(
            f"error_{kind}",
            f"error of the output over its size at {keys} keys, {name}",
            error(here, "squared_error"),
            floor=error(here, "squared_floor"),
            note="floor: independent samples, expected",
        )
    for measure, label in MEASURES.items():
        for kind, name in KINDS.items():
            over = over_softmax(by_spikes.sel(kind=kind), measure).values
            lines.add(
                f"crossover_{measure}_{kind}",
                f"{label} below softmax's from, {name}",
                crossover(data.n_keys.values, over),
                unit="keys",
                note=f"none up to {keys} keys" if np.isnan(crossover(data.n_keys.values, over)) else "",
            )
    for table in TABLES:
        for kind, name in KINDS.items():
            here = longest.sel(kind=kind, readout="spikes", table=table)
            value = float(here.joules / here.softmax_joules)
            lines.add(f"{table}_{kind}", f"joules over softmax's by {table}, {name}", value)
    for prefix, name in (("softmax_", "softmax attention"), ("", "samples read out by spikes")):
        here = longest.sel(kind="samples", readout="spikes", machine=DIGITAL)
        part = float(here[f"{prefix}score_operations"] / here[f"{prefix}operations"])
        lines.add(f"{prefix}scores_share", f"q·k in the operations of {name}", part)
    return lines.metrics


def in_words(data: xr.Dataset, metrics: dict[str, Metric]) -> tuple[tuple[str, ...], str]:
    """In short, and a paragraph."""
    keys, spikes = int(data.n_keys[-1]), int(data.spikes)
    touched = (
        f"Over {keys} keys a query of {spikes} spikes touches {metrics['kv_bytes_regular'].value:.0%} of the bytes "
        "of keys and values that softmax attention touches: every key is still read for its score."
    )
    cost = _crossed(metrics, "operations", keys) + " " + _crossed(metrics, "time", keys)
    dear = _dear(metrics, keys)
    far = _errors(metrics, spikes, keys, float(data.effective_keys[-1]))
    left = (
        f"q·k makes up {metrics['softmax_scores_share'].value:.0%} of softmax attention's operations at {keys} "
        f"keys and {metrics['scores_share'].value:.0%} of those that are left with samples read out by spikes. To "
        "save it, keys would have to be drawn before their scores are known: from an index of the keys by hashing "
        "(Chen et al. 2025, MagicPIG) or inner product (Mussmann and Ermon 2016), or from random features "
        "(Choromanski et al. 2021; Rawat et al. 2019)."
    )
    parts = (touched, cost, dear, _by_joules(metrics), far, left)
    return (touched, _crossed(metrics, "time", keys), far), " ".join(parts)


def _crossed(metrics: dict[str, Metric], measure: str, keys: int) -> str:
    """From how many keys on each kind is cheaper."""
    at = {name: metrics[f"crossover_{measure}_{kind}"].value for kind, name in KINDS.items()}
    below = [f"{name} from {value:,.0f} keys on" for name, value in at.items() if np.isfinite(value)]
    never = [name for name, value in at.items() if not np.isfinite(value)]
    said = (
        f"In {MEASURES[measure]}, read out by spikes, {listed(below)} cost less than softmax attention"
        if below
        else ""
    )
    none = f"{listed(never)} cost more at {keys} keys" if never else ""
    if below and never:
        return f"{said}, {none}."
    return f"{said}." if below else f"In {MEASURES[measure]}, {none}."


def _dear(metrics: dict[str, Metric], keys: int) -> str:
    """How dear the circuits are."""
    times = [
        f"{metrics[f'operations_{kind}'].value:.3g} times for {KINDS[kind]}" for kind in ("escape", "regular")
    ]
    return (
        f"Of the operations at {keys} keys the circuits take {listed(times)}, as the engine carries them out."
    )


def _by_joules(metrics: dict[str, Metric]) -> str:
    """Under which tables a circuit costs less."""
    cheaper = [t for t in TABLES if min(metrics[f"{t}_{k}"].value for k in ("escape", "regular")) < 1]
    if not cheaper:
        return "By no table of energies does a circuit cost less there."
    return f"A circuit costs less there by {listed([f'`{table}`' for table in cheaper])}."


def _errors(metrics: dict[str, Metric], spikes: int, keys: int, effective: float) -> str:
    """The error of the output, and whether regular cells err less than samples."""
    regular, samples = metrics["error_regular"], metrics["error_samples"]
    sign = clear({"error": difference(estimate_of(regular), estimate_of(samples))})["error"]
    than = choose(sign, "more than", "no clearly different amount from", "less than")
    return (
        f"With {spikes} spikes over {keys} keys the output is off by {regular.value:.0%} of its size with regular "
        f"cells, {than} with independent samples ({samples.value:.0%}): values are independent, and attention spreads "
        f"over {effective:,.0f} keys."
    )
