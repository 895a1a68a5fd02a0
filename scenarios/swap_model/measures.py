"""Measures of swap-model: weights layer by layer, hidden states block by block, and the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bridge import Usage
from scenarios.swap_model.prediction import Prediction, add_prediction, said_of_prediction
from scenarios.swap_model.swapped import Pass
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.sentences import choose, words
from scenarios.workbench.statistics import Estimate, difference, estimate_of, mean, sign
from scenarios.workbench.tables import column, columns

__all__ = ["Passes", "in_words", "passes_dataset", "table"]

KINDS = ("simulated", "sampled", "uniform")
EXACT = "floor: as many exact samples"
MANY, MOST = 12, 6  # of more layers than the first the table has the second number, those changed most


@dataclass(frozen=True, kw_only=True)
class Passes:
    """Forward passes with spikes, with as many exact samples, with uniform attention, and the model's own."""

    plain: Pass
    spiking: list[Pass]  # one a draw
    sampled: list[Pass]
    uniform: Pass
    usage: Usage  # of the spiking passes

    @property
    def what(self) -> str:
        """The name of the output."""
        return "logits" if self.plain.has_logits else "last hidden state"


def passes_dataset(passes: Passes, labels: list[str]) -> xr.Dataset:
    """Distances of weights, changes of hidden states and of the output; `labels` of the swapped layers."""
    plain, spiking, draws = passes.plain, passes.spiking, range(len(passes.spiking))

    def kinds(of: Callable[[Pass], Any]) -> list[Any]:
        """Mean over draws of each kind; uniform attention has no noise."""
        return [np.mean([of(p) for p in each], 0) for each in (spiking, passes.sampled, [passes.uniform])]

    def each(of: Callable[[Pass], float]) -> list[list[float]]:
        return [[of(p) for p in each] for each in (spiking, passes.sampled, [passes.uniform] * len(draws))]

    def error(of: Callable[[Pass], np.ndarray]) -> list[float]:
        return [mean(values).error for values in np.stack([of(p) for p in spiking]).T]

    distance = kinds(lambda p: p.distance)
    hidden = kinds(lambda p: p.hidden_change(plain))
    weights, states = "total variation to softmax", "relative change"
    draw = ("kind", "draw")
    return xr.Dataset(
        {
            "distance": column(("kind", "layer"), distance, weights),
            "distance_se": column("layer", error(lambda p: p.distance), weights),
            "floor": column("layer", np.mean([p.floor for p in spiking], 0), f"{weights}, exact samples"),
            "hidden_change": column(("kind", "block"), hidden, states),
            "hidden_change_se": column("block", error(lambda p: p.hidden_change(plain)), states),
            "change": column(draw, each(lambda p: p.change(plain)), f"change of the {passes.what}"),
            "divergence": column(
                draw, each(lambda p: p.divergence_nats(plain)), "KL of what the logits predict", "nat"
            ),
            "same_choice": column(
                draw, each(lambda p: p.same_choice(plain)), "tokens with the same largest logit"
            ),
        },
        {
            "kind": list(KINDS),
            "layer": labels,
            "block": column("block", range(len(plain.hidden)), "after block"),
            **columns("draw", draw=draws),
        },
    )


def table(dataset: xr.Dataset, passes: Passes, told: Prediction | None) -> dict[str, Metric]:
    """Every number of the report; of a causal model what it predicts comes first."""
    lines, usage = Lines(), passes.usage
    if told is not None:
        add_prediction(lines, told)
    spiking, sampled, uniform = (dataset.sel(kind=kind) for kind in KINDS)
    logits = ("divergence", "same_choice") if passes.plain.has_logits and told is None else ()
    for name in ("change", *logits):
        note = f"of its norm; {EXACT}; control: uniform attention" if name == "change" else ""
        lines.take(spiking, name, floor=sampled[name], control=uniform[name], note=note)
    floor, error = dataset.floor.mean(), np.sqrt((dataset.distance_se**2).sum()) / dataset.sizes["layer"]
    excess = Estimate(value=float(spiking.distance.mean() / floor), error=float(error / floor))
    label, note = "total variation / sampling floor", "at the scores that the circuit was given"
    lines.add("excess", label, excess, floor=1, control=uniform.distance.mean() / floor, note=note)
    lines.add("spikes", "spikes counted per row", usage.spikes / usage.rows)
    lines.add("silent", "silent rows", usage.silent_rows, note=f"of {usage.rows}")
    times = min(p.seconds for p in passes.spiking) / passes.plain.seconds
    label = "time of the forward pass over the model's own"
    lines.add("seconds", label, times, note="the fastest draw, on this machine, one run")
    for i in _furthest(spiking.distance.values):
        layer = dataset.layer.values[i]
        at, control, note = spiking.isel(layer=i), uniform.distance[i], EXACT
        label = f"layer {layer}: {at.distance.long_name}"
        lines.take(
            at, "distance", name=f"weights_{layer}", label=label, floor="floor", control=control, note=note
        )
    for i in _furthest(spiking.hidden_change.values):
        floor, control = (kind.hidden_change[i] for kind in (sampled, uniform))
        label, note = f"block {i}: change of the hidden state", "of its norm"
        about = {"name": f"hidden_{i}", "label": label, "note": note}
        lines.take(spiking.isel(block=i), "hidden_change", floor=floor, control=control, **about)
    return lines.metrics


def _furthest(values: np.ndarray) -> list[int]:
    """Places in the table: all of a few, of more those with the largest values."""
    if len(values) <= MANY:
        return list(range(len(values)))
    return sorted(np.argsort(values)[-MOST:].tolist())


def in_words(
    dataset: xr.Dataset, m: Numbers, passes: Passes, about: Mapping[str, Any], told: Prediction | None
) -> Words:
    """Say the answer in short and as a paragraph; `about`: chosen heads, spikes of a row, number of draws."""
    usage, n_draws = passes.usage, about["n_draws"]
    spiking, sampled, uniform = (mean(dataset.change.sel(kind=kind).values) for kind in KINDS)
    draws = f"{n_draws} draws" if n_draws > 1 else "one draw, so without an error"
    change = (
        f"With {about['chosen']} in spikes, {about['spikes']} a row, the change of the {passes.what} is {spiking} "
        f"of its norm ({draws}); with uniform attention in these heads it is {uniform:.3g}."
    )
    limit = f"With as many exact samples of the softmax it is {sampled:.3g}."
    if n_draws > 1:
        limit = f"With as many exact samples of the softmax it is {sampled}: {_apart(spiking, sampled)}."
    silent = f"{usage.silent_rows or 'None'} of {usage.rows} rows stayed silent."
    time = f"The forward pass took {m['seconds']:.2g} times as long as the model's own."
    if told is not None:
        first = said_of_prediction(told, about["chosen"])
        where = _weights(m)
        return words(first, where, change, limit, silent, time, short=(first, where, time))
    choice = ""
    if "same_choice" in m:
        choice = f"The largest logit stays the same for {m['same_choice']} of the tokens."
    return words(change, limit, choice, _weights(m), silent, time, short=(change, limit, time))


def _apart(spiking: Estimate, sampled: Estimate) -> str:
    return choose(
        sign(difference(spiking, sampled)),
        "the circuit adds to what its number of spikes explains",
        "no clear difference, so the number of spikes limits it rather than the circuit",
        "the circuit does better than independent spikes",
    )


def _weights(m: Numbers) -> str:
    excess = m["excess"]
    above = Estimate(value=excess.value - 1, error=estimate_of(excess).error)
    word = choose(sign(above), "more than", "not clearly different from", "less than")
    return (
        f"The weights are {excess} times as far from the softmax of their scores as independent spikes of the same "
        f"number would be on average, {word} 1."
    )
