"""The public Python API as calls: each argument with a good value and the kind of odd ones to try in its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import brian2 as b2
import numpy as np
import torch
from hypothesis import strategies as st

import fortyhertz as fh
from tests.fuzz.odd import ODD, Named

__all__ = ["TARGETS", "Call", "calls"]

Good = Callable[[], Any]


@dataclass(frozen=True)
class Target:
    """A function of the public API."""

    name: str
    function: Callable[..., Any]
    arguments: Mapping[str, tuple[str, Good]]  # name -> kind of odd values, maker of a good one


@dataclass(frozen=True)
class Call:
    """One call, with one or two odd arguments."""

    target: Target
    odd: Mapping[str, Named]

    def __call__(self) -> Any:
        values = {name: good() for name, (_, good) in self.target.arguments.items()}
        return self.target.function(**{**values, **{name: named.make() for name, named in self.odd.items()}})

    @property
    def refusable(self) -> bool:
        """Whether a result may be right."""
        return not any(named.wrong for named in self.odd.values())

    def __repr__(self) -> str:
        return f"{self.target.name}({', '.join(f'{name}={named!r}' for name, named in self.odd.items())})"


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """A call of any target."""
    target = draw(st.sampled_from(TARGETS))
    names = draw(st.lists(st.sampled_from(sorted(target.arguments)), min_size=1, max_size=2, unique=True))
    return Call(target, {name: draw(ODD[target.arguments[name][0]]) for name in names})


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _scores() -> np.ndarray:
    return np.array([[1.0, 0.0, -1.0], [0.5, 0.2, 0.1]])


def _mask() -> np.ndarray:
    return np.ones((2, 3), dtype=bool)


def _vectors(seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(1, 3, 4))).float()


def _circuit() -> fh.GammaCircuit:
    return fh.GammaCircuit(fh.GammaParams(n_cells=5, gain=1.0, settle_ms=10.0))


@cache
def _selection() -> fh.Selection:
    return _circuit().attend(_scores(), spikes=20, rng=_rng())


@cache
def _fitted() -> fh.FitReport:
    return fh.fit(_selection().counts, _scores(), laws=("softmax", "uniform"))


@cache
def _model() -> fh.Transformer:
    return fh.Transformer(
        fh.TransformerParams(n_vocab=5, n_layers=1, n_heads=2, width=4, n_context=6), _rng()
    )


def _swapped(model: Any, heads: Any, head: Any) -> Any:
    with fh.swap(model, heads=heads, head=head) as swapped:
        return swapped(torch.zeros(1, 3, dtype=torch.int64)) is not None


def _network(rng: np.random.Generator) -> fh.Network:
    cells = b2.NeuronGroup(
        2, "dv/dt = (1.2 - v) / (10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact",
        dt=0.5 * b2.ms, name="cells",
    )  # fmt: skip
    cells.v = rng.random(2)
    return fh.Network([cells])


def _attend(**arguments: Any) -> Any:
    return _circuit().attend(**arguments)


def _map(
    circuit: Any, budget: Any, rng: Any, engine: Any, mode: Any, law: Any, record: Any, readout: Any
) -> Any:
    return fh.SpikingScoreMap(
        circuit, budget, rng, engine, mode=mode, law=law, record=record, readout=readout
    )(torch.from_numpy(_scores()))


def _weigh(score_map: Any, scores: Any, mask: Any, streams: Any) -> Any:
    return fh.SpikingScoreMap(_circuit(), fh.Budget(spikes=8), _rng())(scores, mask, streams=streams)


def _head(query: Any, key: Any, value: Any, mask: Any, **options: Any) -> Any:
    return fh.SpikingHead(_circuit(), **options)(query, key, value, mask)


def _whole_head(**arguments: Any) -> Any:
    circuit = fh.VectorCircuit(fh.GammaParams(n_cells=4, gain=1.0), fh.HeadParams(n_query=2))
    return circuit.attend(**arguments)


def _scored(score_map: Any, scores: Any, mask: Any) -> Any:
    return score_map(scores, mask)


def _counted(model: Any) -> Any:
    with fh.count(model) as counter:
        torch.ones(2, 2) @ torch.ones(2, 2)
    return counter.bill().total()


def _priced(table: Any, implementation: Any) -> Any:
    with fh.count() as counter:
        torch.ones(2, 2) @ torch.ones(2, 2)
    return counter.bill().joules(table, implementation=implementation)


def _looked_up(laws: Any, name: Any) -> Any:
    return fh.fit(_selection().counts, _scores(), laws=laws)[name]


def _trained(model: Any, task: Any, params: Any, rng: Any) -> Any:
    return fh.train(model, task, params, rng=rng).final


def _task() -> Any:
    return fh.Text(characters="abc" * 40, length=3)


def _batch() -> Any:
    return _task().held_out(2)


def _of_fields(cls: type, **kinds: str) -> Target:
    """The constructor of a dataclass: numbers, unless said otherwise, with their defaults."""
    arguments = {}
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        kind = kinds.get(field.name, "whole" if field.type in ("int", int) else "number")
        default: Any = field.default
        if default is dataclasses.MISSING:
            default = field.default_factory() if field.default_factory is not dataclasses.MISSING else 4
        arguments[field.name] = (kind, partial(_same, default))
    return Target(cls.__name__, cls, arguments)


def _same(value: Any) -> Any:
    return value


def whole(good: object) -> tuple[str, Good]:
    return "whole", partial(_same, good)


def number(good: object) -> tuple[str, Good]:
    return "number", partial(_same, good)


def name(good: object) -> tuple[str, Good]:
    return "name", partial(_same, good)


def seed(good: object) -> tuple[str, Good]:
    return "seed", partial(_same, good)


ATTEND: dict[str, tuple[str, Good]] = {
    "scores": ("scores", _scores),
    "rng": ("rng", _rng),
    "mask": ("mask", _mask),
    "engine": ("engine", fh.EventDriven),
    "progress": ("progress", lambda: None),
}
RUN = {"circuit": ("circuit", _circuit), **ATTEND}
VECTORS: dict[str, tuple[str, Good]] = {
    "query": ("tensor", lambda: _vectors(1)),
    "key": ("tensor", lambda: _vectors(2)),
    "value": ("tensor", lambda: _vectors(3)),
    "mask": ("tensor mask", lambda: None),
}
NUMBER_MS: tuple[str, Good] = number(60.0)

TARGETS: tuple[Target, ...] = (
    _of_fields(fh.GammaParams, cell="cell", feedforward="name", inh_spread="signed", w_ei="signed",
        inhibition="signed", settle_ms="signed"),
    _of_fields(fh.EscapeRate, drive="signed", theta="signed"),
    _of_fields(fh.DiffusiveLIF, drive="signed", theta="signed", v_reset="signed"),
    _of_fields(fh.RegularCell, phases="name", drive="signed", theta="signed", v_start="signed", shape="signed",
        jitter="signed", rate_spread="signed"),
    _of_fields(fh.HeadParams),
    _of_fields(fh.TransformerParams, causal="flag"),
    _of_fields(fh.TrainParams, min_learning_rate="signed", weight_decay="signed", beta1="signed", beta2="signed"),
    _of_fields(fh.FittedLaw, depletion="signed", beta_se="error", depletion_se="error", dispersion="error"),
    _of_fields(fh.Softmax),
    _of_fields(fh.Entmax),
    _of_fields(fh.Divisive, semisaturation="signed"),
    _of_fields(fh.Power, offset="signed"),
    _of_fields(fh.TopK),
    _of_fields(fh.HopfieldHead),
    Target(
        "Budget", fh.Budget, {"duration_ms": NUMBER_MS, "spikes": whole(4), "lead": whole(2)}
    ),
    Target("Streams", fh.Streams, {"seed": seed(1), "rows": ("streams", lambda: None)}),
    Target("Fused", fh.Fused, {"precision": name("float32"), "threads": whole(1)}),
    Target("EventDriven", fh.EventDriven, {"precision": name("float32"), "threads": whole(1)}),
    Target("Cuda", fh.Cuda, {"precision": name("float32"), "threads": whole(1)}),
    Target("GammaCircuit", fh.GammaCircuit, {"params": ("params", fh.GammaParams)}),
    Target("TwoPools", fh.TwoPools, {"n_cells": whole(4), "temperature": number(1.0),
        "gain": number(1.0), "cell": ("cell", fh.EscapeRate), "tau_fast_ms": number(8.0),
        "tau_slow_ms": number(40.0), "n_inh": whole(4)}),
    Target("PingAttention", fh.PingAttention, {"n_cells": whole(4), "temperature": number(1.0),
        "gain": number(1.0), "n_inh": whole(2), "dt_ms": number(0.02)}),
    Target("GammaParams.regular_brief", fh.GammaParams.regular_brief, {"n_cells": whole(4),
        "temperature": number(1.0), "cell": ("cell", fh.RegularCell), "dt_ms": number(0.5)}),
    Target("attend", _attend, {**ATTEND, "duration_ms": NUMBER_MS}),
    Target("attend, spikes", _attend, {**ATTEND, "spikes": whole(8), "record": name("counts"),
        "constants": ("mapping", lambda: None)}),
    Target("attend, budget", _attend, {**ATTEND, "budget": ("budget", lambda: fh.Budget(spikes=8))}),
    Target("VectorCircuit.attend", _whole_head, {
        "query": ("scores", lambda: np.ones((2, 3)) / 3), "key": ("scores", lambda: np.eye(3)),
        "value": ("scores", lambda: np.eye(3)), "duration_ms": NUMBER_MS, "rng": ("rng", _rng),
        "mask": ("mask", _mask), "engine": ("engine", fh.EventDriven), "progress": ("progress", lambda: None)}),
    Target("simulate_circuit", fh.simulate_circuit, {
        "build": ("model", lambda: _network), "duration_ms": number(20.0), "rng": ("rng", _rng),
        "n_networks": whole(2), "settle_ms": ("signed", lambda: 0.0), "record": ("names", lambda: ["cells"]),
        "sample": ("names", lambda: ["cells.v"]), "sample_ms": number(1.0),
        "namespace": ("mapping", lambda: None), "engine": ("engine", lambda: fh.Fused("float64")),
        "progress": ("progress", lambda: None)}),
    Target("gamma_off", fh.gamma_off, {**RUN, "duration_ms": NUMBER_MS, "tolerance": number(0.2),
        "max_steps": whole(12)}),
    Target("cut_loop", fh.cut_loop, {"circuit": ("circuit", _circuit)}),
    Target("compare_scores", fh.compare_scores, {**RUN, "duration_ms": NUMBER_MS, "temperature": number(1.0),
        "n_draws": whole(4)}),
    Target("compare_scores, budget", fh.compare_scores, {**RUN, "budget": ("budget", lambda: fh.Budget(spikes=8)),
        "n_draws": whole(4)}),
    Target("compare", fh.compare, {
        "query": ("scores", lambda: np.ones((2, 3))), "key": ("scores", lambda: np.eye(3)),
        "value": ("scores", lambda: np.eye(3)), "circuit": ("circuit", _circuit), "duration_ms": NUMBER_MS,
        "rng": ("rng", _rng), "mask": ("mask", _mask), "n_draws": whole(4),
        "engine": ("engine", fh.EventDriven)}),
    Target("compare_selection", fh.compare_selection, {
        "selection": ("anything", _selection), "scores": ("scores", _scores), "temperature": number(1.0),
        "rng": ("rng", _rng), "value": ("optional scores", lambda: None), "n_draws": whole(4)}),
    Target("fit", fh.fit, {"counts": ("scores", lambda: _selection().counts), "scores": ("scores", _scores),
        "mask": ("mask", _mask), "laws": ("laws", lambda: ("softmax", "uniform"))}),
    Target("fit()[law]", _looked_up, {"laws": ("laws", lambda: ("softmax",)), "name": name("softmax")}),
    Target("LawFit.weights", lambda scores, mask: _fitted().best.weights(scores, mask),
        {"scores": ("scores", _scores), "mask": ("mask", _mask)}),
    Target("fit_softmax", fh.fit_softmax, {"counts": ("scores", lambda: _selection().counts),
        "scores": ("scores", _scores), "mask": ("mask", _mask)}),
    Target("calibrate", fh.calibrate, {"circuit": ("circuit", _circuit), "rng": ("rng", _rng),
        "n_rows_each": whole(2), "n_steps": whole(1), "engine": ("engine", fh.EventDriven),
        "budget": ("budget", lambda: fh.Budget(spikes=20)), "progress": ("progress", lambda: None)}),
    Target("sampling_floor", fh.sampling_floor, {
        "metric": ("progress", lambda: lambda share, weights: abs(share - weights).sum(-1)),
        "weights": ("scores", lambda: np.full((2, 3), 1 / 3)), "n_spikes": ("anything", lambda: np.array([4, 5])),
        "rng": ("rng", _rng), "n_draws": whole(4)}),
    Target("SpikingScoreMap", _map, {
        "circuit": ("circuit", _circuit), "budget": ("budget", lambda: fh.Budget(spikes=8)), "rng": ("rng", _rng),
        "engine": ("engine", fh.EventDriven), "mode": name("simulated"), "law": ("law", lambda: None),
        "record": name("counts"), "readout": name("auto")}),
    Target("SpikingScoreMap()(scores)", partial(_weigh, None), {
        "scores": ("tensor", lambda: _vectors(1)), "mask": ("tensor mask", lambda: None),
        "streams": ("streams", lambda: None)}),
    Target("SpikingHead", _head, {**VECTORS, "spikes": whole(8), "engine": ("engine", fh.EventDriven),
        "seed": seed(0), "mode": name("simulated"), "law": ("law", lambda: None),
        "scaling": number(None), "readout": name("auto")}),
    Target("SpikingHead(circuit)", fh.SpikingHead, {"circuit": ("circuit", _circuit), "duration_ms": NUMBER_MS,
        "seed": seed(0)}),
    Target("swap", _swapped, {"model": ("circuit", _model), "heads": ("heads", lambda: "all"),
        "head": ("anything", lambda: fh.SpikingHead(_circuit(), spikes=4))}),
    Target("count", _counted, {"model": ("model", lambda: None)}),
    Target("Bill.joules", _priced, {"table": name("horowitz-2014"), "implementation": name(None)}),
    Target("get_data", fh.get_data, {"source": ("circuit", lambda: _selection().spikes)}),
    Target("to_neo", fh.to_neo, {"record": ("circuit", lambda: _selection().spikes)}),
    Target("Softmax()(scores)", partial(_scored, fh.Softmax()), {"scores": ("tensor", lambda: _vectors(1)),
        "mask": ("tensor mask", lambda: None)}),
    Target("DotProductHead", fh.dot_product_head(fh.Softmax()), VECTORS),
    Target("linear_attention", fh.linear_attention, VECTORS),
    Target("linear_attention_recurrent", fh.linear_attention_recurrent,
        {name: VECTORS[name] for name in ("query", "key", "value")}),
    Target("HopfieldHead()(...)", fh.HopfieldHead(n_steps=2), VECTORS),
    Target("dot_product_head", fh.dot_product_head, {"score_map": ("score map", fh.Softmax),
        "scaling": number(None)}),
    Target("AdditiveHead", fh.AdditiveHead, {"dim_query": whole(4), "dim_key": whole(4),
        "dim_hidden": whole(4), "rng": ("rng", _rng)}),
    Target("causal_mask", fh.causal_mask, {"n_queries": whole(2), "n_keys": whole(3)}),
    Target("Text", fh.Text, {"characters": ("text", lambda: "abc" * 40), "length": whole(2),
        "vocabulary": ("text", lambda: "")}),
    Target("Transformer", fh.Transformer, {
        "params": ("params", lambda: fh.TransformerParams(n_vocab=5, n_layers=1, n_heads=2, width=4, n_context=6)),
        "rng": ("rng", _rng)}),
    Target("Transformer.load", fh.Transformer.load, {"path": ("path", lambda: "absent")}),
    Target("Text.read", fh.Text.read, {"path": ("path", lambda: "absent")}),
    Target("train", _trained, {
        "model": ("circuit", _model), "task": ("circuit", _task),
        "params": ("params", lambda: fh.TrainParams(n_iterations=1, batch_size=2, n_held_out=2)),
        "rng": ("rng", _rng)}),
    Target("evaluate", fh.evaluate, {"model": ("circuit", _model), "batch": ("circuit", _batch),
        "batch_size": whole(2)}),
    Target("read_run", fh.read_run, {"run": ("path", lambda: "absent")}),
    Target("run_scenario", fh.run_scenario, {"name": ("run", lambda: "temperature-map"),
        "params": ("run params", lambda: 3), "seed": seed(0), "engine": name("events"),
        "out": ("path", lambda: "run")}),
)  # fmt: skip
