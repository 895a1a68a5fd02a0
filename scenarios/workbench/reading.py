"""How a causal language model predicts a text with other heads in it, window by window, kept as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bridge import swap
from pragmatic import Head
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.part_by_part import fill_by_parts

__all__ = ["KL", "LOSS", "MEASURES", "SAME", "SECONDS", "SPIKES", "Trial", "read_windows"]

MEASURES = ("loss", "kl", "same", "seconds", "spikes")  # of one window
LOSS, KL, SAME, SECONDS, SPIKES = range(len(MEASURES))
WARM_tokens = 8  # of the first call of a head: it compiles for any length


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Heads that are tried in the model.

    Attributes
    ----------
    label : str
        For progress bars and axes; each trial's differs.
    heads : mapping of str to function
        Which heads ("all", or such as "0.1,3.*") become what a function makes of a seed, one head for all of
        them; later ones replace earlier ones. Empty: the model as it is.
    windows : int, optional
        Tried on so many first windows; on all when None.
    """

    label: str
    heads: Mapping[str, Callable[[int], Head]] = field(default_factory=dict)
    windows: int | None = None

    @contextmanager
    def placed(self, model: Any, rng: np.random.Generator) -> Iterator[list[Head]]:
        """Put the heads in for as long as the block lasts, with seeds from `rng`; yields them."""
        made = [(chosen, make(int(rng.integers(2**31)))) for chosen, make in self.heads.items()]
        with ExitStack() as swaps:
            for chosen, head in made:
                swaps.enter_context(swap(model, heads=chosen, head=head))
            yield [head for _, head in made]


def read_windows(
    model: Any,
    windows: Tensor,
    trials: Sequence[Trial],
    ctx: RunContext,
    *,
    name: str = "windows",
    last: int | None = None,
) -> np.ndarray:
    """Measure every trial on every window, (n_trials, n_windows, n_measures).

    What is measured is kept after each window. A window's noise depends on its number and the trial's alone, so
    that an interrupted run ends with the same numbers.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    windows : Tensor, (n_windows, length) int64
    trials : sequence of Trial
        The first is what the others' KL and choices are compared with: the model as it is.
    ctx : RunContext
    name : str
        Of what is kept; each reading of a run has its own.
    last : int, optional
        Tokens at the end of each window that are measured, where windows overlap; if not given, all that follow
        another.

    Returns
    -------
    ndarray
        By `MEASURES`: loss of the next token (nat), KL from the first trial's prediction (nat), share of places
        with the first trial's most probable token, seconds, and spikes a row (nan without spiking heads); nan
        where a trial was not tried on a window.
    """
    base = int(ctx.rng.integers(2**31))

    def read(measured: np.ndarray, at: int) -> tuple[float, str]:
        exact: Tensor | None = None
        for n, trial in enumerate(trials):
            if trial.windows is None or at < trial.windows:
                rng = np.random.default_rng([base, at, n])
                measured[n, at], exact = _one(model, windows[at], trial, rng, exact, last)
            ctx.progress((at + (n + 1) / len(trials)) / len(windows), trial.label)
        return (at + 1) / len(windows), f"window {at + 1} of {len(windows)}"

    _warm_up(model, windows, trials)
    shape = (len(trials), len(windows), len(MEASURES))
    about = {"base": base, "trials": [trial.label for trial in trials]}
    return fill_by_parts(read, shape, len(windows), about, ctx, name)


def _warm_up(model: Any, windows: Tensor, trials: Sequence[Trial]) -> None:
    """A model's first pass is slow, and the first call of each kind of head compiles: neither is timed."""
    with torch.inference_mode():
        model(windows[:1])
        for trial in trials:
            if trial.windows is None:
                with trial.placed(model, np.random.default_rng(0)):
                    model(windows[:1, :WARM_tokens])


def _one(
    model: Any,
    window: Tensor,
    trial: Trial,
    rng: np.random.Generator,
    exact: Tensor | None,
    last: int | None,
) -> tuple[tuple[float, ...], Tensor]:
    """All measures of one trial on one window, and the log-probabilities that later trials are compared with."""
    with trial.placed(model, rng) as heads, torch.inference_mode():
        began = time.perf_counter()
        predicted = model(window[None]).logits[0, :-1].float().log_softmax(-1)  # (length - 1, n_vocab)
        seconds = time.perf_counter() - began
    first = 0 if last is None else max(0, len(predicted) - last)
    predicted = predicted[first:]
    exact = predicted if exact is None else exact
    measures = (
        float(functional.nll_loss(predicted, window[1 + first :])),
        float((exact.exp() * (exact - predicted)).sum(-1).mean()),
        float((exact.argmax(-1) == predicted.argmax(-1)).float().mean()),
        seconds,
        _spikes_a_row(heads),
    )
    return measures, exact


def _spikes_a_row(heads: Sequence[Head]) -> float:
    found = [getattr(getattr(head, "score_map", None), "usage", None) for head in heads]
    usages = [usage for usage in found if usage is not None]
    rows = sum(usage.rows for usage in usages)
    return sum(usage.spikes for usage in usages) / rows if rows else np.nan
