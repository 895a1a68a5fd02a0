"""The head to swap in: dot products as ever, the selection by spikes, and a gradient through them."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from bridge.bill.usage import Usage
from bridge.heads.score_map import SpikingScoreMap
from bridge.laws.depletion import FittedLaw
from pragmatic.attention import Attended, DotProductHead
from spiking import Budget, Engine, EventDriven, RowCircuit
from spiking.checks import check_seed

__all__ = ["SPIKES", "SpikingHead"]

SPIKES = 64  # a row, where nothing else is asked for: a few gamma cycles


class SpikingHead:
    """A `pragmatic.Head` whose weights are the spike shares of a simulated circuit.

    One head may stand in for any number of heads and layers: each call goes on drawing new random numbers.
    A row that stays silent up to its limit has weights and output of 0, hands back no gradient, and is
    counted in `usage.silent_rows`.

    Parameters
    ----------
    circuit : RowCircuit
        Its temperature divides the scores.
    spikes : int, optional
        A row ends with the step in which its spike of this number falls; 64 where neither this nor
        `duration_ms` is given.
    duration_ms : float, optional
        Time of each row; with `spikes` the limit of it.
    budget : Budget, optional
        In place of the last two.
    mode : {"simulated", "sampled"}
        "sampled" draws `spikes` independent ones from `law` instead: the fast twin.
    engine : Engine
        Only the fused engine takes `streams`.
    seed : int
        With the stream of a row it fixes the row's random numbers.
    gradient : bool
        Whether a gradient flows back through the spikes (`bridge.heads.surrogate`).
    law : FittedLaw, optional
        What the gradient and "sampled" take the circuit to follow; softmax(scores / temperature) when None.
        `fit_law` measures it, the depletion of few cells included.
    scaling : float, optional
        Factor on q·k; 1 / sqrt(dim) when None.
    readout : {"auto", "product", "spikes"}
        How the output is made: as weights @ value, by adding a value vector for each spike, or by what takes
        less time. All give the same but for rounding.

    Examples
    --------
    >>> import torch
    >>> from bridge import SpikingHead
    >>> from spiking import GammaCircuit
    >>> head = SpikingHead(GammaCircuit(), spikes=64)
    >>> query, key, value = torch.randn(3, 1, 2, 5, 8)
    >>> output, weights = head(query, key, value)
    >>> head.usage.rows
    10
    """

    def __init__(
        self,
        circuit: RowCircuit,
        *,
        spikes: int | None = None,
        duration_ms: float | None = None,
        budget: Budget | None = None,
        mode: str = "simulated",
        engine: Engine = EventDriven(),
        seed: int = 0,
        gradient: bool = True,
        law: FittedLaw | None = None,
        scaling: float | None = None,
        readout: str = "auto",
    ) -> None:
        check_seed("SpikingHead.seed", seed)
        if spikes is None and duration_ms is None and budget is None:
            spikes = SPIKES
        self.score_map = SpikingScoreMap(
            circuit,
            Budget.of(budget, duration_ms, spikes),
            np.random.default_rng(seed),
            engine,
            mode=mode,
            gradient=gradient,
            law=law,  # type: ignore[arg-type]
            record="counts",
            readout=readout,
        )
        self._head = DotProductHead(self.score_map, scaling)

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        return self._head(query, key, value, mask)

    @property
    def scaling(self) -> float | None:
        """Factor on q·k, None for 1 / sqrt(dim)."""
        return self._head.scaling

    @property
    def law(self) -> FittedLaw:
        """What the spikes are taken to follow in the mean, backward and when sampled."""
        return self.score_map.law

    def fit_law(self, rng: np.random.Generator) -> FittedLaw:
        """Measure the law of the circuit at this head's budget, and go by it from now on."""
        return self.score_map.fit_law(rng)

    @property
    def usage(self) -> Usage:
        """Rows, keys and spikes so far, counted in the run."""
        return self.score_map.usage

    def reset_usage(self) -> None:
        """Count from 0 again."""
        self.score_map.usage = Usage()

    @property
    def next_stream(self) -> int:
        """The random stream of the next row; a checkpoint that is to go on exactly keeps it."""
        return self.score_map.next_stream

    @next_stream.setter
    def next_stream(self, stream: int) -> None:
        self.score_map.next_stream = stream

    def get_extra_state(self) -> dict[str, int]:
        """What a checkpoint of a training keeps of this head, so that it goes on exactly."""
        return {"next_stream": self.next_stream}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Go on where `get_extra_state` was asked."""
        self.next_stream = state["next_stream"]
