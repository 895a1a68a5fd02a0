"""Pictures of minilm-heads: maps over layers and heads, attention patterns, excess over the floor."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from scenarios.workbench.style import FLOOR, INK, MUTED, SPIKING

__all__ = ["draw_excess", "draw_excess_by_entropy", "draw_map", "draw_pattern"]


def draw_map(
    ax: Axes, table: xr.Dataset, name: str, title: str, *, spread: float, centre: float
) -> AxesImage:
    """One quantity for every head, layers downwards; colours run over centre +- spread, grey where absent."""
    n_layers, n_heads = int(table.layer.max()) + 1, int(table["head"].max()) + 1
    grid = np.full((n_layers, n_heads), np.nan)
    grid[table.layer.values, table["head"].values] = table[name].values
    image = ax.imshow(grid, cmap="RdBu_r", vmin=centre - spread, vmax=centre + spread, aspect="auto")
    ax.set(title=title, xlabel="head", ylabel="layer", xticks=range(n_heads), yticks=range(n_layers))
    ax.grid(False)
    for (layer, head), value in np.ndenumerate(grid):
        if np.isfinite(value):
            strong = abs(value - centre) > 0.65 * spread
            text = f"{value:.2f}" if spread < 2 else f"{value:.0f}"
            ax.text(head, layer, text, ha="center", va="center", fontsize=6, color="white" if strong else INK)
    return image


def draw_pattern(
    ax: Axes, weights: np.ndarray, tokens: tuple[str, ...], title: str, *, name_x: bool, name_y: bool
) -> AxesImage:
    """A head's attention, queries downwards, keys across; square-root scale, so that weak weights show."""
    image = ax.imshow(np.sqrt(weights), cmap="magma", vmin=0, vmax=1, interpolation="nearest")
    ax.set_title(title, fontsize=8.5)
    named = list(range(0, len(tokens), 3))
    words = [tokens[i] for i in named]
    ax.set_xticks(named if name_x else [], words if name_x else [], rotation=90, fontsize=6)
    ax.set_yticks(named if name_y else [], words if name_y else [], fontsize=6)
    ax.tick_params(length=0, pad=1)
    ax.grid(False)
    return image


def draw_excess(ax: Axes, table: xr.Dataset) -> None:
    """Distance to the softmax against what sampling alone gives: one dot a head, the diagonal is perfect."""
    top = 1.08 * float(max(table.total_variation.max(), table.floor.max()))
    ax.plot([0, top], [0, top], color=FLOOR, lw=1.2, label="sampling floor")
    ax.plot([0, top], [0, 1.3 * top], color=FLOOR, lw=0.8, ls=":", label="1.3 times the floor")
    ax.plot(
        table.floor, table.total_variation, "o", color=SPIKING, ms=4, alpha=0.8, label="a head, in spikes"
    )
    ax.set(xlim=(0, top), ylim=(0, top), xlabel="sampling floor", ylabel="total variation to softmax")
    ax.set_title("As close as its spikes allow")
    ax.legend(loc="upper left")
    ax.annotate(
        f"median ratio {float(table.excess.median()):.2f}",
        (0.97, 0.05),
        xycoords="axes fraction",
        ha="right",
        color=MUTED,
    )


def draw_excess_by_entropy(ax: Axes, table: xr.Dataset) -> None:
    """The ratio to the floor against how spread out a head's attention is, coloured by layer."""
    ax.axhline(1.0, color=FLOOR, lw=1.2)
    dots = ax.scatter(table.entropy, table.excess, c=table.layer, cmap="viridis", s=18)
    ax.set(xlabel="entropy of the attention (nats)", ylabel="total variation / floor")
    ax.set_title("Sharp or diffuse alike")
    ax.figure.colorbar(dots, ax=ax, label="layer", pad=0.02)
