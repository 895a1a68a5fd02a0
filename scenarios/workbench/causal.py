"""Pretrained causal language models, by name, folder or GGUF file, and a text cut into windows for them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bridge.huggingface.layers import longest_sequence
from pragmatic.tasks.text import Text
from scenarios.workbench.errors import UsageError
from scenarios.workbench.pretrained import MINILM, Pretrained, load_pretrained
from scenarios.workbench.smollm2 import SMOLLM2, check_packages, load_gguf, smollm2_file

__all__ = ["check_gguf", "is_causal", "load_causal", "load_text_model", "text_of", "windows_of"]


def load_causal(name: str) -> Pretrained:
    """The model that predicts the next token, with plain attention.

    Raises
    ------
    UsageError
        Unless the name is `smollm2`, a folder or a GGUF file of a causal model, with its tokenizer.
    ModuleNotFoundError
        Without the extra `lm`; the message names the install command.
    """
    if name == SMOLLM2:
        return load_gguf(smollm2_file())
    pretrained = _gguf(Path(name)) if name.endswith(".gguf") else load_pretrained(name)
    if not is_causal(pretrained):
        raise UsageError(
            f"model must be a causal language model, got {type(pretrained.model).__name__}, which predicts no next "
            "token; give one that generates text"
        )
    if not pretrained.tokenizer("a word")["input_ids"]:
        raise UsageError(
            f"model must come with the tokenizer that it was trained with, got {name} with one that makes no "
            "tokens of a text; save the model's own in its folder"
        )
    return pretrained


def load_text_model(name: str) -> Pretrained:
    """A model that reads text with one stack of layers, causal or not, with plain attention.

    Parameters
    ----------
    name : str
        `minilm`, `smollm2`, a folder or a GGUF file.

    Raises
    ------
    UsageError
        For what is no model, a model of images, and an encoder with a decoder.
    """
    if not (name in (MINILM, SMOLLM2) or name.endswith(".gguf") or (Path(name) / "config.json").is_file()):
        raise UsageError(
            f"model must be {MINILM}, {SMOLLM2}, a folder with a config.json or a .gguf file, got {name}; check "
            "the path"
        )
    pretrained = load_causal(name) if name == SMOLLM2 or name.endswith(".gguf") else load_pretrained(name)
    if pretrained.tokenizer is None:
        raise UsageError(f"model must read text, got {name}, which reads images; give another")
    if pretrained.model.config.is_encoder_decoder:
        raise UsageError(f"model must be an encoder or a decoder, got {name}, which is both; give another")
    return pretrained


def is_causal(pretrained: Pretrained) -> bool:
    """Whether a model reads text and predicts its next token."""
    model = pretrained.model
    return (
        pretrained.tokenizer is not None
        and not model.config.is_encoder_decoder
        and bool(model.can_generate())
    )


def check_gguf(file: Path) -> None:
    """Raise unless the file is there, and the packages that read it."""
    if not file.is_file():
        raise UsageError(f"model must be a GGUF file that is there, got {file}; check the path")
    check_packages()


def _gguf(file: Path) -> Pretrained:
    check_gguf(file)
    try:
        return load_gguf(file)
    except Exception as error:  # whatever the library meets in a damaged or unknown file
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise UsageError(
            f"model must be a GGUF file of an architecture that transformers reads, got {file} ({first}); convert "
            "it to a folder with save_pretrained"
        ) from error


def text_of(text_file: str | None) -> str:
    """The text of a file, or without one the English topics that ship with Python.

    Raises
    ------
    UsageError
        For what is no file, and bytes that are not UTF-8.
    """
    if text_file is None:
        return Text.embedded().characters
    if not Path(text_file).is_file():
        raise UsageError(f"text_file must be a file, got {text_file}; check its path")
    try:
        return Path(text_file).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"text_file must be UTF-8, got other bytes in {text_file}; convert it") from error


def windows_of(
    pretrained: Pretrained, text: str, n_windows: int, length: int, stride: int | None = None
) -> Tensor:
    """The first tokens of a text, window after window, (n_windows, length) int64.

    Parameters
    ----------
    pretrained : Pretrained
    text : str
    n_windows, length : int
    stride : int, optional
        Tokens from the start of a window to that of the next; the length if not given, so that none overlap.

    Raises
    ------
    UsageError
        For windows longer than the model's positions, and a text with fewer tokens than two windows.
    """
    limit = longest_sequence(pretrained.model)
    if limit is not None and length > limit:
        raise UsageError(
            f"length must be <= {limit}, the model's positions, got {length}; use shorter windows"
        )
    tokens = pretrained.tokenizer(text, return_tensors="pt", verbose=False)["input_ids"][0]
    apart = stride or length
    n = min(n_windows, 1 + (len(tokens) - length) // apart)
    if n < 2:
        raise UsageError(
            f"text must hold at least two windows of {length} tokens, got {len(tokens)} tokens; give a longer "
            "text, or a smaller length"
        )
    return torch.as_tensor(tokens).unfold(0, length, apart)[:n].contiguous()
