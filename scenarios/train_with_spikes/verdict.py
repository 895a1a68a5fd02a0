"""The verdict of train-with-spikes, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.workbench.head_kinds import KINDS
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import sign

__all__ = ["training_verdict"]


def training_verdict(metrics: Mapping[str, Metric], *, spikes: int, iterations: int) -> str:
    """A paragraph; every comparison in it is made here, none is taken for granted.

    Parameters
    ----------
    metrics : mapping
        Of `training_metrics`; kinds that were not trained are not in it.
    spikes : int
        Of a row.
    iterations : int
        Of each training.
    """
    if "gap_simulated" not in metrics:
        trained = ", ".join(
            f"{kind} {metrics[f'loss_{kind}'].text()}" for kind in KINDS if f"loss_{kind}" in metrics
        )
        return (
            f"Loss after {iterations} iterations: {trained}. Simulated heads and softmax of one seed were not both "
            "trained, so nothing is compared; join the runs that have them."
        )
    parts = (
        _learns(metrics, spikes, iterations),
        _through(metrics),
        _others(metrics),
        _price(metrics),
    )
    return " ".join(part for part in parts if part)


def _learns(metrics: Mapping[str, Metric], spikes: int, iterations: int) -> str:
    gap = metrics["gap_simulated"]
    said = f"{metrics['loss_simulated'].text()} against {metrics['loss_softmax'].text()}"
    start = f"From scratch, {iterations} iterations with {spikes} simulated spikes a row reach {said} with softmax"
    if sign(gap) > 0:
        return f"{start}: {gap.text()} worse, seed by seed."
    if sign(gap) < 0:
        return f"{start}: {-gap.value:.3g} nat better, seed by seed ({gap.text()})."
    return f"{start}: no clear difference seed by seed ({gap.text()})."


def _through(metrics: Mapping[str, Metric]) -> str:
    """Whether it helps to have the spikes in the loop, or they may as well be put in at the end."""
    swapped, saved = metrics["gap_swapped"], metrics["gain_by_training"]
    start = f"Put only into the trained softmax model, the spikes cost {swapped.text()}"
    if sign(saved) > 0:
        return f"{start}; training through them saves {saved.text()} of it."
    if sign(saved) < 0:
        return (
            f"{start}; training through them is worse than that, by {-saved.value:.3g} nat ({saved.text()})."
        )
    return f"{start}; that training through them does better is not shown ({saved.text()})."


def _others(metrics: Mapping[str, Metric]) -> str:
    """The other kinds of head against softmax; uniform ones tell whether attention matters here."""
    words = {1: "clearly worse", -1: "clearly better", 0: "not clearly apart"}
    names = {
        "sampled": "as many exact samples",
        "linear": "linear",
        "sparsemax": "sparsemax",
        "uniform": "uniform",
    }
    said = [
        f"{name} {gap.text()} ({words[sign(gap)]})"
        for kind, name in names.items()
        if (gap := metrics.get(f"gap_{kind}")) is not None
    ]
    if not said:
        return ""
    told = f"Other heads against softmax: {', '.join(said)}."
    if "gap_uniform" in metrics and sign(metrics["gap_uniform"]) <= 0:
        return f"{told} So selection does not matter to this model yet, and nothing here tells heads apart."
    return told


def _price(metrics: Mapping[str, Metric]) -> str:
    time, work = metrics["times_simulated"].value, metrics["operations_times_simulated"].value
    digital, hardware = metrics["joules_times_simulated"].value, metrics["joules_times_events"].value
    equal = metrics["loss_simulated_same_operations"]
    behind = equal.value - (equal.control or 0.0)
    verdict = "dearer" if min(work, digital, hardware) > 1 else "cheaper by some of these counts"
    return (
        f"An iteration takes {time:.3g} times the time of softmax heads, {work:.3g} times the operations, and "
        f"{digital:.3g} times the energy on a digital machine or {hardware:.3g} times with the cells in hardware: "
        f"training with simulated spikes is {verdict}. When it has done the operations of the whole softmax "
        f"training it stands at {equal.value:.3g} nat, {behind:+.3g} from where that ended."
    )
