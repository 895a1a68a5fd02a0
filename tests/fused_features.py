"""What of Brian2 the fused engine covers and what it refuses; `python -m tests.fused_features` prints the table.

Covered features share a few circuits, each run once on both engines; a feature names the variables, or the
groups whose spikes, show it. A refused feature has a circuit of its own, which must be turned away in words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import ms

from spiking import Network
from tests import fused_plastic
from tests.fused_parts import Covered
from tests.fused_parts import group as _group
from tests.fused_parts import synapses as _synapses

__all__ = ["CIRCUITS", "COVERED", "REFUSED", "Refused"]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A feature and the words that the refusal must hold."""

    name: str
    build: Callable[[], list[b2.BrianObject]]
    says: str
    namespace: dict[str, Any] | None = None


def integrators(rng: np.random.Generator) -> Network:
    """One group for each integrator, each under a current of its own."""
    pulled = "dv/dt = (a + w - v) / tau : 1\ndw/dt = (0.3 * v - w) / (2 * tau) : 1\na : 1"
    bent = "dv/dt = (a * (1 - v) - v * (2 + tanh(w))) / tau : 1\ndw/dt = (v - w) / (3 * tau) : 1\na : 1"
    groups = [
        _group("by_exact", pulled, method="exact"),
        _group("by_linear", pulled, method="linear"),
        *(_group(f"by_{m}", bent, method=m) for m in ("euler", "rk2", "rk4", "exponential_euler", "heun")),
    ]
    for group in groups:
        group.a = rng.uniform(1, 3, 4)
        group.v = rng.uniform(0, 1, 4)
    return Network(groups, {"tau": 5 * ms})


def equations(rng: np.random.Generator) -> Network:
    """Functions, and every way in which variables are tied to one another."""
    functions = _group(
        "functions",
        """
        dx/dt = (1 + 0.5 * k - x) / tau : 1
        k : 1 (constant)
        rising = exp(x) + expm1(x) + exprel(x - 0.5) + sinh(x) + tanh(x) + cosh(x) : 1
        turning = sin(x) + cos(x) + tan(x / 2) + arcsin(x / 4) + arccos(x / 4) + arctan(x) : 1
        cut = clip(x, 0.2, 0.6) + sign(x - 0.4) + abs(x - 0.5) + floor(3 * x) + ceil(2 * x) + int(4 * x) : 1
        roots = sqrt(x) + log(x) + log10(x) + log1p(x) + x**3 + x**0.7 + x**-1 : 1
        chosen = int(x > 0.5) * (x % 0.3) + (x // 0.3) : 1
        dup/dt = (rising - up) / tau : 1
        dturned/dt = (turning - turned) / tau : 1
        dstepped/dt = (cut - stepped) / tau : 1
        drooted/dt = (roots - rooted) / tau : 1
        dpicked/dt = (chosen - picked) / tau : 1
        """,
        method="euler",
    )
    functions.x, functions.k = rng.uniform(0.1, 0.9, 4), rng.uniform(0, 1, 4)
    clocked = _group(
        "clocked",
        """
        dx/dt = (steps(t) + lanes(t, i) + t / (10*ms) + 0.1 * i - x) / tau : 1
        held = 2 * x : 1 (constant over dt)
        dy/dt = (held - y) / tau : 1
        n : integer
        flag : boolean
        """,
        method="euler",
    )
    clocked.run_regularly("n = n + 1\nflag = x > 0.4")
    shared = _group(
        "shared",
        "dx/dt = (level + common - x) / tau : 1\nlevel : 1 (shared)\ncommon : 1 (shared)",
        method="euler",
    )
    shared.level, shared.common = 0.7, 1.0
    shared.run_regularly("common = 0.99 * common + 0.001 * level")
    alone = _group("alone", "dx/dt = (1 - x) / tau : 1", n=1, method="exact")
    linked = _group(
        "linked",
        """
        dx/dt = (own + of_one + by_index - x) / tau : 1
        dy/dt = (of_expression + by_index_too - y) / tau : 1
        of_expression : 1 (linked)
        by_index_too : 1 (linked)
        own : 1 (linked)
        of_one : 1 (linked)
        by_index : 1 (linked)
        """,
        method="euler",
    )
    linked.own = b2.linked_var(functions, "x")
    linked.of_one = b2.linked_var(alone, "x")
    linked.by_index = b2.linked_var(functions, "k", index=np.array([2, 0, 3, 1]))
    linked.of_expression = b2.linked_var(functions, "chosen")
    linked.by_index_too = b2.linked_var(functions, "rising", index=np.array([1, 1, 3, 0]))
    namespace = {
        "tau": 5 * ms,
        "steps": b2.TimedArray(np.array([0.1, 0.5, 0.2]), dt=3 * ms, name="steps"),
        "lanes": b2.TimedArray(np.linspace(0, 1, 20).reshape(5, 4) ** 2, dt=1.7 * ms, name="lanes"),
    }
    return Network([functions, clocked, shared, alone, linked], namespace)


def spiking(rng: np.random.Generator) -> Network:
    """Thresholds, resets and the kinds of refractoriness."""
    model = "dv/dt = (a - v) / tau : 1\na : 1\npause : second (constant)"
    guarded = model.replace(": 1\na", ": 1 (unless refractory)\na")
    rules: dict[str, Any] = {"threshold": "v > 1", "reset": "v = 0", "method": "exact"}
    swinging = model.replace("a - v", "a * (1 + sin(t / ms)) - v")
    groups = [
        _group("plain", model, **rules),
        _group("negated", model, **rules | {"threshold": "not v <= 1"}),  # which nan would cross
        _group("resting", guarded, refractory=2 * ms, **rules),
        _group("resting_each", guarded, refractory="pause", **rules),
        _group("resting_while", swinging, threshold="v > 1", refractory="v > 0.9", method="euler"),
        _group(
            "counting", model + "\nn : 1", **rules | {"reset": "v -= 1\nn += 1\na = clip(a - 0.1, 1.2, 9)"}
        ),
    ]
    for group in groups:
        group.a, group.pause = rng.uniform(1.5, 4, 4), rng.uniform(0.5, 3, 4) * ms
    return Network(groups, {"tau": 5 * ms})


def synapses(rng: np.random.Generator) -> Network:
    """Every way in which cells reach one another."""
    source = _group(
        "source",
        "dv/dt = (a - v) / tau : 1\na : 1\nds/dt = -s / tau : 1",
        threshold="v > 1",
        reset="v = 0\ns += 1",
        method="exact",
        n=6,
    )
    source.a = rng.uniform(1.5, 5, 6)
    names = ("fixed", "weighted", "sparse", "delayed", "of_state", "gap", "sum_all", "sum_some", "sum_other")
    target = _group(
        "target",
        "dv/dt = -v / tau : 1\n" + "\n".join(f"d{n}/dt = -{n} / tau : 1" for n in names[:5])
        + "\n" + "\n".join(f"{n} : 1" for n in names[5:]) + "\nk : 1 (constant)",
        method="exact",
        n=5,
    )  # fmt: skip
    target.k, target.v = rng.uniform(0, 1, 5), rng.uniform(0, 1, 5)
    resting = _group(
        "resting",
        "dv/dt = (1.5 - v) / tau : 1 (unless refractory)",
        threshold="v > 1",
        reset="v = 0",
        refractory=3 * ms,
        method="exact",
    )
    row = _group("row", "dx/dt = -x / tau : 1", n=1, method="exact")
    weighted = "w : 1 (constant)"
    made = [
        _synapses(source, target, "to_fixed", on_pre="fixed_post += 0.3"),
        _synapses(source, target, "to_weighted", weighted, on_pre="weighted_post += w"),
        _synapses(source, target, "to_sparse", weighted, on_pre="sparse_post -= 2 * w", delay=1.3 * ms),
        _synapses(source, target, "to_delayed", on_pre="delayed_post += 1", delay=2.07 * ms),  # 21 steps
        _synapses(
            source,
            target,
            "to_state",
            "w : 1\nscaled = 2 * w : 1\nc : 1 (shared)",
            on_pre={"first": "of_state_post += scaled * s_pre * k_post", "second": "of_state_post += c"},
            delay={"second": 0.7 * ms},
        ),
        _synapses(source, target, "to_gap", weighted + "\ngap_post = w * (v_pre - v_post) : 1 (summed)"),
        _synapses(source, target, "to_sum_all", "sum_all_post = 0.2 * s_pre : 1 (summed)"),
        _synapses(source, target, "to_sum_some", weighted + "\nsum_some_post = w * s_pre : 1 (summed)"),
        _synapses(target, target, "within", "sum_other_post = v_pre * (1 + int(i != j)) : 1 (summed)"),
        _synapses(source, resting, "to_resting", on_pre="v_post += 0.2"),
        _synapses(source, row, "to_row", weighted, on_pre="x_post += w"),
    ]
    sparse = {"to_sparse": 0.5, "to_state": 0.6, "to_sum_some": 0.4}
    for one in made:
        n_before, n_behind = len(one.source), len(one.target)
        i, j = np.nonzero(rng.random((n_before, n_behind)) < sparse.get(one.name, 1.1))
        one.connect(i=i, j=j)
        if "w" in one.variables:
            one.w = rng.uniform(0, 1, len(i))
    made[4].c = 0.25
    return Network([source, target, resting, row, *made], {"tau": 5 * ms})


def noise(rng: np.random.Generator) -> Network:
    """Random numbers, in many cells, for tests of their law."""
    n = 1000
    free = "dv/dt = -v / tau + sqrt(2 / tau) * xi : 1"
    groups = [
        _group("by_euler", free, n=n, method="euler"),
        _group("by_heun", "dv/dt = 0.3 * v * xi / sqrt(tau) : 1", n=n, method="heun"),
        _group("by_milstein", "dv/dt = 0.3 * v * xi / sqrt(tau) : 1", n=n, method="milstein"),
        _group("poisson", "n : 1", n=n, threshold="rand() < 0.02", reset="n += 1"),
        _group("jumps", "dv/dt = (2 - v) / tau : 1\nu : 1", n=n, threshold="v > 1", reset="v = -rand()",
               method="exact"),
    ]  # fmt: skip
    groups[1].v = groups[2].v = 1
    groups[4].v = rng.uniform(0, 1, n)
    groups[4].run_regularly("u = u + randn()")
    return Network(groups, {"tau": 5 * ms})


CIRCUITS = {f.__name__: f for f in (integrators, equations, spiking, synapses, noise)}
_I, _E, _S, _Y, _N = CIRCUITS
CIRCUITS |= fused_plastic.CIRCUITS
COVERED = [
    *(
        Covered(name=f"integrator {m}", circuit=_I, shows=(f"by_{m}.v", f"by_{m}.w"))
        for m in ("exact", "linear", "euler", "exponential_euler", "rk2", "rk4", "heun")
    ),
    Covered(name="functions exp, expm1, exprel, sinh, cosh, tanh", circuit=_E, shows=("functions.up",)),
    Covered(name="functions sin, cos, tan, arcsin, arccos, arctan", circuit=_E, shows=("functions.turned",)),
    Covered(name="functions clip, sign, abs, floor, ceil, int", circuit=_E, shows=("functions.stepped",)),
    Covered(name="functions sqrt, log, log10, log1p, powers", circuit=_E, shows=("functions.rooted",)),
    Covered(name="operators %, //, comparisons, and, or, not", circuit=_E, shows=("functions.picked",)),
    Covered(name="subexpressions", circuit=_E, shows=("functions.up", "functions.turned")),
    Covered(name="subexpressions (constant over dt)", circuit=_E, shows=("clocked.y",)),
    Covered(name="t, dt and the cell's index i in equations", circuit=_E, shows=("clocked.x",)),
    Covered(name="TimedArray, of one and of two dimensions", circuit=_E, shows=("clocked.x",)),
    Covered(name="integer and boolean variables", circuit=_E, shows=("clocked.n", "clocked.flag")),
    Covered(name="run_regularly", circuit=_E, shows=("clocked.n",)),
    Covered(name="shared variables", circuit=_E, shows=("shared.x", "shared.common")),
    Covered(name="linked variables, with an index of their own, too", circuit=_E, shows=("linked.x",)),
    Covered(name="variables linked to subexpressions", circuit=_E, shows=("linked.y",)),
    Covered(
        name="thresholds and resets",
        circuit=_S,
        shows=("plain", "plain.v", "negated", "negated.v", "counting", "counting.n"),
    ),
    Covered(name="refractory times", circuit=_S, shows=("resting", "resting.v")),
    Covered(name="refractory times of each cell", circuit=_S, shows=("resting_each", "resting_each.v")),
    Covered(name="refractory conditions", circuit=_S, shows=("resting_while", "resting_while.v")),
    Covered(name="time of the last spike, sampled", circuit=_S, shows=("resting.lastspike",)),
    Covered(name="(unless refractory)", circuit=_S, shows=("resting.v",)),
    Covered(name="synapses all to all with one weight (a sum)", circuit=_Y, shows=("target.fixed",)),
    Covered(name="synapses with a weight each", circuit=_Y, shows=("target.weighted", "row.x")),
    Covered(name="sparse synapses", circuit=_Y, shows=("target.sparse",)),
    Covered(name="delays, one for each pathway", circuit=_Y, shows=("target.delayed", "target.sparse")),
    Covered(name="several pathways of one Synapses object", circuit=_Y, shows=("target.of_state",)),
    Covered(name="on_pre that reads variables of either cell", circuit=_Y, shows=("target.of_state",)),
    Covered(name="synapses onto (unless refractory) variables", circuit=_Y, shows=("resting", "resting.v")),
    Covered(name="summed variables, all to all", circuit=_Y, shows=("target.sum_all",)),
    Covered(name="summed variables, sparse and weighted", circuit=_Y, shows=("target.sum_some",)),
    Covered(name="gap junctions (summed over both cells' voltages)", circuit=_Y, shows=("target.gap",)),
    Covered(name="synapses within a group; i and j in synapses", circuit=_Y, shows=("target.sum_other",)),
    Covered(name="noise xi, integrator euler", circuit=_N, shows=("by_euler.v",)),
    Covered(name="noise xi, integrator heun", circuit=_N, shows=("by_heun.v",)),
    Covered(name="noise xi, integrator milstein", circuit=_N, shows=("by_milstein.v",)),
    Covered(name="rand() in thresholds", circuit=_N, shows=("poisson.n",)),
    Covered(name="rand() in resets", circuit=_N, shows=("jumps.v",)),
    Covered(name="randn()", circuit=_N, shows=("jumps.u",)),
    *fused_plastic.COVERED,
]


def _pair(model: str = "dv/dt = -v / (5*ms) : 1", **options: Any) -> tuple[b2.NeuronGroup, b2.NeuronGroup]:
    rules: dict[str, Any] = {"threshold": "v > 1", "reset": "v = 0", "method": "exact", **options}
    return _group("before", model, **rules), _group("behind", model, **rules)


def _joined(model: str = "", **options: Any) -> list[b2.BrianObject]:
    """Two groups and synapses between them."""
    before, behind = _pair()
    joined = _synapses(before, behind, "joined", model, **options)
    joined.connect()
    return [before, behind, joined]


def _alone(model: str, **options: Any) -> list[b2.BrianObject]:
    return [_group("alone", model, **options)]


def _of_synapses() -> list[b2.BrianObject]:
    objects = _joined("w : 1", on_pre="v_post += w")
    onto = _synapses(objects[0], objects[-1], "onto", on_pre="w_post += 0.1")
    onto.connect(j="i")
    return [*objects, onto]


def _odd_clocks() -> list[b2.BrianObject]:
    return [_pair()[0], b2.NeuronGroup(2, "x : 1", name="odd", clock=b2.Clock(0.25 * ms, name="odd_clock"))]


def _with(make: Callable[[b2.NeuronGroup], Any]) -> list[b2.BrianObject]:
    """A group and what is made for it."""
    group = _pair()[0]
    made = make(group)
    return [group, *([made] if made not in group.contained_objects else [])]


def _linked_to_itself() -> list[b2.BrianObject]:
    group = _group("alone", "dv/dt = (other - v) / (5*ms) : 1\nother : 1 (linked)", method="euler")
    group.other = b2.linked_var(group, "v", index=np.array([1, 2, 3, 0]))
    return [group]


@b2.implementation("numpy", discard_units=True)
@b2.check_units(x=1, result=1)
def doubled(x: Any) -> Any:
    """A function of the user's own."""
    return 2 * x


REFUSED = [
    Refused(
        name="shared variables of synapses that change",
        build=lambda: _joined("c : 1 (shared)", on_pre="c = 1"),
        says="writing to the shared variable 'c'",
    ),
    Refused(name="synapses of synapses", build=_of_synapses, says="synapses of synapses"),
    Refused(name="clocks whose steps are no multiple of the shortest", build=_odd_clocks, says="no multiple"),
    Refused(
        name="network_operation",
        build=lambda: _with(lambda g: b2.NetworkOperation(lambda: None, name="python")),
        says="NetworkOperation",
    ),
    Refused(
        name="monitors among the objects of a circuit",
        build=lambda: _with(lambda g: b2.SpikeMonitor(g, name="monitor")),
        says="SpikeMonitor",
    ),
    Refused(
        name="functions of the user's own",
        build=lambda: _alone("dv/dt = doubled(v) / (5*ms) : 1", method="euler"),
        namespace={"doubled": doubled},
        says="the function 'doubled'",
    ),
    Refused(
        name="integrators of the GNU Scientific Library",
        build=lambda: _alone("dv/dt = -v / (5*ms) : 1", method="gsl_rk2"),
        says="integrators of the GNU Scientific Library",
    ),
    Refused(
        name="variables linked to their own group", build=_linked_to_itself, says="linked to their own group"
    ),
]


def main() -> None:
    print("| Brian2 | fused engine |\n|---|---|")
    for feature in COVERED:
        print(f"| {feature.name} | covered |")
    for refused in REFUSED:
        print(f"| {refused.name} | refused |")


if __name__ == "__main__":
    main()
