"""Numbers and sentences of dmm-wakes-and-sleeps: stretches of quiet and activity, and how spikes change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from scipy import stats

from scenarios.dmm_wakes_and_sleeps.lives import Reader, Seeds, Steps
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import words
from scenarios.workbench.sources import SOURCES, power
from scenarios.workbench.statistics import Estimate, clear, difference, fraction, mean
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.dmm_wakes_and_sleeps import Params

__all__ = ["Study", "in_data", "in_numbers", "in_words", "smooth"]

QUIET, ACTIVE = -1.8, -0.9  # log10 of steps in the two states, numpy run of the author's machine
RESTING = 25 / 40  # of seeds 1 to 40, the same
SMOOTHED = 15  # cycles over which a stretch is told from a moment


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was run."""

    params: Params
    seeds: Seeds
    exact: Steps
    drawn: Mapping[Reader, Steps]
    resting: Mapping[Reader, np.ndarray]  # (n_machines,) steps of a machine at rest

    @cached_property
    def threshold(self) -> float:
        """log10 of the step that parts quiet from active, from the exact run."""
        return _otsu(self._heard(self.exact).ravel())

    def quiet(self, steps: Steps) -> np.ndarray:
        """Share of the time that each machine is quiet, (n_machines,)."""
        return (smooth(self._heard(steps)) < self.threshold).mean(axis=1)

    def wakings(self, steps: Steps) -> np.ndarray:
        """Of each machine in 1000 cycles."""
        quiet = smooth(self._heard(steps)) < self.threshold
        return 1000 * (quiet[:, :-1] & ~quiet[:, 1:]).sum(axis=1) / quiet.shape[1]

    def level(self, steps: Steps, quiet: bool) -> np.ndarray:
        """Mean log10 step of each machine in one of the states; nan where it never is in it."""
        log = self._heard(steps)
        inside = (log < self.threshold) == quiet
        sums, counts = np.where(inside, log, 0.0).sum(axis=1), inside.sum(axis=1)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    def apart(self, steps: Steps) -> Estimate:
        """Wasserstein distance of a machine's log10 steps from those of the exact machines, in decades."""
        others = self._heard(self.exact).ravel()
        return mean(np.array([stats.wasserstein_distance(row, others) for row in self._heard(steps)]))

    @cached_property
    def apart_exact(self) -> Estimate:
        """The same of pieces of exact runs, as long as a drawn one, and the other machines: what chance gives."""
        log, n = self._heard(self.exact), self._heard(next(iter(self.drawn.values()))).shape[1]
        distances = [
            stats.wasserstein_distance(piece, np.delete(log, i, axis=0).ravel())
            for i, row in enumerate(log)
            for piece in np.array_split(row, max(1, len(row) // n))
        ]
        return mean(np.array(distances))

    def tremble(self, source: str) -> Estimate:
        """Slope of ln step against ln spikes of a machine at rest, by least squares."""
        return power(self.params.spikes, [mean(self.resting[source, n]) for n in self.params.spikes])

    def enough(self, source: str) -> int | None:
        """The fewest spikes from which on steps are not clearly further from the exact ones than those are."""
        apart = {
            str(n): difference(self.apart(self.drawn[source, n]), self.apart_exact)
            for n in self.params.spikes
        }
        signs = clear(apart)
        good = [n for n in self.params.spikes if signs[str(n)] <= 0]
        later = [n for n in good if all(m in good for m in self.params.spikes if m > n)]
        return later[0] if later else None

    def _heard(self, steps: Steps) -> np.ndarray:
        return steps.log[:, self.params.heard]


def _otsu(values: np.ndarray) -> float:
    """The threshold that parts numbers into the two most different groups (Otsu 1979, IEEE Trans. SMC 9:62)."""
    ordered = np.sort(values)
    n = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)[:-1]
    between = n * (len(ordered) - n) * (sums / n - (ordered.sum() - sums) / (len(ordered) - n)) ** 2
    at = int(between.argmax())
    return float((ordered[at] + ordered[at + 1]) / 2)


def smooth(log: np.ndarray) -> np.ndarray:
    """Running means over some cycles, (n_machines, n_cycles - 14)."""
    n = min(SMOOTHED, log.shape[1])
    return np.stack([np.convolve(row, np.ones(n) / n, mode="valid") for row in log])


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, exact = Lines(), study.exact
    lines.add(
        "rest",
        f"seeds from 1 to {study.params.n_seeds} that come to rest",
        fraction(study.seeds.rests),
        floor=RESTING,
        note="floor: about 25 of 40, a numpy run of the author's machine",
    )
    lines.add("quiet", "share of the time in quiet, exactly", study.quiet(exact))
    lines.add("wakings", "wakings in 1000 cycles, exactly", study.wakings(exact))
    lines.add(
        "level_quiet",
        "log10 of quiet steps, exactly",
        study.level(exact, True),
        floor=QUIET,
        note="floor: reference",
    )
    lines.add(
        "level_active",
        "log10 of active steps, exactly",
        study.level(exact, False),
        floor=ACTIVE,
        note="floor: reference",
    )
    for n in reversed(study.params.spikes):
        for source, label in SOURCES.items():
            steps, suffix = study.drawn[source, n], f"_{n}" + ("" if source == "circuit" else f"_{source}")
            whole = "" if (source, n) == ("circuit", study.params.spikes[-1]) else suffix
            lines.add(
                f"apart{whole}",
                f"log10 steps from exact ones at {n} spikes, {label}",
                study.apart(steps),
                floor=study.apart_exact,
                unit="decades",
                note="floor: exact machines among themselves",
            )
            lines.add(
                f"quiet{suffix}",
                "– share of the time in quiet",
                study.quiet(steps),
                control=study.quiet(exact),
            )
            lines.add(
                f"wakings{suffix}",
                "– wakings in 1000 cycles",
                study.wakings(steps),
                control=study.wakings(exact),
            )
            lines.add(f"tremble{suffix}", "– step of a machine at rest", study.resting[source, n])
    for source, label in SOURCES.items():
        law = -1.0 if source == "regular" else -0.5
        lines.add(
            f"slope_{source}", f"ln step at rest against ln spikes, {label}", study.tremble(source), floor=law
        )
    return lines.metrics


def in_words(metrics: Numbers, study: Study) -> Words:
    """In short, and a paragraph."""
    exact, spikes, rest = _exact(metrics, study), _spikes(study), _rest(metrics, study)
    return words(exact, spikes, _few(study), rest, short=(exact, spikes, rest))


def _exact(metrics: Numbers, study: Study) -> str:
    rests, n = int(study.seeds.rests.sum()), len(study.seeds.rests)
    return (
        f"Exactly, {rests} of {n} seeds come to rest, and the machine of seed "
        f"{study.params.seed_of_machine} is quiet "
        f"{metrics['quiet'].value:.0%} of the time, with steps of 10^{metrics['level_quiet'].value:.1f}, "
        "and active "
        f"otherwise, with 10^{metrics['level_active'].value:.1f}; it wakes {metrics['wakings']} times in "
        "1000 cycles."
    )


def _spikes(study: Study) -> str:
    said = []
    for source, label in SOURCES.items():
        n = study.enough(source)
        said.append(f"{label} {f'from {n} spikes a row on' if n else f'not up to {study.params.spikes[-1]}'}")
    return (
        "Its steps are spread as exact ones are, as far as machines of one seed differ among themselves "
        f"({study.apart_exact:.2f} decades), when rows are drawn by: {'; '.join(said)}."
    )


def _few(study: Study) -> str:
    few = study.params.spikes[0]
    said = [
        f"{label} {float(study.quiet(study.drawn[source, few]).mean()):.0%}"
        for source, label in SOURCES.items()
    ]
    exactly = float(study.quiet(study.exact).mean())
    return f"At {few} spikes it is quiet for a share of the time of {', '.join(said)}; exactly {exactly:.0%}."


def _rest(metrics: Numbers, study: Study) -> str:
    if not study.seeds.first:
        return "No seed came to rest, so none shows what spikes do to rest."
    slopes = [f"{label} {metrics[f'slope_{source}']}" for source, label in SOURCES.items()]
    return (
        f"A machine at rest (seed {study.seeds.first}) trembles when its rows are drawn, with steps that "
        "fall as a power "
        f"of the spikes: {'; '.join(slopes)} (theory -0.5 for independent spikes, -1 at best for regular "
        "ones)."
    )


def in_data(study: Study) -> xr.Dataset:
    """Steps, and their statistics against spikes."""
    params, sources = study.params, list(SOURCES)

    def each(of: str) -> list[list[Estimate]]:
        measure = {
            "quiet": lambda s: mean(study.quiet(s)),
            "wakings": lambda s: mean(study.wakings(s)),
            "apart": study.apart,
        }
        return [[measure[of](study.drawn[s, n]) for n in params.spikes] for s in sources]

    axes = ("source", "budget")
    return xr.Dataset(
        {
            "exact": column(
                ("machine", "exact_cycle"), study.exact.length, "step of the master row, exactly"
            ),
            "step": column(
                (*axes, "machine", "cycle"),
                [[study.drawn[s, n].length for n in params.spikes] for s in sources],
                "step of the master row",
            ),
            "row": column(("state", "output"), study.exact.rows, "master row, exactly"),
            "rests": column("seed", study.seeds.rests.astype(int), "seed comes to rest"),
            "tremble": column(
                (*axes, "machine"),
                [[study.resting[s, n] for n in params.spikes] for s in sources],
                "step at rest",
            ),
            **estimate_column("quiet", axes, each("quiet"), "time in quiet"),
            **estimate_column("wakings", axes, each("wakings"), "wakings in 1000 cycles"),
            **estimate_column("apart", axes, each("apart"), "distance of log10 steps", "decades"),
        },
        {"source": sources, "budget": column("budget", params.spikes, "spikes per row")},
    )
