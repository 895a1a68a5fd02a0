"""A network of Brian2 objects as a NIR graph: leaky integrators and the weights between them, or a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import brian2 as b2
import numpy as np

from spiking.checks import known, positive, shown
from spiking.exchange.linear import Terms, refuse, terms_of
from spiking.exchange.weights import received
from spiking.networks import Network
from spiking.sources import cells_of, groups_of, is_cells

if TYPE_CHECKING:
    import nir

__all__ = ["to_nir"]

IDENTITY = 1e-15  # a weight matrix this near to one of ones on the diagonal is an edge without a node
DROPPED = ("refractory",)


def to_nir(
    network: Network,
    *,
    only: Sequence[str] = (),
    drop: Sequence[str] = (),
    spike_s: float = 1.0,
) -> nir.NIRGraph:
    """Write a network as a NIR graph; what NIR has no node for is refused, with the group and the rule.

    A linear equation dx/dt = a x + b + inputs is an LI node, or an LIF node if x has the threshold: tau = -1/a.
    With a = 0 it is I or IF. A group of several equations is one node for each; two of them that `from_nir` made
    of a CubaLI or CubaLIF node become one again. R is the group's parameter r if it has one, otherwise 1. Initial
    values and time steps are no part of a graph.

    Parameters
    ----------
    network : Network
        For a row of a circuit, `Network(wiring.objects, wiring.namespace)` of `circuit.build(row)`.
    only : sequence of str
        The groups to write, all by default; spikes from others come in through Input nodes.
    drop : sequence of {"refractory"}
        What is knowingly left out: NIR's cells have no refractory period.
    spike_s : float
        Integral of a spike over time in seconds, as for `from_nir`.

    Raises
    ------
    ValueError, TypeError
        For noise, escape rates and other random numbers, equations that are not linear, refractory periods,
        plastic synapses, and other things that NIR cannot express.
    ModuleNotFoundError
        Without the extra `exchange`.
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {shown(network)}; use Network(objects, namespace).")
    positive("to_nir", "spike_s", spike_s)
    groups = groups_of(network.objects)
    for name in only:
        known("group to write", name, groups)
    for feature in drop:
        known("feature to drop", feature, DROPPED)
    return _Writer(network, tuple(only) or tuple(groups), tuple(drop), spike_s).graph()


@dataclass
class _Writer:
    """Nodes and edges as they come up."""

    network: Network
    only: tuple[str, ...]
    drop: tuple[str, ...]
    spike_s: float
    nodes: dict[str, Any] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    pending: dict[str, np.ndarray] = field(default_factory=dict)  # node -> bias that no edge has taken yet

    def graph(self) -> nir.NIRGraph:
        import nir

        groups = groups_of(self.network.objects)
        self._refuse_other_objects()
        synapses = [o for o in self.network.objects if isinstance(o, b2.Synapses)]
        terms = {
            name: terms_of(group, self.network, synapses, "refractory" in self.drop)
            for name, group in groups.items()
            if name in self.only and isinstance(group, b2.NeuronGroup) and _is_cell(group)
        }
        for name, group in groups.items():
            if name in terms:
                self._cells(name, terms[name])
            elif name in self.only:
                self._input(name, group)
        for s in synapses:
            if cells_of(s.target).name in terms:
                self._synapses(s, terms, groups)
        for name, bias in self.pending.items():
            self._input_of_ones(name, bias)
        missing = next((start for start, _ in self.edges if start not in self.nodes), None)
        if missing is not None:
            raise refuse(missing, "cells that are written read its state", "write it, too, only=[...]")
        self._outputs()
        return nir.NIRGraph(nodes=self.nodes, edges=self.edges, type_check=False)

    def _refuse_other_objects(self) -> None:
        for o in self.network.objects:
            if not (is_cells(o) or isinstance(o, (b2.Synapses, b2.SpikeMonitor, b2.StateMonitor))):
                raise refuse(o.name, f"it has no node for a {type(o).__name__}", "leave it out")

    def _input(self, name: str, group: Any) -> None:
        import nir

        if isinstance(group, b2.PoissonGroup):
            raise refuse(name, "Poisson spikes are random", "leave the group out, only=[...]")
        self.nodes[name] = nir.Input(input_type={"input": np.array([len(group)])})

    def _cells(self, name: str, terms: Terms) -> None:
        """A node for each equation of a group, and the edges between them."""
        if cuba := terms.as_cuba():
            self.nodes[name] = cuba
            self._keep(name, terms.bias["current"])
            return
        for variable in terms.states:
            node = terms.node_name(variable)
            self.nodes[node] = terms.node(variable)
            self._keep(node, terms.bias[variable])
        for variable in terms.states:
            for other, weight in terms.between(variable).items():
                self._join(terms.node_name(other), terms.node_name(variable), np.diag(weight), "")
            for source, index, weight in terms.links(variable):
                matrix = np.zeros((terms.n, source.n))
                matrix[np.arange(terms.n), index] = weight
                self._join(source.name, terms.node_name(variable), matrix, "")

    def _keep(self, node: str, bias: np.ndarray) -> None:
        if bias.any():
            self.pending[node] = bias

    def _synapses(self, s: b2.Synapses, terms: dict[str, Terms], groups: dict[str, Any]) -> None:
        """Spikes that jump, and currents that sum."""
        import nir

        source, target = cells_of(s.source).name, terms[cells_of(s.target).name]
        if source not in self.nodes and source not in terms:
            self.nodes[source] = nir.Input(input_type={"input": np.array([len(groups[source])])})
        i, j = (np.asarray(s.variables[end].get_value()) for end in ("_synaptic_pre", "_synaptic_post"))
        for variable, weight, delay_s, reads in received(s, target, self.spike_s):
            start = source
            if source in terms:
                start = terms[source].firing if reads is None else self._read(terms[source], reads, s.name)
            matrix = np.zeros((target.n, len(groups[source])))
            np.add.at(matrix, (j, i), weight)
            self._join(self._late(start, s.name, i, delay_s), target.node_name(variable), matrix, s.name)

    def _read(self, source: Terms, variable: str, name: str) -> str:
        """The node whose value synapses hand on."""
        if variable not in source.states:
            raise refuse(name, f"it reads {variable}, which no equation moves", "let it read a state")
        return source.node_name(variable)

    def _late(self, start: str, name: str, i: np.ndarray, delay_s: np.ndarray) -> str:
        """The node that hands on the spikes after their delays."""
        import nir

        if not delay_s.any():
            return start
        n = int(np.prod(next(iter(self.nodes[start].output_type.values()))))
        delay = np.zeros(n)
        delay[i] = delay_s
        if not np.array_equal(delay[i], delay_s):
            raise refuse(name, "synapses of one cell have several delays", "give a cell's synapses one delay")
        if len(np.unique(delay_s)) == 1:
            delay[:] = delay_s[0]
        self.nodes[f"{name}_delay"] = nir.Delay(delay=delay)
        self.edges.append((start, f"{name}_delay"))
        return f"{name}_delay"

    def _join(self, start: str, end: str, matrix: np.ndarray, name: str) -> None:
        """An edge, through a node that weighs if the weights are not 1, and adds a bias that is due."""
        import nir

        bias = self.pending.pop(end, None)
        square = matrix.shape[0] == matrix.shape[1]
        if bias is None and square and np.allclose(matrix, np.eye(len(matrix)), rtol=0, atol=IDENTITY):
            self.edges.append((start, end))
            return
        name = name or f"{start}_to_{end}"
        if name in self.nodes:
            name = f"{name}_{end}"
        self.nodes[name] = nir.Linear(weight=matrix) if bias is None else nir.Affine(weight=matrix, bias=bias)
        self.edges += [(start, name), (name, end)]

    def _input_of_ones(self, end: str, bias: np.ndarray) -> None:
        """A constant current into cells that nothing else reaches: an Affine node without weight."""
        import nir

        self.nodes[f"{end}_input"] = nir.Input(input_type={"input": np.array([1])})
        self.nodes[f"{end}_bias"] = nir.Affine(weight=np.zeros((len(bias), 1)), bias=bias)
        self.edges += [(f"{end}_input", f"{end}_bias"), (f"{end}_bias", end)]

    def _outputs(self) -> None:
        """Cells that reach no other are the graph's outputs; where all do, all are."""
        import nir

        sources = {source for source, _ in self.edges}
        cells = [name for name, node in self.nodes.items() if not isinstance(node, (nir.Input, nir.Delay))]
        cells = [name for name in cells if not isinstance(self.nodes[name], (nir.Linear, nir.Affine))]
        last = [name for name in cells if name not in sources] or cells
        for name in last:
            output = "output" if len(last) == 1 else f"{name}_output"
            self.nodes[output] = nir.Output(output_type=dict(self.nodes[name].output_type))
            self.edges.append((name, output))


def _is_cell(group: b2.NeuronGroup) -> bool:
    return bool(group.equations.diff_eq_names) or bool(group.events)
