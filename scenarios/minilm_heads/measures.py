"""What minilm-heads measures of each head, and the sentences that follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import softmax, xlogy

from bridge import fit_softmax
from bridge.comparison.metrics import cosine, top1_agreement, total_variation
from bridge.comparison.sampling import total_variation_floor
from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import beyond_sampling, say
from scenarios.workbench.statistics import Estimate, clear, mean, metric
from scenarios.workbench.tables import columns

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
    weights, target, value, n_spikes = (
        compared.weights,
        compared.target,
        compared.value,
        compared.counts.sum(-1),
    )
    length = len(compared.tokens)
    pooled = fit_softmax(compared.counts.reshape(-1, length), compared.scores.reshape(-1, length))
    at_model = softmax(pooled.beta * compared.scores, axis=-1)
    sampled = rng.multinomial(n_spikes, target) / np.maximum(n_spikes, 1)[..., None]
    fits = [fit_softmax(c, s) for c, s in zip(compared.counts, compared.scores, strict=True)]
    per_row = {
        "total_variation": total_variation(weights, target),
        "floor": total_variation_floor(target, n_spikes),
        "total_variation_model_temperature": total_variation(weights, at_model),
        "floor_model_temperature": total_variation_floor(at_model, n_spikes),
        "cosine": cosine(weights @ value, target @ value),
        "cosine_floor": cosine(sampled @ value, target @ value),
        "top1_agreement": top1_agreement(weights, target),
        "top1_floor": top1_agreement(sampled, target),
        "entropy": -np.sum(xlogy(target, target), axis=-1),
        "spikes_per_row": n_spikes,
        "rhythmic": np.isfinite(compared.f_gamma_Hz),
    }
    means = {name: np.nanmean(rows, axis=1, dtype=float) for name, rows in per_row.items()}
    model = "model_temperature"
    excess = {
        "excess": means["total_variation"] / means["floor"],
        f"excess_{model}": means[f"total_variation_{model}"] / means[f"floor_{model}"],
    }
    beta, errors = [f.beta for f in fits], [max(f.beta_se, f.beta_se_quasi) for f in fits]
    return xr.Dataset(
        {
            **columns("pair", **means, **excess, beta=beta, beta_se=errors),
            **columns("pair", "Hz", f_gamma=[mean(rows).value for rows in compared.f_gamma_Hz]),
        },
        columns("pair", layer=[layer for layer, _ in compared.pairs], head=[h for _, h in compared.pairs]),
        {"beta_model": pooled.beta, "beta_model_se": max(pooled.beta_se, pooled.beta_se_quasi)},
    )


def in_numbers(table: xr.Dataset, compared: Compared) -> dict[str, Metric]:
    """Every number of the report."""

    def over_heads(name: str, label: str, *, floor: str = "", unit: str = "") -> Metric:
        chance = mean(table[floor].values).value if floor else None
        return metric(label, mean(table[name].values), floor=chance, unit=unit)

    worst = float(table.excess_model_temperature.max())
    beta = Estimate(value=table.attrs["beta_model"], error=table.attrs["beta_model_se"])
    asked, model = "no fitted number at all", "one fitted temperature for the whole model"
    rhythmic, silent = np.isfinite(compared.f_gamma_Hz).mean(), (compared.counts.sum(axis=-1) == 0).sum()
    return {
        "excess": metric(
            "total variation / sampling floor, median head",
            _median(table.excess_model_temperature.values),
            floor=1.0,
            note=model,
        ),
        "excess_requested": metric(
            "the same at the temperature asked for", _median(table.excess.values), floor=1.0, note=asked
        ),
        "worst_excess": Metric(label="the same, worst head", value=worst, floor=1.0),
        "beta_model": metric("beta x temperature, whole model", beta, note="1 is the temperature asked for"),
        "total_variation": over_heads("total_variation", "total variation to softmax", floor="floor"),
        "cosine": over_heads("cosine", "cosine of head outputs", floor="cosine_floor"),
        "top1": over_heads("top1_agreement", "same strongest key", floor="top1_floor"),
        "f_gamma": over_heads("f_gamma", "gamma frequency", unit="Hz"),
        "rhythmic": Metric(label="rows with a significant 30-80 Hz peak", value=float(rhythmic)),
        "spikes": over_heads("spikes_per_row", "spikes per row"),
        "silent": Metric(label="silent rows", value=float(silent)),
    }


def _median(values: np.ndarray) -> Estimate:
    """Median over heads; its error as of a normal sample, 1.2533 times the mean's."""
    return Estimate(value=float(np.median(values)), error=1.2533 * mean(values).error)


def in_data(compared: Compared, table: xr.Dataset) -> xr.Dataset:
    """The table, and counts, target and peak of every row."""
    rows = ("pair", "query")
    data = table.assign(
        columns((*rows, "key"), counts=compared.counts, target=compared.target)
        | columns(rows, "Hz", f_gamma_row=compared.f_gamma_Hz)
    )
    return data.assign_coords(query=list(compared.tokens), key=list(compared.tokens))


def in_words(table: xr.Dataset, compared: Compared) -> tuple[tuple[str, ...], str]:
    """In short, and a paragraph, of the heads and rows that were simulated."""
    excess, asked = _median(table.excess_model_temperature.values), _median(table.excess.values)
    n_heads, n_spikes = len(compared.pairs), compared.counts.sum(axis=-1)
    sign = clear({"excess": Estimate(value=excess.value - 1, error=excess.error)})["excess"]
    subject = f"Of {n_heads} heads simulated the median one" if n_heads > 1 else "The one head simulated"
    close = (
        f"lies {say(excess)} times as far from its softmax as its number of spikes explains"
        if sign > 0
        else "is as near to its softmax as its number of spikes allows"
    )
    worst = int(table.excess_model_temperature.values.argmax())
    layer, head = compared.pairs[worst]
    answer = (
        f"{subject} {close}, with {n_spikes.mean():.0f} spikes a row in {compared.duration_ms:.0f} ms (ratio "
        f"{say(excess)} after one fitted temperature, {say(asked)} at the temperature asked for)."
    )
    extreme = (
        f"The worst is head {head} of layer {layer}, at {float(table.excess_model_temperature[worst]):.2f}."
        if n_heads > 1
        else ""
    )
    f_Hz, rhythmic = mean(table.f_gamma.values), np.isfinite(compared.f_gamma_Hz)
    at = f", at {f_Hz.value:.1f} Hz on average" if rhythmic.any() else ""
    rhythm = (
        f"{rhythmic.mean():.0%} of {n_spikes.size:,} rows carry a significant gamma rhythm{at}; "
        f"{(n_spikes == 0).sum()} rows stayed silent."
    )
    limit = beyond_sampling(sign)
    return (answer, limit, rhythm), " ".join(filter(None, (answer, extreme, limit, rhythm)))
