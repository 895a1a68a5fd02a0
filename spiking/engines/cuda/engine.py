"""The engine `Cuda`: the compiled engines' kernels on an NVIDIA GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from spiking.batch import Batch, Wanted
from spiking.engines.events.engine import EventDriven
from spiking.engines.fused.arrays import starts
from spiking.engines.fused.engine import together
from spiking.engines.fused.parts import Given, SynapseCode, Transmission
from spiking.engines.fused.run import Window, n_populations, run_block
from spiking.record import Recorded

if TYPE_CHECKING:
    from spiking.engines.cuda.launch import Launch

__all__ = ["Cuda"]

AT_ONCE = 2**26  # keys of the rows that go to the GPU together
_KEPT = 4  # kernels whose room on the GPU is not given back
_launches: dict[str, Launch] = {}


@dataclass(frozen=True)
class Cuda(EventDriven):
    """Rows on an NVIDIA GPU, one row a thread.

    It runs the kernel of the event-driven engine with the same random numbers, so its spikes are those of the
    processor. Where a sum is rounded in another way a spike can move to the next step: in double precision never
    seen, in single precision rare. Circuits whose counted cells have to be stepped are refused.

    Parameters
    ----------
    precision : {"float32", "float64"}
    """

    name: ClassVar[str] = "cuda"

    def run(self, batch: Batch, wanted: Wanted, progress: Callable[[float], None] | None = None) -> Recorded:
        """Simulate a batch.

        Raises
        ------
        ValueError
            Without a GPU; for a circuit whose counted cells have to be stepped, with the reason, and for what no
            compiled engine covers.
        """
        counted = np.zeros(int(n_populations(batch).sum()), dtype=np.int64)
        return self.run_into(counted, batch, wanted, progress)

    def run_into(
        self,
        counted: Any,
        batch: Batch,
        wanted: Wanted,
        progress: Callable[[float], None] | None = None,
    ) -> Recorded:
        """Simulate a batch and add the spikes of each unit to `counted`, an array of int64 here or on the GPU."""
        missing = self.why_stepped(batch, wanted.samples)
        if missing is not None:
            raise ValueError(
                f"the engine Cuda() runs circuits whose counted cells need no steps, not this one: {missing}; "
                "use EventDriven()."
            )
        kernel = EventDriven(self.precision).compiled(batch, wanted)
        if any(isinstance(step, (Given, SynapseCode, Transmission)) for step in kernel.program.steps):
            raise ValueError(
                "the engine Cuda() runs circuits without given spikes and plastic or differently delayed synapses, "
                "not this one; use EventDriven()."
            )
        kernel = replace(kernel, run=_launch(kernel.source.text))
        window = Window(wanted=wanted, dt_ms=kernel.program.dt_ms)
        numbers, first = batch.streams.numbers(batch.n_rows), starts(n_populations(batch))
        blocks = []
        for rows in _parts(first):
            here = counted[first[rows.start] : first[rows.stop]]
            blocks.append(run_block(kernel, batch, window, numbers, rows, here))
            if progress is not None:
                progress(rows.stop / batch.n_rows)
        return replace(together(blocks, batch, wanted, counted), stepped=False)


def _launch(text: str) -> Launch:
    """The kernel for the GPU; numba's part for GPUs is loaded no sooner."""
    from spiking.engines.cuda.launch import Launch, is_there

    if not is_there():
        raise ValueError(
            "the engine Cuda() needs an NVIDIA GPU that numba sees, got none; install the extra cuda, or use "
            "EventDriven()."
        )
    if text not in _launches:
        while len(_launches) >= _KEPT:
            del _launches[next(iter(_launches))]
        _launches[text] = Launch(text)
    return _launches[text]


def _parts(first: np.ndarray) -> Iterator[range]:
    """Consecutive rows that are simulated together; row r has the populations from first[r] to first[r + 1]."""
    n_rows, start = len(first) - 1, 0
    while start < n_rows:
        stop = max(start + 1, int(np.searchsorted(first, first[start] + AT_ONCE, side="right")) - 1)
        yield range(start, stop)
        start = stop
