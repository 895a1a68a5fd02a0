"""Numbers of dmm-learns: published and measured losses, what is left of a machine, and what spikes make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from pragmatic.machines.dmm import Program
from pragmatic.machines.dmm.lite import HAND, NINETEEN, TEXT, counted, said, wired
from scenarios.dmm_learns.draws import GROUPS, Drawn
from scenarios.dmm_learns.learnt import N_CYCLES, Learnt
from scenarios.dmm_learns.published import CHANGES, CURVE, NINETEEN_LOSSES, WITHOUT_OUTPUT_2
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.sources import SOURCES, power
from scenarios.workbench.statistics import Estimate
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.dmm_learns import Params

__all__ = ["LEARNT", "PROGRAMS", "Study", "in_data", "in_numbers"]

PROGRAMS = {"author": "author's 19 weights", "ours": "ours"}
LEARNT = 1.0  # loss below which a machine has learnt the task
SMOOTHED = 20  # steps over which the loss of a training through spikes is averaged


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was trained and run."""

    params: Params
    learnt: Learnt
    programs: Mapping[str, Program]
    drawn: Mapping[tuple[str, str, int], Drawn]
    hand: Sequence[Drawn]  # the hand program by each source, with the fewest spikes
    kinds: Mapping[str, Drawn]

    @property
    def middle(self) -> int:
        """The number of spikes at which kinds of neuron are compared."""
        return self.params.spikes[len(self.params.spikes) // 2]

    @property
    def steps_needed(self) -> np.ndarray:
        """Steps of each machine until its loss was below 1, of those that got there."""
        below = self.learnt.losses < LEARNT
        return below.argmax(axis=0)[below.any(axis=0)]

    @property
    def fewest(self) -> int | None:
        """The fewest weights with which a machine still had an error below 1."""
        rounds = zip(self.learnt.left, self.learnt.cut, strict=True)
        return min((n for n, errors in rounds if errors.min() < LEARNT), default=None)

    def loss_at(self, step: int) -> np.ndarray:
        """Of the machines, (n_machines,)."""
        return self.learnt.losses[step]

    def through(self, source: str) -> np.ndarray:
        """Loss of the training through spikes, averaged over some steps."""
        losses = self.learnt.drawn[source]
        n = min(SMOOTHED, len(losses))
        return np.convolve(losses, np.ones(n) / n, mode="valid")

    def slope(self, program: str, source: str) -> Estimate:
        """Of ln excess error against ln spikes, by least squares; unknown where there is no error to speak of."""
        return power(self.params.spikes, [self.drawn[program, source, n].excess for n in self.params.spikes])

    def enough(self, program: str, source: str) -> int | None:
        """The fewest spikes with which all machines said the right counts in every cycle."""
        right = {n: self.drawn[program, source, n].right.value for n in self.params.spikes}
        return next((n for n, share in right.items() if share == 1), None)


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines = Lines()
    _published(lines)
    _training(lines, study)
    _tests(lines, study)
    _drawn(lines, study)
    for kind, label in GROUPS.items():
        lines.add(
            f"kind_{kind}",
            f"squared error with {study.middle} spikes in the rows of {label} alone",
            study.kinds[kind].excess,
        )
    return lines.metrics


def _drawn(lines: Lines, study: Study) -> None:
    """Programs by spikes; the hand program, which no spike disturbs, in one line."""
    few = study.params.spikes[0]
    hand = max(drawn.excess.value for drawn in study.hand)
    lines.add("excess_hand", f"largest squared error of the hand program at {few} spikes", hand)
    for name, source in product(PROGRAMS, SOURCES):
        what = f"{PROGRAMS[name]}, {SOURCES[source]}"
        law = -2.0 if source == "regular" else -1.0
        slope = study.slope(name, source)
        lines.add(f"slope_{name}_{source}", f"ln squared error against ln spikes, {what}", slope, floor=law)
        for n in study.params.spikes:
            drawn = study.drawn[name, source, n]
            lines.add(f"excess_{name}_{source}_{n}", f"– squared error at {n} spikes", drawn.excess)
            lines.add(f"right_{name}_{source}_{n}", "– cycles with both counts right", drawn.right)


def _published(lines: Lines) -> None:
    """The hand program's cycles, and the author's machine on his tests."""
    hand = said(wired(HAND), N_CYCLES)[0].numpy()
    grows = [tuple(np.flatnonzero(np.diff(hand[:, out]) == 1) + 1) for out in range(2)]
    right = sum(len(set(got) & set(want)) for got, want in zip(grows, CHANGES, strict=True))
    lines.add(
        "hand",
        "changes of the hand program's outputs in the published cycles",
        float(right),
        floor=sum(map(len, CHANGES)),
        note="floor: published",
    )
    for i, ((text, n), loss) in enumerate(NINETEEN_LOSSES.items()):
        wrong = said(wired(NINETEEN, text), n)[0] - counted(text, n)
        lines.add(
            f"nineteen{f'_{i}' if i else ''}",
            f"loss of the author's 19 weights, “{text}”, {n} cycles",
            float(wrong.square().sum()),
            floor=loss,
            note="floor: published",
        )


def _training(lines: Lines, study: Study) -> None:
    learnt, steps = study.learnt, study.params.steps
    for step, loss in CURVE.items():
        if step < steps:
            lines.add(
                f"loss_{step}",
                f"loss after {step} steps",
                study.loss_at(step),
                floor=loss,
                note="floor: published",
            )
    lines.add(
        "final_loss",
        f"loss after {steps} steps",
        study.loss_at(steps),
        floor=CURVE.get(steps),
        note="floor: published",
    )
    needed = study.steps_needed
    if len(needed):
        lines.add("steps_needed", "steps to a loss below 1", needed.astype(float))
    lines.add(
        "learnt",
        "machines that came below 1",
        float(len(needed)),
        control=float(study.params.machines),
        note="control: trained",
    )
    lines.add("minutes", "minutes of that training", learnt.minutes, unit="min")
    lines.add(
        "without",
        "squared error of trained machines without comparisons",
        learnt.without[TEXT, N_CYCLES],
        floor=WITHOUT_OUTPUT_2,
        control=learnt.whole[TEXT, N_CYCLES],
        note="floor: all right but output 2; control: with comparisons",
    )
    unseen = study.params.unseen, N_CYCLES
    lines.add("without_unseen", f"– on “{unseen[0]}”", learnt.without[unseen], control=learnt.whole[unseen])
    for source in learnt.drawn:
        lines.add(
            f"through_{source}",
            f"loss after {study.params.spike_steps} steps through {study.params.train_spikes} spikes, "
            f"{SOURCES[source]}",
            float(study.through(source)[-1]),
            control=float(study.loss_at(min(study.params.spike_steps, steps)).mean()),
            note="control: exact rows, as many steps",
        )


def _tests(lines: Lines, study: Study) -> None:
    """Whole and sparse machines on the same tests; the author's 19 weights are their control."""
    learnt, best = study.learnt, study.learnt.best
    lines.add(
        "few_loss",
        f"squared error of the best machine of {learnt.left[-1]} weights",
        float(learnt.few[TEXT, N_CYCLES][best]),
        floor=NINETEEN_LOSSES[TEXT, N_CYCLES],
        note="floor: the author's of 19",
    )
    if study.fewest is not None:
        lines.add(
            "fewest",
            "fewest weights with an error below 1",
            float(study.fewest),
            floor=19.0,
            note="floor: the author's",
        )
    whole = np.array(learnt.cut[-1] < LEARNT)
    lines.add(
        "kept",
        f"machines of {learnt.left[-1]} weights with an error below 1",
        float(whole.sum()),
        control=float(len(whole)),
        note="control: cut down",
    )
    for i, (text, n) in enumerate(learnt.whole):
        what = f"“{text}”, {n} cycles"
        known = NINETEEN_LOSSES.get((text, n))
        lines.add(f"whole_{i}", f"squared error with all weights, {what}", learnt.whole[text, n], floor=known)
        lines.add(
            f"few_{i}",
            f"– of the best machine of {learnt.left[-1]}",
            float(learnt.few[text, n][best]),
            floor=known,
        )


def in_data(study: Study) -> xr.Dataset:
    """Losses, rounds, and outputs by spikes."""
    params, learnt = study.params, study.learnt
    names, sources = list(PROGRAMS), list(SOURCES)

    def each(of: str) -> list[list[list[Estimate]]]:
        return [[[getattr(study.drawn[p, s, n], of) for n in params.spikes] for s in sources] for p in names]

    axes = ("program", "source", "budget")
    return xr.Dataset(
        {
            "loss": column(("step", "machine"), learnt.losses, "training loss"),
            "drawn_loss": column(("drawn", "drawn_step"), list(learnt.drawn.values()), "loss through spikes"),
            "cut": column(("left", "machine"), learnt.cut, "squared error after a round"),
            **estimate_column("excess", axes, each("excess"), "squared error"),
            **estimate_column("right", axes, each("right"), "cycles with right counts"),
            **estimate_column("kind", "group", [study.kinds[k].excess for k in GROUPS], "squared error"),
            "by_cycle": column(
                ("group", "cycle"), [study.kinds[k].by_cycle for k in GROUPS], "root mean square error"
            ),
        },
        {
            "program": names,
            "source": sources,
            "drawn": list(learnt.drawn),
            "group": list(GROUPS),
            "budget": column("budget", params.spikes, "spikes per row"),
            "left": column("left", learnt.left, "weights left"),
        },
    )
