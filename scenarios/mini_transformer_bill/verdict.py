"""The verdict of mini-transformer-bill, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import choose, listed
from scenarios.workbench.statistics import clear, estimate_of, sign

__all__ = ["in_words"]


def in_words(metrics: Mapping[str, Metric], tasks: list[str], params: Any) -> tuple[tuple[str, ...], str]:
    """Say the answer in short and as a paragraph; every comparison in it is decided by the numbers of the run."""
    if not all(f"gap_{task}_simulated" in metrics for task in tasks):
        return (), (
            "No simulated heads were built, so the question is not answered; put simulated among the kinds."
        )
    telling = _telling(metrics, tasks)
    meaning = _meaning([task for task in tasks if task not in telling])
    expressive, modest = _expressive(metrics, tasks), _modest(metrics, params.goal)
    swapped, answer = _swapped(metrics, tasks, params.budgets), _answer(metrics, telling)
    parts = (meaning, expressive, swapped, modest, _break_even(metrics, tasks), _fronts(metrics), answer)
    return (answer, meaning or expressive, modest), " ".join(filter(None, parts))


def _telling(metrics: Mapping[str, Metric], tasks: list[str]) -> list[str]:
    """Tasks where selection is worth something: softmax clearly above uniform attention, where that was built."""
    return [t for t in tasks if f"gap_{t}_uniform" not in metrics or sign(metrics[f"gap_{t}_uniform"]) < 0]


def _clear(metrics: Mapping[str, Metric], tasks: list[str], kind: str) -> dict[str, int]:
    """Of each task whether this kind is clearly above or below softmax, all tasks compared together."""
    names = [task for task in tasks if f"gap_{task}_{kind}" in metrics]
    return clear({task: estimate_of(metrics[f"gap_{task}_{kind}"]) for task in names})


def _meaning(silent: list[str]) -> str:
    if not silent:
        return ""
    return (
        f"At {listed(silent)} softmax is not clearly better than uniform attention: the task is not learnt "
        "at this size and length of training, and its numbers say nothing about heads."
    )


def _expressive(metrics: Mapping[str, Metric], tasks: list[str]) -> str:
    worse = [task for task, below in _clear(metrics, tasks, "simulated").items() if below < 0]
    each = ", ".join(f"{task} {metrics[f'gap_{task}_simulated'].text()}" for task in tasks)
    word = f"clearly worse at {listed(worse)}" if worse else "nowhere clearly worse"
    return (
        "Trained through their spikes, simulated heads differ from softmax by "
        f"{metrics['accuracy_gap'].text()} in accuracy ({each}): {word}."
    )


def _swapped(metrics: Mapping[str, Metric], tasks: list[str], budgets: list[int]) -> str:
    signs = _clear(metrics, tasks, "swapped")
    if not signs:
        return ""
    lost = [f"{task} ({metrics[f'gap_{task}_swapped'].text()})" for task, below in signs.items() if below < 0]
    where = f"clearly lose accuracy at {listed(lost)}" if lost else "lose nothing clear"
    gain = metrics["through_gain"]
    word = choose(sign(gain), "clearly helps", "does not clearly help", "clearly harms")
    return (
        f"Put into the model trained with softmax, at {budgets[-1]} spikes, they {where}. At {budgets[0]} spikes, "
        f"training through them {word} (accuracy above spikes put in: {gain.text()})."
    )


def _modest(metrics: Mapping[str, Metric], goal: float) -> str:
    inference, training = metrics["inference_times"].value, metrics["training_times"].value
    if np.isnan(inference):
        return f"No simulated model comes within {goal:g} of softmax's accuracy on any task."
    never = f"training through the spikes never comes within {goal:g}"
    trained = f"training {training:.3g} times" if np.isfinite(training) else never
    return (
        f"The cheapest within {goal:g} of softmax's accuracy takes {inference:.3g} times its energy at "
        f"inference, on the machine that suits it better, and {trained}."
    )


def _break_even(metrics: Mapping[str, Metric], tasks: list[str]) -> str:
    prices = [metrics[f"break_even_{task}"] for task in tasks]
    low, high = min(m.value for m in prices), max(m.value for m in prices)
    if high <= 0:
        return "Even if an update of a cell cost nothing, inference in spikes would not break even."
    return (
        f"With the fewest spikes inference would break even if an update of a cell cost {max(low, 0.0):.2g} to "
        f"{high:.2g} pJ; on Loihi it costs {prices[0].control:g}."
    )


def _fronts(metrics: Mapping[str, Metric]) -> str:
    fronts = metrics["fronts"]
    if fronts.value:
        return f"On {fronts.value:.0f} fronts of accuracy against energy ({fronts.note}) there is a spiking model."
    return (
        "No spiking model lies on a front of accuracy against energy: none is clearly more accurate than all that "
        "costs less."
    )


def _answer(metrics: Mapping[str, Metric], telling: list[str]) -> str:
    times = {"run": metrics["inference_times"].value, "train": metrics["training_times"].value}
    cheap = [phase for phase, factor in times.items() if factor < 1]
    worse = [task for task, below in _clear(metrics, telling, "simulated").items() if below < 0]
    if not telling:
        first = "Expressive: not tested, as no task asks for selection here"
    elif worse:
        first = f"Expressive: not at {listed(worse)}"
    else:
        first = f"Expressive: no clear loss of accuracy at {listed(telling)}"
    return f"{first}; modest: {f'yes, to {listed(cheap)}' if cheap else 'no, neither to train nor to run'}."
