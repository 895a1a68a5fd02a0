"""Data, numbers and sentences of bottleneck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr

from scenarios.bottleneck.memory import N_VALUES, Recalled, Right
from scenarios.bottleneck.pairs import IN_CONTEXT
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.readers import Reader, reader_id, reader_name
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import (
    Estimate,
    clear,
    difference,
    estimate_of,
    mean,
    mean_over_seeds,
)
from scenarios.workbench.tables import column, estimate_column

__all__ = ["NAMES", "Study", "in_data", "in_numbers", "in_words"]

NAMES = {
    "state": "one state",
    "attention": "attention",
    "softmax": "softmax",
    "linear": "linear attention",
    "uniform": "no selection",
}
SAME = 1e-5  # relative difference to which both forms of linear attention agree in single precision
ENOUGH = 0.95  # of the answers


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was measured."""

    apart: float  # largest relative difference between both forms of linear attention
    recalled: list[Recalled]
    reversed: Right  # (n_seeds, n_lengths, n_sequences)
    answered: Mapping[int, Right]  # by width, (n_sets,)
    lengths: tuple[int, ...]
    n_symbols: int  # of the sequences

    @property
    def enough(self) -> Reader:
        """The fewest spikes that recall enough in every memory, else the most; softmax where no head has any."""
        for head in ("spiking", "sampled"):
            some = [reader for reader in self.recalled[0].right if reader[0] == head]
            if some:
                whole = (reader for reader in some if self.worst(reader).value >= ENOUGH)
                return next(whole, some[-1])
        return "softmax", 0

    def worst(self, reader: Reader) -> Estimate:
        """The least that a reader recalls of any memory."""
        return min((mean(memory.right[reader]) for memory in self.recalled), key=lambda share: share.value)


def in_data(study: Study) -> xr.Dataset:
    """A dimension for each way to read."""
    reversed_ = [
        [mean_over_seeds(right[:, at]) for at in range(len(study.lengths))]
        for right in study.reversed.values()
    ]
    memories = {(r.dim, r.n_pairs): r.right for r in study.recalled}
    dims, pairs = (sorted({key[i] for key in memories}) for i in (0, 1))
    readers, of_width = list(study.recalled[0].right), list(study.answered.values())
    recalled = [[[mean(memories[dim, n][reader]) for n in pairs] for dim in dims] for reader in readers]
    answered = [[mean(right[reader]) for right in of_width] for reader in of_width[0]]
    return xr.Dataset(
        {
            **estimate_column("reversed", ("reversed_by", "length"), reversed_, "symbols reversed"),
            **estimate_column("recalled", ("recalled_by", "dim", "pairs"), recalled, "values recalled"),
            **estimate_column("answered", ("answered_by", "width"), answered, "values learnt and recalled"),
        },
        {
            "reversed_by": [reader_name(reader, NAMES) for reader in study.reversed],
            "recalled_by": [reader_name(reader, NAMES) for reader in readers],
            "answered_by": [reader_name(reader, NAMES) for reader in of_width[0]],
            "length": column("length", study.lengths, "length of the sequence"),
            "dim": column("dim", dims, "dimension of keys and values"),
            "pairs": column("pairs", pairs, "pairs in memory"),
            "width": column("width", list(study.answered), "width of the memory"),
        },
    )


def in_numbers(study: Study) -> dict[str, Metric]:
    """Reversal at the longest length, recall in each memory, what memories of each width learn to answer."""
    lines = Lines()
    longest, shortest = study.lengths[-1], study.lengths[0]
    state = mean_over_seeds(study.reversed["state", 0][:, -1])
    for reader, right in study.reversed.items():
        lines.add(
            f"reverse_{reader_id(reader)}",
            f"symbols reversed at length {longest}, {reader_name(reader, NAMES)}",
            mean_over_seeds(right[:, -1]),
            floor=1 / study.n_symbols,
            control=state,
            note="floor: a guess; control: one state",
        )
    for kind in ("state", "attention"):
        short = mean_over_seeds(study.reversed[kind, 0][:, 0])
        lines.add(f"reverse_{kind}_short", f"– {NAMES[kind]}, length {shortest}", short)
    lines.add("forms", "linear attention in parallel against step by step", study.apart, note="relative")
    for memory in study.recalled:
        lines.add(
            f"recall_{memory.dim}_{memory.n_pairs}",
            f"{memory.n_pairs} pairs recalled in {memory.dim} dimensions, {reader_name(study.enough, NAMES)}",
            mean(memory.right[study.enough]),
            floor=1 / N_VALUES,
            control=mean(memory.right["state", 0]),
            note="floor: a guess; control: one matrix",
        )
    lines.add(
        "recall_worst", f"– the worst of these, {reader_name(study.enough, NAMES)}", study.worst(study.enough)
    )
    for width, of_width in study.answered.items():
        for reader, right in of_width.items():
            lines.add(
                f"answer_{width}_{reader_id(reader)}",
                f"pairs that a memory of width {width} learns to answer, {reader_name(reader, NAMES)}",
                mean(right),
                control=mean(of_width["uniform", 0]),
                note="control: no selection",
            )
    return lines.metrics


def in_words(study: Study, metrics: Mapping[str, Metric]) -> Words:
    """What the state loses, how many spikes read a memory out, and how they compare with samples."""
    state, attention = metrics["reverse_state"], metrics["reverse_attention"]
    gain = difference(estimate_of(attention), estimate_of(state))
    twins = _against_twins(study)
    signs = clear({"gain": gain, **{reader_name(reader, NAMES): apart for reader, apart in twins.items()}})
    longest = study.lengths[-1]
    bottleneck = (
        f"Of {longest} symbols said backwards a decoder that attends gets {attention} right, one that has the "
        f"encoder's last state alone {state}"
        + choose(
            signs["gain"],
            ": a state of fixed size is a bottleneck.",
            "; the difference is not clear.",
            "; attention does worse here.",
        )
    )
    return words(
        bottleneck,
        _on_size(study),
        _on_spikes(study, metrics),
        _on_twins(twins, signs),
        f"Linear attention computed in parallel and through its recurrent state differ by {study.apart:.1g} at "
        f"most, relative to the largest output, {'as' if study.apart <= SAME else 'more than'} rounding allows.",
        short=(bottleneck, _on_size(study), _on_spikes(study, metrics)),
    )


def _on_size(study: Study) -> str:
    """The width from which each trained memory answers."""
    widths = {
        kind: next((w for w, right in study.answered.items() if right[kind, 0].mean() >= ENOUGH), None)
        for kind in ("softmax", "linear")
    }
    said = [
        f"{NAMES[kind]} {f'from width {width} on' if width else f'at no width up to {max(study.answered)}'}"
        for kind, width in widths.items()
    ]
    return f"A trained memory gives {ENOUGH:.0%} of {IN_CONTEXT} pairs back with {listed(said)}."


def _on_spikes(study: Study, metrics: Mapping[str, Metric]) -> str:
    """How many spikes recall enough, and what they do for the decoder."""
    enough, hardest = study.enough, max(study.recalled, key=lambda memory: memory.n_pairs / memory.dim)
    if not enough[1]:
        return ""
    worst, matrix = study.worst(enough), mean(hardest.right["state", 0])
    decoded = metrics[f"reverse_{reader_id(enough)}"]
    return (
        f"With {reader_name(enough)} a query {worst:.1%} of the pairs of any memory that was asked come back, "
        f"where one matrix gives back {matrix:.1%} of {hardest.n_pairs} pairs in {hardest.dim} dimensions; a "
        f"decoder that attends through as many gets {decoded} of the longest sequences right."
    )


def _against_twins(study: Study) -> dict[Reader, Estimate]:
    """Each simulated read-out less as many independent samples, in the longest sequences, seed by seed."""
    return {
        reader: mean((right[:, -1] - study.reversed["sampled", reader[1]][:, -1]).ravel())
        for reader, right in study.reversed.items()
        if reader[0] == "spiking" and ("sampled", reader[1]) in study.reversed
    }


def _on_twins(twins: Mapping[Reader, Estimate], signs: Mapping[str, int]) -> str:
    if not twins:
        return ""
    better, worse = (
        [str(reader[1]) for reader in twins if signs[reader_name(reader, NAMES)] == sign] for sign in (1, -1)
    )
    said = [
        f"{word} as many independent samples with {listed(some)} spikes"
        for word, some in (("more than", better), ("less than", worse))
        if some
    ]
    return (
        f"In the longest sequences the circuit reads {' and '.join(said)}."
        if said
        else "The circuit does not read clearly more or less than as many independent samples."
    )
