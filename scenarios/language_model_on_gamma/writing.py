"""A text that a model goes on with, token by token the most probable: by softmax, and by spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from bridge import SpikingHead, swap
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.pretrained import Pretrained

__all__ = ["Written", "write"]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What two kinds of attention make of one prompt."""

    prompt: str
    softmax: tuple[str, ...]  # new tokens as text
    spikes: tuple[str, ...]

    @property
    def common(self) -> int:
        """New tokens until the two part."""
        pairs = enumerate(zip(self.softmax, self.spikes, strict=False))
        least = min(len(self.softmax), len(self.spikes))
        return next((at for at, (a, b) in pairs if a != b), least)


def write(
    pretrained: Pretrained, prompt: str, n_tokens: int, head: SpikingHead, heads: str, ctx: RunContext
) -> Written:
    """Go on with the prompt twice, each with the cache of keys and values that generation uses."""
    with ctx.progress.stage("write by softmax", share=0.3):
        softmax = _continued(pretrained, prompt, n_tokens)
    with ctx.progress.stage("write by spikes", share=0.7), swap(pretrained.model, heads=heads, head=head):
        spikes = _continued(pretrained, prompt, n_tokens)
    return Written(prompt=prompt, softmax=softmax, spikes=spikes)


def _continued(pretrained: Pretrained, prompt: str, n_tokens: int) -> tuple[str, ...]:
    tokenizer: Any = pretrained.tokenizer
    given = pretrained.read([prompt])
    asked = given["input_ids"].shape[-1]
    with torch.inference_mode():
        whole = pretrained.model.generate(
            **given, max_new_tokens=n_tokens, do_sample=False, pad_token_id=tokenizer.eos_token_id
        )
    return tuple(tokenizer.decode([int(token)]) for token in whole[0, asked:])
