"""Measures of head-swap: together, against spikes, and head by head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bridge import Usage
from pragmatic.training.evaluation import SequenceScores
from scenarios.head_swap.head_probe import HeadFacts
from scenarios.head_swap.spike_price import spike_price
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.scores import paired_columns, score_columns
from scenarios.workbench.statistics import rank_correlation
from scenarios.workbench.tables import columns

__all__ = ["KINDS", "REASONS", "shown_budget", "swaps_dataset", "table"]

KINDS = ("simulated", "sampled")
SHOWN = 64  # spikes per row of the headline: the budget nearest to it
REASONS = ("entropy", "scatter", "matters", "depth")  # what might go with fragility

Scores = Mapping[tuple[str, str, int], SequenceScores]  # kind, swap, spikes


def shown_budget(budgets: tuple[int, ...]) -> int:
    """The budget nearest to 64 spikes, by ratio."""
    return min(budgets, key=lambda n: abs(np.log(n / SHOWN)))


def swaps_dataset(
    reference: SequenceScores,
    scores: Scores,
    controls: Mapping[tuple[str, str], SequenceScores],
    usage: Mapping[tuple[str, str, int], Usage],
    facts: HeadFacts,
) -> xr.Dataset:
    """Loss and accuracy of every window, the rises with their standard errors, and facts about the heads.

    A swap is named "all" (the chosen heads together) or "layer.head".
    """
    (kinds, swaps, spikes), (names, _) = _axes(scores), _axes(controls)
    full = ("kind", "swap", "spikes")

    def grid(of: Mapping[tuple[str, str, int], Any]) -> list[list[list[Any]]]:
        return [[[of[k, s, n] for n in spikes] for s in swaps] for k in kinds]

    dataset = xr.Dataset(
        {
            **score_columns((), reference, "softmax_"),
            **score_columns(full, grid(scores)),
            **score_columns(
                ("control", "swap"), [[controls[c, s] for s in swaps] for c in names], "control_"
            ),
            **columns(full, spikes_per_row=grid({key: _per_row(used) for key, used in usage.items()})),
            **columns(full, silent_rows=grid({key: used.silent_rows for key, used in usage.items()})),
            **columns("head", "nat", entropy=facts.entropy),
            **columns("head", effective_keys=facts.effective_keys, scatter=facts.scatter),
        },
        {
            "kind": kinds,
            "control": names,
            "swap": swaps,
            "head": swaps[1:],
            **columns("spikes", spikes=spikes),
        },
    )
    rises: dict[str, xr.DataArray] = {}
    for field, units in (("loss", "nat"), ("accuracy", "1")):
        for name in (field, f"control_{field}"):
            rises |= paired_columns(f"{name}_rise", dataset[name] - dataset[f"softmax_{field}"], units)
    return dataset.assign(rises)


def _axes(keys: Mapping[tuple[Any, ...], object]) -> list[list[Any]]:
    """The distinct values of each part of the keys, in their order."""
    return [list(dict.fromkeys(values)) for values in zip(*keys, strict=True)]


def _per_row(usage: Usage) -> float:
    return usage.spikes / usage.rows


def table(dataset: xr.Dataset, rng: np.random.Generator) -> dict[str, Metric]:
    """Every number of the report."""
    lines = Lines()
    _together(lines, dataset)
    _price(lines, dataset, rng)
    _alone(lines, dataset)
    _reasons(lines, dataset, rng)
    return lines.metrics


def _together(lines: Lines, dataset: xr.Dataset) -> None:
    """All chosen heads swapped at once, at the budget of the headline."""
    n = shown_budget(tuple(dataset.spikes.values.tolist()))
    at, uniform = dataset.sel(swap="all", spikes=n), dataset.sel(control="uniform", swap="all")
    spiking, sampled, loss = at.sel(kind="simulated"), at.sel(kind="sampled"), dataset.softmax_loss
    lines.add(
        "rise",
        f"rise in loss, heads swapped at {n} spikes",
        spiking.loss - loss,
        floor=sampled.loss_rise,
        control=uniform.control_loss_rise,
        unit="nat",
        note="floor: as many exact samples; control: uniform attention",
    )
    lines.add("rise_sampled", "– exact samples, as many", sampled.loss - loss, unit="nat")
    lines.add("excess", "– spikes above exact samples", spiking.loss - sampled.loss, floor=0, unit="nat")
    lines.add(
        "drop",
        "fall in accuracy, the same",
        dataset.softmax_accuracy - spiking.accuracy,
        floor=-sampled.accuracy_rise,
        control=-uniform.control_accuracy_rise,
        note="floor and control as above",
    )
    lines.add("loss", "loss of the model with softmax", loss, unit="nat")
    lines.add("accuracy", "accuracy of the model with softmax", dataset.softmax_accuracy)
    whole = "a row ends with the step in which its last spike falls"
    lines.add("spikes", f"spikes counted per row, {n} asked for", spiking.spikes_per_row, note=whole)
    lines.add("silent", "silent rows, of all budgets", dataset.silent_rows.sum())
    for control in dataset.control.values:
        rise = dataset.control_loss.sel(control=control, swap="all") - loss
        lines.add(f"rise_{control}", f"rise with {control} attention in these heads", rise, unit="nat")


def _price(lines: Lines, dataset: xr.Dataset, rng: np.random.Generator) -> None:
    """What a spike less costs, what no number of spikes mends, and the spikes that the goal takes."""
    rises, goal = (dataset.loss - dataset.softmax_loss).sel(swap="all"), dataset.goal_nats
    spiking, sampled = (
        spike_price(dataset.spikes.values, rises.sel(kind=kind).values, goal, rng) for kind in KINDS
    )
    lines.add(
        "spikes_for_goal",
        f"spikes per row for a rise of {goal:g} nat",
        spiking.spikes_for_goal,
        floor=sampled.spikes_for_goal,
        note="read off the line below",
    )
    slope, intercept = "slope of the rise against 1 / spikes", "intercept of that line"
    lines.add("cost", "rise times spikes", spiking.cost, floor=sampled.cost, unit="nat", note=slope)
    rest = "rise that more spikes do not mend"
    lines.add("rest", rest, spiking.rest, floor=sampled.rest, unit="nat", note=intercept)
    lines.add("rest_sampled", "– exact samples, as many", sampled.rest, unit="nat")


def _alone(lines: Lines, dataset: xr.Dataset) -> None:
    """The heads one by one, at few spikes."""
    few, heads = dataset.few_spikes, dataset["head"].values
    rises = (dataset.loss - dataset.softmax_loss).sel(kind="simulated", spikes=few)
    alone, together = rises.sel(swap=heads), rises.sel(swap="all")
    order = alone.mean("window").values.argsort()
    most = f"rise with one head at {few} spikes, most fragile"
    for name, label, head, and_so in (
        ("most_fragile", most, heads[order[-1]], "; control: uniform attention there"),
        ("least_fragile", "– least fragile", heads[order[0]], ""),
    ):
        control = dataset.control_loss_rise.sel(control="uniform", swap=head)
        lines.add(name, label, alone.sel(swap=head), control=control, unit="nat", note=f"head {head}{and_so}")
    lines.add("sum_alone", "– sum over the heads", alone.sum("swap"), unit="nat")
    lines.add("together_few", "– all of them together", together, unit="nat")
    beyond = together - alone.sum("swap")
    lines.add("beyond_sum", "– together beyond the sum", beyond, floor=0, unit="nat")


def _reasons(lines: Lines, dataset: xr.Dataset, rng: np.random.Generator) -> None:
    """What goes with fragility over the heads, in ranks."""
    heads = dataset["head"].values
    fragility = dataset.loss_rise.sel(kind="simulated", spikes=dataset.few_spikes, swap=heads).values
    uniform = dataset.control_loss_rise.sel(control="uniform", swap=heads).values
    depth, entropy = dataset.layer.values.astype(float), dataset.entropy.values
    labels = "entropy of the attention", "scatter of what one key writes", "rise with uniform attention there"
    values = entropy, dataset.scatter.values, uniform, depth
    for name, label, reason in zip(REASONS, (*labels, "the layer"), values, strict=True):
        rho, p = rank_correlation(reason, fragility, rng)
        note = f"p = {p:.2g} by permutation, {len(heads)} heads"
        lines.add(name, f"rank correlation of fragility with {label}", rho, floor=0, note=note)
        corrected = f"two-sided; the verdict corrects for {len(REASONS)}"
        lines.add(f"{name}_p", "– p-value", p, note=corrected)
    rho, p = rank_correlation(depth, entropy, rng)
    note = f"p = {p:.2g}; where they go together, which of them makes fragile stays open"
    lines.add("entropy_by_depth", "rank correlation of entropy with the layer", rho, note=note)
    lines.add("entropy_by_depth_p", "– p-value", p, note="two-sided")
