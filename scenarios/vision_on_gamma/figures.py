"""Figures of vision-on-gamma: what the model sees by softmax and by spikes, and what is still recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.vision_on_gamma.measures import SOFTMAX, UNIFORM, Study, label
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, percent_axis, pictures
from scenarios.workbench.statistics import mean
from scenarios.workbench.style import CONTROL, FLOOR, SPIKING
from scenarios.workbench.style import SOFTMAX as BLUE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]

LOOKS = {"spikes": (SPIKING, "o-", "simulated"), "samples": (CONTROL, "^--", "samples")}
TITLES = {"matched": "Patches matched", "retrieved": "Digits retrieved", "probed": "Digits probed"}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    about = {"chosen": study.chosen, "maps": MAPS if study.has_maps else ""}
    return pictures(study, eyes, recognised, **about)


MAPS = " Below: where the decoder that comes with the weights expects the eye to go."


@captioned(
    "One view of a photograph, and what the model makes of its patches: the first three principal components of "
    "their vectors by softmax as red, green and blue, the same for the same vectors in every picture. Simulated: "
    "{chosen}.{maps}"
)
def eyes(study: Study) -> Figure:
    columns = [SOFTMAX, *(label("spikes", n) for n in study.params.spikes[-3:]), UNIFORM]
    above, below = "abcde"[: len(columns)], "fghij"[: len(columns)]
    rows = [f"v{above}", f".{below}"] if study.has_maps else [f"v{above}"]
    figure, ax = panels("\n".join(rows), height_in=1.55 * len(rows) + 0.3)
    colours = _colours(study)
    ax["v"].imshow(study.view.first)
    ax["v"].set_title("view", fontsize=9)
    for name, under, which in zip(above, below, columns, strict=True):
        at = study.labels.index(which)
        ax[name].imshow(colours[at])
        ax[name].set_title(which.replace("spikes, ", "").replace("a row", "spikes"), fontsize=9)
        if study.has_maps:
            ax[under].imshow(study.maps[at], cmap="magma", vmin=0, vmax=study.maps[0].max())
    for each in ax.values():
        each.axis("off")
    return figure


def _colours(study: Study) -> np.ndarray:
    """(n_trials, side, side, 3) in [0, 1]: three principal components, those of softmax."""
    softmax = study.patches[0]
    centre = softmax.mean(axis=0)
    axes = np.linalg.svd(softmax - centre, full_matrices=False)[2][:3]  # (3, width)
    parts = (study.patches - centre) @ axes.T  # (n_trials, n_patches, 3)
    low, high = np.quantile(parts[0], [0.02, 0.98], axis=0)
    side = round(len(softmax) ** 0.5)
    return np.clip((parts - low) / np.maximum(high - low, 1e-9), 0, 1).reshape(-1, side, side, 3)


@captioned(
    "Simulated: {chosen}. (A) How far a digit's vector turns from softmax's, 1 less their cosine, against spikes "
    "per row; dotted: uniform attention. (B) Patches matched between two views of a photograph, (C) digits whose "
    "nearest neighbour is the same digit, (D) digits right by a linear probe that learnt from softmax alone. Blue: "
    "softmax; dotted: uniform attention. Bars are standard errors over images."
)
def recognised(study: Study) -> Figure:
    figure, ax = panels("AB\nCD", height_in=4.8)
    spikes = study.params.spikes
    for kind in study.kinds:
        colour, line, name = LOOKS[kind]
        look = {"color": colour, "fmt": line, "label": name}
        dots(ax["A"], spikes, [mean(study.turned[study.trial(kind, n)]) for n in spikes], **look)
        for panel, task in zip("BCD", TITLES, strict=True):
            dots(ax[panel], spikes, [study.share(task, kind, n) for n in spikes], **look)
    ax["A"].axhline(study.turned[1].mean(), color=FLOOR, ls=":", lw=1.2, label="uniform attention")
    ax["A"].set(yscale="log", ylabel="1 – cosine with softmax", title="Digits' vectors")
    for panel, (task, title) in zip("BCD", TITLES.items(), strict=True):
        ax[panel].axhline(study.share(task, SOFTMAX).value, color=BLUE, lw=1.4, label="softmax")
        ax[panel].axhline(study.share(task, UNIFORM).value, color=FLOOR, ls=":", lw=1.2)
        percent_axis(ax[panel])
        ax[panel].set(title=title)
    for each in ax.values():
        spikes_axis(each, spikes)
    legend_below(figure, ax["A"], ax["B"], ncols=4)
    return figure
