"""Every number of in-context-learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.in_context_learning.one_step import KINDS, OneStep
from scenarios.in_context_learning.toy import Toy
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.tables import columns, estimate_column

if TYPE_CHECKING:
    from scenarios.in_context_learning import Params

__all__ = ["LABELS", "Study", "in_data", "in_numbers"]

LABELS = {"sampled": "independent samples", "random": "random cells", "regular": "regular cells"}


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured."""

    step: OneStep
    toy: Toy
    params: Params


def in_numbers(study: Study) -> Numbers:
    """One layer, two heads, then the decoder and its tuning."""
    lines = Lines()
    _of_step(lines, study)
    _of_pairs(lines, study)
    _of_toy(lines, study)
    _of_tuning(lines, study)
    return lines.metrics


def _of_step(lines: Lines, study: Study) -> None:
    step, note = study.step, "floor: closed form of one step; control: no answer"
    lines.add(
        *("trained", "half squared error, a trained layer of linear attention", step.trained),
        floor=step.law,
        control=step.zero,
        note=note,
    )
    lines.add(
        "step",
        "– one step of gradient descent of the best size",
        step.step,
        floor=step.law,
        control=step.zero,
    )
    lines.add("agreement", "– correlation of the layer's answers with the step's", step.agreement)
    lines.add("size", "– step that the layer makes, in best sizes", step.size)


def _of_pairs(lines: Lines, study: Study) -> None:
    step, exact = study.step, study.step.exact
    lines.add(
        "single", "one softmax head, at its best beta", step.single.loss, floor=step.law, control=step.zero
    )
    lines.add(
        *("pair", "two softmax heads of opposite sign, best beta", exact.loss),
        floor=step.law,
        control=step.single.loss,
        note=f"beta {exact.beta:g}; control: one head",
    )
    for kind in KINDS:
        for spikes in study.params.spikes:
            best = step.best(kind, spikes)
            lines.add(
                *(f"pair_{kind}_{spikes}", f"– {LABELS[kind]}, {spikes} spikes a row", best.loss),
                floor=exact.loss,
                control=step.best("sampled", spikes).loss,
                note=f"beta {best.beta:g}; floor: exact; control: samples",
            )


def _of_toy(lines: Lines, study: Study) -> None:
    """The decoder after the most examples, and over all of them."""
    toy, k = study.toy, study.toy.exact.shape[1] - 1
    lines.add(
        *("last", f"decoder: squared error / d after {k} examples", toy.at(("softmax", 0))[-1]),
        floor=mean(toy.fitted[:, -1]),
        control=toy.averaging()[-1],
        note="floor: least squares; control: averaging",
    )
    lines.add("whole", "– mean over all numbers of examples", _whole(toy.exact), floor=_whole(toy.fitted))
    for (kind, spikes), errors in toy.curves.items():
        if spikes:
            lines.add(f"whole_{kind}_{spikes}", f"– – {kind} heads, {spikes} spikes", _whole(errors))
            lines.add(
                f"rise_{kind}_{spikes}", "– – rise over softmax, the same tasks", _whole(errors - toy.exact)
            )


def _whole(errors: np.ndarray) -> Estimate:
    """Mean over points, its error over tasks."""
    return mean(errors.mean(axis=1))


def _of_tuning(lines: Lines, study: Study) -> None:
    toy, n = study.toy, study.params.tune_iterations
    lines.add("goal", "error that tuning to another order of components has to reach", toy.goal)
    for tuning in toy.tunings:
        steps = tuning.steps(toy.goal)
        label = f"– iterations, {tuning.start} model, {tuning.heads} heads"
        note = f"not within {n}" if steps is None else ""
        lines.add(f"tune_{tuning.start}_{tuning.heads}", label, np.nan if steps is None else steps, note=note)
        lines.add(f"tuned_{tuning.start}_{tuning.heads}", f"– – error after {n}", mean(tuning.errors[-10:]))


def in_data(study: Study) -> xr.Dataset:
    """Losses of the pairs by kind, spikes and beta; errors of the decoder by heads and number of examples."""
    step, toy, params = study.step, study.toy, study.params
    heads = [f"{kind} {spikes}".removesuffix(" 0") for kind, spikes in toy.curves]
    return xr.Dataset(
        {
            **estimate_column(
                "pair", "beta", [step.pairs[b].loss for b in params.betas], "half squared error"
            ),
            **estimate_column(
                "spiking_pair",
                ("kind", "spikes", "beta"),
                [[[step.spiking[k, n, b].loss for b in params.betas] for n in params.spikes] for k in KINDS],
                "half squared error of a pair that spikes",
            ),
            **columns("iteration_of_layer", layer_loss=step.curve),
            **estimate_column(
                "error", ("heads", "examples"), [toy.at(key) for key in toy.curves], "squared error / d"
            ),
            **columns("examples", least_squares=toy.fitted.mean(axis=0), averaging=toy.averaging()),
            **columns("iteration", decoder_loss=toy.losses),
            **columns(("tuning", "tune_iteration"), tuning_error=[tuning.errors for tuning in toy.tunings]),
        },
        {
            "kind": list(KINDS),
            "heads": heads,
            "tuning": [f"{tuning.start}, {tuning.heads}" for tuning in toy.tunings],
            **columns("beta", beta=params.betas),
            **columns("spikes", spikes=params.spikes),
        },
    )
