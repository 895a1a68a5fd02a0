"""The linear equations of a group of cells, as numbers; whatever is not linear, or random, is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import brian2 as b2
import numpy as np
import sympy
from brian2.groups.group import CodeRunner
from brian2.parsing.sympytools import str_to_sympy
from sympy.core.function import AppliedUndef

from spiking.networks import Network
from spiking.sources import cells_of

__all__ = ["RANDOM", "Terms", "refuse", "terms_of", "unit_value"]

RANDOM = re.compile(r"\b(rand|randn|poisson)\s*\(|\bxi(_\w+)?\b")
THRESHOLD = re.compile(r"^\s*(\w+)\s*>=?\s*(.+)$")
RESET = re.compile(r"^\s*(\w+)\s*=\s*([^=].*)$")
ACTIVE = "int(not_refractory)"  # what Brian2 makes of (unless refractory)
CUBA = ("v", "current")
ROUNDING = 1e-12  # relative: a constant input this near to v_leak is no bias


def refuse(where: str, rule: str, remedy: str) -> ValueError:
    """The one line for what NIR cannot express: the group or synapses, what it is about them, what helps."""
    return ValueError(f"NIR cannot express {where!r}: {rule}; {remedy}.")


class Source(NamedTuple):
    """A variable of another group that a cell reads."""

    name: str  # of its node
    n: int


@dataclass(frozen=True, kw_only=True)
class Terms:
    """dx/dt = slope x + sum of other terms, for every state x of a group."""

    group: Any
    n: int
    states: tuple[str, ...]
    slope: Mapping[str, np.ndarray]  # state -> (n,) in 1/s
    bias: Mapping[str, np.ndarray]  # state -> (n,) constant input, once v_leak is taken out
    leak: Mapping[str, np.ndarray]  # state -> (n,)
    r: np.ndarray  # (n,)
    others: Mapping[str, Mapping[str, np.ndarray]]  # state -> what it reads -> (n,) coefficient in 1/s
    inputs: frozenset[str]  # linked or summed variables
    fires: str | None  # the state with the threshold
    v_threshold: np.ndarray
    v_reset: np.ndarray
    constants: Mapping[str, np.ndarray]  # parameters and what the namespace holds, name -> (n,) in SI units
    scalars: Mapping[str, float]  # of the namespace alone

    def node_name(self, variable: str) -> str:
        """Of the node of a state: the group's where it has but one."""
        whole = len(self.states) == 1 or self.is_cuba
        return self.group.name if whole else f"{self.group.name}_{variable}"

    @property
    def firing(self) -> str:
        """The node whose spikes leave the group."""
        return self.node_name(self.fires or self.states[0])

    @property
    def is_cuba(self) -> bool:
        """Whether `from_nir` made this of a CubaLI or CubaLIF node."""
        return set(self.states) == set(CUBA) and {"tau_syn", "tau_mem", "w_in"} <= set(self.constants)

    def as_cuba(self) -> Any:
        """The CubaLI or CubaLIF node, or None."""
        import nir

        if not self.is_cuba:
            return None
        names = ["tau_syn", "tau_mem", "r", "v_leak", "w_in"]
        if self.fires:
            names += ["v_threshold", "v_reset"]
        kind = nir.CubaLIF if self.fires else nir.CubaLI
        return kind(**{name: self.constants[name].copy() for name in names})

    def node(self, variable: str) -> Any:
        """The node of one state."""
        import nir

        slope, fires = self.slope[variable], variable == self.fires
        ends = {"v_threshold": self.v_threshold.copy(), "v_reset": self.v_reset.copy()} if fires else {}
        r = self.r.copy()
        if not slope.any():
            return nir.IF(r=r, **ends) if fires else nir.I(r=r)
        if not (slope < 0).all():
            raise refuse(self.group.name, f"{variable} grows by itself", "give it a leak")
        return (nir.LIF if fires else nir.LI)(tau=-1 / slope, r=r, v_leak=self.leak[variable], **ends)

    def scale(self, variable: str) -> np.ndarray:
        """Input of 1 raises dx/dt by this, in 1/s: R / tau, or R for an integrator without leak."""
        if self.is_cuba:
            return self.constants["w_in"] / self.constants["tau_syn"]
        slope = self.slope[variable]
        return self.r * np.where(slope == 0, 1.0, -slope)

    def between(self, variable: str) -> dict[str, np.ndarray]:
        """Weights from the group's other states."""
        return {
            other: coefficient / self.scale(variable)
            for other, coefficient in self.others[variable].items()
            if other in self.states
        }

    def links(self, variable: str) -> Iterator[tuple[Source, np.ndarray, np.ndarray]]:
        """What a state reads of other groups by linked variables: node, cells and weights."""
        for name, coefficient in self.others[variable].items():
            if name not in getattr(self.group, "_linked_variables", ()):
                continue
            read = self.group.variables[name]
            index = self.group.variables.indices[name]
            if index == "0":
                cells = np.zeros(self.n, dtype=int)
            elif index == "_idx":
                cells = np.arange(self.n)
            else:
                cells = np.asarray(self.group.variables[index].get_value())
            owner = read.owner
            single = len(owner.equations.diff_eq_names) == 1
            node = owner.name if single else f"{owner.name}_{read.name}"
            yield Source(node, len(owner)), cells, coefficient / self.scale(variable)


def terms_of(
    group: b2.NeuronGroup, network: Network, synapses: Sequence[b2.Synapses], drop_refractory: bool
) -> Terms:
    """Read a group, or refuse it."""
    name, n = group.name, len(group)
    _refuse_random(group)
    if any(type(o) is CodeRunner for o in group.contained_objects):
        raise refuse(name, "code runs in its steps (run_regularly)", "write it as an equation")
    _refuse_refractory(group, drop_refractory)
    states = tuple(sorted(group.equations.diff_eq_names, key=list(group.equations.names).index))
    summed = {
        updater.target_var.name
        for s in synapses
        if cells_of(s.target) is group
        for updater in s.summed_updaters.values()
    }
    inputs = frozenset(summed | set(getattr(group, "_linked_variables", ())))
    constants = _constants(group, network, states, inputs)
    slope, rest, others = {}, {}, {}
    for state, expression in group.equations.get_substituted_expressions(group.variables):
        if state in states:
            code = expression.code.replace(ACTIVE, "1")
            slope[state], rest[state], others[state] = _linear(
                name, state, str_to_sympy(code), states, inputs, constants, n
            )
    r = constants.get("r", np.ones(n))
    leak, bias = {}, {}
    for state in states:
        tau = -1 / np.where(slope[state] == 0, -1.0, slope[state])
        level = rest[state] * tau
        named = constants["v_leak"] if state == "v" and "v_leak" in constants else level
        leak[state] = np.where(slope[state] == 0, 0.0, named)
        factor = constants.get("w_in", r) if state == "current" else r
        bias[state] = (level - leak[state]) / factor
        bias[state][np.abs(level - leak[state]) < ROUNDING * np.abs(level)] = 0.0
    fires, v_threshold, v_reset = _spikes(group, states, constants, n)
    return Terms(
        group=group, n=n, states=states, slope=slope, bias=bias, leak=leak, r=r, others=others, inputs=inputs,
        fires=fires, v_threshold=v_threshold, v_reset=v_reset, constants=constants,
        scalars=_scalars(network.namespace),
    )  # fmt: skip


def _refuse_refractory(group: b2.NeuronGroup, dropped: bool) -> None:
    period = group._refractory
    none = period is False or (isinstance(period, b2.Quantity) and float(period) == 0)
    if not (none or dropped):
        raise refuse(
            group.name, f"a refractory period of {period}", 'leave it out knowingly, drop=["refractory"]'
        )


def _refuse_random(group: b2.NeuronGroup) -> None:
    texts = {
        "equations": str(group.equations),
        "threshold": str(group.events.get("spike", "")),
        "reset": str(group.event_codes.get("spike", "")),
    }
    for where, text in texts.items():
        if RANDOM.search(text):
            raise refuse(
                group.name,
                f"its {where} draws random numbers (escape noise, diffusion), and NIR's nodes are deterministic",
                "leave the group out, only=[...]",
            )
    if set(group.events) - {"spike"}:
        raise refuse(group.name, "events other than spikes", "leave them out")


def _constants(
    group: b2.NeuronGroup, network: Network, states: Sequence[str], inputs: frozenset[str]
) -> dict[str, np.ndarray]:
    """Parameters and constants as (n,) arrays in SI units."""
    n = len(group)
    held = {
        name: np.full(n, value)
        for name, value in _scalars({**network.namespace, **(group.namespace or {})}).items()
    }
    for name in group.equations.parameter_names:
        if name not in inputs:
            held[name] = np.broadcast_to(np.asarray(group.variables[name].get_value(), dtype=float), n).copy()
    return held


def _scalars(namespace: Mapping[str, Any]) -> dict[str, float]:
    numbers = (int, float, np.number, b2.Quantity)
    return {name: float(v) for name, v in namespace.items() if isinstance(v, numbers) and np.ndim(v) == 0}


def _linear(
    name: str, state: str, expression: Any, states: Sequence[str], inputs: frozenset[str],
    constants: Mapping[str, np.ndarray], n: int,
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:  # fmt: skip
    """Coefficient of the state itself, the constant, and the coefficients of all else."""
    symbols = {str(x): x for x in expression.free_symbols}
    variables = [x for x in symbols if x in states or x in inputs]
    coefficients = {x: sympy.diff(expression, symbols[x]) for x in variables}
    if any(str(y) in variables for c in coefficients.values() for y in c.free_symbols):
        raise refuse(
            name,
            f"d{state}/dt is not linear",
            "NIR's cells are; leave the group out, only=[...]",
        )
    rest = expression.subs({symbols[x]: 0 for x in variables})
    numbers = {x: _number(c, name, state, constants, n) for x, c in coefficients.items()}
    own = numbers.pop(state, np.zeros(n))
    return own, _number(rest, name, state, constants, n), {x: c for x, c in numbers.items() if c.any()}


def _number(
    expression: Any, name: str, state: str, constants: Mapping[str, np.ndarray], n: int
) -> np.ndarray:
    """An expression of constants, for each cell."""
    symbols = sorted(expression.free_symbols, key=str)
    unknown = [str(x) for x in symbols if str(x) not in constants and unit_value(str(x)) is None]
    unknown += [str(x) for x in expression.atoms(AppliedUndef)]
    if unknown:
        raise refuse(name, f"d{state}/dt reads {unknown[0]}, which is no constant", "give it as a parameter")
    values = [constants.get(str(x), unit_value(str(x))) for x in symbols]
    number = sympy.lambdify(symbols, expression, "numpy")(*values)
    return np.broadcast_to(np.asarray(number, dtype=float), n).copy()


def unit_value(name: str) -> float | None:
    """A unit's name as a number of SI units."""
    unit = getattr(b2.units.allunits, name, None)
    return None if unit is None else float(unit)


def _spikes(
    group: b2.NeuronGroup, states: Sequence[str], constants: Mapping[str, np.ndarray], n: int
) -> tuple[str | None, np.ndarray, np.ndarray]:
    """The state that spikes, its threshold and its reset."""
    if "spike" not in group.events:
        return None, np.zeros(n), np.zeros(n)
    threshold, code = str(group.events["spike"]), str(group.event_codes.get("spike", "")).strip()
    over, reset = THRESHOLD.match(threshold), RESET.match(code)
    if over is None or over[1] not in states:
        raise refuse(group.name, f"the threshold {threshold!r}", "write it as v > v_threshold")
    if reset is None or reset[1] != over[1] or "\n" in code:
        raise refuse(
            group.name, f"the reset {code!r}", f"NIR sets {over[1]} to a value; write {over[1]} = v_reset"
        )
    level, bottom = (
        _number(str_to_sympy(text), group.name, over[1], constants, n) for text in (over[2], reset[2])
    )
    return over[1], level, bottom
