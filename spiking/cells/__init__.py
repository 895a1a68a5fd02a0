"""Cell models, one a file.

Escape-rate and diffusive cells are the E cells of the gamma circuit; they differ in where the noise sits, in the
threshold or in the membrane. `conductance` holds Traub-Miles and Wang-Buzsaki cells.
"""

from spiking.cells.diffusive import DiffusiveLIF
from spiking.cells.escape import EscapeRate
from spiking.cells.model import CellModel

__all__ = ["CELLS", "CellModel", "DiffusiveLIF", "EscapeRate"]

CELLS: dict[str, type[EscapeRate] | type[DiffusiveLIF]] = {c.name: c for c in (EscapeRate, DiffusiveLIF)}
