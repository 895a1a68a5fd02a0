"""How long a row runs: for a time, until it has had so many spikes, or until one key leads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np

from spiking.checks import as_float, positive_int, shown

__all__ = ["SLOWEST_CYCLE_MS", "Budget", "limit_ms"]

LONGEST_MS = 86_400_000.0
MOST_SPIKES = 1_000_000
SLOWEST_CYCLE_MS = 1000.0 / 30.0  # one cycle at the lower edge of the gamma band


def limit_ms(spikes: int) -> float:
    """Time within which a row of any working circuit has had so many spikes: 100 Hz after a pause."""
    return 200.0 + 10.0 * spikes


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A row ends when the first of its limits is met, with the step in which that happens.

    Each counted spike is a sample of the selection law whatever the common time course (the race law). A limit
    on `spikes` looks at the total alone, never at which key fired, and finishes the step: so it favours no key,
    and the weights are those of a multinomial of at least so many draws. A limit on the `lead` of one key does
    look: it decides fast where scores differ (the sequential test of Wald 1945), and its shares are biased
    towards the winner.

    Parameters
    ----------
    duration_ms : float, optional
        Measured time, at least one cycle (33.4 ms); the settling time comes before it. With another limit it
        is the longest that a row may take, and `limit_ms` gives it where it is left out.
    spikes : int, optional
        Counted spikes of the row.
    lead : int, optional
        Spikes by which one key is ahead of every other.

    Raises
    ------
    ValueError, TypeError
        Without any limit, and for limits that cannot be.

    Examples
    --------
    >>> Budget(spikes=64).duration_ms
    840.0
    """

    duration_ms: float | None = None
    spikes: int | None = None
    lead: int | None = None

    def __post_init__(self) -> None:
        for name in ("spikes", "lead"):
            if getattr(self, name) is not None:
                positive_int("Budget", name, getattr(self, name), MOST_SPIKES)
                object.__setattr__(
                    self, name, int(getattr(self, name))
                )  # a small NumPy integer would overflow
        if self.duration_ms is None:
            if self.spikes is None and self.lead is None:
                raise ValueError("Budget must have a limit, got none; use spikes=64 or duration_ms=500.")
            object.__setattr__(self, "duration_ms", limit_ms(self.spikes or 64 * (self.lead or 1)))
        _check_duration(self.duration_ms)

    @classmethod
    def whole(cls, duration_ms: float) -> Budget:
        """A time alone, however short: of networks that are no rows of attention."""
        budget = object.__new__(cls)
        for name, value in (("duration_ms", duration_ms), ("spikes", None), ("lead", None)):
            object.__setattr__(budget, name, value)
        return budget

    @property
    def limit_ms(self) -> float:
        """The longest that a row may take."""
        assert self.duration_ms is not None
        return float(self.duration_ms)

    @property
    def ends_early(self) -> bool:
        """Whether rows may end before `limit_ms`, each at its own time."""
        return self.spikes is not None or self.lead is not None

    @classmethod
    def of(cls, budget: Budget | None, duration_ms: float | None, spikes: int | None) -> Budget:
        """A budget as it is, or one from the two limits that are asked for most."""
        if budget is None:
            return cls(duration_ms=duration_ms, spikes=spikes)
        if duration_ms is not None or spikes is not None:
            raise ValueError(
                "give budget, or duration_ms and spikes, got both; put all limits into the budget."
            )
        if not isinstance(budget, Budget):
            raise TypeError(f"budget must be a Budget, got {shown(budget)}; use Budget(spikes=64).")
        return budget

    def unfinished(self, counts: np.ndarray) -> np.ndarray:
        """Which rows, by their counts (n_rows, n_keys), were stopped by the time limit before the others."""
        short = np.zeros(len(counts), dtype=bool)
        if self.spikes is not None:
            short |= counts.sum(axis=1) < self.spikes
        if self.lead is not None:
            ahead = _lead(counts) >= self.lead
            short = short & ~ahead if self.spikes is not None else ~ahead
        return short


def _lead(counts: np.ndarray) -> np.ndarray:
    """Spikes by which the first key of each row is ahead of the second, (n_rows,)."""
    if counts.shape[1] == 1:
        return counts[:, 0]
    best = np.partition(counts, -2, axis=1)
    return best[:, -1] - best[:, -2]


def _check_duration(duration_ms: object) -> None:
    """Raise unless the window holds at least one cycle."""
    if not isinstance(duration_ms, Real) or isinstance(duration_ms, bool):
        raise TypeError(
            f"duration_ms must be a number of milliseconds, got {shown(duration_ms)}; use 500.0, without a unit."
        )
    time_ms = as_float(duration_ms)
    if not 0 < time_ms < math.inf:
        raise ValueError(f"duration_ms must be > 0, got {shown(duration_ms)}; use 200 or more.")
    if time_ms < SLOWEST_CYCLE_MS:
        raise ValueError(
            f"duration_ms must be at least one gamma cycle ({SLOWEST_CYCLE_MS:.1f} ms at 30 Hz), "
            f"got {shown(duration_ms)}; use 200 or more."
        )
    if time_ms > LONGEST_MS:
        raise ValueError(f"duration_ms must be <= {LONGEST_MS:g}, a day, got {shown(duration_ms)}; use less.")
