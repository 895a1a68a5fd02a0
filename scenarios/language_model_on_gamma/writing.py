"""A text that a model goes on with, token by token the most probable: by softmax, and by spikes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

import torch

from bridge.huggingface import configure
from bridge.huggingface.options import gamma_keys
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.pretrained import Pretrained
from spiking.engines import ENGINES

if TYPE_CHECKING:
    from scenarios.language_model_on_gamma import Params

__all__ = ["Written", "add_writing", "write"]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What two kinds of attention make of one prompt."""

    prompt: str
    softmax: tuple[str, ...]  # new tokens as text
    spikes: tuple[str, ...]
    uncached: tuple[str, ...] = ()  # the first of them by spikes again, each step from the start of the text
    times: float = float("nan")  # seconds by spikes over those by softmax

    @property
    def common(self) -> int:
        """New tokens until the two part."""
        return _alike(self.softmax, self.spikes)

    @property
    def alike_uncached(self) -> int:
        """Tokens that are the same with a cache and without, until they part."""
        return _alike(self.uncached, self.spikes)

    def shared(self) -> tuple[list[bool], list[bool]]:
        """Of each token of softmax and of spikes, whether it stands in both texts in the same order."""
        flags = [False] * len(self.softmax), [False] * len(self.spikes)
        for block in SequenceMatcher(None, self.softmax, self.spikes, autojunk=False).get_matching_blocks():
            for step in range(block.size):
                flags[0][block.a + step] = flags[1][block.b + step] = True
        return flags


def write(pretrained: Pretrained, params: Params, ctx: RunContext) -> Written:
    """Go on with the prompt by softmax and by spikes, with the cache of keys and values that generation uses.

    The noise of a row follows from its layer, head and position, so that without the cache, where every row is
    simulated again at each step, it spikes as it did.
    """
    n, seconds = params.new_tokens, []
    with ctx.progress.stage("write by softmax", share=0.3):
        began = time.perf_counter()
        softmax = _continued(pretrained, params.prompt, n)
        seconds.append(time.perf_counter() - began)
    with _on_circuits(pretrained.model, params, ctx):
        with ctx.progress.stage("write by spikes", share=0.4):
            began = time.perf_counter()
            spikes = _continued(pretrained, params.prompt, n)
            seconds.append(time.perf_counter() - began)
        uncached: tuple[str, ...] = ()
        again = min(params.uncached, n) if ENGINES[ctx.engine_name].takes_streams else 0
        if again:
            with ctx.progress.stage("write without a cache", share=0.3):
                uncached = _continued(pretrained, params.prompt, again, use_cache=False)
    return Written(
        prompt=params.prompt,
        softmax=softmax,
        spikes=spikes,
        uncached=uncached,
        times=seconds[1] / seconds[0],
    )


@contextmanager
def _on_circuits(model: Any, params: Params, ctx: RunContext) -> Iterator[None]:
    """Gamma attention by configuration, whose noise is keyed; the model is as before afterwards."""
    plain = model.config._attn_implementation
    configure(
        model,
        heads=params.heads,
        spikes=params.shown,
        circuit=params.circuit,
        n_cells=params.n_cells,
        engine=ctx.engine_name,
        seed=int(ctx.rng.integers(2**31)),
    )
    try:
        yield
    finally:
        model.set_attn_implementation(plain)
        for key in list(gamma_keys(model.config)):
            delattr(model.config, key)


def _continued(pretrained: Pretrained, prompt: str, n_tokens: int, **options: Any) -> tuple[str, ...]:
    tokenizer: Any = pretrained.tokenizer
    given = pretrained.read([prompt])
    asked = given["input_ids"].shape[-1]
    with torch.inference_mode():
        whole = pretrained.model.generate(
            **given,
            max_new_tokens=n_tokens,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
            **options,
        )
    return tuple(tokenizer.decode([int(token)]) for token in whole[0, asked:])


def add_writing(lines: Lines, written: Written) -> None:
    """Where the texts part, how much of them is shared, and whether a cache makes a difference."""
    n = len(written.softmax)
    lines.add("common", f"tokens written alike, of {n}, until the two part", written.common)
    share = sum(written.shared()[0]) / max(1, n)
    lines.add("shared", "– tokens that stand in both texts in the same order", share)
    lines.add("writing_time", "– time over softmax's", written.times)
    if written.uncached:
        label = f"– of the first {len(written.uncached)} tokens by spikes, those that are the same without a cache"
        lines.add("uncached", label, written.alike_uncached)


def _alike(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
