"""Figures of hard-for-transformers: dilution, then strings and models that learn."""

from __future__ import annotations

from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.hard_for_transformers.dilution import COOLED, FIXED
from scenarios.hard_for_transformers.measures import REMEDY_NAMES, Study, name_of
from scenarios.workbench.axes import points
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, legend_below, panels, percent_axis, pictures, plain_ticks
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, SOFTMAX, SPIKING

__all__ = ["figures"]

COLOURS = {"random": SPIKING, "regular": INH, "sampled": FLOOR}
Shown = tuple[Study, xr.Dataset]


def figures(study: Study, data: xr.Dataset) -> dict[str, Picture]:
    """In the report's order."""
    return pictures((study, data), dilution, lengths)


@captioned(
    "One right key among n, its score a fixed margin above the others'. (A) Its weight. Grey: the law, "
    "1 / (1 + (n - 1) e^-c). (B) Rows in which it has most spikes, at the fixed temperature; fainter: fewer "
    "spikes. (C) Spikes until one key leads by a few; dashed: scores times ln n. Mean over rows with its "
    "standard error."
)
def dilution(shown: Shown) -> Figure:
    study, data = shown
    figure, ax = panels("ABC", height_in=3.7)
    fixed, cooled = data.sel(temperature=FIXED), data.sel(temperature=COOLED)
    ax["A"].plot(data["keys"], data["law"], color=INK, lw=3, alpha=0.35)
    _line(ax["A"], fixed, ("softmax", 0), "weight", color=SOFTMAX)
    _line(ax["A"], fixed, ("top", 0), "weight", color=CONTROL, ls=":")
    _line(ax["A"], fixed, ("window", 0), "weight", color=CONTROL, ls="--")
    name = "softmax, scores times ln n"
    _line(ax["A"], cooled, ("softmax", 0), "weight", color=SOFTMAX, ls="--", label=name)
    for reader in study.params.readers:
        _line(ax["B"], fixed, reader, "won", **_look(study, reader))
    for reader in (way for way in study.ways if way[0].endswith("_lead")):
        colour = COLOURS[reader[0].removesuffix("_lead")]
        _line(ax["C"], fixed, reader, "spent", color=colour, marker="s")
        _line(ax["C"], cooled, reader, "spent", color=colour, marker="s", ls="--", label="")
    for each in ax.values():
        _n_axis(each, data["keys"].values, "keys")
    for each in (ax["A"], ax["B"]):
        percent_axis(each)
    ax["A"].set_ylabel("weight on the right key")
    ax["B"].set_ylabel("rows won by the right key")
    ax["C"].set_ylabel("spikes of a row")
    legend_below(figure, *ax.values(), ncols=3)
    return figure


@captioned(
    "(A, B) Cross-entropy of the first symbol and of parity, by constructed attention, with softmax and each "
    "remedy, and through the most spikes; a guess has 1 bit. (C) Models that learnt to retrieve from few pairs, "
    "tested with more; fainter: a row's fewest spikes; vertical line: the most pairs in training. Mean "
    "with its standard error."
)
def lengths(shown: Shown) -> Figure:
    study, data = shown
    figure, ax = panels("ABC", height_in=3.7)
    looks = dict(zip(REMEDY_NAMES.values(), ("-", "--", "-.", ":"), strict=True))
    most = [reader for reader in study.params.readers if reader[1] == study.params.spikes[-1]]
    for panel, function, title in (("A", "first", "first symbol"), ("B", "parity", "parity")):
        of = data.sel(function=function)
        for name, dashes in looks.items():
            points(
                ax[panel],
                of.sel(answer=name),
                "keys",
                "bits",
                label=name,
                color=SOFTMAX,
                ls=dashes,
                ms=3,
                zorder=5,
            )
        for reader in most:
            look = {"label": name_of(reader), "color": COLOURS[reader[0]], "ms": 3}
            points(ax[panel], of.sel(answer=name_of(reader)), "keys", "bits", **look)
        ax[panel].set(title=title, ylim=(-0.03, 1.12))
        _n_axis(ax[panel], data["keys"].values, "bits")
        ax[panel].set_ylabel("cross-entropy (bit)")
    changes = {"softmax": "-", "ln n put in": "--", "ln n in training": ":"}
    for name, dashes in changes.items():
        model = data.sel(model=name)
        label = {"softmax": "softmax, learnt"}.get(name, name)
        points(ax["C"], model, "pairs", "retrieved", color=CONTROL, ls=dashes, label=label, ms=3)
    for reader in study.params.readers:
        if reader[1] in (study.params.spikes[0], study.params.spikes[-1]):
            look = _look(study, reader) | {"ms": 3}
            points(ax["C"], data.sel(model=name_of(reader)), "pairs", "retrieved", **look)
    ax["C"].axvline(study.params.train_keys, color=INK, ls=":", lw=1)
    ax["C"].set(title="learnt retrieval", ylim=(max(0.0, float(data["retrieved"].min()) - 0.15), 1.04))
    _n_axis(ax["C"], data["pairs"].values, "pairs in test")
    ax["C"].set_ylabel("values retrieved")
    legend_below(figure, *ax.values(), ncols=3)
    return figure


def _line(ax: Axes, data: xr.Dataset, reader: tuple[str, int], y: str, **look: Any) -> None:
    points(ax, data.sel(reader=name_of(reader)), "keys", y, **{"label": name_of(reader), "ms": 4} | look)


def _look(study: Study, reader: tuple[str, int]) -> dict[str, Any]:
    """More spikes are drawn darker, and only the most are named."""
    spikes = study.params.spikes
    alpha = 0.35 + 0.65 * (spikes.index(reader[1]) + 1) / len(spikes)
    look = {"color": COLOURS[reader[0]], "alpha": alpha, "ls": "--" if reader[0] == "sampled" else "-"}
    return look | {"label": name_of(reader) if reader[1] == spikes[-1] else ""}


def _n_axis(ax: Axes, n: Any, label: str) -> None:
    ax.set(xscale="log", xlabel=label)
    ticks = [int(each) for each in n]
    plain_ticks(ax, "x", ticks[:: 1 + len(ticks) // 5])
