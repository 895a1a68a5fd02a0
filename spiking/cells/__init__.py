"""Cell models, one a file.

Escape-rate, diffusive and regular cells are the E cells of the gamma circuit; they differ in where the noise
sits: in the threshold, in the membrane, or in the starting phase alone. `conductance` holds Traub-Miles and
Wang-Buzsaki cells.
"""

from spiking.cells.diffusive import DiffusiveLIF
from spiking.cells.escape import EscapeRate
from spiking.cells.model import CellModel
from spiking.cells.regular import RegularCell

__all__ = ["CELLS", "CellModel", "DiffusiveLIF", "EscapeRate", "RegularCell"]

CELLS: dict[str, type[EscapeRate] | type[DiffusiveLIF] | type[RegularCell]] = {
    c.name: c for c in (EscapeRate, DiffusiveLIF, RegularCell)
}
