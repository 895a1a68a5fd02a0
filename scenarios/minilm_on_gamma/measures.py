"""Measures of minilm-on-gamma: rank correlations with people, paired with the softmax model's on the same pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from bridge import Usage
from pragmatic import Head
from scenarios.minilm_on_gamma.pairs import Pairs
from scenarios.minilm_on_gamma.sentence_vectors import spearman
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import say
from scenarios.workbench.statistics import Estimate
from scenarios.workbench.tables import columns

__all__ = ["WANTED", "Trial", "each", "lost", "measures", "most_spikes", "of_kind", "table"]

WANTED = 0.005  # loss of rank correlation that counts as none
N_RESAMPLES = 300  # give a standard error to about 4 %


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One kind of attention in the model, and what came of it."""

    kind: str  # softmax, uniform, argmax, sampled, simulated, one layer
    heads: str
    head: Head | None = None  # None: the model as it is
    spikes: int = 0  # asked for per row; 0 where there are none
    layer: int = -1  # where one layer alone is simulated
    similarity: np.ndarray | None = None  # (n_pairs,) cosines
    seconds: float = np.nan  # that the model took
    usage: Usage = field(default_factory=Usage)  # nothing where nothing spiked

    @property
    def label(self) -> str:
        """For the progress bar and the report."""
        where = f"layer {self.layer} simulated" if self.layer >= 0 else self.kind
        return f"{where}, {self.spikes} spikes a row" if self.spikes else where


def measures(
    pairs: Pairs, trials: Sequence[Trial], time_ratio: np.ndarray, rng: np.random.Generator
) -> xr.Dataset:
    """Rank correlations, what is lost against softmax, time and spikes, trial by trial.

    Errors are over resampled pairs (Efron 1979); those of a loss over pairs resampled for both models at once.
    """
    judged, cosines = pairs.score, np.array([trial.similarity for trial in trials])
    rho = np.array([spearman(judged, one) for one in cosines])
    again = np.array(
        [
            [spearman(judged[drawn], one[drawn]) for one in cosines]
            for drawn in rng.integers(len(judged), size=(N_RESAMPLES, len(judged)))
        ]
    )  # (n_resamples, n_trials)
    usage = [trial.usage for trial in trials]
    return xr.Dataset(
        {
            **columns(
                "condition",
                spearman=rho,
                spearman_se=np.nanstd(again, axis=0, ddof=1),
                loss=rho[0] - rho,  # rank correlation lost against softmax, the first trial
                loss_se=np.nanstd(again[:, [0]] - again, axis=0, ddof=1),
                rows=[u.rows for u in usage],
                spikes_per_row=[u.spikes / u.rows if u.rows else np.nan for u in usage],
                silent_rows=[u.silent_rows for u in usage],
            ),
            **columns("condition", "s", time=[trial.seconds for trial in trials]),
            **columns("round", time_ratio=time_ratio),
            **columns(("condition", "pair"), similarity=cosines),
        },
        {
            "kind": ("condition", [trial.kind for trial in trials]),
            **columns("condition", spikes=[t.spikes for t in trials], layer=[t.layer for t in trials]),
            **columns("pair", score=judged),
        },
    )


def of_kind(data: xr.Dataset, kind: str) -> xr.Dataset:
    """The trials of one kind, fewest spikes first."""
    return data.isel(condition=data.kind.values == kind)


def each(data: xr.Dataset, kind: str) -> list[xr.Dataset]:
    """The same one by one."""
    return [data.isel(condition=i) for i in np.flatnonzero(data.kind.values == kind)]


def most_spikes(data: xr.Dataset) -> xr.Dataset:
    """The simulated trial of the headline."""
    return each(data, "simulated")[-1]


def lost(trial: xr.Dataset) -> Estimate:
    """Rank correlation lost against softmax on the same pairs."""
    return Estimate(value=float(trial.loss), error=float(trial.loss_se))


def table(data: xr.Dataset) -> dict[str, Metric]:
    """Numbers of the report."""
    numbers, most = Lines(), most_spikes(data)
    spikes, rounds = int(most.spikes), data.time_ratio
    numbers.add(
        "difference",
        f"rank correlation lost at {spikes} simulated spikes a row",
        lost(most),
        control=each(data, "uniform")[0].loss,
        note="control: uniform attention",
    )
    numbers.add(
        "time",
        f"time over the softmax model's, {spikes} spikes a row",
        rounds.median(),
        note=f"median of {rounds.size} rounds in turn, from {rounds.min():.1f} to {rounds.max():.1f}",
    )
    numbers.add(
        "needed",
        f"simulated spikes a row for a loss of at most {WANTED:g}",
        _needed(each(data, "simulated")),
        note="by the estimates alone, the fewest tried from which on it holds; their errors are below",
    )
    _correlations(numbers, data)
    for trial in each(data, "one layer"):
        label = f"lost with layer {int(trial.layer)} alone at {int(trial.spikes)} spikes a row"
        numbers.add(f"layer_{int(trial.layer)}", label, lost(trial))
    numbers.add("rows", "rows simulated", most.rows)
    numbers.add("rate", "rows per second, model included", most.rows / most.time, unit="1/s")
    numbers.add("silent", "silent rows", data.silent_rows.sum())
    return numbers.metrics


def _correlations(numbers: Lines, data: xr.Dataset) -> None:
    (softmax,), label = each(data, "softmax"), "rank correlation with people: softmax"
    numbers.add("softmax", label, _correlation(softmax), note=f"{data.sizes['pair']} pairs")
    for kind in ("uniform", "argmax", "simulated", "sampled"):
        for trial in each(data, kind):
            n = int(trial.spikes)
            name, label = (f"{kind}_{n}", f"– {kind}, {n} spikes a row") if n else (kind, f"– {kind}")
            numbers.add(name, label, _correlation(trial), note=f"loss {say(lost(trial))}")


def _correlation(trial: xr.Dataset) -> Estimate:
    return Estimate(value=float(trial.spearman), error=float(trial.spearman_se))


def _needed(simulated: list[xr.Dataset]) -> float:
    """The fewest spikes from which on every simulation loses at most `WANTED`; nan if none does."""
    needed = np.nan
    for trial in reversed(simulated):
        if float(trial.loss) > WANTED:
            break
        needed = float(trial.spikes)
    return needed
