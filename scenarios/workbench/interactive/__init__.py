"""A figure to be scrubbed through: spikes of one row at a grid of settings, in one fragment of HTML."""

from scenarios.workbench.interactive.figure import as_file, fragment
from scenarios.workbench.interactive.grid import Grid, Seen, simulate
from scenarios.workbench.interactive.packing import pack, packed, unpack

__all__ = [
    "Grid",
    "Seen",
    "as_file",
    "fragment",
    "pack",
    "packed",
    "simulate",
    "unpack",
]
