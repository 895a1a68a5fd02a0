"""Circuits of Brian2's features that change synapses, delay spikes one by one, or bring spikes in from outside."""

from __future__ import annotations

from typing import Any

import brian2 as b2
import numpy as np
from brian2 import Hz, ms

from spiking import Network
from tests.fused_parts import Covered, group, synapses

__all__ = ["CIRCUITS", "COVERED"]

_TAU = {"tau": 5 * ms}
_CELL = "dv/dt = (a - v) / tau : 1\na : 1\nds/dt = -s / tau : 1"


def _spiking(rng: np.random.Generator, name: str, n: int) -> b2.NeuronGroup:
    """Cells that fire every 1 to 4 ms, and keep a trace of it."""
    made = group(name, _CELL, n=n, threshold="v > 1", reset="v = 0\ns += 1", method="exact")
    made.a, made.v = rng.uniform(1.5, 5, n), rng.uniform(0, 1, n)
    return made


def _connect(rng: np.random.Generator, made: b2.Synapses, p: float = 1.0) -> b2.Synapses:
    """Pairs in any order, each with values of its own."""
    pairs = np.argwhere(rng.random((len(made.source), len(made.target))) < p)
    rng.shuffle(pairs)
    made.connect(i=pairs[:, 0], j=pairs[:, 1])
    for name in {"w", "x", "y"} & set(made.equations.names):
        setattr(made, name, rng.uniform(0.2, 1, len(pairs)))
    return made


def delays(rng: np.random.Generator) -> Network:
    """Spikes that reach one target sooner than another."""
    source = _spiking(rng, "source", 6)
    names = ("dense", "sparse", "double", "scaled")
    model = "\n".join(f"d{n}/dt = -{n} / tau : 1" for n in names)
    target = group("target", model + "\nx : 1", n=5, method="exact")
    alone = group("alone", "dx/dt = -x / tau : 1", n=1, method="exact")
    weighted = "w : 1"
    made = [
        synapses(source, target, "to_dense", on_pre="dense_post += 1"),
        synapses(source, target, "to_sparse", weighted, on_pre="sparse_post -= w"),
        synapses(
            source, target, "to_double", weighted, on_pre={"a": "double += w", "b": "double -= 0.5 * w"}
        ),
        synapses(source, target, "to_scaled", weighted, on_pre="scaled = 0.9 * scaled + w * s_pre"),
        synapses(source, alone, "to_alone", on_pre="x_post += 1"),
        synapses(source, source, "within", weighted, on_pre="v_post += 0.05 * w"),
    ]
    for one in made:
        _connect(rng, one, 0.5 if one.name == "to_sparse" else 1.0)
    for pathway in (made[0].pre, made[1].pre, made[2].a, made[3].pre, made[4].pre, made[5].pre):
        pathway.delay = rng.uniform(0, 3, len(pathway.delay)) * ms
    made[2].b.delay = 2 * ms
    return Network([source, target, alone, *made], _TAU)


def plasticity(rng: np.random.Generator) -> Network:
    """Synapses with a state of their own."""
    source, target = _spiking(rng, "source", 6), _spiking(rng, "target", 5)
    listener = group(
        "listener", "dg/dt = -g / tau : 1\nh : 1\nset_to : 1\nbounded : 1\nnmda : 1", n=5, method="exact"
    )
    made = [
        synapses(
            source,
            target,
            "stdp",
            """w : 1
            dp/dt = -p / tau : 1 (event-driven)
            dq/dt = -q / (2 * tau) : 1 (event-driven)""",
            on_pre="v_post += 0.01 * w\np += 0.1\nw = clip(w - q, 0, 1.5)",
            on_post="q += 0.05\nw = clip(w + p, 0, 1.5)",
        ),
        synapses(
            source,  # Tsodyks and Markram 1997: x of resources, y of use
            listener,
            "depressing",
            """w : 1
            dx/dt = (1 - x) / (4 * tau) : 1 (event-driven)
            dy/dt = (0.2 - y) / (8 * tau) : 1 (event-driven)""",
            on_pre="y += 0.2 * (1 - y)\ng_post += w * x * y\nx -= x * y",
        ),
        synapses(
            source,
            listener,
            "driven",
            """dx/dt = -x / tau + 0.5 * y * (1 - x) / tau : 1 (clock-driven)
            dy/dt = -y / (2 * tau) : 1 (clock-driven)
            w : 1
            nmda_post = w * x : 1 (summed)""",
            on_pre="y += 1",
            method="euler",
        ),
        synapses(source, listener, "setting", "w : 1", on_pre="set_to_post = w"),
        synapses(source, listener, "bounding", "w : 1", on_pre="bounded_post += w * (2 - bounded_post)"),
        synapses(source, target, "backward", on_post={"late": "s_pre += 0.1", "soon": "a_pre *= 0.999"}),
        synapses(source, target, "regular", "w : 1", on_pre="w *= 0.9"),
    ]
    for one in made:
        _connect(rng, one, 0.6 if one.name in ("stdp", "setting") else 1.0)
    made[0].pre.delay = rng.uniform(0, 1, len(made[0])) * ms
    made[5].late.delay = rng.uniform(0, 2, len(made[5])) * ms
    made[6].run_regularly("w += 0.01 * (i + 1)", dt=0.5 * ms)
    return Network([source, target, listener, *made], _TAU)


def inputs(rng: np.random.Generator) -> Network:
    """Spikes that are known beforehand."""
    target = group("target", "dx/dt = -x / tau : 1\ndy/dt = -y / tau : 1", method="exact")
    steps = np.sort(rng.choice(300, 40, replace=False))
    once = b2.SpikeGeneratorGroup(5, rng.integers(0, 5, 40), steps * 0.1 * ms, dt=0.1 * ms, name="once")
    again = b2.SpikeGeneratorGroup(
        3, [0, 1, 1, 2], [0, 1, 2.5, 2.5] * ms, period=3 * ms, dt=0.1 * ms, name="again"
    )
    made = [
        synapses(once, target, "from_once", "w : 1", on_pre="x_post += w", delay=0.5 * ms),
        synapses(again, target, "from_again", "w : 1", on_pre="y_post += w"),
    ]
    for one in made:
        _connect(rng, one)
    return Network([once, again, target, *made], _TAU)


def parts(rng: np.random.Generator) -> Network:
    """Subgroups, counts of cells, times of spikes, other events, and clocks of different steps."""
    source = _spiking(rng, "source", 6)
    target = group(
        "target", "dx/dt = -x / tau : 1\ndy/dt = -y / tau : 1\nz : 1\nback : 1\npart : 1", n=5, method="exact"
    )
    target.part = 7.0
    made = [
        synapses(target, source, "returning", "w : 1\nback_pre = w * s_post : 1 (summed)"),
        synapses(source[1:4], target[2:4], "some", "w : 1\npart_post = w * s_pre : 1 (summed)"),
        synapses(source[2:5], target[1:], "between", "w : 1", on_pre="x_post += w * (1 + i + 10 * j)"),
        synapses(source, target[3:], "onto", on_pre="y_post += 1 / N_pre + N_post"),
    ]
    for one in made:
        _connect(rng, one)
    made[2].delay = rng.uniform(0, 1, len(made[2])) * ms
    timed = group(
        "timed",
        """dv/dt = (a - v + 0.1 * exp(-(t - lastspike) / ms)) / tau : 1 (unless refractory)
        dlate/dt = clip(lastspike / ms, 0, 100) / N / ms : 1
        a : 1""",
        threshold="v > 1",
        reset="v = 0",
        refractory=1 * ms,
        method="euler",
    )
    timed.a = rng.uniform(1.5, 4, 4)
    eventful = group(
        "eventful",
        "dv/dt = (a - v) / tau : 1\na : 1\nn_high : 1",
        threshold="v > 1",
        reset="v = 0",
        events={"high": "v > 0.8"},
        method="exact",
    )
    eventful.a = rng.uniform(1.5, 4, 4)
    eventful.run_on_event("high", "n_high += 1")
    hearing = synapses(eventful, target, "hearing", on_pre={"up": "z_post += 1"}, on_event={"up": "high"})
    _connect(rng, hearing)
    slow = group(
        "slow", "dv/dt = (a - v + 0 * t / ms) / tau : 1\na : 1\nn : 1", threshold="v > 1", reset="v = 0",
        refractory=2 * ms, dt=0.5 * ms, method="euler",
    )  # fmt: skip
    slow.a = rng.uniform(2, 4, 4)
    slow.run_regularly("n += a", dt=1.5 * ms)
    waiting = synapses(slow, target, "waiting", "w : 1", on_pre="y_post += w", delay=1 * ms, dt=0.5 * ms)
    _connect(rng, waiting)
    return Network([source, target, timed, eventful, slow, *made, hearing, waiting], _TAU)


def drawn(rng: np.random.Generator) -> Network:
    """Random spikes and random synapses, in many cells, for tests of their law."""
    n = 1000
    rates = rng.uniform(20, 400, n)
    every = b2.PoissonGroup(n, rates * Hz, dt=0.1 * ms, name="every")
    varied = b2.PoissonGroup(n, "(50 + 300 * t / (30*ms)) * Hz", dt=0.1 * ms, name="varied")
    heard = group("heard", "every : 1\nvaried : 1\nchance : 1", n=n)
    counting = group("counting", "few : 1\nmany : 1\nm : 1", n=n)
    counting.m = 3.0
    counting.run_regularly("few += poisson(0.1 * m)\nmany += poisson(20)")
    bathed = group("bathed", "dv/dt = -v / tau : 1\nu : 1\nw : 1", n=n, method="exact")
    baths: list[Any] = [
        b2.PoissonInput(bathed, "v", 20, 100 * Hz, 0.3),
        b2.PoissonInput(bathed[: n // 2], "w", 1000, 200 * Hz, 0.1),
    ]
    made = [
        synapses(every, heard, "hears", on_pre={"pre": "every_post += 1", "odds": "chance_post += rand()"}),
        synapses(varied, heard, "hears_varied", on_pre="varied_post += 1"),
    ]
    for one in made:
        one.connect(j="i")
    return Network([every, varied, heard, counting, bathed, *baths, *made], _TAU)


CIRCUITS = {f.__name__: f for f in (delays, plasticity, inputs, parts, drawn)}
_D, _P, _I, _S, _R = CIRCUITS
COVERED = [
    Covered(name="different delays in one pathway", circuit=_D, shows=("target.dense", "alone.x", "source")),
    Covered(name="different delays of sparse synapses", circuit=_D, shows=("target.sparse",)),
    Covered(
        name="different delays of several pathways", circuit=_D, shows=("target.double", "target.scaled")
    ),
    Covered(name="STDP: on_pre and on_post", circuit=_P, shows=("stdp.w", "stdp.p", "target.v", "target")),
    Covered(name="short-term depression and facilitation", circuit=_P, shows=("listener.g", "depressing.x")),
    Covered(
        name="event-driven differential equations of synapses", circuit=_P, shows=("depressing.y", "stdp.q")
    ),
    Covered(
        name="clock-driven differential equations of synapses", circuit=_P, shows=("driven.x", "driven.y")
    ),
    Covered(name="summed variables of synaptic variables that change", circuit=_P, shows=("listener.nmda",)),
    Covered(name="synapses that set instead of add", circuit=_P, shows=("listener.set_to",)),
    Covered(name="synapses that read what they write", circuit=_P, shows=("listener.bounded",)),
    Covered(name="synapses that write to the presynaptic cell", circuit=_P, shows=("source.s", "source")),
    Covered(name="run_regularly of synapses", circuit=_P, shows=("regular.w",)),
    Covered(name="SpikeGeneratorGroup, with a period, too", circuit=_I, shows=("once", "again", "target.x")),
    Covered(name="subgroups as source and target", circuit=_S, shows=("target.x", "target.y")),
    Covered(name="summed variables of the presynaptic cell", circuit=_S, shows=("target.back",)),
    Covered(name="summed variables of subgroups", circuit=_S, shows=("target.part",)),
    Covered(name="the numbers of cells N, N_pre and N_post", circuit=_S, shows=("target.y", "timed.late")),
    Covered(name="lastspike in equations", circuit=_S, shows=("timed", "timed.v", "timed.late")),
    Covered(name="events other than spikes", circuit=_S, shows=("eventful.n_high", "target.z")),
    Covered(name="several clocks", circuit=_S, shows=("slow", "slow.v", "target.y")),
    Covered(name="run_regularly with a time step of its own", circuit=_S, shows=("slow.n",)),
    Covered(name="PoissonGroup", circuit=_R, shows=("heard.every",)),
    Covered(name="PoissonGroup, rates that change in time", circuit=_R, shows=("heard.varied",)),
    Covered(name="PoissonInput", circuit=_R, shows=("bathed.v",)),
    Covered(name="PoissonInput of a subgroup, many sources", circuit=_R, shows=("bathed.w",)),
    Covered(name="poisson()", circuit=_R, shows=("counting.few",)),
    Covered(name="poisson() of large means", circuit=_R, shows=("counting.many",)),
    Covered(name="random numbers in synapses", circuit=_R, shows=("heard.chance",)),
]
