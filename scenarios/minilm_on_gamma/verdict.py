"""The verdict of minilm-on-gamma, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from bridge import TABLES, Bill
from bridge.bill.text import energies, si
from scenarios.minilm_on_gamma.measures import each, lost, most_spikes
from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import choose, listed, say
from scenarios.workbench.statistics import clear, sign

__all__ = ["in_words"]

ENERGY = "Energy as a multiple of the softmax model's, from operations counted in the run"


def in_words(
    data: xr.Dataset, metrics: Mapping[str, Metric], bills: Mapping[str, Bill]
) -> tuple[tuple[str, ...], str]:
    """Say the answer in short and as a paragraph; every comparison in it is decided by the numbers of the run."""
    if unable := _unable(data, metrics):
        return (unable,), unable
    loss, resolution, time = _loss(data, metrics), _resolution(data), _time(metrics)
    ratios = _energy_ratios(bills)
    energy = "; ".join(text for _, text in ratios)
    parts = (loss, resolution, _controls(data), _layers(data), time, f"{ENERGY}: {energy}.")
    dearest = f"{time.rstrip('.')}, and up to {max(ratios)[0]:.3g} times the energy by the tables below."
    return (loss, resolution, dearest), " ".join(filter(None, parts))


def _unable(data: xr.Dataset, metrics: Mapping[str, Metric]) -> str:
    """Nothing can be lost by a model that does not rank the pairs in the first place."""
    if sign(metrics["softmax"]) > 0:
        return ""
    return (
        f"With its own softmax the model does not clearly rank these {data.sizes['pair']} pairs as people do (rank "
        f"correlation {metrics['softmax'].text()}), so that what spikes cost it cannot be judged here; give more "
        "pairs, or a model that was trained to compare sentences."
    )


def _loss(data: xr.Dataset, metrics: Mapping[str, Metric]) -> str:
    most = most_spikes(data)
    loss = lost(most)
    gain = f"a gain of {-loss.value:.3g} (loss {say(loss)})"
    word = choose(sign(loss), f"{say(loss)} is lost", f"no clear loss, {say(loss)}", gain)
    return (
        f"With {data.heads} simulated at {int(most.spikes)} spikes a row the rank correlation with people is "
        f"{float(most.spearman):.4f}, against {metrics['softmax'].value:.4f} with softmax on the same "
        f"{data.sizes['pair']} pairs: {word}."
    )


def _resolution(data: xr.Dataset) -> str:
    """What so many pairs can show, and whether they show that selection matters in these heads at all."""
    pairs, uniform = data.sizes["pair"], lost(each(data, "uniform")[0])
    smallest = 2 * float(most_spikes(data).loss_se)
    can = f"These {pairs} pairs can show a loss of {smallest:.2g} or more (two standard errors)"
    if sign(uniform) > 0:
        return f"{can}."
    return f"{can}; uniform attention in these heads does not clearly lose either ({say(uniform)})."


def _controls(data: xr.Dataset) -> str:
    most, sampled = most_spikes(data), each(data, "sampled")
    twin = min(sampled, key=lambda trial: abs(np.log(float(trial.spikes) / float(most.spikes))))
    uniform, argmax = (each(data, kind)[0] for kind in ("uniform", "argmax"))
    return (
        f"The loss is {say(lost(twin))} with {int(twin.spikes)} samples a row drawn from the softmax itself, "
        f"{say(lost(uniform))} with uniform attention in these heads, and {say(lost(argmax))} with attention to "
        "the strongest key alone."
    )


def _layers(data: xr.Dataset) -> str:
    """Layers that clearly lose, corrected for the number that were tried."""
    tried = each(data, "one layer")
    if not tried:
        return ""
    among = f"at {int(tried[0].spikes)} spikes a row, {len(tried)} layers compared together"
    signs = clear({str(int(trial.layer)): lost(trial) for trial in tried})
    lossy = [f"layer {int(t.layer)} ({say(lost(t))})" for t in tried if signs[str(int(t.layer))] > 0]
    if not lossy:
        worst = max(tried, key=lambda trial: float(trial.loss))
        most = f"most: layer {int(worst.layer)}, {say(lost(worst))}"
        return f"No single layer clearly loses alone ({among}; {most})."
    return f"Alone, these clearly lose: {listed(lossy)} ({among})."


def _time(metrics: Mapping[str, Metric]) -> str:
    time = metrics["time"]
    spread = time.note.partition(", ")[2]
    return f"The simulation takes {time.value:.1f} times as long as the softmax model (rounds {spread})."


def _energy_ratios(bills: Mapping[str, Bill]) -> list[tuple[float, str]]:
    """Energy over softmax's under each table, on the machine that it prices whole, and how that reads."""
    ratios = []
    for name, priced in TABLES.items():
        softmax, *others = (energy for energy in energies(bills, name).values() if energy is not None)
        whole = [energy.total_J for energy in others if "neuron_updates" not in energy.unpriced]
        if whole:  # updates of cells are not free
            times = min(whole) / softmax.total_J
            ratios.append((times, f"{times:.1f} under {priced.title} (softmax {si(softmax.total_J, 'J')})"))
    return ratios
