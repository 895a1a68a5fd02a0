"""The numbers and sentences of price-of-context, at one budget and read out by spikes unless it says otherwise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bridge import TABLES
from scenarios.price_of_context.measures import KINDS, crossover
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of, mean, ratio

__all__ = ["error", "in_numbers", "in_words", "over_softmax"]

CIRCUITS = ("escape", "regular")
# Chen et al. (2025), MagicPIG, ICLR; Mussmann and Ermon (2016), Learning and inference via maximum inner product
# search, ICML; Choromanski et al. (2021), Rethinking attention with Performers, ICLR; Rawat et al. (2019), Sampled
# softmax with random Fourier features, NeurIPS.
DRAWING_KEYS = (
    "To save it, keys would have to be drawn before their scores are known: from an index of the keys, by hashing "
    "(Chen et al. 2025) or inner product (Mussmann and Ermon 2016), or from random features of query and keys "
    "(Rawat et al. 2019; Choromanski et al. 2021)."
)
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
    return Estimate(value=root, error=ratio(found.error, 2 * root))


def in_numbers(data: xr.Dataset) -> Numbers:
    """Every number of the report; `data` is of one budget."""
    lines, longest = Lines(), data.isel(n_keys=-1)
    for measure in MEASURES:
        for kind in KINDS:
            _add_cost(lines, longest.sel(kind=kind), measure)
    for kind, name in KINDS.items():
        here = longest.sel(kind=kind, readout="spikes")
        lines.add(
            f"error_{kind}",
            f"error of the output over its size at {int(here.n_keys)} keys, {name}",
            error(here, "squared_error"),
            floor=error(here, "squared_floor"),
            note="floor: independent samples, expected",
        )
    for measure in MEASURES:
        for kind in KINDS:
            _add_crossover(lines, data.sel(kind=kind, readout="spikes"), measure)
    for table in TABLES:
        for kind, name in KINDS.items():
            here = longest.sel(kind=kind, readout="spikes", table=table)
            value = float(here.joules / here.softmax_joules)
            lines.add(f"{table}_{kind}", f"joules over softmax's by {table}, {name}", value)
    here = longest.sel(kind="samples", readout="spikes", machine=DIGITAL)
    for prefix, name in (("softmax_", "softmax attention"), ("", "samples read out by spikes")):
        part = float(here[f"{prefix}score_operations"] / here[f"{prefix}operations"])
        lines.add(f"{prefix}scores_share", f"q·k in the operations of {name}", part)
    return lines.metrics


def _add_cost(lines: Lines, data: xr.Dataset, measure: str) -> None:
    """A cost in the longest context; of time how far rounds lie apart, since engines differ in it by nature."""
    kind, over, rounds = str(data.kind.values), over_softmax(data, measure), data.time_over_softmax
    apart = rounds.sel(readout="spikes")
    note = f"{float(apart.min()):.3g} to {float(apart.max()):.3g} in {apart.size} rounds; "
    lines.add(
        f"{measure}_{kind}",
        f"{MEASURES[measure]} over softmax's at {int(data.n_keys)} keys, {KINDS[kind]}",
        float(over.sel(readout="spikes")),
        control=float(over.sel(readout="product")),
        note=(note if measure == "time" else "") + "control: read out by the product",
    )


def _add_crossover(lines: Lines, data: xr.Dataset, measure: str) -> None:
    kind = str(data.kind.values)
    at = crossover(data.n_keys.values, over_softmax(data, measure).values)
    lines.add(
        f"crossover_{measure}_{kind}",
        f"{MEASURES[measure]} below softmax's from, {KINDS[kind]}",
        at,
        unit="keys",
        note=f"none up to {int(data.n_keys[-1])} keys" if np.isnan(at) else "",
    )


def in_words(data: xr.Dataset, metrics: Numbers) -> Words:
    """Where each cost crosses softmax's and at which error, what is left, and what drawing keys would take."""
    keys, spikes = int(data.n_keys[-1]), int(data.spikes)
    touched = (
        f"Over {keys} keys a query of {spikes} spikes touches {metrics['kv_bytes_regular']:.0%} of the bytes of "
        "keys and values that softmax attention touches, since every key is still read for its score."
    )
    operations, time = (_crossed(data, metrics, measure) for measure in ("operations", "time"))
    dear = [f"{metrics[f'operations_{kind}']:.3g} times with {KINDS[kind]}" for kind in CIRCUITS]
    carried_out = f"Over {keys} keys the circuits take {listed(dear)} the operations of softmax attention."
    far = _errors(metrics, spikes, keys, float(data.effective_keys[-1]))
    left = (
        f"q·k makes up {metrics['softmax_scores_share']:.0%} of the operations of softmax attention over {keys} "
        f"keys and {metrics['scores_share']:.0%} of what samples read out by spikes still take."
    )
    parts = (touched, operations, time, carried_out, _by_joules(data), far, left, DRAWING_KEYS)
    return words(*parts, short=(touched, time, far))


def _crossed(data: xr.Dataset, metrics: Numbers, measure: str) -> str:
    """From how many keys on each kind costs less, and how far off its output is there."""
    at = {kind: metrics[f"crossover_{measure}_{kind}"].value for kind in KINDS}
    below = [
        f"{KINDS[kind]} from {keys:,.0f} keys on (error {_error_at(data, kind, keys):.0%})"
        for kind, keys in at.items()
        if np.isfinite(keys)
    ]
    never = [KINDS[kind] for kind, keys in at.items() if not np.isfinite(keys)]
    said = [f"{listed(below)} cost less than softmax attention"] if below else []
    said += [f"{listed(never)} cost more at {int(data.n_keys[-1])} keys"] if never else []
    return f"In {MEASURES[measure]}, read out by spikes, {'; '.join(said)}."


def _by_joules(data: xr.Dataset) -> str:
    """By which tables a circuit costs less in the longest context."""
    said = []
    for table in TABLES:
        over = (data.joules / data.softmax_joules).sel(readout="spikes", table=table)
        at = {kind: crossover(data.n_keys.values, over.sel(kind=kind).values) for kind in CIRCUITS}
        finite = {kind: keys for kind, keys in at.items() if np.isfinite(keys)}
        if finite:
            kind = min(finite, key=lambda each: finite[each])
            error_there = _error_at(data, kind, finite[kind])
            said.append(
                f"`{table}` from {finite[kind]:,.0f} keys on (error {error_there:.0%}, {KINDS[kind]})"
            )
    if not said:
        return "By no table of energies does a circuit cost less."
    others = "" if len(said) == len(TABLES) else ", by the other tables more"
    return f"A circuit costs less energy by {listed(said)}{others}."


def _error_at(data: xr.Dataset, kind: str, keys: float) -> float:
    """The error of the output at a number of keys, interpolated between logarithms."""
    errors = [error(data.sel(kind=kind, readout="spikes", n_keys=n), "squared_error") for n in data.n_keys]
    logs = np.log([each.value for each in errors])
    return float(np.exp(np.interp(np.log(keys), np.log(data.n_keys.values), logs)))


def _errors(metrics: Numbers, spikes: int, keys: int, effective: float) -> str:
    """The error of the output, and whether regular cells err less than samples."""
    regular, samples = metrics["error_regular"], metrics["error_samples"]
    sign = clear({"error": difference(estimate_of(regular), estimate_of(samples))})["error"]
    than = choose(sign, "more than", "no clearly different amount from", "less than")
    return (
        f"With {spikes} spikes over {keys} keys the output is off by {regular:.0%} of its size with regular cells, "
        f"{than} with independent samples ({samples:.0%}), where attention spreads over {effective:,.0f} keys of "
        "independent values."
    )
