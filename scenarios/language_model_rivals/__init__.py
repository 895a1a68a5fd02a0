"""Scenario language-model-rivals: circuits, samples and other attention in one language model, at one budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.heads.named import check_circuit_name
from bridge.huggingface.layers import attention_layers
from pragmatic.quantised import bits_of_counts
from scenarios.language_model_rivals.bills import prices
from scenarios.language_model_rivals.figures import figures
from scenarios.language_model_rivals.fitting import heard
from scenarios.language_model_rivals.measures import Study, in_data, in_numbers
from scenarios.language_model_rivals.rivals import MAIN, RIVALS, plan_of
from scenarios.language_model_rivals.words import in_words
from scenarios.workbench.causal import load_causal, text_of, windows_of
from scenarios.workbench.causal_params import ReaderParams
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.reading import read_windows
from spiking import PARAMETER_SETS

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What do the circuit, its rhythm and its spikes each contribute to a language model on gamma circuits? The "
    "same model reads the same text by every rival at an equal budget: other cells, no loop, samples, fewer bits, "
    "fewer keys, oscillators. What does each lose, and what does it cost?"
)
CIRCUITS = f"one of: {', '.join(PARAMETER_SETS)}; or yours: package.module:name"


@dataclass(frozen=True, kw_only=True)
class Params(ReaderParams):
    spikes: int = param(64, "the budget of a row: spikes, or what is worth as much", at_least=1)
    rivals: tuple[str, ...] = param(tuple(RIVALS), f"of: {', '.join(RIVALS)}", choices=tuple(RIVALS))
    circuit: str = param("regular-brief", f"the gamma circuit, {CIRCUITS}")
    random: str = param("brief", f"the same with random cells, {CIRCUITS}")
    windows: int = param(4, "parts of the text, from its start", at_least=2)
    seeds: int = param(3, "of every rival that is noisy", at_least=1)
    slow_windows: int = param(
        2, "windows for diffusive cells and summed values, which take longest", at_least=2
    )
    fit_windows: int = param(2, "parts of the text after those, which oscillators are fitted to", at_least=1)
    fit_rows: int = param(240, "rows of scores that circuits are matched on", at_least=30)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_circuit_name(self.circuit)
        check_circuit_name(self.random, "random")
        if MAIN not in self.rivals:
            raise UsageError(
                f"rivals must have {MAIN} among them, which the others are compared with, got "
                f"{','.join(self.rivals)}; add it"
            )

    @property
    def bits(self) -> int:
        """Bits a key that are at least as many as the spikes of a row of median length have."""
        n_keys = self.length // 2
        return math.ceil(bits_of_counts(self.spikes, n_keys) / n_keys)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Fit the rivals on text of their own, then read and count with each."""
    text = text_of(params.text_file)
    with ctx.progress.stage("read the model", share=0.02):
        pretrained = load_causal(params.model)
        windows = windows_of(pretrained, text, params.windows + params.fit_windows, params.length)
    if len(windows) < 3:
        raise UsageError(
            f"text must hold at least three windows of {params.length} tokens, two to judge and one to fit to, got "
            "two; give a longer text, or a smaller length"
        )
    n_fit = min(params.fit_windows, len(windows) - 2)
    judged, fitted = windows[:-n_fit], windows[-n_fit:]
    n_heads = [layer.n_heads for layer, _ in attention_layers(pretrained.model)]
    with ctx.part("fit", share=0.13) as part:
        plan = plan_of(params, heard(pretrained.model, fitted, len(n_heads)), part)
    with ctx.part("windows", share=0.75) as part:
        each = [trial for own in plan.trials.values() for trial in own]
        measured = read_windows(pretrained.model, judged, each, part)
    with ctx.part("bill", share=0.1) as part:
        first = {name: own[0] for name, own in plan.trials.items()}
        priced = prices(pretrained.model, judged[0], first, sum(n_heads), part)
    study = Study.of(params=params, plan=plan, measured=measured, priced=priced)
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("ratio", "time", "joules"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
