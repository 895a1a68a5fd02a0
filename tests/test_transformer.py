"""The mini-transformer: its attention is PyTorch's, its heads are replaceable one by one, nothing leaks."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from pragmatic import AdditiveHead, Attended, Softmax, Sparsemax, Uniform, dot_product_head
from pragmatic.transformer import Output, Transformer, TransformerParams

BATCH, LENGTH = 3, 10


def model(*, causal: bool = True, seed: int = 0, scale: float = 3.0) -> Transformer:
    """A small one whose attention is far from uniform: the projections are `scale` times the initial ones."""
    params = TransformerParams(n_vocab=11, n_layers=2, n_heads=4, width=32, n_context=12, causal=causal)
    made = Transformer(params, np.random.default_rng(seed))
    with torch.no_grad():
        for block in made.blocks:
            block.attention.to_qkv *= scale
            block.attention.from_heads *= scale
    return made


def tokens(seed: int = 1) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 11, size=(BATCH, LENGTH)))


def pytorch_head(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
    output = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return Attended(output, query.new_zeros(*query.shape[:-1], key.shape[-2]))


def additive(seed: int = 0) -> AdditiveHead:
    return AdditiveHead(dim_query=8, dim_key=8, dim_hidden=5, rng=np.random.default_rng(seed))


# The oracle: PyTorch.
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_default_attention_is_pytorchs(causal: bool, padded: bool) -> None:
    ours = model(causal=causal).double()
    mask = torch.arange(LENGTH) < torch.tensor([[4], [10], [7]]) if padded else None
    logits = ours(tokens(), mask)
    for block in ours.blocks:
        block.attention.heads[:] = [pytorch_head] * 4
    torch.testing.assert_close(logits, ours(tokens(), mask), rtol=0, atol=1e-12)


def test_whole_model_is_pytorchs_encoder() -> None:
    """`nn.TransformerEncoderLayer` with the same weights, pre-norm, GELU, biases of 0."""
    ours = model(causal=False).double()
    theirs = []
    for block in ours.blocks:
        layer = torch.nn.TransformerEncoderLayer(
            32, 4, 128, 0.0, "gelu", batch_first=True, norm_first=True, bias=False, dtype=torch.float64
        )
        layer.self_attn.in_proj_weight = block.attention.to_qkv
        layer.self_attn.out_proj.weight = block.attention.from_heads
        layer.linear1.weight, layer.linear2.weight = block.to_hidden, block.from_hidden
        theirs.append(layer)
    x = ours.token_vectors[tokens()] + ours.position_vectors[:LENGTH]
    expected = functional.layer_norm(torch.nn.Sequential(*theirs)(x), (32,))
    torch.testing.assert_close(ours.encode(tokens()), expected, rtol=0, atol=1e-12)


# What a token may know.
def test_residual_streams_start_as_narrow_as_their_depth_asks() -> None:
    """Each of the 2 n_layers sums that a stream takes adds 1 / (2 n_layers) to its variance (GPT-2)."""
    params = TransformerParams(n_vocab=5, n_layers=8, n_heads=2, width=128)
    block = Transformer(params, np.random.default_rng(0)).blocks[0]
    for name, gain in (("to_hidden", 1.0), ("from_hidden", 0.25)):
        matrix = getattr(block, name)
        left = 4 * gain / np.sqrt(2 * matrix.numel())  # four standard errors
        assert float(matrix.std()) * np.sqrt(matrix.shape[1]) == pytest.approx(gain, abs=left)


def test_decoder_does_not_see_the_future() -> None:
    before, changed = tokens(), tokens()
    changed[:, 6] = (changed[:, 6] + 1) % 11
    ours = model()
    difference = (ours(before) - ours(changed)).abs().amax(-1)  # (B, T)
    assert float(difference[:, :6].detach().max()) == 0.0
    assert float(difference[:, 6:].detach().min()) > 1e-4


def test_encoder_sees_all() -> None:
    before, changed = tokens(), tokens()
    changed[:, 9] = (changed[:, 9] + 1) % 11
    ours = model(causal=False)
    assert float((ours(before) - ours(changed)).detach().abs().amax(-1).min()) > 1e-4


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_not_seen(causal: bool, side: str) -> None:
    mask = torch.ones(BATCH, LENGTH, dtype=torch.bool)
    mask[1, : 3 if side == "left" else LENGTH] = False
    mask[1, 3:7] = True
    before, changed = tokens(), tokens()
    changed[~mask] = (changed[~mask] + 1) % 11
    ours = model(causal=causal)
    torch.testing.assert_close(ours(before, mask)[mask], ours(changed, mask)[mask], rtol=0, atol=0)


# Heads.
def test_each_head_is_replaced_by_itself() -> None:
    """Head 2 alone becomes uniform; another one, equal in value to the default, changes nothing."""
    ours = model()
    plain = ours(tokens(), keep_weights=True)
    ours.blocks[1].attention.heads[2] = dot_product_head(Uniform())
    ours.blocks[1].attention.heads[0] = dot_product_head(Softmax())
    replaced = ours(tokens(), keep_weights=True)
    assert isinstance(replaced, Output)
    others = [0, 1, 3]
    torch.testing.assert_close(replaced.weights[0], plain.weights[0], rtol=0, atol=0)
    torch.testing.assert_close(replaced.weights[1][:, others], plain.weights[1][:, others])
    even = torch.ones(LENGTH, LENGTH).tril()
    torch.testing.assert_close(
        replaced.weights[1][:, 2], (even / even.sum(-1, keepdim=True)).expand(BATCH, -1, -1)
    )
    assert float((replaced.logits - plain.logits).detach().abs().max()) > 1e-3


def test_heads_in_any_order_keep_their_place() -> None:
    """Interleaved groups of heads against each head on its own."""
    a, b = dot_product_head(Softmax()), dot_product_head(Sparsemax())
    grouped, alone = model(), model()
    grouped.blocks[0].attention.heads[:] = [a, b, a, b]
    alone.blocks[0].attention.heads[:] = [copy.copy(head) for head in (a, b, a, b)]
    torch.testing.assert_close(grouped(tokens()), alone(tokens()))


def test_the_same_head_is_called_once() -> None:
    shapes = []

    def counting(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        shapes.append(tuple(query.shape))
        return pytorch_head(query, key, value, mask)

    ours = model()
    ours.blocks[0].attention.heads[1] = counting
    ours.blocks[0].attention.heads[3] = counting
    ours(tokens())
    assert shapes == [(BATCH, 2, LENGTH, 8)]


def test_head_with_parameters_is_part_of_the_model(tmp_path: Path) -> None:
    ours, again, plain = model(), model(seed=5), model()
    ours.blocks[0].attention.heads[1] = ours.blocks[0].attention.heads[2] = additive(seed=3)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in plain.parameters()) + 85
    ours(tokens()).sum().backward()
    assert float(ours.blocks[0].attention.heads[1].w_query.grad.abs().max()) > 0
    ours.save(tmp_path / "model.safetensors")
    again.blocks[0].attention.heads[1] = again.blocks[0].attention.heads[2] = additive(seed=4)
    again.load_weights(tmp_path / "model.safetensors")
    assert torch.equal(again(tokens()), ours(tokens()))
    with pytest.raises(ValueError, match="give the model the heads that it was saved with"):
        Transformer.load(tmp_path / "model.safetensors")
    ours.blocks[0].attention.heads[:] = plain.blocks[0].attention.heads
    assert ours.tensors().keys() == plain.tensors().keys()


def test_bad_heads() -> None:
    heads = model().blocks[0].attention.heads
    with pytest.raises(ValueError, match="must keep its 4 heads, got 3"):
        heads[:] = heads[:3]
    with pytest.raises(IndexError):
        heads[4] = heads[0]
    with pytest.raises(TypeError, match="head 1 must be callable"):
        heads[1] = 3
    assert len(heads) == 4


def test_head_of_another_shape() -> None:
    ours = model()
    ours.blocks[0].attention.heads[1] = lambda q, k, v, mask: Attended(v[..., :3], q)
    with pytest.raises(ValueError, match=r"output must have the values' shape \(3, 1, 10, 8\)"):
        ours(tokens())


# Files.
@pytest.mark.parametrize("causal", [False, True])
def test_saved_and_loaded_is_the_same(tmp_path: Path, causal: bool) -> None:
    ours = model(causal=causal)
    ours.save(tmp_path / "model.safetensors")
    loaded = Transformer.load(tmp_path / "model.safetensors")
    assert loaded.params == ours.params
    assert torch.equal(loaded(tokens()), ours(tokens()))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pragmatic import checkpoint

    def fail(tensors: dict[str, Tensor], path: Path, header: dict[str, str]) -> None:
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    path = tmp_path / "model.safetensors"
    model().save(path)
    before = path.read_bytes()
    monkeypatch.setattr(checkpoint, "save_file", fail)
    with pytest.raises(OSError, match="No space left"):
        model(seed=1).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_checkpoints_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(FileNotFoundError, match="checkpoint must be a file"):
        Transformer.load(path)
    path.write_bytes(b"no safetensors")
    with pytest.raises(ValueError, match="must be a whole safetensors file"):
        Transformer.load(path)
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="must say its transformer"):
        Transformer.load(path)
    model().save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="must be a whole safetensors file"):
        Transformer.load(path)
    model().save(path)
    with pytest.raises(ValueError, match="build the model with the file's parameters"):
        model(causal=False).load_weights(path)
    with pytest.raises(FileNotFoundError, match="create it first"):
        model().save(tmp_path / "none" / "model.safetensors")


# Bad input.
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_layers": 0}, "n_layers must be >= 1, got 0"),
        ({"width": 30}, r"width must be a multiple of n_heads \(4\), got 30; use 32"),
        ({"n_vocab": 1.5}, "n_vocab must be a whole number, got 1.5"),
        ({"causal": "yes"}, "causal must be True or False"),
    ],
)
def test_bad_parameters(changed: dict[str, object], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        TransformerParams(**{"n_vocab": 11, **changed})


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (torch.zeros(1, 13, dtype=torch.int64), "longer than the model's context of 12 tokens, got 13"),
        (torch.full((1, 3), 11), r"tokens must lie in 0 ... 10, the model's vocabulary, got 11"),
        (torch.full((1, 3), -1), "got -1"),
        (torch.zeros(1, 3), "tokens must be int64, got torch.float32"),
        (torch.zeros(3, dtype=torch.int64), r"must be \(batch, length\)"),
        (torch.zeros(1, 0, dtype=torch.int64), r"both >= 1, got shape \(1, 0\)"),
    ],
)
def test_bad_tokens(bad: Tensor, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        model()(bad)


def test_bad_mask() -> None:
    with pytest.raises(ValueError, match=r"mask must be bool and of the tokens' shape \(3, 10\)"):
        model()(tokens(), torch.ones(BATCH, 9, dtype=torch.bool))


def test_nan_in_the_activations_names_the_layer() -> None:
    ours = model()
    with torch.no_grad():
        ours.blocks[1].from_hidden[0, 0] = float("nan")
    with pytest.raises(ValueError, match="activations must be finite, got nan or inf out of layer 1"):
        ours(tokens())
