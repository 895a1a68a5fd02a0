"""A stand-in for the gamma circuit whose law is known: independent spikes from a given softmax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from spiking.record import Selection, SpikeRecord

__all__ = ["MultinomialCircuit", "softmax"]


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """The part of a circuit's parameters that the bridge reads."""

    temperature: float = 1.0


@dataclass(kw_only=True)
class MultinomialCircuit:
    """Spikes are independent draws from softmax(gain * scores / temperature): every floor holds exactly."""

    params: Temperature = field(default_factory=Temperature)
    gain: float = 1.0
    rate_Hz: float = 1000.0  # spikes per row and second
    silent_rows: tuple[int, ...] = ()
    repeats: int = 1  # spikes come in bursts of so many on the same key
    calls: list[np.ndarray] = field(default_factory=list)  # the scores of each call

    def attend(
        self,
        scores: np.ndarray,
        *,
        duration_ms: float,
        rng: np.random.Generator,
        mask: np.ndarray | None = None,
        engine: str = "brian2",
        spikes: int | None = None,
        streams: np.ndarray | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Selection:
        self.calls.append(scores)
        if streams is not None:
            rng = np.random.default_rng([int(rng.integers(2**63)), *streams.tolist()])  # keys the batch
        present = np.ones(scores.shape, dtype=bool) if mask is None else mask
        weights = softmax(self.gain / self.params.temperature * np.where(present, scores, 0.0), present)
        n_spikes = self.rate_Hz * duration_ms / 1000 if spikes is None else spikes
        n_bursts = np.full(len(scores), round(n_spikes / self.repeats))
        n_bursts[list(self.silent_rows)] = 0
        spikes = self._record(weights, n_bursts, duration_ms, rng)
        counts = spikes.counts()
        total = counts.sum(axis=1)
        if progress is not None:
            progress(1.0)
        return Selection(
            counts=counts,
            weights=counts / np.maximum(total, 1)[:, None],
            silent=total == 0,
            mask=present,
            f_gamma_Hz=np.full(len(scores), np.nan),
            n_cycles=np.zeros(len(scores), dtype=np.int64),
            spikes=spikes,
            field=np.zeros((len(scores), 1), dtype=np.float32),
            inh_counts=np.zeros(len(scores), dtype=np.int64),
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
        order = np.repeat(np.argsort(time_ms), self.repeats)
        return SpikeRecord(
            row=row[order].astype(np.int32),
            key=key[order].astype(np.int32),
            cell=np.zeros(len(order), dtype=np.int32),
            time_ms=time_ms[order],
            n_rows=n_rows,
            n_keys=n_keys,
            n_cells=1,
            duration_ms=duration_ms,
        )


def softmax(scores: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Softmax along the last axis over the keys that take part, written out."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights if mask is None else np.where(mask, weights, 0.0)
    return weights / weights.sum(axis=-1, keepdims=True)
