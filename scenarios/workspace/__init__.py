"""Scenario workspace: how many items get into a spiking workspace, what each is worth there, and what ignites."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.workbench.head_params import CircuitParams
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.readers import HEADS, check_softmax
from scenarios.workspace.capacity import cued, stored
from scenarios.workspace.figures import figures
from scenarios.workspace.ignition import ignitions
from scenarios.workspace.measures import Study, in_data, in_numbers
from scenarios.workspace.words import in_words

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "How many items does a workspace hold that is filled by spikes, are they kept in slots or do they share a "
    "resource, and is a broadcast that feeds itself all or none?"
)


@dataclass(frozen=True, kw_only=True)
class Params(CircuitParams):
    circuit: str = param("brief", "the circuit in question; regular-brief stands next to it")
    heads: tuple[str, ...] = param(HEADS, f"that select, of: {', '.join(HEADS)}", choices=HEADS)
    items: tuple[int, ...] = param((1, 2, 3, 4, 6, 8, 12), "items shown", at_least=1, at_most=256)
    slots: int = param(4, "slots, and copies or spikes to be dealt", at_least=1, at_most=16)
    values: int = param(8, "values an item may have: a guess is right in 1 of them", at_least=2)
    noise_deg: float = param(20.0, "standard deviation of a copy, in degrees", at_least=2, at_most=120)
    trials: int = param(2000, "trials at each number of items", at_least=20)
    cues: tuple[float, ...] = param(
        (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0), "score of an item cued before storage", at_least=-8, at_most=8
    )
    gain: float = param(6.0, "score that a whole broadcast adds to its content", at_least=0, at_most=20)
    gains: tuple[float, ...] = param(
        (0.0, 2.0, 4.0, 5.0, 5.5, 6.0, 7.0, 8.0), "other gains", at_least=0, at_most=20
    )
    loop_spikes: int = param(16, "spikes of a broadcast", at_least=1)
    contents: int = param(4, "contents that compete for it", at_least=1, at_most=64)
    rest: float = param(3.0, "score of the key that wins at rest", at_least=-10, at_most=10)
    contrasts: tuple[float, ...] = param(
        (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0),
        "scores of the stimulus",
        at_least=0,
        at_most=30,
    )
    jitter: float = param(0.5, "standard deviation of it from trial to trial", at_least=0, at_most=10)
    loop_trials: int = param(300, "trials at each contrast", at_least=4)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("items", "cues", "gains", "contrasts")
        check_softmax(self.heads)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Storage first, then an item that is cued, then the broadcast that feeds itself."""
    with ctx.part("items", share=0.5) as part:
        memories = stored(params, part)
    cue = cued(params, ctx)
    with ctx.part("ignition", share=0.5) as part:
        loops, by_gain = ignitions(params, part)
    study = Study(params=params, memories=memories, cue=cue, loops=loops, by_gain=by_gain)
    data = in_data(study)
    metrics = in_numbers(study, ctx.rng)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("law", "kept", "bimodal"),
        pictures=figures(study, data),
        **in_words(study, metrics),
    )
