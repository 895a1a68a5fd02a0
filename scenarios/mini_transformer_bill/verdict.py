"""The verdict of mini-transformer-bill, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import sign

__all__ = ["bill_verdict"]


def bill_verdict(metrics: Mapping[str, Metric], tasks: list[str], *, goal: float) -> str:
    """A paragraph; every comparison in it is made here, none is taken for granted.

    Parameters
    ----------
    metrics : mapping
        Of `bill_metrics`.
    tasks : list of str
    goal : float
        Accuracy that a model may lose to softmax and still count as good.
    """
    if not all(f"gap_{task}_simulated" in metrics for task in tasks):
        return (
            "No simulated heads were built, so the question is not answered; put simulated among the kinds."
        )
    telling = [task for task in tasks if _selects(metrics, task)]
    parts = (
        _meaning([task for task in tasks if task not in telling]),
        _expressive(metrics, tasks),
        _swapped(metrics, tasks),
        _modest(metrics, goal),
        _break_even(metrics, tasks),
        _fronts(metrics),
        _answer(metrics, telling),
    )
    return " ".join(part for part in parts if part)


def _selects(metrics: Mapping[str, Metric], task: str) -> bool:
    """Whether selection is worth something: softmax clearly above uniform attention, where that was built."""
    return f"gap_{task}_uniform" not in metrics or sign(metrics[f"gap_{task}_uniform"]) < 0


def _meaning(silent: list[str]) -> str:
    if not silent:
        return ""
    return (
        f"Softmax does no better than uniform attention at {_listed(silent)}: that is not learnt at this size "
        "and length of training, and tells nothing about heads."
    )


def _expressive(metrics: Mapping[str, Metric], tasks: list[str]) -> str:
    gap = metrics["accuracy_gap"]
    worse = [t for t in tasks if sign(metrics[f"gap_{t}_simulated"]) < 0]
    told = [f"{task} {metrics[f'gap_{task}_simulated'].text()}" for task in tasks]
    start = f"Trained through their spikes, simulated heads stand {gap.text()} in accuracy from softmax"
    word = f"clearly worse at {_listed(worse)}" if worse else "nowhere clearly worse"
    return f"{start} ({', '.join(told)}): {word}."


def _swapped(metrics: Mapping[str, Metric], tasks: list[str]) -> str:
    gaps = [metrics[f"gap_{task}_swapped"] for task in tasks if f"gap_{task}_swapped" in metrics]
    if not gaps:
        return ""
    lost = [task for task in tasks if sign(metrics[f"gap_{task}_swapped"]) < 0]
    start = "Put into the model trained with softmax, whose training they leave as cheap as it is, they lose"
    said = f"{start} clearly at {_listed(lost)}." if lost else f"{start} nothing clear."
    gain = metrics["through_gain"]
    if sign(gain) > 0:
        return f"{said} Training through them pays where spikes are few: {gain.label} by {gain.text()}."
    return f"{said} Nor does training through them clearly pay where spikes are few ({gain.text()})."


def _modest(metrics: Mapping[str, Metric], goal: float) -> str:
    inference, training = metrics["inference_times"], metrics["training_times"]
    if np.isnan(inference.value):
        return f"No simulated model comes within {goal:g} of softmax's accuracy on any task."
    trained = (
        f"training {training.value:.3g} times"
        if np.isfinite(training.value)
        else f"training through the spikes never comes within {goal:g}"
    )
    return (
        f"The cheapest within {goal:g} of softmax's accuracy takes {inference.value:.3g} times its energy at "
        f"inference, on the machine that suits it better, and {trained}."
    )


def _break_even(metrics: Mapping[str, Metric], tasks: list[str]) -> str:
    prices = [metrics[f"break_even_{task}"] for task in tasks]
    low, high = min(m.value for m in prices), max(m.value for m in prices)
    loihi = prices[0].control
    if high <= 0:
        return "Even if an update of a cell cost nothing, inference in spikes would not break even."
    return (
        f"With the fewest spikes inference would break even if an update of a cell cost {max(low, 0.0):.2g} to "
        f"{high:.2g} pJ; on Loihi it costs {loihi:g}."
    )


def _fronts(metrics: Mapping[str, Metric]) -> str:
    n = metrics["fronts"].value
    if n == 0:
        return (
            "No spiking model lies on a front of accuracy against energy: none is clearly more accurate than "
            "all that costs less."
        )
    return (
        f"On {n:.0f} fronts of accuracy against energy ({metrics['fronts'].note}) there is a spiking model."
    )


def _answer(metrics: Mapping[str, Metric], telling: list[str]) -> str:
    inference, training = metrics["inference_times"].value, metrics["training_times"].value
    cheap = [phase for phase, times in (("run", inference), ("train", training)) if times < 1]
    worse = [task for task in telling if sign(metrics[f"gap_{task}_simulated"]) < 0]
    if not telling:
        first = "Expressive: not tested, as no task asks for selection here"
    elif worse:
        first = f"Expressive: not at {_listed(worse)}"
    else:
        first = f"Expressive: yes, at {_listed(telling)}"
    return f"{first}. Modest: {f'yes, to {_listed(cheap)}' if cheap else 'no, neither to train nor to run'}."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
