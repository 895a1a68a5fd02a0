"""Where the points of a sweep are computed: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from scenarios.workbench.errors import UsageError, describe

__all__ = ["ONE_THREAD", "Completed", "DaskExecutor", "Executor", "ProcessExecutor", "Result", "Task"]

Task = TypeVar("Task")
Result = TypeVar("Result")

LOSSES_IN_COMPANY = 2  # a task that lost its worker so often is run alone, to see whether it is the cause
LOSSES = 4  # and given up after so many
CONNECT_S = 10  # to wait for a scheduler
LOST_S, CLOSE_S, POLL_S = (
    30.0,
    5,
    0.05,
)  # for one that does not answer any more; to take leave; between two looks
GONE = "its scheduler was stopped or restarted"
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Completed(Generic[Task, Result]):
    """A task with its result, or with the reason why it could not be computed here."""

    task: Task
    result: Result | None = None
    error: str | None = None


class Executor(Protocol[Task, Result]):
    """Takes tasks and hands them back in the order of completion; a context that ends what still runs."""

    def submit(self, task: Task) -> None:
        """Add a task."""
        ...

    def as_completed(self) -> Iterator[Completed[Task, Result]]:
        """Every task submitted, as it completes."""
        ...

    def __enter__(self) -> Executor[Task, Result]: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(kw_only=True)
class _Entry(Generic[Task]):
    task: Task
    losses: int = 0  # workers that died while they had it


class ProcessExecutor(AbstractContextManager["ProcessExecutor[Task, Result]"], Generic[Task, Result]):
    """Processes of this machine, each with one thread for its numerics.

    The first task runs alone, so that what it compiles is in the cache when the others start. A worker that
    dies takes the pool with it: the pool is built anew and what was running runs again. A task that loses its
    worker time and again is run alone and then given up, so that the rest comes through.

    Parameters
    ----------
    work : callable
        Task to result; importable by name.
    jobs : int
        Number of processes.
    """

    def __init__(self, work: Callable[[Task], Result], *, jobs: int) -> None:
        self._work = work
        self._jobs = jobs
        self._waiting: deque[_Entry[Task]] = deque()
        self._suspects: deque[_Entry[Task]] = deque()
        self._running: dict[Future[Result], _Entry[Task]] = {}
        self._warm = False
        self._start()

    def submit(self, task: Task) -> None:
        """Add a task."""
        self._waiting.append(_Entry(task=task))

    def as_completed(self) -> Iterator[Completed[Task, Result]]:
        """Every task submitted, as it completes."""
        while self._fill():
            done, _ = wait(self._running, return_when=FIRST_COMPLETED)
            if any(map(_lost, done)):
                done, _ = wait(self._running)  # a broken pool ends all that it has
            entries = [(future, self._running.pop(future)) for future in done]
            if any(map(_lost, done)):
                self._restart()
            for future, entry in entries:
                if not _lost(future):
                    self._warm = True
                    yield _completed(entry.task, future)
                elif self._give_up(entry):
                    yield Completed(
                        task=entry.task,
                        error=f"its worker died {LOSSES} times, at last running alone; perhaps out of memory",
                    )

    def __exit__(self, *raised: object) -> None:
        self._stop()

    def _fill(self) -> bool:
        """Give idle workers something to do; False when nothing is left."""
        room = self._jobs if self._warm else 1
        while self._waiting and len(self._running) < room:
            self._launch(self._waiting.popleft())
        if self._suspects and not self._running:
            self._launch(self._suspects.popleft())
        return bool(self._running)

    def _launch(self, entry: _Entry[Task]) -> None:
        try:
            future = self._pool.submit(self._work, entry.task)
        except BrokenExecutor:  # a worker died while it was idle
            future = Future()
            future.set_exception(BrokenExecutor())
        self._running[future] = entry

    def _give_up(self, entry: _Entry[Task]) -> bool:
        """Note that the entry lost its worker; queue it again unless that happened too often."""
        entry.losses += 1
        if entry.losses >= LOSSES:
            return True
        (self._suspects if entry.losses >= LOSSES_IN_COMPANY else self._waiting).append(entry)
        return False

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        lifeline, self._lifeline = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            self._jobs, mp_context=context, initializer=_live_by, initargs=(lifeline,)
        )

    def _stop(self) -> None:
        self._lifeline.close()
        self._pool.shutdown(wait=True)

    def _restart(self) -> None:
        self._stop()
        self._start()


def _live_by(lifeline: Connection) -> None:
    """Start of a worker: leave Ctrl-C to the parent, and end when the parent closes the line or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    lifeline.poll(None)
    os._exit(1)


def _lost(future: Future[Any]) -> bool:
    return isinstance(future.exception(), BrokenExecutor)


def _completed(task: Task, future: Any) -> Completed[Task, Any]:
    if future.cancelled():
        return Completed(task=task, error=GONE)
    error = future.exception()
    if error is None:
        return Completed(task=task, result=future.result())
    return Completed(task=task, error=describe(error) or f"{type(error).__name__}: {error}")


class DaskExecutor(AbstractContextManager["DaskExecutor[Task, Result]"], Generic[Task, Result]):
    """The workers of a Dask cluster; the scheduler runs again what a dead worker had.

    A scheduler that is restarted has forgotten all: its points are given up here and computed by the next call.

    Parameters
    ----------
    work : callable
        Task to result; importable by name on the workers.
    address : str
        Of the scheduler: ``tcp://host:8786``.
    preload : str
        Module that every worker imports when it starts or joins. Workers compute in threads, and Brian2 can
        be imported on the main one only.

    Raises
    ------
    ModuleNotFoundError
        If dask.distributed is not installed.
    UsageError
        If no scheduler answers.
    """

    def __init__(self, work: Callable[[Task], Result], *, address: str, preload: str) -> None:
        from distributed import Client

        try:
            self._client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"scheduler must be the address of a running Dask scheduler, got {address!r}; "
                "start one with: dask scheduler"
            ) from error
        self._work = work
        self._tasks: dict[Any, Task] = {}
        self._client.register_plugin(_preloading(preload))

    def submit(self, task: Task) -> None:
        """Add a task."""
        self._tasks[self._client.submit(self._work, task, pure=False)] = task

    def as_completed(self) -> Iterator[Completed[Task, Result]]:
        """Every task submitted, as it completes."""
        from distributed import as_completed

        completed = as_completed(list(self._tasks), loop=self._client.loop)
        seen = time.monotonic()
        while self._tasks:
            batch = completed.next_batch(block=False)
            for future in batch:
                yield _completed(self._tasks.pop(future), future)
            if batch or self._client.status == "running":
                seen = time.monotonic()
            if time.monotonic() - seen > LOST_S:
                break
            time.sleep(0.0 if batch else POLL_S)
        for task in self._tasks.values():
            yield Completed(task=task, error=GONE)

    def __exit__(self, *raised: object) -> None:
        if self._client.status == "running":
            self._client.cancel(list(self._tasks))
        self._client.close(timeout=CLOSE_S)


def _preloading(module: str) -> Any:
    """A plugin by which present and future workers import a module on their main thread."""
    from distributed import WorkerPlugin

    class Preload(WorkerPlugin):
        name = f"fortyhertz-{module}"

        def setup(self, worker: object) -> None:
            importlib.import_module(module)

    return Preload()
