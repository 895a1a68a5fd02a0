"""Ways to choose the active modules of recurrent independent mechanisms, and how often they differ from top-k."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from bridge import SpikingScoreMap
from bridge.heads.first_keys import FirstKeys
from pragmatic.checkpoint import put_tensors, read_tensors, write_tensors
from pragmatic.machines.mechanisms import Select, top_k
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import RunContext
from spiking import PARAMETER_SETS, Budget, GammaCircuit

__all__ = ["EXACT", "PHASES", "SAMPLES", "Watched", "Way", "check_active", "kept", "selector"]

PHASES = ("writing", "waiting", "reading")
SAMPLES = "samples"  # independent ones of the softmax


@dataclass(frozen=True)
class Way:
    """How modules are chosen.

    `by` is "top" (the largest scores), a circuit or "samples" (the first k distinct ones to spike, at a
    temperature), "counts" of a circuit (the most of so many spikes), or "swaps" (top-k, one of them exchanged by
    chance).
    """

    by: str
    amount: float = 0.0  # temperature, spikes, or chance of a swap in each step
    circuit: str = ""  # of counts
    phase: str = ""  # of a sequence, in which alone swaps happen; else always

    @property
    def name(self) -> str:
        """For a reader: ``"brief"``, ``"64 spikes of brief"``, ``"swaps at .1 while waiting"``."""
        if self.by == "swaps":
            return f"swaps at {self.amount:g}" + (f" while {self.phase}" if self.phase else "")
        if self.by == "counts":
            return f"{self.amount:g} spikes of {self.circuit}"
        return "top k" if self.by == "top" else self.by

    @property
    def id(self) -> str:
        """For the names of metrics."""
        amount = f"{self.amount:g}" if self.by in ("swaps", "counts") else ""
        parts = filter(None, [self.by, self.circuit, amount, self.phase])
        return "_".join(parts).replace(".", "p").replace("-", "_")


EXACT = Way("top")


def check_active(active: int, modules: int) -> None:
    """Refuse as many active modules as there are, or more: all of them are active in the control."""
    if active >= modules:
        raise UsageError(
            f"active must be below modules, got {active} of {modules}; use fewer active or more modules"
        )


def selector(way: Way, k: int, ctx: RunContext) -> Select:
    """Make the function that chooses k modules."""
    rng = np.random.default_rng(ctx.rng.integers(2**63))
    if way == EXACT:
        return top_k(k)
    if way.by == "swaps":
        return _swapped(k, way.amount, rng)
    if way.by == "counts":
        circuit = GammaCircuit(PARAMETER_SETS[way.circuit])
        counts = SpikingScoreMap(circuit, Budget(spikes=int(way.amount)), rng, ctx.engine, record="counts")
        return _most(k, counts, rng)
    sampled = way.by == SAMPLES
    circuit = GammaCircuit(PARAMETER_SETS["brief" if sampled else way.by]).varied(temperature=way.amount)
    return FirstKeys(circuit, k, rng, ctx.engine, mode="sampled" if sampled else "simulated")


def _most(k: int, share_of: Callable[[Tensor], Tensor], rng: np.random.Generator) -> Select:
    """Choose the k modules with the most spikes; ties are drawn."""
    choose = top_k(k)

    def most(scores: Tensor) -> Tensor:
        share = share_of(scores)
        return choose(share + 1e-6 * torch.from_numpy(rng.random(tuple(share.shape))).to(share))

    return most


def _swapped(k: int, chance: float, rng: np.random.Generator) -> Select:
    """Choose the k largest, but exchange a random one of them for a random other one by chance."""
    choose = top_k(k)

    def swapped(scores: Tensor) -> Tensor:
        chosen = choose(scores)
        draw = torch.from_numpy(rng.random(tuple(scores.shape)))
        out = draw.masked_fill(~chosen, -1).argmax(dim=-1, keepdim=True)
        come = draw.masked_fill(chosen, -1).argmax(dim=-1, keepdim=True)
        happens = torch.from_numpy(rng.random((*scores.shape[:-1], 1)) < chance)
        changed = chosen.scatter(-1, out, False).scatter(-1, come, True)
        return torch.where(happens, changed, chosen)

    return swapped


@dataclass
class Watched:
    """A way to choose, watched: how often it chooses other modules than top-k, and what it takes.

    Attributes
    ----------
    wrong : list of (n_models,) arrays
        For each call the share of rows with any other module.
    spikes : list of float
        Of half of the rows at most, for each call of a way that spikes until k modules have: a few rows take many.
    shown : list of (K,) bool arrays
        The choice of each call in the first row.
    """

    choose: Select
    k: int
    steps: range | None = None  # calls in which it chooses; in others top-k does
    wrong: list[np.ndarray] = field(default_factory=list)
    spikes: list[float] = field(default_factory=list)
    shown: list[np.ndarray] = field(default_factory=list)

    def __call__(self, scores: Tensor) -> Tensor:
        """Choose, (M, B, K)."""
        exact = top_k(self.k)(scores)
        here = self.steps is None or len(self.wrong) in self.steps
        chosen = self.choose(scores) if here else exact
        self.wrong.append((chosen != exact).any(dim=-1).double().mean(dim=1).numpy())
        self.shown.append(chosen[0, 0].numpy())
        if isinstance(self.choose, FirstKeys) and self.choose.last is not None:
            self.spikes.append(float(np.median(self.choose.last.n_spikes)))
        return chosen


def kept(ctx: RunContext, name: str, model: nn.Module, train: Callable[[], object]) -> None:
    """Train a model, or take its weights from where an interrupted run kept them."""
    path = ctx.checkpoint(name)
    if path is not None and path.exists():
        put_tensors(dict(model.state_dict()), read_tensors(path, {})[0], str(path))
        return
    train()
    if path is not None:
        write_tensors(path, dict(model.state_dict()), {})
