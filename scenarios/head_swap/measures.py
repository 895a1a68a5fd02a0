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
from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.scores import paired_columns, score_columns
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import LEVEL, difference, estimate_of, holm, rank_correlation, sign
from scenarios.workbench.tables import column, columns

__all__ = ["KINDS", "REASONS", "in_words", "shown_budget", "swaps_dataset", "table"]

KINDS = ("simulated", "sampled")
SHOWN = 64  # spikes per row of the headline: the budget nearest to it
REASONS = ("entropy", "scatter", "matters", "depth")  # what might go with fragility

Scores = Mapping[tuple[str, str, int], SequenceScores]  # kind, swap, spikes
OTHERS = {
    "matters": "what uniform attention costs in that head",
    "scatter": "how far apart the values lie that it attends to",
    "depth": "how deep its layer lies",
}


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

    controlled = [[controls[c, s] for s in swaps] for c in names]
    dataset = xr.Dataset(
        {
            **score_columns((), reference, "softmax_"),
            **score_columns(full, grid(scores)),
            **score_columns(("control", "swap"), controlled, "control_"),
            **columns(full, spikes_per_row=grid({key: u.spikes / u.rows for key, u in usage.items()})),
            **columns(full, silent_rows=grid({key: u.silent_rows for key, u in usage.items()})),
            "entropy": column("head", facts.entropy, "entropy of the attention", "nat"),
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
    for name, unit in (("loss", "nat"), ("accuracy", "")):
        for of in (name, f"control_{name}"):
            rise = dataset[of] - dataset[f"softmax_{name}"]
            rises |= paired_columns(f"{of}_rise", rise, f"rise in {name}", unit)
    return dataset.assign(rises)


def _axes(keys: Mapping[tuple[Any, ...], object]) -> list[list[Any]]:
    """The distinct values of each part of the keys, in their order."""
    return [list(dict.fromkeys(values)) for values in zip(*keys, strict=True)]


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
    at, controls = dataset.sel(swap="all", spikes=n), dataset.sel(swap="all")
    spiking, sampled = (at.sel(kind=kind) for kind in KINDS)
    uniform = controls.sel(control="uniform")
    floor, control = sampled.loss_rise, uniform.control_loss_rise
    label, note = (
        f"rise in loss, heads swapped at {n} spikes",
        "floor: as many exact samples; control: uniform attention",
    )
    lines.take(spiking, "loss_rise", name="rise", label=label, floor=floor, control=control, note=note)
    lines.take(sampled, "loss_rise", name="rise_sampled", label="– exact samples, as many")
    excess = spiking.loss - sampled.loss
    lines.add("excess", "– spikes above exact samples", excess, floor=0, unit="nat")
    drop, note = dataset.softmax_accuracy - spiking.accuracy, "floor and control as above"
    floor, control = -sampled.accuracy_rise, -uniform.control_accuracy_rise
    lines.add("drop", "fall in accuracy, the same", drop, floor=floor, control=control, note=note)
    lines.add("loss", "loss of the model with softmax", dataset.softmax_loss, unit="nat")
    lines.add("accuracy", "accuracy of the model with softmax", dataset.softmax_accuracy)
    whole = "a row ends with the step in which its last spike falls"
    lines.add("spikes", f"spikes counted per row, {n} asked for", spiking.spikes_per_row, note=whole)
    lines.add("silent", "silent rows, of all budgets", dataset.silent_rows.sum())
    for name in dataset.control.values:
        label = f"rise with {name} attention in these heads"
        lines.take(controls.sel(control=name), "control_loss_rise", name=f"rise_{name}", label=label)


def _price(lines: Lines, dataset: xr.Dataset, rng: np.random.Generator) -> None:
    """What a spike less costs, what no number of spikes mends, and the spikes that the goal takes."""
    rises, goal = (dataset.loss - dataset.softmax_loss).sel(swap="all"), dataset.goal_nats
    spiking, sampled = (
        spike_price(dataset.spikes.values, rises.sel(kind=kind).values, goal, rng) for kind in KINDS
    )
    label, floor, note = (
        f"spikes per row for a rise of {goal:g} nat",
        sampled.spikes_for_goal,
        "read off the line below",
    )
    lines.add("spikes_for_goal", label, spiking.spikes_for_goal, floor=floor, note=note)
    slope, intercept = "slope of the rise against 1 / spikes", "intercept of that line"
    lines.add("cost", "rise times spikes", spiking.cost, floor=sampled.cost, unit="nat", note=slope)
    rest = "rise that more spikes do not mend"
    lines.add("rest", rest, spiking.rest, floor=sampled.rest, unit="nat", note=intercept)
    lines.add("rest_sampled", "– exact samples, as many", sampled.rest, unit="nat")


def _alone(lines: Lines, dataset: xr.Dataset) -> None:
    """The heads one by one, at few spikes."""
    few, heads = dataset.few_spikes, dataset["head"].values
    at = dataset.sel(kind="simulated", spikes=few)
    order = at.loss_rise.sel(swap=heads).values.argsort()
    most, note = f"rise with one head at {few} spikes, most fragile", "; control: uniform attention there"
    for name, label, head, control in (
        ("most_fragile", most, heads[order[-1]], note),
        ("least_fragile", "– least fragile", heads[order[0]], ""),
    ):
        uniform = dataset.control_loss_rise.sel(control="uniform", swap=head)
        note = f"head {head}{control}"
        lines.take(at.sel(swap=head), "loss_rise", name=name, label=label, control=uniform, note=note)
    rises = at.loss - at.softmax_loss
    apart, together = rises.sel(swap=heads).sum("swap"), rises.sel(swap="all")
    lines.add("sum_alone", "– sum over the heads", apart, unit="nat")
    lines.add("together_few", "– all of them together", together, unit="nat")
    lines.add("beyond_sum", "– together beyond the sum", together - apart, floor=0, unit="nat")


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


def in_words(m: Numbers, params: Any, spikes: int) -> Words:
    """Say the answer; every comparison in it is decided by the numbers of the run.

    Parameters
    ----------
    m : mapping
        Of `table`.
    params : Params
    spikes : int
        Budget of the headline.
    """
    word = choose(sign(m["rise"]), "rises by", "does not clearly rise:", "falls, a rise of")
    together = (
        f"With {params.chosen} of the model spiking at {spikes} spikes a row, the held-out loss of {m['loss']} "
        f"{word} {m['rise']}; uniform attention there costs {m['rise_uniform']}, hardmax {m['rise_hardmax']}."
    )
    accuracy = choose(
        sign(m["drop"]),
        f"Accuracy falls by {m['drop']} from {m['accuracy']}.",
        f"Accuracy, {m['accuracy']}, does not clearly fall ({m['drop']}).",
        f"Accuracy rises from {m['accuracy']} (fall {m['drop']}).",
    )
    same = "no clear difference, so the number of spikes limits it rather than the circuit"
    word = choose(sign(m["excess"]), "the circuit itself costs more", same, "the circuit itself costs less")
    circuit = (
        f"As many exact samples of the softmax cost {m['rise_sampled']}: {word} (spikes above samples: "
        f"{m['excess']})."
    )
    law, cost = _price_said(m, params.goal)
    alone, why = _alone_said(m, params.few_spikes), _why(m)
    return words(together, accuracy, circuit, law, cost, alone, why, short=(together, circuit, cost))


def _price_said(m: Numbers, goal: float) -> tuple[str, str]:
    """The law of the rise, and what the goal takes."""
    needed, rest, sampled = (m[name] for name in ("spikes_for_goal", "rest", "rest_sampled"))
    if not np.isfinite(m["cost"].value):
        return "Too few budgets were measured for a law of the rise.", ""
    beyond = sign(difference(estimate_of(rest), estimate_of(sampled))) > 0
    word = "above a rest of" if beyond else "with no clear rest beyond that of exact samples:"
    takes = f"takes {needed} spikes a row" if np.isfinite(needed.value) else "is out of reach"
    law = f"From 4 spikes on the rise goes as {m['cost']} over the spikes, {word} {rest}"
    return f"{law} (exact samples: {sampled}).", f"A rise of {goal:g} nat {takes}."


def _alone_said(m: Numbers, few: int) -> str:
    most, least, beyond = (m[name] for name in ("most_fragile", "least_fragile", "beyond_sum"))
    fragile, robust = (metric.note.partition(";")[0] for metric in (most, least))
    if fragile == robust:
        return f"The one head chosen, {fragile}, costs {most} at {few} spikes."
    word = choose(sign(beyond), "more", "no clear difference", "less")
    return (
        f"Alone at {few} spikes, the heads cost from {least} ({robust}) to {most} ({fragile}); their rises add up "
        f"to {m['sum_alone']}, and together they cost {m['together_few']}: {word} ({beyond})."
    )


def _why(m: Numbers) -> str:
    """What goes with fragility, the four rank correlations corrected together."""
    if not np.isfinite(m["entropy"].value):
        return "The heads are too few to say why."
    kept = holm({name: m[f"{name}_p"].value for name in REASONS})
    numbers = {name: f"rank correlation {m[name]}, p = {m[f'{name}_p']:.2g}" for name in REASONS}
    entropy = "That entropy goes with fragility is not shown"
    if "entropy" in kept:
        entropy = f"{'Diffuse' if m['entropy'].value > 0 else 'Sharp'} heads are the fragile ones"
    said = f"{entropy} ({numbers['entropy']}; of {len(REASONS)} reasons tried, Holm-corrected)."
    others = [f"{what} ({numbers[name]})" for name, what in OTHERS.items() if name in kept]
    also = f"What goes with fragility is {listed(others)}." if others else "No other reason holds."
    if {"entropy", "depth"} <= set(kept) and m["entropy_by_depth_p"].value < LEVEL:
        turn = m["entropy_by_depth"]
        also += f" Entropy itself goes with the layer ({turn:+.2f}): which of the two matters stays open."
    return f"{said} {also}"
