"""The verdict of swap-model, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from scenarios.swap_model.measures import Passes
from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import choose, say
from scenarios.workbench.statistics import Estimate, difference, estimate_of, mean, sign

__all__ = ["in_words"]


def in_words(
    dataset: xr.Dataset, metrics: Mapping[str, Metric], passes: Passes, words: Mapping[str, Any]
) -> tuple[tuple[str, ...], str]:
    """Say the answer in short and as a paragraph; `words`: chosen heads, spikes of a row, number of draws."""
    usage = passes.usage
    silent = f"{usage.silent_rows or 'None'} of {usage.rows} rows stayed silent."
    time = f"The forward pass took {metrics['seconds'].value:.2g} times as long as the model's own."
    change, limit = _change(dataset, passes, words)
    parts = change, limit, _choice(metrics), _weights(metrics), silent, time
    return (change, limit, time), " ".join(filter(None, parts))


def _change(dataset: xr.Dataset, passes: Passes, words: Mapping[str, Any]) -> tuple[str, str]:
    """What spikes change in the output, and whether as many exact samples change as much."""
    n_draws = words["n_draws"]
    spiking, sampled, uniform = (
        mean(dataset.change.sel(kind=kind).values) for kind in ("simulated", "sampled", "uniform")
    )
    draws = f"{n_draws} draws" if n_draws > 1 else "one draw, so without an error"
    change = (
        f"With {words['chosen']} in spikes, {words['spikes']} a row, the change of the {passes.what} is "
        f"{say(spiking)} of its norm ({draws}); with uniform attention in these heads it is "
        f"{uniform.value:.3g}."
    )
    if n_draws == 1:
        limit = f"With as many exact samples of the softmax it is {sampled.value:.3g}."
    else:
        limit = f"With as many exact samples of the softmax it is {say(sampled)}: {_apart(spiking, sampled)}."
    return change, limit


def _apart(spiking: Estimate, sampled: Estimate) -> str:
    return choose(
        sign(difference(spiking, sampled)),
        "the circuit adds to what its number of spikes explains",
        "no clear difference, so the number of spikes limits it rather than the circuit",
        "the circuit does better than independent spikes",
    )


def _choice(metrics: Mapping[str, Metric]) -> str:
    if "same_choice" not in metrics:
        return ""
    return f"The largest logit stays the same for {metrics['same_choice'].text()} of the tokens."


def _weights(metrics: Mapping[str, Metric]) -> str:
    excess = metrics["excess"]
    above = Estimate(value=excess.value - 1, error=estimate_of(excess).error)
    word = choose(sign(above), "more than", "not clearly different from", "less than")
    return (
        f"The weights are {excess.text()} times as far from the softmax of their scores as independent "
        f"spikes of the same number would be on average, {word} 1."
    )
