"""Any circuit of Brian2 objects on either engine, attention or not: networks in, spikes and samples out.

A network is made from a random generator, so that a batch holds networks that differ in their connections
and initial states. From the same generator both engines get the same networks.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Number

import brian2 as b2
import numpy as np

from spiking.batch import Batch, Wanted
from spiking.budget import LONGEST_MS, Budget
from spiking.checks import check_progress, check_rng, known, positive, positive_int, shown, within
from spiking.engines import Engine, Fused, check_engine
from spiking.engines.arrays import read_arrays
from spiking.engines.brian2 import building
from spiking.engines.fused.names import Names
from spiking.kinds import Kinds
from spiking.record import Recorded
from spiking.refs import Ref
from spiking.sources import Cells, cells_of, first_cell, groups_of
from spiking.streams import Streams

__all__ = ["Network", "simulate_circuit"]

MOST_NETWORKS = 1_000_000
_UNRESOLVED = re.compile(r"identifier [\"']?(\w+)[\"']? could not be resolved")


@dataclass(frozen=True)
class Network:
    """The Brian2 objects of one network, with the constants of their equations."""

    objects: Sequence[b2.BrianObject]
    namespace: Mapping[str, object] = field(default_factory=dict)


def simulate_circuit(
    build: Callable[[np.random.Generator], Network | b2.Network] | Network | b2.Network,
    *,
    duration_ms: float,
    rng: np.random.Generator,
    n_networks: int = 1,
    settle_ms: float = 0.0,
    record: Sequence[str] = (),
    sample: Sequence[str] = (),
    sample_ms: float = 1.0,
    namespace: Mapping[str, object] | None = None,
    engine: Engine = Fused("float64"),
    progress: Callable[[float], None] | None = None,
) -> Recorded:
    """Simulate networks that one recipe makes.

    Parameters
    ----------
    build : callable, or a network
        generator -> `Network` or `brian2.Network`; called once for each network. Networks may differ in numbers
        of cells, connections, weights and initial values, not in equations and constants. A network in place of
        the callable is simulated once.
    duration_ms : float
        Measured time in milliseconds; `settle_ms` come before it.
    rng : numpy.random.Generator
    n_networks : int
    record : sequence of str
        Groups whose spikes are recorded.
    sample : sequence of str
        Variables, "group.variable", that are sampled every `sample_ms` at the start of a step.
    namespace : mapping, optional
        Constants of the equations; those of a `Network` come first. Constants that stand in no namespace are
        looked up where the function was called, as Brian2 does it.
    engine : Engine
    progress : callable, optional
        Called with the fraction that is done.

    Returns
    -------
    Recorded
        Its rows are the networks, each with its own numbers of cells.

    Raises
    ------
    ValueError, TypeError
        For requests that cannot be met, with what can; and for what the fused engine does not cover, with the
        name of the Brian2 feature.
    """
    check_engine(engine)
    check_rng(rng)
    check_progress(progress)
    for name, value in (("duration_ms", duration_ms), ("sample_ms", sample_ms)):
        positive("simulate_circuit", name, value, remedy="give milliseconds without a unit, such as 500.0")
        within("simulate_circuit", name, value, 1e-6, LONGEST_MS)
    within("simulate_circuit", "settle_ms", settle_ms, 0.0, LONGEST_MS)
    positive_int("simulate_circuit", "n_networks", n_networks, MOST_NETWORKS)
    n_networks = int(n_networks)  # an unsigned one would make numbers of networks floats
    record, sample = _names("record", record), _names("sample", sample)
    if namespace is not None and not (
        isinstance(namespace, Mapping)
        and all(map(_is_constant_name, namespace))
        and all(map(_is_constant, namespace.values()))
    ):
        raise TypeError(
            f"namespace must map names to constants, got {shown(namespace)}; use for example {{'tau': 10 * ms}}."
        )
    generators = rng.spawn(n_networks)
    networks = _made(build, generators, {**_callers_constants(), **(namespace or {})})
    asked = _monitored(networks[0])
    networks = [_without_monitors(network) for network in networks]
    kinds = Kinds([read_arrays(network.objects) for network in networks])
    _check_alike(networks)
    groups = groups_of(networks[0].objects)
    states = {name: Names.states(group) for name, group in groups.items()}
    for name, synapses in kinds[0].synapses.items():
        states[name] = [v for v, held in synapses.values.items() if len(held) == len(synapses.source)]
    record, sample = (tuple(dict.fromkeys((*a, *b))) for a, b in zip((record, sample), asked, strict=True))
    wanted = Wanted(
        budget=Budget.whole(duration_ms),
        settle_ms=settle_ms,
        spikes=tuple(_spiking(name, groups) for name in record),
        samples=tuple(_variable(name, states) for name in sample),
        sample_ms=sample_ms,
        likely_Hz=100.0,
    )
    batch = Batch(
        objects=tuple(networks[0].objects),
        namespace=networks[0].namespace,
        kinds=kinds,
        kind_of=np.arange(n_networks),
        streams=Streams.of(rng),
        rebuild=lambda number: networks[number].objects,
    )
    try:
        return engine.run(batch, wanted, progress)
    except (KeyError, b2.BrianObjectException) as error:
        missing = _unresolved(error)
        if missing is None:
            raise
        raise missing from error


def _is_name(name: object) -> bool:
    return isinstance(name, (str, Ref))


def _is_constant(value: object) -> bool:
    """A number, with a unit or without, a unit, or a function."""
    return isinstance(value, (Number, np.ndarray, np.generic, b2.Function)) or callable(value)


def _is_constant_name(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier()


def _names(what: str, given: object) -> tuple[str, ...]:
    """Names as a tuple, none of them twice."""
    if isinstance(given, str) or not (isinstance(given, Sequence) and all(map(_is_name, given))):
        raise TypeError(f"{what} must be a list of names, got {shown(given)}; write for example ['exc'].")
    twice = next((name for name in given if given.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{what} must name each once, got {twice!r} twice; leave one out.")
    return tuple(given)


def _unresolved(error: Exception) -> ValueError | None:
    """The error of a constant that no namespace holds, in one line; None for any other error."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    found = next((m for c in causes if (m := _UNRESOLVED.search(str(c)))), None)
    if found is None:
        return None
    name = repr(found[1])
    return ValueError(
        f"simulate_circuit needs the constant {name}, got none of that name; pass namespace={{{name}: ...}}."
    )


def _made(
    build: object, generators: Sequence[np.random.Generator], constants: Mapping[str, object]
) -> list[Network]:
    if isinstance(build, (Network, b2.Network)):
        if len(generators) > 1:
            raise TypeError(
                "build must be a function of a generator to make several networks, got one network; "
                "use n_networks=1 or a function."
            )
        return [_network(build, constants)]
    if not callable(build):
        raise TypeError(
            f"build must be a function of a generator, or a network, got {shown(build)}; "
            "write def build(rng): ... return Network([...])."
        )
    with building():
        return [_network(build(generator), constants) for generator in generators]


def _network(made: object, constants: Mapping[str, object]) -> Network:
    if isinstance(made, b2.Network):
        made = Network(list(made.objects))
    if not isinstance(made, Network):
        raise TypeError(
            f"build must return a Network or a brian2.Network, got {shown(made)}; "
            "return Network([group, synapses], namespace)."
        )
    if not groups_of(made.objects):
        raise ValueError("a network must have a group of cells, got none; add one.")
    names = [o.name for o in made.objects]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"a network must give each object a name, got two called {twice!r}; rename one.")
    return Network(made.objects, {**constants, **made.namespace})


def _callers_constants() -> dict[str, object]:
    """Quantities and numbers of the function that called `simulate_circuit`."""
    frame = inspect.currentframe()
    caller = frame.f_back.f_back if frame is not None and frame.f_back is not None else None
    if caller is None:
        return {}
    scope = {**caller.f_globals, **caller.f_locals}
    kinds = (Number, b2.Quantity, b2.TimedArray)
    return {name: v for name, v in scope.items() if isinstance(v, kinds) and not name.startswith("_")}


def _monitored(network: Network) -> tuple[list[str], list[str]]:
    """The groups and variables that a network's own monitors record, which the engine records in their place."""
    record, sample = [], []
    for o in network.objects:
        if type(o) is b2.SpikeMonitor:
            record.append(cells_of(o.source).name)
        elif type(o) is b2.StateMonitor:
            sample += [f"{cells_of(o.source).name}.{variable}" for variable in o.record_variables]
    return record, sample


def _without_monitors(network: Network) -> Network:
    kept = [o for o in network.objects if type(o) not in (b2.SpikeMonitor, b2.StateMonitor)]
    return Network(kept, network.namespace)


def _spiking(name: str, groups: Mapping[str, Cells]) -> str:
    known("group to record", name, [g for g, group in groups.items() if group.events])
    return name


def _variable(name: str, states: Mapping[str, Sequence[str]]) -> Ref:
    ref = Ref.read(name)
    known("group to sample", ref.group, states)
    known(f"variable of {ref.group!r} to sample", ref.variable, states[ref.group])
    return ref


def _check_alike(networks: Sequence[Network]) -> None:
    """Raise unless all networks have the same equations and constants."""
    first = _likeness(networks[0])
    for network in networks[1:]:
        if _likeness(network) != first:
            raise ValueError(
                "networks of one batch must have the same equations and constants, got two kinds; "
                "simulate them one by one."
            )


def _likeness(network: Network) -> list[object]:
    """What networks of one batch share."""
    alike: list[object] = [sorted((name, _plain(v)) for name, v in network.namespace.items())]
    for o in network.objects:
        if isinstance(o, b2.PoissonInput):  # which Brian2 gives a name by its number
            alike.append((o.target_var, repr(o.weight), float(o.rate), o.N))
            continue
        alike.append((o.name, type(o), sorted((name, _plain(v)) for name, v in (o.namespace or {}).items())))
        if isinstance(o, b2.NeuronGroup):
            alike.append((str(o.equations), o.events, o.event_codes, str(o._refractory)))
        if isinstance(o, b2.Synapses):
            alike.append([(p.objname, p.code) for p in o._pathways])
            alike.append(
                [(first_cell(end), len(end)) for end in (o.source, o.target) if cells_of(end) is not end]
            )
            alike.append([(name, s.expression.code) for name, s in o.summed_updaters.items()])
    return alike


def _plain(value: object) -> str:
    """A constant as something to compare: arrays and tables by their values, functions by their names."""
    if isinstance(value, b2.TimedArray):
        return f"{np.asarray(value.values).tobytes()!r} every {float(value.dt)}"
    if isinstance(value, (int, float, np.ndarray)):
        return f"{np.asarray(value).tobytes()!r}"
    return getattr(value, "__name__", None) or type(value).__name__
