"""Stand-ins: for the gamma circuit one whose law is known, for its cells ones whose noise is drawn beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import brian2 as b2
import numpy as np

from spiking import Brian2, Budget, Engine, EscapeRate, Selection, SpikeRecord, Streams

__all__ = ["DrawnThresholds", "MultinomialCircuit", "Unprimed", "softmax"]


@dataclass(frozen=True, kw_only=True)
class Unprimed(EscapeRate):
    """Escape-rate cells whose membranes begin without their score."""

    start: ClassVar[Mapping[str, str]] = {**EscapeRate.start, "v": "theta / 4"}


@dataclass(kw_only=True)
class MultinomialCircuit:
    """Spikes are independent draws from softmax(gain * scores / temperature): every floor holds exactly."""

    temperature: float = 1.0
    gain: float = 1.0
    rate_Hz: float = 1000.0  # spikes per row and second
    silent_rows: tuple[int, ...] = ()
    repeats: int = 1  # spikes come in bursts of so many on the same key
    calls: list[np.ndarray] = field(default_factory=list)  # the scores of each call

    def attend(
        self,
        scores: np.ndarray,
        *,
        rng: np.random.Generator | Streams,
        duration_ms: float | None = None,
        spikes: int | None = None,
        budget: Budget | None = None,
        mask: np.ndarray | None = None,
        record: str = "spikes",
        engine: Engine = Brian2(),  # noqa: B008
        progress: Callable[[float], None] | None = None,
    ) -> Selection:
        self.calls.append(scores)
        budget = Budget.of(budget, duration_ms, spikes)
        duration_ms = budget.limit_ms
        if isinstance(rng, Streams):
            rng = np.random.default_rng([rng.seed, *rng.numbers(len(scores)).tolist()])  # keys the batch
        present = np.ones(scores.shape, dtype=bool) if mask is None else mask
        weights = softmax(self.gain / self.temperature * np.where(present, scores, 0.0), present)
        n_spikes = self.rate_Hz * duration_ms / 1000 if budget.spikes is None else budget.spikes
        n_bursts = np.full(len(scores), round(n_spikes / self.repeats))
        n_bursts[list(self.silent_rows)] = 0
        of_spikes = self._record(weights, n_bursts, duration_ms, rng)
        counts = of_spikes.counts()
        if progress is not None:
            progress(1.0)
        return Selection(
            counts=counts,
            mask=present,
            f_gamma_Hz=np.full(len(scores), np.nan),
            n_cycles=np.zeros(len(scores), dtype=np.int64),
            spikes=of_spikes,
            field=np.zeros((len(scores), 1), dtype=np.float32),
            n_cells={},
            field_dt_ms=1.0,
            duration_ms=duration_ms,
            row_ms=np.full(len(scores), float(duration_ms)),
            unfinished=np.zeros(len(scores), dtype=bool),
        )

    def _record(
        self, weights: np.ndarray, n_bursts: np.ndarray, duration_ms: float, rng: np.random.Generator
    ) -> SpikeRecord:
        n_rows, n_keys = weights.shape
        row = np.repeat(np.arange(n_rows), n_bursts)
        key = (rng.random(len(row))[:, None] > np.cumsum(weights, axis=1)[row, :-1]).sum(axis=1)
        time_ms = rng.uniform(0, duration_ms, len(row))
        row, key, time_ms = (np.repeat(of, self.repeats) for of in (row, key, time_ms))
        return SpikeRecord.of_spikes(
            row=row, key=key, time_ms=time_ms, n_rows=n_rows, n_keys=n_keys, duration_ms=duration_ms
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnThresholds(EscapeRate):
    """The escape-rate cell with the thresholds of its hazard taken from a table, one line per spike."""

    drawn: np.ndarray = field(default_factory=lambda: np.zeros((1, 1)))  # (n_spikes, n_cells)

    equations: ClassVar[str] = EscapeRate.equations + "n_drawn : 1\n"
    reset: ClassVar[str] = """
        v -= reset_by
        h = 0
        n_drawn += 1
        q = drawn(n_drawn * second, i)
    """

    def __post_init__(self) -> None: ...

    def namespace(self) -> dict[str, Any]:
        return {
            **EscapeRate(**{f.name: getattr(self, f.name) for f in fields(EscapeRate)}).namespace(),
            "drawn": b2.TimedArray(self.drawn, dt=1 * b2.second, name="drawn"),
        }

    start: ClassVar[Mapping[str, str]] = {**EscapeRate.start, "n_drawn": "0"}


def softmax(scores: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Softmax along the last axis over the keys that take part, written out."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights if mask is None else np.where(mask, weights, 0.0)
    return weights / weights.sum(axis=-1, keepdims=True)
