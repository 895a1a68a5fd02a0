"""Scenario first-to-spike: the first k distinct keys of a gamma cycle as a selection, and the law of that race."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.first_to_spike.figures import figures
from scenarios.first_to_spike.measures import Study, in_data, in_numbers, in_words
from scenarios.first_to_spike.races import by_counts, in_cycles, races
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from spiking import PARAMETER_SETS

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "When the first k different keys to spike are selected, which are they, how many spikes and what part of a "
    "gamma cycle does it take, and does counting spikes select better?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    circuits: tuple[str, ...] = param(
        ("escape", "brief", "regular", "regular-brief"),
        f"that race, of: {', '.join(PARAMETER_SETS)}",
        choices=tuple(PARAMETER_SETS),
    )
    n_keys: int = param(8, "keys of a row", at_least=4, at_most=64)
    step: float = param(
        0.5, "by which the score of a key is below that of the one before", above=0, at_most=4
    )
    k: tuple[int, ...] = param(
        (1, 2, 3, 4), "keys that are selected; the third number is shown by key", at_least=1
    )
    n_rows: int = param(4000, "races at every point", at_least=20)
    spikes: tuple[int, ...] = param((8, 32, 128, 512), "spikes among which keys are counted", at_least=1)
    count_rows: int = param(1000, "rows that are counted", at_least=20)
    beat_rows: int = param(48, "rows whose cycles are looked at", at_least=2)
    beat_ms: float = param(1000.0, "time of these", at_least=200)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_ordered("k", "spikes")
        if self.k[-1] > self.n_keys:
            raise UsageError(
                f"k must be at most n_keys, got {self.k[-1]} of {self.n_keys} keys; select fewer or give more keys"
            )
        if len(set(self.circuits)) < len(self.circuits):
            raise UsageError(f"circuits must differ, got {','.join(self.circuits)}; name each once")

    @property
    def shown(self) -> int:
        """The k that is shown key by key, and whose cycles are looked at."""
        return self.k[min(2, len(self.k) - 1)]


def run(params: Params, ctx: RunContext) -> Outcome:
    """Races from their start, then the cycles of a rhythm that goes on, then counts."""
    with ctx.part("races", share=0.4) as part:
        raced = races(params, part)
    with ctx.part("cycles", share=0.3) as part:
        cycles = in_cycles(params, part)
    with ctx.part("counts", share=0.3) as part:
        counted = by_counts(params, part)
    study = Study(params=params, raced=raced, cycles=cycles, counted=counted)
    metrics = in_numbers(study)
    first = params.circuits[0]
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=(f"race_{first}", f"spikes_{first}", f"cycle_{first}"),
        pictures=figures(study),
        spikes={name: cycle.watched for name, cycle in cycles.items()},
        **in_words(study, metrics),
    )
