"""What modulating-field measures: strengths and passes with exact attention, then fields from cycle to cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pragmatic.machines.modulation import fields_of, passes, surprise
from pragmatic.score_maps import Softmax
from pragmatic.tasks.batch import IGNORED, Batch
from pragmatic.training.evaluation import token_losses
from pragmatic.transformer import Output
from scenarios.workbench.mini import Mini
from scenarios.workbench.outcome import RunContext

if TYPE_CHECKING:
    from scenarios.modulating_field import Params

__all__ = [
    "CYCLED",
    "KINDS",
    "Answers",
    "Cycled",
    "Mapped",
    "SETTLED_nat",
    "map_of",
    "measure_cycles",
    "settle",
]

KINDS = {
    "surprise": "surprise of the key",
    "shuffled": "surprise of another text",
    "logit": "raw logit in place of log p",
    "gain": "surprise of the query, on the gain",
    "layer": "weights of the next layer",
}
CYCLED = ("surprise", "layer", "gain")  # that act from cycle to cycle, the last on the gain, not the drive
SETTLED_nat = 1e-3  # change of any token's surprise below which a text is at its fixed point


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a pass makes of every text."""

    loss: np.ndarray  # (n_texts,) nats a target
    right: np.ndarray  # (n_texts,) share of targets
    overconfidence: (
        np.ndarray
    )  # (n_texts,) mean probability of the likeliest class, less the share that is right

    @classmethod
    def of(cls, output: Output, windows: Batch) -> Answers:
        """Means over the targets of each text."""
        asked = windows.targets != IGNORED
        n = asked.sum(1)

        def mean(values: Tensor) -> np.ndarray:
            return ((values * asked).sum(1) / n).double().numpy()

        loss = token_losses(output.logits, windows.targets, reduction="none").view_as(windows.targets)
        confidence, choice = output.logits.softmax(-1).max(-1)
        right = mean((choice == windows.targets).double())
        return cls(loss=mean(loss), right=right, overconfidence=mean(confidence) - right)


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """One kind of field over strengths and passes."""

    strengths: np.ndarray  # (n_strengths,)
    loss: np.ndarray  # (n_strengths, n_passes + 1, n_texts)
    change: (
        np.ndarray
    )  # (n_strengths, n_passes, n_texts) largest change of a token's surprise in a pass, nats

    @property
    def rise(self) -> np.ndarray:
        """Loss over that without a field, (n_strengths, n_passes + 1, n_texts)."""
        return self.loss - self.loss[:, :1]

    @property
    def settled(self) -> np.ndarray:
        """Whether a text is at its fixed point after so many passes, (n_strengths, n_passes, n_texts)."""
        return self.change < SETTLED_nat

    def best(self) -> tuple[float, np.ndarray]:
        """The strength that is best on every other text, and on the others their rise after all passes."""
        last = self.rise[:, -1]
        at = int(last[:, ::2].mean(axis=1).argmin())
        return float(self.strengths[at]), last[at, 1::2]

    def at(self, strength: float) -> int:
        """Where the nearest strength stands."""
        return int(np.abs(self.strengths - strength).argmin())

    def shrinks(self, at: int) -> np.ndarray:
        """Factor of the change from pass to pass, geometric mean of the first three, (n_texts,); nan if none."""
        change, n = self.change[at], min(3, self.change.shape[1] - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(change[n] > 0, (change[n] / change[0]) ** (1 / n), np.nan)


def map_of(kind: str, mini: Mini, params: Params, ctx: RunContext) -> Mapped:
    """Run a kind of field at every strength, exactly."""
    losses, changes = [], []
    reference = _reference(mini)
    for strength in params.all_strengths:
        with ctx.progress.stage(KINDS[kind], share=1 / len(params.all_strengths)):
            run = passes(
                mini.model,
                mini.windows.tokens,
                "surprise" if kind == "shuffled" else kind,
                strength,
                params.passes,
                Softmax(),
                reference=reference,
                shuffled=kind == "shuffled",
            )
            loss, change = _follow(run, mini.windows)
        losses.append(loss)
        changes.append(change)
    return Mapped(strengths=np.array(params.all_strengths), loss=np.stack(losses), change=np.stack(changes))


def settle(mini: Mini, params: Params) -> np.ndarray:
    """Largest change in each of as many passes as a text has tokens, at the largest strength, (T, n_texts)."""
    tokens = mini.windows.tokens[: params.settling]
    strongest = max(params.all_strengths, key=abs)
    run = passes(mini.model, tokens, "surprise", strongest, tokens.shape[1], Softmax())
    return _changes([surprise(output.logits, tokens) for output in run])


def _follow(run: Iterator[Output], windows: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Loss (n_passes + 1, n_texts) and change (n_passes, n_texts)."""
    losses, surprises = [], []
    for output in run:
        losses.append(Answers.of(output, windows).loss)
        surprises.append(surprise(output.logits, windows.tokens))
    return np.stack(losses), _changes(surprises)


def _changes(surprises: list[Tensor]) -> np.ndarray:
    return np.diff(torch.stack(surprises).double().numpy(), axis=0).__abs__().max(axis=2)


def _reference(mini: Mini) -> float:
    """Mean surprise of the texts: at it the gain is left as it is."""
    with torch.no_grad():
        logits = mini.model(mini.windows.tokens)
    return float(surprise(logits, mini.windows.tokens)[:, 1:].mean())


@dataclass(frozen=True, kw_only=True)
class Cycled:
    """Heads that spike for several cycles, all of whose spikes are read, with a field from the second cycle on."""

    cells: str  # "random", "regular" or "sampled"
    kind: str  # of CYCLED, "" for none
    strength: float
    exact: bool  # whether the field comes from exact attention, without noise
    answers: Answers  # after the last cycle


def measure_cycles(mini: Mini, params: Params, ctx: RunContext) -> list[Cycled]:
    """Every kind of cells without a field, then with each field of either sign, its own and an exact one."""
    reference = _reference(mini)
    exact = {kind: _exact_fields(kind, mini, params, reference) for kind in CYCLED}
    cases = [("", 0.0, False)]
    cases += [
        (kind, sign * params.cycle_strength, is_exact)
        for kind in CYCLED
        for sign in (-1, 1)
        for is_exact in (False, True)
    ]
    measured = []
    for cells in params.cells:
        for kind, strength, is_exact in cases:
            with ctx.progress.stage(f"{cells} spikes", share=1 / (len(cases) * len(params.cells))):
                run = passes(
                    mini.model,
                    mini.windows.tokens,
                    kind or "surprise",
                    strength,
                    params.cycles - 1,
                    params.source_map(cells, params.spikes, ctx),
                    keeps=True,
                    reference=reference,
                    source=exact[kind] if is_exact else None,
                )
                *_, last = run
            measured.append(
                Cycled(
                    cells=cells,
                    kind=kind,
                    strength=strength,
                    exact=is_exact,
                    answers=Answers.of(last, mini.windows),
                )
            )
    return measured


def _exact_fields(kind: str, mini: Mini, params: Params, reference: float) -> list[list[Tensor | None]]:
    """The field of exact attention without any, for every cycle."""
    with torch.no_grad():
        output = mini.model(mini.windows.tokens, keep_weights=True)
    return [fields_of(kind, output, mini.windows.tokens, reference=reference)] * params.cycles
