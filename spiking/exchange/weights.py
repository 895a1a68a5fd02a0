"""What synapses bring to the cells of a group, as weights of a linear node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import brian2 as b2
import numpy as np
import sympy
from brian2.parsing.sympytools import str_to_sympy

from spiking.exchange.from_nir import AREA
from spiking.exchange.linear import RANDOM, Terms, refuse, unit_value

__all__ = ["Received", "received"]

JUMP = re.compile(r"^\s*(\w+?)(?:_post)?\s*\+=\s*(.+)$")


class Received(NamedTuple):
    """What one line of a pathway, or one sum, brings."""

    state: str  # of the target
    weight: np.ndarray  # (n_synapses,)
    delay_s: np.ndarray  # (n_synapses,)
    reads: str | None  # the variable of the source whose value is handed on; None for spikes


def received(s: b2.Synapses, target: Terms, spike_s: float) -> Iterator[Received]:
    """Read synapses, or refuse them."""
    if s.equations.diff_eq_names:
        raise refuse(
            s.name, f"a synapse with a state, {sorted(s.equations.diff_eq_names)[0]}", "fix its weight"
        )
    j = np.asarray(s.variables["_synaptic_post"].get_value())
    names = {**target.scalars, AREA: spike_s}
    for updater in s.summed_updaters.values():
        term = updater.target_var.name
        state = next((x for x in target.states if term in target.others[x]), None)
        if state is not None:
            read, weight = _summed(str_to_sympy(updater.expression.code), s, names, j, target)
            weight = weight * target.others[state][term][j] / target.scale(state)[j]
            yield Received(state, weight, np.zeros(len(j)), read)
    for pathway in s._pathways:
        if pathway.prepost != "pre":
            raise refuse(s.name, "spikes of the target act on it", "leave out on_post")
        delay_s = np.broadcast_to(np.asarray(pathway._delays.get_value()), j.shape)
        for line in filter(str.strip, pathway.code.splitlines()):
            state, jump = _jump(line, s, names, j, target)
            yield Received(state, jump / (target.scale(state)[j] * spike_s), delay_s, None)


def _jump(
    line: str, s: b2.Synapses, names: Mapping[str, float], j: np.ndarray, target: Terms
) -> tuple[str, np.ndarray]:
    """The state that a spike raises, and by how much."""
    if RANDOM.search(line):
        raise refuse(s.name, "a synapse draws random numbers", "make its effect certain")
    found = JUMP.match(line)
    if found is None or found[1] not in target.states:
        raise refuse(s.name, f"on_pre does {line.strip()!r}", "let it add to a state, such as v_post += w")
    return found[1], _value(str_to_sympy(found[2]), s, names, j, target)


def _summed(
    expression: Any, s: b2.Synapses, names: Mapping[str, float], j: np.ndarray, target: Terms
) -> tuple[str, np.ndarray]:
    """The source's variable that a sum reads, and its weight."""
    symbols = [x for x in expression.free_symbols if str(x).endswith("_pre")]
    if len(symbols) == 1:
        slope = sympy.diff(expression, symbols[0])
        if symbols[0] not in slope.free_symbols and sympy.simplify(expression - slope * symbols[0]) == 0:
            return str(symbols[0]).removesuffix("_pre"), _value(slope, s, names, j, target)
    raise refuse(s.name, f"the sum of {expression}", "let it be a weight times a variable of the source")


def _value(
    expression: Any, s: b2.Synapses, names: Mapping[str, float], j: np.ndarray, target: Terms
) -> np.ndarray:
    """An expression of a synapse's own parameters, the target's and constants, for each synapse."""
    values = []
    symbols = sorted(expression.free_symbols, key=str)
    for name in map(str, symbols):
        post = name.removesuffix("_post")
        if name in s.equations.parameter_names:
            values.append(np.asarray(s.variables[name].get_value(), dtype=float))
        elif name in names:
            values.append(np.asarray(names[name]))
        elif post in target.constants:
            values.append(target.constants[post][j])
        elif (unit := unit_value(name)) is not None:
            values.append(np.asarray(unit))
        else:
            raise refuse(s.name, f"its effect reads {name}, which is no constant", "give it as a parameter")
    found = sympy.lambdify(symbols, expression, "numpy")(*values)
    return np.broadcast_to(np.asarray(found, dtype=float), j.shape)
