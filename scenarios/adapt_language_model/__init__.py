"""Scenario adapt-language-model: a pretrained language model learns a little, through its spikes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from bridge import SpikingHead
from bridge.huggingface.layers import attention_layers
from scenarios.adapt_language_model.adapter import Adapter
from scenarios.adapt_language_model.figures import figures
from scenarios.adapt_language_model.learning import Plan, learn
from scenarios.adapt_language_model.measures import AS_IS, SOFTMAX, Study, focus, in_data, in_numbers
from scenarios.adapt_language_model.words import in_words
from scenarios.workbench.causal import load_causal, text_of, windows_of
from scenarios.workbench.causal_params import ReaderParams
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import HeadParams, chosen_text
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.reading import Trial, read_windows
from scenarios.workbench.trainings import schedule

__all__ = ["QUESTION", "Params", "plan_of", "run"]

QUESTION = (
    "How much of what few spikes cost a pretrained language model comes back when it learns a little through them? "
    "Low-rank changes of its queries and keys are learnt, spikes forward and the softmax's Jacobian backward; the "
    "same steps with softmax in the loop are the control."
)
OBJECTIVES = ("text", "own")
FOCUS_WINDOWS = 4  # on which the spread of attention is measured


@dataclass(frozen=True, kw_only=True)
class Params(HeadParams, ReaderParams):
    windows: int = param(12, "parts of the text, from its start, that are held out and measured", at_least=2)
    train_spikes: tuple[int, ...] = param((16,), "spikes per row while learning; an arm each", at_least=1)
    spikes: tuple[int, ...] = param((16, 64), "spikes per row at which every arm is measured", at_least=1)
    objective: str = param(
        "text",
        "what is learnt: text, the next token; own, what the model as it is predicts by softmax",
        choices=OBJECTIVES,
    )
    iterations: int = param(60, "steps of learning", at_least=2)
    stages: int = param(2, "times that every arm is measured, evenly spaced over its steps", at_least=1)
    batch: int = param(1, "parts of the text in a step", at_least=1)
    learning_rate: float = param(1e-3, "at its highest; it ends at a tenth", above=0, at_most=1)
    rank: int = param(8, "of the change of each matrix", at_least=1)
    targets: tuple[str, ...] = param(("q_proj", "k_proj"), "modules that are changed, by their last name")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("train_spikes", "spikes")

    @property
    def budgets(self) -> tuple[int, ...]:
        """Spikes per row that are measured, in order."""
        return tuple(sorted({*self.spikes, *self.train_spikes}))

    @property
    def steps(self) -> tuple[int, ...]:
        """After how many steps the arms are measured."""
        places = np.linspace(0, self.iterations, min(self.stages, self.iterations) + 1)[1:]
        return tuple(int(place) for place in places.round())

    def trial(self, ctx: RunContext, spikes: int, *, gradient: bool = False) -> Trial:
        """The heads of a budget; 0 for softmax."""
        if not spikes:
            return Trial(label=SOFTMAX)
        make = partial(SpikingHead, self.row_circuit(), spikes=spikes, engine=ctx.engine, gradient=gradient)
        return Trial(label=f"{spikes} spikes", heads={self.heads: lambda seed: make(seed=seed)})


def run(params: Params, ctx: RunContext) -> Outcome:
    """Measure the model as it is, let each arm learn from the same text, and measure it after every stage."""
    with ctx.progress.stage("read the model", share=0.05):
        pretrained = load_causal(params.model)
        asked = params.windows + params.iterations * params.batch
        windows = windows_of(pretrained, text_of(params.text_file), asked, params.length)
        _check_left(params, len(windows))
        adapter = Adapter(pretrained.model, params.rank, params.targets, np.random.default_rng(0))
    model, n_heads = pretrained.model, [layer.n_heads for layer, _ in attention_layers(pretrained.model)]
    held_out, trials = windows[: params.windows], [params.trial(ctx, n) for n in (0, *params.budgets)]
    plan = plan_of(params, windows, int(ctx.rng.integers(2**31)))
    arms = [params.trial(ctx, n, gradient=True) for n in (0, *params.train_spikes)]
    noise = int(ctx.rng.integers(2**31))
    study = Study(params=params, arms=[arm.label for arm in arms], chosen=chosen_text(params.heads, n_heads))
    each = 0.95 / (1 + len(arms) * (2 + params.stages))  # of a reading; learning takes as long as two
    with ctx.part("as it is", share=each) as part:
        study.measured[AS_IS, 0] = _read(model, held_out, trials, part, noise, "read-as-it-is")
    study.focus[AS_IS] = focus(model, held_out[:FOCUS_WINDOWS])
    if plan.own:  # softmax has nothing to learn from itself
        study.learns_nothing(SOFTMAX)
    for arm in arms[1:] if plan.own else arms:
        with ctx.part(f"learn, {arm.label}", share=2 * each) as part:
            study.learnt[arm.label] = learnt = learn(model, adapter, arm, plan, part)
        for step, tensors in learnt.stages.items():
            adapter.put(tensors)
            name = f"read-{arm.label.replace(' ', '-')}-{step}"
            with ctx.part(f"{arm.label}, {step} steps", share=each) as part:
                study.measured[arm.label, step] = _read(model, held_out, trials, part, noise, name)
        study.focus[arm.label] = focus(model, held_out[:FOCUS_WINDOWS])  # after the last stage
    metrics = in_numbers(study, adapter.n_weights, len(plan.windows), ctx.rng)
    best = study.learnt[study.shown].stages[params.iterations]
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("before", "after", "gone"),
        pictures=figures(study),
        files=adapter.files(best),
        **in_words(metrics, study),
    )


def _read(
    model: Any, windows: Tensor, trials: list[Trial], ctx: RunContext, noise: int, name: str
) -> np.ndarray:
    """Read the held-out windows with the noise of every other reading, so that it cancels in differences."""
    return read_windows(model, windows, trials, replace(ctx, rng=np.random.default_rng(noise)), name=name)


def plan_of(params: Params, windows: Tensor, base: int) -> Plan:
    """What every arm shares: the windows after those that are held out, and the schedule."""
    return Plan(
        windows=windows[params.windows :],
        rates=schedule(params.iterations, params.batch, params.learning_rate, warmup=10),
        stages=params.steps,
        base=base,
        own=params.objective == "own",
    )


def _check_left(params: Params, n_windows: int) -> None:
    if n_windows < params.windows + params.batch:
        raise UsageError(
            f"text must hold {params.windows} windows to measure and {params.batch} more to learn from, got "
            f"{n_windows} of {params.length} tokens; give a longer text, or a smaller length"
        )
