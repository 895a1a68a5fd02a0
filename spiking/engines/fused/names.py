"""What a name in Brian2's abstract code stands for, and what the fused engine refuses."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS
from brian2.core.variables import ArrayVariable, Constant, Subexpression
from brian2.input.timedarray import _find_K

from spiking.engines.fused.fold import FUNCTIONS, RANDOM, fold, names, number
from spiking.refs import Ref
from spiking.sources import Cells, cells_of, first_cell

__all__ = ["BEFORE", "LAST", "SIZE", "Assignment", "Names", "Table", "assignments", "refuse"]

NOT_REFRACTORY = "__not_refractory"  # ends the name of a group's flag
BEFORE = "__pre"  # ends the name of what a synapse reads of its source cell
SIZE = "size__"  # begins the name of a group's number of cells
LAST = ("lastspike", "lastupdate")  # times that are kept as numbers of steps
_OWN = ("N", "i", "t", "dt", "t_in_timesteps")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A Brian2 TimedArray; its second index, if there is one, counts the cells of a row."""

    values: np.ndarray  # (n_times, n_columns)
    per_second: float
    fine: int  # points of Brian2's rounding grid per time step of the table

    def is_as(self, other: Table) -> bool:
        """Whether both read the same."""
        alike = (self.per_second, self.fine) == (other.per_second, other.fine)
        return alike and np.array_equal(self.values, other.values)


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """`target = value`, kept from refractory cells when `guard` names their flag."""

    target: str
    value: ast.expr
    guard: str | None = None


def refuse(feature: str, name: str) -> ValueError:
    """The error for a Brian2 feature that the fused engine does not cover."""
    return ValueError(f"the fused engine does not cover {feature} (in {name!r}); use the engine Brian2().")


class Names:
    """Names of the circuit -> names of the program."""

    def __init__(
        self,
        groups: Mapping[str, Cells],
        namespace: Mapping[str, Any],
        functions: Sequence[str] = (),  # without arguments, that Brian2 does not have
        dt: float = np.nan,  # of the kernel's steps
    ) -> None:
        self.groups = groups
        self.dt = dt
        self.namespace = namespace
        self.functions = functions
        self.tables: dict[str, Table] = {}
        self.binomial: dict[
            str, tuple[ast.expr, ast.expr]
        ] = {}  # Brian2's function of a PoissonInput -> n, p
        self.links: dict[Ref, Ref] = {}  # linked variables with an index -> what they read

    @staticmethod
    def states(group: Cells) -> list[str]:
        """The group's own state variables."""
        if isinstance(group, b2.SpikeGeneratorGroup):
            return []
        return [
            name
            for name, variable in group.variables.items()
            if isinstance(variable, ArrayVariable)
            and variable.owner.name == group.name
            and name not in _OWN
            and not name.startswith("_")
        ]

    def statements(
        self, code: str, group: Cells, *, prefix: str, override: Sequence[str] = ()
    ) -> tuple[Assignment, ...]:
        """Abstract code of a group as assignments in the program's names.

        Flags named in `override` protect nothing here: a reset writes while the cell is refractory.
        """
        states = set(self.states(group))
        temporaries: dict[str, str] = {}
        out = []
        for target, value in assignments(code):
            expression = self.resolve(value, group, temporaries)
            if target in states:
                guard = group.variables[target].conditional_write
                kept = guard is not None and guard.name not in override
                flag = Ref(group.name, guard.name).identifier if kept else None
                out.append(
                    Assignment(target=Ref(group.name, target).identifier, value=expression, guard=flag)
                )
            elif target in group.variables and target != "xi" and not target.startswith(("xi_", "_cond")):
                raise refuse(f"writing to {target!r}, which is not the group's own", group.name)
            else:
                temporaries[target] = f"_{prefix}_{target}"
                out.append(Assignment(target=temporaries[target], value=expression))
        return tuple(out)

    def resolve(self, expression: ast.expr, group: Any, temporaries: Mapping[str, str]) -> ast.expr:
        """An expression in the program's names, with its constants folded."""
        resolved = _Resolve(self, group, temporaries).visit(expression)
        flags = {n for n in names(resolved) if n.endswith(NOT_REFRACTORY)}
        return fold(resolved, flags)

    def variable(self, name: str, group: Any) -> ast.expr:
        """What `name` stands for in code of `group`."""
        if name == "t":
            return ast.Name(id=name, ctx=ast.Load())
        if name in ("i", "j") and (name == "i" or isinstance(group, b2.Synapses)):
            return _cell(name, group)
        if name == "dt":
            return number(group.clock.dt_)
        if name in ("N", "N_pre", "N_post") and name in group.variables:
            return _size(name, group)
        found = group.variables.get(name)
        if found is None:
            found = group.resolve_all({name}, self.namespace, user_identifiers=set())[name]
        if isinstance(found, Constant):
            return number(float(found.get_value()))
        if isinstance(found, Subexpression):
            return self.resolve(ast.parse(found.expr, mode="eval").body, group, {})
        if not isinstance(found, ArrayVariable) or found.name in _OWN:
            raise refuse(f"the name {name!r}", group.name)
        if isinstance(group, b2.Synapses):
            of_cell = self._of_synapses(name, found, group)
        elif found.owner.name not in self.groups:
            raise refuse(f"the name {name!r}", group.name)
        else:
            of_cell = ast.Name(id=self._of_group(name, found, group), ctx=ast.Load())
        return self.seconds(of_cell) if found.name in LAST else of_cell

    def seconds(self, steps: ast.expr) -> ast.expr:
        """A time that the kernel keeps as a number of steps."""
        return ast.BinOp(left=_real(steps), op=ast.Mult(), right=number(self.dt))

    def _of_synapses(self, name: str, found: ArrayVariable, synapses: b2.Synapses) -> ast.expr:
        """A variable of the synapses, or of the presynaptic or postsynaptic cell."""
        index = synapses.variables.indices[name]
        full = Ref(found.owner.name, found.name).identifier
        if found.owner.name == synapses.name:
            if found.scalar:
                return number(float(found.get_value().item()))
            return ast.Name(id=full, ctx=ast.Load())
        if index == "_postsynaptic_idx" and found.owner.name == cells_of(synapses.target).name:
            return ast.Name(id=full, ctx=ast.Load())
        if index == "_presynaptic_idx" and found.owner.name == cells_of(synapses.source).name:
            return ast.Name(id=full + BEFORE, ctx=ast.Load())
        if index == "0" and found.owner.name in self.groups:
            return ast.Name(id=full, ctx=ast.Load())
        raise refuse(f"the linked variable {name!r} in synapses", synapses.name)

    def function(self, name: str, group: Any) -> Any:
        """The Brian2 function that `name` stands for."""
        return group.resolve_all({name}, self.namespace, user_identifiers=set())[name]

    def _of_group(self, name: str, found: ArrayVariable, group: b2.NeuronGroup) -> str:
        """A variable of the group, or one that it is linked to.

        A linked variable belongs to the row; or each cell reads its own, or by an index.
        """
        full, own = Ref(found.owner.name, found.name), Ref(group.name, name)
        index = group.variables.indices[name]
        if index in ("_idx", "0") or (source := self.groups[found.owner.name]).N == 1:
            return full.identifier
        if np.array_equal(group.variables[index].get_value(), np.arange(source.N)):
            return full.identifier
        if source.name == group.name:
            raise refuse("variables linked to their own group", group.name)
        self.links[own] = full
        return own.identifier


class _Resolve(ast.NodeTransformer):
    def __init__(self, known: Names, group: Any, temporaries: Mapping[str, str]) -> None:
        self.known, self.group, self.temporaries = known, group, temporaries

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.temporaries:
            return ast.Name(id=self.temporaries[node.id], ctx=ast.Load())
        return self.known.variable(node.id, self.group)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """`t - lastspike` is a difference of steps, exact however late it is."""
        last = node.right.id if isinstance(node.right, ast.Name) else ""
        since = isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Name) and node.left.id == "t"
        if since and last.removesuffix("_pre").removesuffix("_post") in LAST:
            at = self.known.variable(last, self.group)
            assert isinstance(at, ast.BinOp)
            assert isinstance(at.left, ast.Call)
            step = ast.Name(id="step", ctx=ast.Load())
            return self.known.seconds(ast.BinOp(left=step, op=ast.Sub(), right=at.left.args[0]))
        self.generic_visit(node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        if len(node.ops) > 1:
            raise refuse("chained comparisons", self.group.name)
        left, right = self.visit(node.left), self.visit(node.comparators[0])
        return ast.Compare(left=left, ops=node.ops, comparators=[right])

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
        if name in self.known.functions:
            return ast.Call(func=node.func, args=[], keywords=[])
        if name in self.known.binomial:
            return ast.Call(func=ast.Name(id="binomial"), args=list(self.known.binomial[name]), keywords=[])
        found = self.known.function(name, self.group)
        if isinstance(found, b2.TimedArray):
            return self._lookup(name, found, node)
        if found is not DEFAULT_FUNCTIONS.get(name) or name not in (*FUNCTIONS, *RANDOM, "poisson"):
            raise refuse(f"the function {name!r}", self.group.name)
        arguments = [self.visit(a) for a in node.args] if name not in RANDOM else []
        return ast.Call(func=node.func, args=arguments, keywords=[])

    def _lookup(self, name: str, table: b2.TimedArray, node: ast.Call) -> ast.expr:
        values = np.asarray(table.values)
        read = Table(
            values=values.reshape(len(values), -1),
            per_second=1 / float(table.dt),
            fine=_find_K(self.group.clock.dt_, float(table.dt)),
        )
        held = self.known.tables.get(name, read)
        if not read.is_as(held):  # another group's namespace has another table of that name
            name = f"{name}_of_{self.group.name}"
        self.known.tables[name] = read
        arguments = [self.visit(a) for a in node.args] + [number(0.0)] * (values.ndim == 1)
        return ast.Call(func=ast.Name(id=f"table__{name}"), args=arguments, keywords=[])

    def _timestep(self, node: ast.Call) -> ast.expr:
        """Steps since the last spike, or in a time: refractoriness asks for no more."""
        argument = ast.unparse(node.args[0])
        if argument == "t - lastspike":
            lastspike = ast.Name(id=Ref(self.group.name, "lastspike").identifier, ctx=ast.Load())
            steps = ast.BinOp(left=ast.Name(id="step", ctx=ast.Load()), op=ast.Sub(), right=lastspike)
            every = round(self.group.clock.dt_ / self.known.dt)
            return steps if every == 1 else ast.BinOp(left=steps, op=ast.FloorDiv(), right=number(every))
        steps = ast.BinOp(left=node.args[0], op=ast.Div(), right=ast.Name(id="dt"))
        whole = ast.Call(  # as Brian2's own timestep function
            func=ast.Name(id="int"),
            args=[ast.BinOp(left=steps, op=ast.Add(), right=number(1e-3))],
            keywords=[],
        )
        return fold(self.visit(whole))


def _real(expression: ast.expr) -> ast.Call:
    """A whole number as a real one of the kernel's precision."""
    return ast.Call(func=ast.Name(id="real", ctx=ast.Load()), args=[expression], keywords=[])


def _cell(name: str, group: Any) -> ast.expr:
    """The number of a cell in its group, or of the source or target cell in the subgroup that synapses join."""
    of_row = ast.Name(id=name, ctx=ast.Load())
    if not isinstance(group, b2.Synapses):
        return of_row
    first = first_cell(group.source if name == "i" else group.target)
    return ast.BinOp(left=of_row, op=ast.Sub(), right=number(first)) if first else of_row


def _size(name: str, group: Any) -> ast.expr:
    """A number of cells, which differs between rows; that of a subgroup does not."""
    end = {"N": group, "N_pre": getattr(group, "source", None), "N_post": getattr(group, "target", None)}[
        name
    ]
    if isinstance(end, b2.Synapses):
        raise refuse("the number of synapses N in equations", group.name)
    if cells_of(end) is not end:
        return number(float(len(end)))
    return ast.Name(id=f"{SIZE}{end.name}", ctx=ast.Load())


def assignments(code: str) -> list[tuple[str, ast.expr]]:
    """Target and value of each statement; `x += y` is read as `x = x + y`."""
    out = []
    for statement in ast.parse("\n".join(line.strip() for line in code.splitlines())).body:
        if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            left = ast.Name(id=statement.target.id, ctx=ast.Load())
            value: ast.expr = ast.BinOp(left=left, op=statement.op, right=statement.value)
            out.append((statement.target.id, value))
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            out.append((statement.targets[0].id, statement.value))
        else:
            raise refuse(f"the statement {ast.unparse(statement)!r}", "abstract code")
    return out
