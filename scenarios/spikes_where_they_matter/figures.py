"""Figures of spikes-where-they-matter: what each split loses, where the spikes go, and a text coloured by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.spikes_where_they_matter.measures import Study
from scenarios.spikes_where_they_matter.plans import CURVES
from scenarios.spikes_where_they_matter.sentence_pairs import WAYS
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures
from scenarios.workbench.reading import KL, SPIKES
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.style import CONTROL, FLOOR, INH, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]

LOOKS = {"even": (FLOOR, "s-"), "keys": (SOFTMAX, "^-"), "split": (SPIKING, "o-")}
NAMES = {"even": "even", "keys": "unequal keys", "split": "unequal keys, rows, heads"}
DARK = "#22262a"  # of letters on a coloured ground, whatever the page's own colours are
COLUMNS = 88  # letters in a line of the text


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    drawn = pictures(study, loss, places, text, shown=study.params.shown)
    return drawn | (pictures(study, sentences) if study.sentences is not None else {})


@captioned(
    "(A) KL from softmax of the next token against mean spikes per row, on text that the split was not chosen on; "
    "dotted: the law, from gradients on other text. Squares: random cells, even (open) and split. Star: rows "
    "that stop at a lead. (B) Perplexity over softmax's, less 1, with paired standard errors."
)
def loss(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.6)
    for split in CURVES:
        colour, line = LOOKS[split]
        plans = [study.plan(split, n) for n in study.params.spikes]
        spent = [study.of(SPIKES, plan).value for plan in plans]
        look = {"color": colour, "fmt": line, "label": NAMES[split], "ms": 4.5}
        dots(ax["A"], spent, [study.of(KL, plan) for plan in plans], **look)
        ax["A"].plot(spent, [study.law[plan.label].mean() for plan in plans], color=colour, lw=0.8, ls=":")
        ratios = [study.ratio(plan) for plan in plans]
        dots(ax["B"], spent, [Estimate(value=r.value - 1, error=r.error) for r in ratios], **look)
    for split, filled in (("even", "none"), ("split", INH)):
        plan = study.plan(split, random=True)
        at, kl = study.of(SPIKES, plan).value, study.of(KL, plan).value
        label = f"random cells, {split}"
        ax["A"].plot(at, kl, "s", color=INH, mfc=filled, ms=6, label=label)
    for plan in study.plans:
        if plan.split == "lead":
            at, kl = study.of(SPIKES, plan).value, study.of(KL, plan).value
            ax["A"].plot(at, kl, "*", color=CONTROL, ms=10, label="stop at a lead")
    ax["A"].set(yscale="log", ylabel="KL of the next token (nat)")
    ax["B"].axhline(0, color=MUTED, lw=0.8)
    ax["B"].set_yscale("symlog", linthresh=0.01)
    ax["B"].set_ylabel("perplexity / softmax's − 1")
    for each in ax.values():
        spikes_axis(each, study.params.spikes)
    legend_below(figure, ax["A"], ncols=3)
    return figure


@captioned(
    "Where the spikes go at a mean of {shown} a row. (A) Each head. (B) Each place of the text, mean over heads. "
    "(C) What a key of weight p expects: with even budgets in proportion, by the law as the power 2/3, in the "
    "median head."
)
def places(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.4, width_ratios=(1.15, 1, 1))
    layer, head = np.array(study.needs.places).T
    grid = np.full((layer.max() + 1, head.max() + 1), np.nan)
    grid[layer, head] = study.head_spikes()
    image = ax["A"].imshow(grid, cmap="inferno", aspect="auto", vmin=0, interpolation="nearest")
    ax["A"].set_xticks(range(0, grid.shape[1], 1 + grid.shape[1] // 12))
    ax["A"].set_yticks(range(0, grid.shape[0], 1 + grid.shape[0] // 13))
    ax["A"].set(xlabel="head", ylabel="layer")
    ax["A"].grid(False)
    figure.colorbar(image, ax=ax["A"], label="spikes per row")
    by_place = study.position_spikes()
    ax["B"].plot(np.arange(1, 1 + len(by_place)), by_place, color=SPIKING, lw=1.2)
    ax["B"].axhline(study.params.shown, color=FLOOR, ls="--", lw=1)
    ax["B"].set(xlabel="place in the text", ylabel="spikes per row", ylim=(0, None))
    p = np.geomspace(1e-4, 1, 50)
    ax["C"].plot(p, study.params.shown * p, color=FLOOR, ls="--", label="even")
    ax["C"].plot(p, np.median(study.plan("split").scale) * p ** (2 / 3), color=SPIKING, label="law")
    ax["C"].axhline(1, color=MUTED, lw=0.7, ls=":")
    ax["C"].set(xscale="log", yscale="log", xlabel="weight p", ylabel="expected spikes")
    ax["C"].legend(loc="upper left")
    return figure


@captioned(
    "How the model goes on with the prompt (grey), at a mean of {shown} spikes a row. The colour of a token is the "
    "mean over all heads of the spikes of the rows that chose it: the more, the more keys share their attention."
)
def text(study: Study) -> Figure:
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    written = study.written
    figure, ax = panels("A", height_in=2.9)
    low, high = np.percentile(written.spikes, [2, 98])
    shade = ScalarMappable(Normalize(low, high), colormaps["YlOrRd"])
    x, y = 0, 0.0
    pieces = [(word, None) for word in _words(written.prompt)]
    for piece, spikes in [*pieces, *zip(written.tokens, written.spikes, strict=True)]:
        shown = piece.replace("\n", "↵")
        if x and x + len(shown) > COLUMNS:
            x, y = 0, y - 1.25
        look: dict[str, Any] = {"family": "monospace", "fontsize": 8.5, "va": "top", "color": MUTED}
        if spikes is not None:
            colour = shade.to_rgba(spikes)
            look["bbox"] = {"facecolor": colour, "edgecolor": "none", "pad": 1.2}
            look["color"] = "white" if np.dot(colour[:3], (0.3, 0.6, 0.1)) < 0.5 else DARK
        ax["A"].text(x, y, shown, **look)
        x += len(shown)
    ax["A"].axis("off")
    ax["A"].set(xlim=(0, COLUMNS), ylim=(min(y - 1.5, -5), 0.4))
    figure.colorbar(shade, ax=ax["A"], orientation="horizontal", label="spikes per row", aspect=50, pad=0.02)
    return figure


def _words(text: str) -> list[str]:
    """Words, all but the first with the space before them."""
    first, *others = text.split(" ")
    return [first, *(f" {word}" for word in others)]


@captioned(
    "The sentence model: mean squared error of the cosines of pairs against mean spikes per row, with standard "
    "errors over pairs."
)
def sentences(study: Study) -> Figure:
    figure, ax = panels("A", height_in=3.2, width=0.6)
    found = study.sentences
    assert found is not None
    colours = dict(zip(WAYS, (FLOOR, SOFTMAX, SPIKING), strict=True))
    for way in WAYS:
        budgets = study.params.sentence_spikes
        spent = [found.spent[way, n] for n in budgets]
        errors = [mean(found.error(way, n)) for n in budgets]
        dots(
            ax["A"],
            spent,
            errors,
            fmt="o-",
            color=colours[way],
            label=way if way == "even" else f"unequal {way}",
        )
    ax["A"].set(yscale="log", ylabel="squared error of a cosine")
    spikes_axis(ax["A"], study.params.sentence_spikes)
    ax["A"].legend()
    return figure
