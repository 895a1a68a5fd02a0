"""How a causal language model predicts a text under each kind of attention, window by window, kept as it goes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bridge import SpikingHead, swap
from bridge.heads.named import circuit_named
from pragmatic import Head, Uniform, dot_product_head
from pragmatic.checkpoint import read_tensors, write_tensors
from scenarios.workbench.outcome import RunContext

if TYPE_CHECKING:
    from scenarios.language_model_on_gamma import Params

__all__ = ["MEASURES", "Trial", "read_windows", "trials_of"]

MEASURES = ("loss", "kl", "same", "seconds", "spikes")  # of one window


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A kind of attention in the model."""

    kind: str  # "softmax", "uniform", "spikes", "random", "samples", "layer"
    spikes: int = 0  # per row, 0 where there are none
    layer: int = -1  # simulated alone; -1: all chosen heads

    @property
    def label(self) -> str:
        """For progress bars and axes: ``"random, 64 a row"``."""
        where = f"layer {self.layer}" if self.layer >= 0 else self.kind
        return f"{where}, {self.spikes} a row" if self.spikes else where


def trials_of(params: Params, n_layers: int) -> list[Trial]:
    """Softmax first, its control, and every kind that was asked for."""
    trials = [Trial(kind="softmax"), Trial(kind="uniform")]
    for kind in ("spikes", "random"):
        if "spiking" in params.kinds:
            trials += [Trial(kind=kind, spikes=n) for n in params.spikes]
    if "sampled" in params.kinds:
        trials += [Trial(kind="samples", spikes=n) for n in params.spikes]
    if params.layer_spikes and "spiking" in params.kinds:
        trials += [Trial(kind="layer", spikes=params.layer_spikes, layer=i) for i in range(n_layers)]
    return trials


def read_windows(
    model: Any, windows: Tensor, trials: Sequence[Trial], params: Params, ctx: RunContext
) -> np.ndarray:
    """Measure every trial on every window, (n_trials, n_windows, n_measures).

    What is measured is kept after each window. A window's noise depends on its number and the trial alone, so that
    an interrupted run ends with the same numbers.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    windows : Tensor, (n_windows, length) int64
    trials : sequence of Trial
        Softmax first.
    params : Params
    ctx : RunContext

    Returns
    -------
    ndarray
        nan where a layer alone was not tried on a window.
    """
    base, kept = int(ctx.rng.integers(2**31)), ctx.checkpoint("windows")
    measured = np.full((len(trials), len(windows), len(MEASURES)), np.nan)
    first = 0
    if kept is not None and kept.exists():
        tensors, about = read_tensors(kept, {"base": int, "trials": list, "done": int})
        if about["base"] == base and about["trials"] == [trial.label for trial in trials]:
            measured, first = tensors["measured"].numpy().copy(), about["done"]
    _warm_up(model, windows[:1])
    for at in range(first, len(windows)):
        measured[:, at] = _one_window(model, windows[at], trials, params, ctx, (base, at))
        if kept is not None:
            about = {"base": base, "trials": [trial.label for trial in trials], "done": at + 1}
            write_tensors(kept, {"measured": torch.from_numpy(measured)}, about)
        ctx.progress((at + 1) / len(windows), f"window {at + 1} of {len(windows)}")
    return measured


def _one_window(
    model: Any,
    window: Tensor,
    trials: Sequence[Trial],
    params: Params,
    ctx: RunContext,
    source: tuple[int, int],
) -> np.ndarray:
    """All trials on one window, (n_trials, n_measures)."""
    base, at = source
    exact: Tensor | None = None
    rows = np.full((len(trials), len(MEASURES)), np.nan)
    for n, trial in enumerate(trials):
        if trial.layer >= 0 and at >= params.layer_windows:
            continue
        head = _head(trial, params, ctx, int(np.random.default_rng([base, at, n]).integers(2**31)))
        began = time.perf_counter()
        with _swapped(model, trial, params, head), torch.inference_mode():
            predicted = model(window[None]).logits[0, :-1].float().log_softmax(-1)  # (T - 1, n_vocab)
        seconds = time.perf_counter() - began
        exact = predicted if exact is None else exact
        usage = head.usage if isinstance(head, SpikingHead) else None
        rows[n] = (
            float(functional.nll_loss(predicted, window[1:])),
            float((exact.exp() * (exact - predicted)).sum(-1).mean()),
            float((exact.argmax(-1) == predicted.argmax(-1)).float().mean()),
            seconds,
            usage.spikes / usage.rows if usage is not None and usage.rows else np.nan,
        )
        ctx.progress((at + (n + 1) / len(trials)) / params.windows, trial.label)
    return rows


def _head(trial: Trial, params: Params, ctx: RunContext, seed: int) -> Head | None:
    if trial.kind == "softmax":
        return None
    if trial.kind == "uniform":
        return dot_product_head(Uniform())
    name = params.random if trial.kind in ("random", "samples") else params.circuit
    circuit = circuit_named(name, temperature=1.0, n_cells=params.n_cells)
    mode = "sampled" if trial.kind == "samples" else "simulated"
    return SpikingHead(circuit, spikes=trial.spikes, mode=mode, engine=ctx.engine, seed=seed, gradient=False)


def _swapped(model: Any, trial: Trial, params: Params, head: Head | None) -> AbstractContextManager[Any]:
    if head is None:
        return nullcontext()
    return swap(model, heads=f"{trial.layer}.*" if trial.layer >= 0 else params.heads, head=head)


def _warm_up(model: Any, windows: Tensor) -> None:
    """The first pass of a model is slow, and would count against softmax."""
    with torch.inference_mode():
        model(windows)
