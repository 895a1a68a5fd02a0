"""A program whose counted cells are not stepped: what they share becomes scalars of the row."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from spiking.batch import Begins
from spiking.engines.events.intensity import Intensity
from spiking.engines.events.periodic import CellTrains, KeyTrains
from spiking.engines.events.thinned import Thinned
from spiking.engines.events.trains import DrawnTrains
from spiking.engines.events.updates import Stepped, calls
from spiking.engines.fused.fold import fold, names, number
from spiking.engines.fused.names import Assignment
from spiking.engines.fused.parts import Code, Program, Reset, Step, Threshold, Unstepped
from spiking.refs import Ref

__all__ = ["without_steps"]


def without_steps(program: Program, intensity: Intensity, start: Begins, unit: int) -> Program:
    """The program with the counted cells' spikes made by their intensity.

    Their membrane and hazard stay, as scalars of the row, in Brian2's own code: those of a cell without input that
    never fires. The hazard begins every step with 0, so that it holds by how much the row's clock moves.

    Parameters
    ----------
    program : Program
    intensity : Intensity
    start : Begins
        How rows begin.
    unit : int
        Cells of each key.
    """
    cells = program.cells[intensity.group]
    kept = (intensity.membrane, intensity.hazard, *intensity.common)
    return replace(
        program,
        cells={**program.cells, cells.name: replace(cells, arrays=(), stepped=False)},
        steps=tuple(_steps(program, intensity, _spikes(intensity, start, unit))),
        scalars=tuple(sorted({*program.scalars, *kept})),
        begins={**program.begins, intensity.membrane: intensity.membrane_start, intensity.hazard: 0.0},
    )


def _steps(program: Program, intensity: Intensity, spikes: Unstepped) -> Iterator[Step]:
    hazard = intensity.hazard.identifier
    for step in program.steps:
        if getattr(step, "group", None) != intensity.group:
            yield step
        elif isinstance(step, Code):
            body = tuple(replace(a, value=_without_input(a.value, intensity.score)) for a in step.body)
            if any(a.target == hazard for a in body):
                body = (Assignment(target=hazard, value=number(0.0)), *body)
            yield replace(step, body=body)
        elif isinstance(step, Threshold):
            yield spikes
        else:
            assert isinstance(step, Reset)


def _without_input(expression: ast.expr, score: Ref) -> ast.expr:
    class Replace(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return number(0.0) if node.id == score.identifier else node

    return fold(Replace().visit(ast.parse(ast.unparse(expression), mode="eval").body))


def _spikes(intensity: Intensity, start: Begins, unit: int) -> Unstepped:
    """What makes the spikes: by proposals, in turn, or each cell by its own times."""
    if intensity.memoryless:
        return Thinned(intensity=intensity)
    threshold = intensity.threshold
    if intensity.redraw:
        assert isinstance(threshold, Ref)
        return DrawnTrains(intensity=intensity, threshold=threshold)
    quantum = _one_value(threshold, start)
    site = start.site_of_key_phase(intensity.hazard)
    if site is not None and _evenly_spread(start.expressions[intensity.hazard], unit, quantum):
        return KeyTrains(intensity=intensity, quantum=quantum, site=site)
    return CellTrains(intensity=intensity, quantum=quantum)


def _one_value(threshold: Ref | float, start: Begins) -> float:
    """The threshold of every cell."""
    if isinstance(threshold, float):
        return threshold
    expression = start.expressions.get(threshold)
    if not isinstance(expression, ast.Constant):
        raise Stepped(f"the threshold {threshold} has values of its own in each cell")
    return float(expression.value)  # type: ignore[arg-type]


def _evenly_spread(expression: ast.expr, unit: int, quantum: float) -> bool:
    """Whether the cells of every key begin at (U + c) / n of a cycle, c = 0 ... n - 1, U their key's phase."""
    if names(expression) - {"i"} or calls(expression) != ["rand_key"]:
        return False
    i = np.arange(3 * unit)
    code = compile(ast.fix_missing_locations(ast.Expression(expression)), "<start>", "eval")
    for phase in (0.0, 0.37, 0.99):
        scope: Mapping[str, object] = {"i": i, "rand_key": lambda u=phase: u}
        begins = eval(code, {"__builtins__": {}}, dict(scope))
        if not np.allclose(begins, quantum * (phase + i % unit) / unit, rtol=1e-12):
            return False
    return True
