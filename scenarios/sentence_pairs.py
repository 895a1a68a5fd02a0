"""Pairs of sentences with a judged similarity, read from a tab-separated file and checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scenarios.errors import UsageError
from scenarios.inputs import load_text

__all__ = ["SHIPPED", "Pairs", "read_pairs"]

SHIPPED = Path(__file__).with_name("pairs.tsv")  # 60 pairs written and judged for this project, 0 to 5
FEWEST = 8  # a rank correlation of less tells nothing


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Sentences, each once, and pairs of them."""

    sentences: tuple[str, ...]
    first: np.ndarray  # (n_pairs,) places in `sentences`
    second: np.ndarray  # (n_pairs,)
    score: np.ndarray  # (n_pairs,) float64: how alike somebody found them


def read_pairs(path: str | Path) -> Pairs:
    """Read lines of a score, a sentence and a sentence, with tabs between; blank lines do not count.

    Raises
    ------
    UsageError
        If the file is absent, not UTF-8 or too short, if the scores are all alike, or a line is not of that
        form; the message names the line.
    """
    place: dict[str, int] = {}
    found: list[tuple[float, int, int]] = []
    for number, line in enumerate(load_text(path).splitlines(), start=1):
        if line.strip():
            score, *both = _parts(line, f"line {number} of {path}")
            first, second = (place.setdefault(sentence, len(place)) for sentence in both)
            found.append((float(score), first, second))
    score, first, second = (np.array(column) for column in zip(*found, strict=True))
    if len(found) < FEWEST or np.ptp(score) == 0:
        raise UsageError(
            f"pairs must be at least {FEWEST} with scores that differ, got {len(found)} with scores from "
            f"{score.min():g} to {score.max():g} in {path}; add pairs"
        )
    return Pairs(sentences=tuple(place), first=first, second=second, score=score)


def _parts(line: str, where: str) -> tuple[str, str, str]:
    parts = [part.strip() for part in line.split("\t")]
    if len(parts) != 3 or not all(parts):
        raise UsageError(
            f"each line of pairs must be score, sentence, sentence with tabs between, got {line!r} in {where}"
        )
    try:
        finite = math.isfinite(float(parts[0]))
    except ValueError:
        finite = False
    if not finite:
        raise UsageError(f"each line of pairs must begin with a number, got {parts[0]!r} in {where}")
    return parts[0], parts[1], parts[2]
