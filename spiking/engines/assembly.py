"""Many rows as one block-diagonal Brian2 network: the objects of one row made again, larger.

Brian2 keeps no record of how an object was made, so what is built inside `remembered` carries the arguments of
its constructor. An object of another kind, or a variable that all cells of a group share, cannot be laid side by
side: `assemble` then returns None, and rows run one network after the other.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import brian2 as b2
import numpy as np
from brian2.core.variables import Subexpression
from brian2.groups.group import CodeRunner
from brian2.utils.stringtools import get_identifiers

from spiking.batch import Batch, Own
from spiking.engines.fused.names import Names
from spiking.refs import Ref

__all__ = ["assemble", "remembered"]

_MADE_WITH = "_made_with"
_KINDS = (b2.NeuronGroup, b2.Synapses)


@contextmanager
def remembered() -> Iterator[None]:
    """Where groups and synapses remember the arguments that they were made with."""
    before = [kind.__init__ for kind in _KINDS]
    try:
        for kind in _KINDS:
            kind.__init__ = _remembering(kind.__init__)
        yield
    finally:
        for kind, init in zip(_KINDS, before, strict=True):
            kind.__init__ = init


def _remembering(init: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(init)

    @wraps(init)  # so that a block inside a block reads the same signature
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        arguments = signature.bind(self, *args, **kwargs).arguments
        object.__setattr__(self, _MADE_WITH, {name: v for name, v in arguments.items() if name != "self"})

    return __init__


def assemble(batch: Batch, own: Own) -> list[b2.BrianObject] | None:
    """All rows of a batch as one set of Brian2 objects, None where that cannot be."""
    alone = batch.n_rows == 1
    if not all(_can_be_enlarged(o) and (alone or not _counts_cells(o)) for o in batch.objects):
        return None
    return _Assembly(batch, own).objects()


def _can_be_enlarged(o: b2.BrianObject) -> bool:
    if type(o) not in _KINDS or not hasattr(o, _MADE_WITH):
        return False
    if isinstance(o, b2.Synapses):
        regular = any(type(part) is CodeRunner for part in o.contained_objects)
        return not regular and all(type(end) is b2.NeuronGroup for end in (o.source, o.target))
    shared = [v for v in Names.states(o) if o.variables[v].scalar and len(o) > 1]
    subexpressions = [v for v in o.variables.values() if isinstance(v, Subexpression) and v.scalar]
    return not (shared or subexpressions)


def _counts_cells(o: b2.BrianObject) -> bool:
    """Whether code reads a cell's number in its group, or the size of the group, which are others in a batch."""
    texts = [str(eq.expr) for eq in o.equations.values() if eq.expr is not None]
    if isinstance(o, b2.NeuronGroup):
        texts += [*o.events.values(), *o.event_codes.values(), str(o._refractory)]
        texts += [r.abstract_code for r in o.contained_objects if type(r) is CodeRunner]
    else:
        texts += [p.code for p in o._pathways] + [s.expression.code for s in o.summed_updaters.values()]
        texts += [v.expr for v in o.variables.values() if isinstance(v, Subexpression)]
    return any(get_identifiers(text) & {"i", "j", "N", "N_pre", "N_post"} for text in texts)


class _Assembly:
    def __init__(self, batch: Batch, own: Own) -> None:
        self.batch, self.own, self.rows = batch, own, range(batch.n_rows)
        self.groups: dict[str, b2.NeuronGroup] = {}
        self.clocks: dict[int, b2.Clock] = {}
        self.first = {name: np.concatenate([[0], np.cumsum(batch.n_cells(name))]) for name in batch.groups}

    def objects(self) -> list[b2.BrianObject]:
        """Groups first, then what links and connects them."""
        for name, group in self.batch.groups.items():
            self.groups[name] = self._group(group)
        for name, group in self.batch.groups.items():
            self._link(name, group)
        synapses = [self._synapses(o) for o in self.batch.objects if isinstance(o, b2.Synapses)]
        return [*self.groups.values(), *synapses]

    def _arguments(self, o: b2.BrianObject, **changed: Any) -> dict[str, Any]:
        """Those of the constructor; a clock becomes one of this network."""
        arguments = {**getattr(o, _MADE_WITH), "name": o.name, **changed}
        clock = arguments.get("clock")
        if clock is not None:
            if id(clock) not in self.clocks:
                self.clocks[id(clock)] = b2.Clock(clock.dt, name=clock.name)
            arguments["clock"] = self.clocks[id(clock)]
        return arguments

    def _group(self, group: Any) -> b2.NeuronGroup:
        made = b2.NeuronGroup(**self._arguments(group, N=int(self.first[group.name][-1])))
        for runner in group.contained_objects:
            if type(runner) is CodeRunner:
                made.run_regularly(
                    runner.abstract_code,
                    when=runner.when,
                    order=runner.order,
                    name=runner.name,
                    **({} if runner.clock is group.clock else {"dt": runner.clock.dt}),
                )
        for event, code in group.event_codes.items():
            if event not in made.event_codes:
                made.run_on_event(event, code, when=group.resetter[event].when)
        for variable in Names.states(group):
            if variable not in ("lastspike", "not_refractory"):
                values = self.batch.values(Ref(group.name, variable), self.rows, self.own)
                made.variables[variable].set_value(values)
        return made

    def _link(self, name: str, group: Any) -> None:
        """Each row's linked variables read the same row's cells."""
        for variable in sorted(group._linked_variables):
            source = group.variables[variable].owner.name
            within = self.batch.links(Ref(name, variable), self.rows)
            first = np.repeat(self.first[source][:-1], self.batch.n_cells(name))
            linked = b2.linked_var(self.groups[source], group.variables[variable].name, index=first + within)
            setattr(self.groups[name], variable, linked)

    def _synapses(self, synapses: b2.Synapses) -> b2.Synapses:
        source, target = synapses.source.name, synapses.target.name
        made = b2.Synapses(
            **self._arguments(synapses, source=self.groups[source], target=self.groups[target])
        )
        source_cell, target_cell = (
            self.batch.ends(synapses.name, end, self.rows) for end in ("source", "target")
        )
        number = np.array([len(kind.synapses[synapses.name].source) for kind in self.batch.kinds])
        of_row = number[self.batch.kind_of]
        made.connect(
            i=source_cell + np.repeat(self.first[source][:-1], of_row),
            j=target_cell + np.repeat(self.first[target][:-1], of_row),
        )
        for variable, values in self.batch.kinds[0].synapses[synapses.name].values.items():
            ref = Ref(synapses.name, variable)
            if synapses.variables[variable].scalar:
                made.variables[variable].set_value(values)
            else:
                made.variables[variable].set_value(self.batch.weights(ref, self.rows, self.own))
        for pathway, original in zip(made._pathways, synapses._pathways, strict=True):
            pathway.order = original.order
            if not original._delays.scalar:
                delays = self.batch.delays_s(synapses.name, original.objname, self.rows)
                pathway._delays.set_value(delays)
        return made
