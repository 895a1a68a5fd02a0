"""Minimal pairs judged by a language model: by softmax, and on circuits, on the same pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from scenarios.language_model_on_gamma.trials import Kind
from scenarios.workbench.lines import Lines
from scenarios.workbench.minimal_pairs import MinimalPairs
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.tables import Variables, column, estimate_column

__all__ = ["CHANCE", "Judged", "add_pairs", "pairs_in_data"]

CHANCE = 0.5  # of two sentences
SOFTMAX = Kind(name="softmax")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Which sentence of each pair is the more probable one."""

    pairs: MinimalPairs
    kinds: Sequence[Kind]  # softmax first
    scores: np.ndarray  # (n_kinds, n_pairs, 2) nat, of the good sentence and of the bad one

    @cached_property
    def right(self) -> np.ndarray:
        """1 where the good sentence is the more probable one, 0 where the bad one is, (n_kinds, n_pairs)."""
        return 0.5 + 0.5 * np.sign(self.scores[..., 0] - self.scores[..., 1])

    @cached_property
    def fields(self) -> list[str]:
        """Of linguistics, in the order of the alphabet."""
        return sorted(set(self.pairs.field))

    @cached_property
    def paradigms(self) -> list[str]:
        """In the order of the file."""
        return list(dict.fromkeys(self.pairs.paradigm))

    def rows(self, *, field: str = "", paradigm: str = "") -> np.ndarray:
        """Which pairs are of a field or a paradigm, (n_pairs,) bool; all if neither is given."""
        return np.array(
            [
                field in ("", its_field) and paradigm in ("", its_paradigm)
                for its_field, its_paradigm in zip(self.pairs.field, self.pairs.paradigm, strict=True)
            ]
        )

    def accuracy(self, kind: Kind, **of: str) -> Estimate:
        """Part of the pairs that are judged right; `of`: a field or a paradigm, as `rows` has it."""
        return mean(self.right[self.kinds.index(kind), self.rows(**of)])

    def change(self, kind: Kind, **of: str) -> Estimate:
        """The same less softmax's on the same pairs, with its paired error."""
        rows = self.rows(**of)
        return mean(self.right[self.kinds.index(kind), rows] - self.right[0, rows])

    def same(self, kind: Kind) -> Estimate:
        """Part of the pairs that are judged as softmax judges them."""
        return mean(self.right[self.kinds.index(kind)] == self.right[0])


def add_pairs(lines: Lines, judged: Judged, shown: int) -> None:
    """All numbers about pairs: overall, and by field at the budget of the headline."""
    n, whole = len(judged.pairs), judged.accuracy(SOFTMAX)
    note = f"{n} pairs of {len(judged.paradigms)} paradigms; floor: chance"
    lines.add("pairs_softmax", "minimal pairs judged right by softmax", whole, floor=CHANCE, note=note)
    main = Kind(name="spikes", spikes=shown)
    for kind in sorted(judged.kinds[1:], key=lambda kind: kind != main):
        ending = "" if kind == main else f"_{kind.name}_{kind.spikes}"
        told = "simulated" if kind.name == "spikes" else kind.name
        label = f"minimal pairs judged right, {told}, {kind.spikes} spikes a row"
        note = "floor: chance; control: softmax"
        lines.add(f"pairs{ending}", label, judged.accuracy(kind), floor=CHANCE, control=whole, note=note)
        lines.add(f"pairs_change{ending}", "– less softmax's, paired", judged.change(kind))
        lines.add(f"pairs_same{ending}", "– judged as softmax does", judged.same(kind))
    of_fields = main if main in judged.kinds else SOFTMAX
    for field in judged.fields:
        softmax, own = (judged.accuracy(kind, field=field) for kind in (SOFTMAX, of_fields))
        name, label = field.replace("/", "_"), f"{field}: judged right"
        if of_fields == SOFTMAX:
            lines.add(f"pairs_of_{name}", label, own, floor=CHANCE)
            continue
        lines.add(f"pairs_of_{name}", f"{label} at {shown} spikes a row", own, floor=CHANCE, control=softmax)
        lines.add(f"pairs_change_of_{name}", "– less softmax's, paired", judged.change(main, field=field))


def pairs_in_data(judged: Judged) -> xr.Dataset:
    """Log-probabilities of every pair, and what is judged right by paradigm and kind."""
    margin = judged.scores[..., 0] - judged.scores[..., 1]
    measured: Variables = {
        "margin": column(("judge", "pair"), margin, "log-probability of good over bad", "nat"),
        "paradigm_of": ("pair", list(judged.pairs.paradigm), {}),
        "field_of": ("pair", list(judged.pairs.field), {}),
    }
    kinds, paradigms = judged.kinds, judged.paradigms
    right = [[judged.accuracy(kind, paradigm=paradigm) for paradigm in paradigms] for kind in kinds]
    change = [[judged.change(kind, paradigm=paradigm) for paradigm in paradigms] for kind in kinds]
    measured |= estimate_column("right", ("judge", "paradigm"), right, "pairs judged right")
    measured |= estimate_column("change", ("judge", "paradigm"), change, "pairs judged right, less softmax's")
    return xr.Dataset(measured, {"judge": [kind.label for kind in kinds], "paradigm": paradigms})
