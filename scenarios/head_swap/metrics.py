"""The numbers of head-swap: together, against spikes, and head by head."""

from __future__ import annotations

import numpy as np
import xarray as xr

from scenarios.head_swap.findings import Findings
from scenarios.head_swap.spike_price import SpikePrice, spike_price
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, mean, metric, rank_correlation

__all__ = ["findings_metrics", "shown_budget"]

SHOWN = 64  # spikes per row of the headline: the budget nearest to it


def findings_metrics(found: Findings, dataset: xr.Dataset, rng: np.random.Generator) -> dict[str, Metric]:
    """Every number of the report."""
    return (
        _together(found, dataset)
        | _controls(dataset)
        | _price(found, dataset, rng)
        | _alone(found, dataset)
        | _reasons(found, dataset, rng)
    )


def shown_budget(budgets: tuple[int, ...]) -> int:
    """The budget nearest to 64 spikes, by ratio."""
    return min(budgets, key=lambda n: abs(np.log(n / SHOWN)))


def _together(found: Findings, dataset: xr.Dataset) -> dict[str, Metric]:
    """All chosen heads swapped at once, at the budget of the headline."""
    n = shown_budget(found.spikes)
    at = dataset.sel(swap="all", spikes=n)
    spiking, sampled = at.sel(kind="simulated"), at.sel(kind="sampled")
    uniform = dataset.sel(control="uniform", swap="all")
    return {
        "rise": metric(
            f"rise in loss, heads swapped at {n} spikes",
            _mean(spiking.loss - dataset.softmax_loss),
            floor=float(sampled.loss_rise),
            control=float(uniform.control_loss_rise),
            unit="nat",
            note="floor: as many exact samples; control: uniform attention",
        ),
        "rise_sampled": metric(
            "– exact samples, as many", _mean(sampled.loss - dataset.softmax_loss), unit="nat"
        ),
        "excess": metric(
            "– spikes above exact samples", _mean(spiking.loss - sampled.loss), floor=0.0, unit="nat"
        ),
        "drop": metric(
            "fall in accuracy, the same",
            _mean(dataset.softmax_accuracy - spiking.accuracy),
            floor=-float(sampled.accuracy_rise),
            control=-float(uniform.control_accuracy_rise),
            note="floor and control as above",
        ),
        "loss": metric("loss of the model with softmax", mean(found.reference.loss), unit="nat"),
        "accuracy": metric("accuracy of the model with softmax", mean(found.reference.accuracy)),
        "spikes": Metric(
            label=f"spikes counted per row, {n} asked for",
            value=float(spiking.spikes_per_row),
            note="a row ends with the step in which its last spike falls",
        ),
        "silent": Metric(label="silent rows, of all budgets", value=float(dataset.silent_rows.sum())),
    }


def _controls(dataset: xr.Dataset) -> dict[str, Metric]:
    rises = (dataset.control_loss - dataset.softmax_loss).sel(swap="all")
    return {
        f"rise_{control}": metric(
            f"rise with {control} attention in these heads", _mean(rises.sel(control=control)), unit="nat"
        )
        for control in dataset.control.values
    }


def _price(found: Findings, dataset: xr.Dataset, rng: np.random.Generator) -> dict[str, Metric]:
    """What a spike less costs, what no number of spikes mends, and the spikes that the goal takes."""

    def of(kind: str) -> SpikePrice:
        rises = (dataset.loss - dataset.softmax_loss).sel(swap="all", kind=kind)
        return spike_price(np.array(found.spikes), rises.values, found.goal, rng)

    spiking, sampled = of("simulated"), of("sampled")
    return {
        "spikes_for_goal": metric(
            f"spikes per row for a rise of {found.goal:g} nat",
            spiking.spikes_for_goal,
            floor=sampled.spikes_for_goal.value,
            note="read off the line below",
        ),
        "cost": metric(
            "rise times spikes",
            spiking.cost,
            floor=sampled.cost.value,
            unit="nat",
            note="slope of the rise against 1 / spikes",
        ),
        "rest": metric(
            "rise that more spikes do not mend",
            spiking.rest,
            floor=sampled.rest.value,
            unit="nat",
            note="intercept of that line",
        ),
        "rest_sampled": metric("– exact samples, as many", sampled.rest, unit="nat"),
    }


def _alone(found: Findings, dataset: xr.Dataset) -> dict[str, Metric]:
    """The heads one by one, at few spikes."""
    rises = (dataset.loss - dataset.softmax_loss).sel(kind="simulated", spikes=found.few)
    alone = rises.sel(swap=found.heads)
    order = alone.mean("window").values.argsort()
    least, most = (found.heads[i] for i in (order[0], order[-1]))
    together = rises.sel(swap="all")
    return {
        "most_fragile": metric(
            f"rise with one head at {found.few} spikes, most fragile",
            _mean(alone.sel(swap=most)),
            control=float(dataset.control_loss_rise.sel(control="uniform", swap=most)),
            unit="nat",
            note=f"head {most}; control: uniform attention there",
        ),
        "least_fragile": metric(
            "– least fragile",
            _mean(alone.sel(swap=least)),
            control=float(dataset.control_loss_rise.sel(control="uniform", swap=least)),
            unit="nat",
            note=f"head {least}",
        ),
        "sum_alone": metric("– sum over the heads", _mean(alone.sum("swap")), unit="nat"),
        "together_few": metric("– all of them together", _mean(together), unit="nat"),
        "beyond_sum": metric(
            "– together beyond the sum", _mean(together - alone.sum("swap")), floor=0.0, unit="nat"
        ),
    }


def _reasons(found: Findings, dataset: xr.Dataset, rng: np.random.Generator) -> dict[str, Metric]:
    """What goes with fragility over the heads, in ranks."""
    fragility = dataset.loss_rise.sel(kind="simulated", spikes=found.few, swap=found.heads).values
    uniform = dataset.control_loss_rise.sel(control="uniform", swap=found.heads).values
    reasons = {  # what might go with it, and its value for each head
        "entropy": ("entropy of the attention", dataset.entropy.values),
        "scatter": ("scatter of what one key writes", dataset.scatter.values),
        "matters": ("rise with uniform attention there", uniform),
        "depth": ("the layer", dataset.layer.values.astype(float)),
    }
    metrics = {}
    for name, (label, values) in reasons.items():
        rho, p = rank_correlation(values, fragility, rng)
        note = f"p = {p:.2g} by permutation, {len(values)} heads"
        metrics[name] = metric(f"rank correlation of fragility with {label}", rho, floor=0.0, note=note)
        metrics[f"{name}_p"] = Metric(label="– p-value", value=p, note="two-sided, not corrected for four")
    rho, p = rank_correlation(dataset.layer.values.astype(float), dataset.entropy.values, rng)
    note = f"p = {p:.2g}; where they go together, which of them makes fragile stays open"
    metrics["entropy_by_depth"] = metric("rank correlation of entropy with the layer", rho, note=note)
    metrics["entropy_by_depth_p"] = Metric(label="– p-value", value=p, note="two-sided")
    return metrics


def _mean(difference: xr.DataArray) -> Estimate:
    return mean(difference.values)
