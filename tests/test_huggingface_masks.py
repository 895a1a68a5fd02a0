"""Masks in Hugging Face models: no padded and no future token is seen, whatever attends."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from hf_models import (
    PLAIN,
    batch,
    built,
    spiking,
    state,
    transformers,
)

import bridge.huggingface as hf
from bridge.huggingface.attend import LayerCall
from pragmatic import Head, Uniform, dot_product_head
from pragmatic.attention import linear_attention

CAUSAL = ("gpt2", "llama", "gemma2", "gpt_neo")
PADDED = ("bert", "distilbert", "mpnet", *CAUSAL)

ATTENTIONS: dict[str, Callable[[], Head]] = {
    "softmax": lambda: PLAIN,
    "uniform": lambda: dot_product_head(Uniform()),
    "linear": lambda: linear_attention,
    "sampled": lambda: spiking(seed=3),
    "simulated": lambda: spiking(mode="simulated", spikes=8),
}


EACH = [  # linear attention makes its own scores; Gemma 2 bends them, MPNet adds a bias: refused
    (name, attention)
    for name in PADDED
    for attention in ATTENTIONS
    if not (name in ("gemma2", "mpnet") and attention == "linear")
]


@contextmanager
def swapped(model: Any, head: Head) -> Iterator[None]:
    with hf.swap_heads(model, head=head, keyed=True):
        yield


def leak(name: str, head: Head) -> float:
    """How much the first five positions change with the tokens after them: padded ones, future ones."""
    model, given = built(name), batch(name)
    other = copy.deepcopy(given)
    other["input_ids"][:, 5:] = (other["input_ids"][:, 5:] + 7) % 60
    if name in CAUSAL:
        for each in (given, other):
            del each["attention_mask"]
    else:
        for each in (given, other):
            each["attention_mask"][:, 5:] = 0
    with swapped(model, head):
        return float((state(model, given) - state(model, other))[:, :5].abs().max())


@pytest.mark.parametrize(("name", "attention"), EACH)
def test_no_padded_and_no_future_token_is_seen(name: str, attention: str) -> None:
    assert leak(name, ATTENTIONS[attention]()) <= 1e-6  # measured with the mask gone: above 0.1


@pytest.mark.parametrize("name", [name for name in PADDED if name != "gpt_neo"])
def test_every_architecture_leaks_when_the_mask_is_not_registered(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail; GPT-Neo alone keeps its causal mask in its layers."""
    masks = transformers.AttentionMaskInterface._global_mapping
    monkeypatch.delitem(masks, "gamma")
    assert leak(name, PLAIN) > 0.1


def test_gpt_neo_leaks_without_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above can fail for GPT-Neo too: with a window of all keys, future ones are seen."""
    model = built("gpt_neo")
    for block in model.transformer.h:
        monkeypatch.setattr(block.attn.attention, "bias", torch.ones(1, 1, 24, 24, dtype=torch.bool))
    monkeypatch.setattr("test_huggingface_masks.built", lambda name: model)
    monkeypatch.delitem(transformers.AttentionMaskInterface._global_mapping, "gamma")
    assert leak("gpt_neo", PLAIN) > 0.1


@pytest.mark.parametrize(("name", "attention"), EACH)
def test_a_padded_sequence_is_computed_as_by_itself(name: str, attention: str) -> None:
    model, given = built(name), batch(name)
    given["attention_mask"][0, 5:] = 0
    alone = {"input_ids": given["input_ids"][:1, :5]}
    with swapped(model, ATTENTIONS[attention]()):
        difference = (state(model, given)[:1, :5] - state(model, alone)).abs().max()
    assert difference <= 1e-5


def test_a_boolean_mask_says_which_keys_take_part() -> None:
    """As in PyTorch's own `scaled_dot_product_attention`; some models hand over such a mask."""
    query, key, value = torch.randn(3, 1, 2, 5, 8, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(5, 5, dtype=torch.bool).tril()[None, None]
    call = LayerCall.of(query, key, value, mask, scaling=None, dropout=0.0, extra={})
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(call.plain().output, expected)
    assert (call.softmax()[..., ~mask[0, 0]] == 0).all()
