"""Numbers of language-model-rivals: perplexity over softmax's on the same windows, over seeds, and costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bridge import TABLES
from scenarios.language_model_rivals.bills import Price
from scenarios.language_model_rivals.fitting import Totals
from scenarios.language_model_rivals.rivals import MAIN, RIVALS, SOFTMAX, Plan
from scenarios.workbench.cost import DIGITAL, HARDWARE
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.reading import KL, LOSS, SAME, SECONDS, SPIKES
from scenarios.workbench.statistics import Estimate, clear, fraction, mean, mean_over_seeds
from scenarios.workbench.tables import column, columns, estimate_column

if TYPE_CHECKING:
    from scenarios.language_model_rivals import Params

__all__ = ["Study", "in_data", "in_numbers"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured."""

    params: Params
    measured: Mapping[str, np.ndarray]  # (n_seeds, n_windows, n_measures) of softmax and each rival
    priced: Mapping[str, Price]
    totals: Mapping[str, Totals]  # of the circuits that values are summed with
    n_read: int  # keys of a row that the circuit reads on average

    @classmethod
    def of(
        cls,
        *,
        params: Params,
        plan: Plan,
        measured: np.ndarray,
        priced: Mapping[str, Price],
    ) -> Study:
        """Sort (n_trials, n_windows, n_measures) by rival."""
        ends = np.cumsum([len(own) for own in plan.trials.values()])
        parts = dict(zip(plan.trials, np.split(measured, ends[:-1]), strict=True))
        return cls(params=params, measured=parts, priced=priced, totals=plan.totals, n_read=plan.n_read)

    @property
    def rivals(self) -> list[str]:
        """Those that were tried, in the report's order."""
        return [name for name in RIVALS if name in self.measured]

    def label(self, name: str) -> str:
        """A rival in a reader's words, with its budget in numbers."""
        return self._numbered(RIVALS[name].label)

    def spends(self, name: str) -> str:
        """What the rival may spend on a row."""
        return self._numbered(RIVALS[name].spends)

    def rise(self, name: str) -> Estimate:
        """Nats a token lost against softmax on the same windows."""
        return mean_over_seeds(self.measured[name][..., LOSS] - self.measured[SOFTMAX][..., LOSS])

    def farther(self, name: str, other: str) -> Estimate:
        """KL of the next token less another's on the same windows, seeds averaged where one has more."""
        own, from_other = (self.measured[each][..., KL] for each in (name, other))
        paired = from_other if len(from_other) == len(own) else from_other.mean(axis=0)
        return mean_over_seeds(own - paired)

    def ratio(self, name: str) -> Estimate:
        """Perplexity over softmax's: the exponential of that."""
        rise = self.rise(name)
        return Estimate(value=float(np.exp(rise.value)), error=float(np.exp(rise.value) * rise.error))

    def average(self, measure: int, name: str) -> Estimate:
        """Mean over seeds and windows of KL, same token or spikes of a row."""
        return mean_over_seeds(self.measured[name][..., measure])

    def time(self, name: str) -> Estimate:
        """Time over softmax's on the same window: median over windows and seeds, with the error of a median."""
        ratio = self.measured[name][..., SECONDS] / self.measured[SOFTMAX][..., SECONDS]
        known = ratio[np.isfinite(ratio)]
        spread = 1.4826 * np.median(np.abs(known - np.median(known)))  # of a normal distribution
        return Estimate(value=float(np.median(known)), error=float(1.2533 * spread / len(known) ** 0.5))

    @cached_property
    def signs(self) -> Mapping[str, int]:
        """Which rivals are clearly farther from softmax (1) or nearer (-1) than the gamma circuit, judged together.

        By the KL of the next token, which tells them apart sooner than the loss does. The circuit itself is judged
        by its loss. Values that are summed are judged against the gamma loop read so, since dividing by a row's
        spikes is another question.
        """
        others = {name: ("summed" if name.startswith("summed_") else MAIN) for name in self.rivals}
        farther = {
            name: self.farther(name, other)
            for name, other in others.items()
            if name != MAIN and other in self.measured
        }
        return clear({MAIN: self.rise(MAIN), **farther})

    def _numbered(self, text: str) -> str:
        words = {"N": f"{self.params.spikes}", "B": f"{self.params.bits}", "M": f"{self.n_read}"}
        return " ".join(words.get(word, word) for word in text.split(" "))


def in_numbers(study: Study) -> Numbers:
    """Every number of the report: the gamma circuit first, with plain names."""
    lines = Lines()
    for name in sorted(study.rivals, key=lambda name: name != MAIN):
        _rival(lines, study, name, "" if name == MAIN else f"_{name}")
    for name, totals in study.totals.items():
        _totals(lines, study.label(name), name, totals)
    loss = mean(study.measured[SOFTMAX][0, :, LOSS])
    perplexity = float(np.exp(loss.value))
    lines.add(
        "perplexity",
        "perplexity of softmax",
        Estimate(value=perplexity, error=perplexity * loss.error),
        note=f"{study.measured[SOFTMAX].shape[1]} windows of {study.params.length} tokens",
    )
    return lines.metrics


def _rival(lines: Lines, study: Study, name: str, ending: str) -> None:
    price, softmax = study.priced[name], study.priced[SOFTMAX]
    control = study.ratio("uniform") if "uniform" in study.measured and name != "uniform" else None
    note = f"{study.spends(name)}{'; control: uniform attention' if control else ''}"
    label = f"perplexity over softmax's, {study.label(name)}"
    lines.add(f"ratio{ending}", label, study.ratio(name), control=control, note=note)
    lines.add(f"kl{ending}", "– KL of the next token", study.average(KL, name), unit="nat")
    lines.add(f"same{ending}", "– same most probable token", study.average(SAME, name))
    if np.isfinite(study.measured[name][..., SPIKES]).any():
        lines.add(f"spent{ending}", "– spikes of a row", study.average(SPIKES, name))
    lines.add(f"keys{ending}", "– keys with a weight above 0", price.keys, control=softmax.keys)
    lines.add(f"time{ending}", "– time over softmax's", study.time(name))
    lines.add(f"operations{ending}", "– operations over softmax's", price.operations / softmax.operations)
    for field, table in (("joules", DIGITAL), ("hardware", HARDWARE)):
        own, exact = (_joules(each, table) for each in (price, softmax))
        lines.add(f"{field}{ending}", f"– joules over softmax's, {TABLES[table].title}", own / exact)


def _totals(lines: Lines, label: str, name: str, totals: Totals) -> None:
    n = len(totals.spikes)
    held = float(totals.spikes.std() / totals.usual)
    error = held * np.sqrt((0.5 + held**2) / n)  # to first order, for a normal law
    lines.add(f"cv_{name}", f"spread of total spikes (CV), {label}", Estimate(value=held, error=error))
    lines.add(f"rhythmic_{name}", "– rows whose keys and I cells share a rhythm", fraction(totals.rhythmic))
    lines.add(f"f_{name}", "– its frequency", totals.f_shared_Hz, unit="Hz")


def _joules(price: Price, table: str) -> float:
    return price.digital_J if table == DIGITAL else price.hardware_J


def in_data(study: Study) -> xr.Dataset:
    """Every measure of every window and seed, and what a row costs."""
    names = [SOFTMAX, *study.rivals]
    n_seeds = max(len(study.measured[name]) for name in names)
    filled = np.full((len(names), n_seeds, *study.measured[SOFTMAX].shape[1:]), np.nan)
    for at, name in enumerate(names):
        filled[at, : len(study.measured[name])] = study.measured[name]
    dims = ("attention", "seed", "window")
    prices = [study.priced[name] for name in names]
    rises = [study.rise(name) for name in names]
    return xr.Dataset(
        {
            "loss": column(dims, filled[..., LOSS], "loss", "nat"),
            "kl": column(dims, filled[..., KL], "KL of the next token", "nat"),
            "same": column(dims, filled[..., SAME], "same most probable token"),
            "seconds": column(dims, filled[..., SECONDS], "time", "s"),
            "spent": column(dims, filled[..., SPIKES], "spikes of a row"),
            **estimate_column("rise", "attention", rises, "loss over softmax's", "nat"),
            **columns("attention", operations=[price.operations for price in prices]),
            **columns("attention", "J", digital=[price.digital_J for price in prices]),
            **columns("attention", "J", hardware=[price.hardware_J for price in prices]),
            "keys": column("attention", [price.keys for price in prices], "keys with a weight above 0"),
        },
        {"attention": names},
    )
