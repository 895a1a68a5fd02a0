"""The first symbol and parity by constructed attention: cross-entropy against length, with each remedy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pragmatic.machines.lengths import (
    LogLength,
    cross_entropy_bits,
    first_signal,
    layer_norm,
    parity_signal,
)
from pragmatic.score_maps import ScoreMap, Softmax
from scenarios.hard_for_transformers.dilution import score_map_of
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.readers import Reader

if TYPE_CHECKING:
    from scenarios.hard_for_transformers import Params

__all__ = ["FUNCTIONS", "REMEDIES", "Strings", "constructed"]

FUNCTIONS = ("first", "parity")
REMEDIES = ("none", "log", "norm", "exact norm")
EPSILON = 1e-5  # of PyTorch's layer norm


@dataclass(frozen=True, kw_only=True)
class Strings:
    """Answers to strings of one length."""

    bits: np.ndarray  # (n_strings,) cross-entropy
    right: np.ndarray  # (n_strings,) 1, 0, or .5 where the signal is 0


def constructed(params: Params, ctx: RunContext) -> dict[tuple[str, Reader, str, int], Strings]:
    """Answers by (function, reader, remedy, length); through spikes without remedy, and all layers."""
    done: dict[tuple[str, Reader, str, int], Strings] = {}
    for at, n in enumerate(params.keys):
        bits = torch.from_numpy(ctx.rng.integers(0, 2, size=(params.n_rows, n)))
        answers = {"first": bits[:, 0] == 1, "parity": bits.sum(dim=1) % 2 == 1}
        for function, answer in answers.items():
            judged = partial(_judged, answer=answer, gain=params.gain)
            for remedy in REMEDIES:
                plain, cooled = Softmax(), LogLength(score_map=Softmax(), reference=params.keys[0])
                signal = _signal(function, bits, params, cooled if remedy == "log" else plain)
                if "norm" in remedy:
                    signal = layer_norm(signal, EPSILON if remedy == "norm" else 0.0)
                done[function, ("softmax", 0), remedy, n] = judged(signal)
            for reader in params.readers:
                score_map = score_map_of(params, reader, ctx)
                done[function, reader, "none", n] = judged(_signal(function, bits, params, score_map))
        ctx.progress((at + 1) / len(params.keys))
    return done


def _signal(function: str, bits: Tensor, params: Params, score_map: ScoreMap) -> Tensor:
    if function == "first":
        return first_signal(bits, params.margin, score_map)
    return parity_signal(bits, params.margin, score_map, score_map)


def _judged(signal: Tensor, *, answer: Tensor, gain: float) -> Strings:
    right = torch.where(signal == 0, 0.5, ((signal > 0) == answer).double())
    return Strings(bits=cross_entropy_bits(signal, answer, gain).numpy(), right=right.numpy())
