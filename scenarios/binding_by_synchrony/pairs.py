"""What pairs of spikes say of a scene: which cells fire together, and how far apart volleys lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from spiking import Spikes
from spiking.circuits.gestalt import Gestalt

__all__ = ["Scene", "adjusted_rand", "scenes_of"]

TOGETHER_ms = 2.0  # spikes closer than this coincide: an EPSP on a coincidence detector
SAME = 0.5  # of two cells' spikes coincide: one object


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One window of one network."""

    gestalt: Gestalt
    period_ms: float  # mean interval between a cell's spikes; nan if all are silent
    counts: np.ndarray  # (n_cells,) int64
    near: np.ndarray  # (n_cells, n_cells) share of spikes that coincide, 1 where cells always fire together
    pairs: np.ndarray  # (n_features, n_features) pairs of spikes within half a period
    phasor: np.ndarray  # (n_features, n_features) complex: sum over them of exp(i phase difference)

    @property
    def coincidence(self) -> np.ndarray:
        """Of features: mean of `near` over their cells, (n_features, n_features)."""
        by_feature = _one_hot(self.gestalt.feature_of_cell) / self.gestalt.n_cells
        return np.asarray(by_feature.T @ self.near @ by_feature)

    def consistency(self, within: bool) -> float:
        """Mean cosine of phase differences between spikes of different features, within or between objects.

        The pairwise phase consistency of Vinck et al. (2010), over pairs of cells within half a period.
        """
        same = self._same_object()
        of = (same & ~np.eye(len(same), dtype=bool)) if within else ~same
        n = self.pairs[of].sum()
        return float(self.phasor[of].sum().real / n) if n else np.nan

    @property
    def smallest_gap(self) -> float:
        """Between the volleys of two objects, over even spacing: 1 where volleys divide the period evenly.

        Objects at random phases have 1 / n_objects on average.
        """
        n = self.gestalt.n_objects
        of = _one_hot(np.arange(len(self.pairs)) // self.gestalt.n_features)
        to_first = (of.T @ self.phasor @ of)[0]
        if n < 2 or not np.isfinite(self.period_ms) or (np.abs(to_first) == 0).any():
            return np.nan
        place = np.sort(np.angle(to_first / to_first[0]) % (2 * np.pi))
        return float(np.diff([*place, place[0] + 2 * np.pi]).min() * n / (2 * np.pi))

    @property
    def rand(self) -> float:
        """Adjusted Rand index of the cells that fire together; how many objects there are is not given."""
        _, found = connected_components(self.near > SAME, directed=False)
        return adjusted_rand(found, self.gestalt.object_of_cell)

    def _same_object(self) -> np.ndarray:
        of = np.arange(len(self.pairs)) // self.gestalt.n_features
        return np.asarray(of[:, None] == of)


def scenes_of(
    spikes: Spikes, gestalt: Gestalt, n_networks: int, n_windows: int, window_ms: float
) -> list[list[Scene]]:
    """The windows of each network, by network."""
    window = (spikes.time_ms / window_ms).astype(int)
    return [
        [
            _scene(spikes.cell[here], spikes.time_ms[here], gestalt, window_ms)
            for here in ((spikes.row == network) & (window == w) for w in range(n_windows))
        ]
        for network in range(n_networks)
    ]


def _scene(cell: np.ndarray, time_ms: np.ndarray, gestalt: Gestalt, window_ms: float) -> Scene:
    n = len(gestalt.object_of_cell)
    counts = np.bincount(cell, minlength=n)
    period_ms = window_ms * n / len(cell) if len(cell) else np.nan
    one, other = _within(time_ms, period_ms / 2)
    lag_ms = time_ms[other] - time_ms[one]
    pair = cell[one] * n + cell[other]
    near = np.bincount(pair, weights=lag_ms**2 <= TOGETHER_ms**2, minlength=n * n).reshape(n, n)
    turned = np.exp(2j * np.pi * lag_ms / period_ms)
    sums = [
        np.bincount(pair, weights=w, minlength=n * n) for w in (np.ones(len(pair)), turned.real, turned.imag)
    ]
    of = _one_hot(gestalt.feature_of_cell)
    pairs, real, imaginary = (of.T @ s.reshape(n, n) @ of for s in sums)
    most = np.sqrt(np.outer(counts, counts))
    return Scene(
        gestalt=gestalt,
        period_ms=period_ms,
        counts=counts,
        near=np.divide(near, most, out=np.zeros((n, n)), where=most > 0),
        pairs=pairs,
        phasor=real + 1j * imaginary,
    )


def _within(time_ms: np.ndarray, most_ms: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the pairs of spikes, each with itself too, that lie so near; times in order."""
    if not len(time_ms):
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    first = np.searchsorted(time_ms, time_ms - most_ms, side="left")
    n = np.searchsorted(time_ms, time_ms + most_ms, side="right") - first
    before = np.cumsum(n) - n
    return np.repeat(np.arange(len(n)), n), np.arange(n.sum()) + np.repeat(first - before, n)


def _one_hot(group: np.ndarray) -> np.ndarray:
    return np.eye(group.max() + 1)[group]


def adjusted_rand(a: np.ndarray, b: np.ndarray) -> float:
    """Agreement of two groupings, 1 if equal and 0 on average by chance (Hubert and Arabie 1985, eq. 5)."""
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1)
    both, first, second = (_choose_2(t).sum() for t in (table, table.sum(axis=1), table.sum(axis=0)))
    expected = first * second / _choose_2(np.array(float(len(a)))).sum()
    most = (first + second) / 2
    return float((both - expected) / (most - expected)) if most != expected else 1.0


def _choose_2(n: np.ndarray) -> np.ndarray:
    return n * (n - 1) / 2
