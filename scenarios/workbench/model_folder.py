"""A folder that holds a Hugging Face model: what is read of it, and what is refused; nothing in it is ever run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from scenarios.workbench.errors import UsageError

__all__ = ["read_model", "read_tokenizer"]

CONFIG, WEIGHTS = "config.json", ("model.safetensors", "model.safetensors.index.json")
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")  # to read a pickle is to run it


def read_model(folder: Path) -> Any:
    """The model in evaluation mode with plain attention.

    Its class is one of the installed library, its weights are safetensors.

    Raises
    ------
    UsageError
        For code or pickled weights in the folder, a class that is no model of the library, and any damage.
    """
    transformers = quiet_transformers()
    _check_config(folder)
    _check_weights(folder)
    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
        return (
            _class_of(config, folder)
            .from_pretrained(
                folder,
                config=config,
                attn_implementation="eager",
                trust_remote_code=False,
                use_safetensors=True,
            )
            .eval()
        )
    except UsageError:
        raise
    except Exception as error:  # whatever the library meets in a damaged folder
        raise UsageError(
            f"model must be a whole model of the installed transformers, got {folder} ({_first_line(error)}); "
            "save it again with save_pretrained"
        ) from error


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer in the folder.

    Raises
    ------
    UsageError
        If there is none of the library's own kinds.
    """
    try:
        return quiet_transformers().AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:
        raise UsageError(
            f"model must come with a tokenizer, got none that can be read in {folder} ({_first_line(error)}); "
            "save it there too"
        ) from error


def _check_config(folder: Path) -> None:
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise UsageError(f"{CONFIG} must hold a JSON object, got none in {folder}; save the model again")
    if "auto_map" in config:
        raise UsageError(
            f"model must be of a class of transformers, got {folder}, whose {CONFIG} names code in its folder "
            "(auto_map), and no code of a model folder is run; remove auto_map if the library has this class"
        )


def _check_weights(folder: Path) -> None:
    if any((folder / name).is_file() for name in WEIGHTS):
        return
    pickled = sorted(path.name for pattern in PICKLED for path in folder.glob(pattern))
    if pickled:
        raise UsageError(
            f"weights must be safetensors, got {pickled[0]} in {folder}, a pickle, which could run anything; "
            "load it where you trust it and save it again with save_pretrained"
        )
    raise UsageError(f"model must come with {WEIGHTS[0]}, got none in {folder}; save the model again")


def _class_of(config: Any, folder: Path) -> Any:
    """The class that the configuration names; that of its type if it names none."""
    import transformers

    named = config.architectures or ()
    if not named:
        return transformers.AutoModel
    name = named[0] if isinstance(named, (list, tuple)) else named
    cls = getattr(transformers, name, None) if isinstance(name, str) else None
    models = transformers.PreTrainedModel
    if not (isinstance(cls, type) and issubclass(cls, models) and cls.config_class is type(config)):
        raise UsageError(
            f"architectures must name a model of transformers for the type {config.model_type}, got {name!r} "
            f"in {folder / CONFIG}; save the model again, or leave the entry out"
        )
    return cls


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].strip().rstrip(".:")[:160]


def quiet_transformers() -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers
