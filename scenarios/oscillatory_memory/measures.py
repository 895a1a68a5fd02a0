"""Numbers of oscillatory-memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.oscillatory_memory.heads import PHASES, Heads, Map
from scenarios.oscillatory_memory.phases import Harmonics, Phasors
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.readers import Reader, reader_id, reader_name
from scenarios.workbench.tables import column, columns, estimate_column

if TYPE_CHECKING:
    from scenarios.oscillatory_memory import Params

__all__ = ["Study", "in_data", "in_numbers"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was measured."""

    params: Params
    harmonics: Harmonics
    phasors: Phasors  # as numbers
    spiking: Phasors  # the same in spikes
    heads: Heads
    map: Map

    @property
    def shown(self) -> int:
        """The load of the headline: the last at which every cue succeeds, or else the smallest."""
        whole = [n for n in self.params.loads if self.phasors.success(n).value == 1]
        return max(whole, default=self.params.loads[0])

    @property
    def spikes(self) -> list[Reader]:
        """Readers that spike."""
        return [reader for reader in self.params.readers if reader[0] == "spiking"]

    def best(self, memory: Phasors) -> int:
        """The load at which a memory gives back most bits."""
        return max(self.params.loads, key=memory.bits)

    def per_synapse(self, memory: Phasors) -> float:
        """Bits of the best load over synapses, each a complex number."""
        n = memory.n_units
        return memory.bits(self.best(memory)) / (n * (n - 1))

    def per_cell(self, memory: Phasors) -> float:
        """The same over units."""
        return memory.bits(self.best(memory)) / memory.n_units

    def head_per_synapse(self, reader: Reader) -> float:
        """Of the head at its largest load: a key and a value of each pattern, one cell a pattern."""
        n = self.params.keys[-1]
        return self.heads.bits(reader, n) / (2 * n * self.params.dim)

    def head_per_cell(self, reader: Reader) -> float:
        """The same over cells: one a pattern, and those of the query and of the output."""
        n = self.params.keys[-1]
        return self.heads.bits(reader, n) / (n + 2 * self.params.dim)


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, params = Lines(), study.params
    _phasors(lines, study)
    samples = {n for head, n in params.readers if head == "sampled"}
    for n in params.keys[::-1]:
        chance = 1 / n
        for cycle in range(1, params.cycles + 1):
            for reader in params.readers:
                name = _name(reader, n, cycle, study)
                twin: Reader = ("sampled", reader[1])
                control = (
                    study.heads.success(twin, n, cycle)
                    if reader[0] == "spiking" and reader[1] in samples
                    else None
                )
                again = "" if cycle == 1 else f", read {cycle} times"
                lines.add(name, f"the head's pattern of {n} found, {reader_name(reader)}{again}",
                          study.heads.success(reader, n, cycle), floor=chance, control=control,
                          note="floor: chance; control: as many samples" if control else "")  # fmt: skip
    for epsilon in (0.0, params.epsilon):
        for stored in params.stored:
            lines.add(f"overlap_{epsilon:g}_{stored}",
                      f"overlap after settling, second harmonic {epsilon:g}, {stored} patterns",
                      study.harmonics.overlap(epsilon, stored))  # fmt: skip
    for epsilon, held in study.harmonics.held.items():
        lines.add(f"held_{epsilon:g}", f"stored patterns that are stable, second harmonic {epsilon:g}", held,
                  control=study.harmonics.spurious[epsilon], note="control: random states")  # fmt: skip
    one = study.spikes[0]
    lines.add("bits_synapse", "bits a synapse, phasors in spikes", study.per_synapse(study.spiking),
              control=study.head_per_synapse(one), note=f"control: the head, {reader_name(one)}")  # fmt: skip
    lines.add("bits_synapse_exact", "– phasors as numbers", study.per_synapse(study.phasors))
    lines.add("bits_cell", "bits a cell, phasors in spikes", study.per_cell(study.spiking),
              control=study.head_per_cell(one), note=f"control: the head, {reader_name(one)}")  # fmt: skip
    lines.add("bits_cell_exact", "– phasors as numbers", study.per_cell(study.phasors))
    return lines.metrics


def _phasors(lines: Lines, study: Study) -> None:
    for n in sorted(study.params.loads, key=lambda n: n != study.shown):
        name = "phasors" if n == study.shown else f"phasors_{n}"
        lines.add(name, f"patterns of phases retrieved in spikes, {n} stored", study.spiking.success(n),
                  control=study.phasors.success(n), note="control: as numbers")  # fmt: skip
        lines.add(f"{name}_exact", "– as numbers", study.phasors.success(n))
        lines.add(f"{name}_enough", "– in spikes, of cues with units enough not to fall silent",
                  study.spiking.success_enough(n), control=study.phasors.success_enough(n),
                  note="control: as numbers")  # fmt: skip
        lines.add(f"{name}_cosine", "– cosine to the pattern, in spikes", study.spiking.cosine(n),
                  control=study.phasors.cosine(n), note="control: as numbers")  # fmt: skip


def _name(reader: Reader, n: int, cycle: int, study: Study) -> str:
    """The headline's is that of the fewest spikes at the largest load, read once."""
    if (reader, n, cycle) == (study.spikes[0], study.params.keys[-1], 1):
        return "head"
    return f"head_{reader_id(reader)}_{n}" + ("" if cycle == 1 else f"_again_{cycle}")


def in_data(study: Study) -> xr.Dataset:
    """Success by load, of phasors and of the head, and what the head settles on."""
    params, loads = study.params, study.params.loads
    both = (study.phasors, study.spiking)
    cycles = range(1, params.cycles + 1)
    head = [[[study.heads.success(r, n, c) for c in cycles] for n in params.keys] for r in params.readers]
    settled = list(study.map.shares)
    return xr.Dataset(
        {
            **estimate_column("success", ("phasors", "load"), [[m.success(n) for n in loads] for m in both],
                              "cues from which the pattern was retrieved"),
            **estimate_column("cosine", ("phasors", "load"), [[m.cosine(n) for n in loads] for m in both],
                              "cosine to the pattern"),
            **columns(("phasors", "load"), "bit", bits=[[m.bits(n) for n in loads] for m in both]),
            **estimate_column("found", ("reader", "keys", "cycle"), head, "patterns found by the head"),
            **columns(("settled", "beta", "similarity", "phase"),
                      settles=np.array([study.map.shares[r] for r in settled])),
        },
        {
            "phasors": ["numbers", "spikes"],
            "load": column("load", loads, "patterns stored"),
            "reader": [reader_name(r) for r in params.readers],
            "keys": column("keys", params.keys, "keys"),
            "cycle": column("cycle", list(cycles), "times read"),
            "settled": [reader_name(r) for r in settled],
            "beta": column("beta", params.betas, "inverse temperature"),
            "similarity": column("similarity", params.similarities, "similarity within a cluster"),
            "phase": list(PHASES),
        },
    )  # fmt: skip
