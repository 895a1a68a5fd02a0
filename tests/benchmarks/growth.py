"""How the fused engine's time grows with rows, keys, cells and duration: exponents, and a plot of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, ScalarFormatter

from spiking import Fused, GammaCircuit, GammaParams
from tests.benchmarks.table import Table, in_turn

PLOT = Path("docs/images/growth.png")
REPEATS = 15


@dataclass(frozen=True, kw_only=True)
class Size:
    """The size of a simulation."""

    rows: int = 128
    keys: int = 8
    cells: int = 20
    duration_ms: int = 500


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Sizes that differ in one thing, and the processor time that each took in each round."""

    name: str
    values: tuple[int, ...]
    seconds: np.ndarray  # (repeats, n_values)

    @property
    def exponent(self) -> tuple[float, float]:
        """Slope of log time on log size: mean over rounds and its standard error."""
        return self._slope(slice(None))

    @property
    def last_exponent(self) -> tuple[float, float]:
        """The same between the two largest sizes, where fixed costs count least."""
        return self._slope(slice(-2, None))

    def _slope(self, which: slice) -> tuple[float, float]:
        x = np.log(self.values[which]) - np.log(self.values[which]).mean()
        slopes = np.log(self.seconds[:, which]) @ x / (x @ x)
        return float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(len(slopes)))


VALUES = {
    "rows": (128, 256, 512, 1024, 2048),
    "keys": (8, 16, 32, 64, 128),
    "cells": (20, 40, 80, 160, 320),
    "duration_ms": (500, 1000, 2000, 4000, 8000),
}


def run() -> Table:
    """Exponents of growth, each from sizes that span a factor of 16."""
    ways = {
        (name, value): partial(_simulate, replace(Size(), **{name: value}))
        for name, values in VALUES.items()
        for value in values
    }
    named = {f"{name} {value}": way for (name, value), way in ways.items()}
    seconds = in_turn(named, repeats=REPEATS).cpu_s
    axes = [
        Axis(name=name, values=values, seconds=np.stack([seconds[f"{name} {v}"] for v in values], axis=1))
        for name, values in VALUES.items()
    ]
    _plot(axes)
    base = Size()
    return Table(
        setting=f"Fused engine, one thread, counts; from {base.rows} rows x {base.keys} keys x {base.cells} cells "
        f"x {base.duration_ms} ms, one of them raised to 16 times that. Slope of log CPU time on log size in each "
        f"of {REPEATS} rounds, in which all sizes run in random order: mean ± standard error. Times are medians.",
        head=(
            "",
            "from",
            "to",
            "CPU s at the least",
            "CPU s at the most",
            "exponent",
            "of the last doubling",
        ),
        lines=tuple(_line(axis) for axis in axes),
        below=("![Time against size, on logarithmic axes](images/growth.png)",),
    )


def _simulate(size: Size) -> None:
    params = GammaParams(n_cells=size.cells, gain=1.0, settle_ms=0.0)
    scores = np.random.default_rng(0).normal(0, 1.5, (size.rows, size.keys))
    GammaCircuit(params).attend(
        scores,
        duration_ms=size.duration_ms,
        rng=np.random.default_rng(1),
        record="counts",
        engine=Fused(threads=1),
    )


def _line(axis: Axis) -> tuple[str, ...]:
    least, *_, most = np.median(axis.seconds, axis=0)
    return (
        axis.name.removesuffix("_ms").replace("cells", "cells per key"),
        f"{axis.values[0]}",
        f"{axis.values[-1]}",
        f"{least:.3f}",
        f"{most:.3f}",
        *(f"{mean:.3f} ± {error:.3f}" for mean, error in (axis.exponent, axis.last_exponent)),
    )


def _plot(axes: list[Axis]) -> None:
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    ax = figure.subplots()
    factors = np.array([1, 16])
    for axis in axes:
        middle = np.median(axis.seconds, axis=0)
        low, high = np.quantile(axis.seconds, (0.25, 0.75), axis=0)
        factor = np.array(axis.values) / axis.values[0]
        mean, error = axis.exponent
        label = f"{axis.name.removesuffix('_ms')}: {mean:.3f} ± {error:.3f}"
        ax.errorbar(factor, middle, yerr=(middle - low, high - middle), marker="o", ms=4, lw=1, label=label)
    start = min(np.median(axis.seconds[:, 0]) for axis in axes)
    ax.plot(factors, start * factors, color="0.6", lw=1, ls="--", label="in proportion")
    ax.set(xscale="log", yscale="log", xlabel="size, over the smallest", ylabel="CPU seconds")
    ax.set_xticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.minorticks_off()
    ax.legend(frameon=False, title="exponent")
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=150)
