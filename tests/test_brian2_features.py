"""Brian2's own feature tests (`brian2.tests.features`) on the fused engine, as a device of Brian2's.

Each runs on Brian2's default device and on ours and is judged by its own `check`, or by Brian2's comparison of
arrays at Brian2's strict tolerance. That comparison is written again in `_compare`, since the original negates
truth values by `-`, which NumPy no longer does. The command that runs all tests (`run_feature_tests`) is Python 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms
from brian2.tests.features import base
from brian2.tests.features.input import SpikeGeneratorGroupTest
from brian2.tests.features.monitors import SpikeMonitorTest, StateMonitorTest
from brian2.tests.features.neurongroup import (
    NeuronGroupIntegrationEuler,
    NeuronGroupIntegrationLinear,
    NeuronGroupLIF,
    NeuronGroupLIFRefractory,
)
from brian2.tests.features.synapses import SynapsesPost, SynapsesPre, SynapsesSTDP

from spiking.engines.device import NAME

STRICT = 1e-5  # of `run_feature_tests`
FEATURES = [
    NeuronGroupIntegrationLinear,
    NeuronGroupIntegrationEuler,
    NeuronGroupLIF,
    NeuronGroupLIFRefractory,
    SynapsesPre,
    SynapsesPost,
    SynapsesSTDP,
    SpikeGeneratorGroupTest,
    SpikeMonitorTest,
    StateMonitorTest,
]


class NumpyConfiguration(base.Configuration):  # type: ignore[misc]  # Brian2 has no type hints
    """Brian2's own device, without compiling."""

    name = "reference"

    def before_run(self) -> None:
        b2.set_device("runtime")
        b2.prefs.codegen.target = "numpy"


class FusedConfiguration(base.Configuration):  # type: ignore[misc]
    """The fused engine."""

    name = "fused"

    def before_run(self) -> None:
        b2.set_device(NAME)
        b2.prefs.codegen.target = "numpy"  # of what is evaluated while objects are made


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Brian2's device and preferences are global."""
    target = b2.prefs.codegen.target
    state = np.random.get_state()  # noqa: NPY002 - Brian2's features seed NumPy's global generator
    yield
    b2.set_device("runtime")
    b2.prefs.codegen.target = target
    np.random.set_state(state)  # noqa: NPY002


def _run(feature: type[Any], configuration: type[Any]) -> Any:
    """What a feature test leaves."""
    b2.start_scope()
    b2.defaultclock.dt = 0.1 * ms
    chosen, made = configuration(), feature()
    chosen.before_run()
    made.run()
    chosen.after_run()
    return made.results()


def _compare(a: Any, b: Any) -> None:
    """Brian2's `compare_arrays`: relative errors where the first is not 0, and 0 where it is."""
    if isinstance(a, dict):
        for key in a:
            _compare(a[key], b[key])
        return
    if isinstance(a, tuple):
        for one, other in zip(a, b, strict=True):
            _compare(one, other)
        return
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    assert a.shape == b.shape
    assert a.size
    assert np.abs(a).max() > 0
    some = a != 0
    assert np.abs((a[some] - b[some]) / a[some]).max() <= STRICT
    assert (b[~some] == 0).all()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.__name__)
def test_brian2s_own_feature_tests_pass(feature: type[Any]) -> None:
    ours = _run(feature, FusedConfiguration)
    if "check" in vars(feature):
        feature().check(STRICT, ours)
        return
    _compare(_run(feature, NumpyConfiguration), ours)


def test_these_are_all_of_brian2s_feature_tests() -> None:
    assert {f.__name__ for f in base.FeatureTest.__subclasses__()} == {f.__name__ for f in FEATURES}


def _script() -> dict[str, np.ndarray]:
    """A script with every kind of monitor, subgroups, two time steps and plastic synapses."""
    b2.start_scope()
    b2.defaultclock.dt = 0.1 * ms
    group = b2.NeuronGroup(
        6, "dv/dt = (a - v) / (5*ms) : 1\na : 1", threshold="v > 1", reset="v = 0", method="exact"
    )
    group.a = np.linspace(1.2, 3, 6)
    part = group[2:5]
    plastic = b2.Synapses(part, group[1:4], "w : 1", on_pre="v_post += 0.01 * w\nw += 1", on_post="w *= 0.9")
    plastic.connect(condition="i != j")
    plastic.w = "i + 10 * j"
    plastic.pre.delay = "(1 + i) * ms"
    spikes, rate = b2.SpikeMonitor(part), b2.PopulationRateMonitor(part)
    weights = b2.StateMonitor(plastic, "w", record=[5, 1], dt=0.5 * ms)
    membranes = b2.StateMonitor(part, "v", record=[0, 2])
    b2.run(40 * ms)
    return {
        "i": spikes.i[:], "t": spikes.t_[:], "count": spikes.count[:], "rate": rate.rate_[:], "rate_t": rate.t_[:],
        "w": weights.w[:], "w_t": weights.t_[:], "v": membranes.v[:], "last_w": plastic.w[:], "last_v": group.v[:],
        "time": np.array([float(b2.magic_network.t_), b2.defaultclock.variables["t"].get_value().item()]),
    }  # fmt: skip


def test_a_script_leaves_what_it_leaves_in_brian2() -> None:
    """Last values, spikes, samples and rates, in Brian2's own order of synapses."""
    NumpyConfiguration().before_run()
    reference = _script()
    FusedConfiguration().before_run()
    ours = _script()
    assert reference["count"].min() > 2
    for name, values in reference.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-5, err_msg=name)


def test_brian2s_seed_decides_what_is_drawn() -> None:
    FusedConfiguration().before_run()
    drawn = []
    for seed in (1, 1, 2):
        b2.start_scope()
        b2.seed(seed)
        source = b2.PoissonGroup(50, 100 * Hz)
        spikes = b2.SpikeMonitor(source)
        b2.run(50 * ms)
        drawn.append(list(zip(spikes.i[:], spikes.t_[:], strict=True)))
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_second_run_and_what_is_not_covered_are_refused_in_words() -> None:
    FusedConfiguration().before_run()
    b2.start_scope()
    group = b2.NeuronGroup(2, "dv/dt = -v / (5*ms) : 1", method="exact")
    network = b2.Network(group)
    network.run(1 * ms)
    with pytest.raises(NotImplementedError, match="must run once on the device 'fortyhertz', got a second"):
        network.run(1 * ms)
    late = b2.StateMonitor(group, "v", record=True, when="end", name="late")
    other = b2.Network(b2.NeuronGroup(1, "v : 1"), late, group)
    with pytest.raises(ValueError, match="a StateMonitor with when='end'"):
        other.run(1 * ms)
