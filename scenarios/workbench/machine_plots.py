"""Dataflow matrix machines drawn: the graph of their active links, and what they say over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.workbench.style import INK, PAPER, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

__all__ = ["link_graph", "signed_map"]

Links = Mapping[str, Mapping[str, float]]
MOST_NAMES = 24  # neurons whose names fit around a graph


def link_graph(ax: Axes, links: Links, title: str = "") -> None:
    """Neurons on a circle, an arrow for each link: orange excites, blue inhibits, width goes with the weight.

    Parameters
    ----------
    ax : Axes
    links : map
        Input address -> output address -> weight.
    title : str
    """
    edges = _edges(links)
    names = sorted({name for edge in edges for name in edge})
    angle = np.pi / 2 - 2 * np.pi * np.arange(len(names)) / max(1, len(names))
    at = {name: np.array([np.cos(a), np.sin(a)]) for name, a in zip(names, angle, strict=True)}
    strongest = max((abs(w) for w in edges.values()), default=1.0)
    for (source, target), weight in edges.items():
        colour = SPIKING if weight > 0 else SOFTMAX
        width = 0.6 + 1.8 * (abs(weight) / strongest) ** 0.5
        _arrow(ax, at[source], at[target], colour, width)
    for name, place in at.items():
        ax.plot(*place, "o", ms=7, color=PAPER, mec=INK, mew=1.0, zorder=3)
        if len(names) <= MOST_NAMES:
            side = "center" if abs(place[0]) < 0.2 else ("left" if place[0] > 0 else "right")
            ax.text(1.34 * place[0], 1.34 * place[1], name, ha=side, va="center", fontsize=6.5, color=INK)
    ax.set(xlim=(-2.3, 2.3), ylim=(-1.6, 1.6), aspect="equal", title=title)
    ax.axis("off")


def signed_map(ax: Axes, values: np.ndarray, names: Sequence[str], title: str = "") -> AxesImage:
    """Numbers (n_rows, n_cycles) as colours, red above 0 and blue below, one row a name."""
    top = max(1e-9, float(np.nanmax(np.abs(values), initial=0.0)))
    image = ax.imshow(values, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto", interpolation="nearest")
    ax.set_yticks(range(len(names)), names, fontsize=7)
    ax.set(title=title, xlabel="cycle")
    ax.grid(False)
    return image


def _edges(links: Links) -> dict[tuple[str, str], float]:
    """(from, to) -> weight, by the names of neurons; of several links of a pair the strongest."""
    edges: dict[tuple[str, str], float] = {}
    for to, row in links.items():
        for out, weight in row.items():
            pair = (_neuron(out), _neuron(to))
            if weight and abs(weight) > abs(edges.get(pair, 0.0)):
                edges[pair] = weight
    return edges


def _neuron(address: str) -> str:
    kind, name, _ = address.split(".")
    return f"{kind} {name}"


def _arrow(ax: Axes, source: np.ndarray, target: np.ndarray, colour: str, width: float) -> None:
    style: dict[str, Any] = {
        "color": colour,
        "lw": width,
        "arrowstyle": "-|>",
        "mutation_scale": 8,
        "shrinkA": 5,
        "shrinkB": 5,
    }
    if np.allclose(source, target):
        ax.plot(*_circle(1.11 * source, 0.11), color=colour, lw=width, zorder=1)
        return
    properties = {**style, "connectionstyle": "arc3,rad=0.15"}
    ax.annotate("", (target[0], target[1]), (source[0], source[1]), arrowprops=properties, zorder=2)


def _circle(centre: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    t = np.linspace(0, 2 * np.pi, 40)
    return centre[0] + radius * np.cos(t), centre[1] + radius * np.sin(t)
