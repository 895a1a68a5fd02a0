"""The counting task: the hand program, the author's 19 weights to his digits, machines that learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pragmatic.machines.dmm import Machine
from pragmatic.machines.dmm.layers import LayeredMachine, Sizes, fitted, sparsified
from pragmatic.machines.dmm.lite import HAND, NINETEEN, OUTPUTS, TEXT, counted, said, wired
from pragmatic.machines.dmm.programs import soft
from pragmatic.machines.dmm.values import number

TEXTS = (TEXT, "teest string.", "tets. str.ingtb str.ingtb")


def test_the_hand_program_counts_in_the_cycles_published() -> None:
    hand = said(wired(HAND), 140)[0]
    changes = (hand[1:] != hand[:-1]).nonzero()
    assert {(int(t) + 1, int(out)) for t, out in changes} == {(34, 0), (64, 0), (113, 1), (123, 1), (133, 1)}
    assert hand.square().sum(dim=0).tolist() == [334, 113]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_to_be_counted_is_what_the_hand_program_says(text: str) -> None:
    """On both engines, and with the accumulator's own link in one row with its input."""
    wanted = counted(text, 150)
    assert torch.equal(said(wired(HAND, text), 150)[0], wanted)
    assert torch.equal(said(soft(wired(HAND, text)), 150)[0], wanted)
    exact = Machine(wired(HAND, text)).run(150, *OUTPUTS)
    assert [[number(values[out]) for out in OUTPUTS] for values in exact] == wanted.tolist()


@pytest.mark.parametrize(
    ("text", "n_cycles", "loss"),
    [
        (TEXTS[0], 140, 0.0016101),
        (TEXTS[0], 150, 0.67763),
        (TEXTS[1], 140, 0.0013413),
        (TEXTS[1], 150, 0.0014516),
        (TEXTS[2], 140, 1.62126),
    ],
)
def test_the_machine_of_19_weights_has_its_authors_losses(text: str, n_cycles: int, loss: float) -> None:
    """Bukatin (2022), to the digits that he prints."""
    assert sum(len(row) for row in NINETEEN.values()) == 19
    wrong = said(wired(NINETEEN, text), n_cycles)[0] - counted(text, n_cycles)
    assert float(wrong.square().sum()) == pytest.approx(loss, abs=6e-8 if loss < 0.1 else 6e-6)


def test_layers_have_the_published_numbers_of_weights() -> None:
    assert Sizes().n_weights == 1486
    assert Sizes(n_layers=6, kinds=("accum", "max-norm", "dot")).n_weights == 942


def test_layers_are_the_machine_that_the_engines_run() -> None:
    """Weights twenty times those at the start, so that products, clips and comparisons all take part."""
    machine = LayeredMachine(Sizes(n_layers=3), 2, np.random.default_rng(0))
    with torch.no_grad():
        machine.weights.mul_(20)
        fast = machine(TEXT, 60)[1]
    dense = said(machine.program(1), 60)[0]
    torch.testing.assert_close(fast, dense, rtol=1e-9, atol=1e-9)
    exact = Machine(machine.program(1)).run(40, *OUTPUTS)
    rows = torch.tensor([[number(values[out]) for out in OUTPUTS] for values in exact], dtype=torch.float64)
    torch.testing.assert_close(fast[:40], rows, rtol=1e-9, atol=1e-9)
    assert float(fast.abs().max()) > 1


def test_training_has_the_gradient_of_finite_differences() -> None:
    """The author met an automatic gradient that was silently wrong: some of the weights, by central differences."""
    machine = LayeredMachine(Sizes(n_layers=2), 1, np.random.default_rng(1))
    with torch.no_grad():
        machine.weights.mul_(30)

    def loss() -> torch.Tensor:
        return (machine(TEXT, 40) - counted(TEXT, 40)).square().sum()

    (gradient,) = torch.autograd.grad(loss(), machine.weights)
    for i in np.random.default_rng(2).choice(machine.sizes.n_weights, 12, replace=False):
        sides = []
        for step in (1e-6, -2e-6, 1e-6):
            with torch.no_grad():
                machine.weights[0, int(i)] += step
                sides.append(float(loss()))
        slope = (sides[0] - sides[1]) / 2e-6
        assert slope == pytest.approx(float(gradient[0, int(i)]), rel=1e-4, abs=1e-4)


def test_a_training_learns_and_its_loss_is_a_silent_machines_before() -> None:
    """447 squared errors without a word; published 434.99 to 20.9 within 100 steps from other first weights."""
    machine = LayeredMachine(Sizes(), 2, np.random.default_rng(0))
    losses = fitted(machine, n_steps=60)
    assert losses.shape == (61, 2)
    assert (abs(losses[0] - 447) < 20).all()
    assert (losses[-1] < 60).all()


def test_sparsifying_leaves_the_largest_weights() -> None:
    machine = LayeredMachine(Sizes(n_layers=1), 1, np.random.default_rng(0))
    before = machine.weights.detach().abs().clone()
    errors = sparsified(machine, [20, 5], n_steps=1)
    assert errors.shape == (2, 1)
    assert int(machine.kept.sum()) == 5
    assert float(before[machine.kept].min()) > float(before.median())


def test_links_that_no_signal_reaches_are_no_part_of_the_program() -> None:
    """The first layer alone hears the text: cut it, and a machine of two layers has no link left."""
    machine = LayeredMachine(Sizes(n_layers=2), 1, np.random.default_rng(0))
    first = len(machine.sizes.inputs(0)) * len(machine.sizes.sources(0))
    later = len(machine.sizes.inputs(1)) * len(machine.sizes.sources(1))
    machine.kept[:, :first] = False
    links = machine.program(0).links
    heard = {out for row in links.values() for out in row}
    assert not any(".1a." in out or ".1b." in out for out in heard)
    machine.kept[:, first : first + later] = False
    assert torch.equal(said(machine.program(0), 30)[0], machine(TEXT, 30)[0].detach())
