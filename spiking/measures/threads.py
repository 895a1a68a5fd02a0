"""Rows shared out to threads."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from spiking.threads import each

__all__ = ["in_threads"]

_LEAST = 32  # rows worth a thread


def in_threads(work: Callable[[slice], None], n_rows: int, threads: int) -> None:
    """Do some work on all rows, a part of them in each thread."""
    threads = max(1, min(threads, n_rows // _LEAST))
    edges = [n_rows * n // threads for n in range(threads + 1)]
    parts = [slice(*ends) for ends in pairwise(edges)]
    if threads == 1:
        work(parts[0])
        return
    each(work, parts, threads)
