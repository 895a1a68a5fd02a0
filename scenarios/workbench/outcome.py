"""What a scenario is given (`RunContext`) and what it hands back (`Outcome`)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from scenarios.workbench.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from matplotlib.figure import Figure

    from scenarios.workbench.unfinished import Unfinished
    from spiking import Engine, SpikeRecord

__all__ = [
    *("Kept", "Metric", "Numbers", "Outcome", "Picture", "RunContext", "Words", "first_sentences"),
    "number_text",
]

N_IN_SHORT = 3
ENDS = (".", "!", "?")


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """What a scenario may use besides its parameters."""

    rng: np.random.Generator
    progress: Progress
    engine_name: str = "events"
    unfinished: Unfinished | None = None  # keeps trainings until the run is whole

    @cached_property
    def engine(self) -> Engine:
        """What simulates, made when it is asked for: a run without spikes loads no simulator."""
        from spiking import engine_named

        return engine_named(self.engine_name)

    @contextmanager
    def part(self, label: str, share: float) -> Iterator[RunContext]:
        """Open a part of the run: the same context, whose progress is this share of the whole."""
        with self.progress.stage(label, share=share) as progress:
            yield replace(self, progress=progress)

    def checkpoint(self, training: str) -> Path | None:
        """The file of a training, from which the same run goes on after an interruption."""
        return None if self.unfinished is None else self.unfinished.checkpoint(training)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One measured number, with what it must be compared with."""

    label: str  # a reader's words: "total variation / floor"
    value: float
    standard_error: float | None = None
    floor: float | None = None  # what chance or sampling alone would give
    control: float | None = None  # the same measure in the control condition
    unit: str = ""  # "" for a pure number
    note: str = ""

    def text(self) -> str:
        """Value, standard error and unit: ``"38.2 ± 1.1 Hz"``."""
        return f"{number_text(self.value, self.standard_error)} {self.unit}".rstrip()

    def __format__(self, spec: str) -> str:
        """In a sentence: ``f"{metric}"`` is its `text`, ``f"{metric:.1%}"`` the value alone in that format."""
        return format(self.value, spec) if spec else self.text()


Numbers = Mapping[str, Metric]  # the lines of a report by their names


class Words(TypedDict):
    """The answer in sentences: of an `Outcome`, the parts ``in_short`` and ``verdict``."""

    in_short: tuple[str, ...]
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure to be drawn under the house style, and the sentence below it."""

    draw: Callable[[], Figure]
    caption: str


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How much of a spike record a run folder keeps."""

    n_spikes: int
    rows: int  # the first so many
    of_rows: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The answer to a scenario's question.

    Every numeric variable and coordinate of `dataset` needs the attribute ``units`` (pure: ``"1"``).
    """

    dataset: xr.Dataset
    metrics: Mapping[str, Metric]
    headline: tuple[str, str, str]  # the names of the three metrics that matter
    pictures: Mapping[str, Picture]  # file name without suffix -> picture, in the report's order
    verdict: str  # a candid paragraph, computed from the results
    in_short: tuple[
        str, ...
    ] = ()  # one to three sentences for a reader in a hurry; if empty, the verdict's first
    spikes: Mapping[str, SpikeRecord] = field(
        default_factory=dict
    )  # name -> spike times to keep in result.nc
    files: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)  # file name -> writes it there

    def __post_init__(self) -> None:
        missing = [name for name in self.headline if name not in self.metrics]
        if missing or len(self.headline) != 3:
            raise ValueError(
                f"headline must name three of the metrics, got {self.headline}; "
                f"known: {', '.join(self.metrics)}"
            )
        if len(self.in_short) > N_IN_SHORT or not all(text.strip().endswith(ENDS) for text in self.in_short):
            raise ValueError(
                f"in_short must be at most {N_IN_SHORT} sentences, each with its full stop, "
                f"got {self.in_short!r}; leave the rest to the verdict"
            )
        if self.spikes and "spikes" in self.dataset.variables:
            raise ValueError(
                "dataset must leave the name 'spikes' to the spike times, got a variable of that name; use n_spikes"
            )
        bare = [
            str(name)
            for name, variable in self.dataset.variables.items()
            if variable.dtype.kind in "iufc" and "units" not in variable.attrs
        ]
        if bare:
            raise ValueError(
                f"dataset must carry units, got none for {', '.join(bare)}; "
                "set .attrs['units'], '1' for a pure number"
            )


def first_sentences(text: str, most: int = N_IN_SHORT) -> tuple[str, ...]:
    """Take the first sentences of a paragraph; a line break ends a sentence too.

    >>> first_sentences("The loop selects. It takes 2.5 cycles.\\nBeta is 0.98. And so on.", most=2)
    ('The loop selects.', 'It takes 2.5 cycles.')
    """
    sentences = re.split(r"(?<=[.!?])\s+(?=[^\sa-z])|\s*\n\s*", text.strip())
    return tuple(" ".join(sentence.split()) for sentence in sentences if sentence)[:most]


def number_text(value: float | None, standard_error: float | None = None) -> str:
    """A number for a reader, rounded where its standard error begins.

    >>> number_text(0.98321, 0.0123), number_text(38.0), number_text(123456.0), number_text(None)
    ('0.983 ± 0.012', '38', '123,456', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if standard_error is None or not math.isfinite(standard_error) or standard_error <= 0:
        return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"
    decimals = max(0, 1 - math.floor(math.log10(standard_error)))
    if decimals > 6:
        return f"{value:.3g} ± {standard_error:.1g}"
    return f"{value:,.{decimals}f} ± {standard_error:,.{decimals}f}"
