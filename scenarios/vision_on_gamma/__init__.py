"""Scenario vision-on-gamma: a pretrained vision transformer whose every attention head is a 40 Hz circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bridge import SpikingHead
from bridge.huggingface.layers import attention_layers
from pragmatic import Uniform, dot_product_head
from scenarios.vision_on_gamma.figures import figures
from scenarios.vision_on_gamma.images import digits, photographs, view_pair
from scenarios.vision_on_gamma.measures import KINDS, SOFTMAX, UNIFORM, Study, in_data, in_numbers, label
from scenarios.vision_on_gamma.seeing import see_all, see_digits, see_views
from scenarios.vision_on_gamma.words import in_words
from scenarios.workbench.dinov2 import DINOV2, load_dinov2
from scenarios.workbench.errors import UsageError
from scenarios.workbench.head_params import HeadParams, chosen_text
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.pretrained import load_pretrained
from scenarios.workbench.reading import Trial

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Does a pretrained vision transformer still see when every attention head is a simulated 40 Hz circuit? Digits "
    "are told apart by their nearest neighbour and by a linear probe, patches of photographs are matched between "
    "two views, and maps of what is salient are compared: by softmax, by spikes, by samples."
)


@dataclass(frozen=True, kw_only=True)
class Params(HeadParams):
    model: str = param(DINOV2, "dinov2, or the folder of a vision transformer")
    digits: int = param(160, "digits that are seen; half of them teach the probe", at_least=40, at_most=1000)
    digit_size: int = param(112, "pixels a side to which digits are enlarged", at_least=8)
    pairs: int = param(9, "pairs of views, of three photographs in turn", at_least=2)
    view_size: int = param(224, "pixels a side of a view", at_least=8, at_most=400)
    depth: int | None = param(
        None, "layers after which patches are compared; two thirds of all if none", at_least=0
    )
    spikes: tuple[int, ...] = param((16, 64), "spikes per row", at_least=1)
    kinds: tuple[str, ...] = param(KINDS, f"of attention with spikes, of: {', '.join(KINDS)}", choices=KINDS)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes")
        if "spikes" not in self.kinds:
            raise UsageError(
                f"kinds must have spikes among them, which the report is about, got {','.join(self.kinds)}; use "
                f"{','.join(KINDS)}"
            )

    @property
    def shown(self) -> int:
        """The budget of the headline: that nearest to 64."""
        return min(self.spikes, key=lambda n: abs(np.log(n / 64)))


def run(params: Params, ctx: RunContext) -> Outcome:
    """See digits and pairs of views under every kind of attention."""
    with ctx.progress.stage("read the model", share=0.04):
        model, decoder = load_dinov2() if params.model == DINOV2 else (_vision_model(params.model), None)
        layers = [layer for layer, _ in attention_layers(model)]
        depth = _depth(params.depth, len(layers))
        shown, which = digits(params.digits, params.digit_size, ctx.rng)
        photos = list(photographs().items())
        views = [view_pair(*photos[n % len(photos)], params.view_size, ctx.rng) for n in range(params.pairs)]
    trials = _trials(params, ctx)
    with ctx.part("digits", share=0.55) as part:
        vectors = see_digits(model, shown, trials, part)
    with ctx.part("views", share=0.35) as part:
        seen = see_views(model, decoder, views, depth, trials, part)
    view = max(views, key=lambda view: float(view.first.std()))  # with the most to see
    with ctx.part("one view", share=0.06) as part:
        patches, maps = see_all(model, decoder, view, depth, trials, part)
    study = Study(
        params=params,
        labels=[trial.label for trial in trials],
        which=which,
        vectors=vectors,
        seen=seen,
        views=views,
        view=view,
        patches=patches,
        maps=maps,
        chosen=chosen_text(params.heads, [layer.n_heads for layer in layers]),
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("matched", "retrieved", "probed"),
        pictures=figures(study),
        **in_words(metrics, study),
    )


def _trials(params: Params, ctx: RunContext) -> Sequence[Trial]:
    """Softmax first, its control, and every kind with spikes at every budget."""
    trials = [
        Trial(label=SOFTMAX),
        Trial(label=UNIFORM, heads={params.heads: lambda seed: dot_product_head(Uniform())}),
    ]
    for kind in KINDS:
        for n in params.spikes if kind in params.kinds else ():
            make = partial(
                SpikingHead,
                params.row_circuit(),
                spikes=n,
                mode="sampled" if kind == "samples" else "simulated",
                engine=ctx.engine,
                gradient=False,
            )
            trials.append(Trial(label=label(kind, n), heads={params.heads: _seeded(make)}))
    return trials


def _seeded(make: partial[SpikingHead]) -> Any:
    return lambda seed: make(seed=seed)


def _depth(given: int | None, n_layers: int) -> int:
    if given is not None and given > n_layers:
        raise UsageError(
            f"depth must be <= {n_layers}, the model's layers, got {given}; use {2 * n_layers // 3}"
        )
    return 2 * n_layers // 3 if given is None else given


def _vision_model(folder: str) -> Any:
    pretrained = load_pretrained(folder)
    if pretrained.tokenizer is not None:
        raise UsageError(
            f"model must be a vision transformer, got {type(pretrained.model).__name__}, which reads text; give "
            "one that takes images"
        )
    return pretrained.model
