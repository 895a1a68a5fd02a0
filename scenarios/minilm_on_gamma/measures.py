"""Measures of minilm-on-gamma: rank correlations with people, paired with the softmax model's on the same pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from bridge import TABLES, Bill, Usage
from bridge.bill.text import energies, si
from pragmatic import Head
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.pairs import Pairs
from scenarios.workbench.sentence_vectors import spearman
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, sign
from scenarios.workbench.tables import column, columns

__all__ = ["WANTED", "Trial", "each", "in_words", "lost", "measures", "most_spikes", "of_kind", "table"]

WANTED = 0.005  # loss of rank correlation that counts as none
N_RESAMPLES = 300  # give a standard error to about 4 %
ENERGY = "Energy as a multiple of the softmax model's, from operations counted in the run"


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
    draws = rng.integers(len(judged), size=(N_RESAMPLES, len(judged)))
    again = np.array([[spearman(judged[drawn], one[drawn]) for one in cosines] for drawn in draws])
    usage = [trial.usage for trial in trials]
    label, lost_label = "rank correlation with people", "rank correlation lost"  # to softmax, the first trial
    return xr.Dataset(
        {
            "spearman": column("condition", rho, label),
            "spearman_se": column("condition", np.nanstd(again, axis=0, ddof=1), label),
            "loss": column("condition", rho[0] - rho, lost_label),
            "loss_se": column("condition", np.nanstd(again[:, [0]] - again, axis=0, ddof=1), lost_label),
            "rows": column("condition", [u.rows for u in usage], "rows simulated"),
            **columns("condition", spikes_per_row=[u.spikes / u.rows if u.rows else np.nan for u in usage]),
            "silent_rows": column("condition", [u.silent_rows for u in usage], "silent rows"),
            **columns("condition", "s", time=[trial.seconds for trial in trials]),
            **columns("round", time_ratio=time_ratio),
            "similarity": column(("condition", "pair"), cosines, "cosine"),
        },
        {
            "kind": ("condition", [trial.kind for trial in trials]),
            "spikes": column("condition", [t.spikes for t in trials], "spikes per row"),
            "layer": column("condition", [t.layer for t in trials], "layer"),
            "score": column("pair", judged, "judged"),
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
    lines, most, rounds = Lines(), most_spikes(data), data.time_ratio
    at, control = f"{int(most.spikes)} simulated spikes a row", each(data, "uniform")[0].loss
    label, note = f"rank correlation lost at {at}", "control: uniform attention"
    lines.take(most, "loss", name="difference", label=label, control=control, note=note)
    label = f"time over the softmax model's, {int(most.spikes)} spikes a row"
    note = f"median of {rounds.size} rounds in turn, from {rounds.min():.1f} to {rounds.max():.1f}"
    lines.add("time", label, rounds.median(), note=note)
    label = f"simulated spikes a row for a loss of at most {WANTED:g}"
    note = "by the estimates alone, the fewest tried from which on it holds; their errors are below"
    lines.add("needed", label, _needed(each(data, "simulated")), note=note)
    for kind in ("softmax", "uniform", "argmax", "simulated", "sampled"):
        for trial in each(data, kind):
            _correlation(lines, trial, kind)
    for trial in each(data, "one layer"):
        layer, n = int(trial.layer), int(trial.spikes)
        label = f"lost with layer {layer} alone at {n} spikes a row"
        lines.take(trial, "loss", name=f"layer_{layer}", label=label)
    lines.take(most, "rows")
    lines.add("rate", "rows per second, model included", most.rows / most.time, unit="1/s")
    lines.add("silent", "silent rows", data.silent_rows.sum())
    return lines.metrics


def _correlation(lines: Lines, trial: xr.Dataset, kind: str) -> None:
    n, name, label, note = int(trial.spikes), kind, f"– {kind}", f"loss {lost(trial)}"
    if kind == "softmax":
        label, note = f"{trial.spearman.long_name}: softmax", f"{trial.sizes['pair']} pairs"
    elif n:
        name, label = f"{kind}_{n}", f"– {kind}, {n} spikes a row"
    lines.take(trial, "spearman", name=name, label=label, note=note)


def _needed(simulated: list[xr.Dataset]) -> float:
    """The fewest spikes from which on every simulation loses at most `WANTED`; nan if none does."""
    needed = np.nan
    for trial in reversed(simulated):
        if float(trial.loss) > WANTED:
            break
        needed = float(trial.spikes)
    return needed


def in_words(data: xr.Dataset, m: Numbers, bills: Mapping[str, Bill]) -> Words:
    """Say the answer; every comparison in it is decided by the numbers of the run."""
    if (
        sign(m["softmax"]) <= 0
    ):  # nothing can be lost by a model that does not rank the pairs in the first place
        unable = (
            f"With its own softmax the model does not clearly rank these {data.sizes['pair']} pairs as people do "
            f"(rank correlation {m['softmax']}), so that what spikes cost it cannot be judged here; give more "
            "pairs, or a model that was trained to compare sentences."
        )
        return words(unable, short=(unable,))
    loss, resolution = _loss(data, m), _resolution(data)
    ratios, spread = _energy_ratios(bills), m["time"].note.partition(", ")[2]
    energy = f"{ENERGY}: {'; '.join(text for _, text in ratios)}."
    time = f"The simulation takes {m['time']:.1f} times as long as the softmax model (rounds {spread})"
    dearest = f"{time}, and up to {max(ratios)[0]:.3g} times the energy by the tables below."
    parts = loss, resolution, _controls(data), _layers(data), f"{time}.", energy
    return words(*parts, short=(loss, resolution, dearest))


def _loss(data: xr.Dataset, m: Numbers) -> str:
    most = most_spikes(data)
    loss = lost(most)
    gain = f"a gain of {-loss.value:.3g} (loss {loss})"
    word = choose(sign(loss), f"{loss} is lost", f"no clear loss, {loss}", gain)
    return (
        f"With {data.heads} simulated at {int(most.spikes)} spikes a row the rank correlation with people is "
        f"{float(most.spearman):.4f}, against {m['softmax']:.4f} with softmax on the same "
        f"{data.sizes['pair']} pairs: {word}."
    )


def _resolution(data: xr.Dataset) -> str:
    """What so many pairs can show, and whether they show that selection matters in these heads at all."""
    pairs, uniform = data.sizes["pair"], lost(each(data, "uniform")[0])
    smallest = 2 * float(most_spikes(data).loss_se)
    can = f"These {pairs} pairs can show a loss of {smallest:.2g} or more (two standard errors)"
    if sign(uniform) > 0:
        return f"{can}."
    return f"{can}; uniform attention in these heads does not clearly lose either ({uniform})."


def _controls(data: xr.Dataset) -> str:
    most, sampled = most_spikes(data), each(data, "sampled")
    twin = min(sampled, key=lambda trial: abs(np.log(float(trial.spikes) / float(most.spikes))))
    uniform, argmax = (lost(each(data, kind)[0]) for kind in ("uniform", "argmax"))
    return (
        f"The loss is {lost(twin)} with {int(twin.spikes)} samples a row drawn from the softmax itself, {uniform} "
        f"with uniform attention in these heads, and {argmax} with attention to the strongest key alone."
    )


def _layers(data: xr.Dataset) -> str:
    """Layers that clearly lose, corrected for the number that were tried."""
    tried = each(data, "one layer")
    if not tried:
        return ""
    losses = {f"layer {int(trial.layer)}": lost(trial) for trial in tried}
    among = f"at {int(tried[0].spikes)} spikes a row, {len(tried)} layers compared together"
    lossy = [f"{layer} ({losses[layer]})" for layer, worse in clear(losses).items() if worse > 0]
    if lossy:
        return f"Alone, these clearly lose: {listed(lossy)} ({among})."
    worst = max(losses, key=lambda layer: losses[layer].value)
    return f"No single layer clearly loses alone ({among}; most: {worst}, {losses[worst]})."


def _energy_ratios(bills: Mapping[str, Bill]) -> list[tuple[float, str]]:
    """Energy over softmax's under each table, on the machine that it prices whole, and how that reads."""
    ratios = []
    for name, priced in TABLES.items():
        softmax, *others = (energy for energy in energies(bills, name).values() if energy is not None)
        whole = [energy.total_J for energy in others if "neuron_updates" not in energy.unpriced]
        if whole:  # updates of cells are not free
            times = min(whole) / softmax.total_J
            ratios.append((times, f"{times:.3g} under {priced.title} (softmax {si(softmax.total_J, 'J')})"))
    return ratios
