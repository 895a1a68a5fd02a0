"""Pairs of sentences with the similarity that people gave them: a tab-separated file, read and checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scenarios.workbench.errors import UsageError

__all__ = ["SHIPPED", "Pairs", "read_pairs"]

SHIPPED = Path(__file__).with_name("pairs.tsv")  # 60 pairs written and judged for this project, 0 to 5


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Sentences that belong together, and how alike people judged them."""

    score: np.ndarray  # (n,) float64, larger is more alike
    first: tuple[str, ...]  # (n,)
    second: tuple[str, ...]  # (n,)


def read_pairs(path: str | Path) -> Pairs:
    """Read a UTF-8 file of lines score, tab, sentence, tab, sentence; blank lines are passed over.

    Raises
    ------
    UsageError
        For a file that is absent or not UTF-8, a bad line, with its number, and fewer than three pairs or
        scores that are all the same, which no ranking can be compared with.
    """
    if not Path(path).is_file():
        raise UsageError(f"pairs must be a file, got {path}; check its path")
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"pairs must be UTF-8, got other bytes in {path}; convert the file") from error
    read = [_pair(line, number, path) for number, line in enumerate(lines, 1) if line.strip()]
    score = np.array([pair[0] for pair in read])
    if len(read) < 3 or np.ptp(score) == 0:
        raise UsageError(
            f"pairs must be at least 3 with different scores, got {len(read)} in {path}; give more pairs"
        )
    return Pairs(score=score, first=tuple(pair[1] for pair in read), second=tuple(pair[2] for pair in read))


def _pair(line: str, number: int, path: str | Path) -> tuple[float, str, str]:
    fields = [field.strip() for field in line.split("\t")]
    if len(fields) != 3 or not all(fields):
        got = f"{len(fields)} fields" if len(fields) != 3 else "an empty field"
        raise UsageError(
            f"a pair must be score, sentence, sentence with tabs between, got {got} in line {number} of {path}"
        )
    try:
        score = float(fields[0])
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise UsageError(
            f"a pair's score must be a finite number, got {fields[0]!r} in line {number} of {path}"
        )
    return score, fields[1], fields[2]
