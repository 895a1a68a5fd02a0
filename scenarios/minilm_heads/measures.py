"""What minilm-heads measures of each head, and the sentences that follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import softmax, xlogy

from bridge import fit_softmax
from bridge.comparison.metrics import cosine, top1_agreement, total_variation
from bridge.comparison.sampling import total_variation_floor
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import beyond_sampling, on_rhythm, words
from scenarios.workbench.statistics import Estimate, clear, mean
from scenarios.workbench.tables import Column, column, columns

__all__ = ["Compared", "in_data", "in_numbers", "in_words", "table_of"]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Spiking attention and the softmax it stands in for, head by head."""

    tokens: tuple[str, ...]  # (length,)
    pairs: tuple[tuple[int, int], ...]  # (layer, head) of each head
    counts: np.ndarray  # (n_heads, length, length)
    f_gamma_Hz: np.ndarray  # (n_heads, length), nan without a significant peak
    scores: np.ndarray  # (n_heads, length, length) over the temperature wanted
    target: np.ndarray  # (n_heads, length, length): their softmax
    value: np.ndarray  # (n_heads, length, dim)
    duration_ms: float

    @property
    def weights(self) -> np.ndarray:
        """Spike shares, (n_heads, length, length); nan in silent rows."""
        total = self.counts.sum(axis=-1, keepdims=True)
        return np.divide(self.counts, total, out=np.full(self.counts.shape, np.nan), where=total > 0)


def table_of(compared: Compared, rng: np.random.Generator) -> xr.Dataset:
    """One entry a head of everything that is compared, each with its sampling floor."""
    weights, target, value, counts = compared.weights, compared.target, compared.value, compared.counts
    length, n_spikes = len(compared.tokens), counts.sum(-1)
    pooled = fit_softmax(counts.reshape(-1, length), compared.scores.reshape(-1, length))
    at_model = softmax(pooled.beta * compared.scores, axis=-1)
    sampled = rng.multinomial(n_spikes, target) / np.maximum(n_spikes, 1)[..., None]
    fits = [fit_softmax(c, s) for c, s in zip(counts, compared.scores, strict=True)]

    def over_rows(values: np.ndarray, label: str = "", unit: str = "") -> Column:
        return column("pair", np.nanmean(values, axis=1, dtype=float), label, unit)

    distance, model, f_gamma = "total variation to softmax", "model_temperature", compared.f_gamma_Hz
    table = xr.Dataset(
        {
            "total_variation": over_rows(total_variation(weights, target), distance),
            "floor": over_rows(total_variation_floor(target, n_spikes), "sampling floor"),
            f"total_variation_{model}": over_rows(total_variation(weights, at_model), distance),
            f"floor_{model}": over_rows(total_variation_floor(at_model, n_spikes), "sampling floor"),
            "cosine": over_rows(cosine(weights @ value, target @ value), "cosine of head outputs"),
            "cosine_floor": over_rows(cosine(sampled @ value, target @ value), "of exact samples"),
            "top1_agreement": over_rows(top1_agreement(weights, target), "same strongest key"),
            "top1_floor": over_rows(top1_agreement(sampled, target), "of exact samples"),
            "entropy": over_rows(-np.sum(xlogy(target, target), axis=-1), "entropy of the attention", "nats"),
            "spikes_per_row": over_rows(n_spikes, "spikes per row"),
            "rhythmic": over_rows(np.isfinite(f_gamma), "rows with a significant 30-80 Hz peak"),
            "beta": column("pair", [f.beta for f in fits], "β × temperature"),
            "beta_se": column("pair", [max(f.beta_se, f.beta_se_quasi) for f in fits], "β × temperature"),
            "f_gamma": column("pair", [mean(rows).value for rows in f_gamma], "gamma frequency", "Hz"),
        },
        columns("pair", layer=[layer for layer, _ in compared.pairs], head=[h for _, h in compared.pairs]),
        {"beta_model": pooled.beta, "beta_model_se": max(pooled.beta_se, pooled.beta_se_quasi)},
    )
    excess = {
        f"excess{at}": column(
            "pair", table[f"total_variation{at}"] / table[f"floor{at}"], f"{distance} / floor"
        )
        for at in ("", f"_{model}")
    }
    return table.assign(excess)


def in_numbers(table: xr.Dataset, compared: Compared) -> dict[str, Metric]:
    """Every number of the report."""
    lines, ours = Lines(), table.excess_model_temperature
    beta = Estimate(value=table.attrs["beta_model"], error=table.attrs["beta_model_se"])
    label, note = (
        "total variation / sampling floor, median head",
        "one fitted temperature for the whole model",
    )
    lines.add("excess", label, _median(ours), floor=1, note=note)
    label, note = "the same at the temperature asked for", "no fitted number at all"
    lines.add("excess_requested", label, _median(table.excess), floor=1, note=note)
    lines.add("worst_excess", "the same, worst head", ours.max(), floor=1)
    lines.add("beta_model", "beta x temperature, whole model", beta, note="1 is the temperature asked for")
    lines.take(table, "total_variation", floor="floor")
    lines.take(table, "cosine", floor="cosine_floor")
    lines.take(table, "top1_agreement", name="top1", floor="top1_floor")
    lines.take(table, "f_gamma")
    lines.add("rhythmic", table.rhythmic.long_name, np.isfinite(compared.f_gamma_Hz).mean())
    lines.take(table, "spikes_per_row", name="spikes")
    lines.add("silent", "silent rows", (compared.counts.sum(axis=-1) == 0).sum())
    return lines.metrics


def _median(heads: xr.DataArray) -> Estimate:
    """Median over heads; its error as of a normal sample, 1.2533 times the mean's."""
    return Estimate(value=float(np.median(heads.values)), error=1.2533 * mean(heads.values).error)


def in_data(compared: Compared, table: xr.Dataset) -> xr.Dataset:
    """The table, and counts, target and peak of every row."""
    rows = ("pair", "query")
    data = table.assign(
        columns((*rows, "key"), counts=compared.counts, target=compared.target)
        | columns(rows, "Hz", f_gamma_row=compared.f_gamma_Hz)
    )
    return data.assign_coords(query=list(compared.tokens), key=list(compared.tokens))


def in_words(table: xr.Dataset, compared: Compared) -> Words:
    """In short, and a paragraph, of the heads and rows that were simulated."""
    excess, asked = _median(table.excess_model_temperature), _median(table.excess)
    n_heads, n_spikes = len(compared.pairs), compared.counts.sum(axis=-1)
    sign = clear({"excess": Estimate(value=excess.value - 1, error=excess.error)})["excess"]
    subject, extreme = "The one head simulated", ""
    if n_heads > 1:
        worst = int(table.excess_model_temperature.values.argmax())
        layer, head = compared.pairs[worst]
        ratio = float(table.excess_model_temperature[worst])
        subject = f"Of {n_heads} heads simulated the median one"
        extreme = f"The worst is head {head} of layer {layer}, at {ratio:.2f}."
    close = "is as near to its softmax as its number of spikes allows"
    if sign > 0:
        close = f"lies {excess} times as far from its softmax as its number of spikes explains"
    answer = (
        f"{subject} {close}, with {n_spikes.mean():.0f} spikes a row in {compared.duration_ms:.0f} ms (ratio "
        f"{excess} after one fitted temperature, {asked} at the temperature asked for)."
    )
    f_Hz = mean(table.f_gamma.values).value
    rhythm = on_rhythm(np.isfinite(compared.f_gamma_Hz), n_spikes == 0, f_Hz)
    limit = beyond_sampling(sign)
    return words(answer, extreme, limit, rhythm, short=(answer, limit, rhythm))
