"""The points of a sweep: one run of a scenario each, computed anywhere, kept under the hash of what they are."""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scenarios.workbench.errors import UsageError, describe
from scenarios.workbench.locks import Held, Lock
from scenarios.workbench.outcome import Metric, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.registry import load_from
from scenarios.workbench.staging import whole_file

__all__ = ["Point", "PointResult", "PointStore", "compute"]

_ONE_AT_A_TIME = threading.Lock()  # simulators keep state per process; a Dask worker may have several threads


@dataclass(frozen=True, kw_only=True)
class Point:
    """One run of a scenario: all that its result depends on."""

    scenario: str  # what its results are kept under
    module: str  # where the scenario lives, a module or a file; not part of the key
    parameters: dict[str, Any]  # every field of its `Params`
    seed: int
    engine: str

    @property
    def key(self) -> str:
        """Hash of scenario, parameters, seed and engine, 32 hexadecimal digits."""
        content = [self.scenario, self.parameters, self.seed, self.engine]
        text = json.dumps(content, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class PointResult:
    """The metrics of a point, or the error that it ended with."""

    metrics: dict[str, Metric]
    headline: tuple[str, ...] = ()  # the names of the scenario's three metrics that matter
    error: str | None = None

    @classmethod
    def failed(cls, error: str) -> PointResult:
        """No metrics, and why."""
        return cls(metrics={}, error=error)


def compute(point: Point) -> PointResult:
    """Run the scenario at one point; an error of the scenario is a result, too.

    Raises
    ------
    ModuleNotFoundError
        If this process cannot import the scenario.
    """
    import numpy as np

    scenario = load_from(point.module)
    context = RunContext(rng=np.random.default_rng(point.seed), engine_name=point.engine, progress=silent())
    try:
        with _ONE_AT_A_TIME:
            outcome = scenario.run(scenario.Params(**point.parameters), context)
    except Exception as error:
        return PointResult.failed(describe(error) or f"{type(error).__name__}: {error}")
    return PointResult(metrics=dict(outcome.metrics), headline=outcome.headline)


class PointStore:
    """A folder with one JSON file a point, each written aside and renamed into place.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, point: Point) -> PointResult | None:
        """The stored result; None if there is none, or none that can be read."""
        try:
            stored = json.loads(self._path(point).read_text(encoding="utf-8"))
            metrics = {name: _metric(entry) for name, entry in stored["metrics"].items()}
            return PointResult(metrics=metrics, headline=tuple(stored["headline"]), error=stored["error"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, point: Point, result: PointResult) -> None:
        """Store a result, whole or not at all, flushed to disk."""
        content = {**asdict(point), **asdict(result)}
        content["metrics"] = {name: _entry(metric) for name, metric in result.metrics.items()}
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        with whole_file(self._path(point)) as partial:
            partial.write_text(text, encoding="utf-8")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second sweep out of the folder; the lock goes with the process, however that ends.

        Raises
        ------
        UsageError
            If another process holds it.
        """
        try:
            lock = Lock(self.folder)
        except Held as holder:
            raise UsageError(
                f"out must not be in use, got {self.folder.parent}, where another sweep is running ({holder}); "
                "wait for it or choose another"
            ) from None
        try:
            for left in self.folder.glob(".*.json"):  # half a point, by a process that was killed
                left.unlink()
            yield
        finally:
            lock.release()

    def _path(self, point: Point) -> Path:
        return self.folder / f"{point.key}.json"


_NUMBERS = ("value", "standard_error", "floor", "control")


def _entry(metric: Metric) -> dict[str, Any]:
    """The metric in JSON's own types; numbers that are not finite by their names: ``"nan"``."""
    entry = asdict(metric)
    for name in _NUMBERS:
        if entry[name] is not None:
            number = float(entry[name])
            entry[name] = number if math.isfinite(number) else str(number)
    return entry


def _metric(entry: dict[str, Any]) -> Metric:
    numbers = {name: None if entry[name] is None else float(entry[name]) for name in _NUMBERS}
    return Metric(**{**entry, **numbers})
