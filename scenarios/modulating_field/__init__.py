"""Scenario modulating-field: the surprise of tokens as a field on a trained transformer's attention, iterated."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.modulating_field.figures import figures
from scenarios.modulating_field.measures import KINDS, map_of, measure_cycles, settle
from scenarios.modulating_field.report import Study, in_data, in_numbers, in_words
from scenarios.workbench.mini import MiniParams, mini_model
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, check_softmax
from scenarios.workbench.sources import SourceParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "A trained transformer has no feedback. What if the surprise of each token, -log p of the model's own "
    "prediction, is added to its attention scores, again and again: does it converge, does it help, and does it "
    "as gamma cycles go by?"
)


@dataclass(frozen=True, kw_only=True)
class Params(SourceParams, MiniParams):
    iterations: int = param(1000, "of training", at_least=1)
    windows: int = param(128, "held-out sequences that everything is measured on", at_least=4)
    strengths: tuple[float, ...] = param(
        (0.05, 0.1, 0.2, 0.5, 1.0), "of the field, rising; each with either sign, and 0", above=0, at_most=10
    )
    passes: int = param(8, "passes with a field", at_least=2)
    settling: int = param(32, "sequences that get as many passes as they have tokens", at_least=1)
    heads: tuple[str, ...] = param(HEADS, f"that are given a field, of: {', '.join(HEADS)}", choices=HEADS)
    cycles: int = param(6, "gamma cycles of a row", at_least=2)
    spikes: int = param(4, "spikes of a row in each", at_least=1)
    cycle_strength: float = param(
        0.1, "of the field from cycle to cycle, with either sign", above=0, at_most=10
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("strengths")
        check_softmax(self.heads)

    @property
    def all_strengths(self) -> tuple[float, ...]:
        """Of both signs, and none."""
        return (*(-s for s in reversed(self.strengths)), 0.0, *self.strengths)

    @property
    def cells(self) -> tuple[str, ...]:
        """Whose spikes are read cycle by cycle."""
        spiking = ("random", "regular") if "spiking" in self.heads else ()
        return (*spiking, *(("sampled",) if "sampled" in self.heads else ()))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train or load, map every field over strengths and passes, then let fields act from cycle to cycle."""
    mini = mini_model(params, ctx, share=0.4)
    maps = {}
    for kind in KINDS:
        with ctx.part(KINDS[kind], share=0.35 / len(KINDS)) as part:
            maps[kind] = map_of(kind, mini, params, part)
    with ctx.part("as many passes as tokens", share=0.05):
        settling = settle(mini, params)
    with ctx.part("cycles", share=0.2) as part:
        cycled = measure_cycles(mini, params, part)
    study = Study(maps=maps, settling=settling, cycled=cycled, task=mini.task, params=params)
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("rise_surprise", "settled", "needed"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
