"""Which variables a row holds only once, so that they cost nothing per cell."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence

from spiking.engines.fused.fold import draws, names
from spiking.engines.fused.names import BEFORE, Names
from spiking.engines.fused.parts import Code, Pathway, Step, Summed
from spiking.refs import Ref
from spiking.sources import Cells

__all__ = ["scalars_of"]


def scalars_of(groups: Mapping[str, Cells], steps: Sequence[Step], varied: Collection[Ref]) -> set[Ref]:
    """Variables that hold one value for all cells of a row, whatever its number of cells.

    These are shared variables, the variables of groups of one cell without a threshold whose code does not read
    the cell's number, and those that begin equal and receive nothing but such values, from code that runs for
    every cell. What begins unequal
    in some row is `varied`.
    """
    numbered = _numbered(steps)
    once = {
        Ref(name, variable).identifier
        for name, group in groups.items()
        for variable in Names.states(group)
        if (group.N == 1 and not group.events and name not in numbered) or group.variables[variable].scalar
    }
    per_cell = {ref.identifier for ref in varied} - once
    written = _written(steps)
    candidates = {
        Ref(name, variable).identifier
        for name, group in groups.items()
        for variable in Names.states(group)
        if variable not in ("lastspike", "not_refractory")
    }
    candidates = (candidates & set(written)) - per_cell - once
    temporaries = {t for t in written if t.startswith("_")}
    bodies = [{a.target.removesuffix(BEFORE) for a in getattr(step, "body", ())} for step in steps]
    changed = True
    while changed:
        allowed = once | candidates | temporaries
        per_cell_code = set().union(*(body for body in bodies if not body <= allowed))
        bad = {
            name
            for name in candidates | temporaries
            if name in per_cell_code
            or any(v is None or _of_cell(v) or not names(v) <= allowed | {"t"} for v in written[name])
        }
        changed = bool(bad)
        candidates, temporaries = candidates - bad, temporaries - bad
    of_groups = {Ref(g, v).identifier: Ref(g, v) for g, group in groups.items() for v in Names.states(group)}
    return {of_groups[identifier] for identifier in once | candidates}


def _numbered(steps: Sequence[Step]) -> set[str]:
    """Groups whose code reads i, a cell's number, which a row alone does not have."""
    bodies = [step.body for step in steps if isinstance(step, Code)]
    reading = [body for body in bodies if any("i" in names(assignment.value) for assignment in body)]
    refs = (Ref.of_identifier(assignment.target) for body in reading for assignment in body)
    return {ref.group for ref in refs if ref is not None}


def _written(steps: Sequence[Step]) -> dict[str, list[ast.expr | None]]:
    """Every value that each variable receives; None where it may differ between cells."""
    written: dict[str, list[ast.expr | None]] = {}
    for step in steps:
        for assignment in getattr(step, "body", ()):
            value: ast.expr | None = None
            if isinstance(step, Code) and assignment.guard is None:
                value = assignment.value
            elif isinstance(step, (Pathway, Summed)) and step.bundle is None and assignment.guard is None:
                value = ast.Constant(0.0)  # a sum over all cells of the source
            written.setdefault(assignment.target.removesuffix(BEFORE), []).append(value)
    return written


def _of_cell(expression: ast.expr) -> bool:
    """Whether an expression may differ between cells that are alike."""
    return draws(expression) or bool(names(expression) & {"i", "step"})
