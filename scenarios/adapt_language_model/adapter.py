"""Low-rank changes of a few weight matrices of a pretrained model, in place, and their state.

Hu et al. (2022), LoRA: low-rank adaptation of large language models, ICLR: W + (alpha / r) B A, where A starts at
random and B at 0, so that the model starts as it was. Made and kept by the library `peft`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from scenarios.workbench.errors import UsageError

__all__ = ["Adapter"]

SCALE = 2.0  # alpha / r, the ratio in which most uses of the library have them


class Adapter:
    """LoRA matrices inside a model, which is changed in place; every other weight is frozen.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    rank : int
        Of each change.
    targets : tuple of str
        Names of the linear modules that are changed, such as ``("q_proj", "k_proj")``.
    rng : numpy.random.Generator
        Draws the first A.

    Raises
    ------
    UsageError
        For a name that the model does not have.
    ModuleNotFoundError
        Without the extra `adapt`; the message names the install command.
    """

    def __init__(self, model: Any, rank: int, targets: tuple[str, ...], rng: np.random.Generator) -> None:
        from peft import LoraConfig, get_peft_model

        _check_targets(model, targets)
        config = LoraConfig(r=rank, lora_alpha=round(SCALE * rank), target_modules=list(targets))
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of settings that older versions of either library had
            torch.manual_seed(int(rng.integers(2**31)))
            self._wrapped: Any = get_peft_model(model, config)
        self.parameters: dict[str, nn.Parameter] = {
            name: parameter for name, parameter in self._wrapped.named_parameters() if parameter.requires_grad
        }
        self.start = self.tensors()

    @property
    def n_weights(self) -> int:
        """How many numbers are learnt."""
        return sum(parameter.numel() for parameter in self.parameters.values())

    def tensors(self) -> dict[str, Tensor]:
        """A copy of what has been learnt."""
        return {name: parameter.detach().clone() for name, parameter in self.parameters.items()}

    @torch.no_grad()
    def put(self, tensors: Mapping[str, Tensor]) -> None:
        """Set all matrices."""
        for name, parameter in self.parameters.items():
            parameter.copy_(tensors[name])

    def left_out(self) -> AbstractContextManager[None]:
        """The model as it was, for as long as the block lasts."""
        return self._wrapped.disable_adapter()

    def files(self, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
        """Writers of the two files that `peft` loads: ``PeftModel.from_pretrained(model, run_folder)``."""
        named = {name.replace(".default.", "."): tensor.contiguous() for name, tensor in tensors.items()}
        config = self._wrapped.peft_config["default"].to_dict() | {"inference_mode": True}
        described = json.dumps(config, indent=2, sort_keys=True, default=_in_json)
        return {
            "adapter_model.safetensors": lambda path: save_file(named, path, {"format": "pt"}),
            "adapter_config.json": lambda path: Path(path).write_text(described, encoding="utf-8"),
        }


def _check_targets(model: Any, targets: tuple[str, ...]) -> None:
    linear = {
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"
    }
    for target in targets:
        if target not in linear:
            raise UsageError(
                f"targets must be linear modules of the model, got {target}; known: {', '.join(sorted(linear))}"
            )


def _in_json(value: Any) -> Any:
    return sorted(value) if isinstance(value, set) else str(value)
