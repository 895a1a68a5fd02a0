"""lm-evaluation-harness with gamma attention: `--model fortyhertz` (Gao et al. 2024, doi:10.5281/zenodo.12608602).

Releases of the harness after 0.4.13 find the model by the entry point `lm_eval.models`. `fortyhertz lm-eval`
imports this module first, which registers the model in any release.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from lm_eval.api.registry import register_model
from lm_eval.models.huggingface import HFLM

from bridge.huggingface import NAME, GammaOptions
from scenarios.workbench.causal import check_gguf
from scenarios.workbench.errors import UsageError
from scenarios.workbench.smollm2 import SMOLLM2, smollm2_file

__all__ = ["GammaLM", "run_harness"]

OPTIONS = tuple(field.name for field in fields(GammaOptions))


@register_model("fortyhertz")
class GammaLM(HFLM):
    """The harness's own Hugging Face model, every attention head simulated.

    Parameters
    ----------
    pretrained : str
        A folder or name that transformers loads, a .gguf file, or `smollm2`.
    **keywords
        Fields of `GammaOptions`: spikes, heads, circuit, seed and others. All others go to the harness's model:
        dtype, batch_size, max_length, device, peft.
    """

    def __init__(self, pretrained: str, **keywords: Any) -> None:
        self.gamma = GammaOptions(**{name: keywords.pop(name) for name in OPTIONS if name in keywords})
        keywords.setdefault("device", "cuda" if torch.cuda.is_available() else "cpu")
        super().__init__(**_place(pretrained), **keywords, attn_implementation=NAME, **self.gamma.as_keys())

    def get_model_info(self) -> dict[str, Any]:
        """What the file of results says of the model, its gamma attention included."""
        return {**super().get_model_info(), **self.gamma.as_keys()}


def _place(pretrained: str) -> dict[str, str]:
    """Where the harness's own model loads the weights from."""
    if pretrained == SMOLLM2:
        file = smollm2_file()
    elif pretrained.endswith(".gguf"):
        file = Path(pretrained)
        check_gguf(file)
    else:
        return {"pretrained": pretrained}
    return {"pretrained": str(file.parent), "gguf_file": file.name}


def run_harness(arguments: Sequence[str]) -> None:
    """Run the harness's command line; importing this module has registered the model."""
    from lm_eval.__main__ import cli_evaluate

    if not arguments:
        raise UsageError(
            "lm-eval needs the arguments of lm-evaluation-harness, got none; give such as --model fortyhertz "
            "--model_args pretrained=smollm2,spikes=64 --tasks blimp"
        )
    before = sys.argv
    sys.argv = ["lm_eval", *arguments]
    try:
        cli_evaluate()
    finally:
        sys.argv = before
