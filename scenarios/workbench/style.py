"""The look of every figure: named colours for the roles that recur, and matplotlib settings as a context."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = [
    "CONTROL",
    "FLOOR",
    "GRID",
    "INH",
    "INK",
    "MUTED",
    "PAPER",
    "SOFTMAX",
    "SPIKING",
    "WIDTH_in",
    "style",
]

# Colour-blind safe: Okabe and Ito (2008), "Color Universal Design", jfly.uni-koeln.de/color.
SPIKING = "#d55e00"  # vermillion: what the spiking circuit did
SOFTMAX = "#0072b2"  # blue: softmax attention, the target
CONTROL = "#009e73"  # bluish green: the same without the rhythm, or another control
INH = "#cc79a7"  # reddish purple: the inhibitory pool
FLOOR = "#8a9099"  # grey: what sampling or chance alone would give

# These four are recognised in an SVG by the report, which swaps them for the page's colours, light or dark.
INK = "#22262b"  # text and axes
MUTED = "#6b727b"  # secondary text
GRID = "#e3e5e8"
PAPER = "#fefefe"  # background

WIDTH_in = 7.2  # width of a full-width figure


@contextmanager
def style() -> Iterator[None]:
    """Draw under the house style: `with style(): figure = draw()`."""
    import matplotlib as mpl
    from cycler import cycler

    settings: Any = {
        "figure.figsize": (WIDTH_in, 3.4),
        "figure.constrained_layout.use": True,
        "figure.facecolor": PAPER,
        "axes.facecolor": PAPER,
        "savefig.facecolor": PAPER,
        "font.family": "sans-serif",
        "font.size": 9.5,
        "text.color": INK,
        "axes.titlesize": 10.5,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.titlepad": 8.0,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.prop_cycle": cycler(color=[SPIKING, SOFTMAX, CONTROL, INH, FLOOR]),
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "lines.linewidth": 1.8,
        "lines.markersize": 4.5,
        "legend.frameon": False,
        "image.cmap": "cividis",
        "svg.fonttype": "path",
        "svg.hashsalt": "fortyhertz",  # the same figure gives the same file
    }
    with mpl.rc_context(settings):
        yield
