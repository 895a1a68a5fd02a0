"""The selection that a cell's rate predicts at the working point that the loop holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenarios.which_law.circuits import without_loop
from spiking import Engine, RowCircuit

__all__ = ["LOWEST", "RateCurve", "rate_curve"]

LOWEST = -16.0  # input, in scores below the circuit's drive, where no cell fires any more
STEP = 0.5
COUNT = 10_000  # that stands for a probability of 1


@dataclass(frozen=True, kw_only=True)
class RateCurve:
    """Rate of a key without the loop, against its constant input.

    A loop that lowers the input of all keys of a row by the same steady amount leaves key j a share proportional
    to r(c + u_j), c such that the rates add up to the row's. The softmax's beta is then the slope of ln r there:
    constant where r is exponential, and the share exactly softmax. Shunting divides the drive and with it the
    scores: an offset c of a drive d leaves u_j (d + c) / d.
    """

    x: np.ndarray  # (n,) input less the circuit's drive, in scores, ascending to 0
    rate_Hz: np.ndarray  # (n,) spikes of a key

    def at(self, x: np.ndarray) -> np.ndarray:
        """Rate at inputs, in Hz; its logarithm is interpolated."""
        return np.exp(np.interp(x, self.x, np.log(self.rate_Hz)))

    def shares(
        self, inputs: np.ndarray, total_Hz: np.ndarray, drive: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Shares of keys in rows whose totals the loop holds.

        Parameters
        ----------
        inputs : (n_rows, n_keys) array
            0 at the strongest key of a row.
        total_Hz : (n_rows,) array
        drive : float
            That inhibition divides; 0 where it is subtracted.

        Returns
        -------
        shares : (n_rows, n_keys) array
        offset : (n_rows,) array
            c: how far the loop lowers the input of all keys.
        """
        offsets = np.arange(LOWEST, 0.01, 0.05)
        totals = self.at(_left(inputs, offsets[:, None, None], drive)).sum(axis=2)  # (n_offsets, n_rows)
        log = np.log(totals)
        offset = np.array(
            [np.interp(np.log(total), log[:, row], offsets) for row, total in enumerate(total_Hz)]
        )
        rates = self.at(_left(inputs, offset[:, None], drive))
        return rates / rates.sum(axis=1, keepdims=True), offset


def _left(inputs: np.ndarray, offset: np.ndarray, drive: float) -> np.ndarray:
    """What a steady loop leaves of inputs."""
    return offset + inputs * (np.maximum(drive + offset, 0.0) / drive if drive else 1.0)


def rate_curve(
    circuit: RowCircuit, *, n_repeats: int, duration_ms: float, rng: np.random.Generator, engine: Engine
) -> RateCurve:
    """Measure the rate of a key with the loop cut, in rows of two keys of which the other has the drive itself."""
    x = np.arange(LOWEST, 0.01, STEP)
    rows = np.repeat(np.stack([x, np.zeros_like(x)], axis=1), n_repeats, axis=0)
    cut = without_loop(circuit)
    counts = cut.attend(rows, duration_ms=duration_ms, rng=rng, record="counts", engine=engine).counts[:, 0]
    spikes = counts.reshape(len(x), n_repeats).sum(axis=1)
    seconds = n_repeats * duration_ms * 1e-3
    return RateCurve(x=x, rate_Hz=np.maximum(spikes, 0.5) / seconds)  # half a spike where there was none
