"""Scenario dmm-traces: machines that rewrite their own links, exactly and with links drawn by spikes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pragmatic.machines.dmm.program import Program
from pragmatic.machines.dmm.programs import oscillation, ring
from pragmatic.machines.dmm.values import DmmError
from scenarios.dmm_traces.exact import Traces, own_trace, published
from scenarios.dmm_traces.figures import lives, own, rewriting
from scenarios.dmm_traces.lives import Lives, drawn_run, measured
from scenarios.dmm_traces.measures import Study, in_data, in_numbers, in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.panels import pictures
from scenarios.workbench.params import param
from scenarios.workbench.sources import SOURCES, SourceParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "A dataflow matrix machine can rewrite its own links while it runs. Do its programs keep running when links "
    "are drawn by spikes?"
)
SHIPPED = {"ring": ring, "oscillation": oscillation}


@dataclass(frozen=True, kw_only=True)
class Params(SourceParams):
    program: str = param("ring", f"that is drawn: {', '.join(SHIPPED)}, or your own JSON file of links")
    shown: int = param(12, "cycles that are drawn", at_least=2, at_most=200)
    n_updates: int = param(3, "matrices in the ring that rewrite each other", at_least=2, at_most=12)
    spikes: tuple[int, ...] = param(
        (17, 65, 257, 1025, 4097),
        "spikes a row, rising; odd, as two equal links share an even number exactly",
        at_least=1,
        at_most=16384,
    )
    machines: int = param(60, "machines with each number of spikes", at_least=2)
    cycles: int = param(60, "that each is run for at most", at_least=2)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("spikes")
        self.own()

    def own(self) -> Program:
        """The program that is drawn."""
        if self.program in SHIPPED:
            return ring(self.n_updates) if self.program == "ring" else oscillation()
        try:
            return Program.load(Path(self.program))
        except DmmError as error:
            raise UsageError(f"program: {error}") from error


def run(params: Params, ctx: RunContext) -> Outcome:
    """The published traces on both engines, then lives of the ring against spikes."""
    with ctx.part("exact", share=0.05):
        traces: Traces = published(params)
        shown = own_trace(params)
    with ctx.part("spikes", share=0.95) as part:
        lived: dict[str, Lives] = {
            source: measured(source, params, part, share=1 / len(SOURCES)) for source in SOURCES
        }
    study = Study(params=params, traces=traces, own=shown, lives=lived, drawn=drawn_run(params, ctx))
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("ring", "life", "growth"),
        pictures=pictures(study, own, name=params.program)
        | pictures(study, rewriting, n=study.drawn_spikes, updates=params.n_updates)
        | pictures(study, lives, cycles=params.cycles),
        **in_words(metrics, study),
    )
