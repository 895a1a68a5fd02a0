"""Recurrent independent mechanisms: turns, null, communication, and models side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from pragmatic.machines.mechanisms import Mechanisms, MechanismsParams, top_k, train_mechanisms
from pragmatic.tasks.copying import Copying
from pragmatic.training.train import TrainParams

SIZES = MechanismsParams(n_inputs=5, n_outputs=3, n_models=2, n_modules=4, n_active=2, width=6)


def made(**changes: object) -> Mechanisms:
    return Mechanisms(replace(SIZES, **changes), np.random.default_rng(0))


def given(n_models: int = 2) -> Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(size=(n_models, 3, 7, 5))).float()


def step_by_step(models: Mechanisms, x: Tensor, model: int) -> Tensor:
    """One model of one sequence by the equations of the paper, module by module; its outputs at the last step."""
    p, of = models.params, lambda name: getattr(models, name)[model].detach()
    output, cell = of("begin")[:, 0], torch.zeros(p.n_modules, p.width)
    for seen in x:
        key, value = seen @ of("key"), seen @ of("value")
        keys, values = (
            torch.stack([torch.zeros_like(key), key]),
            torch.stack([torch.zeros_like(value), value]),
        )
        scores = torch.einsum("kw,kwd,sd->ks", output, of("query"), keys) / p.dim_key**0.5
        weights = scores.softmax(dim=-1)  # on null and on the input
        active = (-weights[:, 0]).topk(p.n_active).indices
        new, new_cell = output.clone(), cell.clone()
        for k in range(p.n_modules):
            gates = (weights[k] @ values) @ of("into")[k] + output[k] @ of("recurrent")[k] + of("bias")[k, 0]
            i, f, o, g = gates.chunk(4)
            new_cell[k] = f.sigmoid() * cell[k] + i.sigmoid() * g.tanh()
            new[k] = o.sigmoid() * new_cell[k].tanh()
        asked = torch.einsum("kw,kwd->kd", new, of("ask")).unflatten(-1, (3, p.n_heads, p.dim_head))
        query, key_, value_ = asked.unbind(dim=1)
        among = torch.einsum("khd,jhd->hkj", query, key_).div(p.dim_head**0.5).softmax(dim=-1)
        heard = torch.einsum("hkj,jhd->khd", among, value_).flatten(1)
        new = new + torch.einsum("kd,kdw->kw", heard, of("tell"))
        for k in active.tolist():
            output = output.index_put((torch.tensor(k),), new[k])
            cell = cell.index_put((torch.tensor(k),), new_cell[k])
    return output.flatten() @ of("read") + of("shift")[0]


def test_the_equations_of_the_paper() -> None:
    models, x = made(), given()
    whole = models(x, 1)
    for model in range(2):
        assert torch.allclose(whole[model, 1, 0], step_by_step(models, x[model, 1], model), atol=1e-5)


def test_modules_without_a_turn_keep_their_state() -> None:
    """If the first module alone is ever active, what the others say does not depend on the input."""
    models = made(communicate=False)

    def first(scores: Tensor) -> Tensor:
        return torch.zeros_like(scores, dtype=torch.bool).index_fill(-1, torch.tensor([0]), True)

    one, other = (models(x, 1, first) for x in (given(), given() + 1))
    assert not torch.allclose(one, other)
    models.read.data[:, : SIZES.width] = 0
    one, other = (models(x, 1, first) for x in (given(), given() + 1))
    assert torch.equal(one, other)


def test_models_side_by_side_do_not_see_each_other() -> None:
    models, x = made(), given()
    alone = models(x, 2)
    changed = models(torch.stack([x[0], x[1] * 2]), 2)
    assert torch.equal(alone[0], changed[0])
    assert not torch.allclose(alone[1], changed[1])


def test_no_gradient_flows_through_modules_without_a_turn() -> None:
    models = made(n_models=1, communicate=False)
    choose = top_k(2)
    never = lambda scores: choose(scores.index_fill(-1, torch.tensor([3]), -9.0))  # noqa: E731
    models(given(1), 1, never).sum().backward()
    assert models.recurrent.grad is not None
    assert float(models.recurrent.grad[:, 3].abs().max()) == 0
    assert float(models.recurrent.grad.abs().max()) > 0


def test_top_k_chooses_the_largest() -> None:
    assert top_k(2)(torch.tensor([[0.1, 3.0, -1.0, 2.0]])).tolist() == [[False, True, False, True]]


def test_training_lowers_the_loss_of_each_model() -> None:
    """A guess among two symbols has .69 nats; 150 iterations bring both models below .3."""
    task, rng = Copying(n_symbols=2, n_copied=1), np.random.default_rng(3)
    models = Mechanisms(
        MechanismsParams(n_inputs=task.n_inputs, n_outputs=2, n_models=2, n_modules=4, n_active=2, width=8),
        np.random.default_rng(0),
    )
    rates = TrainParams(n_iterations=150, batch_size=16, learning_rate=2e-2, n_warmup=10)
    losses = train_mechanisms(models, lambda: task.pairs((2, 16), 2, rng), rates)
    assert losses.shape == (150, 2)
    assert losses[0] == pytest.approx([0.69, 0.69], abs=0.2)
    assert (losses[-10:].mean(axis=0) < 0.3).all()


def test_a_copying_sequence() -> None:
    x, symbols = Copying(n_symbols=3, n_copied=2).pairs((1, 4), 5, np.random.default_rng(0))
    assert x.shape == (1, 4, 9, 5)
    tokens = x.argmax(dim=-1)
    assert torch.equal(tokens[..., :2], symbols)
    assert tokens[0, 0, 2:].tolist() == [3, 3, 3, 3, 4, 3, 3]


def test_more_active_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="n_active must be at most n_modules, got 5 of 4"):
        replace(SIZES, n_active=5)
    with pytest.raises(ValueError, match=r"Copying.delay must be >= 1"):
        Copying().pairs((1, 1), 0, np.random.default_rng(0))
