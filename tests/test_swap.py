"""Swapping heads: which are meant, that they come back whatever happens, that nothing else changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mini_model import TOKENS, mini_model
from torch import Tensor

from bridge import swap
from bridge.heads.choice import chosen_heads
from pragmatic import Attended, Softmax, Transformer, Uniform, dot_product_head

UNIFORM = dot_product_head(Uniform())


@pytest.fixture
def model() -> Transformer:
    return mini_model()


def heads_of(model: Transformer) -> list[list[int]]:
    """Which object each head is; equal heads are not the same one."""
    return [[id(head) for head in block.attention.heads] for block in model.blocks]


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        ("all", [(0, 0), (0, 1), (1, 0), (1, 1)]),
        ("0.1", [(0, 1)]),
        ("1.*, 0.1", [(0, 1), (1, 0), (1, 1)]),
        ("*.0,0.0", [(0, 0), (1, 0)]),
        ([(1, 0)], [(1, 0)]),
        (((1, 1), (0, 0), (1, 1)), [(0, 0), (1, 1)]),
    ],
)
def test_heads_are_read_from_text_and_pairs(heads: Any, expected: list[tuple[int, int]]) -> None:
    assert chosen_heads(heads, [2, 2]) == expected


@pytest.mark.parametrize("heads", ["0.4", "2.0", "2.*", "*.4", [(0, 4)], [(-1, 0)]])
def test_a_head_that_does_not_exist_is_refused_with_those_that_do(heads: Any, model: Transformer) -> None:
    with (
        pytest.raises(ValueError, match=r"^no head .* in this model; it has 0\.0 to 0\.3, 1\.0 to 1\.3$"),
        swap(model, heads=heads, head=UNIFORM),
    ):
        pass


@pytest.mark.parametrize("heads", ["", "0", "0.1.2", "a.b", "0.1;0.2", "0.-1", "0."])
def test_a_choice_that_cannot_be_read_is_refused(heads: str) -> None:
    with pytest.raises(ValueError, match=r"^heads must "):
        chosen_heads(heads, [4, 4])


@pytest.mark.parametrize("heads", [[0, 1], [(0, 1, 2)], [("a", 1)], 3])
def test_what_is_not_a_choice_is_refused(heads: Any) -> None:
    with pytest.raises(TypeError, match="pairs \\(layer, head\\), got"):
        chosen_heads(heads, [4, 4])


class Pipeline:
    """A pipeline of the `transformers` library holds its model so."""

    def __init__(self, model: Any) -> None:
        self.model = model


class Odd(torch.nn.Module):
    """Blocks and heads by name that are none."""

    def __init__(self, blocks: Any) -> None:
        super().__init__()
        self.blocks = blocks


def hugging_face_model() -> Any:
    return pytest.importorskip("hf_models").built("bert")


NO_MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "a module": (lambda: torch.nn.Linear(2, 2), "got Linear; build attention from heads as in"),
    "a class": (lambda: Transformer, "got the class Transformer; give a loaded model"),
    "a name": (lambda: "minilm", "got str; load it first"),
    "nothing": (lambda: None, "got NoneType; give one of these"),
    "an array": (lambda: torch.zeros(2), "got Tensor; give one of these"),
    "a number of blocks": (lambda: Odd(3), "got Odd; build attention from heads as in"),
    "a number of heads": (
        lambda: Odd([SimpleNamespace(attention=SimpleNamespace(heads=4))]),
        "got Odd; build",
    ),
    "no blocks": (lambda: Odd([]), "got Odd; build"),
    "a pipeline": (lambda: Pipeline(hugging_face_model()), "got Pipeline; give its .model, a BertModel"),
    "a wrapper": (
        lambda: torch.nn.Sequential(hugging_face_model()),
        "got Sequential; give its part 0, a BertModel",
    ),
    "a class of the library": (lambda: type(hugging_face_model()), "got the class BertModel; give a loaded"),
}


@pytest.mark.parametrize("kind", NO_MODELS)
def test_what_has_no_heads_is_refused_in_one_line(kind: str) -> None:
    made, says = NO_MODELS[kind]
    says = f"swap needs a pragmatic.Transformer or a Hugging Face model, {says}"
    with pytest.raises(TypeError, match="^" + re.escape(says)) as refused, swap(made(), head=UNIFORM):
        pass
    assert "\n" not in str(refused.value)


def test_what_is_no_head_is_refused(model: Transformer) -> None:
    before = heads_of(model)
    with pytest.raises(TypeError, match=r"^head must be callable .* got int"), swap(model, head=3):  # type: ignore[arg-type]
        pass
    assert heads_of(model) == before


def test_only_the_chosen_heads_change_and_all_come_back(model: Transformer) -> None:
    before, logits = heads_of(model), model(TOKENS)
    with swap(model, heads="0.1,1.*", head=UNIFORM) as swapped:
        assert swapped is model
        plain, uniform = before[0][0], id(UNIFORM)
        assert heads_of(model) == [[plain, uniform, plain, plain], [uniform] * 4]
        assert not torch.allclose(model(TOKENS), logits)
    assert heads_of(model) == before
    assert torch.equal(model(TOKENS), logits)


def test_heads_come_back_after_an_error_inside(model: Transformer) -> None:
    before = heads_of(model)

    def broken(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"), swap(model, head=broken):
        model(TOKENS)
    assert heads_of(model) == before


def test_swaps_nest_and_each_restores_what_it_replaced(model: Transformer) -> None:
    plain, outer, inner = dot_product_head(Softmax(temperature=2.0)), UNIFORM, dot_product_head(Softmax())
    with swap(model, head=plain):
        with swap(model, heads="0.*", head=outer):
            with pytest.raises(KeyboardInterrupt), swap(model, heads=[(0, 0), (1, 3)], head=inner):
                raise KeyboardInterrupt
            assert heads_of(model) == [[id(outer)] * 4, [id(plain)] * 4]
        assert heads_of(model) == [[id(plain)] * 4] * 2


def test_the_identity_swap_leaves_logits_as_they_were(model: Transformer) -> None:
    logits = model(TOKENS)
    with swap(model, head=dot_product_head(Softmax())):
        assert (model(TOKENS) - logits).abs().max() <= 1e-5


def test_nothing_is_copied_and_training_inside_stays(model: Transformer) -> None:
    before = {name: p.data_ptr() for name, p in model.named_parameters()}
    with swap(model, head=UNIFORM):
        assert {name: p.data_ptr() for name, p in model.named_parameters()} == before
        model(TOKENS).square().mean().backward()
        with torch.no_grad():
            model.token_vectors -= model.token_vectors.grad
        trained = model.token_vectors.clone()
    assert torch.equal(model.token_vectors, trained)
