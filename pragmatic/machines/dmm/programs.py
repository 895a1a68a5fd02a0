"""Two programs that rewrite themselves, and accumulators whose own links are drawn too.

The traces are those of the published machines: Bukatin, Matthews and Radul (2016), arXiv:1606.09470, section 3, and
jsa-aerial/DMM (2017), where matrices are nested maps.
"""

from __future__ import annotations

from collections.abc import Mapping

from pragmatic.checks import at_least
from pragmatic.machines.dmm.program import Program
from pragmatic.machines.dmm.values import DmmError

__all__ = ["oscillation", "ring", "soft", "update"]

SLOTS = ("delta", "accum")


def oscillation() -> Program:
    """A link that adds -2 times itself to itself: its weight is 1, -1, 1, ..."""
    flip = {"accum": {"self": {"delta": {"identity": {"change": {"single": -2.0}}}}}}
    links = {
        "identity.change.single": {"identity.change.single": 1.0},
        "accum.self.delta": {"identity.change.single": 1.0},
    }
    return Program(links=links, outputs={"identity.change.single": flip})


def update(k: int) -> str:
    """The output that holds update k, from 1 on."""
    return f"identity.update-{k}.single"


def ring(n: int = 3, slot: str = "delta") -> Program:
    """n matrices, of which the one that is added takes itself out and puts in the next.

    Parameters
    ----------
    n : int
    slot : {"delta", "accum"}
        Where the active update is added to Self. In a row of its own, "delta", or in the row that also holds
        Self's link to itself, "accum".
    """
    at_least("ring", "n", n, 2)
    if slot not in SLOTS:
        raise DmmError(f"slot must be one of {', '.join(SLOTS)}, got {slot!r}; use delta")
    links: dict[str, dict[str, float]] = {update(k): {update(k): 1.0} for k in range(1, n + 1)}
    links["accum.self.accum"] = {"accum.self.single": 1.0}
    links.setdefault(f"accum.self.{slot}", {})[update(1)] = 1.0
    changes = {}
    for k in range(1, n + 1):
        names = {f"update-{k}": {"single": -1.0}, f"update-{k % n + 1}": {"single": 1.0}}
        changes[update(k)] = {"accum": {"self": {slot: {"identity": names}}}}
    return Program(links=links, outputs=changes)


def soft(program: Program) -> Program:
    """The same program with each accumulator's own link in the row of what it adds: a draw chooses between them.

    A row with spikes then decides between remembering and hearing. Self stays as it is.
    """
    links: dict[str, Mapping[str, float]] = dict(program.links)
    for to, row in program.links.items():
        kind, name, slot = to.split(".")
        if (kind, slot) == ("accum", "delta") and name != "self":
            links[f"accum.{name}.accum"] = {**links.get(f"accum.{name}.accum", {}), **row}
            del links[to]
    return Program(links=links, outputs=program.outputs, types=program.types)
