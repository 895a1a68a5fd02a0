"""Brian2's synapses -> pathways, statements and summed variables of a program.

Where every cell of the source reaches every cell of the target in the same way, a sum over the source says
all, and no synapse is listed. Otherwise synapses are kept one by one in the order of their source cells. What
does no more than add to the target takes a short way (`Pathway`), all else runs Brian2's statements synapse by
synapse (`Transmission`).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import brian2 as b2
import numpy as np
from brian2.synapses.synapses import SummedVariableUpdater, SynapticPathway

from spiking.engines.fused.fold import draws, fold, names
from spiking.engines.fused.names import BEFORE, Assignment, Names, assignments, refuse
from spiking.engines.fused.parts import Bundle, Pathway, Summed, SynapseCode, Transmission
from spiking.engines.fused.share import share
from spiking.kinds import Traits
from spiking.refs import Ref
from spiking.sources import cells_of, first_cell

__all__ = ["SynapseReader"]


class _Longer(Exception):
    """Statements that do more than add to the target."""


@dataclass
class SynapseReader:
    """Reads the synapses of a circuit and gathers those that are kept one by one."""

    known: Names
    namespace: Mapping[str, Any]
    dt: float
    traits: Traits
    bundles: dict[str, Bundle] = field(default_factory=dict)

    def pathway(self, runner: SynapticPathway) -> Pathway | Transmission:
        """Spikes and what each does."""
        runner.update_abstract_code(run_namespace=self.namespace)
        with suppress(_Longer):
            return self._sum(runner)
        return self._transmission(runner)

    def _sum(self, runner: SynapticPathway) -> Pathway:
        """Spikes that add to their targets, all after one delay."""
        synapses = runner.synapses
        if self._is_routed(runner) or synapses.event_driven is not None:
            raise _Longer
        body = tuple(
            self._addition(name, value, synapses) for name, value in assignments(runner.abstract_code)
        )
        written = {a.target for a in body}
        read = set().union(*(names(a.value) for a in body))
        if written & read or any(draws(a.value) for a in body):
            raise _Longer
        source, target = _ends(synapses)
        return Pathway(
            name=runner.name,
            source=source,
            target=target,
            delay=self._delay(runner),
            body=body,
            bundle=self._bundle(synapses, read, one_by_one=bool(read - {"t"})),
            event=runner.event,
            every=self._every(runner),
        )

    def _transmission(self, runner: SynapticPathway) -> Transmission:
        """Spikes that run any statements."""
        synapses = runner.synapses
        source, target = _ends(synapses)
        body = self._statements(runner.abstract_code, synapses, runner.name)
        bundle = self._bundle(synapses, _touched(body), one_by_one=True)
        assert bundle is not None
        return Transmission(
            name=runner.name,
            source=source,
            target=target,
            backward=runner.prepost == "post",
            delay=None if self._differ(runner) else self._delay(runner),
            body=share(body, runner.name),
            bundle=bundle,
            route=self._is_routed(runner),
            event=runner.event,
            every=self._every(runner),
        )

    def code(self, code: str, synapses: b2.Synapses, name: str, every: int) -> SynapseCode | None:
        """What every synapse does at every step: Brian2's clock-driven equations, and run_regularly."""
        body = self._statements(code, synapses, name)
        if not body:
            return None
        source, target = _ends(synapses)
        bundle = self._bundle(synapses, _touched(body), one_by_one=True)
        assert bundle is not None
        return SynapseCode(
            name=name, source=source, target=target, body=share(body, name), bundle=bundle, every=every
        )

    def summed(self, runner: SummedVariableUpdater) -> Summed:
        """A variable that is a sum over synapses."""
        synapses = runner.group
        value = self._value(ast.parse(runner.expression.code.strip(), mode="eval").body, synapses)
        if draws(value):
            raise refuse("random numbers in summed variables", synapses.name)
        read = names(value)
        source, target = _ends(synapses)
        backward = runner.template_kwds["_index_var"].name == "_synaptic_pre"
        whole = cells_of(runner.target)
        first = first_cell(runner.target)
        within = None if whole is runner.target else (first, first + len(runner.target))
        one_by_one = backward or within is not None or not all(_of_source(name) for name in read)
        return Summed(
            name=runner.name,
            source=source,
            target=target,
            body=(Assignment(target=Ref(whole.name, runner.target_var.name).identifier, value=value),),
            bundle=self._bundle(synapses, read, one_by_one=one_by_one),
            backward=backward,
            within=within,
            every=self._every(runner),
        )

    def _addition(self, name: str, value: ast.expr, synapses: b2.Synapses) -> Assignment:
        """One statement of a pathway as what each synapse adds."""
        variable = name.removesuffix("_post")
        target = cells_of(synapses.target)
        if name not in synapses.variables or variable not in Names.states(target) or name.endswith("_pre"):
            raise _Longer
        if synapses.variables[name].owner.name != target.name:
            raise _Longer
        guard = target.variables[variable].conditional_write
        return Assignment(
            target=Ref(target.name, variable).identifier,
            value=self._value(fold(_without(value, name)), synapses),
            guard=None if guard is None else Ref(target.name, guard.name).identifier,
        )

    def _statements(self, code: str, synapses: b2.Synapses, prefix: str) -> tuple[Assignment, ...]:
        """Abstract code of synapses as assignments in the program's names."""
        temporaries: dict[str, str] = {}
        body = []
        for name, value in assignments(code):
            if name == "lastupdate":
                at = ast.Name(id="step", ctx=ast.Load())
                body.append(Assignment(target=Ref(synapses.name, name).identifier, value=at))
                continue
            found = self.known.resolve(value, synapses, temporaries)
            if name in synapses.variables and name != "xi" and not name.startswith("xi_"):
                body.append(self._assigned(name, found, synapses))
            else:
                temporaries[name] = f"_{prefix}_{name}"
                body.append(Assignment(target=temporaries[name], value=found))
        return tuple(body)

    def _assigned(self, name: str, value: ast.expr, synapses: b2.Synapses) -> Assignment:
        """A variable of the synapses, or of one of the two cells, and what it is to hold."""
        variable = synapses.variables[name]
        if variable.scalar and variable.owner.name == synapses.name:
            raise refuse(f"writing to the shared variable {name!r} of synapses", synapses.name)
        written = self.known.variable(name, synapses)
        if not isinstance(written, ast.Name):
            raise refuse(f"writing to {name!r} in synapses", synapses.name)
        guard = getattr(variable, "conditional_write", None)
        end = BEFORE if written.id.endswith(BEFORE) else ""
        flag = None if guard is None else f"{Ref(variable.owner.name, guard.name).identifier}{end}"
        return Assignment(target=written.id, value=value, guard=flag)

    def _value(self, expression: ast.expr, synapses: b2.Synapses) -> ast.expr:
        return self.known.resolve(expression, synapses, {})

    def _bundle(self, synapses: b2.Synapses, read: set[str], *, one_by_one: bool) -> str | None:
        """The name of the bundle, None where a sum says all."""
        if synapses.name in self.traits.full and not one_by_one:
            return None
        own = {ref for name in read if (ref := Ref.of_identifier(name)) and ref.group == synapses.name}
        before = self.bundles.get(synapses.name)
        source, target = _ends(synapses)
        routed = any(self._is_routed(p) for p in synapses._pathways)
        self.bundles[synapses.name] = Bundle(
            name=synapses.name,
            source=source,
            target=target,
            complete=synapses.name in self.traits.ordered and not routed,
            arrays=tuple(sorted({*own, *(before.arrays if before else ())})),
            sources=any(p.prepost == "post" for p in synapses._pathways),
        )
        return synapses.name

    def _is_routed(self, runner: SynapticPathway) -> bool:
        return runner.prepost == "post" or self._differ(runner)

    def _differ(self, runner: SynapticPathway) -> bool:
        """Whether the synapses of a pathway have different delays, in any row."""
        key = runner.synapses.name, runner.objname
        delays = [delay for *pathway, delay in self.traits.delays_s if tuple(pathway) == key]
        return len(delays) > 1 or None in delays

    def _delay(self, runner: SynapticPathway) -> int:
        """The delay in steps of the pathway, rounded as Brian2's own queue does."""
        delays = np.asarray(runner._delays.get_value())
        return int(delays[0] / runner.clock.dt_ + 0.5) if len(delays) else 0

    def _every(self, runner: Any) -> int:
        return round(runner.clock.dt_ / self.dt)


def _ends(synapses: b2.Synapses) -> tuple[str, str]:
    return cells_of(synapses.source).name, cells_of(synapses.target).name


def _touched(body: tuple[Assignment, ...]) -> set[str]:
    return set().union(*(names(a.value) | {a.target} for a in body))


def _of_source(name: str) -> bool:
    """Whether a name in an expression depends on the source cell at most."""
    return name.endswith(BEFORE) or name in ("i", "t")


def _without(value: ast.expr, name: str) -> ast.expr:
    """What a statement adds to `name`: y of `name + y`."""
    if isinstance(value, ast.BinOp) and isinstance(value.left, ast.Name) and value.left.id == name:
        if isinstance(value.op, ast.Add):
            return value.right
        if isinstance(value.op, ast.Sub):
            return ast.UnaryOp(op=ast.USub(), operand=value.right)
    raise _Longer
