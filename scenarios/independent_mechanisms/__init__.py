"""Scenario independent-mechanisms: modules of which few are active, chosen by their scores or by first spikes."""

from __future__ import annotations

from dataclasses import dataclass

from pragmatic.tasks.copying import Copying
from scenarios.independent_mechanisms.copied import copied
from scenarios.independent_mechanisms.figures import figures
from scenarios.independent_mechanisms.measures import Study, in_data, in_numbers, in_words
from scenarios.workbench.module_params import ModuleParams
from scenarios.workbench.modules import EXACT, PHASES, Way
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Modules that compete for their turn remember longer than they were trained for. Do they when the first spikes "
    "of a gamma cycle choose them, and what does a wrong turn cost?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ModuleParams):
    n_symbols: int = param(8, "different symbols", at_least=2)
    n_copied: int = param(3, "symbols to be copied", at_least=1)
    delay: int = param(8, "steps between the symbols and their copies, in training", at_least=1)
    iterations: int = param(1200, "of each training", at_least=1)
    tune_iterations: int = param(300, "of the training through races that follows", at_least=1)
    batch: int = param(32, "sequences in each iteration", at_least=1)
    learning_rate: float = param(2e-2, "at its highest; it ends at a tenth", above=0, at_most=0.1)
    windows: int = param(128, "sequences of each length that are measured", at_least=2)
    swaps: tuple[float, ...] = param(
        (0.03, 0.1, 0.3), "chances that one active module is exchanged in a step", above=0, at_most=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("swaps")

    @property
    def lengths(self) -> tuple[int, ...]:
        """Delays that are measured: of the training, twice and four times it."""
        return tuple(self.delay * times for times in (1, 2, 4))

    @property
    def task(self) -> Copying:
        """What is learnt."""
        return Copying(n_symbols=self.n_symbols, n_copied=self.n_copied)

    @property
    def swapped(self) -> tuple[Way, ...]:
        """Exchanges at all steps, and the most of them at some."""
        everywhere = tuple(Way("swaps", chance) for chance in self.swaps)
        return (*everywhere, *(Way("swaps", self.swaps[-1], phase=phase) for phase in PHASES))

    @property
    def ways(self) -> tuple[Way, ...]:
        """All ways to choose modules."""
        return (EXACT, *self.races, *self.counts, *self.swapped)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train modules and their ablations, and let spikes choose."""
    study = Study(params=params, copied=copied(params, ctx))
    data, metrics = in_data(study), in_numbers(study)
    return Outcome(
        dataset=data,
        metrics=metrics,
        headline=("mechanisms_top", "all_active_top", "price"),
        pictures=figures(study, data),
        **in_words(study, metrics),
    )
