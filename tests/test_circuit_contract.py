"""The contract of a circuit: what its author writes is enough, on both engines, and what breaks it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import brian2 as b2
import numpy as np
import pytest
import torch
from brian2 import ms
from doubles import DrawnThresholds

from bridge import SpikingHead, compare_scores, count, fit_softmax
from spiking import (
    Brian2,
    EscapeRate,
    Fused,
    GammaCircuit,
    GammaParams,
    Row,
    RowCircuit,
    Streams,
    Wiring,
)
from spiking.cells.conductance import TRAUB_MILES
from spiking.circuits.ping_attention import PingAttention
from spiking.circuits.two_pools import TwoPools

SCORES = np.random.default_rng(1).normal(0, 1.5, (5, 4))
MASK = np.array([[True] * 4] * 3 + [[True, True, False, False], [False, False, False, True]])

EXC = """
    dv/dt = (12 + u - g - v) / (10*ms) : 1
    dg/dt = -g / (8*ms) : 1
    dh/dt = exp(v - 10) / ms : 1
    q : 1
    u : 1 (constant)
"""


@dataclass(frozen=True, kw_only=True)
class Outside(RowCircuit):
    """A circuit outside the package: the E cells of a textbook, one I cell, direct synapses, a refractory time."""

    n_cells: int = 5
    temperature: float = 1.0
    gain: float = 1.0
    random: bool = False  # E cells reach the I cell with a probability of .8 and a weight of their own

    def build(self, row: Row) -> Wiring:
        exc = b2.NeuronGroup(
            row.n_keys * self.n_cells,
            EXC,
            threshold="h > q",
            reset="v -= 1; h = 0; q = -log(rand())",
            refractory=2 * ms,
            method="euler",
            dt=0.1 * ms,
            name="exc",
        )
        inh = b2.NeuronGroup(
            1,
            "dv/dt = -v / (2*ms) : 1",
            threshold="v > 3",
            reset="v = 0",
            method="exact",
            dt=0.1 * ms,
            name="inh",
        )
        excite = b2.Synapses(
            exc, inh, "w : 1", on_pre="v_post += w", delay=1 * ms, dt=0.1 * ms, name="excite"
        )
        inhibit = b2.Synapses(inh, exc, on_pre="g_post += 8", delay=1 * ms, dt=0.1 * ms, name="inhibit")
        if self.random:
            excite.connect(i=np.flatnonzero(row.rng.random(len(exc)) < 0.8), j=0)
            excite.w = row.rng.uniform(0.5, 1.5, len(excite))
        else:
            excite.connect()
            excite.w = 1
        inhibit.connect()
        return Wiring(
            [exc, inh, excite, inhibit],
            scores="exc.u",
            counts="exc",
            field="exc.g",
            start={"exc.v": "5 * rand()", "exc.q": "-log(rand())"},
            settle_ms=20,
        )


def drawn(n_cells: int) -> DrawnThresholds:
    return DrawnThresholds(drawn=np.random.default_rng(0).exponential(size=(300, 8 * n_cells)), drive=14.5)


NOISE_DRAWN: dict[str, Callable[[], RowCircuit]] = {
    "gamma": lambda: GammaCircuit(GammaParams(n_cells=5, cell=drawn(5), gain=1.0)),
    "regular": lambda: GammaCircuit(GammaParams.regular(n_cells=5)),
    "two pools": lambda: TwoPools(n_cells=5, cell=drawn(5)),
    "ping attention": lambda: PingAttention(noise_uA_cm2=1e-9),
}


@pytest.mark.parametrize("name", NOISE_DRAWN)
def test_both_engines_give_the_same_spikes_from_the_same_noise(name: str) -> None:
    """In double precision; rows begin alike on both engines, and what is drawn later comes from a table."""
    circuit = NOISE_DRAWN[name]()
    runs = [
        circuit.attend(SCORES[:1], rng=Streams(3), duration_ms=60, engine=engine)
        for engine in (Brian2(), Fused("float64"))
    ]
    a, b = (run.spikes for run in runs)
    assert len(a) > 10
    order = [np.lexsort((s.cell, s.key, np.round(s.time_ms, 2))) for s in (a, b)]
    for part in ("key", "cell"):
        np.testing.assert_array_equal(getattr(a, part)[order[0]], getattr(b, part)[order[1]])
    np.testing.assert_allclose(a.time_ms[order[0]], b.time_ms[order[1]], atol=1e-6)
    np.testing.assert_allclose(runs[0].field, runs[1].field, rtol=1e-4, atol=1e-4)
    for group, n in runs[0].other_counts.items():
        np.testing.assert_array_equal(n, runs[1].other_counts[group])


@pytest.mark.parametrize("random", [False, True], ids=["built once", "each row built"])
@pytest.mark.parametrize("engine", [Fused(), Brian2()], ids=["fused", "brian2"])
def test_a_circuit_from_outside_attends(engine: Any, random: bool) -> None:
    """Ragged rows, masks, budgets, counts alone: as the shipped circuit does."""
    circuit = Outside(random=random)
    selection = circuit.attend(
        SCORES, rng=np.random.default_rng(0), duration_ms=100, mask=MASK, engine=engine
    )
    assert (selection.counts[~MASK] == 0).all()
    assert (selection.counts[:3].sum(axis=1) > 5).all()
    assert selection.field.shape == (5, 100)
    assert selection.field[0].max() > 0
    assert (selection.other_counts["inh"][:3] > 0).all()
    np.testing.assert_array_equal(selection.n_cells["exc"], 5 * MASK.sum(axis=1))
    short = circuit.attend(
        SCORES, rng=np.random.default_rng(0), spikes=8, mask=MASK, engine=engine, record="counts"
    )
    assert (short.counts.sum(axis=1) >= 8).all()
    assert len(set(short.row_ms)) > 1


@pytest.mark.parametrize("random", [False, True], ids=["built once", "each row built"])
def test_a_row_of_it_is_the_same_row_in_any_batch(random: bool) -> None:
    circuit = Outside(random=random)
    whole = circuit.attend(SCORES, rng=Streams(5), duration_ms=100, mask=MASK)
    some = circuit.attend(
        SCORES[[3, 1]], rng=Streams(5, np.array([3, 1])), duration_ms=100, mask=MASK[[3, 1]]
    )
    np.testing.assert_array_equal(some.counts, whole.counts[[3, 1]])
    np.testing.assert_array_equal(some.field, whole.field[[3, 1]])


def test_rows_are_built_once_unless_their_wiring_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []
    plain = Outside.build
    monkeypatch.setattr(Outside, "build", lambda self, row: built.append(row.n_keys) or plain(self, row))
    for random, expected in ((False, [2, 3]), (True, [2, *[4] * 2, *[7] * 12])):
        built.clear()
        circuit = Outside(
            n_cells=6, random=random, temperature=1.5
        )  # reads two keys, and probes two rows of four
        circuit.attend(np.zeros((12, 7)), rng=np.random.default_rng(0), spikes=1, record="counts")
        assert built == expected


def test_it_is_fitted_compared_counted_and_swapped() -> None:
    circuit = Outside()
    scores = np.random.default_rng(2).normal(0, 1, (48, 4))
    counts = circuit.attend(scores, rng=np.random.default_rng(0), duration_ms=500, record="counts").counts
    assert 0.5 < fit_softmax(counts, scores).beta < 1.2
    compared = compare_scores(scores, circuit, duration_ms=100, rng=np.random.default_rng(0))
    assert compared["total_variation"].summary().spiking < 0.5
    head = SpikingHead(circuit, spikes=16)
    with count() as counter:
        head(*torch.randn(3, 1, 2, 6, 8, generator=torch.Generator().manual_seed(0)))
    assert head.usage.rows == 12
    assert head.usage.unknown_rows == 0
    usage, cells = counter.bill().usage, 6 * 5 + 1
    assert usage.updates == cells * round(usage.simulated_ms / 0.1)
    assert usage.events.synops >= usage.spikes + usage.other_spikes  # each spike passes a synapse at least


def test_a_time_dependent_input_reaches_every_row() -> None:
    """Theta: drive that comes and goes at 8 Hz, written as an equation in t."""

    class Theta(Outside):
        def build(self, row: Row) -> Wiring:
            wiring = super().build(row)
            exc = wiring.objects[0]
            exc.run_regularly("v += 0.02 * sin(2 * pi * 8 * Hz * t)", when="start", name="theta")
            return wiring

    selection = Theta().attend(np.zeros((24, 4)), rng=np.random.default_rng(0), duration_ms=1000)
    time_s = selection.spikes.time_ms / 1000 + 0.02
    locked = np.abs(np.exp(2j * np.pi * 8 * time_s).mean())
    plain = Outside().attend(np.zeros((24, 4)), rng=np.random.default_rng(0), duration_ms=1000)
    unlocked = np.abs(np.exp(2j * np.pi * 8 * (plain.spikes.time_ms / 1000 + 0.02)).mean())
    assert locked > 4 / np.sqrt(len(time_s))  # four standard errors of a uniform phase's mean
    assert locked > 2 * unlocked


class Broken(Outside):
    """A circuit whose wiring a test breaks."""

    change: Callable[[Wiring], Any] = staticmethod(lambda wiring: wiring)

    def build(self, row: Row) -> Wiring:
        return type(self).change(super().build(row))


def _renamed(wiring: Wiring) -> Wiring:
    twin = b2.NeuronGroup(2, "v : 1", name="inh")
    return replace(wiring, objects=[*wiring.objects, twin])


def _unequal(wiring: Wiring) -> Wiring:
    odd = b2.NeuronGroup(5, EXC, threshold="h > q", reset="h = 0", method="euler", dt=0.1 * ms, name="odd")
    return replace(wiring, objects=[*wiring.objects, odd], counts="odd")


def _deaf(wiring: Wiring) -> Wiring:
    deaf = b2.NeuronGroup(
        len(wiring.objects[0]), EXC.replace("+ u", "") + "w : 1 (constant)", threshold="h > q", reset="h = 0",
        method="euler", dt=0.1 * ms, name="deaf",
    )  # fmt: skip
    return replace(wiring, objects=[*wiring.objects, deaf], counts="deaf", scores="deaf.w")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: None, r"must return a Wiring from build\(\), got NoneType"),
        (lambda w: replace(w, counts="cells"), r"must count .*, got counts='cells'; use one of exc, inh\."),
        (lambda w: replace(w, scores="exc.s"), r"must name a state variable as scores, got 'exc\.s'"),
        (
            lambda w: replace(w, scores="u"),
            r'scores: a variable must be written "group\.variable", got \'u\'',
        ),
        (lambda w: replace(w, scores="exc.v"), r"must take scores in a parameter, got the state variable"),
        (_deaf, r"must read its scores, got deaf\.w in no equation"),
        (
            _unequal,
            r"must give every key as many cells of the counted group, got 5 cells of 'odd' for 2 keys",
        ),
        (_renamed, r"must give each object a name, got two called 'inh'"),
        (lambda w: replace(w, field="exc.lfp"), r"must name a state variable as field, got 'exc\.lfp'"),
        (lambda w: replace(w, sample=("pool.v",)), r"must name a variable of its groups as sample"),
        (
            lambda w: replace(w, start={"exc.w": "1"}),
            r"start must name variables .*, got 'exc\.w'; known: .*exc\.v",
        ),
        (lambda w: replace(w, start={"exc.v": "rand("}), r"the start of exc\.v must be an expression"),
        (lambda w: replace(w, objects=w.objects[:1] + w.objects[2:]), r"must list both ends of the synapses"),
        (lambda w: replace(w, objects=[*w.objects, 3]), r"must wire Brian2 objects, got 3"),
        (
            lambda w: b2.NeuronGroup(2, "e : 1", name="own"),
            r"must give no variable a name that Brian2 reserves, got 'e', which is the name of a constant; "
            r"rename it in the equations\.",
        ),
        (
            lambda w: b2.NeuronGroup(2, "dx/dt = (1 - x) / ms : 1\nt : second", name="own"),
            r"must give no variable a name .*, got 't', which has a special meaning in equations; rename",
        ),
        (
            lambda w: replace(w, namespace={"ms": 2.0}),
            r"must give no constant a name that Brian2 reserves, got 'ms' = 2\.0, which is the name of a unit; "
            r"rename it in the namespace and in the equations\.",
        ),
        (lambda w: replace(w, start={"exc.q": "1e9"}), r"must spike within 320 ms of a probe, got no spike"),
    ],
)
def test_a_circuit_that_breaks_the_contract_is_refused_when_it_is_made(
    change: Callable[[Wiring], Any], says: str
) -> None:
    Broken.change = staticmethod(change)
    with pytest.raises((ValueError, TypeError), match=says) as refused:
        Broken()
    message = str(refused.value)
    assert message.startswith("Broken") or message.startswith(("start must", "the start of"))
    assert "\n" not in message


def test_reserved_names_that_mean_what_brian2_means_or_are_not_read_are_taken() -> None:
    """A namespace may hold whole tables of units, and constants of synapses that end in _pre."""

    class Wide(Outside):
        def build(self, row: Row) -> Wiring:
            return replace(super().build(row), namespace={"ms": ms, "e": 5.0, "tau_pre": 20 * ms})

    assert Wide().attend(np.zeros((1, 2)), rng=np.random.default_rng(0), duration_ms=40).counts.sum() > 0


def test_an_action_potential_that_counts_in_every_step_is_refused() -> None:
    """Traub-Miles cells stay above threshold for a millisecond: with no refractory condition each step counts."""

    class Again(PingAttention):
        def build(self, row: Row) -> Wiring:
            wiring = super().build(row)
            exc = wiring.objects[0]
            exc._refractory = False
            plain = b2.NeuronGroup(
                len(exc), TRAUB_MILES + "i_syn = 0*amp/meter**2 : amp/meter**2\n"
                "i_app = (0.05 + 0.0001 * u) * amp/meter**2 : amp/meter**2\nu : 1 (constant)",
                threshold="v > -20*mV", method="heun", dt=0.02 * ms, name="plain", namespace=exc.namespace,
            )  # fmt: skip
            return Wiring([plain], scores="plain.u", counts="plain", start={"plain.v": "-70*mV"})

    with pytest.raises(
        ValueError, match=r"Again must count an action potential once, got \d+% of the spikes"
    ):
        Again()


def test_the_cells_of_a_stranger_in_the_gamma_circuit_are_looked_at() -> None:
    class Silent(EscapeRate):
        """Another class, and a drive that never fires it."""

    with pytest.raises(
        ValueError, match="GammaCircuit must spike within 400 ms of a probe, got no spike of 'exc'"
    ):
        GammaCircuit(GammaParams(cell=Silent(drive=-50.0), gain=1.0))


@pytest.mark.parametrize("engine", [Fused(), Brian2()], ids=["fused", "brian2"])
def test_constants_may_differ_between_rows(engine: Any) -> None:
    """A row of higher thresholds has fewer I spikes; one whose constants are the circuit's own is as without."""
    circuit = TwoPools(n_cells=5)
    rng, scores = Streams(1), np.tile(SCORES[:1], (3, 1))
    options: dict[str, Any] = {"duration_ms": 100, "engine": engine}
    given = circuit.attend(
        scores, rng=rng, constants={"basket.tau": np.array([2e-3, 2e-3, 20e-3])}, **options
    )
    plain = circuit.attend(scores, rng=rng, **options)
    basket = given.other_counts["basket"]
    assert basket[2] < 0.7 * basket[:2].mean()
    if engine.takes_streams:
        np.testing.assert_array_equal(given.counts[:2], plain.counts[:2])


@pytest.mark.parametrize(
    ("constants", "says"),
    [
        (
            {"basket.size": np.ones(3)},
            r"TwoPools must have each constant as a parameter of a group, got 'basket",
        ),
        (
            {"basket.tau": np.ones(2)},
            r"constants\['basket\.tau'\] must be a finite number for each of 3 rows",
        ),
    ],
)
def test_constants_that_cannot_be_are_refused(constants: dict[str, np.ndarray], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TwoPools(n_cells=5).attend(np.zeros((3, 2)), rng=Streams(0), duration_ms=50, constants=constants)


@pytest.mark.parametrize("engine", [Fused(), Brian2()], ids=["fused", "brian2"])
def test_spikes_of_all_groups_are_kept_where_all_are_asked_for(engine: Any) -> None:
    options: dict[str, Any] = {"rng": Streams(1), "duration_ms": 100, "engine": engine}
    whole = TwoPools(n_cells=5).attend(SCORES, record="all", **options)
    plain = TwoPools(n_cells=5).attend(SCORES, **options)
    np.testing.assert_array_equal(whole.spikes.time_ms, plain.spikes.time_ms)
    assert set(whole.other_spikes) == {"basket", "martinotti"}
    for group, spikes in whole.other_spikes.items():
        np.testing.assert_array_equal(np.bincount(spikes.row, minlength=5), whole.other_counts[group])
    assert not plain.other_spikes
