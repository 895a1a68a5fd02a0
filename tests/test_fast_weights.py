"""Fast weights: the delta rule fills gaps, columns are columns, and layers do what their equations say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pragmatic.machines.fast_weights import LAYERS, FastNetwork, SelfReferential, read, write
from pragmatic.score_maps import Hardmax, Softmax
from pragmatic.tasks.few_shot import FewShot

RNG = np.random.default_rng(0)


def network(kind: str, seed: int = 0) -> FastNetwork:
    return FastNetwork(
        kind, n_inputs=7, n_classes=3, width=8, n_heads=2, temperature=0.25, rng=np.random.default_rng(seed)
    )


def test_a_write_of_what_is_missing_is_read_back() -> None:
    matrix, feature = (
        torch.from_numpy(RNG.normal(size=(3, 4, 5))),
        torch.from_numpy(RNG.dirichlet(np.ones(5), 3)),
    )
    value = torch.from_numpy(RNG.normal(size=(3, 4)))
    change = (value - read(matrix, feature)) / (feature**2).sum(dim=-1, keepdim=True)
    torch.testing.assert_close(read(write(matrix, change, feature), feature), value)


def test_a_one_hot_feature_touches_one_column() -> None:
    matrix = torch.zeros(4, 5)
    written = write(matrix, torch.ones(4), torch.eye(5)[2])
    assert written[:, 2].eq(1).all()
    assert written.sum() == 4


def test_the_self_referential_step_by_hand() -> None:
    """[y, k, q, b] = W f(x), then W += sigma(b) (W f(q) - W f(k)) f(k)^T, in NumPy."""
    layer = SelfReferential(4, 1, 0.5, np.random.default_rng(1))
    with torch.no_grad():
        layer.matrix[:, 12:] = torch.from_numpy(RNG.normal(size=(1, 4, 4))).float()
        x = torch.from_numpy(RNG.normal(size=(1, 2, 4))).float()
        got = layer.sequence(x)[0, :, 0].numpy()

    def f(z: np.ndarray) -> np.ndarray:
        e = np.exp(z / 0.5)
        return e / e.sum()

    w = layer.matrix.detach().numpy()[0].astype(float)
    for t in range(2):
        out = w @ f(x[0, t].numpy())
        np.testing.assert_allclose(out[:4], got[t], atol=1e-5)
        key, query, rates = out[4:8], out[8:12], 1 / (1 + np.exp(-out[12:]))
        w += np.repeat(rates, (4, 4, 4, 4))[:, None] * np.outer(w @ (f(query) - f(key)), f(key))


@pytest.mark.parametrize("kind", LAYERS)
def test_no_answer_depends_on_what_follows(kind: str) -> None:
    x = torch.from_numpy(RNG.normal(size=(2, 6, 7))).float()
    changed = x.clone()
    changed[:, 4:] += 1
    with torch.no_grad():
        before, after = network(kind)(x), network(kind)(changed)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


@pytest.mark.parametrize(("kind", "remembers"), [("self", True), ("delta", True), ("frozen", False)])
def test_only_written_layers_remember(kind: str, remembers: bool) -> None:
    x = torch.from_numpy(RNG.normal(size=(2, 6, 7))).float()
    changed = x.clone()
    changed[:, 0] += 1
    with torch.no_grad():
        apart = (network(kind)(x)[:, 1:] - network(kind)(changed)[:, 1:]).abs().max()
    assert (apart > 1e-4) == remembers


def test_all_parameters_learn_and_score_maps_are_exchanged() -> None:
    for kind in ("self", "delta"):
        model = network(kind)
        x = torch.from_numpy(RNG.normal(size=(2, 6, 7))).float()
        model(x).square().sum().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
        with torch.no_grad():
            soft = model(x)
            for name in ("read_map", "write_map"):
                setattr(model.layer, name, Hardmax())
                assert not torch.allclose(soft, model(x))
                setattr(model.layer, name, Softmax())
                torch.testing.assert_close(soft, model(x))


def test_episodes_show_each_class_and_hide_what_is_asked() -> None:
    task = FewShot(n_classes=3, shots=2, dim=4, noise=0.0)
    x, label = task.draw(5, 7, np.random.default_rng(0))
    assert x.shape == (5, 13, task.n_inputs)
    assert all(sorted(row) == [0, 0, 1, 1, 2, 2] for row in label[:, :6].tolist())
    assert x[:, :6, 4:].argmax(dim=-1).equal(label[:, :6])
    assert x[:, 6:, 4:].argmax(dim=-1).eq(3).all()
    same = x[0, label[0] == 0, :4]
    torch.testing.assert_close(same, same[:1].expand_as(same))


def test_kinds_and_widths_are_checked() -> None:
    with pytest.raises(ValueError, match="kind must be one of self, delta, frozen, got 'hebb'"):
        network("hebb")
    with pytest.raises(ValueError, match="width must be a multiple of n_heads, got 9 and 2; use 16"):
        FastNetwork("self", n_inputs=2, n_classes=2, width=9, n_heads=2, temperature=1.0, rng=RNG)
