"""Constructed transformers: each computes what it says, to the error that it states, under any score map."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from bridge import SpikingScoreMap
from pragmatic.machines.arithmetic import Exponential, Product, Sum, TwoKeys, gelu_product
from pragmatic.machines.memory import (
    AddressedMemory,
    GatedBranches,
    SelectorWidth,
    Switch,
    addresses,
    as_bits,
)
from pragmatic.machines.straight_line import Instruction, compiled, interpret
from pragmatic.score_maps import Softmax
from spiking import Budget, GammaCircuit, GammaParams

POLYNOMIAL = (  # x y^2 + x
    Instruction("multiply", "x", "y", "xy"),
    Instruction("multiply", "xy", "y", "xyy"),
    Instruction("add", "xyy", "x", "out"),
)


def numbers(n: int = 41) -> tuple[Tensor, Tensor]:
    grid = torch.linspace(-1, 1, n, dtype=torch.float64)
    x, y = torch.meshgrid(grid, grid, indexing="ij")
    return x.flatten(), y.flatten()


@pytest.mark.parametrize(
    ("construction", "error"),
    [
        (Sum(), 1e-12),
        (Product(gain=0.1), 0.1**2 / 3),
        (Product(gain=0.01), 0.01**2 / 3),
        (Product(gain=2.0, read_out="logit"), 1e-12),
        (Exponential(gain=0.5, read_out="odds"), 1e-12),
    ],
)
def test_two_keys_compute_to_the_error_they_state(construction: TwoKeys, error: float) -> None:
    x, y = numbers()
    got = construction(x, y, Softmax())
    assert float((got - construction.exact(x, y)).abs().max()) <= error


def test_the_error_of_a_product_grows_with_the_square_of_its_gain() -> None:
    """3.2e-3 and 3.2e-5 at gains .1 and .01 without attention's head; GELU 6e-3 and 6e-5 likewise."""
    x, y = numbers()
    errors = [[float((f(g) - x * y).abs().max()) for g in (0.1, 0.01)] for f in (
        lambda g: Product(gain=g)(x, y, Softmax()),
        lambda g: gelu_product(x, y, g),
    )]  # fmt: skip
    for large, small in errors:
        assert large / small == pytest.approx(100, rel=0.05)
    assert errors[0][0] == pytest.approx(3.3e-3, rel=0.05)
    assert errors[1][0] == pytest.approx(6.7e-3, rel=0.1)


@pytest.mark.parametrize(("null", "error"), [(6.0, 1.8e-2), (10.0, 3.4e-4)])
def test_an_exponential_is_off_by_its_own_weight(null: float, error: float) -> None:
    """Relative error w <= e^(x - C) for x up to 2; both figures from the closed form."""
    x = torch.linspace(-2, 2, 101, dtype=torch.float64)
    relative = (Exponential(gain=null)(x, x, Softmax()) / x.exp() - 1).abs()
    assert float(relative.max()) == pytest.approx(error, rel=0.03)


def test_matches_are_counted_from_none_to_all() -> None:
    tokens = torch.tensor([[0, 1, 2, 3], [1, 1, 2, 3], [1, 1, 1, 3], [1, 1, 1, 1], [0, 0, 2, 3]])
    counted = SelectorWidth(n_symbols=4)(tokens, torch.ones(5, dtype=torch.long), Softmax())
    assert counted.tolist() == [1, 2, 3, 4, 0]


def test_memory_is_read_by_address() -> None:
    memory = AddressedMemory(n_bits=4, beta=1.0)
    values = torch.arange(16, dtype=torch.float64)[:, None]
    weights = memory(torch.arange(16), values, Softmax()).weights
    torch.testing.assert_close(weights[:, 0].diagonal(), torch.full((16,), memory.right, dtype=torch.float64))
    assert memory.right == pytest.approx(0.602, abs=1e-3)
    sharp = AddressedMemory(n_bits=4, beta=12.0)(torch.arange(16), values, Softmax())
    torch.testing.assert_close(sharp.output[:, 0], values, atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="values must have a row for each of 16 cells, got 3"):
        memory(torch.arange(3), values[:3], Softmax())


def test_bits_of_negative_numbers_are_their_twos_complement() -> None:
    assert as_bits(torch.tensor(-1), 4).tolist() == [1.0, 1.0, 1.0, 1.0]
    assert as_bits(torch.tensor(-3), 4).tolist() == [1.0, -1.0, 1.0, 1.0]
    assert len(addresses(3).unique(dim=0)) == 8


def test_a_switch_takes_its_branch_at_run_time() -> None:
    first, second = torch.tensor([1.0, 2.0]).double(), torch.tensor([-1.0, -2.0]).double()
    chosen = Switch(gain=12.0)(torch.tensor([1, -1]), first, second, Softmax())
    torch.testing.assert_close(chosen, torch.tensor([1.0, -2.0]).double(), atol=1e-9, rtol=0)


def test_an_inhibited_branch_leaves_the_other_as_it_is_alone() -> None:
    """Weights of the branch taken are those of a row without the other; that one keeps sigmoid(-inhibition)."""
    x, y = numbers(5)
    product, total = Product(gain=1.0), Sum()
    scores, values = ((f(product), f(total)) for f in (lambda c: c.scores(x, y), lambda c: c.values(x, y)))
    for sign, alone in ((1.0, product), (-1.0, total)):
        attended = GatedBranches(inhibition=30.0)(torch.full_like(x, sign), scores, values, Softmax())
        torch.testing.assert_close(
            alone.read(attended.output[:, 0, 0]), alone(x, y, Softmax()), atol=1e-10, rtol=0
        )
    even = (torch.zeros(1, 2).double(), torch.zeros(1, 2).double())
    weights = GatedBranches(inhibition=3.0)(torch.ones(1).double(), even, even, Softmax()).weights
    assert float(weights[0, 0, 2:].sum()) == pytest.approx(1 / (1 + np.exp(3.0)))


def test_a_compiled_program_equals_its_interpreter() -> None:
    """Two products in a row: each adds gain^2 / 3 at most, since registers stay within 1."""
    x, y = numbers()
    inputs = {"x": x, "y": y}
    wanted = interpret(POLYNOMIAL, inputs)["out"]
    torch.testing.assert_close(wanted, x * y**2 + x)
    got = compiled(POLYNOMIAL, ("x", "y"), gain=0.01)(inputs, Softmax())["out"]
    assert float((got - wanted).abs().max()) <= 2 * 0.01**2 / 3


def test_spikes_pass_through_every_construction() -> None:
    """The counts of regular cells are off by a spike or two, 1 / N of the weight, in every product and sum."""
    x, y = numbers(5)
    spikes = 256
    circuit = GammaCircuit(GammaParams.regular_brief())
    score_map = SpikingScoreMap(circuit, Budget(spikes=spikes), np.random.default_rng(0))
    for construction, scale in ((Sum(), 2.0), (Product(), 1.0), (Product(gain=2.0, read_out="logit"), 4.0)):
        got, wanted = (construction(x, y, m) for m in (score_map, Softmax()))
        assert 0 < float((got - wanted).abs().max()) < 4 * scale / spikes
    got = compiled(POLYNOMIAL, ("x", "y"), gain=1.0)({"x": x, "y": y}, score_map)["out"]
    wanted = compiled(POLYNOMIAL, ("x", "y"), gain=1.0)({"x": x, "y": y}, Softmax())["out"]
    assert float((got - wanted).abs().max()) < 8 / spikes
    assert score_map.usage.rows == 3 * 25 + 2 * 2 * 25


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ((Instruction("add", "x", "z", "out"),), "0 must read a register that is written before, got 'z'"),
        ((Instruction("add", "x", "y", "x"),), "0 must write a register that is not in use, got 'x'"),
    ],
)  # fmt: skip
def test_a_program_that_cannot_be_compiled_is_refused(program: tuple[Instruction, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        compiled(program, ("x", "y"), gain=0.1)
    with pytest.raises(ValueError, match=says):
        interpret(program, {"x": torch.zeros(1), "y": torch.zeros(1)})


def test_bad_fields_are_refused() -> None:
    for make, says in (
        (lambda: Product(gain=0.0), "Product.gain must lie in"),
        (lambda: Product(read_out="ratio"), "unknown read_out of a product 'ratio'"),
        (lambda: Exponential(read_out="ratio"), "unknown read_out of an exponential 'ratio'"),
        (lambda: Instruction("divide", "x", "y", "z"), "unknown operation 'divide'"),
        (lambda: AddressedMemory(n_bits=17, beta=1.0), "AddressedMemory.n_bits must lie in"),
        (lambda: compiled(POLYNOMIAL, ("x", "y"), gain=0.1)({"x": torch.zeros(1)}, Softmax()), "none for y"),
    ):
        with pytest.raises(ValueError, match=says):
            make()
