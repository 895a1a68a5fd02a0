"""What Brian2 objects hold, read into arrays."""

from __future__ import annotations

from collections.abc import Sequence

import brian2 as b2
import numpy as np
from brian2.core.variables import ArrayVariable

from spiking.engines.fused.names import Names
from spiking.kinds import GivenSpikes, RowArrays, SynapseArrays
from spiking.refs import Ref
from spiking.sources import cells_of, groups_of

__all__ = ["read_arrays"]

_OF_BRIAN = (
    "N",
    "N_pre",
    "N_post",
    "N_incoming",
    "N_outgoing",
    "i",
    "j",
    "t",
    "dt",
    "t_in_timesteps",
    "lastupdate",
    "delay",
)


def read_arrays(objects: Sequence[b2.BrianObject]) -> RowArrays:
    """Numbers of cells, values of variables, links and synapses of one row's objects."""
    groups = groups_of(objects)
    synapses = {o.name: o for o in objects if isinstance(o, b2.Synapses)}
    return RowArrays(
        sizes={name: len(group) for name, group in groups.items()},
        values={
            Ref(name, variable): np.array(group.variables[variable].get_value()).reshape(-1)
            for name, group in groups.items()
            for variable in Names.states(group)
        },
        links={
            Ref(name, called): _link(group, variable)
            for name, group in groups.items()
            for variable in sorted(getattr(group, "_linked_variables", ()))
            for called in (variable, group.variables.indices[variable])
        },
        ends={name: (cells_of(s.source).name, cells_of(s.target).name) for name, s in synapses.items()},
        synapses={name: _synapses(s) for name, s in synapses.items()},
        spikes={name: _spikes(g) for name, g in groups.items() if isinstance(g, b2.SpikeGeneratorGroup)},
    )


def _spikes(group: b2.SpikeGeneratorGroup) -> GivenSpikes:
    """Given spikes in time steps, as Brian2 itself sorts them into bins.

    Raises
    ------
    ValueError
        For a cell that spikes twice in a step.
    """
    cells, times = (np.asarray(group.variables[v].get_value()) for v in ("neuron_index", "spike_time"))
    steps = np.asarray((times + 1e-3 * group.clock.dt_) / group.clock.dt_, dtype=np.int64)
    twice = np.flatnonzero((np.diff(steps) == 0) & (np.diff(cells) == 0))
    if len(twice):
        raise ValueError(
            f"a SpikeGeneratorGroup must give a cell at most one spike a step, got two of cell {cells[twice[0]]} "
            f"of {group.name!r} at {1000 * times[twice[0]]:g} ms; leave one out, or use a smaller dt."
        )
    period = int(np.round(group.variables["period"].get_value().item() / group.clock.dt_))
    return GivenSpikes(steps=steps, cells=cells.astype(np.int64), period=period)


def _link(group: b2.NeuronGroup, variable: str) -> np.ndarray:
    """The cells of the source that a linked variable reads."""
    index = group.variables.indices[variable]
    if index == "0":
        return np.zeros(len(group), dtype=np.int64)
    if index == "_idx":
        return np.arange(len(group))
    return np.array(group.variables[index].get_value(), dtype=np.int64)


def _check_wired(synapses: b2.Synapses) -> None:
    """Raise for synapses that were never made, and for delays that would round to none."""
    name = synapses.name
    if not synapses._connect_called:
        raise ValueError(
            f"synapses {name!r} must be connected, got none; call their connect(), or leave them out."
        )
    for pathway in synapses._pathways:
        step_s = pathway.source.clock.dt_
        longest_s = float(np.max(pathway._delays.get_value(), initial=0.0))
        if 0 < longest_s < step_s / 2:  # Brian2 rounds to whole steps
            raise ValueError(
                f"the delay of {name!r} must be 0 or half a time step of {1e3 * step_s:g} ms at least, got "
                f"{1e3 * longest_s:g} ms, which rounds to none; take a longer delay or a shorter time step."
            )


def _synapses(synapses: b2.Synapses) -> SynapseArrays:
    """The synapses by their source cells."""
    _check_wired(synapses)
    source, target = (
        np.array(synapses.variables[end].get_value(), dtype=np.int64)
        for end in ("_synaptic_pre", "_synaptic_post")
    )
    order = np.argsort(source, kind="stable")

    def values(variable: ArrayVariable) -> np.ndarray:
        held = np.array(variable.get_value()).reshape(-1)
        return held if variable.scalar else held[order]

    own = {
        name: values(variable)
        for name, variable in synapses.variables.items()
        if isinstance(variable, ArrayVariable)
        and variable.owner.name == synapses.name
        and name not in _OF_BRIAN
        and not name.startswith("_")
    }
    return SynapseArrays(
        source=source[order],
        target=target[order],
        values=own,
        delays_s={pathway.objname: values(pathway._delays) for pathway in synapses._pathways},
        made=order,
    )
