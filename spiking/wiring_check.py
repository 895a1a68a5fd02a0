"""The contract of a circuit, checked: one line that names the class, the rule, the value and the remedy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import brian2 as b2
import numpy as np
from brian2.equations.equations import Equations
from brian2.groups.group import CodeRunner
from brian2.utils.stringtools import get_identifiers

from spiking.checks import real_array, shown
from spiking.engines.fused.names import Names
from spiking.refs import Ref
from spiking.sources import cells_of, groups_of, is_cells
from spiking.wiring import Wiring

__all__ = ["check_constants", "check_wiring", "refuse_circuit", "refusing_reserved_names"]


def refuse_circuit(
    circuit: object, rule: str, got: str, remedy: str, kind: type[Exception] = ValueError
) -> NoReturn:
    """Raise the error of a circuit that breaks the contract."""
    raise kind(f"{type(circuit).__name__} {rule}, got {got}; {remedy}.")


@contextmanager
def refusing_reserved_names(circuit: object) -> Iterator[None]:
    """Where Brian2 objects are made: a variable of a name that Brian2 reserves is refused as the circuit's."""
    try:
        yield
    except (SyntaxError, ValueError) as error:
        quoted = re.findall(r"'(\w+)'", str(error))
        name = next((name for name in quoted if _reserved(name)), None)
        if name is None:
            raise
        raise ValueError(
            f"{type(circuit).__name__} must give no variable a name that Brian2 reserves, got {name!r}, "
            f"which {_reserved(name)}; rename it in the equations."
        ) from error


def _reserved(name: str) -> str | None:
    """What Brian2 keeps a name for, in its own words; None for a name that is free."""
    try:
        Equations.check_identifier(name)
    except (SyntaxError, ValueError) as error:
        return re.split(r",|\s+and ", str(error).partition(f"'{name}'")[2])[0].strip(" .")
    return None


def check_wiring(circuit: object, wiring: Any, n_keys: int) -> None:
    """Raise unless what `build` returned says all that the engines have to know."""
    if not isinstance(wiring, Wiring):
        refuse_circuit(
            circuit,
            "must return a Wiring from build()",
            type(wiring).__name__,
            "end build() with return Wiring([...], scores=..., counts=...)",
            TypeError,
        )
    others = [o for o in wiring.objects if not isinstance(o, b2.BrianObject)]
    if others:
        refuse_circuit(
            circuit, "must wire Brian2 objects", repr(others[0])[:60], "list groups and synapses", TypeError
        )
    twice = [name for name, number in Counter(o.name for o in wiring.objects).items() if number > 1]
    if twice:
        refuse_circuit(
            circuit, "must give each object a name", f"two called {twice[0]!r}", "rename one with name="
        )
    _check_constant_names(circuit, wiring)
    groups = groups_of(wiring.objects)
    _check_ends(circuit, wiring, groups)
    _check_counted(circuit, wiring, groups, n_keys)
    for what, name in (
        ("scores", wiring.scores),
        ("field", wiring.field),
        *(("sample", s) for s in wiring.sample),
    ):
        if name is not None:
            _check_variable(circuit, what, name, groups)
    if wiring.scores is not None:
        _check_scores(circuit, Ref.read(wiring.scores), groups, wiring, n_keys)


def _check_constant_names(circuit: object, wiring: Wiring) -> None:
    """Brian2 would read its own `e`, `t` or `ms` and pass over a constant of that name with a warning."""
    for o in wiring.objects:
        read = {name for text in _texts(o) for name in get_identifiers(text)}
        for name, value in {**wiring.namespace, **(getattr(o, "namespace", None) or {})}.items():
            own = getattr(b2, name, None)
            same = value is own or (type(value) is type(own) is float and value == own)
            suffixed = name.endswith(("_pre", "_post"))  # reserved for variables alone
            if name in read and not same and not suffixed and _reserved(name):
                refuse_circuit(
                    circuit,
                    "must give no constant a name that Brian2 reserves",
                    f"{name!r} = {value}, which {_reserved(name)}",
                    "rename it in the namespace and in the equations",
                )


def _check_ends(circuit: object, wiring: Wiring, groups: dict[str, b2.NeuronGroup]) -> None:
    """Synapses must join groups that are wired."""
    for o in wiring.objects:
        if not isinstance(o, b2.Synapses):
            continue
        for end in map(cells_of, (o.source, o.target)):
            if is_cells(end) and end.name not in groups:
                refuse_circuit(
                    circuit,
                    f"must list both ends of the synapses {o.name!r}",
                    f"no group {end.name!r}",
                    f"add {end.name!r} to the objects",
                )


def _check_counted(circuit: object, wiring: Wiring, groups: dict[str, b2.NeuronGroup], n_keys: int) -> None:
    name = wiring.counts
    if name not in groups:
        refuse_circuit(
            circuit,
            "must count the spikes of one of its groups",
            f"counts={name!r}",
            f"use one of {_listed(groups)}",
        )
    if not groups[name].events:
        refuse_circuit(
            circuit, "must count a group that spikes", f"{name!r} without a threshold", "give it threshold="
        )
    if len(groups[name]) % n_keys:
        refuse_circuit(
            circuit,
            "must give every key as many cells of the counted group",
            f"{len(groups[name])} cells of {name!r} for {n_keys} keys",
            "make row.n_keys * n_cells of them",
        )
    if len(groups[name]) == 0:
        refuse_circuit(
            circuit, "must have cells to count", f"0 cells of {name!r}", "make row.n_keys * n_cells"
        )


def _check_variable(circuit: object, what: str, name: str, groups: dict[str, b2.NeuronGroup]) -> None:
    try:
        ref = Ref.read(name)
    except ValueError as error:
        raise ValueError(f"{type(circuit).__name__}: {what}: {error}") from None
    if ref.group not in groups:
        refuse_circuit(
            circuit,
            f"must name a variable of its groups as {what}",
            f"{name!r}",
            f"groups: {_listed(groups)}",
        )
    known = Names.states(groups[ref.group])
    if ref.variable not in known:
        refuse_circuit(
            circuit,
            f"must name a state variable as {what}",
            f"{name!r}",
            f"{ref.group!r} has {', '.join(known) or 'none'}",
        )


def _check_scores(
    circuit: object, ref: Ref, groups: dict[str, b2.NeuronGroup], wiring: Wiring, n_keys: int
) -> None:
    group = groups[ref.group]
    variable = group.variables[ref.variable]
    if not variable.dim.is_dimensionless:
        refuse_circuit(
            circuit,
            "must take scores in a dimensionless parameter",
            f"{ref} in {variable.dim}",
            f"declare it '{ref.variable} : 1 (constant)' and multiply by a unit in the equations",
        )
    if len(group) % n_keys or variable.scalar:
        refuse_circuit(
            circuit,
            "must take scores in as many cells for every key",
            f"{len(group)} cells of {ref.group!r} for {n_keys} keys",
            "make row.n_keys * n of them",
        )
    if ref.variable in group.equations.diff_eq_names:
        refuse_circuit(
            circuit,
            "must take scores in a parameter",
            f"the state variable {ref}",
            "declare 'u : 1 (constant)'",
        )
    if not _is_read(ref, wiring, groups):
        refuse_circuit(
            circuit,
            "must read its scores",
            f"{ref} in no equation",
            "let a voltage or a current depend on it",
        )


def _is_read(ref: Ref, wiring: Wiring, groups: dict[str, b2.NeuronGroup]) -> bool:
    """Whether any equation, reset, synapse or link reads a variable."""
    if any(ref.variable in get_identifiers(text) for text in _texts(groups[ref.group])):
        return True
    linked = (o.variables[v] for o in groups.values() for v in o._linked_variables)
    if any(v.owner.name == ref.group and v.name == ref.variable for v in linked):
        return True
    return any(_reads(o, ref) for o in wiring.objects if isinstance(o, b2.Synapses))


def _texts(o: b2.BrianObject) -> list[str]:
    """The code of a group or of synapses: equations, conditions, resets, what a spike does."""
    equations = getattr(o, "equations", None) or {}
    texts = [str(eq.expr) for eq in equations.values() if eq.expr is not None]
    if isinstance(o, b2.NeuronGroup):
        texts += [*o.events.values(), *o.event_codes.values()]
    if isinstance(o, b2.Synapses):
        texts += [p.code for p in o._pathways] + [s.expression.code for s in o.summed_updaters.values()]
    return texts + [r.abstract_code for r in o.contained_objects if type(r) is CodeRunner]


def _reads(synapses: b2.Synapses, ref: Ref) -> bool:
    """Whether synapses read a variable of the cells that they join."""
    ends = [
        end for end, group in (("pre", synapses.source), ("post", synapses.target)) if group.name == ref.group
    ]
    return any(f"{ref.variable}_{end}" in get_identifiers(text) for text in _texts(synapses) for end in ends)


def _listed(groups: dict[str, b2.NeuronGroup]) -> str:
    return ", ".join(groups) or "none"


def check_constants(
    circuit: object, held: Collection[Ref], constants: Mapping[str, np.ndarray], n_rows: int
) -> dict[Ref, np.ndarray]:
    """Values of parameters, one for each row, by variable.

    Raises
    ------
    ValueError, TypeError
        For a variable that the circuit does not have, and values that are not one finite number for each row.
    """
    if not isinstance(constants, Mapping):
        raise TypeError(f'constants must map "group.variable" to values, got {shown(constants)}; use a dict.')
    checked = {}
    for name, values in constants.items():
        ref = Ref.read(name)
        if ref not in held:
            refuse_circuit(
                circuit,
                "must have each constant as a parameter of a group",
                f"{name!r}",
                f"declare it '{ref.variable} : 1 (constant)'; known: {', '.join(map(str, held))}",
            )
        array = real_array(f"constants[{name!r}]", values).astype(np.float64, copy=False)
        if array.shape != (n_rows,) or not np.isfinite(array).all():
            raise ValueError(
                f"constants[{name!r}] must be a finite number for each of {n_rows} rows, got shape {array.shape}; "
                "give an array of that length."
            )
        checked[ref] = array
    return checked
