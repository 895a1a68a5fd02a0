"""What people do with language models, with gamma attention: pipelines, beams, caches, devices, half precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hf_models import ARCHITECTURES, PLAIN, batch, built, from_class, saved, state, transformers, with_gamma

import bridge.huggingface as hf
from bridge import swap

GREEDY: dict[str, Any] = {"do_sample": False, "pad_token_id": 0, "max_new_tokens": 8, "min_new_tokens": 8}
LONG = {"max_position_embeddings": 48}


def written(model: Any, **keywords: Any) -> torch.Tensor:
    return model.generate(**{**batch("gpt2", length=5), **GREEDY, **keywords})


def in_double(name: str, **options: Any) -> Any:
    """In single precision one run in a hundred differs by a spike between two orders of addition."""
    return with_gamma(name, mode="simulated", **options).double()


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_a_static_cache_writes_what_a_growing_one_does(name: str) -> None:
    """Its keys that are still empty are masked."""
    model = in_double(name)
    assert torch.equal(written(model, cache_implementation="static"), written(model))


def test_a_window_that_slides_over_the_cache_writes_what_no_cache_does() -> None:
    sizes = {**ARCHITECTURES["gemma2"][1], **LONG, "sliding_window": 6}
    model = hf.configure(from_class("Gemma2ForCausalLM", sizes).double(), seed=3)
    assert torch.equal(written(model), written(model, use_cache=False))


def test_a_cache_that_the_caller_holds_goes_on_where_it_ended() -> None:
    model, tokens = in_double("llama"), batch("llama", length=8)["input_ids"]
    with torch.no_grad():
        whole = model(tokens).logits
        first = model(tokens[:, :5], use_cache=True)
        rest = model(tokens[:, 5:], past_key_values=first.past_key_values).logits
    torch.testing.assert_close(rest, whole[:, 5:], atol=1e-9, rtol=0)


def test_beams_of_softmax_heads_are_the_models_own() -> None:
    model = built("gpt2").double()
    model.set_attn_implementation("eager")
    before = written(model, num_beams=3)
    with swap(model, head=PLAIN):
        assert torch.equal(written(model, num_beams=3), before)


def test_beams_of_spiking_heads_repeat() -> None:
    model = with_gamma("gpt2", mode="simulated", spikes=8)
    first = written(model, num_beams=3, num_return_sequences=2)
    assert first.shape == (4, 13)
    assert torch.equal(written(model, num_beams=3, num_return_sequences=2), first)
    model.config.gamma_seed = 7
    assert not torch.equal(written(model, num_beams=3, num_return_sequences=2), first)


def test_pipelines_take_a_model_with_gamma_attention(tmp_path: Path) -> None:
    path = saved(tmp_path, built("gpt2"), pads=False)
    asked = {"attn_implementation": "gamma", "gamma_spikes": 16}
    writer = transformers.pipeline("text-generation", path, model_kwargs=asked, device="cpu")
    [written_so] = writer("the cat sat", max_new_tokens=4, do_sample=False, return_tensors=True)
    assert hf.plan_of(writer.model).calls == 4 * 2  # tokens and layers
    tokens = torch.tensor([written_so["generated_token_ids"][:3]])
    own = writer.model.generate(tokens, **{**GREEDY, "max_new_tokens": 4, "min_new_tokens": 4})
    assert own[0].tolist() == written_so["generated_token_ids"]
    vectors = transformers.pipeline("feature-extraction", path, model_kwargs=asked, device="cpu")("the cat")
    assert len(vectors[0]) == 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_writes_and_comes_near_single(dtype: torch.dtype) -> None:
    """Eight bits of bfloat16 through two layers, and spikes that they move: a tenth of the logits' spread."""
    given = batch("llama")
    single = state(with_gamma("llama", mode="simulated", spikes=256), given)
    model = with_gamma("llama", mode="simulated", spikes=256).to(dtype)
    half = state(model, given)
    assert half.dtype == dtype
    assert (half.float() - single).square().mean().sqrt() < 0.1 * single.std()
    assert written(model).shape == (2, 13)


def test_autocast_comes_near_single_precision() -> None:
    model, given = with_gamma("llama", mode="simulated", spikes=256), batch("llama")
    single = state(model, given)
    with torch.autocast("cpu", torch.bfloat16):
        half = state(model, given)
    assert (half.float() - single).square().mean().sqrt() < 0.1 * single.std()


@pytest.mark.parametrize("options", [{}, {"use_reentrant": False}, {"use_reentrant": True}])
def test_gradient_checkpointing_leaves_the_gradient_as_it_was(options: dict[str, bool]) -> None:
    """A layer that is computed again has the same spikes, since its rows are keyed."""
    gradients = []
    for checkpointing in (False, True):
        model, given = with_gamma("llama", mode="simulated", spikes=16).train(), batch("llama")
        if checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=options or None)
        model(**given, labels=given["input_ids"]).loss.backward()
        gradients.append(model.model.layers[0].self_attn.q_proj.weight.grad)
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(gradients[1], gradients[0])


PARTS = {  # of a model that is taken apart: its second layer lies on the disk
    "llama": [
        "model.embed_tokens",
        "model.norm",
        "model.rotary_emb",
        "lm_head",
        "model.layers.0",
        "model.layers.1",
    ],
    "gpt_neo": [
        *(f"transformer.{part}" for part in ("wte", "wpe", "ln_f", "h.0")),
        "lm_head",
        "transformer.h.1",
    ],
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("where", ["auto", "cpu", "disk"])
def test_a_device_map_places_a_model_with_gamma_attention(name: str, where: str, tmp_path: Path) -> None:
    """On disk: a layer's weights are read when its turn comes, by hooks that accelerate puts around it."""
    pytest.importorskip("accelerate", reason="needs the extra lm")
    path = saved(tmp_path / "model", built(name), reads=False)
    device_map: Any = (
        "auto" if where == "auto" else dict.fromkeys(PARTS[name], "cpu") | {PARTS[name][-1]: where}
    )
    placed = transformers.AutoModelForCausalLM.from_pretrained(
        path, attn_implementation="gamma", device_map=device_map, offload_folder=tmp_path / "disk"
    ).eval()
    here = transformers.AutoModelForCausalLM.from_pretrained(path, attn_implementation="gamma").eval()
    assert (next(placed.get_submodule(PARTS[name][-1]).parameters()).device.type == "meta") == (
        where == "disk"
    )
    assert torch.equal(state(placed, batch(name)), state(here, batch(name)))


@pytest.mark.parametrize("name", ["bert", "mpnet"])
def test_a_caller_of_forward_itself_gets_the_same(name: str) -> None:
    """As sentence-transformers does; options that change and blocks that end take effect there too."""
    model, given = built(name), batch(name)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        softmax = model.forward(**given).last_hidden_state
        with swap(model, head=hf.GammaOptions(spikes=8, mode="sampled").head()):
            assert (model.forward(**given).last_hidden_state - softmax).abs().max() > 1e-3
        torch.testing.assert_close(model.forward(**given).last_hidden_state, softmax)
        hf.configure(model, spikes=8, mode="sampled")
        few = model.forward(**given).last_hidden_state
        assert torch.equal(few, state(model, given))
        model.config.gamma_spikes = 16
        assert not torch.equal(model.forward(**given).last_hidden_state, few)


def test_a_loaded_model_whose_forward_is_called_first_has_gamma_attention(tmp_path: Path) -> None:
    path = saved(tmp_path, built("mpnet"), reads=False)
    model = transformers.AutoModel.from_pretrained(path, attn_implementation="gamma", gamma_spikes=8).eval()
    with torch.no_grad():
        first = model.forward(**batch("mpnet")).last_hidden_state
    assert torch.equal(first, state(model, batch("mpnet")))
    assert hf.plan_of(model).calls == 4
