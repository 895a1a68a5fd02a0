"""Threads that stay: to start one takes longer than many a call's work; compiled code and FFTs hold no lock."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

__all__ = ["pool_of", "usable_cores"]

_pools: dict[int, ThreadPoolExecutor] = {}


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pool_of(threads: int) -> ThreadPoolExecutor:
    """The pool of so many threads; it is not to be shut down, and its work not to wait for more work in it."""
    if threads not in _pools:
        _pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix="fortyhertz")
    return _pools[threads]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)  # a child has none of its parent's threads
