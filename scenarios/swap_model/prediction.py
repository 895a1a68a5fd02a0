"""What a causal language model with spiking heads loses in its task, the next token, at several budgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from torch import Tensor

from bridge import SpikingHead
from pragmatic import Head, Uniform, dot_product_head
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.panels import captioned, dots, panels, percent_axis
from scenarios.workbench.reading import KL, LOSS, SAME, Trial, read_windows
from scenarios.workbench.sentences import choose
from scenarios.workbench.statistics import Estimate, mean, sign
from scenarios.workbench.style import CONTROL, SPIKING
from scenarios.workbench.tables import column

if TYPE_CHECKING:
    from scenarios.swap_model import Params

__all__ = [
    "Prediction",
    "add_prediction",
    "predict",
    "prediction",
    "prediction_in_data",
    "said_of_prediction",
]

AROUND = (1 / 4, 1, 4)  # budgets that are tried, over the one asked for


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Loss, KL and choice of the next token on one text."""

    spikes: int  # asked for
    budgets: tuple[int, ...]
    softmax: float  # nat a token
    uniform: np.ndarray  # (n_measures,) as `read_windows` has them
    simulated: np.ndarray  # (n_budgets, n_draws, n_measures)
    sampled: np.ndarray  # (n_draws, n_measures), at the budget asked for

    def ratio(self, measured: np.ndarray) -> Estimate:
        """Perplexity over softmax's, mean over draws; of (n_draws, n_measures)."""
        return mean(np.exp(measured[:, LOSS] - self.softmax))

    @property
    def asked(self) -> np.ndarray:
        """(n_draws, n_measures) at the budget asked for."""
        return self.simulated[self.budgets.index(self.spikes)]


def predict(model: Any, tokens: Tensor, params: Params, ctx: RunContext) -> Prediction:
    """Read one text (1, length) by softmax, by spikes, by as many samples, and with uniform attention."""
    budgets = tuple(sorted({max(1, round(params.spikes * part)) for part in AROUND}))

    def tried(label: str, head: Callable[[int], Head]) -> list[Trial]:
        return [
            Trial(label=f"{label}, draw {n + 1}", heads={params.heads: head}) for n in range(params.n_draws)
        ]

    def spiking(n: int, mode: str) -> Callable[[int], Head]:
        make = partial(
            SpikingHead, params.row_circuit(), spikes=n, mode=mode, engine=ctx.engine, gradient=False
        )
        return lambda seed: make(seed=seed)

    controls = [
        Trial(label="softmax"),
        Trial(label="uniform", heads={params.heads: lambda seed: dot_product_head(Uniform())}),
    ]
    spikes = [trial for n in budgets for trial in tried(f"{n} spikes", spiking(n, "simulated"))]
    samples = tried(f"{params.spikes} samples", spiking(params.spikes, "sampled"))
    measured = read_windows(model, tokens, [*controls, *spikes, *samples], ctx, name="prediction")[:, 0]
    first, last = len(controls), len(controls) + len(spikes)
    return Prediction(
        spikes=params.spikes,
        budgets=budgets,
        softmax=float(measured[0, LOSS]),
        uniform=measured[1],
        simulated=measured[first:last].reshape(len(budgets), params.n_draws, -1),
        sampled=measured[last:],
    )


def add_prediction(lines: Lines, told: Prediction) -> None:
    """Perplexity, KL and choice first at the budget asked for, then at the others."""
    uniform = float(np.exp(told.uniform[LOSS] - told.softmax))
    for n, measured in sorted(
        zip(told.budgets, told.simulated, strict=True), key=lambda each: each[0] != told.spikes
    ):
        asked = n == told.spikes
        ending = "" if asked else f"_{n}"
        floor = (told.ratio(told.sampled), mean(told.sampled[:, KL]), mean(told.sampled[:, SAME]))
        controls = (uniform, told.uniform[KL], told.uniform[SAME])
        values = (told.ratio(measured), mean(measured[:, KL]), mean(measured[:, SAME]))
        note = "floor: as many samples; control: uniform attention"
        for name, label, unit, value, chance, control in zip(
            ("ratio", "kl", "same"),
            (f"perplexity over softmax's, {n} spikes a row", "– KL of the next token", "– same top token"),
            ("", "nat", ""),
            values,
            floor,
            controls,
            strict=True,
        ):
            about = {"floor": chance, "note": note if name == "ratio" else ""} if asked else {}
            lines.add(f"{name}{ending}", label, value, control=control, unit=unit, **about)
    lines.add("perplexity", "perplexity of softmax on this text", float(np.exp(told.softmax)))


def said_of_prediction(told: Prediction, chosen: str) -> str:
    """The sentence that the answer begins with."""
    ratio = told.ratio(told.asked)
    above = Estimate(value=ratio.value - 1, error=ratio.error)
    word = choose(sign(above), "clearly worse", "no clear difference", "clearly better")
    kl, same = mean(told.asked[:, KL]), mean(told.asked[:, SAME])
    return (
        f"With {chosen} in spikes, {told.spikes} a row, the perplexity of this text is {ratio} times that of "
        f"softmax ({np.exp(told.softmax):.3g}), {word} over these draws; the next token's KL is {kl} nat, and the "
        f"most probable one is the same in {same:.1%} of places."
    )


def prediction_in_data(told: Prediction) -> xr.Dataset:
    """Loss, KL and choice of every budget and draw."""
    measures = (
        (LOSS, "loss", "loss", "nat"),
        (KL, "kl", "KL of the next token", "nat"),
        (SAME, "same", "same top token", ""),
    )
    along = ("budget", "draw")
    return xr.Dataset(
        {name: column(along, told.simulated[..., at], label, unit) for at, name, label, unit in measures},
        {"budget": column("budget", told.budgets, "spikes per row")},
    )


@captioned(
    "The next token against spikes per row, means over {n_draws} forward passes with standard errors; triangle: as "
    "many independent samples. (A) Perplexity over softmax's, less 1. (B) KL from softmax. (C) Places with the "
    "same top token."
)
def prediction(told: Prediction) -> Figure:
    figure, ax = panels("ABC", height_in=2.9)
    for name, of in (
        ("A", lambda rows: _less_one(told.ratio(rows))),
        ("B", lambda rows: mean(rows[:, KL])),
        ("C", lambda rows: mean(rows[:, SAME])),
    ):
        dots(ax[name], told.budgets, [of(rows) for rows in told.simulated], fmt="o-", color=SPIKING)
        dots(ax[name], [told.spikes], [of(told.sampled)], fmt="^", color=CONTROL)
        spikes_axis(ax[name], told.budgets)
    ax["B"].set_yscale("log")
    percent_axis(ax["C"])
    for name, label in (("A", "perplexity / softmax's − 1"), ("B", "KL (nat)"), ("C", "same top token")):
        ax[name].set_ylabel(label)
    return figure


def _less_one(ratio: Estimate) -> Estimate:
    return Estimate(value=ratio.value - 1, error=ratio.error)
