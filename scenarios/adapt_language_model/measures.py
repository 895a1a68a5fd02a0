"""Numbers of adapt-language-model: what spikes cost before and after learning, on the same held-out windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from scenarios.adapt_language_model.learning import Learnt
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.reading import KL, LOSS
from scenarios.workbench.statistics import UNKNOWN, Estimate, bootstrap, mean, sign
from scenarios.workbench.tables import column, columns, estimate_column

if TYPE_CHECKING:
    from scenarios.adapt_language_model import Params

__all__ = ["AS_IS", "SOFTMAX", "Study", "focus", "in_data", "in_numbers"]

AS_IS, SOFTMAX = "as it is", "softmax"


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured. An arm is what stands in the loop while learning: "softmax", "16 spikes"."""

    params: Params
    arms: Sequence[str]  # softmax first
    chosen: str  # heads, in words
    measured: dict[tuple[str, int], np.ndarray] = field(
        default_factory=dict
    )  # arm, steps -> (n_trials, n_windows, n_measures), trials of softmax and of each budget
    learnt: dict[str, Learnt] = field(default_factory=dict)
    focus: dict[str, np.ndarray] = field(default_factory=dict)  # arm, or as it is -> (n_layers, n_windows)

    @property
    def shown(self) -> str:
        """The arm of the headline: that of the fewest spikes in the loop."""
        return self.arms[1]

    def learns_nothing(self, arm: str) -> None:
        """Take an arm to stay as the model is."""
        steps, nothing = self.params.steps, [np.nan] * self.params.iterations
        self.measured.update({(arm, step): self.measured[AS_IS, 0] for step in steps})
        self.learnt[arm], self.focus[arm] = Learnt(losses=nothing, seconds=nothing), self.focus[AS_IS]

    @property
    def own(self) -> bool:
        """Whether the model learns its own predictions by softmax."""
        return self.params.objective == "own"

    @property
    def control(self) -> str:
        """What the arms with spikes are compared with."""
        return "the model as it is" if self.own else "softmax in the loop"

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps after which the arms were measured, from none."""
        return (0, *self.params.steps)

    def loss(self, arm: str, step: int, spikes: int) -> np.ndarray:
        """(n_windows,) nat a token; spikes 0 are softmax. Before the first step all arms are the model as it is."""
        return self._of(LOSS, arm, step, spikes)

    def kl(self, arm: str, step: int, spikes: int) -> np.ndarray:
        """(n_windows,) KL of the next token from softmax with the same weights, nat: what noise alone does."""
        return self._of(KL, arm, step, spikes)

    def _of(self, measure: int, arm: str, step: int, spikes: int) -> np.ndarray:
        trial = (0, *self.params.budgets).index(spikes)
        return self.measured[(arm, step) if step else (AS_IS, 0)][trial, :, measure]

    def rise(self, arm: str, step: int, spikes: int) -> np.ndarray:
        """(n_windows,) what spikes cost over the softmax that learnt as long."""
        return self.loss(arm, step, spikes) - self.loss(SOFTMAX, step, 0)

    def gone(self, arm: str, spikes: int, rng: np.random.Generator) -> Estimate:
        """Part of the rise that is gone after the last step; unknown where there was no clear rise."""
        before, after = (self.rise(arm, step, spikes) for step in (0, self.params.iterations))
        if sign(mean(before)) <= 0:
            return UNKNOWN

        def part(rows: np.ndarray) -> float:
            was = before[rows].mean()
            return float(1 - after[rows].mean() / was) if was > 0 else np.nan

        return bootstrap(part, len(before), rng)

    def apart(self, arm: str, spikes: int) -> Estimate:
        """The arm's loss less that of softmax in the loop, both at so many spikes after the last step."""
        last = self.params.iterations
        return mean(self.loss(arm, last, spikes) - self.loss(SOFTMAX, last, spikes))

    def kl_apart(self, arm: str, spikes: int) -> Estimate:
        """The same for the KL from softmax."""
        last = self.params.iterations
        return mean(self.kl(arm, last, spikes) - self.kl(SOFTMAX, last, spikes))

    def narrowing(self, arm: str) -> Estimate:
        """Change of the mean entropy of a row, in nat, by learning."""
        return mean((self.focus[arm] - self.focus[AS_IS]).mean(axis=0))

    def keys(self, arm: str) -> Estimate:
        """How many equally attended keys the mean entropy of a row amounts to."""
        entropy = mean(self.focus[arm].mean(axis=0))
        value = float(np.exp(entropy.value))
        return Estimate(value=value, error=value * entropy.error)

    def step_seconds(self, arm: str) -> float:
        """Median over steps: the first one compiles."""
        return float(np.median(self.learnt[arm].seconds))


def focus(model: Any, windows: Tensor) -> np.ndarray:
    """Mean entropy of the softmax rows of each layer, (n_layers, n_windows), in nat."""
    entropies = []
    for window in windows:
        with torch.inference_mode():
            weights = model(window[None], output_attentions=True).attentions  # of each layer (1, H, T, T)
        entropies.append([float(torch.special.entr(layer.float()).sum(-1).mean()) for layer in weights])
    return np.array(entropies).T


def in_numbers(study: Study, n_weights: int, n_windows: int, rng: np.random.Generator) -> Numbers:
    """Every number of the report; the arm and the budget of the headline have the plain names."""
    lines, params = Lines(), study.params
    order = sorted(study.arms[1:], key=lambda arm: arm != study.shown)
    for arm in order:
        for n in sorted(params.budgets, key=lambda n: n != params.train_spikes[0]):
            _budget(lines, study, arm, n, rng)
    as_is, last = study.loss(AS_IS, 0, 0), params.iterations
    perplexity = np.exp(mean(as_is).value)
    lines.add(
        "perplexity",
        "perplexity of softmax as it is",
        Estimate(value=perplexity, error=perplexity * mean(as_is).error),
        note=f"{len(as_is)} windows of {params.length} tokens",
    )
    learnt = study.loss(SOFTMAX, last, 0) - as_is
    if not study.own:
        label = "change of the loss of softmax by learning"
        lines.add("learnt", label, learnt, unit="nat", note="the text's own")
    for arm in order:
        back = study.loss(arm, last, 0) - study.loss(SOFTMAX, last, 0)
        label = f"softmax put back where {arm} were in the loop"
        lines.add(f"back_{_name(arm)}", label, back, floor=0, unit="nat", note="over softmax all along")
    _focus(lines, study)
    _cost(lines, study, n_weights, n_windows)
    return lines.metrics


def _budget(lines: Lines, study: Study, arm: str, n: int, rng: np.random.Generator) -> None:
    """One arm measured at one budget."""
    last, shown = study.params.iterations, study.params.train_spikes[0]
    ending = "" if (arm, n) == (study.shown, shown) else f"_{_name(arm)}_at_{n}"
    over = f"over softmax of as many steps; control: {study.control}"
    before, after = study.rise(arm, 0, n), study.rise(arm, last, n)
    control = study.rise(SOFTMAX, last, n)
    if arm == study.shown:
        name = "before" if n == shown else f"before_{n}"
        lines.add(name, f"rise in loss at {n} spikes, as it is", before, unit="nat")
    label = f"– after {last} steps with {arm} in the loop" if n else ""
    label = label if arm == study.shown else f"{label}, at {n} spikes"
    lines.add(f"after{ending}", label, after, control=control, unit="nat", note=over)
    gone, without = study.gone(arm, n, rng), study.gone(SOFTMAX, n, rng)
    lines.add(
        f"gone{ending}",
        "– part of the rise that is gone",
        gone,
        control=without,
        note=f"control: {study.control}",
    )
    note = "below 0: the spikes in the loop taught something"
    lines.add(
        f"apart{ending}", f"– less {study.control}", study.apart(arm, n), floor=0, unit="nat", note=note
    )
    over = study.loss(arm, last, n) - study.loss(AS_IS, 0, 0)
    lines.add(f"original{ending}", "– over softmax as it was", over, unit="nat", note="below 0: better")
    kl, kl_control = study.kl(arm, last, n), study.kl(SOFTMAX, last, n)
    if arm == study.shown:
        label = f"KL of the next token from softmax at {n} spikes, as it is"
        lines.add(f"kl_{name}", label, study.kl(arm, 0, n), unit="nat", note="softmax with the same weights")
    label = f"– with {arm} in the loop" if arm == study.shown else f"– with {arm} in the loop, at {n} spikes"
    lines.add(f"kl{ending}", label, kl, control=kl_control, unit="nat", note=f"control: {study.control}")
    lines.add(f"kl_apart{ending}", f"– less {study.control}", study.kl_apart(arm, n), floor=0, unit="nat")


def _focus(lines: Lines, study: Study) -> None:
    """How widely rows attend."""
    note = "the exponential of the mean entropy, softmax"
    lines.add("keys", "keys that a row attends to, as it is", study.keys(AS_IS), note=note)
    for arm in study.arms:
        lines.add(f"keys_{_name(arm)}", f"– after learning with {arm}", study.keys(arm))
        label = "– change of the mean entropy"
        lines.add(f"narrowing_{_name(arm)}", label, study.narrowing(arm), floor=0, unit="nat")


def _cost(lines: Lines, study: Study, n_weights: int, n_windows: int) -> None:
    params = study.params
    lines.add("weights", "numbers that are learnt", n_weights)
    read = params.iterations * params.batch / n_windows
    label = "times that the text was read while learning"
    lines.add("read", label, read, note=f"{n_windows} windows of {params.length} tokens")
    spikes, label = study.step_seconds(study.shown), f"time of a step with {study.shown}"
    if study.own:
        lines.add("seconds", label, spikes, unit="s")
        return
    softmax = study.step_seconds(SOFTMAX)
    lines.add("seconds", label, spikes, control=softmax, unit="s", note=f"control: {study.control}")
    lines.add("times", "– over softmax in the loop", spikes / softmax)


def _name(arm: str) -> str:
    return arm.replace(" spikes", "")


def in_data(study: Study) -> xr.Dataset:
    """Losses of every window, rises with their errors, losses of every batch, entropies of every layer."""
    params, arms, steps = study.params, list(study.arms), study.steps
    spikes = (0, *params.budgets)
    losses = [[[study.loss(arm, step, n) for n in spikes] for step in steps] for arm in arms]
    rises = [[[mean(study.rise(arm, step, n)) for n in spikes] for step in steps] for arm in arms]
    models, full = [AS_IS, *arms], ("arm", "steps", "spikes")
    batches = [study.learnt[arm].losses for arm in arms]
    return xr.Dataset(
        {
            "loss": column((*full, "window"), losses, "loss of the next token", "nat"),
            "kl": column(
                (*full, "window"),
                [[[study.kl(arm, step, n) for n in spikes] for step in steps] for arm in arms],
                "KL of the next token from softmax with the same weights",
                "nat",
            ),
            **estimate_column("rise", full, rises, "rise in loss over softmax", "nat"),
            "batch_loss": column(("arm", "step"), batches, "loss of a batch before its step", "nat"),
            "seconds": column(
                ("arm", "step"), [study.learnt[arm].seconds for arm in arms], "time of a step", "s"
            ),
            "entropy": column(
                ("model", "layer", "sample"),
                [study.focus[model] for model in models],
                "mean entropy of a row",
                "nat",
            ),
        },
        {
            "arm": arms,
            "model": models,
            **columns("steps", steps=list(steps)),
            **columns("spikes", spikes=list(spikes)),
            **columns("step", step=np.arange(1, params.iterations + 1)),
        },
    )
