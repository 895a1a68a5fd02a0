"""Spiking circuits where machine learning has its own: as a score map, and as a whole head."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge.bill.usage import Usage, report
from bridge.comparison.versus_softmax import Circuit
from bridge.heads.surrogate import sampled_counts, spike_share
from bridge.laws.depletion import FittedLaw, fit_law
from pragmatic.attention import Attended
from pragmatic.masks import masked_scores
from spiking.checks import known, positive_int
from spiking.circuits.gamma import ENGINES
from spiking.circuits.whole_head import HeadSelection, VectorCircuit
from spiking.measures.readout import count_share
from spiking.params import GammaParams
from spiking.record import Selection

__all__ = ["MODES", "SpikingScoreMap", "SpikingVectorHead", "limit_ms"]

MODES = ("simulated", "sampled")


@dataclass
class SpikingScoreMap:
    """Attention weights from spike shares; a `pragmatic.ScoreMap`, so `dot_product_head` makes a head of it.

    One thing differs from a softmax besides the noise: a row that stays silent has weights of 0 rather than a
    sum of 1, so that its output is 0. It is never read as uniform; `usage.silent_rows` counts such rows and
    `selection.silent` tells which they were.

    Parameters
    ----------
    circuit : Circuit
        Its temperature divides the scores.
    duration_ms : float or None
        Time that each row has; with `spikes` the limit of it, and None then allows `limit_ms(spikes)`.
    rng : numpy.random.Generator
        Source of all randomness. Each call gives new spikes.
    engine : str
        The fused engine keys each row's random numbers by a stream, the others draw from `rng`.
    spikes : int, optional
        A row ends with the step in which its spike of this number falls; one that has had fewer at its limit
        is read from those.
    mode : {"simulated", "sampled"}
        "sampled" draws `spikes` from the multinomial of `law` instead, the circuit's fast twin.
    gradient : bool
        Whether the Jacobian of `law` stands in for the derivative of the spikes; otherwise the weights are
        constants to autograd.
    law : FittedLaw, optional
        softmax(scores / temperature) when None, that is, what a calibrated circuit follows.
    record : {"spikes", "counts"}
        "counts" keeps no spike times and is faster.

    Attributes
    ----------
    counts : (n_rows, n_keys) int64 array or None
        Spikes of the last call, its rows the scores' leading dimensions flattened.
    selection : Selection or None
        All of the last simulation.
    usage : Usage
        Counted over all calls.
    next_stream : int
        The stream that the next row gets by itself; set it back to repeat the spikes.
    """

    circuit: Circuit
    duration_ms: float | None
    rng: np.random.Generator
    engine: str = "fused"
    _: KW_ONLY
    spikes: int | None = None
    mode: str = "simulated"
    gradient: bool = False
    law: FittedLaw = None  # type: ignore[assignment]  # set at the start
    record: str = "spikes"
    counts: np.ndarray | None = field(default=None, init=False, repr=False)
    selection: Selection | None = field(default=None, init=False, repr=False)
    usage: Usage = field(default=Usage(), init=False, repr=False)
    next_stream: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        known("mode", self.mode, MODES)
        known("engine", self.engine, ENGINES)
        if self.spikes is not None:
            positive_int("SpikingScoreMap", "spikes", self.spikes)
        elif self.mode == "sampled":
            raise ValueError('mode "sampled" needs the number of spikes a row, got None; use spikes=64')
        if self.duration_ms is None:
            if self.spikes is None:
                raise ValueError("duration_ms and spikes are both None; use spikes=64 or duration_ms=200")
            self.duration_ms = limit_ms(self.spikes)
        if self.law is None:
            self.law = FittedLaw(beta=1 / self.circuit.params.temperature)
        self._seed = int(self.rng.integers(2**63)) if self._keyed else 0

    def __call__(
        self, scores: Tensor, mask: Tensor | None = None, *, streams: np.ndarray | None = None
    ) -> Tensor:
        """Let every row compete, all at once.

        Parameters
        ----------
        scores : Tensor, (..., n_queries, n_keys), float
        mask : Tensor, broadcastable to the scores, bool, optional
            True where a key takes part; a score of -inf masks its key too.
        streams : array of int, (..., n_queries), optional
            Keys each row's random numbers: same stream and scores, same spikes, whatever the other rows. The
            fused engine and "sampled" alone take it; without it each row gets the next unused number.

        Returns
        -------
        Tensor
            Spike shares, of the scores' shape, dtype and device.

        Raises
        ------
        ValueError, TypeError
            As `pragmatic.ScoreMap` and the circuit say.
        """
        checked = masked_scores(scores if self.gradient else scores.detach(), mask)
        weights = spike_share(checked, partial(self._share, streams=streams), self.law)
        return weights.to(scores.dtype)

    def fit_law(self, rng: np.random.Generator) -> FittedLaw:
        """Measure the law of the circuit at this budget, take it for `law`, and return it."""
        self.law = fit_law(partial(self._simulated_counts, rng=rng), rng)
        return self.law

    @property
    def _keyed(self) -> bool:
        return self.engine == "fused" or self.mode == "sampled"

    def _share(self, scores: Tensor, *, streams: np.ndarray | None) -> Tensor:
        rows = scores.detach().cpu().double().numpy().reshape(-1, scores.shape[-1])
        present = np.isfinite(rows)
        randomness = self._randomness(len(rows), streams)
        if self.mode == "sampled":
            self.counts = self._sampled_counts(rows, **randomness)
            used = Usage.drawn(self.counts, present)
        else:
            self.selection = self._attend(rows, present, **randomness)
            self.counts = self.selection.counts
            used = _used(self.selection, self.circuit)
        self.usage += report(used)
        return torch.from_numpy(count_share(self.counts).weights.reshape(scores.shape)).to(scores)

    def _attend(self, rows: np.ndarray, present: np.ndarray, **options: Any) -> Selection:
        options["duration_ms"] = self.duration_ms
        if self.spikes is not None:
            options["spikes"] = self.spikes
        if self.record != "spikes":
            options["record"] = self.record
        return self.circuit.attend(
            np.where(present, rows, 0.0),
            mask=present,
            engine=self.engine,
            **options,
        )

    def _simulated_counts(
        self, scores: np.ndarray, mask: np.ndarray, *, rng: np.random.Generator
    ) -> np.ndarray:
        return self._attend(scores, mask, rng=rng).counts

    def _sampled_counts(
        self, rows: np.ndarray, *, rng: np.random.Generator, streams: np.ndarray
    ) -> np.ndarray:
        assert self.spikes is not None
        probability = self.law.weights(torch.from_numpy(rows)).numpy()
        return sampled_counts(probability, self.spikes, seed=self._seed, streams=streams)

    def _randomness(self, n_rows: int, streams: np.ndarray | None) -> dict[str, Any]:
        """The generator of one call, and where rows are keyed their streams."""
        if not self._keyed:
            if streams is not None:
                raise ValueError(f'streams need engine "fused", got {self.engine!r}; leave them out')
            return {"rng": self.rng}
        if streams is None:
            streams = np.arange(self.next_stream, self.next_stream + n_rows)
            self.next_stream += n_rows
        elif np.size(streams) != n_rows:
            raise ValueError(f"streams must hold a number for each of {n_rows} rows, got {np.size(streams)}")
        return {"rng": np.random.default_rng(self._seed), "streams": np.asarray(streams).reshape(-1)}


def _used(selection: Selection, circuit: Circuit) -> Usage:
    """What a simulation took; of a circuit of another kind only what its spikes tell."""
    if isinstance(circuit.params, GammaParams):
        return Usage.of(selection, circuit.params)
    return Usage.unknown(selection)


def limit_ms(spikes: int) -> float:
    """Time within which a row of any working circuit has had so many spikes: 100 Hz after a pause."""
    return 200.0 + 10.0 * spikes


@dataclass
class SpikingVectorHead:
    """The whole spiking head as a `pragmatic.Head`: vectors in, spikes all the way, vectors out.

    No gradient flows. A silent row has weights and output of 0; `attended.selection.silent` tells which.

    Parameters
    ----------
    circuit : VectorCircuit
    duration_ms : float
        Time that each query has.
    rng : numpy.random.Generator
        Advances with every call, so that each gives new spikes.
    engine : str

    Attributes
    ----------
    attended : HeadSelection or None
        Of the last call, its rows the queries' leading dimensions flattened.
    """

    circuit: VectorCircuit
    duration_ms: float
    rng: np.random.Generator
    engine: str = "fused"
    attended: HeadSelection | None = field(default=None, init=False, repr=False)

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        """Simulate every query at once; shapes and masks as `pragmatic.Head` says."""
        lead, n_queries, n_keys = query.shape[:-2], query.shape[-2], key.shape[-2]
        present = None
        if mask is not None:
            whole = torch.broadcast_to(mask, (*lead, n_queries, n_keys))
            present = whole.reshape(-1, n_keys).cpu().numpy()
        self.attended = self.circuit.attend(
            _rows(query),
            _per_query(key, lead, n_queries),
            _per_query(value, lead, n_queries),
            duration_ms=self.duration_ms,
            rng=self.rng,
            mask=present,
            engine=self.engine,
        )
        report(Usage.unknown(self.attended.selection))
        output = self.attended.output.reshape(*lead, n_queries, value.shape[-1])
        weights = self.attended.selection.weights.reshape(*lead, n_queries, n_keys)
        return Attended(torch.from_numpy(output).to(query), torch.from_numpy(weights).to(query))


def _rows(vectors: Tensor) -> np.ndarray:
    """(..., length, dim) -> (rows, dim)."""
    return vectors.detach().reshape(-1, vectors.shape[-1]).cpu().double().numpy()


def _per_query(vectors: Tensor, lead: torch.Size, n_queries: int) -> np.ndarray:
    """(..., n_keys, dim) -> (rows, n_keys, dim): each query sees the keys of its own leading index."""
    shape = (*lead, n_queries, *vectors.shape[-2:])
    repeated = torch.broadcast_to(vectors.detach().unsqueeze(-3), shape)
    return repeated.reshape(-1, *vectors.shape[-2:]).cpu().double().numpy()
