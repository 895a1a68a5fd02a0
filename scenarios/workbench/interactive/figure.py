"""The fragment: markup, style, data and script in one, which asks for nothing outside itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from scenarios.workbench.interactive.grid import Grid
from scenarios.workbench.interactive.packing import FIELD_dt_ms, packed
from scenarios.workbench.pages import INTERACTIVE, page

__all__ = ["LIMIT_bytes", "as_file", "fragment"]

HERE = Path(__file__).parent
LIMIT_bytes = 1_800_000  # of the spikes; the whole stays below 2 MB
LIGHT, DARK = (0.0, 0.8), (0.32, 0.92)  # parts of the colour map that stand out from the page


def fragment(grid: Grid, *, unit: str = "score") -> str:
    """The figure as HTML to be put into any page; longer simulations are cut to what `LIMIT_bytes` hold.

    Parameters
    ----------
    grid : Grid
    unit : str
        What the scores are called.
    """
    from markupsafe import Markup

    end_ms = grid.duration_ms
    settings = packed(grid, end_ms)
    while (size := len(json.dumps(settings))) > LIMIT_bytes:
        end_ms = float(np.floor(end_ms * min(0.95, LIMIT_bytes / size)))
        settings = packed(grid, end_ms)
    data = {
        "scores": grid.scores.tolist(),
        "temperatures": grid.temperatures,
        "inhibitions": grid.inhibitions,
        "target": grid.target().round(6).tolist(),
        "dt": grid.dt_ms,
        "cells": grid.n_cells,
        "inh": grid.n_inh,
        "end": end_ms,
        "fieldStep": FIELD_dt_ms,
        "colours": {"light": _colours(len(grid.scores), LIGHT), "dark": _colours(len(grid.scores), DARK)},
        "unit": unit,
        "settings": settings,
    }
    return page(
        "interactive/figure",
        grid=grid,
        unit=unit,
        end_ms=end_ms,
        style=Markup((HERE / "figure.css").read_text(encoding="utf-8")),
        script=Markup((HERE / "figure.js").read_text(encoding="utf-8")),
        data=Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")),
    )


def as_file(grid: Grid, *, unit: str = "score") -> dict[str, Callable[[Path], None]]:
    """The fragment as a file of an `Outcome`; the run's report shows it."""
    markup = fragment(grid, unit=unit)

    def write(path: Path) -> None:
        path.write_text(markup, encoding="utf-8")

    return {INTERACTIVE: write}


def _colours(n_keys: int, part: tuple[float, float]) -> list[str]:
    """A colour a key, as in the rasters of the reports."""
    import matplotlib as mpl

    return [mpl.colors.to_hex(colour) for colour in mpl.colormaps["plasma"](np.linspace(*part, n_keys))]
