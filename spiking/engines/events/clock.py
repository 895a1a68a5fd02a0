"""Cells that are not stepped, as a part of a program: what every kind asks of a batch, and its lines.

All run on the row's clock, the hazard of a cell without input that never fires. By how much it moves in a step the
row's own code computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spiking.batch import Batch, Own
from spiking.engines.events.intensity import Intensity
from spiking.engines.fused.parts import Unstepped
from spiking.engines.fused.text import Lines

__all__ = ["OnClock"]


@dataclass(frozen=True, kw_only=True)
class OnClock(Unstepped):
    """What all kinds share: a weight for each key, exp(gain x input)."""

    intensity: Intensity

    @property
    def group(self) -> str:
        return self.intensity.group

    @property
    def imports(self) -> tuple[str, ...]:
        return (
            "from spiking.engines.events.thinning import AHEAD, CROWDED, LANES, accept, ask_all, cumulate",
            "from spiking.engines.events.thinning import powers_of, propose",
            "from spiking.engines.events.renewal import VECTOR, advance, gather, gather_periodic, in_turn",
            "from spiking.engines.events.renewal import key_phases, mark, pace, take_stock",
            "from spiking.engines.fused.simd import fma",
            "from spiking.engines.fused.run import NO_LIMIT",
        )

    @property
    def arguments(self) -> tuple[str, ...]:
        return (f"all_{self.intensity.score.identifier}",)

    def arrays(self, batch: Batch, rows: range, own: Own, real: np.dtype[Any]) -> Mapping[str, np.ndarray]:
        assert batch.at_keys is not None
        at_keys = batch.at_keys(rows)
        there = hasattr(at_keys, "__cuda_array_interface__")  # on a GPU, for the engine `Cuda`
        return {self.arguments[0]: at_keys if there else np.ascontiguousarray(at_keys, dtype=real)}

    def write_kernel(self, writer: Lines) -> None:
        """Room for the largest row."""
        g = self.group
        writer.line(1, f"whole_keys_{g} = LANES * (most_{g} // unit_{g} // LANES + 1)")
        writer.line(1, f"weight_{g} = np.empty(whole_keys_{g}, F)")
        writer.line(1, f"fired_{g} = np.empty(most_{g} + 1, np.int32)")

    def write_row(self, writer: Lines) -> None:
        """The weights of the row's keys."""
        g, score = self.group, self.intensity.score.identifier
        gain, width = writer.expressions.real(self.intensity.gain), writer.expressions.width
        writer.line(2, f"keys_{g} = n_{g} // unit_{g}")
        writer.line(2, f"first_key_{g} = first_{g} // unit_{g}")
        writer.line(2, f"for j in range(keys_{g}):")
        writer.line(3, f"weight_{g}[j] = exp{width}(F({gain} * all_{score}[first_key_{g} + j]))")
        writer.line(2, f"for j in range(keys_{g}, LANES * ((keys_{g} + LANES - 1) // LANES)):")
        writer.line(3, f"weight_{g}[j] = F(0)")

    def write_counts(self, writer: Lines, depth: int) -> None:
        """Count the spikes of a step by key."""
        g = self.group
        writer.line(depth, f"if step64 >= since_{g}:")
        writer.line(depth + 1, f"for n in range(spikes_{g}):")
        writer.line(depth + 2, f"count_{g}[fired_{g}[n] // unit_{g}] += 1")

    def write_record(self, writer: Lines, depth: int) -> None:
        """Record the spikes of a step, as far as there is room."""
        g = self.group
        writer.line(depth, "if step64 >= n_settle:")
        writer.line(depth + 1, f"for n in range(min(spikes_{g}, events_{g}.shape[0] - found_{g})):")
        writer.line(depth + 2, f"events_{g}[found_{g} + n, 0] = step")
        writer.line(depth + 2, f"events_{g}[found_{g} + n, 1] = fired_{g}[n]")
        writer.line(depth + 1, f"found_{g} += spikes_{g}")
