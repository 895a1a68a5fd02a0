"""Scenario spikes-where-they-matter: unequal numbers of spikes for keys, rows and heads of a language model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.heads.named import check_circuit_name
from scenarios.spikes_where_they_matter.figures import figures
from scenarios.spikes_where_they_matter.measures import Study, in_data, in_numbers
from scenarios.spikes_where_they_matter.plans import Plan, plans_of, predicted, trial_of
from scenarios.spikes_where_they_matter.sensitivity import measure_needs
from scenarios.spikes_where_they_matter.sentence_pairs import judge
from scenarios.spikes_where_they_matter.words import in_words
from scenarios.spikes_where_they_matter.writing import write
from scenarios.workbench.causal import load_causal, text_of, windows_of
from scenarios.workbench.causal_params import ReaderParams
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.pretrained import MINILM
from scenarios.workbench.reading import Trial, read_windows
from spiking import PARAMETER_SETS

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Where should a language model on circuits spend its spikes? Keys, rows and heads get unequal numbers by one "
    "law, chosen on some text and judged on other, against even budgets of as many spikes."
)


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams, ReaderParams):
    random: str = param(
        "brief", f"a circuit of random cells to compare with, one of: {', '.join(PARAMETER_SETS)}; or yours"
    )
    choose: int = param(2, "windows from the start of the text on which spikes are split", at_least=1)
    windows: int = param(6, "windows after these on which the split is judged", at_least=2)
    spikes: tuple[int, ...] = param((8, 16, 32, 64, 128), "mean spikes per row", at_least=2)
    leads: tuple[int, ...] = param(
        (8,), "spikes by which one key leads when its row stops, for comparison", at_least=1
    )
    prompt: str = param("The function of attention in the brain is", "that the model goes on with")
    new_tokens: int = param(60, "tokens that it writes", at_least=1)
    sentence_model: str = param(MINILM, "minilm or the folder of a sentence model; none leaves it out")
    pairs: str | None = param(
        None, "tab-separated file of score, sentence, sentence; 60 pairs that are shipped if not given"
    )
    sentence_spikes: tuple[int, ...] = param(
        (4, 8, 16, 32), "mean spikes per row of the sentence model", at_least=2
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_circuit_name(self.random, "random")
        self.check_ordered("spikes", "leads", "sentence_spikes")

    @property
    def shown(self) -> int:
        """The budget of the headline: that nearest to 32."""
        return min(self.spikes, key=lambda n: abs(np.log(n / 32)))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Choose on the first windows, judge on the others, write, and judge sentences."""
    with ctx.progress.stage("read the model", share=0.03):
        pretrained = load_causal(params.model)
        windows = windows_of(
            pretrained, text_of(params.text_file), params.choose + params.windows, params.length
        )
        if len(windows) < params.choose + 2:
            raise UsageError(
                f"text must hold two windows of {params.length} tokens after the {params.choose} that spikes are "
                f"split on, got {len(windows)} in all; give a longer text, or a smaller length"
            )
    chosen, judged = windows[: params.choose], windows[params.choose :]
    with ctx.progress.stage("sensitivity of every weight", share=0.07):
        needs = measure_needs(pretrained.model, chosen, ctx.rng)
        plans = plans_of(params, needs)
        law = predicted(pretrained.model, chosen, plans, ctx.rng)
    trials = [Trial(label="softmax"), *(trial_of(plan, params, needs, ctx) for plan in plans)]
    with ctx.part("windows", share=0.7) as part:
        measured = read_windows(pretrained.model, judged, trials, part)
    shown = next(n for n, plan in enumerate(plans) if _is_shown(plan, params))
    with ctx.part("writing", share=0.1) as part:
        written = write(pretrained, params.prompt, params.new_tokens, trials[1 + shown], part)
    with ctx.part("sentences", share=0.1) as part:
        sentences = judge(params, part)
    study = Study(
        params=params, needs=needs, plans=plans, measured=measured, law=law, written=written, sentences=sentences
    )  # fmt: skip
    data = in_data(study)
    metrics = in_numbers(study)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("ratio", "gain", "same"),
        pictures=figures(study),
        **in_words(metrics, study),
    )


def _is_shown(plan: Plan, params: Params) -> bool:
    return plan.split == "split" and plan.spikes == params.shown and not plan.random
