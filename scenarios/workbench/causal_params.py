"""The parameters that say which language model reads which text."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.smollm2 import SMOLLM2

__all__ = ["CausalParams", "ReaderParams"]


@dataclass(frozen=True, kw_only=True)
class CausalParams(ScenarioParams):
    """A model that predicts the next token."""

    model: str = param(SMOLLM2, "smollm2, the folder of a causal model, or a .gguf file")


@dataclass(frozen=True, kw_only=True)
class ReaderParams(CausalParams):
    """The same, and a text in windows of one length."""

    text_file: str | None = param(
        None, "UTF-8 text that is predicted; the English topics that ship with Python if none"
    )
    length: int = param(128, "tokens in each window", at_least=8)
