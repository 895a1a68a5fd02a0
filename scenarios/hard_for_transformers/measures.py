"""Data and numbers of hard-for-transformers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.hard_for_transformers.constructed import FUNCTIONS, REMEDIES, Strings
from scenarios.hard_for_transformers.dilution import COOLED, FIXED, Row, diluted_weight
from scenarios.hard_for_transformers.learnt import CHANGES
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.readers import Reader, reader_id
from scenarios.workbench.statistics import Estimate, fraction, mean, mean_over_seeds
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.hard_for_transformers import Params

__all__ = ["NEARLY_ALL", "SOFTMAX", "Study", "in_data", "in_numbers", "name_of"]

SOFTMAX: Reader = ("softmax", 0)
NEARLY_ALL = 0.95  # of the rows
NAMES = {"softmax": "softmax", "top": "softmax over the best four", "window": "softmax near the best"}
CELLS = {"random": "random cells", "regular": "regular cells", "sampled": "independent samples"}
REMEDY_NAMES = {
    "none": "as constructed",
    "log": "scores times ln n",
    "norm": "layer norm",
    "exact norm": "layer norm, epsilon 0",
}


def name_of(reader: Reader) -> str:
    """``"16 spikes of random cells"``, ``"a lead of 3, regular cells"``, ``"softmax"``."""
    kind, n = reader
    if kind in NAMES:
        return NAMES[kind]
    if kind.endswith("_lead"):
        return f"a lead of {n}, {CELLS[kind.removesuffix('_lead')]}"
    if kind == "sampled":
        return f"{n} independent sample{'' if n == 1 else 's'}"
    return f"{n} spike{'' if n == 1 else 's'} of {CELLS[kind]}"


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was measured."""

    params: Params
    rows: Mapping[tuple[Reader, str, int], Row]
    strings: Mapping[tuple[str, Reader, str, int], Strings]
    learnt: Mapping[tuple[Reader, str], np.ndarray]  # (n_seeds, n_lengths, n_sets)

    @property
    def most(self) -> int:
        """Keys of the longest rows and strings."""
        return self.params.keys[-1]

    @property
    def ways(self) -> list[Reader]:
        """Every way to read a row."""
        return list(dict.fromkeys(reader for reader, _, _ in self.rows))

    @property
    def voter(self) -> Reader:
        """The vote that sentences are about: most spikes of the first kind; a selection where nothing spikes."""
        readers = self.params.readers
        return (readers[0][0], self.params.spikes[-1]) if readers else ("window", 0)

    def weight(self, reader: Reader, temperature: str, n_keys: int) -> Estimate:
        """On the right key."""
        return mean(self.rows[reader, temperature, n_keys].weight)

    def won(self, reader: Reader, temperature: str, n_keys: int) -> Estimate:
        """Rows in which the right key has the largest weight."""
        return fraction(self.rows[reader, temperature, n_keys].won)

    def horizon(self, reader: Reader) -> int:
        """The most keys up to which the right one wins nearly all rows at the fixed temperature, 0 if none."""
        most = 0
        for n in self.params.keys:
            if self.won(reader, FIXED, n).value < NEARLY_ALL:
                break
            most = n
        return most

    def right(self, reader: Reader, change: str, at: int = -1) -> Estimate:
        """Values given back at one of the test lengths."""
        return mean_over_seeds(self.learnt[reader, change][:, at])


def in_data(study: Study) -> xr.Dataset:
    """A dimension for each way to read."""
    params, ways, temperatures = study.params, study.ways, (FIXED, COOLED)
    weight, won, spent = (
        [[[of(r, t, n) for n in params.keys] for t in temperatures] for r in ways]
        for of in (study.weight, study.won, lambda r, t, n: mean(study.rows[r, t, n].spent))
    )
    answers = [(SOFTMAX, remedy) for remedy in REMEDIES] + [(reader, "none") for reader in params.readers]
    bits, answered = (
        [
            [[mean(getattr(study.strings[f, *answer, n], field)) for n in params.keys] for answer in answers]
            for f in FUNCTIONS
        ]
        for field in ("bits", "right")
    )
    learnt = [
        [mean_over_seeds(shares[:, at]) for at in range(len(params.test_keys))]
        for shares in study.learnt.values()
    ]
    by_row = ("reader", "temperature", "keys")
    return xr.Dataset(
        {
            **estimate_column("weight", by_row, weight, "weight on the right key"),
            **estimate_column("won", by_row, won, "rows won by the right key"),
            **estimate_column("spent", by_row, spent, "spikes of a row"),
            **estimate_column("bits", ("function", "answer", "keys"), bits, "cross-entropy", "bit"),
            **estimate_column("answered", ("function", "answer", "keys"), answered, "answers right"),
            **estimate_column("retrieved", ("model", "pairs"), learnt, "values retrieved"),
            "law": column("keys", diluted_weight(np.array(params.keys), params.margin, params.spread), "law"),
        },
        {
            "reader": [name_of(reader) for reader in ways],
            "temperature": list(temperatures),
            "function": list(FUNCTIONS),
            "answer": [REMEDY_NAMES[remedy] if r == SOFTMAX else name_of(r) for r, remedy in answers],
            "model": [model_name(reader, change) for reader, change in study.learnt],
            "keys": column("keys", params.keys, "keys"),
            "pairs": column("pairs", params.test_keys, "pairs in test"),
        },
    )


def model_name(reader: Reader, change: str) -> str:
    """For legends."""
    if reader != SOFTMAX:
        return name_of(reader)
    return dict(zip(CHANGES, ("softmax", "ln n put in", "ln n in training"), strict=True))[change]


def in_numbers(study: Study) -> dict[str, Metric]:
    """At the largest number of keys: weights, winners, spikes of a lead, bits, and what models retrieve."""
    lines = Lines()
    _rows(study, lines)
    _strings(study, lines)
    for (reader, change), shares in study.learnt.items():
        lines.add(
            f"retrieved_{reader_id(reader)}" + {"none": "", "put in": "_put_in", "learnt": "_learnt"}[change],
            f"values retrieved of {study.params.test_keys[-1]} pairs, {model_name(reader, change)}",
            mean_over_seeds(shares[:, -1]),
            control=study.right(SOFTMAX, "none"),
            note=f"trained with at most {study.params.train_keys} pairs; control: softmax",
        )
    lines.add(
        "retrieved_short",
        f"– softmax, {study.params.test_keys[0]} pairs",
        study.right(SOFTMAX, "none", 0),
    )
    return lines.metrics


def _rows(study: Study, lines: Lines) -> None:
    params, n = study.params, study.most
    law = diluted_weight(np.array(params.keys), params.margin, params.spread)
    for temperature, end in ((FIXED, ""), (COOLED, "_cooled")):
        colder = ", temperature falling with n" if end else ""
        for reader in study.ways:
            of = "" if reader == SOFTMAX else f"_{reader_id(reader)}"
            lines.add(
                f"weight{of}{end}",
                f"weight on the right of {n} keys, {name_of(reader)}{colder}",
                study.weight(reader, temperature, n),
                floor=1 / n,
                control=None if end else law[-1],
                note="floor: no selection" + ("" if end else "; control: 1 / (1 + (n - 1) e^-c)"),
            )
    for temperature, end in ((FIXED, ""), (COOLED, "_cooled")):
        for reader in study.ways[1:]:
            lines.add(
                f"won_{reader_id(reader)}{end}",
                f"rows won by the right of {n} keys, {name_of(reader)}{', falling' if end else ''}",
                study.won(reader, temperature, n),
                floor=1 / n,
            )
            if reader[0].endswith("_lead"):
                lines.add(
                    f"spent_{reader_id(reader)}{end}",
                    f"– spikes until then, {name_of(reader)}{', falling' if end else ''}",
                    mean(study.rows[reader, temperature, n].spent),
                    control=mean(study.rows[reader, temperature, params.keys[0]].spent),
                    note=f"control: {params.keys[0]} keys",
                )
    lines.add(
        "winner",
        f"rows won by the right of {n} keys, {name_of(study.voter)}",
        study.won(study.voter, FIXED, n),
        control=law[-1],
        note="control: softmax weight",
    )
    for reader in params.readers:
        lines.add(
            f"horizon_{reader_id(reader)}",
            f"keys up to which the right one wins {NEARLY_ALL:.0%} of the rows, {name_of(reader)}",
            float(study.horizon(reader)),
            note="0: at no number of keys",
        )
    for at, keys in enumerate(params.keys):
        lines.add(
            f"weight_{keys}",
            f"– softmax, {keys} keys",
            study.weight(SOFTMAX, FIXED, keys),
            control=law[at],
            note="control: the law",
        )


def _strings(study: Study, lines: Lines) -> None:
    n = study.most
    words = {"first": "first symbol", "parity": "parity"}
    for (function, reader, remedy, length), strings in study.strings.items():
        if length != n:
            continue
        if reader == SOFTMAX:
            lines.add(
                f"bits_{function}_{remedy.replace(' ', '_')}",
                f"{words[function]} of {n} bits, {REMEDY_NAMES[remedy]}",
                strings.bits.mean(),
                unit="bit",
                floor=1.0,
                note="floor: a guess",
            )
        else:
            lines.add(
                f"right_{function}_{reader_id(reader)}",
                f"{words[function]} of {n} bits right, {name_of(reader)}",
                mean(strings.right),
                floor=0.5,
                control=mean(study.strings[function, SOFTMAX, "none", n].right),
                note="floor: a guess; control: softmax",
            )
