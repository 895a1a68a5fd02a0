"""Dataflow matrix machines: V-values, both engines, programs as files, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pragmatic.machines.dmm import DenseMachine, DmmError, Machine, Program
from pragmatic.machines.dmm.neurons import NEURONS, letters
from pragmatic.machines.dmm.programs import oscillation, ring, update
from pragmatic.machines.dmm.values import (
    add,
    apply_matrix,
    at,
    checked,
    combine,
    from_leaves,
    leaves,
    lin_comb,
    mask_mult,
    max_norm,
)

T = checked("t", {"a": 1, "b": 2, "c": {"a": 1, "b": 2, "c": {"x": 1, "y": 3}}})
DENSE = [kind for kind, of in NEURONS.items() if of.dense is not None]
CONSTANT = {"identity.c.single": {"identity.c.single": 1.0}}


def test_the_algebra_of_the_reference() -> None:
    """Examples of jsa-aerial/DMM (2017)."""
    assert mask_mult(T, T) == {"a": 1, "b": 4, "c": {"a": 1, "b": 4, "c": {"x": 1, "y": 9}}}
    assert lin_comb({"c": 7.0}, T) == {"a": 7, "b": 14, "c": {"x": 7, "y": 21}}
    assert lin_comb(T, T) == {"number": 20}
    assert lin_comb({"c": 7.0}, {"c": 7.0}) == {"number": 49}
    rows: dict[str, Any] = {"x": {"a": 8.0}, "y": {"b": 10.0}, "z": {"a": 2.0, "b": 4.0}}
    assert apply_matrix(rows, {"a": 3.0, "b": 5.0}) == {"x": 24, "y": 50, "z": 26}
    assert max_norm({"c": -2.0, "a": 1.0}) == 2


def test_v_values_are_a_vector_space_and_drop_zeros() -> None:
    assert combine([(1.0, T), (-1.0, T)]) == {}
    assert add(T, {"a": 5.0}) == add({"a": 5.0}, T)
    assert add({"a": 5.0}, {"a": {"x": 1.0}}) == {"a": {"number": 5, "x": 1}}
    assert add({"a": {"number": 5.0, "x": 1.0}}, {"a": {"x": -1.0}}) == {"a": 5}
    assert from_leaves(leaves(T)) == T
    assert at(T, ("c", "c", "x")) == {"number": 1}
    assert at(T, ("c", "a", "x")) == {}


def test_a_program_rewrites_itself_on_both_engines() -> None:
    """After 0, 2, ... 12 half steps the delta row names update 1, 2, 3, 1, 2, 3, 1."""
    exact, dense = Machine(ring()), DenseMachine(ring())
    for k in (2, 3, 1, 2, 3, 1):
        exact.step()
        dense.step()
        assert exact.links["accum.self.delta"] == {update(k): 1.0}
        assert dense.value("accum.self.single") == exact.matrix


def test_a_link_that_takes_twice_itself_away_oscillates() -> None:
    machine = Machine(oscillation())
    weights = [
        machine.step() and machine.links["accum.self.delta"]["identity.change.single"] for _ in range(6)
    ]
    assert weights == [-1, 1, -1, 1, -1, 1]


def test_a_ring_in_the_row_of_self_is_the_same_program() -> None:
    """Its update comes with Self's own link in one row of two."""
    machine = Machine(ring(4, slot="accum"))
    for k in (2, 3, 4, 1, 2):
        machine.step()
        assert machine.links["accum.self.accum"] == {"accum.self.single": 1.0, update(k): 1.0}


def random_program(rng: np.random.Generator) -> Program:
    """Neurons of every type that has a tensor form, linked at random; half of the machines rewrite themselves."""
    n = int(rng.integers(4, 10))
    neurons = [(str(rng.choice(DENSE)), f"n{i}") for i in range(n)]
    outputs = [f"{kind}.{name}.{slot}" for kind, name in neurons for slot in NEURONS[kind].outputs]
    inputs = [f"{kind}.{name}.{slot}" for kind, name in neurons for slot in NEURONS[kind].inputs]
    links: dict[str, dict[str, float]] = {}
    for to in inputs:
        some = rng.choice(outputs, size=min(len(outputs), int(rng.integers(1, 4))), replace=False)
        links[to] = {str(out): float(rng.normal(0, 0.6)) for out in some}
    start: dict[str, Any] = {
        out: {key: float(rng.normal()) for key in rng.choice(["x", "y", "number"], 2, replace=False)}
        for out in outputs
        if rng.random() < 0.7
    }
    if rng.random() < 0.5:
        links |= {
            "accum.self.delta": {"identity.edit.single": 0.5},
            "identity.edit.single": {"identity.edit.single": 0.9},
        }
        change = [
            ((*inputs[i].split("."), *outputs[j].split(".")), float(rng.normal(0, 0.3)))
            for i, j in zip(
                rng.integers(len(inputs), size=3), rng.integers(len(outputs), size=3), strict=True
            )
        ]
        start["identity.edit.single"] = from_leaves(change)
    else:
        for row in links.values():  # leaves of a signal that starts nowhere would make an empty machine
            row.setdefault(outputs[0], 0.1)
        start.setdefault(outputs[0], {"x": 1.0})
    return Program(links=links, outputs=start)


def test_exact_equals_dense_on_100_random_machines() -> None:
    """Six cycles, every output of every neuron; sums differ by their order alone."""
    rng, rewrote, alive = np.random.default_rng(0), 0, 0
    for _ in range(100):
        program = random_program(rng)
        exact, dense = Machine(program), DenseMachine(program, batch=2)
        rewrote += dense.rewrites
        for _ in range(6):
            exact.step()
            dense.step()
        for i, output in enumerate(dense.layout.outputs):
            if output == ("accum", "self", "single"):
                into, out = (dense.layout.inputs, dense.layout.outputs)
                wanted = torch.zeros(len(into), len(out), dtype=torch.float64)
                for path, weight in leaves(exact.matrix):
                    wanted[into.index(path[:3]), out.index(path[3:])] = weight
                torch.testing.assert_close(dense.matrix[1], wanted, rtol=1e-9, atol=1e-9)
                continue
            held = dict(leaves(at(exact.outputs, output)))
            row = torch.tensor([held.get(path, 0.0) for path in dense.layout.leaves], dtype=torch.float64)
            torch.testing.assert_close(dense.outputs[1, i], row, rtol=1e-9, atol=1e-9)
            alive += bool(held)
    assert 30 < rewrote < 70
    assert alive > 300  # most outputs still carry something


def test_links_have_gradients_that_finite_differences_confirm() -> None:
    """Through accumulators, norms, products and comparisons of a chain, three cycles."""
    text = letters("ab", every=1)
    links = {
        "timer.t.single": {"timer.t.single": 1.0},
        "letters.in.clock": {"timer.t.single": 1.0},
        "accum.a.accum": {"accum.a.single": 1.0},
        "accum.a.delta": {"letters.in.single": 0.7},
        "max-norm.n.single": {"accum.a.single": 1.2},
        "dot.d.mask": {"accum.a.single": 0.5},
        "dot.d.signal": {"letters.in.single": -0.8},
        "compare.c.left": {"max-norm.n.single": 0.9},
        "compare.c.right": {"dot.d.single": 0.3},
    }

    def result(matrix: torch.Tensor | None = None) -> tuple[torch.Tensor, DenseMachine]:
        machine = DenseMachine(Program(links=links, types={"letters": text}))
        machine.matrix = machine.matrix.requires_grad_() if matrix is None else matrix
        kept = machine.matrix
        total = machine.run(6).square().sum()
        machine.matrix = kept
        return total, machine

    total, machine = result()
    (gradient,) = torch.autograd.grad(total, machine.matrix)
    start = machine.matrix.detach()
    for i, j in torch.nonzero(start[0]).tolist():
        moved = [start.clone() for _ in range(2)]
        for sign, matrix in zip((1, -1), moved, strict=True):
            matrix[0, i, j] += sign * 1e-6
        slope = (result(moved[0])[0] - result(moved[1])[0]) / 2e-6
        assert float(slope) == pytest.approx(float(gradient[0, i, j]), rel=1e-5, abs=1e-5)


def test_links_may_be_added_while_a_machine_runs() -> None:
    machine = Machine(
        Program(
            links={**CONSTANT, "accum.sum.accum": {"accum.sum.single": 1.0}},
            outputs={"identity.c.single": {"x": 1.0}},
        )
    )
    machine.edit({"accum.sum.delta": {"identity.c.single": 2.0}})
    assert machine.run(3, "accum.sum.single") == [{}, {"x": 2}, {"x": 4}]


def test_a_list_grows_by_what_is_flagged() -> None:
    act = NEURONS["list"].act
    first = act({"self": {}, "signal": {"flag": 1.0, "x": 3.0}})["single"]
    assert first == {"this": {"flag": 1, "x": 3}, "rest": {}}
    assert act({"self": first, "signal": {"x": 5.0}})["single"] == first


def test_modules_are_neurons_with_longer_names(tmp_path: Path) -> None:
    """Two counters in a module, two of which make the program: four counters in all."""
    clock = {"timer.clock.single": {"timer.clock.single": 1.0}}
    pair = Program(links={}, parts={"one": "clock", "two": "clock"})
    whole = Program(
        links={"accum.sum.delta": {"timer.left/one/clock.single": 1.0, "timer.right/two/clock.single": 2.0}},
        modules={"clock": Program(links=clock), "pair": pair},
        parts={"left": "pair", "right": "pair"},
    )
    whole.save(tmp_path / "clocks.json")
    machine = Machine(Program.load(tmp_path / "clocks.json"))
    assert machine.run(3, "accum.sum.single")[-1] == {"number": 6}
    assert sum(kind == "timer" for kind, _ in machine.neurons) == 4


def test_letters_come_one_at_a_time_and_the_last_one_stays() -> None:
    program = Program(
        links={"timer.t.single": {"timer.t.single": 1.0}, "letters.in.clock": {"timer.t.single": 1.0}},
        types={"letters": letters("ab", every=2)},
    )
    wanted = [{"a": 1}, {}, {"b": 1}, {}, {"b": 1}]
    assert Machine(program).run(5, "letters.in.single") == wanted
    dense = DenseMachine(program)
    assert [dense.step() is not None and dense.value("letters.in.single") for _ in range(5)] == wanted


LINK = {"accum.a.delta": {"accum.a.single": 1.0}}
CYCLE = {
    "links": {},
    "modules": {"a": {"links": {}, "parts": {"b": "b"}}, "b": {"links": {}, "parts": {"a": "a"}}},
    "parts": {"one": "a"},
}
DEEP: Any = {"x": 1.0}
for _ in range(40):
    DEEP = {"x": DEEP}


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ({"links": {"acum.a.delta": {}}}, "unknown neuron type 'acum'; did you mean 'accum'"),
        (
            {"links": {"accum.a.input": {}}},
            "accum.a.input must name one of the inputs of accum, accum, delta, got",
        ),
        (
            {"links": {"accum.a.delta": {"accum.a.delta": 1}}},
            "one of the outputs of accum, single, got 'delta'",
        ),
        ({"links": {"accum.a": {}}}, "an address must be type.name.slot, got 'accum.a'"),
        (
            {"links": {"accum.a.delta": {"accum.b.single": 1}}},
            "with inputs or an output at the start, got accum.b.single; correct its",
        ),
        (
            {"links": {"accum.a.delta": {"accum.a.single": float("nan")}}},
            "delta.accum.a.single must hold finite numbers, got nan",
        ),
        (
            {"links": {"accum.a.delta": 3}},
            "the row of accum.a.delta must be a map from outputs to weights, got 3",
        ),
        (
            {"links": LINK, "outputs": {"accum.a.single": {"x": float("nan")}}},
            "single.x must hold finite numbers, got nan; correct that leaf",
        ),
        (
            {"links": LINK, "outputs": {"accum.a.single": {"x": "1"}}},
            "accum.a.single.x must hold numbers at its leaves, got '1'",
        ),
        (
            {"links": LINK, "outputs": {"accum.a.single": 2}},
            "accum.a.single must be a map of numbers and maps, got 2",
        ),
        (
            {"links": LINK, "outputs": {"accum.a.single": DEEP}},
            "must be at most 32 levels deep, got a deeper one",
        ),
        (
            {"links": LINK, "outputs": {"accum.self.single": {"x": 1}}},
            "accum.self.single is the network matrix, got an output for it",
        ),
        (CYCLE, "must not contain each other, got a in b in a; take one part out"),
        ({"links": {}, "parts": {"one": "gone"}}, "unknown module 'gone'; known: "),
        ({"matrix": {}}, "program must hold links, and may hold outputs, modules and parts, got matrix"),
        ({"links": []}, "program.links must be a map, got"),
    ],
)
def test_bad_program_files_are_refused(program: Any, says: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(program), encoding="utf-8")
    with pytest.raises(DmmError, match=says) as refused:
        Program.load(file)
    assert "\n" not in str(refused.value)


def test_files_that_are_no_programs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DmmError, match=r"program file must be readable, got .*gone.json: No such file"):
        Program.load(tmp_path / "gone.json")
    with pytest.raises(DmmError, match="a program must be JSON, got an error in line 1"):
        Program.from_json("{")


@pytest.mark.parametrize("engine", [Machine, DenseMachine])
def test_a_matrix_that_explodes_ends_the_run_with_its_row(engine: type[Machine] | type[DenseMachine]) -> None:
    """Self's delta row doubles a link of its own in every cycle: 2 ** 20 is above a million."""
    links = {
        "accum.self.delta": {"accum.self.single": 1.0},
        **CONSTANT,
        "accum.a.delta": {"identity.c.single": 1.0},
    }
    machine = engine(Program(links=links, outputs={"identity.c.single": {"x": 1.0}}))
    says = r"row accum.\w+.\w+ of the network matrix must have absolute weights that add up to at most 1e\+06, got"
    with pytest.raises(DmmError, match=says):
        machine.run(30)
    assert machine.cycle < 21


def test_a_list_that_grows_too_deep_ends_the_run() -> None:
    links = {**CONSTANT, "list.l.signal": {"identity.c.single": 1.0}, "list.l.self": {"list.l.single": 1.0}}
    machine = Machine(Program(links=links, outputs={"identity.c.single": {"flag": 1.0}}))
    with pytest.raises(DmmError, match=r"output list.l.single in cycle 3\d.*must be at most 32 levels deep"):
        machine.run(60)


def test_what_the_dense_engine_cannot_hold_is_refused() -> None:
    deep = Program(links=CONSTANT, outputs={"identity.c.single": {"x": {"y": 1.0, "number": 2.0}}})
    assert DenseMachine(deep).value("identity.c.single") == {"x": {"y": 1, "number": 2}}
    mixed = Program(links={**CONSTANT, "identity.d.single": {"identity.c.single": 1.0}},
                    outputs={"identity.c.single": {"x": 1.0}, "identity.d.single": {"x": {"y": 1.0}}})  # fmt: skip
    with pytest.raises(
        DmmError, match=r"needs signals whose leaves have no leaves below them, got x.y; use Machine"
    ):
        DenseMachine(mixed)
    lists = Program(links={"list.l.self": {"list.l.single": 1.0}})
    with pytest.raises(DmmError, match="the dense engine has no neurons of type list; use Machine"):
        DenseMachine(lists)
