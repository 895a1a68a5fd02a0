"""Threads that stay: to start one takes longer than many a call's work; compiled code and FFTs hold no lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

__all__ = ["each", "pool_of", "usable_cores"]

Part = TypeVar("Part")
Done = TypeVar("Done")

_pools: dict[int, ThreadPoolExecutor] = {}


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pool_of(threads: int) -> ThreadPoolExecutor:
    """The pool of so many threads; it is not to be shut down, and its work not to wait for more work in it."""
    if threads not in _pools:
        _pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix="fortyhertz")
    return _pools[threads]


def each(work: Callable[[Part], Done], parts: Iterable[Part], threads: int) -> list[Done]:
    """Do some work on all parts, several at once; none is still at it when this ends, however it ends."""
    futures = [pool_of(threads).submit(work, part) for part in parts]
    try:
        return [future.result() for future in futures]
    finally:
        wait([future for future in futures if not future.cancel()])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)  # a child has none of its parent's threads
