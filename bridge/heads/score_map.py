"""Spiking circuits where machine learning has its own score map."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from bridge.bill.usage import Usage, Work, report, report_work
from bridge.heads.on_device import engine_there, weigh_there
from bridge.heads.read_out import READOUTS, SpikeCounts, read_out
from bridge.heads.rows import ScoreRows, Shares
from bridge.heads.surrogate import sampled_counts, spike_share
from bridge.laws.depletion import FittedLaw, fit_law
from pragmatic.masks import checked_scores, masked_scores
from spiking import Budget, Cuda, Engine, EventDriven, Fused, RowCircuit, Selection, Streams
from spiking.checks import check_circuit, check_rng, known, shown
from spiking.engines import check_engine
from spiking.threads import each, usable_cores

__all__ = ["MODES", "SpikingScoreMap"]

MODES = ("simulated", "sampled")
RECORDS = ("spikes", "counts", "all")


@dataclass
class SpikingScoreMap:
    """Attention weights from spike shares; a `pragmatic.ScoreMap`, so `dot_product_head` makes a head of it.

    One thing differs from a softmax besides the noise: a row that stays silent has weights of 0 rather than a
    sum of 1, so that its output is 0. It is never read as uniform; `usage.silent_rows` counts such rows and
    `selection.silent` tells which they were.

    Parameters
    ----------
    circuit : RowCircuit
        Its temperature divides the scores.
    budget : Budget
        How long each row runs; one that has not met it at its time limit is read from what it has.
    rng : numpy.random.Generator
        Source of all randomness. Each call gives new spikes.
    engine : Engine
        The compiled engines key each row's random numbers by a stream, Brian2 draws from `rng`. Scores that lie
        on a GPU are simulated there in place of `EventDriven()`, those of any device by `Cuda()`.
    mode : {"simulated", "sampled"}
        "sampled" draws the budget's spikes from the multinomial of `law` instead, the circuit's fast twin.
    gradient : bool
        Whether the Jacobian of `law` stands in for the derivative of the spikes; otherwise the weights are
        constants to autograd.
    law : FittedLaw, optional
        softmax(scores / temperature) when None, that is, what a calibrated circuit follows.
    record : {"spikes", "counts"}
        "counts" keeps no spike times and is faster.
    readout : {"auto", "product", "spikes"}
        How `read_out` makes an output: by the product of weights and values, by adding a value vector for each
        spike, or by what takes less time. All give the same but for rounding.

    Attributes
    ----------
    counts : (n_rows, n_keys) int64 array or None
        Spikes of the last call, its rows the scores' leading dimensions flattened. Where only counts are kept
        they are worked out from the weights: a ValueError, if these have been changed in place meanwhile.
    selection : Selection or None
        All of the last simulation; None where only counts are kept.
    usage : Usage
        Counted over all calls.
    next_stream : int
        The stream that the next row gets by itself; set it back to repeat the spikes.
    """

    circuit: RowCircuit
    budget: Budget
    rng: np.random.Generator
    engine: Engine = EventDriven()
    _: KW_ONLY
    mode: str = "simulated"
    gradient: bool = False
    law: FittedLaw = None  # type: ignore[assignment]  # set at the start
    record: str = "spikes"
    readout: str = "auto"
    _there: Tensor | None = field(default=None, init=False, repr=False)  # counts on a GPU
    selection: Selection | None = field(default=None, init=False, repr=False)
    usage: Usage = field(default=Usage(), init=False, repr=False)
    next_stream: int = field(default=0, init=False, repr=False)
    _spikes: SpikeCounts | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        known("mode", self.mode, MODES)
        known("readout", self.readout, READOUTS)
        check_engine(self.engine)
        check_circuit(self.circuit)
        check_rng(self.rng)
        known("record", self.record, RECORDS)
        if not isinstance(self.budget, Budget):
            raise TypeError(f"budget must be a Budget, got {shown(self.budget)}; use Budget(spikes=64).")
        if self.mode == "sampled" and self.budget.spikes is None:
            raise ValueError('mode "sampled" needs the number of spikes a row, got None; use spikes=64')
        if self.law is not None and not isinstance(self.law, FittedLaw):
            raise TypeError(f"law must be a FittedLaw or None, got {shown(self.law)}; use bridge.fit_law.")
        if self.law is None:
            self.law = FittedLaw(beta=1 / self.circuit.temperature)
        self._seed = int(self.rng.integers(2**63)) if self._keyed else 0
        # each call of a simulation draws its own seed from a generator of this one
        self._stream_seed = int(np.random.default_rng(self._seed).integers(2**63))

    def __call__(
        self,
        scores: Tensor,
        mask: Tensor | None = None,
        *,
        streams: np.ndarray | None = None,
        grid: float | None = None,
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
        grid : float, optional
            Scores are rounded to multiples of it, so that a product in another order of additions gives the
            same spikes.

        Returns
        -------
        Tensor
            Spike shares, of the scores' shape, dtype and device.

        Raises
        ------
        ValueError, TypeError
            As `pragmatic.ScoreMap` and the circuit say.
        """
        checked_scores(scores, mask)
        if self.gradient and scores.requires_grad and torch.is_grad_enabled():
            if grid is not None:
                scores = _rounded(scores, grid)
            weights = self._share(scores, mask, streams, None)
            return spike_share(masked_scores(scores, mask), lambda _: weights, self.law).to(scores.dtype)
        return self._share(scores, mask, streams, grid)

    @property
    def counts(self) -> np.ndarray | None:
        """Spikes of the last call."""
        if self.selection is not None:
            return self.selection.counts
        if self._there is not None:
            return self._there.cpu().numpy()
        return None if self._spikes is None else self._spikes.counts

    def read_out(self, weights: Tensor, value: Tensor, *, dropout: float = 0.0) -> Tensor:
        """Compute weights @ value for the weights of the last call, as `readout` says.

        Parameters
        ----------
        weights : Tensor, (..., n_queries, n_keys)
            What the last call returned, or that with some of it dropped.
        value : Tensor, (..., n_keys, dim_value)
        dropout : float
            Probability with which weights were dropped.
        """
        if self._spikes is None and self._there is not None:
            if self.readout != "spikes":
                return weights @ value  # where the weights lie
            counts = self._there.cpu().numpy()
            totals = counts.sum(axis=1)
            shares = counts / np.maximum(totals, 1)[:, None]
            self._spikes = SpikeCounts(torch.from_numpy(shares), totals, self.budget.spikes)
        if self._spikes is None or self._spikes.weights.numel() != weights.numel():
            raise ValueError("read_out needs the weights of the last call; call the score map first.")
        return read_out(weights, value, self._spikes, how=self.readout, dropout=dropout)

    def again(self, scores: Tensor, stream: int, *, grid: float | None = None) -> Selection:
        """Simulate one row of an earlier call again, with the same spikes, and record all of them and the field.

        Parameters
        ----------
        scores : Tensor, (n_keys,)
            -inf at a masked key.
        stream : int
            Of the row in that call.
        grid : float, optional
            As in that call.

        Raises
        ------
        ValueError
            Where no row can be repeated: without spike times, or without streams.
        """
        if self.mode != "simulated" or not self.engine.takes_streams:
            raise ValueError(
                f"a row is simulated again by a simulation whose rows are keyed, got mode {self.mode!r} on "
                f'{type(self.engine).__name__}(); use mode "simulated" and EventDriven()'
            )
        rows, present = ScoreRows(scores[None], None, grid).clean(range(1))
        streams = Streams(self._stream_seed, np.array([stream]))
        return self.circuit.attend(
            rows, rng=streams, budget=self.budget, mask=present, record="all", engine=self.engine
        )

    def fit_law(self, rng: np.random.Generator) -> FittedLaw:
        """Measure the law of the circuit at this budget, take it for `law`, and return it."""
        self.law = fit_law(partial(self._simulated_counts, rng=rng), rng)
        return self.law

    @property
    def _keyed(self) -> bool:
        return self.engine.takes_streams or self.mode == "sampled"

    def _share(
        self, scores: Tensor, mask: Tensor | None, streams: np.ndarray | None, grid: float | None
    ) -> Tensor:
        there = engine_there(self.engine, scores, self.circuit) if self.mode == "simulated" else None
        if there is not None and self.record == "counts" and self.circuit.is_relative:
            return self._share_there(there, scores, mask, streams, grid)
        rows, chosen = ScoreRows(scores, mask, grid), there or self.engine
        n_rows, _ = rows.shape
        randomness, shares = self._randomness(n_rows, streams), Shares(rows.shape, scores.dtype)
        self.selection = self._there = None
        if not isinstance(randomness, Streams) or self._keeps_all:
            used = self._spike(rows, range(n_rows), randomness, chosen, shares)
        else:
            used = self._in_parts(rows, randomness, chosen, shares)
        self._spikes = SpikeCounts(shares.weights, shares.totals, self.budget.spikes)
        self.usage += report(replace(used, calls=1))
        report_work(Work.on_scores(scores.numel(), shares.weights.element_size()))
        return shares.weights.to(scores.dtype).reshape(scores.shape).to(scores.device)

    @property
    def _keeps_all(self) -> bool:
        """Whether the whole record of a simulation is kept, so that all rows run in one."""
        return self.mode == "simulated" and self.record != "counts"

    def _in_parts(self, rows: ScoreRows, randomness: Streams, engine: Engine, shares: Shares) -> Usage:
        """Several parts at once, each on one thread; the first one alone, since it may compile."""
        first, *others = rows.parts()
        used = self._spike(rows, first, randomness, engine, shares)
        if others:
            threads, alone = (1, engine) if isinstance(engine, Cuda) else (usable_cores(), engine)
            if isinstance(engine, Fused):
                threads, alone = min(threads, engine.threads or threads), replace(engine, threads=1)
            spike = partial(self._spike, rows, randomness=randomness, engine=alone, shares=shares, threads=1)
            used = sum(each(spike, others, threads), used)
        return used

    def _spike(
        self,
        rows: ScoreRows,
        part: range,
        randomness: np.random.Generator | Streams,
        engine: Engine,
        shares: Shares,
        threads: int | None = None,
    ) -> Usage:
        """Let some of the rows compete; their shares are filled in, and what they took is returned."""
        scores, present = rows.clean(part, threads)
        here = randomness
        if isinstance(randomness, Streams):
            here = Streams(randomness.seed, randomness.numbers(rows.shape[0])[part.start : part.stop])
        if self.mode == "sampled":
            assert isinstance(here, Streams)
            counts = self._sampled_counts(scores, present, here)
            used = Usage.drawn(counts, present)
        else:
            selection = self._attend(scores, present, here, engine)
            self.selection = selection if self._keeps_all else None
            counts, used = selection.counts, Usage.of(selection, self.circuit)
        shares.fill(part, counts, threads)
        return used

    def _share_there(
        self,
        engine: Cuda,
        scores: Tensor,
        mask: Tensor | None,
        streams: np.ndarray | None,
        grid: float | None,
    ) -> Tensor:
        n_keys = scores.shape[-1]
        randomness = Streams.of(self._randomness(scores.numel() // n_keys, streams))
        done = weigh_there(
            *(self.circuit, scores, mask), budget=self.budget, streams=randomness, engine=engine, grid=grid
        )
        self.selection, self._spikes, self._there = None, None, done.counts
        self.usage += report(done.usage)
        report_work(Work.on_scores(scores.numel(), scores.element_size()))
        return done.weights.reshape(scores.shape).to(scores.device)

    def _attend(
        self,
        rows: np.ndarray,
        present: np.ndarray | None,
        rng: np.random.Generator | Streams,
        engine: Engine,
    ) -> Selection:
        return self.circuit.attend(
            rows, rng=rng, budget=self.budget, mask=present, record=self.record, engine=engine
        )

    def _simulated_counts(
        self, scores: np.ndarray, mask: np.ndarray, *, rng: np.random.Generator
    ) -> np.ndarray:
        return self._attend(scores, mask, rng, self.engine).counts

    def _sampled_counts(self, rows: np.ndarray, present: np.ndarray | None, streams: Streams) -> np.ndarray:
        assert self.budget.spikes is not None
        scores = rows if present is None else np.where(present, rows, -np.inf)
        probability = self.law.weights(torch.from_numpy(scores).double()).numpy()
        return sampled_counts(
            probability, self.budget.spikes, seed=self._seed, streams=streams.numbers(len(rows))
        )

    def _randomness(self, n_rows: int, streams: np.ndarray | None) -> np.random.Generator | Streams:
        """The generator of one call, or where rows are keyed their streams."""
        if not self._keyed:
            if streams is not None:
                raise ValueError(
                    f"streams need a compiled engine, got {type(self.engine).__name__}(); use EventDriven(), or "
                    "leave them out"
                )
            return self.rng
        if streams is None:
            streams = np.arange(self.next_stream, self.next_stream + n_rows)
            self.next_stream += n_rows
        elif np.size(streams) != n_rows:
            raise ValueError(
                f"streams must hold a number for each of {n_rows} rows, got {np.size(streams)}; "
                "use np.arange(n_rows)"
            )
        return Streams(self._stream_seed, np.asarray(streams).reshape(-1))


def _rounded(scores: Tensor, grid: float) -> Tensor:
    """The scores on the grid; the gradient passes unchanged."""
    return scores + (torch.round(scores.detach() / grid) * grid - scores.detach())
