"""Rows, keys and cells laid out flat: which population and which row each cell of a batch belongs to.

Keys that take no part get no cells at all, so they can neither spike nor cost time, and rows of
different numbers of keys lie side by side without padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Layout"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """(row, key, cell) <-> flat index, for the keys that take part."""

    n_rows: int
    n_keys: int
    n_cells: int
    row_of_population: np.ndarray  # (n_populations,) int32, ascending
    key_of_population: np.ndarray  # (n_populations,) int32

    @classmethod
    def of(cls, mask: np.ndarray, n_cells: int) -> Layout:
        """From the mask (n_rows, n_keys), True where a key takes part."""
        row, key = np.nonzero(mask)
        return cls(
            n_rows=mask.shape[0],
            n_keys=mask.shape[1],
            n_cells=n_cells,
            row_of_population=row.astype(np.int32),
            key_of_population=key.astype(np.int32),
        )

    @property
    def n_populations(self) -> int:
        return len(self.row_of_population)

    @property
    def n_total(self) -> int:
        """E cells in the whole batch."""
        return self.n_populations * self.n_cells

    def per_cell(self, per_population: np.ndarray) -> np.ndarray:
        """Repeat a population's values for each of its cells: (n_populations, ...) -> (n_total, ...)."""
        return np.repeat(per_population, self.n_cells, axis=0)

    def at_populations(self, matrix: np.ndarray) -> np.ndarray:
        """Pick the entries of the keys that take part: (n_rows, n_keys) -> (n_populations,)."""
        return matrix[self.row_of_population, self.key_of_population]

    def populations_of(self, rows: range) -> slice:
        """The populations of consecutive rows."""
        ends = np.array(
            [rows.start, rows.stop], dtype=self.row_of_population.dtype
        )  # of another, all are cast
        return slice(*np.searchsorted(self.row_of_population, ends))

    def locate(self, cell_index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Flat cell index -> (row, key, cell), each of the same length, int32."""
        population, cell = np.divmod(cell_index, self.n_cells)
        return (
            self.row_of_population[population],
            self.key_of_population[population],
            cell.astype(np.int32),
        )
