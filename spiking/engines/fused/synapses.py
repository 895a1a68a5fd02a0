"""Brian2's synapses -> pathways and summed variables of a program.

Where every cell of the source reaches every cell of the target in the same way, a sum over the source says
all, and no synapse is listed. Otherwise synapses are kept one by one in the order of their source cells.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import brian2 as b2
import numpy as np
from brian2.synapses.synapses import SummedVariableUpdater, SynapticPathway

from spiking.engines.fused.fold import draws, fold, names
from spiking.engines.fused.names import BEFORE, Assignment, Names, assignments, refuse
from spiking.engines.fused.parts import Bundle, Pathway, Summed
from spiking.kinds import Traits
from spiking.refs import Ref

__all__ = ["SynapseReader"]


@dataclass
class SynapseReader:
    """Reads the synapses of a circuit and gathers those that are kept one by one."""

    known: Names
    namespace: Mapping[str, Any]
    dt: float
    traits: Traits
    bundles: dict[str, Bundle] = field(default_factory=dict)

    def pathway(self, runner: SynapticPathway) -> Pathway:
        """Spikes and what each adds."""
        synapses = runner.synapses
        if runner.prepost != "pre":
            raise refuse("on_post pathways", runner.name)
        if synapses.event_driven is not None:
            raise refuse("event-driven differential equations of synapses", synapses.name)
        delays = np.unique(np.asarray(runner._delays.get_value()))
        if len(delays) > 1:
            raise refuse("synapses with different delays", runner.name)
        runner.update_abstract_code(run_namespace=self.namespace)
        body = tuple(
            self._addition(name, value, synapses) for name, value in assignments(runner.abstract_code)
        )
        written = {a.target for a in body}
        read = set().union(*(names(a.value) for a in body))
        if written & read:
            raise refuse(
                f"synapses that read what they write ({', '.join(sorted(written & read))})", runner.name
            )
        return Pathway(
            name=runner.name,
            source=synapses.source.name,
            target=synapses.target.name,
            delay=int(delays[0] / self.dt + 0.5) if len(delays) else 0,  # as Brian2's own queue rounds it
            body=body,
            bundle=self._bundle(synapses, read, one_by_one=bool(read - {"t"})),
        )

    def summed(self, runner: SummedVariableUpdater) -> Summed:
        """A variable that is a sum over synapses."""
        synapses = runner.group
        if runner.template_kwds["_index_var"].name != "_synaptic_post":
            raise refuse("summed variables of the presynaptic group", runner.name)
        value = self._value(ast.parse(runner.expression.code.strip(), mode="eval").body, synapses)
        read = names(value)
        target = runner.target.name
        return Summed(
            name=runner.name,
            source=synapses.source.name,
            target=target,
            body=(Assignment(target=Ref(target, runner.target_var.name).identifier, value=value),),
            bundle=self._bundle(synapses, read, one_by_one=not all(_of_source(name) for name in read)),
        )

    def _addition(self, name: str, value: ast.expr, synapses: b2.Synapses) -> Assignment:
        """One statement of a pathway as what each synapse adds."""
        variable = name.removesuffix("_post")
        target = synapses.target
        if name not in synapses.variables or variable not in Names.states(target):
            raise refuse(f"synapses that write to {name!r}", synapses.name)
        guard = target.variables[variable].conditional_write
        return Assignment(
            target=Ref(target.name, variable).identifier,
            value=self._value(fold(_without(value, name, synapses.name)), synapses),
            guard=None if guard is None else Ref(target.name, guard.name).identifier,
        )

    def _value(self, expression: ast.expr, synapses: b2.Synapses) -> ast.expr:
        found = self.known.resolve(expression, synapses, {})
        if draws(found):
            raise refuse("random numbers in synapses", synapses.name)
        return found

    def _bundle(self, synapses: b2.Synapses, read: set[str], *, one_by_one: bool) -> str | None:
        """The name of the bundle, None where a sum says all."""
        if synapses.name in self.traits.full and not one_by_one:
            return None
        own = {ref for name in read if (ref := Ref.of_identifier(name)) and ref.group == synapses.name}
        before = self.bundles.get(synapses.name)
        self.bundles[synapses.name] = Bundle(
            name=synapses.name,
            source=synapses.source.name,
            target=synapses.target.name,
            complete=synapses.name in self.traits.ordered,
            arrays=tuple(sorted({*own, *(before.arrays if before else ())})),
        )
        return synapses.name


def _of_source(name: str) -> bool:
    """Whether a name in an expression depends on the source cell at most."""
    return name.endswith(BEFORE) or name in ("i", "t")


def _without(value: ast.expr, name: str, owner: str) -> ast.expr:
    """What a statement adds to `name`: y of `name + y`."""
    if isinstance(value, ast.BinOp) and isinstance(value.left, ast.Name) and value.left.id == name:
        if isinstance(value.op, ast.Add):
            return value.right
        if isinstance(value.op, ast.Sub):
            return ast.UnaryOp(op=ast.USub(), operand=value.right)
    raise refuse(f"synapses that do more than add to {name!r}", owner)
