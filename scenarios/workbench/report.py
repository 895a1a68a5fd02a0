"""The report of a run: one self-contained HTML page made from its folder."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path
from typing import Any

from scenarios.workbench.pages import INTERACTIVE, page, script_hash
from scenarios.workbench.store import StoredRun
from scenarios.workbench.style import GRID, INK, MUTED, PAPER

__all__ = ["render"]

INLINE_LIMIT_bytes = 1_500_000  # a larger SVG slows the page down: the PNG stands in for it

PAGE_COLOURS = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--line)", PAPER: "var(--paper)"}


def render(run: StoredRun, *, title: str) -> str:
    """The page as HTML that asks for nothing outside itself.

    Parameters
    ----------
    run : StoredRun
        Its folder holds a PNG and an SVG for each caption, and may hold an interactive figure, whose script is
        the only one that the page's policy lets run.
    title : str
        Name of the run.
    """
    from markupsafe import Markup

    figures = [(Markup(_figure(run.folder, name, text)), text) for name, text in run.captions.items()]
    scrubbed = run.folder / INTERACTIVE
    interactive = scrubbed.read_text(encoding="utf-8") if scrubbed.is_file() else ""
    return page(
        "report",
        filters={"value": _value},
        images="data:",
        scripts=script_hash(interactive) if interactive else "",
        interactive=Markup(interactive),
        run=run,
        provenance=run.provenance,
        title=title,
        figures=figures,
        source=next((path.name for path in sorted(run.folder.glob("*.py"))), None),
    )


def _figure(folder: Path, name: str, caption: str) -> str:
    """The figure as markup: the SVG itself in the page's colours, or the PNG where the SVG is too large."""
    drawing = folder / f"{name}.svg"
    label = html.escape(caption, quote=True)
    if drawing.stat().st_size > INLINE_LIMIT_bytes:
        data = base64.b64encode((folder / f"{name}.png").read_bytes()).decode("ascii")
        return f'<img alt="{label}" src="data:image/png;base64,{data}">'
    text = drawing.read_text(encoding="utf-8")
    svg = text[text.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for colour, variable in PAGE_COLOURS.items():
        svg = svg.replace(colour, variable)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _value(value: Any) -> str:
    """A parameter's value for a reader."""
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
