"""Brian2 objects of one row's circuit -> a program: Brian2's own abstract code in the order of its schedule.

No equation is written a second time: state updaters, thresholds, resets and synapses hand out their
abstract code, Brian2 resolves names and units, and constants are folded. In the program every variable is
called `group__variable`; what a row holds only once (a synaptic sum, a value that all cells share) is a
scalar of the row, everything else an array over the row's cells.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Resetter, StateUpdater, Thresholder
from brian2.synapses.synapses import StateUpdater as SynapseStateUpdater
from brian2.synapses.synapses import SynapticPathway

from spiking.fused_fold import names
from spiking.fused_names import Assignment, Names, Table, check, refuse

__all__ = ["Cells", "Code", "Pathway", "Program", "Reset", "Threshold", "read_program"]

b2.BrianLogger.suppress_name("unused_brian_object")  # one row's objects are read and never run


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A group of the circuit."""

    name: str
    arrays: tuple[str, ...]  # variables with one value per cell, without the group's name
    kinds: Mapping[str, str]  # "float", "bool" or "int" of every variable
    spikes: bool
    refractory: bool
    guarded: frozenset[str]  # variables that keep their value while the cell is refractory


@dataclass(frozen=True, kw_only=True)
class Code:
    """Statements for every cell of a group, or for the row when they touch only scalars."""

    group: str
    body: tuple[Assignment, ...]


@dataclass(frozen=True, kw_only=True)
class Threshold:
    group: str
    condition: ast.expr


@dataclass(frozen=True, kw_only=True)
class Reset:
    """Statements for the cells that spiked."""

    group: str
    body: tuple[Assignment, ...]


@dataclass(frozen=True, kw_only=True)
class Pathway:
    """Spikes of `source` counted, and after `delay` steps added to every cell (or the row) of `target`.

    Each statement's expression is what one spike adds.
    """

    name: str
    source: str
    target: str
    delay: int
    body: tuple[Assignment, ...]


@dataclass(frozen=True, kw_only=True)
class Program:
    """One row's circuit, ready to be put into a kernel."""

    dt_ms: float
    cells: Mapping[str, Cells]
    steps: tuple[Code | Threshold | Reset | Pathway, ...]  # in the order of Brian2's schedule
    scalars: tuple[str, ...]  # full names
    start: Mapping[str, float]  # value of scalars at the start
    tables: Mapping[str, Table]  # timed arrays by name
    fixed: Mapping[str, np.ndarray]  # template values of the arrays, full name -> (n_cells,)


def read_program(
    objects: Sequence[b2.BrianObject], namespace: Mapping[str, Any], *, per_cell: set[str]
) -> Program:
    """Read the circuit of one row.

    Parameters
    ----------
    objects : sequence of Brian2 objects
        Neuron groups and synapses of one row.
    namespace : mapping
        The constants, as for `brian2.Network.run`.
    per_cell : set of str
        Variables (`group__variable`) that differ between rows and are handed in at each run.

    Raises
    ------
    ValueError
        For what the fused engine does not cover; the message names the Brian2 feature.
    """
    clock = check(objects)
    parts = [part for o in objects for part in (o, *o.contained_objects) if part.active]
    runners = [part for part in parts if isinstance(part, CodeRunner)]
    slots = b2.Network(*objects, name="one_row").schedule
    runners.sort(key=lambda r: (slots.index(r.when), r.order, r.name))
    groups = {o.name: o for o in objects if isinstance(o, b2.NeuronGroup)}
    known = Names(groups, namespace)
    steps = [step for runner in runners if (step := _read(runner, known, namespace, clock.dt_)) is not None]
    scalars = _scalars(groups, steps, per_cell)
    cells = {name: _cells(group, scalars) for name, group in groups.items()}
    values = {
        f"{name}__{variable}": np.asarray(group.variables[variable].get_value())
        for name, group in groups.items()
        for variable in known.states(group)
    }
    return Program(
        dt_ms=clock.dt_ * 1000,
        cells=cells,
        steps=tuple(steps),
        scalars=tuple(sorted(scalars)),
        start={name: float(values[name][0]) for name in scalars},
        tables=known.tables,
        fixed={name: value for name, value in values.items() if name not in scalars},
    )


def _read(
    runner: CodeRunner, known: Names, namespace: Mapping[str, Any], dt: float
) -> Code | Threshold | Reset | Pathway | None:
    """One object of the schedule as a step of the program."""
    if isinstance(runner, SynapseStateUpdater):
        runner.update_abstract_code(run_namespace=namespace)
        if runner.abstract_code.strip():
            raise refuse("differential equations of synapses", runner.name)
        return None
    if isinstance(runner, SynapticPathway):
        return _pathway(runner, known, namespace, dt)
    group = runner.group
    if not isinstance(group, b2.NeuronGroup):
        raise refuse(type(runner).__name__, runner.name)
    runner.update_abstract_code(run_namespace=namespace)
    if not isinstance(runner.abstract_code, str):
        raise refuse("state updaters without abstract code (GSL)", runner.name)
    body = known.statements(
        runner.abstract_code, group, prefix=runner.name, override=runner.override_conditional_write or ()
    )
    if isinstance(runner, Thresholder):
        return Threshold(group=group.name, condition=body[-1].value)
    if isinstance(runner, Resetter):
        return Reset(group=group.name, body=body)
    if isinstance(runner, StateUpdater) or type(runner) is CodeRunner:
        if runner.clock.dt_ != dt or runner.template != "stateupdate":
            raise refuse("run_regularly with a clock of its own", runner.name)
        return Code(group=group.name, body=body) if body else None
    raise refuse(type(runner).__name__, runner.name)


def _pathway(runner: SynapticPathway, known: Names, namespace: Mapping[str, Any], dt: float) -> Pathway:
    synapses = runner.synapses
    if runner.prepost != "pre":
        raise refuse("on_post pathways", runner.name)
    if synapses.event_driven is not None:
        raise refuse("event-driven synaptic variables", synapses.name)
    delays = np.unique(np.asarray(runner._delays.get_value()))
    if len(delays) != 1:
        raise refuse("synapses with different delays", runner.name)
    pairs = np.stack(
        [synapses.variables["_synaptic_pre"].get_value(), synapses.variables["_synaptic_post"].get_value()]
    )
    complete = runner.source.N * runner.target.N
    if pairs.shape[1] != complete or len(np.unique(pairs, axis=1).T) != complete:
        raise refuse("synapses that do not join every pair of cells exactly once", synapses.name)
    runner.update_abstract_code(run_namespace=namespace)
    return Pathway(
        name=runner.name,
        source=runner.source.name,
        target=runner.target.name,
        delay=int(delays[0] / dt + 0.5),  # as Brian2's own queue rounds it
        body=known.additions(runner.abstract_code, synapses, runner.target),
    )


def _scalars(groups: Mapping[str, b2.NeuronGroup], steps: Sequence[Any], per_cell: set[str]) -> set[str]:
    """Variables that hold one value for all cells of a row, whatever its number of cells.

    These are the variables of groups of one cell without a threshold, and those that begin equal and
    receive nothing but such values, from code that runs for every cell.
    """
    single = {name for name, group in groups.items() if group.N == 1 and not group.events}
    written: dict[str, list[ast.expr | None]] = {}
    for step in steps:
        for assignment in getattr(step, "body", ()):
            shared = isinstance(step, Code) and assignment.guard is None
            written.setdefault(assignment.target, []).append(assignment.value if shared else None)
    scalars = set()
    for name, group in groups.items():
        for variable in Names.states(group):
            full = f"{name}__{variable}"
            values = np.asarray(group.variables[variable].get_value())
            equal = full not in per_cell and len(set(values)) == 1 and full in written
            if name in single or (equal and variable not in ("lastspike", "not_refractory")):
                scalars.add(full)
    candidates = {s for s in scalars if s.split("__")[0] not in single}
    temporaries = {t for t in written if t.startswith("_")}
    bodies = [{a.target for a in getattr(step, "body", ())} for step in steps]
    changed = True
    while changed:
        allowed = scalars | temporaries
        per_cell_code = set().union(*(body for body in bodies if not body <= allowed))
        bad = {
            name
            for name in candidates | temporaries
            if name in per_cell_code
            or any(v is None or _draws(v) or not names(v) <= allowed | {"t"} for v in written[name])
        }
        changed = bool(bad)
        candidates, scalars, temporaries = candidates - bad, scalars - bad, temporaries - bad
    return scalars


def _draws(expression: ast.expr) -> bool:
    """Whether an expression draws a random number or depends on the cell's index."""
    return any(
        isinstance(n, ast.Name) and n.id in ("rand", "randn", "i", "step") for n in ast.walk(expression)
    )


def _cells(group: b2.NeuronGroup, scalars: set[str]) -> Cells:
    states = Names.states(group)
    kinds = {
        name: {"f": "float", "b": "bool", "i": "int"}[np.dtype(group.variables[name].dtype).kind]
        for name in states
    }
    return Cells(
        name=group.name,
        arrays=tuple(n for n in states if f"{group.name}__{n}" not in scalars),
        kinds=kinds,
        spikes=bool(group.events),
        refractory=group._refractory is not False,
        guarded=frozenset(n for n in states if group.variables[n].conditional_write is not None),
    )
