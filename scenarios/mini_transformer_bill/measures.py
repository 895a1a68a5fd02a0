"""Measures of mini-transformer-bill: every design on every task, what it can do and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bridge import TABLES
from pragmatic.training.evaluation import SequenceScores
from scenarios.mini_transformer_bill.pareto import IN_SPIKES, front, points_of
from scenarios.workbench.cost import COST_AXES, DIGITAL, HARDWARE, Cost, cost_columns
from scenarios.workbench.head_kinds import SPIKING_KINDS
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.scores import score_columns
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import UNKNOWN, Estimate, clear, estimate_of, mean_over_seeds, sign
from scenarios.workbench.tables import columns
from scenarios.workbench.trainings import Learnt

__all__ = ["Built", "Design", "bill_dataset", "in_words", "table"]

PHASES = ("inference", "training")


@dataclass(frozen=True, kw_only=True)
class Design:
    """A kind of attention, and how the model came by it."""

    kind: str
    spikes: int = 1  # of a row, where the kind has spikes
    swapped: bool = False  # trained with softmax, the heads put in afterwards

    @property
    def group(self) -> str:
        return "swapped" if self.swapped else self.kind

    @property
    def name(self) -> str:
        return f"{self.group} {self.spikes}" if self.kind in SPIKING_KINDS else self.kind


@dataclass(frozen=True, kw_only=True)
class Built:
    """A design on a task: what it can do and what it takes."""

    scores: SequenceScores
    learnt: Learnt
    inference: Cost  # of a sequence


def bill_dataset(built: Mapping[tuple[str, int, Design], Built], n_iterations: int) -> xr.Dataset:
    """Scores of every window, counts and joules of a training and of a sequence; by task, seed and design."""
    tasks, seeds, designs = (list(dict.fromkeys(part)) for part in zip(*built, strict=True))
    lead = ("task", "seed", "design")
    cells = [[[built[t, s, d] for d in designs] for s in seeds] for t in tasks]

    def each(of: Callable[[Built], Any]) -> list[list[list[Any]]]:
        return [[[of(cell) for cell in row] for row in table] for table in cells]

    inference = np.array(each(lambda cell: cell.inference), dtype=object)
    iteration = np.array(each(lambda cell: cell.learnt.costs), dtype=object)
    dataset = xr.Dataset(
        {
            **score_columns(lead, each(lambda cell: cell.scores)),  # a short text has fewer windows
            **columns(lead, "s", training_seconds=each(lambda cell: float(cell.learnt.result.seconds[-1]))),
            **cost_columns(lead, inference, "inference_"),
        },
        {"task": tasks, "design": [d.name for d in designs], "kind": ("design", [d.group for d in designs])}
        | columns("seed", seed=seeds)
        | columns("design", spikes=[d.spikes for d in designs])
        | COST_AXES,
    ).rename(inference_spikes_per_row="spikes_per_row")
    training = xr.Dataset(cost_columns((*lead, "when"), iteration), COST_AXES)
    first, last = (training.operations.sel(machine="simulated").isel(when=i) for i in (0, 1))
    dataset["training_drift"] = abs(last / first - 1).assign_attrs(units="1").drop_vars("machine")
    for name in (
        "counts",
        "operations",
        "joules",
    ):  # of all iterations, by the mean of the first and the last
        whole = n_iterations * training[name].mean("when")
        dataset[f"training_{name}"] = whole.assign_attrs(training[name].attrs)
    return dataset


def table(dataset: xr.Dataset, *, goal: float) -> dict[str, Metric]:
    """Every number of the report; `goal` is the accuracy that a good model may lose to softmax."""
    lines = Lines()
    _over_tasks(lines, dataset, goal)
    for name in dataset.task.values:
        _of_task(lines, str(name), dataset.sel(task=name), goal)
    return lines.metrics


def _over_tasks(lines: Lines, dataset: xr.Dataset, goal: float) -> None:
    tasks = [dataset.sel(task=name) for name in dataset.task.values]
    gap, control = _mean_gap(tasks, _most(dataset, "simulated")), _mean_gap(tasks, "uniform")
    label = "accuracy of simulated heads above softmax"
    note = "mean over tasks, at the largest budget; control: uniform heads"
    lines.add("accuracy_gap", label, gap, floor=0, control=control, note=note)
    budgets = dataset.spikes.values[dataset.kind.values == "simulated"]
    if len(budgets):
        fewest = int(budgets.min())
        label = f"accuracy at {fewest} spikes, trained through them above put into softmax"
        gain = _mean_gap(tasks, f"simulated {fewest}", f"swapped {fewest}")
        lines.add("through_gain", label, gain, floor=0, note="mean over tasks, the same sequences")
    for phase in PHASES:
        times = np.array([_times(task, phase, goal)[0] for task in tasks])
        note = (
            f"the cheapest that loses at most {goal:g} of accuracy, on the cheaper machine; over the "
            f"{int(np.isfinite(times).sum())} of {len(tasks)} tasks that have one; error: spread over tasks"
        )
        lines.add(f"{phase}_times", f"energy of {phase}, simulated / softmax", times, note=note)
    fronts = [any(p.in_spikes for p in front(points_of(task, phase))) for task in tasks for phase in PHASES]
    on_one = "on one is what is clearly more accurate than all that costs less"
    note = f"of {len(fronts)}: inference and training of each task; {on_one}"
    label = "fronts of accuracy against energy with a spiking model on them"
    lines.add("fronts", label, sum(fronts), note=note)


def _of_task(lines: Lines, name: str, task: xr.Dataset, goal: float) -> None:
    softmax = mean_over_seeds(task.accuracy.sel(design="softmax").values)
    lines.add(f"accuracy_{name}", f"{name}: accuracy with softmax", softmax)
    note = "the same sequences" + ("" if task.sizes["seed"] > 1 else "; one training, error over sequences")
    most = {kind: _most(task, kind) for kind in dict.fromkeys(task.kind.values.tolist()) if kind != "softmax"}
    for kind, design in most.items():
        gap = _gap(task, str(design))
        lines.add(f"gap_{name}_{kind}", f"– with {design} above softmax", gap, floor=0, note=note)
    for phase in PHASES:
        times, note = _times(task, phase, goal)
        label = f"– energy of {phase}, cheapest good simulated / softmax"
        lines.add(f"{phase}_times_{name}", label, times, note=note)
    label = "– change of operations from the first iteration to the last"
    note = "two iterations are counted before and two after a training, and scaled by their number"
    lines.add(f"training_drift_{name}", label, task.training_drift.max(), note=note)
    if "simulated" in most:
        _break_even(lines, name, task)


def _most(dataset: xr.Dataset, kind: str) -> str | None:
    """The design of a kind with the largest budget."""
    named = dataset.design.values[dataset.kind.values == kind]
    return str(named[-1]) if len(named) else None


def _gap(task: xr.Dataset, design: str, other: str = "softmax") -> Estimate:
    accuracy = task.accuracy
    return mean_over_seeds(accuracy.sel(design=design).values - accuracy.sel(design=other).values)


def _mean_gap(tasks: list[xr.Dataset], design: str | None, other: str = "softmax") -> Estimate:
    """Mean over tasks, whose sequences are independent."""
    if design not in tasks[0].design.values:
        return UNKNOWN
    each = [_gap(task, str(design), other) for task in tasks]
    error = np.sqrt(sum(gap.error**2 for gap in each)) / len(each)
    return Estimate(value=float(np.mean([gap.value for gap in each])), error=float(error))


def _times(task: xr.Dataset, phase: str, goal: float) -> tuple[float, str]:
    """Energy of the cheapest good model in spikes over softmax's, and which; to train, trained through them."""
    points = points_of(task, phase)
    softmax = next(point for point in points if point.kind == "softmax")
    kinds = IN_SPIKES if phase == "inference" else ("simulated",)
    spiking = [p for p in points if p.kind in kinds and p.above(softmax).value >= -goal]
    best = min(spiking, key=lambda point: point.cost, default=None)
    if best is None:
        return np.nan, f"none loses at most {goal:g} of accuracy"
    where = "digital" if best.table == DIGITAL else "cells in hardware"
    return best.cost / softmax.cost, f"{best.design}, {where}"


def _break_even(lines: Lines, name: str, task: xr.Dataset) -> None:
    """What an update of a cell may cost for the smallest budget of spikes to match softmax at inference."""
    design = task.design.values[task.kind.values == "simulated"][0]
    spiking, softmax = task.sel(design=design), task.sel(design="softmax")
    price = TABLES[HARDWARE].prices_pJ["neuron_updates"]
    updates = spiking.inference_counts.sel(machine="events", operation="neuron_updates").values
    rest = spiking.inference_joules.sel(table=HARDWARE).values - 1e-12 * price * updates
    spare = softmax.inference_joules.sel(table=DIGITAL).values - rest
    label, spare_pJ = "– update of a cell at which inference breaks even", 1e12 * spare / updates
    note = f"{design}, cells in hardware; below 0: not even free updates would do; control: Loihi"
    lines.add(f"break_even_{name}", label, spare_pJ, control=price, unit="pJ", note=note)


def in_words(m: Numbers, tasks: list[str], params: Any) -> Words:
    """Say the answer; every comparison in it is decided by the numbers of the run."""
    if not all(f"gap_{task}_simulated" in m for task in tasks):
        return words(
            "No simulated heads were built, so the question is not answered; put simulated among the kinds.",
            short=(),
        )
    # selection is worth something where softmax is clearly above uniform attention, or that was not built
    telling = [t for t in tasks if f"gap_{t}_uniform" not in m or sign(m[f"gap_{t}_uniform"]) < 0]
    meaning = ""
    if silent := [task for task in tasks if task not in telling]:
        meaning = (
            f"At {listed(silent)} softmax is not clearly better than uniform attention: the task is not learnt "
            "at this size and length of training, and its numbers say nothing about heads."
        )
    expressive, modest, answer = _expressive(m, tasks), _modest(m, params.goal), _answer(m, telling)
    swapped, update = _swapped(m, tasks, params.budgets), _break_even_said(m, tasks)
    parts = meaning, expressive, swapped, modest, update, _fronts(m), answer
    return words(*parts, short=(answer, meaning or expressive, modest))


def _worse(m: Numbers, tasks: list[str], kind: str) -> list[str]:
    """Tasks at which this kind is clearly below softmax, all compared together."""
    gaps = {task: m[name] for task in tasks if (name := f"gap_{task}_{kind}") in m}
    signs = clear({task: estimate_of(gap) for task, gap in gaps.items()})
    return [task for task, sign in signs.items() if sign < 0]


def _expressive(m: Numbers, tasks: list[str]) -> str:
    worse = _worse(m, tasks, "simulated")
    each = ", ".join(f"{task} {m[f'gap_{task}_simulated']}" for task in tasks)
    word = f"clearly worse at {listed(worse)}" if worse else "nowhere clearly worse"
    return (
        f"Trained through their spikes, simulated heads differ from softmax by {m['accuracy_gap']} in accuracy "
        f"({each}): {word}."
    )


def _swapped(m: Numbers, tasks: list[str], budgets: list[int]) -> str:
    if not any(f"gap_{task}_swapped" in m for task in tasks):
        return ""
    lost = [f"{task} ({m[f'gap_{task}_swapped']})" for task in _worse(m, tasks, "swapped")]
    where = f"clearly lose accuracy at {listed(lost)}" if lost else "lose nothing clear"
    gain = m["through_gain"]
    word = choose(sign(gain), "clearly helps", "does not clearly help", "clearly harms")
    return (
        f"Put into the model trained with softmax, at {budgets[-1]} spikes, they {where}. At {budgets[0]} spikes, "
        f"training through them {word} (accuracy above spikes put in: {gain})."
    )


def _modest(m: Numbers, goal: float) -> str:
    inference, training = m["inference_times"], m["training_times"]
    if np.isnan(inference.value):
        return f"No simulated model comes within {goal:g} of softmax's accuracy on any task."
    trained = f"training through the spikes never comes within {goal:g}"
    if np.isfinite(training.value):
        trained = f"training {training:.3g} times"
    return (
        f"The cheapest within {goal:g} of softmax's accuracy takes {inference:.3g} times its energy at "
        f"inference, on the machine that suits it better, and {trained}."
    )


def _break_even_said(m: Numbers, tasks: list[str]) -> str:
    prices = [m[f"break_even_{task}"] for task in tasks]
    low, high = min(price.value for price in prices), max(price.value for price in prices)
    if high <= 0:
        return "Even if an update of a cell cost nothing, inference in spikes would not break even."
    return (
        f"With the fewest spikes inference would break even if an update of a cell cost {max(low, 0.0):.2g} to "
        f"{high:.2g} pJ; on Loihi it costs {prices[0].control:g}."
    )


def _fronts(m: Numbers) -> str:
    fronts = m["fronts"]
    if fronts.value:
        return f"On {fronts:.0f} fronts of accuracy against energy ({fronts.note}) there is a spiking model."
    return (
        "No spiking model lies on a front of accuracy against energy: none is clearly more accurate than all that "
        "costs less."
    )


def _answer(m: Numbers, telling: list[str]) -> str:
    expressive = f"no clear loss of accuracy at {listed(telling)}"
    if not telling:
        expressive = "not tested, as no task asks for selection here"
    elif worse := _worse(m, telling, "simulated"):
        expressive = f"not at {listed(worse)}"
    times = {"run": m["inference_times"].value, "train": m["training_times"].value}
    cheap = [phase for phase, factor in times.items() if factor < 1]
    modest = f"yes, to {listed(cheap)}" if cheap else "no, neither to train nor to run"
    return f"Expressive: {expressive}; modest: {modest}."
