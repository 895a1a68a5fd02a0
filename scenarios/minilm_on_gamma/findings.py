"""What minilm-on-gamma found: rank correlations with people, each beside the softmax model's on the same pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bridge import TABLES, Bill, Usage
from bridge.bill.text import energies, si
from scenarios.minilm_on_gamma.pairs import Pairs
from scenarios.minilm_on_gamma.sentence_vectors import spearman
from scenarios.workbench.outcome import Metric, number_text

__all__ = ["WANTED", "Condition", "Results", "dataset", "metrics", "verdict"]

WANTED = 0.005  # loss of rank correlation that counts as none
N_RESAMPLES = 300  # give a standard error to about 4 %


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What stood in for the model's attention."""

    kind: str  # softmax, uniform, argmax, sampled, simulated, one layer
    spikes: int = 0  # asked for per row; 0 where there are none
    layer: int = -1  # where one layer alone is simulated

    @property
    def label(self) -> str:
        """For the progress bar and the report."""
        where = f"layer {self.layer} simulated" if self.layer >= 0 else self.kind
        return f"{where}, {self.spikes} spikes a row" if self.spikes else where


@dataclass(frozen=True, kw_only=True)
class Results:
    """The same pairs judged under every condition."""

    pairs: Pairs
    conditions: tuple[Condition, ...]
    similarity: np.ndarray  # (n_conditions, n_pairs) cosines
    seconds: np.ndarray  # (n_conditions,) that the model took
    usage: tuple[Usage, ...]  # of each condition; nothing where nothing spiked
    time_ratio: np.ndarray  # (n_rounds,) most simulated spikes over softmax, measured in turn


def dataset(results: Results, rng: np.random.Generator) -> xr.Dataset:
    """Rank correlations, what is lost against softmax, time and spikes, condition by condition.

    Errors are over resampled pairs (Efron 1979); those of a loss over pairs resampled for both models at once.
    """
    judged, found = results.pairs.score, results.similarity
    rho = np.array([spearman(judged, one) for one in found])
    again = np.array(
        [
            [spearman(judged[drawn], one[drawn]) for one in found]
            for drawn in rng.integers(len(judged), size=(N_RESAMPLES, len(judged)))
        ]
    )  # (n_resamples, n_conditions)
    softmax = [c.kind for c in results.conditions].index("softmax")
    lost = again[:, [softmax]] - again

    def column(values: object, units: str, long_name: str) -> tuple[str, np.ndarray, dict[str, str]]:
        return ("condition", np.asarray(values), {"units": units, "long_name": long_name})

    usage = results.usage
    return xr.Dataset(
        {
            "spearman": column(rho, "1", "rank correlation with people"),
            "spearman_se": column(np.nanstd(again, axis=0, ddof=1), "1", "its standard error"),
            "loss": column(rho[softmax] - rho, "1", "rank correlation lost against softmax"),
            "loss_se": column(np.nanstd(lost, axis=0, ddof=1), "1", "its standard error, paired"),
            "time": column(results.seconds, "s", "time of the model on all sentences"),
            "time_ratio": (
                "round",
                results.time_ratio,
                {"units": "1", "long_name": "time with most simulated spikes over softmax, in turn"},
            ),
            "rows": column([u.rows for u in usage], "1", "rows in spikes"),
            "spikes_per_row": column(
                [u.exc_spikes / u.rows if u.rows else np.nan for u in usage], "1", "E spikes per row"
            ),
            "silent_rows": column([u.silent_rows for u in usage], "1", "rows without a spike"),
            "similarity": (("condition", "pair"), found, {"units": "1", "long_name": "cosine of a pair"}),
        },
        {
            "kind": ("condition", [c.kind for c in results.conditions]),
            "spikes": column([c.spikes for c in results.conditions], "1", "spikes per row asked for"),
            "layer": column(
                [c.layer for c in results.conditions], "1", "layer, where one alone is simulated"
            ),
            "score": ("pair", judged, {"units": "1", "long_name": "how alike people found the pair"}),
        },
    )


def of_kind(data: xr.Dataset, kind: str) -> xr.Dataset:
    """The conditions of one kind, fewest spikes first."""
    return data.isel(condition=np.flatnonzero(data.kind.values == kind))


def metrics(data: xr.Dataset) -> dict[str, Metric]:
    """Numbers of the report."""
    softmax, simulated = of_kind(data, "softmax").isel(condition=0), of_kind(data, "simulated")
    most, layers = simulated.isel(condition=-1), of_kind(data, "one layer")

    def rho(label: str, at: xr.Dataset, note: str = "") -> Metric:
        return Metric(label=label, value=float(at.spearman), standard_error=float(at.spearman_se), note=note)

    spikes = int(most.spikes)
    found = {
        "difference": Metric(
            label=f"rank correlation lost at {spikes} simulated spikes a row",
            value=float(most.loss),
            standard_error=float(most.loss_se),
            control=float(of_kind(data, "uniform").loss[0]),
            note="control: uniform attention",
        ),
        "time": Metric(
            label=f"time over the softmax model's, {spikes} spikes a row",
            value=float(data.time_ratio.median()),
            note=f"median of rounds in turn, from {data.time_ratio.min():.1f} to {data.time_ratio.max():.1f}",
        ),
        "needed": Metric(
            label=f"simulated spikes a row for a loss of at most {WANTED:g}",
            value=_needed(simulated),
            note="the fewest tried from which on it holds",
        ),
        "softmax": rho("rank correlation with people: softmax", softmax, f"{data.sizes['pair']} pairs"),
    }
    for at in (of_kind(data, kind).isel(condition=0) for kind in ("uniform", "argmax")):
        found[str(at.kind.item())] = rho(f"– {at.kind.item()}", at)
    for kind in ("simulated", "sampled"):
        for i in range(of_kind(data, kind).sizes["condition"]):
            at = of_kind(data, kind).isel(condition=i)
            found[f"{kind}_{int(at.spikes)}"] = rho(
                f"– {kind}, {int(at.spikes)} spikes a row",
                at,
                f"loss {number_text(float(at.loss), float(at.loss_se))}",
            )
    for i in range(layers.sizes["condition"]):
        at = layers.isel(condition=i)
        found[f"layer_{int(at.layer)}"] = Metric(
            label=f"lost with layer {int(at.layer)} alone at {int(at.spikes)} spikes a row",
            value=float(at.loss),
            standard_error=float(at.loss_se),
        )
    found["rows"] = Metric(label="rows simulated", value=float(most.rows))
    found["rate"] = Metric(
        label="rows per second, model included", value=float(most.rows / most.time), unit="1/s"
    )
    found["silent"] = Metric(label="silent rows", value=float(data.silent_rows.sum()))
    return found


def _needed(simulated: xr.Dataset) -> float:
    """The fewest spikes from which on every simulation loses at most `WANTED`; nan if none does."""
    close = simulated.loss.values <= WANTED
    first = len(close) - int(np.argmin(close[::-1])) if not close.all() else 0
    return float(simulated.spikes[first]) if first < len(close) else float("nan")


def verdict(data: xr.Dataset, bills: Mapping[str, Bill]) -> str:
    """The answer in words."""
    softmax, simulated = of_kind(data, "softmax").isel(condition=0), of_kind(data, "simulated")
    most = simulated.isel(condition=-1)
    sampled = of_kind(data, "sampled")
    twin = sampled.isel(condition=int(np.abs(np.log(sampled.spikes.values / float(most.spikes))).argmin()))
    loss = number_text(float(most.loss), float(most.loss_se))
    words = [
        f"With all heads simulated at {int(most.spikes)} spikes a row the model's rank correlation with people is "
        f"{float(most.spearman):.4f}, against {float(softmax.spearman):.4f} with softmax: {loss} lost "
        f"(standard error over the same {data.sizes['pair']} pairs). As many spikes drawn from the softmax itself, "
        f"{int(twin.spikes)}, lose {number_text(float(twin.loss), float(twin.loss_se))}; uniform attention loses "
        f"{float(of_kind(data, 'uniform').loss[0]):.3f} and attending to the strongest key alone "
        f"{float(of_kind(data, 'argmax').loss[0]):.3f}.",
        _layers(of_kind(data, "one layer")),
        f"The simulation takes {float(data.time_ratio.median()):.1f} times as long as the softmax model.",
        _energy(bills),
    ]
    return " ".join(filter(None, words))


def _layers(layers: xr.Dataset) -> str:
    if not layers.sizes["condition"]:
        return ""
    worst = layers.isel(condition=int(layers.loss.values.argmax()))
    return (
        f"Layer {int(worst.layer)} bears spikes worst: alone at {int(worst.spikes)} spikes a row it loses "
        f"{number_text(float(worst.loss), float(worst.loss_se))}."
    )


def _energy(bills: Mapping[str, Bill]) -> str:
    """What spikes cost under each table, on the machine that it prices whole: updates of cells are not free."""
    told = []
    for table in TABLES:
        softmax, *others = ((name, e) for name, e in energies(bills, table).items() if e is not None)
        whole = [(name, e.total_J) for name, e in others if "neuron_updates" not in e.unpriced]
        if whole:
            name, total_J = min(whole, key=lambda item: item[1])
            beside = f"{name}; softmax {si(softmax[1].total_J, 'J')}"
            told.append(f"{total_J / softmax[1].total_J:.1f} under {TABLES[table].title} ({beside})")
    return "Energy as a multiple of the softmax model's, from counted operations: " + "; ".join(told) + "."
