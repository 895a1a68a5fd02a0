"""Rows, keys and cells laid out flat: which population and which row each cell of a batch belongs to.

Keys that take no part get no cells at all, so they can neither spike nor cost time, and rows of
different numbers of keys lie side by side without padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spiking.passes import packed, put_back

__all__ = ["Layout"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """(row, key, cell) <-> flat index, for the keys that take part.

    Where all do, a matrix (n_rows, n_keys) is the flat array, and nothing is listed or copied.
    """

    present: np.ndarray  # (n_rows, n_keys) bool
    n_cells: int

    @classmethod
    def of(cls, mask: np.ndarray, n_cells: int) -> Layout:
        """From the mask (n_rows, n_keys), True where a key takes part."""
        return cls(present=mask, n_cells=n_cells)

    @property
    def n_rows(self) -> int:
        return self.present.shape[0]

    @property
    def n_keys(self) -> int:
        return self.present.shape[1]

    @cached_property
    def n_present(self) -> np.ndarray:
        """Keys that take part in each row, (n_rows,) int64."""
        return np.count_nonzero(self.present, axis=1)

    @cached_property
    def is_full(self) -> bool:
        """Whether all keys take part in all rows."""
        return bool((self.n_present == self.n_keys).all())

    @cached_property
    def first_population(self) -> np.ndarray:
        """Where the populations of each row begin, and where the last one ends, (n_rows + 1,) int64."""
        return np.concatenate([[0], np.cumsum(self.n_present)])

    @cached_property
    def row_of_population(self) -> np.ndarray:
        """(n_populations,) int32, ascending."""
        return np.repeat(np.arange(self.n_rows, dtype=np.int32), self.n_present)

    @cached_property
    def key_of_population(self) -> np.ndarray:
        """(n_populations,) int32."""
        if self.is_full:
            return np.tile(np.arange(self.n_keys, dtype=np.int32), self.n_rows)
        return np.nonzero(self.present)[1].astype(np.int32)

    @property
    def n_populations(self) -> int:
        return int(self.first_population[-1])

    @property
    def n_total(self) -> int:
        """E cells in the whole batch."""
        return self.n_populations * self.n_cells

    def per_cell(self, per_population: np.ndarray) -> np.ndarray:
        """Repeat a population's values for each of its cells: (n_populations, ...) -> (n_total, ...)."""
        return np.repeat(per_population, self.n_cells, axis=0)

    def at_populations(self, matrix: np.ndarray, rows: range) -> np.ndarray:
        """Pick the entries of the keys that take part in some rows: (rows, n_keys) -> (their populations,)."""
        if self.is_full:
            return matrix.reshape(-1)
        here = self.populations_of(rows)
        picked = np.empty(here.stop - here.start, dtype=matrix.dtype)
        packed(matrix, self.present[rows.start : rows.stop], picked)
        return picked

    def at_keys(self, per_population: np.ndarray) -> np.ndarray:
        """Put the values of populations in their places: (n_populations,) -> (n_rows, n_keys), 0 elsewhere."""
        if self.is_full:
            return per_population.reshape(self.present.shape)
        matrix = np.empty(self.present.shape, dtype=per_population.dtype)
        put_back(per_population, self.present, matrix)
        return matrix

    def populations_of(self, rows: range) -> slice:
        """The populations of consecutive rows."""
        return slice(int(self.first_population[rows.start]), int(self.first_population[rows.stop]))

    def locate(self, cell_index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Flat cell index -> (row, key, cell), each of the same length, int32."""
        population, cell = np.divmod(cell_index, self.n_cells)
        return (
            self.row_of_population[population],
            self.key_of_population[population],
            cell.astype(np.int32),
        )
