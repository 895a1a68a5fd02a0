"""Scenario language-model-on-gamma: a pretrained language model whose every attention head is a 40 Hz circuit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from bridge.heads.named import check_circuit_name
from bridge.huggingface.layers import attention_layers
from scenarios.language_model_on_gamma.bills import count_window
from scenarios.language_model_on_gamma.figures import figures
from scenarios.language_model_on_gamma.judging import Judged
from scenarios.language_model_on_gamma.looking import look
from scenarios.language_model_on_gamma.measures import Study, in_data, in_numbers
from scenarios.language_model_on_gamma.trials import judges_of, kinds_of
from scenarios.language_model_on_gamma.words import in_words
from scenarios.language_model_on_gamma.writing import write
from scenarios.workbench.causal import load_causal, text_of, windows_of
from scenarios.workbench.causal_params import ReaderParams
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import HeadParams, chosen_text
from scenarios.workbench.minimal_pairs import MinimalPairs, read_minimal_pairs, score_pairs
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.pretrained import Pretrained
from scenarios.workbench.readers import HEADS, check_softmax
from scenarios.workbench.reading import read_windows
from scenarios.workbench.sentences import listed
from spiking import PARAMETER_SETS

__all__ = ["QUESTION", "Params", "run"]

BENCHMARKS = ("perplexity", "pairs", "bill", "writing")
SHARES = {"perplexity": 8.0, "pairs": 8.0, "bill": 1.0, "writing": 2.0}  # of the time that a run takes
READING = 0.03  # of the time, to read the model
PRECISIONS = ("float32", "bfloat16", "float64")
HEADLINE = ("ratio", "pairs_change", "same", "time", "pairs", "perplexity", "uniform", "kl_uniform", "common")

QUESTION = (
    "Can a pretrained language model run on simulated 40 Hz circuits? Every attention head becomes one; what is "
    "lost, in perplexity, in the tokens that it would choose, and in the text that it writes, at how many spikes a "
    "row, and what does the simulation cost?"
)


@dataclass(frozen=True, kw_only=True)
class Params(HeadParams, ReaderParams):
    random: str = param(
        "brief", f"a circuit of random cells to compare with, one of: {', '.join(PARAMETER_SETS)}; or yours"
    )
    windows: int = param(8, "parts of the text, from its start", at_least=2)
    stride: int | None = param(
        None,
        "tokens from one window to the next, of which the last so many are measured; the length if none",
        at_least=1,
    )
    spikes: tuple[int, ...] = param((16, 64, 256), "spikes per row", at_least=1)
    kinds: tuple[str, ...] = param(HEADS, f"of attention, of: {', '.join(HEADS)}", choices=HEADS)
    layer_spikes: int = param(
        8, "spikes per row where one layer alone is simulated; 0 leaves this out", at_least=0
    )
    layer_windows: int = param(2, "windows for that", at_least=2)
    minimal_pairs: str | None = param(
        None, "tab-separated file of paradigm, field, good, bad: judged, too, if given"
    )
    pairs_each: int = param(0, "pairs of each paradigm, the first; 0 takes all", at_least=0)
    prompt: str = param("The function of attention in the brain is", "that the model goes on with")
    new_tokens: int = param(100, "tokens that it writes", at_least=1)
    uncached: int = param(
        16, "of these, written once more without a cache of keys and values; 0 leaves this out", at_least=0
    )
    benchmarks: tuple[str, ...] = param(
        ("perplexity", "bill", "writing"),
        f"what is measured, of: {', '.join(BENCHMARKS)}",
        choices=BENCHMARKS,
    )
    precision: str = param("float32", f"of the model, of: {', '.join(PRECISIONS)}", choices=PRECISIONS)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_circuit_name(self.random, "random")
        check_softmax(self.kinds, "kinds")
        self.check_ordered("spikes")
        if "pairs" in self.benchmarks and self.minimal_pairs is None:
            raise UsageError(
                "minimal_pairs must be a file for the benchmark pairs, got none; give --minimal-pairs FILE"
            )
        if self.stride is not None and self.stride > self.length:
            raise UsageError(
                f"stride must be <= length, {self.length}, got {self.stride}; leave it out for windows that do "
                "not overlap"
            )
        if not self.measured:
            raise UsageError(
                f"kinds must have spiking among them for {listed(self.benchmarks)}, got {','.join(self.kinds)}; "
                "add it, or measure perplexity"
            )

    @property
    def measured(self) -> list[str]:
        """Benchmarks that are run: text and bill are about spikes, and pairs are judged where there are some."""
        wanted = set(self.benchmarks) | ({"pairs"} if self.minimal_pairs is not None else set())
        if "spiking" not in self.kinds:
            wanted -= {"bill", "writing"}
        return [name for name in BENCHMARKS if name in wanted]

    @property
    def shown(self) -> int:
        """The budget of the headline: that nearest to 64."""
        return min(self.spikes, key=lambda n: abs(np.log(n / 64)))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Read the text and the pairs under every kind of attention, then go on with the prompt."""
    pairs = None
    if params.minimal_pairs is not None:
        pairs = read_minimal_pairs(params.minimal_pairs, params.pairs_each or None)
    windows, text = torch.empty(0), text_of(params.text_file)
    with ctx.progress.stage("read the model", share=READING):
        pretrained = _loaded(params)
        if {"perplexity", "bill"} & set(params.measured):
            windows = windows_of(pretrained, text, params.windows, params.length, params.stride)
    study = _measured(params, ctx, pretrained, windows, pairs)
    metrics = in_numbers(study)
    first, second, third = [*(name for name in HEADLINE if name in metrics), *metrics][:3]
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=(first, second, third),
        pictures=figures(study),
        **in_words(metrics, study),
    )


def _measured(
    params: Params,
    ctx: RunContext,
    pretrained: Pretrained,
    windows: torch.Tensor,
    pairs: MinimalPairs | None,
) -> Study:
    """Every benchmark that is asked for, one after the other."""
    model = pretrained.model
    n_heads = [layer.n_heads for layer, _ in attention_layers(model)]
    study = Study(params=params, chosen=chosen_text(params.heads, n_heads))
    whole = sum(SHARES[name] for name in params.measured)
    for name in params.measured:
        with ctx.part(name, share=(1 - READING) * SHARES[name] / whole) as part:
            if name == "perplexity":
                kinds = kinds_of(params, len(n_heads))
                trials = [kind.trial(params, ctx) for kind in kinds]
                measured = read_windows(model, windows, trials, part, last=params.stride)
                study = replace(study, tried=kinds, measured=measured)
            elif name == "pairs":
                assert pairs is not None
                judges = judges_of(params)
                trials = [kind.trial(params, ctx) for kind in judges]
                scores = score_pairs(pretrained, pairs, trials, part)
                study = replace(study, judged=Judged(pairs=pairs, kinds=judges, scores=scores))
            elif name == "bill":
                study = replace(study, bills=count_window(model, windows[0], params, part))
            else:
                looked = look(pretrained, n_heads, params, part)
                study = replace(study, looked=looked, written=write(pretrained, params, part))
    return study


def _loaded(params: Params) -> Pretrained:
    """The model in the precision asked for, with its fastest softmax, for a fair comparison of time."""
    pretrained = load_causal(params.model)
    pretrained.model.to(getattr(torch, params.precision))
    if pretrained.model._supports_sdpa:
        pretrained.model.set_attn_implementation("sdpa")
    return pretrained
