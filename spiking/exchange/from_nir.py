"""A NIR graph as a network of Brian2 objects, which both engines run."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any

import brian2 as b2
import numpy as np

from spiking.checks import positive, shown
from spiking.engines.brian2 import building
from spiking.exchange.graph import Graph, Way, opened, size_of
from spiking.networks import Network
from spiking.record import Spikes

if TYPE_CHECKING:
    import nir

__all__ = ["AREA", "CELLS", "Cell", "from_nir", "identifier"]

AREA = "spike_area"  # the constant in every on_pre: integral of a spike over time
TIME = "second (constant)"
NUMBER = "1 (constant)"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """How a kind of node is written in Brian2's equations; its parameters bear NIR's names."""

    equations: str  # with {input} for the current that comes in
    parameters: Mapping[str, str]  # name -> unit and flags
    jump: str  # what a spike of weight w adds
    fires: bool
    method: str = "exact"


_MEMBRANE = {"r": NUMBER, "v_leak": NUMBER}
_THRESHOLD = {"v_threshold": NUMBER, "v_reset": NUMBER}
_LEAKY = "dv/dt = (v_leak - v + r * ({input})) / tau : 1"
_PURE = "dv/dt = r * ({input}) / second : 1"
_FILTERED = """
dv/dt = (v_leak - v + r * current) / tau_mem : 1
dcurrent/dt = (w_in * ({input}) - current) / tau_syn : 1"""
_BY_LEAK = f"v_post += w * {AREA} * r_post / tau_post"
_BY_NONE = f"v_post += w * {AREA} * r_post / second"
_BY_FILTER = f"current_post += w * {AREA} * w_in_post / tau_syn_post"
_CUBA = {"tau_syn": TIME, "tau_mem": TIME, **_MEMBRANE, "w_in": NUMBER}
CELLS = {  # a pure integrator is exact under Euler's rule, since its input is constant in a step
    "LI": Cell(equations=_LEAKY, parameters={"tau": TIME, **_MEMBRANE}, jump=_BY_LEAK, fires=False),
    "LIF": Cell(
        equations=_LEAKY, parameters={"tau": TIME, **_MEMBRANE, **_THRESHOLD}, jump=_BY_LEAK, fires=True
    ),
    "I": Cell(equations=_PURE, parameters={"r": NUMBER}, jump=_BY_NONE, fires=False, method="euler"),
    "IF": Cell(
        equations=_PURE, parameters={"r": NUMBER, **_THRESHOLD}, jump=_BY_NONE, fires=True, method="euler"
    ),
    "CubaLI": Cell(equations=_FILTERED, parameters=_CUBA, jump=_BY_FILTER, fires=False),
    "CubaLIF": Cell(equations=_FILTERED, parameters={**_CUBA, **_THRESHOLD}, jump=_BY_FILTER, fires=True),
}


def from_nir(
    graph: nir.NIRGraph | str | Path,
    inputs: Mapping[str, np.ndarray | Spikes] | None = None,
    *,
    dt_ms: float = 0.1,
    spike_s: float = 1.0,
) -> Network:
    """Make a network of a NIR graph; `simulate_circuit` runs it.

    A group has the name of its node, a name that is none in Python as `node_NAME`. Chains of Linear, Affine, Scale
    and Delay between two cells become one set of synapses. Membranes start at 0.

    Parameters
    ----------
    graph : nir.NIRGraph, or the path of a file
        Of Input, Output, LI, LIF, I, IF, CubaLI, CubaLIF, Linear, Affine, Scale and Delay nodes.
    inputs : mapping, optional
        Input node -> currents (n_steps, n_channels), one a time step, or `Spikes`; an input left out is silent.
    dt_ms : float
        Time step. Cells are integrated exactly within it, and spike at its end.
    spike_s : float
        Integral of a spike over time, in seconds: 1 for the Dirac impulse of NIR's definition. Frameworks that
        hold a spike at height 1 for a time step mean that step, such as 0.001.

    Raises
    ------
    ValueError, TypeError
        For a node that is not covered, with its name, and inputs that do not fit.
    ModuleNotFoundError
        Without the extra `exchange`.
    """
    positive("from_nir", "dt_ms", dt_ms, remedy="give milliseconds without a unit, such as 0.1")
    positive("from_nir", "spike_s", spike_s)
    read = Graph(opened(graph))
    clock = b2.Clock(dt_ms * b2.ms, name="nir_clock")
    namespace: dict[str, object] = {AREA: spike_s * b2.second}
    with building():
        groups = _sources(read, dict(inputs or {}), clock, namespace)
        joints = _joints(read, groups)
        for name in read.cells:
            groups[name] = _group(name, read, joints, clock)
        synapses = [made for joint in joints if (made := _synapses(joint, read, groups, clock)) is not None]
    return Network([*groups.values(), *synapses], namespace)


def identifier(name: str) -> str:
    """The name of a node as a Brian2 object may have it."""
    fits = name.isidentifier() and not iskeyword(name) and "__" not in name
    return name if fits else "node_" + re.sub(r"\W+", "_", name)


def _sources(
    read: Graph, inputs: dict[str, Any], clock: b2.Clock, namespace: dict[str, object]
) -> dict[str, Any]:
    """The groups that hand in what comes from outside."""
    unknown = next((name for name in inputs if name not in read.inputs), None)
    if unknown is not None:
        raise ValueError(
            f"inputs must be named as the graph's Input nodes, {', '.join(read.inputs) or 'none'}; got {unknown!r}."
        )
    return {
        name: _source(identifier(name), size_of(node), inputs.get(name), clock, namespace)
        for name, node in read.inputs.items()
    }


def _source(name: str, n: int, given: Any, clock: b2.Clock, namespace: dict[str, object]) -> Any:
    """Spikes, of which there are none where nothing is given, or a table of currents."""
    if given is None:
        given = Spikes(row=np.zeros(0, int), cell=np.zeros(0, np.int32), time_ms=np.zeros(0))
    if isinstance(given, Spikes):
        if len(given.cell) and int(np.max(given.cell)) >= n:
            raise ValueError(
                f"inputs[{name!r}] must be spikes of channels < {n}, got {int(np.max(given.cell))}; leave it out."
            )
        return b2.SpikeGeneratorGroup(n, given.cell, given.time_ms * b2.ms, clock=clock, name=name)
    current = np.asarray(given, dtype=float)
    if current.ndim != 2 or current.shape[1] != n or not np.isfinite(current).all():
        raise ValueError(
            f"inputs[{name!r}] must be finite currents of shape (n_steps, {n}), got {shown(given)}; reshape it."
        )
    group = b2.NeuronGroup(n, "value : 1", clock=clock, name=name)
    ended = np.vstack([current, np.zeros((1, n))])  # a table goes on with its last value
    namespace[f"{name}_table"] = b2.TimedArray(ended, dt=clock.dt, name=f"{name}_table")
    group.run_regularly(f"value = {name}_table(t, i)", when="start", name=f"{name}_fetch")
    return group


@dataclass(frozen=True, kw_only=True)
class _Joint:
    """A way between two cells as synapses."""

    way: Way
    name: str  # of the synapses
    term: str  # the variable of the target that sums a current; empty where spikes come in


def _joints(read: Graph, sources: Mapping[str, Any]) -> list[_Joint]:
    """What becomes of each way; a current may not be delayed, since Brian2's summed variables are not."""
    joints, taken = [], set()
    numbers: defaultdict[str, count[int]] = defaultdict(count)
    for way in read.ways():
        if way.source in sources:
            spikes = isinstance(sources[way.source], b2.SpikeGeneratorGroup)
        else:
            spikes = CELLS[read.kind(way.source)].fires
        if way.delay_s.any() and not spikes:
            raise ValueError(
                f"a Delay must follow spikes, got one between {way.source!r}, which hands on a current, and "
                f"{way.target!r}; leave it out."
            )
        name = identifier(way.name or f"{way.source}_to_{way.target}")
        if name in taken:
            name = f"{name}_{identifier(way.source)}_to_{identifier(way.target)}"
        taken.add(name)
        term = "" if spikes else f"i_{next(numbers[way.target])}"
        joints.append(_Joint(way=way, name=name, term=term))
    return joints


def _group(name: str, read: Graph, joints: Sequence[_Joint], clock: b2.Clock) -> b2.NeuronGroup:
    node, kind = read.cells[name], CELLS[read.kind(name)]
    terms = [joint.term for joint in joints if joint.way.target == name and joint.term]
    equations = [
        kind.equations.format(input=" + ".join(["bias", *terms])),
        *(f"{parameter} : {unit}" for parameter, unit in kind.parameters.items()),
        f"bias : {NUMBER}",
        *(f"{term} : 1" for term in terms),
    ]
    group = b2.NeuronGroup(
        size_of(node),
        "\n".join(equations),
        threshold="v > v_threshold" if kind.fires else None,
        reset="v = v_reset" if kind.fires else None,
        method=kind.method,
        clock=clock,
        name=identifier(name),
    )
    for parameter in kind.parameters:
        values = np.ravel(getattr(node, parameter)).astype(float)
        group.variables[parameter].set_value(np.broadcast_to(values, len(group)))
    group.variables["bias"].set_value(read.bias(name))
    return group


def _synapses(joint: _Joint, read: Graph, groups: Mapping[str, Any], clock: b2.Clock) -> b2.Synapses | None:
    """One for each weight that is not 0; None where all are."""
    way = joint.way
    source, target = np.nonzero(way.weight.T)
    if not len(source):
        return None
    variable = "value" if way.source in read.inputs else "v"
    summed = f"\n{joint.term}_post = w * {variable}_pre : 1 (summed)" if joint.term else ""
    synapses = b2.Synapses(
        groups[way.source],
        groups[way.target],
        f"w : {NUMBER}{summed}",
        on_pre=None if joint.term else CELLS[read.kind(way.target)].jump,
        clock=clock,
        name=joint.name,
    )
    synapses.connect(i=source, j=target)
    synapses.w = way.weight[target, source]
    if way.delay_s.any():
        synapses.delay = way.delay_s[source] * b2.second
    return synapses
