"""The engine `EventDriven`: cells that fire by their intensity are not stepped, the rest of the row is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from spiking.batch import Batch, Wanted
from spiking.engines.events.intensity import read_intensity
from spiking.engines.events.program import without_steps
from spiking.engines.events.updates import Stepped
from spiking.engines.fused.engine import Fused
from spiking.engines.fused.parts import Program
from spiking.record import Recorded
from spiking.refs import Ref

__all__ = ["EventDriven"]


@dataclass(frozen=True)
class EventDriven(Fused):
    """The engine that is taken where nothing else is asked for: it does not step cells that need no steps.

    It finds out from a circuit's Brian2 objects whether the intensity of its counted cells factors into a part that
    the row shares, an exponential of their constant input, and a trace of their own resets. If so, a row costs
    O(keys + spikes + steps) in place of O(keys x cells x steps): escape-rate cells by thinning, regular cells in
    closed form. If not, the fused engine runs, and `why_stepped` says what is missing.

    A row's spikes depend on the seed and its stream alone, whatever the batch and the threads. Those of regular
    cells are the fused engine's, one by one; those of escape-rate cells follow the same law.

    Parameters
    ----------
    precision : {"float32", "float64"}
    threads : int, optional
        As many as there are cores, unless given. They change no spike.
    """

    name: ClassVar[str] = "events"

    def run(self, batch: Batch, wanted: Wanted, progress: Callable[[float], None] | None = None) -> Recorded:
        """Simulate a batch.

        Raises
        ------
        ValueError
            For what the fused engine does not cover; the message names the Brian2 feature.
        """
        if self.why_stepped(batch, wanted.samples) is not None:
            return Fused(self.precision, self.threads).run(batch, wanted, progress)
        return replace(super().run(batch, wanted, progress), stepped=False)

    def why_stepped(self, batch: Batch, samples: Sequence[Ref] = ()) -> str | None:
        """What a circuit lacks whose counted cells have to be stepped; None where they need not be."""
        read = self._read(batch)
        if isinstance(read, str):
            return read
        kept = {ref for ref in samples if ref.group == batch.counted and ref not in read.scalars}
        stepped = {ref for ref in samples if ref in kept or ref in read.begins}
        return f"{min(stepped)} of each counted cell is recorded" if stepped else None

    def program(self, batch: Batch) -> Program:
        read = self._read(batch)
        assert isinstance(read, Program)
        return read

    def _read(self, batch: Batch) -> Program | str:
        """The program without stepped cells, or what is missing for it."""
        key = (id(batch.objects), batch.traits, batch.varied, batch.score, batch.unit)
        if key not in _programs:
            while len(_programs) >= _KEPT:
                del _programs[next(iter(_programs))]
            _programs[key] = _program(super().program(batch), batch), batch.objects
        return _programs[key][0]


_KEPT = 64  # circuits that were used last
_programs: dict[tuple[object, ...], tuple[Program | str, object]] = {}


def _program(stepped: Program, batch: Batch) -> Program | str:
    try:
        if batch.counted is None:
            raise Stepped("it counts no cells")
        unlike = batch.traits.spread | batch.varied
        intensity = read_intensity(stepped, batch.counted, batch.score, batch.start, unlike)
        assert batch.start is not None
        return without_steps(stepped, intensity, batch.start, batch.unit)
    except Stepped as missing:
        return str(missing)
