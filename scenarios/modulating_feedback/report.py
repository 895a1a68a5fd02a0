"""Data, numbers and sentences of modulating-feedback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from pragmatic.tasks.batch import IGNORED
from scenarios.modulating_feedback.learnt import KINDS, SPIKED, Learnt
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.readers import Reader
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import UNKNOWN, Estimate, clear, mean, mean_over_seeds
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.modulating_feedback import Params

__all__ = ["CELLS", "Study", "in_data", "in_numbers", "in_words"]

PUBLISHED = {
    "all": 0.991,
    "plain": 0.337,
}  # Fan et al. (2020), 3 variables, 4 layers with feedback, 8 without
CELLS = {"random": "random spikes", "regular": "regular spikes", "sampled": "independent samples"}


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was learnt."""

    learnt: Mapping[str, Learnt]
    params: Params

    @property
    def guess(self) -> float:
        """Share of the held-out prints that are the most frequent value."""
        targets = self.params.task.held_out(self.params.programs).targets.numpy()
        counts = np.bincount(targets[targets != IGNORED])
        return float(counts.max() / counts.sum())

    def right(self, name: str) -> Estimate:
        """Printed values that a kind predicts."""
        return mean_over_seeds(self.learnt[name].accuracy)

    def ahead(self, name: str) -> Estimate:
        """By how much feedback is right more often than another kind, on the same programs."""
        return mean_over_seeds(self.learnt["all"].accuracy - self.learnt[name].accuracy)

    def lost(self, name: str, reader: Reader) -> Estimate:
        """What reading a kind through spikes costs, on the same programs."""
        return mean_over_seeds(self.learnt[name].accuracy - self.learnt[name].through(reader))

    def ahead_through(self, reader: Reader) -> Estimate:
        """By how much feedback is ahead of the plain model when both are read through such spikes."""
        feedback, plain = (self.learnt[name].through(reader) for name in SPIKED)
        return mean_over_seeds(feedback - plain)

    def by_place(self, name: str) -> list[Estimate]:
        """Right prints at every place of a program, over programs and models; unknown where none is printed."""
        right = self.learnt[name].right.reshape(-1, self.params.length)
        return [mean(at) if np.isfinite(at).any() else UNKNOWN for at in right.T]


def in_data(study: Study) -> xr.Dataset:
    """Accuracy of each kind, by place, and through spikes; losses of the trainings at equal steps."""
    names, params = list(study.learnt), study.params
    places = [study.by_place(name) for name in names]
    losses = [study.learnt[name].losses[:, : params.iterations] for name in names]
    spiked = [
        [[mean_over_seeds(study.learnt[name].through((c, n))) for n in params.spikes] for c in params.cells]
        for name in SPIKED
    ]
    through = estimate_column(
        "through", ("model", "cells", "spikes"), spiked, "printed values that are right through spikes"
    )
    return xr.Dataset(
        {
            **estimate_column(
                "right", "kind", [study.right(n) for n in names], "printed values that are right"
            ),
            **estimate_column("by_place", ("kind", "place"), places, "printed values that are right"),
            "loss": column(("kind", "seed", "iteration"), losses, "loss of a batch", "nat"),
            "n_parameters": column("kind", [study.learnt[n].n_parameters for n in names], "parameters"),
            **(through if params.cells else {}),
        },
        {
            "kind": names,
            "place": column("place", np.arange(1, params.length + 1), "statement"),
            **(
                {
                    "model": list(SPIKED),
                    "cells": list(params.cells),
                    "spikes": column("spikes", params.spikes, "spikes per row"),
                }
                if params.cells
                else {}
            ),
        },
    )


def in_numbers(study: Study) -> Numbers:
    """Each kind, what feedback is ahead by, its price in time, and the price of spikes."""
    lines, guess = Lines(), study.guess
    for name, kind in KINDS.items():
        published = PUBLISHED.get(name)
        lines.add(
            f"right_{name}",
            f"printed values predicted, {kind.label}",
            study.right(name),
            floor=guess,
            control=published,
            note="floor: the most frequent value" + ("; control: published, full size" if published else ""),
        )
    for name, kind in KINDS.items():
        if name != "all":
            lines.add(f"ahead_{name}", f"feedback ahead of: {kind.label}", study.ahead(name))
    seconds = {name: of.seconds for name, of in study.learnt.items()}
    lines.add(
        "slower", "processor time of feedback over plain, equal steps", seconds["all"] / seconds["plain"]
    )
    lines.add("slower_longer", "– plain trained longer over plain", seconds["longer"] / seconds["plain"])
    for name in KINDS:
        lines.add(f"parameters_{name}", f"parameters, {KINDS[name].label}", study.learnt[name].n_parameters)
    for at, of_level in enumerate(study.learnt["all"].levels.T):
        what = f"of layer {at}" if at else "of the embedding"
        lines.add(f"level_{at}", f"weight {what} in the memory", of_level)
    for name in SPIKED:
        for cells, n in study.params.readers:
            lines.add(
                f"lost_{name}_{cells}_{n}",
                f"lost at {n} spikes a row, {KINDS[name].label}, {CELLS[cells]}",
                study.lost(name, (cells, n)),
            )
    for cells, n in study.params.readers:
        label = f"feedback ahead of plain, both through {n} spikes a row, {CELLS[cells]}"
        lines.add(f"ahead_{cells}_{n}", label, study.ahead_through((cells, n)))
    return lines.metrics


def in_words(metrics: Numbers, study: Study) -> Words:
    """What feedback gains, against which control, at what price, and what spikes make of it."""
    gain, controls, spikes = _gain(metrics, study), _controls(study), _spikes(study)
    return words(gain, controls, _time(metrics), spikes, short=(gain, controls, spikes))


def _gain(metrics: Numbers, study: Study) -> str:
    ours, plain = metrics["right_all"], metrics["right_plain"]
    sign = clear({"plain": study.ahead("plain")})["plain"]
    return (
        f"At equal depth and parameters feedback predicts {ours} of the printed values, a plain decoder {plain}"
        + choose(sign, "", " (no clear difference)", " (feedback does worse here)")
        + f"; a guess is right in {plain.floor:.0%}, published at full size are {PUBLISHED['all']:.1%} and "
        f"{PUBLISHED['plain']:.1%}."
    )


def _controls(study: Study) -> str:
    others = [name for name in KINDS if name not in ("all", "plain")]
    signs = clear({name: study.ahead(name) for name in others})
    parts = {
        1: "Feedback is clearly ahead of",
        0: "not clearly apart from",
        -1: "clearly less often right than",
    }
    told: list[str] = []
    for sign, said in parts.items():
        these = [f"{KINDS[n].label} ({study.right(n)})" for n in others if signs[n] == sign]
        if these:
            told.append(f"{said if told or sign == 1 else 'Feedback is ' + said} {listed(these)}")
    return "; ".join(told) + "."


def _time(metrics: Numbers) -> str:
    return (
        f"An iteration with feedback takes {metrics['slower']} times as long as a plain one, since positions wait "
        f"for each other; the plain model trained longer had {metrics['slower_longer']} times its time and reaches "
        f"{metrics['right_longer']}."
    )


def _spikes(study: Study) -> str:
    """What noise in each read costs a recurrent memory and a plain one, and what is left of feedback's lead."""
    params = study.params
    if not params.cells:
        return ""
    ahead = {reader: study.ahead_through(reader) for reader in params.readers}
    signs = clear({f"{cells} {n}": lead for (cells, n), lead in ahead.items()})
    told = []
    for cells in params.cells:
        first = next((n for n in params.spikes if signs[f"{cells} {n}"] > 0), None)
        lost = [study.lost(name, (cells, params.spikes[0])) for name in SPIKED]
        told.append(
            f"{CELLS[cells]} {f'from {first} a row on' if first else 'at none of these numbers'} (at "
            f"{params.spikes[0]} feedback loses {lost[0]}, plain {lost[1]})"
        )
    return f"Through spikes, as many for both, feedback is clearly ahead of plain with {listed(told)}."
