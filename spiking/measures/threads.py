"""Rows shared out to threads; compiled code and FFTs hold no lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

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
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, parts):
            pass
