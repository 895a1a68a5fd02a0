"""Scenario language-model-on-gamma: a pretrained language model whose every attention head is a 40 Hz circuit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.heads.named import check_circuit_name
from bridge.huggingface.layers import attention_layers
from scenarios.language_model_on_gamma.figures import figures
from scenarios.language_model_on_gamma.measures import Study, in_data, in_numbers
from scenarios.language_model_on_gamma.trials import kinds_of
from scenarios.language_model_on_gamma.words import in_words
from scenarios.language_model_on_gamma.writing import write
from scenarios.workbench.causal import load_causal, text_of, windows_of
from scenarios.workbench.head_params import HeadParams, chosen_text
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, check_softmax
from scenarios.workbench.reading import read_windows
from scenarios.workbench.smollm2 import SMOLLM2
from spiking import PARAMETER_SETS

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Can a pretrained language model run on simulated 40 Hz circuits? Every attention head becomes one; what is "
    "lost, in perplexity, in the tokens that it would choose, and in the text that it writes, at how many spikes a "
    "row, and what does the simulation cost?"
)


@dataclass(frozen=True, kw_only=True)
class Params(HeadParams):
    random: str = param(
        "brief", f"a circuit of random cells to compare with, one of: {', '.join(PARAMETER_SETS)}; or yours"
    )
    model: str = param(SMOLLM2, "smollm2, the folder of a causal model, or a .gguf file")
    text_file: str | None = param(
        None, "UTF-8 text that is predicted; the English topics that ship with Python if none"
    )
    windows: int = param(8, "parts of the text, from its start", at_least=2)
    length: int = param(128, "tokens in each", at_least=8)
    spikes: tuple[int, ...] = param((16, 64, 256), "spikes per row", at_least=1)
    kinds: tuple[str, ...] = param(HEADS, f"of attention, of: {', '.join(HEADS)}", choices=HEADS)
    layer_spikes: int = param(
        8, "spikes per row where one layer alone is simulated; 0 leaves this out", at_least=0
    )
    layer_windows: int = param(2, "windows for that", at_least=2)
    prompt: str = param("The function of attention in the brain is", "that the model goes on with")
    new_tokens: int = param(40, "tokens that it writes", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_circuit_name(self.random)
        check_softmax(self.kinds, "kinds")
        self.check_ordered("spikes")

    @property
    def shown(self) -> int:
        """The budget of the headline: that nearest to 64."""
        return min(self.spikes, key=lambda n: abs(np.log(n / 64)))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Read the text under every kind of attention, then go on with the prompt."""
    text = text_of(params.text_file)
    with ctx.progress.stage("read the model", share=0.03):
        pretrained = load_causal(params.model)
        windows = windows_of(pretrained, text, params.windows, params.length)
    layers = list(attention_layers(pretrained.model))
    kinds = kinds_of(params, len(layers))
    trials = [kind.trial(params, ctx) for kind in kinds]
    with ctx.part("windows", share=0.87) as part:
        measured = read_windows(pretrained.model, windows, trials, part)
    written = None
    if "spiking" in params.kinds:
        with ctx.part("writing", share=0.1) as part:
            head = params.spiking_head(ctx, params.shown, seeds=2**31)
            written = write(pretrained, params.prompt, params.new_tokens, head, params.heads, part)
    n_heads = [layer.n_heads for layer, _ in layers]
    study = Study(
        params=params,
        tried=kinds,
        measured=measured,
        written=written,
        chosen=chosen_text(params.heads, n_heads),
    )
    data = in_data(study)
    metrics = in_numbers(study)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("ratio", "same", "time")
        if "spiking" in params.kinds
        else ("perplexity", "uniform", "kl_uniform"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
