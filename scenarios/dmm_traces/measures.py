"""Numbers and sentences of dmm-traces: what runs exactly, and how long links drawn by spikes carry a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.dmm_traces.exact import FLIPS, N_CYCLES, Own, Traces
from scenarios.dmm_traces.lives import Drawn, Lives
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import words
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.statistics import UNKNOWN, Estimate
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.dmm_traces import Params

__all__ = ["Study", "expected_life", "in_data", "in_numbers", "in_words"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was run."""

    params: Params
    traces: Traces
    own: Own
    lives: Mapping[str, Lives]
    drawn: Drawn

    @property
    def drawn_spikes(self) -> int:
        """Of the run that is drawn."""
        return self.params.spikes[len(self.params.spikes) // 2]

    def growth(self, source: str) -> Estimate:
        """Cycles of life that each doubling of the spikes adds, by least squares; unknown for a single budget."""
        lived = [self.lives[source].life(i) for i in range(len(self.params.spikes))]
        known = [i for i, life in enumerate(lived) if life.error > 0]
        if len(known) < 2:
            return UNKNOWN
        x = np.log2(np.array(self.params.spikes, dtype=float)[known])
        x = x - x.mean()
        errors = np.array([lived[i].error for i in known])
        slope = (x * [lived[i].value for i in known]).sum() / (x**2).sum()
        return Estimate(value=float(slope), error=float(np.sqrt(((x * errors) ** 2).sum()) / (x**2).sum()))


def expected_life(n_spikes: np.ndarray) -> np.ndarray:
    """Cycles until the error of Self's weight is as large as 1/2, for independent samples, linearised.

    The weight a of Self's link to itself becomes a^2, so an error doubles in a cycle, and drawing the row of two
    links of weight 1 adds one of variance 1 / N: (4^t - 1) / (3 N) = 1 / 4 after t cycles.
    """
    return np.log(1 + 0.75 * n_spikes) / np.log(4)


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, traces, params = Lines(), study.traces, study.params
    for name, label, right, n in (
        ("flips", "cycles of the oscillation as published", traces.oscillation, len(FLIPS)),
        ("ring", "cycles of the ring of updates as published", traces.ring, traces.n_ring),
        ("counting", "cycles of the counting program as published", traces.counting, N_CYCLES),
    ):
        lines.add(name, label, float(right["exact"]), floor=n, control=right["dense"],
                  note="floor: published; control: dense engine")  # fmt: skip
    lines.add(
        "to_draw",
        "rows of these programs in which spikes have something to select",
        float(traces.rows_to_draw),
    )
    last, law = len(params.spikes) - 1, expected_life(np.array(params.spikes))
    lines.add(
        "life",
        f"cycles that a ring in Self's row lives, {params.spikes[last]} spikes a row",
        study.lives["circuit"].life(last),
        floor=law[last],
        control=study.lives["sampled"].life(last),
        note="floor: linear theory; control: sampled",
    )
    lines.add(
        "growth",
        "cycles that twice the spikes add",
        study.growth("circuit"),
        floor=0.5,
        control=study.growth("sampled"),
        note="floor: theory of independent samples; control: sampled",
    )
    lines.add(
        "growth_regular", "– regular cells", study.growth("regular"), floor=1.0, note="floor: error ~ 1 / N"
    )
    for i, n in enumerate(params.spikes):
        for source, label in SOURCES.items():
            of, suffix = study.lives[source], "" if source == "circuit" else f"_{source}"
            floor = law[i] if source != "regular" else None
            lines.add(f"life_{n}{suffix}", f"life at {n} spikes, {label}", of.life(i), floor=floor)
    for i, n in enumerate(params.spikes):
        for source, label in SOURCES.items():
            suffix = "" if source == "circuit" else f"_{source}"
            lines.add(
                f"counted_{n}{suffix}", f"counts right at {n} spikes, {label}", study.lives[source].right(i)
            )
    return lines.metrics


def in_words(metrics: Numbers, study: Study) -> Words:
    """In short, and a paragraph."""
    exact, immune, dies, counts = _exact(study), _immune(study), _dies(metrics, study), _counts(study)
    return words(exact, immune, dies, counts, short=(exact, dies, counts))


def _exact(study: Study) -> str:
    traces, n_ring = study.traces, study.traces.n_ring
    right = [set(each.values()) for each in (traces.oscillation, traces.ring, traces.counting)]
    if right == [{len(FLIPS)}, {n_ring}, {N_CYCLES}]:
        return (
            "Both engines run the published programs cycle by cycle: a weight that oscillates, "
            f"{study.params.n_updates} matrices that put each other into Self's row, and a program that counts "
            "letters."
        )
    return (
        f"The published programs do not run as they should: right are {traces.oscillation} of {len(FLIPS)}, "
        f"{traces.ring} of {n_ring}, {traces.counting} of {N_CYCLES} cycles."
    )


def _immune(study: Study) -> str:
    if study.traces.rows_to_draw:
        return f"{study.traces.rows_to_draw} of their rows have several links."
    return "Each of their rows has one link: spikes have nothing to select there, and draw it exactly."


def _dies(metrics: Numbers, study: Study) -> str:
    life, growth, regular = metrics["life"], metrics["growth"], metrics["growth_regular"]
    most = study.params.spikes[-1]
    if np.isnan(growth.value):
        return f"With its update in the row of Self's own link, a ring lives {life} cycles at {most} spikes a row."
    beyond = "" if np.isnan(regular.value) else f", regular cells {regular}"
    return (
        "With its update in the row of Self's own link, which is then drawn too, the ring dies early: that link "
        f"multiplies itself, so errors double in each cycle. It lives {life} cycles at {most} spikes a row, and "
        f"twice the spikes add {growth} cycles (theory 0.5){beyond}: a program that keeps itself needs a link "
        "without noise."
    )


def _counts(study: Study) -> str:
    said = []
    for source, label in SOURCES.items():
        right = [study.lives[source].right(i).value for i in range(len(study.params.spikes))]
        said.append(f"{label} {right[0]:.0%} and {right[-1]:.0%}")
    few, most = study.params.spikes[0], study.params.spikes[-1]
    return (
        "An accumulator whose own link is drawn only drifts: of the cycles of the counting program both counts are "
        f"right in, at {few} and {most} spikes a row: {'; '.join(said)}."
    )


def in_data(study: Study) -> xr.Dataset:
    """Lives, counts, and the runs that are drawn."""
    params, sources = study.params, list(SOURCES)
    budgets = range(len(params.spikes))
    return xr.Dataset(
        {
            "life": column(
                ("source", "budget", "machine"),
                [study.lives[s].cycles for s in sources],
                "cycles done right from the start",
            ),
            "counted": column(
                ("source", "budget", "machine"),
                [study.lives[s].counted for s in sources],
                "cycles with both counts right",
            ),
            **estimate_column(
                "mean_life", ("source", "budget"), [[study.lives[s].life(i) for i in budgets] for s in sources],
                "cycles of life",
            ),
            **estimate_column(
                "right", ("source", "budget"), [[study.lives[s].right(i) for i in budgets] for s in sources],
                "cycles with both counts right",
            ),
            "expected": column("budget", expected_life(np.array(params.spikes)), "cycles of life, linear theory"),
            "row": column(("run", "link", "cycle"), [study.drawn.exact, study.drawn.spiking], "weight in Self"),
            "own": column(("own_name", "own_cycle"), study.own.weights, "program that is drawn"),
        },
        {
            "source": sources,
            "budget": column("budget", params.spikes, "spikes per row"),
            "run": ["exact", "spikes"],
            "own_name": study.own.names,
        },
    )  # fmt: skip
