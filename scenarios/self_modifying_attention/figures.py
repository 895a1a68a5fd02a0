"""Figures of self-modifying-attention: programs that live and die, the phase diagram, noise and the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.self_modifying_attention.cycles import LIMIT, noise_spread
from scenarios.self_modifying_attention.measures import RATIOS, Study, between
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures, plain_ticks
from scenarios.workbench.sources import SOURCES
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]

COLOURS = {"circuit": SPIKING, "sampled": FLOOR, "regular": SOFTMAX}
OF_SIZES = (SOFTMAX, SPIKING, CONTROL, INH, INK)


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    ratio = between(study.curves, study.largest)[1]
    return pictures(
        study,
        lives,
        phases,
        noise,
        n=study.params.n,
        most=study.params.middle,
        size=study.largest,
        ratio=f"{ratio:.2f}",
    )


@captioned(
    "(A) The active row of the matrix, edit by edit: which of the {n} updates it names, in the whole machine X "
    ":= W Y. (B) How far apart the row's entries stay, against beta / n. Lines: softmax, from a row that names "
    "an update (solid) and from a nearly uniform one (dashed). Points: random cells, {most} spikes an edit."
)
def lives(study: Study) -> Figure:
    rows = len(study.drawn)
    letters = "abcdefgh"[: rows - 1]
    figure, ax = panels(
        "\n".join(["A", *letters, "B"]), height_in=2.2 + 0.85 * rows, height_ratios=[1] * rows + [3.2]
    )
    for name, ((head, ratio), row) in zip(["A", *letters], study.drawn.items(), strict=True):
        ax[name].imshow(row.T, cmap="magma", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        ax[name].set_yticks(range(row.shape[1]), [str(k + 1) for k in range(row.shape[1])])
        ax[name].set_title(f"{head}, beta / n = {ratio:g}", fontweight="normal")
        ax[name].grid(False)
        ax[name].tick_params(bottom=False, labelbottom=name == ["A", *letters][-1])
    ax[["A", *letters][-1]].set_xlabel("edit")
    for colour, (n, (named, near)) in zip(
        np.resize(OF_SIZES, len(study.curves)), study.curves.items(), strict=True
    ):
        ax["B"].plot(RATIOS, named, color=colour, lw=1.3, label=f"n = {n}")
        ax["B"].plot(RATIOS, near, color=colour, lw=1.3, ls="--")
        ratios = study.params.ratios
        spread = [mean(study.rotations["circuit", n, x, study.params.middle].spread) for x in ratios]
        dots(ax["B"], ratios, spread, color=colour, ms=4)
    ax["B"].axvline(1, color=MUTED, ls=":", lw=1.2)
    ax["B"].set(xlabel="beta / n", ylabel="spread of the row", xlim=(RATIOS[0], RATIOS[-1]))
    legend_below(figure, ax["B"], ncols=len(study.curves))
    return figure


@captioned(
    "Steps that activate the next update, of a cycle of {n}, against inverse temperature and spikes an edit; "
    "dotted: the threshold of softmax. A guess is right in 1 of {n}."
)
def phases(study: Study) -> Figure:
    params = study.params
    figure, ax = panels("ABC", height_in=2.9, sharey=True)
    for name, (source, label) in zip("ABC", SOURCES.items(), strict=True):
        right = np.array(
            [[study.at(source, x, n).right.mean() for x in params.ratios] for n in params.spikes]
        )
        image = ax[name].imshow(right, cmap="magma", vmin=1 / params.n, vmax=1, origin="lower", aspect="auto")
        ax[name].set_xticks(range(len(params.ratios)), [f"{x:g}" for x in params.ratios], rotation=60)
        ax[name].set_yticks(range(len(params.spikes)), [str(n) for n in params.spikes])
        ax[name].set_title(label, fontsize=9)
        ax[name].set_xlabel("beta / n")
        ax[name].axvline(np.searchsorted(params.ratios, 1) - 0.5, color="white", ls=":", lw=1.4)
        ax[name].grid(False)
    ax["A"].set_ylabel("spikes an edit")
    figure.colorbar(image, ax=list(ax.values()), label="right steps", fraction=0.03, pad=0.015)
    return figure


@captioned(
    "(A) Spread of the row that spikes keep up where softmax forgets; line: theory of samples. (B) Between both "
    "thresholds, n = {size} and beta / n = {ratio}: right steps from a row that named an update (filled) and from "
    "a nearly uniform one (open). (C) Largest entry of the row where counts are not divided by their total, each "
    "line a machine: with the gamma loop, and without it at the same rate; dotted: where machines are stopped."
)
def noise(study: Study) -> Figure:
    params, low = study.params, study.params.ratios[0]
    figure, ax = panels("ABC", height_in=3.3)
    n = np.array(params.spikes, dtype=float)
    ax["A"].plot(n, [noise_spread(low, params.n, k) for k in n], color=FLOOR, lw=1.2)
    for source, label in SOURCES.items():
        look = {"color": COLOURS[source], "ls": "-", "lw": 1, "ms": 4}
        dots(ax["A"], n, [mean(study.at(source, low, k).spread) for k in params.spikes], label=label, **look)
        for named, face in ((True, COLOURS[source]), (False, "none")):
            right = [mean(study.bistable[source, k, named].right) for k in params.spikes]
            dots(ax["B"], n, right, mfc=face, **look)
    for name in "AB":
        spikes_axis(ax[name], params.spikes)
        ax[name].set_xlabel("spikes an edit")
    ax["A"].set(yscale="log", ylabel="spread of the row", title=f"beta / n = {low:g}")
    plain_ticks(ax["A"], "y")
    ax["B"].set(ylabel="right steps", ylim=(0, 1.04), title="two starts")
    for kind, colour, label in (("loop", SPIKING, "gamma loop"), ("off", CONTROL, "no loop, same rate")):
        largest = np.abs(study.loops[kind].rows).max(axis=-1)
        ax["C"].plot(largest, color=colour, lw=0.6, alpha=0.5)
        ax["C"].plot([], color=colour, label=label)
    ax["C"].axhline(LIMIT, color=MUTED, ls=":", lw=1.2)
    ax["C"].set(yscale="log", xlabel="edit", ylabel="largest entry", title="not divided")
    legend_below(figure, ax["A"], ax["C"], ncols=5)
    return figure
