"""Scenario sequential-digits: digits read pixel by pixel, at finer resolutions than in training."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.sequential_digits.figures import figures
from scenarios.sequential_digits.measures import Study, in_data, in_numbers, in_words
from scenarios.sequential_digits.pixels import FINEST
from scenarios.sequential_digits.read import read_digits
from scenarios.workbench.module_params import ModuleParams
from scenarios.workbench.modules import EXACT, Way
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Do modules that take turns read digits, pixel by pixel, at finer resolutions than they were trained at, and "
    "what does it cost if spikes choose the modules?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ModuleParams):
    spikes: tuple[int, ...] = param((32,), "spikes that are counted in place of a race", at_least=1)
    resolution: int = param(4, "pixels a side in training", at_least=1, at_most=4)
    finer: tuple[int, ...] = param((5, 6, 7, 8), "pixels a side in tests", at_least=5, at_most=FINEST)
    iterations: int = param(800, "of each training", at_least=1)
    batch: int = param(32, "digits in each iteration", at_least=1)
    learning_rate: float = param(1e-2, "at its highest; it ends at a tenth", above=0, at_most=0.1)
    windows: int = param(200, "digits that are read in tests", at_least=2, at_most=400)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("finer")

    @property
    def sides(self) -> tuple[int, ...]:
        """All resolutions, that of the training first."""
        return (self.resolution, *self.finer)

    @property
    def ways(self) -> tuple[Way, ...]:
        """To choose modules."""
        return (EXACT, *self.races, *self.counts)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train at one resolution, test at others, and let spikes choose."""
    study = Study(params=params, digits=read_digits(params, ctx))
    data, metrics = in_data(study), in_numbers(study)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=(f"turns_taller_{params.finer[-1]}", f"all_active_taller_{params.finer[-1]}", "price"),
        pictures=figures(study, data),
        **in_words(study, metrics),
    )
