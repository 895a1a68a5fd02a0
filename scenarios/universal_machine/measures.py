"""Numbers and sentences of universal-machine: errors a step, lengths of programs, and what clean-up is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from pragmatic.machines.subleq import SubleqState
from scenarios.universal_machine.runs import Reads, Run, wrong_majority
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import words
from scenarios.workbench.statistics import UNKNOWN, Estimate, mean
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.universal_machine import Params

__all__ = ["Study", "in_data", "in_numbers", "in_words"]

LABELS = {"circuit": "random cells", "sampled": "independent samples", "regular": "regular cells"}


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was run."""

    wanted: Sequence[SubleqState]
    exact: Run
    drawn: Run
    reads: Mapping[str, Sequence[Reads]]
    runs: Mapping[str, Sequence[Run]]
    params: Params

    @property
    def n_steps(self) -> int:
        """Of the program."""
        return len(self.wanted) - 1

    def length(self, source: str, at: int) -> Estimate:
        """Steps until the first error, on average: 1 / (error a step); unknown where none was seen."""
        rate = self.reads[source][at].rate
        if not rate.value > 0:
            return UNKNOWN
        return Estimate(value=1 / rate.value, error=rate.error / rate.value**2)

    def nats(self, source: str) -> Estimate:
        """Slope of ln length against spikes, by weighted least squares where errors were seen and steps right."""
        lengths = [self.length(source, i) for i in range(len(self.params.spikes))]
        rates = [reads.rate for reads in self.reads[source]]
        known = [i for i, e in enumerate(lengths) if np.isfinite(e.error) and rates[i].value < 1]
        if len(known) < 2:
            return UNKNOWN
        n = np.array(self.params.spikes, dtype=float)[known]
        y = np.log([lengths[i].value for i in known])
        weight = np.array([(lengths[i].value / lengths[i].error) ** 2 for i in known])
        x = n - np.average(n, weights=weight)
        spread = (weight * x**2).sum()
        return Estimate(value=float((weight * x * y).sum() / spread), error=float(spread**-0.5))

    def enough(self, source: str) -> int | None:
        """The fewest spikes with which all machines ran the program."""
        ran = zip(self.params.spikes, self.runs[source], strict=True)
        return next((n for n, each in ran if (each.right == each.n_steps).all()), None)

    @property
    def result(self) -> str:
        """What the program computes, in words."""
        params, last = self.params, self.wanted[-1].memory
        if params.program == "multiply":
            return f"{params.first} x {params.second} = {last[32]}"
        if params.program == "add":
            return f"{params.first} + {params.second} = {last[13]}"
        return "the program"


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, params = Lines(), study.params
    lines.add(
        "steps",
        f"steps of {study.result} by softmax, all right",
        float(study.exact.right[0]),
        floor=study.n_steps,
    )
    law, last = wrong_majority(params.beta), len(params.spikes) - 1
    lines.add(
        "nats",
        "ln of error-free steps, per spike of a read",
        study.nats("circuit"),
        floor=law,
        control=study.nats("sampled"),
        note="floor: ln cosh(beta / 2), large N; control: sampled",
    )
    lines.add("nats_regular", "– regular cells", study.nats("regular"), floor=law)
    shown = _shown(study)
    for i, n in enumerate(params.spikes):
        for source, label in LABELS.items():
            name = f"error_{n}" + ("" if source == "circuit" else f"_{source}")
            text = f"steps that go wrong at {n} spikes a read" if source == "circuit" else f"– {label}"
            lines.add(name, text, study.reads[source][i].rate)
        for source in (*LABELS, "uncleaned"):
            label = LABELS.get(source, "random cells without clean-up")
            lines.add(
                f"whole_{n}_{source}", f"– machines that ran it whole, {label}", study.runs[source][i].whole
            )
    lines.add(
        "length",
        f"error-free steps at {params.spikes[shown]} spikes a read",
        study.length("circuit", shown),
        control=study.length("sampled", shown),
        note="control: sampled",
    )
    bare = study.runs["uncleaned"][last].right
    right = study.runs["circuit"][last].right
    lines.add(
        "bare", f"steps right without clean-up, {params.spikes[last]} spikes", mean(bare), control=mean(right)
    )
    return lines.metrics


def _shown(study: Study) -> int:
    """The last number of spikes at which the circuit still made errors."""
    made = [i for i, reads in enumerate(study.reads["circuit"]) if reads.wrong.any()]
    return made[-1] if made else 0


def in_words(metrics: Numbers, study: Study) -> Words:
    """In short, and a paragraph."""
    exact, law, clean = _exact(study), _law(metrics, study), _clean(metrics, study)
    return words(exact, law, _whole(study), clean, short=(exact, law, clean))


def _exact(study: Study) -> str:
    right, n = int(study.exact.right[0]), study.n_steps
    if right < n:
        return (
            f"With softmax at beta {study.params.beta:g} the looped transformer goes wrong after {right} of "
            f"{n} steps of "
            f"{study.result}: raise beta."
        )
    return f"By softmax the looped transformer computes {study.result} in {n} steps, each as its interpreter does."


def _law(metrics: Numbers, study: Study) -> str:
    ours = metrics["nats"]
    if np.isnan(ours.value):
        return "With spikes too few rates of errors lie between never and always for a law of the length."
    regular = metrics["nats_regular"]
    beyond = "" if np.isnan(regular.value) else f", regular cells by {regular} a spike"
    return (
        f"With spikes the length of an error-free program grows exponentially with the spikes of a read, by "
        f"{ours} "
        f"nats a spike (sampled {ours.control:.3f}, {ours.floor:.3f} for majorities of many spikes){beyond}: "
        f"a program "
        f"of T steps takes about ln(T) / {ours:.2f} spikes a read more than one of a step."
    )


def _whole(study: Study) -> str:
    said = []
    for source, label in LABELS.items():
        n = study.enough(source)
        said.append(
            f"{label} "
            f"{f'from {n} spikes a read on' if n else f'with none of up to {study.params.spikes[-1]}'}"
        )
    machines = f"All {study.params.machines} machines ran its {study.n_steps} steps without an error"
    return f"{machines}: {'; '.join(said)}."


def _clean(metrics: Numbers, study: Study) -> str:
    bare, most = metrics["bare"], study.params.spikes[-1]
    with_it = "–" if bare.control is None else f"{bare.control:.3g}"
    return (
        f"Without the layers that clean up bits the machine does {bare} of {study.n_steps} steps right at "
        f"{most} spikes, "
        f"with them {with_it}."
    )


def in_data(study: Study) -> xr.Dataset:
    """Rates, lengths and the run that is drawn."""
    sources, budgets = list(LABELS), range(len(study.params.spikes))
    everyone = [*sources, "uncleaned"]
    return xr.Dataset(
        {
            **estimate_column(
                "error",
                ("source", "budget"),
                [[r.rate for r in study.reads[s]] for s in sources],
                "steps that go wrong",
            ),
            **estimate_column(
                "length",
                ("source", "budget"),
                [[study.length(s, i) for i in budgets] for s in sources],
                "steps without an error",
            ),
            "right": column(
                ("machines", "budget", "machine"),
                [[run.right for run in study.runs[s]] for s in everyone],
                "steps done right from the start",
            ),
            "memory": column(("step", "cell"), study.drawn.memory, "what a cell holds"),
            "at": column("step", study.drawn.at, "address of the next instruction"),
        },
        {
            "source": sources,
            "machines": everyone,
            "budget": column("budget", study.params.spikes, "spikes per row"),
        },
    )
