"""The verdict of train-with-spikes, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scenarios.workbench.head_kinds import KINDS
from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import choose
from scenarios.workbench.statistics import clear, estimate_of, sign

__all__ = ["in_words"]

OTHERS = {
    "sampled": "as many exact samples",
    "linear": "linear",
    "sparsemax": "sparsemax",
    "uniform": "uniform",
}


def in_words(metrics: Mapping[str, Metric], params: Any) -> tuple[tuple[str, ...], str]:
    """Say the answer in short and as a paragraph; nothing is said of kinds that were not trained."""
    if "gap_simulated" not in metrics:
        trained = ", ".join(f"{k} {metrics[f'loss_{k}'].text()}" for k in KINDS if f"loss_{k}" in metrics)
        return (), (
            f"Loss after {params.iterations} iterations: {trained}. Simulated heads and softmax of one seed "
            "were not both trained, so nothing is compared; join the runs that have them."
        )
    short = _learns(metrics, params), _through(metrics), _price(metrics)
    return short, " ".join(filter(None, (*short[:2], _others(metrics), short[2], _equal(metrics))))


def _learns(metrics: Mapping[str, Metric], params: Any) -> str:
    gap = metrics["gap_simulated"]
    word = choose(sign(gap), "worse", "no clear difference", "better")
    unlearnt = ""
    if "gap_uniform" in metrics and sign(metrics["gap_uniform"]) <= 0:
        unlearnt = (
            ", though softmax is not clearly better than uniform attention: no head has learnt to select"
        )
    return (
        f"From scratch, {params.iterations} iterations with {params.spikes} simulated spikes a row reach "
        f"{metrics['loss_simulated'].text()} against {metrics['loss_softmax'].text()} with softmax: {word}, "
        f"{gap.text()} seed by seed{unlearnt}."
    )


def _through(metrics: Mapping[str, Metric]) -> str:
    """Whether it helps to have the spikes in the loop, or they may as well be put in at the end."""
    saved = metrics["gain_by_training"]
    word = choose(
        sign(saved),
        f"training through them saves {saved.text()} of it",
        f"no clear gain by training through them ({saved.text()})",
        f"training through them is worse than that (gain {saved.text()})",
    )
    return (
        f"Put only into the trained softmax model, the spikes cost {metrics['gap_swapped'].text()}: {word}."
    )


def _others(metrics: Mapping[str, Metric]) -> str:
    """The other kinds of head against softmax, compared together."""
    given = {kind: metrics[f"gap_{kind}"] for kind in OTHERS if f"gap_{kind}" in metrics}
    signs = clear({kind: estimate_of(gap) for kind, gap in given.items()})
    words = [
        f"{OTHERS[kind]} {gap.text()} ({choose(signs[kind], 'worse', 'no clear difference', 'better')})"
        for kind, gap in given.items()
    ]
    return f"Other heads against softmax: {', '.join(words)}." if words else ""


def _price(metrics: Mapping[str, Metric]) -> str:
    time, work, digital, hardware = (
        metrics[name].value
        for name in (
            *(
                "times_simulated",
                "operations_times_simulated",
                "joules_times_simulated",
                "joules_times_events",
            ),
        )
    )
    return (
        f"An iteration takes {time:.3g} times the time of softmax heads, {work:.3g} times the operations, and "
        f"{digital:.3g} times the energy on a digital machine or {hardware:.3g} times with the cells in hardware."
    )


def _equal(metrics: Mapping[str, Metric]) -> str:
    equal = metrics["loss_simulated_same_operations"]
    apart = equal.value - (equal.control or 0.0)
    return (
        "After as many operations as the whole softmax training its loss is "
        f"{equal.text()}, {apart:+.3g} nat from where softmax ended."
    )
