"""Spikes of every token while a model writes: what rows took in the step that chose it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bridge.bill.usage import Usage
from pragmatic import Head
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.pretrained import Pretrained
from scenarios.workbench.reading import Trial

__all__ = ["Written", "write"]


@dataclass(frozen=True, kw_only=True)
class Written:
    """How a model went on with a text."""

    prompt: str
    tokens: tuple[str, ...]  # new ones, as text
    spikes: np.ndarray  # (n_tokens,) per row, of the step that chose the token; the first read the prompt


@dataclass
class _Watch:
    """What `generate` calls with the prompt and then with each new token."""

    heads: Sequence[Head]
    progress: Callable[[int], None]
    used: list[Usage] = field(default_factory=list)

    def put(self, tokens: Tensor) -> None:
        """Note what the heads have used so far."""
        usages: list[Usage] = [head.score_map.usage for head in self.heads]  # type: ignore[attr-defined]
        self.used.append(sum(usages, Usage()))
        self.progress(len(self.used))

    def end(self) -> None:
        """Nothing is left to do."""


def write(pretrained: Pretrained, prompt: str, n_new: int, trial: Trial, ctx: RunContext) -> Written:
    """Go on with the prompt, always with the most probable token, keys and values cached."""
    tokenizer: Any = pretrained.tokenizer
    given = pretrained.read([prompt])
    with trial.placed(pretrained.model, ctx.rng) as heads, torch.inference_mode():
        watch = _Watch(heads, lambda n: ctx.progress(min(1.0, n / (1 + n_new)), "write"))
        ids = pretrained.model.generate(
            **given,
            max_new_tokens=n_new,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
            streamer=watch,
        )
    new = ids[0, given["input_ids"].shape[-1] :].tolist()
    spikes, rows = (np.diff([getattr(used, name) for used in watch.used]) for name in ("spikes", "rows"))
    return Written(prompt=prompt, tokens=tuple(tokenizer.decode([one]) for one in new), spikes=spikes / rows)
