"""Data, numbers and sentences of modulating-field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from pragmatic.tasks.batch import Task
from pragmatic.tasks.text import Text, bigram_loss
from scenarios.modulating_field.measures import CYCLED, KINDS, Cycled, Mapped, SETTLED_nat
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, estimate_of, fraction, mean
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.modulating_field import Params

__all__ = ["CELLS", "Study", "in_data", "in_numbers", "in_words"]

CELLS = {"random": "random spikes", "regular": "regular spikes", "sampled": "independent samples"}
SIGNS = {-1: "down", 1: "up"}


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured."""

    maps: Mapping[str, Mapped]
    settling: np.ndarray  # (T, n_texts) change in each pass at the largest strength
    cycled: Sequence[Cycled]
    task: Task
    params: Params

    @property
    def plain(self) -> np.ndarray:
        """Loss without a field, (n_texts,)."""
        return self.maps["surprise"].loss[0, 0]

    def without(self, cells: str) -> Cycled:
        """Cycles of these cells without a field."""
        return next(c for c in self.cycled if c.cells == cells and not c.kind)

    def with_field(self, cells: str, kind: str, sign: int, exact: bool) -> Cycled:
        """And with one."""
        here = (cells, kind, sign, exact)
        return next(c for c in self.cycled if (c.cells, c.kind, np.sign(c.strength), c.exact) == here)

    def apart(self, cells: str, kind: str, sign: int, exact: bool, of: str) -> Estimate:
        """What a field changes, text by text: "loss" or "overconfidence"."""
        ours = getattr(self.with_field(cells, kind, sign, exact).answers, of)
        return mean(ours - getattr(self.without(cells).answers, of))

    def noise(self, cells: str) -> Estimate:
        """Loss with the circuit's own fields over that with exact ones, mean over fields, text by text."""
        pairs = [
            [self.with_field(cells, kind, sign, exact).answers.loss for exact in (False, True)]
            for kind in CYCLED
            for sign in SIGNS
        ]
        return mean(np.mean([own - exact for own, exact in pairs], axis=0))

    def slope(self, kind: str) -> Estimate:
        """Nats of loss for a unit of strength about 0, from the smallest of either sign, after all passes."""
        of, least = self.maps[kind], self.params.strengths[0]
        up, down = (of.rise[of.at(sign * least), -1] for sign in (1, -1))
        return mean((up - down) / (2 * least))

    def settled(self, strength: float) -> Estimate:
        """Texts at their fixed point after all passes, both signs together."""
        of = self.maps["surprise"]
        return fraction(np.concatenate([of.settled[of.at(sign * strength), -1] for sign in (-1, 1)]))


def in_data(study: Study) -> xr.Dataset:
    """Rise of the loss and texts at their fixed point; cycles with and without a field."""
    maps = study.maps.values()
    rises = [[[mean(at) for at in of_strength] for of_strength in m.rise] for m in maps]
    settled = [[[fraction(at) for at in of_strength] for of_strength in m.settled] for m in maps]
    n_passes = study.maps["surprise"].loss.shape[1]
    data = xr.Dataset(
        {
            **estimate_column("rise", ("kind", "strength", "pass"), rises, "rise in loss", "nat"),
            **estimate_column("settled", ("kind", "strength", "step"), settled, "texts at their fixed point"),
        },
        {
            "kind": list(study.maps),
            "strength": column("strength", study.params.all_strengths, "strength of the field"),
            "pass": column("pass", np.arange(n_passes), "passes with a field"),
            "step": column("step", np.arange(1, n_passes), "passes with a field"),
        },
    )
    return data.merge(_cycles_in_data(study)) if study.cycled else data


def _cycles_in_data(study: Study) -> xr.Dataset:
    """Loss and overconfidence after all cycles, condition by condition."""
    exact = {True: " exact", False: ""}
    names = [f"{c.cells} {c.kind or 'none'} {c.strength:+g}{exact[c.exact]}" for c in study.cycled]
    loss, over = ([mean(getattr(c.answers, of)) for c in study.cycled] for of in ("loss", "overconfidence"))
    label = "probability of the choice, less the share that is right"
    return xr.Dataset(
        {
            **estimate_column("cycle_loss", "condition", loss, "loss after all cycles", "nat"),
            **estimate_column("cycle_overconfidence", "condition", over, label),
        },
        {"condition": names},
    )


def in_numbers(study: Study) -> Numbers:
    """Whether it converges, whether it helps, and the same from cycle to cycle."""
    lines, n = Lines(), study.params.passes
    bigram = bigram_loss(study.task) if isinstance(study.task, Text) else None
    lines.add(
        "loss", "loss without a field", study.plain, control=bigram, unit="nat", note="control: bigrams"
    )
    rest = study.maps["surprise"]
    lines.add("identity", "largest rise at strength 0", np.abs(rest.rise[rest.at(0)]).max(), unit="nat")
    for strength in study.params.strengths:
        label = f"texts at their fixed point after {n} passes, strength ±{strength:g}"
        lines.add(f"settled_{strength:g}", label, study.settled(strength))
        shrinks = np.concatenate([rest.shrinks(rest.at(sign * strength)) for sign in (-1, 1)])
        lines.add(f"shrinks_{strength:g}", "– factor of the change from pass to pass", shrinks)
    strongest = study.params.strengths[-1]
    lines.add("settled", f"texts at their fixed point, strength ±{strongest:g}", study.settled(strongest))
    tokens = len(study.settling)
    lines.add("last", f"largest change in the last of {tokens} passes", study.settling[-1].max(), unit="nat")
    needed = tokens - (study.settling[::-1] >= SETTLED_nat).argmax(axis=0)
    needed = np.where((study.settling >= SETTLED_nat).any(axis=0), needed, 0)
    lines.add("needed", f"passes until the fixed point, strength {strongest:g}", needed)
    _on_help(lines, study)
    for cells in study.params.cells:
        _of_cycles(lines, study, cells)
    return lines.metrics


def _on_help(lines: Lines, study: Study) -> None:
    for kind, label in KINDS.items():
        strength, rise = study.maps[kind].best()
        lines.add(
            f"rise_{kind}",
            f"rise in loss at the best strength of half the texts ({strength:+g}), other half: {label}",
            rise,
            unit="nat",
        )
        lines.add(
            f"slope_{kind}",
            "– nats for a unit of strength about 0",
            study.slope(kind),
            control=study.slope("shuffled"),
            note="control: surprise of another text",
        )


def _of_cycles(lines: Lines, study: Study, cells: str) -> None:
    params, none = study.params, study.without(cells).answers
    lines.add(
        f"cycles_{cells}",
        f"loss after {params.cycles} cycles of {params.spikes} spikes, {CELLS[cells]}",
        none.loss,
        floor=study.plain,
        unit="nat",
        note="floor: exact attention",
    )
    lines.add(
        f"overconfidence_{cells}", "– probability of the choice, less the share right", none.overconfidence
    )
    lines.add(
        f"noise_{cells}",
        "– loss with its own fields over that with exact ones",
        study.noise(cells),
        unit="nat",
    )
    for kind in CYCLED:
        for sign, word in SIGNS.items():
            label = f"– change by {KINDS[kind]}, strength {sign * params.cycle_strength:+g}"
            for of, what, unit in (("loss", "loss", "nat"), ("overconfidence", "overconfidence", "")):
                lines.add(
                    f"{of}_{cells}_{kind}_{word}",
                    f"{label}: {what}",
                    study.apart(cells, kind, sign, False, of),
                    control=study.apart(cells, kind, sign, True, of),
                    unit=unit,
                    note="control: field of exact attention",
                )


def in_words(metrics: Numbers, study: Study) -> Words:
    """Convergence, help, cycles."""
    converges, helps, cycles = _converges(metrics, study), _helps(metrics), _cycles(study)
    rates, slopes, locks = _rates(metrics, study), _slopes(study), _locks(study)
    return words(converges, rates, helps, slopes, cycles, locks, short=(converges, helps, cycles))


def _converges(metrics: Numbers, study: Study) -> str:
    last, tokens = metrics["last"], len(study.settling)
    whole = "is the fixed point" if last.value < SETTLED_nat else "is not the fixed point"
    return (
        f"A field of surprise acts from earlier tokens on later ones alone, so that {tokens} passes over {tokens} "
        f"tokens must end at its fixed point: the state after them {whole} (largest change in the last pass "
        f"{last.value:.1g} nat); at strength {study.params.strengths[-1]:g} texts need {metrics['needed']} passes."
    )


def _rates(metrics: Numbers, study: Study) -> str:
    told = [
        f"{metrics[f'settled_{s:g}']:.0%} at ±{s:g} (change times {metrics[f'shrinks_{s:g}']:.2g} a pass)"
        for s in study.params.strengths
    ]
    return f"After {study.params.passes} passes the texts at their fixed point are {listed(told)}."


def _helps(metrics: Numbers) -> str:
    rises = {kind: estimate_of(metrics[f"rise_{kind}"]) for kind in KINDS}
    signs = clear(rises)
    told = [
        f"{label} by {rises[kind]}" + choose(signs[kind], " (clearly worse)", "", " (clearly better)")
        for kind, label in KINDS.items()
    ]
    verdict = "A field helps" if any(sign < 0 for sign in signs.values()) else "No field clearly helps"
    return (
        f"{verdict}: at the strength that is best on half of the texts, the loss of the others ({metrics['loss']} "
        f"on average) changes with {listed(told)}."
    )


def _slopes(study: Study) -> str:
    """The sign of a weak field, which a best strength between the tried ones would follow."""
    slopes = {kind: study.slope(kind) for kind in KINDS}
    signs = clear(slopes)
    told = [f"{label} {slopes[kind]}" for kind, label in KINDS.items() if signs[kind]]
    least = study.params.strengths[0]
    if not told:
        return f"About 0, from ±{least:g}, the loss clearly rises or falls with the strength of no field."
    return (
        f"About 0, from ±{least:g}, the loss clearly depends on the sign of {len(told)} of {len(KINDS)} fields, "
        f"in nats for a unit of strength: {listed(told)}."
    )


def _differences(study: Study, of: str, exact: bool) -> dict[str, Estimate]:
    return {
        f"{KINDS[kind]}, {sign * study.params.cycle_strength:+g}, {CELLS[cells]}": study.apart(
            cells, kind, sign, exact, of
        )
        for cells in study.params.cells
        for kind in CYCLED
        for sign in SIGNS
    }


def _cycles(study: Study) -> str:
    if not study.params.cells:
        return ""
    changes = _differences(study, "loss", False)
    signs = clear(changes)
    better = [f"{name} ({changes[name]})" for name, sign in signs.items() if sign < 0]
    worse = sum(sign > 0 for sign in signs.values())
    params = study.params
    return (
        f"From cycle to cycle, {params.cycles} of {params.spikes} spikes a row, feedback raises the loss clearly "
        f"in {worse} of {len(signs)} conditions"
        + (f", and lowers it with {listed(better)}." if better else " and lowers it in none.")
    )


def _locks(study: Study) -> str:
    """Whether the noise of a circuit's own early estimate makes it too sure."""
    if not study.params.cells:
        return ""
    changes = _differences(study, "overconfidence", False)
    signs = clear(changes)
    surer = [f"{name} ({changes[name]})" for name, sign in signs.items() if sign > 0]
    cells = study.params.cells
    base = listed([f"{mean(study.without(c).answers.overconfidence)} ({CELLS[c]})" for c in cells])
    noise = listed([f"{study.noise(c)} nat ({CELLS[c]})" for c in cells])
    return (
        f"Fields of a circuit's own noisy estimate cost {noise} more than those of exact attention. Without "
        f"feedback the probability of the choice, less the share that is right, is {base}; feedback makes it "
        f"clearly larger " + (f"with {listed(surer)}." if surer else "in no condition.")
    )
