"""Scenario dmm-learns: a dataflow matrix machine that is trained, cut down to a few links, and run by spikes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pragmatic.machines.dmm.lite import HAND, NINETEEN, wired
from scenarios.dmm_learns.draws import by_kind, by_spikes
from scenarios.dmm_learns.figures import learning, machines, spikes
from scenarios.dmm_learns.learnt import learn
from scenarios.dmm_learns.measures import Study, in_data, in_numbers
from scenarios.dmm_learns.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.panels import pictures
from scenarios.workbench.params import param
from scenarios.workbench.sources import SourceParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "A machine of sums, norms, products and comparisons learns to count, and is cut down to a program of a "
    "few links. "
    "At how many spikes does that program keep its meaning, and which of its neurons loses it first?"
)


@dataclass(frozen=True, kw_only=True)
class Params(SourceParams):
    machines: int = param(3, "machines that are trained, at once", at_least=1)
    steps: int = param(2500, "of each training", at_least=1)
    smallest: int = param(19, "weights that sparsifying leaves", at_least=2, at_most=500)
    round_steps: int = param(100, "training steps after each cut, up to three times", at_least=1)
    unseen: str = param("tets. str.ingtb str.ingtb", "a text that nothing was trained on")
    spikes: tuple[int, ...] = param((16, 64, 256, 1024), "spikes a row, rising", at_least=1, at_most=4096)
    replicas: int = param(12, "machines that run each program by spikes", at_least=2)
    train_spikes: int = param(64, "spikes a row of the training through spikes", at_least=1, at_most=1024)
    spike_steps: int = param(1000, "of the training through spikes", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes")


def run(params: Params, ctx: RunContext) -> Outcome:
    """Trainings first, then the programs that came of them by spikes."""
    with ctx.part("training", share=0.8) as part:
        learnt = learn(params, part)
    ours = learnt.sparse.program(learnt.best)
    programs = {"author": wired(NINETEEN), "ours": ours}
    with ctx.part("programs by spikes", share=0.15) as part:
        drawn = by_spikes(programs, params, part)
        hand = by_spikes({"hand": wired(HAND)}, replace(params, spikes=params.spikes[:1]), part)
    with ctx.part("kinds of neuron", share=0.05) as part:
        kinds = by_kind(programs["author"], params, part)
    study = Study(
        params=params, learnt=learnt, programs=programs, drawn=drawn, hand=list(hand.values()), kinds=kinds
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("nineteen", "final_loss", "few_loss"),
        pictures=pictures(study, learning, n=params.train_spikes, machines=params.machines)
        | pictures(study, machines, n=params.spikes[-1], left=params.smallest)
        | pictures(study, spikes, n=study.middle),
        **in_words(metrics, study),
    )
