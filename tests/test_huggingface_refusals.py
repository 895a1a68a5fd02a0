"""Options of gamma attention in a configuration, and what is refused in Hugging Face models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hf_models import (
    PLAIN,
    batch,
    built,
    from_class,
    state,
    transformers,
    with_gamma,
)

import bridge.huggingface as hf
from bridge import swap
from pragmatic import HopfieldHead


def test_options_are_saved_with_the_model(tmp_path: Path) -> None:
    options = {"heads": "0.1,1.*", "spikes": 16, "temperature": 1.5, "engine": "fused", "seed": 7}
    model = with_gamma("bert", **options)
    model.save_pretrained(tmp_path)
    loaded = transformers.AutoModel.from_pretrained(tmp_path, attn_implementation="gamma").eval()
    plan = hf.plan_of(loaded)
    assert sorted(plan.heads) == [(0, 1), (1, 0), (1, 1), (1, 2), (1, 3)]
    assert plan.made_from == hf.plan_of(model).made_from
    assert torch.equal(state(loaded, batch("bert")), state(model, batch("bert")))


def test_options_that_change_count_from_the_next_call() -> None:
    model, given = with_gamma("bert"), batch("bert")
    before = state(model, given)
    model.config.gamma_heads = "1.3"
    assert not torch.equal(state(model, given), before)
    assert list(hf.plan_of(model).heads) == [(1, 3)]


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("heads", "0.4", r"no head 0\.4 in this model; it has 0\.0 to 0\.3, 1\.0 to 1\.3"),
        ("heads", 3, "heads must be"),
        ("spikes", 0, "spikes must be >= 1, got 0"),
        ("circuit", "slow", "circuit must be one of .*brief; got 'slow'"),
        ("n_cells", 0, "n_cells must be >= 1, got 0"),
        ("duration_ms", -5.0, "duration_ms must be > 0, got -5"),
        ("temperature", 0.0, "temperature must be > 0, got 0"),
        ("engine", "nest", "engine must be one of .*; got 'nest'"),
        ("seed", -1, "seed must be a whole number >= 0 or None, got -1"),
        ("mode", "exact", "mode must be one of simulated, sampled; got 'exact'"),
        ("spike", 8, "gamma_spike'.* Did you mean 'gamma_spikes'"),
    ],
)
def test_options_that_cannot_be_are_refused_and_the_model_stays_as_it_was(
    option: str, value: Any, says: str
) -> None:
    model = built("bert", **{f"gamma_{option}": value})
    before = model.config._attn_implementation
    with pytest.raises((ValueError, TypeError), match=says):
        model.set_attn_implementation("gamma")
    assert model.config._attn_implementation == before
    state(model, batch("bert"))


WITHOUT_INTERFACE: dict[str, dict[str, Any]] = {
    "BloomModel": {"vocab_size": 61, "hidden_size": 32, "n_layer": 1, "n_head": 4},
    "DebertaV2Model": {"vocab_size": 61, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4},
    "XLNetModel": {"vocab_size": 61, "d_model": 32, "n_layer": 1, "n_head": 4, "d_inner": 48},
}


@pytest.mark.parametrize("model_class", WITHOUT_INTERFACE)
def test_an_architecture_without_the_interface_is_refused(model_class: str) -> None:
    sizes = WITHOUT_INTERFACE[model_class]
    says = f"^{model_class} must ask the attention interface"
    with pytest.raises(TypeError, match=says):
        from_class(model_class, sizes, attn_implementation="gamma")
    model = from_class(model_class, sizes)
    with pytest.raises(TypeError, match=says):
        model.set_attn_implementation("gamma")
    with pytest.raises(TypeError, match=says), swap(model, head=PLAIN):
        pass


class OwnBloom(transformers.BloomModel):
    """A subclass in another file inherits the attention, and its refusal."""


def test_a_subclass_of_an_architecture_without_the_interface_is_refused() -> None:
    config = transformers.BloomConfig(**WITHOUT_INTERFACE["BloomModel"])
    for change in (
        lambda: OwnBloom(config).set_attn_implementation("gamma"),
        lambda: hf.configure(OwnBloom(config)),
    ):
        with pytest.raises(TypeError, match=r"^OwnBloom must ask the attention interface"):
            change()


def test_a_swap_does_not_read_the_options_of_plain_attention() -> None:
    model, given = built("bert", gamma_circuit="not_installed:Mine"), batch("bert")
    before = state(model, given)
    with swap(model, head=PLAIN):
        assert (state(model, given) - before).abs().max() <= 1e-5
    with pytest.raises(ValueError, match="cannot import not_installed"):
        model.set_attn_implementation("gamma")
    assert torch.equal(state(model, given), before)


def test_a_model_that_does_not_call_its_attention_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks as if it asked the interface and does not: the count finds it."""
    model = with_gamma("bert")
    for layer in model.encoder.layer:
        monkeypatch.setattr(layer.attention, "forward", lambda hidden, *args, **kwargs: (hidden, None))
    with pytest.raises(TypeError, match=r"^BertModel must ask the attention interface"):
        state(model, batch("bert"))


def test_attention_that_is_no_softmax_of_scores_is_refused() -> None:
    """GPT-OSS lets a learned sink take a part of every row's weight."""
    model = from_class(
        "GptOssForCausalLM",
        {"vocab_size": 61, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
        | {"num_key_value_heads": 2, "head_dim": 8, "num_local_experts": 2, "intermediate_size": 48},
    )
    torch.nn.init.ones_(model.model.layers[0].self_attn.sinks)
    says = r"layer 0 \(model\.layers\.0\.self_attn\) must be a softmax of"
    with pytest.raises(ValueError, match=says), swap(model, head=PLAIN):
        state(model, batch("gpt2"))


def test_a_head_that_makes_its_own_scores_is_refused_where_the_layer_has_a_bias() -> None:
    model = built("t5")
    with (
        pytest.raises(TypeError, match="got a layer with a bias, which it would ignore"),
        swap(model, head=HopfieldHead()),
    ):
        state(model, batch("t5"))


@pytest.mark.parametrize("where", ["query", "value"])
def test_nan_in_the_activations_names_the_layer(where: str) -> None:
    model = with_gamma("bert")
    getattr(model.encoder.layer[1].attention.self, where).weight.data[0, 0] = torch.nan
    says = rf"nan or inf in the {where} of layer 1 \(encoder\.layer\.1\.attention\.self\)"
    with pytest.raises(ValueError, match=says):
        state(model, batch("bert"))


@pytest.mark.parametrize("name", ["bert", "gpt2", "llama"])
def test_a_sequence_longer_than_the_model_is_refused(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"^a sequence must not be longer than the model's 24 positions, got 25"
    ):
        state(with_gamma(name), batch(name, length=25))
    state(with_gamma(name), batch(name, length=24))


def test_positions_beyond_the_cache_are_refused() -> None:
    model = with_gamma("llama")
    with pytest.raises(ValueError, match=re.escape("the model's 24 positions, got 25")):
        model.generate(**batch("llama", length=20), max_new_tokens=9, min_new_tokens=9, pad_token_id=0)
