"""Selection of k keys in place of weights: the first k distinct ones of a row to spike are taken."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field

import numpy as np
import torch
from torch import Tensor

from bridge.bill.usage import Usage, report
from bridge.heads.rows import ScoreRows
from bridge.heads.score_map import MODES
from bridge.laws.race import check_k, draw_distinct
from pragmatic.masks import checked_scores
from spiking import Budget, Engine, EventDriven, RowCircuit, Streams
from spiking.checks import check_circuit, check_rng, known, positive_int
from spiking.engines import check_engine
from spiking.measures.distinct import FirstDistinct, first_distinct

__all__ = ["FirstKeys"]


@dataclass
class FirstKeys:
    """The first k distinct keys of a row to spike.

    A row runs until it has spiked some times more often than k; where that brings fewer than k keys it runs again,
    with the same random numbers and so the same spikes, twice as long. The wait grows with the exponential of the
    distance between scores, and a row that has no k-th key after `most_spikes` spikes selects those it has.

    Parameters
    ----------
    circuit : RowCircuit
        Its temperature divides the scores.
    k : int
        Keys of each row.
    rng : numpy.random.Generator
        Each call gives new spikes.
    engine : Engine
    mode : {"simulated", "sampled"}
        "sampled" draws independent samples of the softmax in place of spikes, the circuit's fast twin.
    most_spikes : int
        Of a row of the circuit that waits for its k-th key.

    Attributes
    ----------
    last : FirstDistinct or None
        Of the last call, its rows the scores' leading dimensions flattened: order, and spikes that it took.
    usage : Usage
        Counted over all calls.

    Examples
    --------
    >>> from spiking import GammaCircuit, GammaParams
    >>> select = FirstKeys(GammaCircuit(GammaParams.brief()), 2, np.random.default_rng(0))
    >>> select(torch.tensor([[9.0, 8.0, 0.0, 0.0]]))
    tensor([[ True,  True, False, False]])
    """

    circuit: RowCircuit
    k: int
    rng: np.random.Generator
    engine: Engine = EventDriven()
    _: KW_ONLY
    mode: str = "simulated"
    most_spikes: int = 1024
    last: FirstDistinct | None = field(default=None, init=False, repr=False)
    usage: Usage = field(default=Usage(), init=False, repr=False)

    def __post_init__(self) -> None:
        known("mode", self.mode, MODES)
        check_engine(self.engine)
        check_circuit(self.circuit)
        check_rng(self.rng)
        for name in ("k", "most_spikes"):
            positive_int("FirstKeys", name, getattr(self, name))

    def __call__(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        """Let every row compete.

        Parameters
        ----------
        scores : Tensor, (..., n_keys), float
        mask : Tensor, broadcastable to the scores, bool, optional
            True where a key takes part.

        Returns
        -------
        Tensor of bool, of the scores' shape
            True at k keys of each row.
        """
        checked_scores(scores, mask)
        rows = ScoreRows(scores, mask)
        clean, present = rows.clean(range(rows.shape[0]))
        self.last = self.select(clean, present)
        return torch.from_numpy(self.last.chosen).reshape(scores.shape).to(scores.device)

    def select(self, scores: np.ndarray, mask: np.ndarray | None = None) -> FirstDistinct:
        """Let every row of an array compete.

        Parameters
        ----------
        scores : (n_rows, n_keys) array
        mask : (n_rows, n_keys) bool array, optional
        """
        check_k(self.k, np.ones(scores.shape, dtype=bool) if mask is None else mask)
        if self.mode == "sampled":
            return self._drawn(scores, mask)
        return self._simulated(scores, mask)

    def _drawn(self, scores: np.ndarray, mask: np.ndarray | None) -> FirstDistinct:
        drawn = draw_distinct(scores / self.circuit.temperature, self.k, self.rng, mask=mask)
        self.usage += report(Usage.drawn(drawn.n_spikes[:, None], mask))
        return drawn

    def _simulated(self, scores: np.ndarray, mask: np.ndarray | None) -> FirstDistinct:
        """Only rows that have a k-th key are done; which those are says nothing of who won."""
        seed, waiting = int(self.rng.integers(2**63)), np.arange(len(scores))
        order = np.full((len(scores), self.k), -1, dtype=np.int64)
        n_spikes, time_ms = np.zeros(len(scores), dtype=np.int64), np.full(len(scores), np.nan)
        spikes = min(4 * self.k, self.most_spikes) if self.engine.takes_streams else self.most_spikes
        while len(waiting):
            part = None if mask is None else mask[waiting]
            selection = self.circuit.attend(
                scores[waiting],
                rng=Streams(seed, waiting) if self.engine.takes_streams else self.rng,
                budget=Budget(spikes=spikes),
                mask=part,
                engine=self.engine,
            )
            self.usage += report(Usage.of(selection, self.circuit))
            first = first_distinct(selection.spikes, self.k, self.rng)
            order[waiting], n_spikes[waiting], time_ms[waiting] = first.order, first.n_spikes, first.time_ms
            waiting = waiting[~first.complete] if spikes < self.most_spikes else waiting[:0]
            spikes = min(2 * spikes, self.most_spikes)
        return FirstDistinct(order=order, n_spikes=n_spikes, time_ms=time_ms, n_keys=scores.shape[1])
