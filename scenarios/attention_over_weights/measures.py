"""Data, numbers and sentences of attention-over-weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.attention_over_weights.locality import Explained, operations
from scenarios.attention_over_weights.programs import WAYS
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.readers import Reader, reader_id, reader_name
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import (
    Estimate,
    clear,
    difference,
    fraction,
    mean,
    mean_over_seeds,
)
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.attention_over_weights import Params

__all__ = ["NAMES", "Study", "in_data", "in_numbers", "in_words"]

NAMES = {
    "softmax": "softmax",
    "top": "the best alone",
    "plain": "a plain layer",
    "wider": "a wider layer",
    "exact": "the highest score",
    "mass": "softmax weight",
}
SOFTMAX: Reader = ("softmax", 0)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was measured."""

    params: Params
    local: Explained
    items: Mapping[Reader, np.ndarray]  # (n_queries,)
    programs: Mapping[tuple[str, Reader, float], np.ndarray]  # (n_queries,)

    def explained(self, reader: Reader, window: int, n_sets: int) -> Estimate:
        """Part of the variance, over models and sequences."""
        return mean_over_seeds(self.local[reader, window, n_sets])

    @property
    def best_window(self) -> int:
        """Where softmax explains most with as many sets as modes."""
        params = self.params
        return max(params.windows, key=lambda w: self.explained(SOFTMAX, w, params.n_modes).value)

    @property
    def some_noise(self) -> float:
        """The noise of queries at which programs are compared in words."""
        return self.params.program_noise[len(self.params.program_noise) // 2]

    def wrong(self, way: str, reader: Reader) -> Estimate:
        """Error of programs there."""
        return mean(self.programs[way, reader, self.some_noise])

    @property
    def readers(self) -> list[Reader]:
        """Selections that are measured at every window."""
        return [SOFTMAX, ("top", 0), *self.params.readers]


def in_data(study: Study) -> xr.Dataset:
    """A dimension for each way to select."""
    params, readers = study.params, study.readers
    by_window = [[study.explained(r, w, params.n_modes) for w in params.windows] for r in readers]
    by_sets = [[study.explained(r, params.fitting, k) for k in params.sets] for r in readers]
    wrong = [
        [[mean(study.programs[way, r, noise]) for noise in params.program_noise] for r in readers]
        for way in WAYS
    ]
    part = "variance explained"
    return xr.Dataset(
        {
            **estimate_column("by_window", ("reader", "window"), by_window, part),
            **estimate_column("by_sets", ("reader", "sets"), by_sets, part),
            **estimate_column("wrong", ("way", "reader", "noise"), wrong, "squared error / variance"),
            **estimate_column(
                "retrieved",
                "item_reader",
                [_share(right) for right in study.items.values()],
                "items retrieved",
            ),
            "operations": column(
                "window", [operations(params.n_modes, w) for w in params.windows], "operations / plain layer"
            ),
        },
        {
            "reader": [reader_name(r, NAMES) for r in readers],
            "item_reader": [reader_name(r, NAMES) for r in study.items],
            "way": list(WAYS),
            "window": column("window", params.windows, "positions that share a mixture"),
            "sets": column("sets", params.sets, "sets of weights"),
            "noise": column("noise", params.program_noise, "noise of the query"),
        },
    )


def in_numbers(study: Study) -> dict[str, Metric]:
    """The best window, what is explained there by every selection and control, items and programs retrieved."""
    lines, params = Lines(), study.params
    best, fitting, n_modes = study.best_window, params.fitting, params.n_modes
    lines.add("best_window", "best window", float(best), note=f"modes last {params.mode_length} positions")
    lines.add("operations", "– operations there, in plain layers", operations(n_modes, best))
    wider = study.explained(("wider", 0), fitting, n_modes)
    for reader in [*study.readers, ("plain", 0), ("wider", 0)]:
        lines.add(
            "explained" if reader == SOFTMAX else f"explained_{reader_id(reader)}",
            f"variance explained at window {fitting} by {n_modes} sets, {reader_name(reader, NAMES)}",
            study.explained(reader, fitting, n_modes),
            floor=0,
            control=wider,
            note="control: a wider layer with as many parameters",
        )
    for window in params.windows:
        lines.add(
            f"explained_window_{window}",
            f"– softmax, window {window}",
            study.explained(SOFTMAX, window, n_modes),
            note=f"{operations(n_modes, window):.2f} times the operations of a plain layer",
        )
    for k in params.sets:
        lines.add(f"explained_sets_{k}", f"– softmax, {k} sets", study.explained(SOFTMAX, fitting, k))
    for reader, right in study.items.items():
        head, n = reader
        lines.add(
            f"retrieved_{n}" if head == "spiking" else f"retrieved_{reader_id(reader)}",
            f"items retrieved of {params.n_items}, {reader_name(reader, NAMES)}",
            _share(right),
            floor=1 / params.n_items,
        )
    for way in WAYS:
        for reader in study.readers:
            lines.add(
                f"wrong_{way}_{reader_id(reader)}",
                f"error of retrieved programs, mixed {way}, {reader_name(reader, NAMES)}",
                study.wrong(way, reader),
                note=f"squared, over the variance; noise {study.some_noise:g}",
            )
    return lines.metrics


def _share(right: np.ndarray) -> Estimate:
    return fraction(right) if right.dtype == bool else mean(right)


def in_words(study: Study, metrics: Mapping[str, Metric]) -> Words:
    """How often to look, how many sets, what a spike picks, and whether weights or outputs are to be mixed."""
    params = study.params
    first, last = params.windows[0], params.windows[-1]
    apart = {
        "first": _local_gain(study, study.best_window, first),
        "last": _local_gain(study, study.best_window, last),
        "wider": difference(
            study.explained(SOFTMAX, params.fitting, params.n_modes),
            study.explained(("wider", 0), params.fitting, params.n_modes),
        ),
        "more": _more_sets(study),
        "ways": mean(
            study.programs["weights", SOFTMAX, study.some_noise]
            - study.programs["outputs", SOFTMAX, study.some_noise]
        ),
    }
    signs = clear(apart)
    window = _on_windows(study, metrics, signs)
    items, programs = _on_items(study), _on_programs(study, signs)
    return words(
        window, _on_sets(study, metrics, apart, signs), items, programs, short=(window, items, programs)
    )


def _local_gain(study: Study, best: int, other: int) -> Estimate:
    """How much more one window explains than another, seed by seed and sequence by sequence."""
    k = study.params.n_modes
    return mean_over_seeds(study.local[SOFTMAX, best, k] - study.local[SOFTMAX, other, k])


def _more_sets(study: Study) -> Estimate:
    """What the largest number of sets explains beyond as many sets as modes."""
    params = study.params
    ours = study.local[SOFTMAX, params.fitting, params.n_modes]
    return mean_over_seeds(study.local[SOFTMAX, params.fitting, params.sets[-1]] - ours)


def _on_windows(study: Study, metrics: Mapping[str, Metric], signs: Mapping[str, int]) -> str:
    params, best = study.params, study.best_window
    worse = [
        f"{study.explained(SOFTMAX, w, params.n_modes)} with one for every {w}"
        for name, w in (("first", params.windows[0]), ("last", params.windows[-1]))
        if signs[name] > 0
    ]
    than = f", clearly more than {listed(worse)}" if worse else ""
    return (
        f"A mixture of {params.n_modes} sets explains {study.explained(SOFTMAX, best, params.n_modes)} of the "
        f"variance, the most, when it is made once for every {best} positions, where a mode lasts "
        f"{params.mode_length}{than}; it takes {metrics['operations']:.2f} times the operations of a plain layer."
    )


def _on_sets(
    study: Study, metrics: Mapping[str, Metric], apart: Mapping[str, Estimate], signs: Mapping[str, int]
) -> str:
    params = study.params
    more = choose(signs["more"], "explain more", "do not explain clearly more or less", "explain less")
    control = choose(signs["wider"], "less", "not clearly another part", "more")
    fewest = next((n for head, n in params.readers if head == "spiking" and _as_good(study, (head, n))), None)
    spikes = (
        f" From {fewest} spikes on the circuit's selection explains as much within .01." if fewest else ""
    )
    said = f"{params.sets[-1]} sets {more} than {params.n_modes}, one a mode ({apart['more']}). "
    return (
        f"{said if params.sets[-1] != params.n_modes else ''}A wider layer with as many parameters, which reads "
        f"the same cue, explains {control}, {metrics['explained_wider']}.{spikes}"
    )


def _one_program(study: Study) -> str:
    """What the fewest spikes make of it."""
    some = [reader for reader in study.params.readers if reader[0] == "spiking"]
    return f", the program of {reader_name(some[0])} {study.wrong('outputs', some[0])}" if some else ""


def _as_good(study: Study, reader: Reader) -> bool:
    at = study.params.fitting, study.params.n_modes
    return bool(study.local[SOFTMAX, *at].mean() - study.local[reader, *at].mean() < 0.01)


def _on_items(study: Study) -> str:
    """What the fewest spikes retrieve, and from how many spikes on all queries get their item."""
    some = [reader for reader in study.params.readers if reader[0] == "spiking"] or list(study.params.readers)
    if not some:
        return ""
    n_items, weight = study.params.n_items, _share(study.items["mass", 0])
    few, whole = some[0], next((r for r in some if study.items[r].all()), None)
    enough = f" From {reader_name(whole)} on every one does." if whole else ""
    return (
        f"By {reader_name(few)} {_share(study.items[few])} of the queries retrieve their item of {n_items}, where "
        f"softmax puts a weight of {weight} on it.{enough}"
    )


def _on_programs(study: Study, signs: Mapping[str, int]) -> str:
    weights, outputs = (study.wrong(way, SOFTMAX) for way in ("weights", "outputs"))
    harm = choose(signs["ways"], "a larger error than", "no clearly other error than", "a smaller error than")
    return (
        f"When queries for programs are noisy, mixing the weights of nonlinear networks makes {harm} mixing their "
        f"outputs ({weights} against {outputs} of the variance); the best program alone makes "
        f"{study.wrong('outputs', ('top', 0))}{_one_program(study)}."
    )
