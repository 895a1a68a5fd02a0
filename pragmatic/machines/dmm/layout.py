"""Where the dense engine keeps inputs, outputs and the leaves of signals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from pragmatic.machines.dmm.values import NUMBER, Path

__all__ = ["Layout"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where inputs, outputs and leaves lie.

    Attributes
    ----------
    neurons : tuple of (type, name)
    inputs, outputs : tuple of (type, name, slot)
    leaves : tuple of paths
        Of a signal.
    """

    neurons: tuple[tuple[str, str], ...]
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    leaves: tuple[Path, ...]

    @cached_property
    def index(self) -> dict[Path, int]:
        """The place of each leaf."""
        return {path: i for i, path in enumerate(self.leaves)}

    @cached_property
    def links(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Leaves that are links: their places, their inputs and their outputs."""
        into, out = ({path: i for i, path in enumerate(side)} for side in (self.inputs, self.outputs))
        found = [
            (i, into[p[:3]], out[p[3:]]) for i, p in enumerate(self.leaves) if p[:3] in into and p[3:] in out
        ]
        return tuple(zip(*found, strict=True)) if found else ((), (), ())  # type: ignore[return-value]

    def numbers(self, signals: Tensor) -> Tensor:
        """The number of each signal, (..., D) to (...)."""
        return signals[..., self.index[(NUMBER,)]]

    def of_numbers(self, numbers: Tensor) -> Tensor:
        """Signals that are numbers, (...) to (..., D)."""
        at_number = torch.zeros(len(self.leaves), dtype=numbers.dtype, device=numbers.device)
        at_number[self.index[(NUMBER,)]] = 1.0
        return numbers[..., None] * at_number
