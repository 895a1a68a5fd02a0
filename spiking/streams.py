"""Where a batch's random numbers come from: a seed, and a number for each row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spiking.checks import check_seed, plain_array, shown

__all__ = ["Streams"]


@dataclass(frozen=True, eq=False)
class Streams:
    """Keys of the random numbers of a batch on the fused engine.

    The same seed, row number, scores and circuit give the same spikes in any batch, in any order and on any
    number of threads. Rows that share a number share their noise.

    Parameters
    ----------
    seed : int
        At least 0 and below 2**63.
    rows : (n_rows,) array of int >= 0, optional
        The rows' numbers; 0, 1, 2, ... unless given.
    """

    seed: int
    rows: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_seed("Streams.seed", self.seed)
        if self.rows is None:
            return
        rows = plain_array("streams", self.rows)
        if rows.ndim != 1:
            raise ValueError(
                f"streams must be one number per row, got {shown(self.rows)}; use np.arange(n_rows)."
            )
        if not np.issubdtype(rows.dtype, np.integer):
            raise TypeError(f"streams must be integers, got dtype {rows.dtype}; use np.arange(n_rows).")
        if rows.size and rows.min() < 0:
            raise ValueError(f"streams must be >= 0, got {rows.min()}; use np.arange(n_rows).")
        object.__setattr__(self, "rows", rows.astype(np.uint64))

    @classmethod
    def of(cls, rng: np.random.Generator | Streams) -> Streams:
        """Streams as they are, or with a seed that a generator draws."""
        if isinstance(rng, Streams):
            return rng
        if not isinstance(rng, np.random.Generator):
            raise TypeError(
                f"rng must be a numpy.random.Generator or Streams, got {shown(rng)}; "
                "use np.random.default_rng(0)."
            )
        return cls(int(rng.integers(2**63)))

    def numbers(self, n_rows: int) -> np.ndarray:
        """The rows' numbers, (n_rows,) uint64."""
        if self.rows is None:
            return np.arange(n_rows, dtype=np.uint64)
        if self.rows.shape != (n_rows,):
            raise ValueError(
                f"streams must be one number per row, shape ({n_rows},), got {self.rows.shape}; "
                "use np.arange(n_rows)."
            )
        return self.rows
