"""Text in a figure: words set into lines of a fixed width, each with its colour, some of them in a box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from matplotlib.axes import Axes

__all__ = ["COLUMNS", "LINE_in", "Piece", "Word", "draw_text", "placed"]

COLUMNS, LINE_in = 96, 0.165  # letters in a line of the full width, and its height

Piece = tuple[str, str, float, bool]  # text, colour, strength, whether it is boxed


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word at its place."""

    text: str
    column: int
    line: int
    style: dict[str, Any] = field(default_factory=dict)  # of `Axes.text`


def placed(pieces: Sequence[Piece]) -> Iterator[Word]:
    """Words of pieces of text, one after the other, broken into lines where one begins with a space."""
    parts = [(part, _look(piece)) for piece in pieces for part in _broken(piece[0].replace("\n", "↵"))]
    x, line = 0, 0
    for at, (part, style) in enumerate(parts):
        whole = len(part)
        if part.startswith(" "):  # with what follows of the same word
            whole += sum(len(rest) for rest, _ in takewhile(lambda p: p[0][0] != " ", parts[at + 1 :]))
        if x and x + min(whole, COLUMNS) > COLUMNS:
            x, line = 0, line + 1
        shown = part.lstrip(" ")
        x += len(part) - len(shown) if x else 0
        yield Word(text=shown, column=x, line=line, style=style)
        x += len(shown)


def _look(piece: Piece) -> dict[str, Any]:
    _, colour, alpha, boxed = piece
    style: dict[str, Any] = {"color": colour, "alpha": alpha}
    if boxed:
        style["bbox"] = {"boxstyle": "round,pad=0.15", "fc": "none", "ec": colour, "lw": 0.9}
    return style


def draw_text(ax: Axes, words: Sequence[Word], first: int = 0, size: float = 8.5) -> None:
    """Words on an axis of `COLUMNS` by lines, which run downwards; from the line `first` on."""
    look: dict[str, Any] = {"va": "top", "family": "monospace", "fontsize": size}
    for word in words:
        ax.text(word.column, -first - word.line, word.text, **look, **word.style)


def _broken(piece: str) -> list[str]:
    """Words with the space before them."""
    words: list[str] = []
    for word in piece.split(" "):
        words.append(f" {word}" if words or (piece.startswith(" ") and word) else word)
    return [word for word in words if word]
