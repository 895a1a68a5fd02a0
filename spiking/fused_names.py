"""What a name in Brian2's abstract code stands for, and what the fused engine refuses."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.variables import ArrayVariable, Constant, Subexpression
from brian2.input.timedarray import _find_K

from spiking.fused_fold import FUNCTIONS, fold, names, number

__all__ = ["Assignment", "Names", "Table", "check", "refuse"]

_RANDOM = ("rand", "randn")
_OWN = ("N", "i", "t", "dt", "t_in_timesteps")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A Brian2 TimedArray; its second index, if there is one, counts the cells of a row."""

    values: np.ndarray  # (n_times, n_columns)
    per_second: float
    fine: int  # points of Brian2's rounding grid per time step of the table


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """`target = value`, kept from refractory cells when `guard` names their flag."""

    target: str
    value: ast.expr
    guard: str | None = None


def refuse(feature: str, name: str) -> ValueError:
    """The error for a Brian2 feature that the fused engine does not cover."""
    return ValueError(f'the fused engine does not cover {feature} (in {name!r}); use engine="brian2".')


def check(objects: Sequence[b2.BrianObject]) -> b2.Clock:
    """The one clock of the objects.

    Raises
    ------
    ValueError
        For objects other than neuron groups and synapses, other events than spikes, and several clocks.
    """
    clocks = {}
    for o in objects:
        if type(o) not in (b2.NeuronGroup, b2.Synapses):
            raise refuse(type(o).__name__, o.name)
        if isinstance(o, b2.NeuronGroup) and set(o.events) - {"spike"}:
            raise refuse("events other than spikes", o.name)
        if isinstance(o, b2.Synapses) and not all(type(g) is b2.NeuronGroup for g in (o.source, o.target)):
            raise refuse("synapses of subgroups and other sources", o.name)
        clocks[o.clock.dt_] = o.clock
    if len(clocks) != 1:
        raise refuse("several clocks", ", ".join(o.name for o in objects))
    return next(iter(clocks.values()))


class Names:
    """Names of the circuit -> names of the program."""

    def __init__(self, groups: Mapping[str, b2.NeuronGroup], namespace: Mapping[str, Any]) -> None:
        self.groups = groups
        self.namespace = namespace
        self.tables: dict[str, Table] = {}

    @staticmethod
    def states(group: b2.NeuronGroup) -> list[str]:
        """The group's own state variables."""
        return [
            name
            for name, variable in group.variables.items()
            if isinstance(variable, ArrayVariable)
            and variable.owner.name == group.name
            and name not in _OWN
            and not name.startswith("_")
        ]

    def statements(
        self, code: str, group: b2.NeuronGroup, *, prefix: str, override: Sequence[str] = ()
    ) -> tuple[Assignment, ...]:
        """Abstract code of a group as assignments in the program's names.

        Flags named in `override` protect nothing here: a reset writes while the cell is refractory.
        """
        states = set(self.states(group))
        temporaries: dict[str, str] = {}
        out = []
        for target, value in _assignments(code):
            expression = self.resolve(value, group, temporaries)
            if target in states:
                guard = group.variables[target].conditional_write
                flag = None if guard is None or guard.name in override else f"{group.name}__{guard.name}"
                out.append(Assignment(target=f"{group.name}__{target}", value=expression, guard=flag))
            elif target in group.variables and target != "xi" and not target.startswith(("xi_", "_cond")):
                raise refuse(f"writing to {target!r}, which is not the group's own", group.name)
            else:
                temporaries[target] = f"_{prefix}_{target}"
                out.append(Assignment(target=temporaries[target], value=expression))
        return tuple(out)

    def additions(self, code: str, synapses: b2.Synapses, target: b2.NeuronGroup) -> tuple[Assignment, ...]:
        """Synaptic code as what each spike adds to variables of the target."""
        out = []
        for name, value in _assignments(code):
            variable = name.removesuffix("_post")
            rest = fold(_without(value, name, synapses.name))
            expression = self.resolve(rest, synapses, {})
            if name not in synapses.variables or variable not in self.states(target):
                raise refuse(f"synapses that write to {name!r}", synapses.name)
            if names(expression):
                raise refuse("synaptic effects that are not constants", synapses.name)
            if target.variables[variable].conditional_write is not None:
                raise refuse("synapses onto variables that stand still while refractory", synapses.name)
            out.append(Assignment(target=f"{target.name}__{variable}", value=expression))
        return tuple(out)

    def resolve(self, expression: ast.expr, group: Any, temporaries: Mapping[str, str]) -> ast.expr:
        """An expression in the program's names, with its constants folded."""
        resolved = _Resolve(self, group, temporaries).visit(expression)
        flags = {n for n in names(resolved) if n.endswith("__not_refractory")}
        return fold(resolved, flags)

    def variable(self, name: str, group: Any) -> ast.expr:
        """What `name` stands for in code of `group`."""
        if name == "lastspike":
            raise refuse("lastspike outside refractoriness", group.name)
        if name in ("t", "i"):
            return ast.Name(id=name, ctx=ast.Load())
        if name == "dt":
            return number(group.clock.dt_)
        found = group.variables.get(name)
        if found is None:
            found = group.resolve_all({name}, self.namespace, user_identifiers=set())[name]
        if isinstance(found, Constant):
            if name == "N":
                raise refuse("the number of cells N in equations", group.name)
            return number(float(found.get_value()))
        if isinstance(found, Subexpression):
            if found.owner.name != group.name:
                raise refuse("linked subexpressions", group.name)
            return self.resolve(ast.parse(found.expr, mode="eval").body, group, {})
        if not isinstance(found, ArrayVariable) or found.owner.name not in self.groups:
            raise refuse(f"the name {name!r}", group.name)
        self._check_link(name, found, group)
        return ast.Name(id=f"{found.owner.name}__{found.name}", ctx=ast.Load())

    def function(self, name: str, group: Any) -> Any:
        """The Brian2 function that `name` stands for."""
        return group.resolve_all({name}, self.namespace, user_identifiers=set())[name]

    def _check_link(self, name: str, found: ArrayVariable, group: Any) -> None:
        """A linked variable belongs to the row, or to a group of which each cell reads its own."""
        index = group.variables.indices[name]
        if index in ("_idx", "0") or (source := self.groups[found.owner.name]).N == 1:
            return
        if not np.array_equal(group.variables[index].get_value(), np.arange(source.N)):
            raise refuse(f"the linked variable {name!r} with an index of its own", group.name)


class _Resolve(ast.NodeTransformer):
    def __init__(self, known: Names, group: Any, temporaries: Mapping[str, str]) -> None:
        self.known, self.group, self.temporaries = known, group, temporaries

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.temporaries:
            return ast.Name(id=self.temporaries[node.id], ctx=ast.Load())
        return self.known.variable(node.id, self.group)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """`and`, `or` as operators that do not branch."""
        values = [self.visit(v) for v in node.values]
        operator = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        out = values[0]
        for value in values[1:]:
            out = ast.BinOp(left=out, op=operator, right=value)
        return out

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name == "timestep":
            return self._timestep(node)
        found = self.known.function(name, self.group)
        if isinstance(found, b2.TimedArray):
            return self._lookup(name, found, node)
        if found is not DEFAULT_FUNCTIONS.get(name) or name not in (*FUNCTIONS, *_RANDOM):
            raise refuse(f"the function {name!r}", self.group.name)
        arguments = [self.visit(a) for a in node.args] if name in FUNCTIONS else []
        return ast.Call(func=node.func, args=arguments, keywords=[])

    def _lookup(self, name: str, table: b2.TimedArray, node: ast.Call) -> ast.expr:
        values = np.asarray(table.values)
        self.known.tables[name] = Table(
            values=values.reshape(len(values), -1),
            per_second=1 / float(table.dt),
            fine=_find_K(self.group.clock.dt_, float(table.dt)),
        )
        arguments = [self.visit(a) for a in node.args] + [number(0.0)] * (values.ndim == 1)
        return ast.Call(func=ast.Name(id=f"table__{name}"), args=arguments, keywords=[])

    def _timestep(self, node: ast.Call) -> ast.expr:
        """Steps since the last spike, or a constant number of steps: refractoriness asks for no more."""
        argument = ast.unparse(node.args[0])
        if argument == "t - lastspike":
            lastspike = ast.Name(id=f"{self.group.name}__lastspike", ctx=ast.Load())
            return ast.BinOp(left=ast.Name(id="step", ctx=ast.Load()), op=ast.Sub(), right=lastspike)
        steps = fold(self.visit(node.args[0]))
        if not isinstance(steps, ast.Constant):
            raise refuse("timestep() of a variable", self.group.name)
        dt = self.group.clock.dt_
        return number(int((steps.value + 1e-3 * dt) / dt))  # as Brian2's own timestep function


def _assignments(code: str) -> list[tuple[str, ast.expr]]:
    """Target and value of each statement; `x += y` is read as `x = x + y`."""
    out = []
    for statement in ast.parse(textwrap.dedent(code).strip()).body:
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            left = ast.Name(id=statement.target.id, ctx=ast.Load())
            value: ast.expr = ast.BinOp(left=left, op=statement.op, right=statement.value)
            out.append((statement.target.id, value))
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            out.append((statement.targets[0].id, statement.value))
        else:
            raise refuse(f"the statement {ast.unparse(statement)!r}", "abstract code")
    return out


def _without(value: ast.expr, name: str, owner: str) -> ast.expr:
    """What a statement adds to `name`: y of `name + y`."""
    if isinstance(value, ast.BinOp) and isinstance(value.left, ast.Name) and value.left.id == name:
        if isinstance(value.op, ast.Add):
            return value.right
        if isinstance(value.op, ast.Sub):
            return ast.UnaryOp(op=ast.USub(), operand=value.right)
    raise refuse(f"synapses that do more than add to {name!r}", owner)
