"""Scenario minilm-heads: every attention row of a real pretrained transformer through the gamma circuit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.special import softmax, xlogy

from bridge import fit_softmax
from bridge.comparison.metrics import cosine, top1_agreement, total_variation
from bridge.comparison.sampling import total_variation_floor
from bridge.heads.choice import chosen_heads
from scenarios.minilm_heads.plots import draw_excess, draw_excess_by_entropy, draw_map, draw_pattern
from scenarios.workbench.minilm import N_HEADS, N_LAYERS, Heads, minilm_heads, shipped_paragraph
from scenarios.workbench.outcome import Metric, Outcome, Picture, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.style import WIDTH_in
from spiking import GammaCircuit, GammaParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Can a 40 Hz circuit stand in for the softmax of a real transformer? Every row of the attention heads of "
    "all-MiniLM-L6-v2 competes in spikes, and is compared with the model's own attention."
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    text: str = param(shipped_paragraph(), "what the model reads")
    heads: str = param("all", "all, or layer.head from 0 with commas, * for every one: 3.0 or 0.1,3.*")
    temperature: float = param(1.0, "softmax temperature wanted; the model's own is 1", above=0)
    duration_ms: float = param(400.0, "simulated time for every row", at_least=100)
    n_cells: int = param(20, "excitatory cells per key", at_least=1)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Spiking attention beside the softmax, head by head."""

    pairs: tuple[tuple[int, int], ...]  # (layer, head) of each row below
    counts: np.ndarray  # (n_heads, length, length)
    f_gamma_Hz: np.ndarray  # (n_heads, length), nan without a significant peak
    target: np.ndarray  # (n_heads, length, length): softmax at the temperature wanted
    scores: np.ndarray  # (n_heads, length, length)

    @property
    def weights(self) -> np.ndarray:
        """Spike shares, (n_heads, length, length); nan in silent rows."""
        total = self.counts.sum(axis=-1, keepdims=True)
        return np.divide(self.counts, total, out=np.full(self.counts.shape, np.nan), where=total > 0)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Simulate the chosen heads, a layer's rows in one network, and compare each with its softmax."""
    pairs = tuple(chosen_heads(params.heads, [N_HEADS] * N_LAYERS))
    with ctx.progress.stage("read the model", share=0.05):
        heads = minilm_heads(params.text)
    compared = _simulate(params, ctx, heads, pairs)
    table = _table(compared, heads, params.temperature, ctx.rng)
    return Outcome(
        dataset=_dataset(compared, table, heads.tokens),
        metrics=_metrics(table, compared),
        headline=("excess", "beta_model", "f_gamma"),
        pictures=_pictures(compared, table, heads.tokens),
        verdict=_verdict(table, compared, params),
    )


def _simulate(params: Params, ctx: RunContext, heads: Heads, pairs: tuple[tuple[int, int], ...]) -> Compared:
    circuit = GammaCircuit(GammaParams(n_cells=params.n_cells, temperature=params.temperature))
    length = len(heads.tokens)
    scores = np.stack([heads.scores[pair] for pair in pairs])
    counts, f_gamma = [], []
    layers = sorted({layer for layer, _ in pairs})
    for layer in layers:
        here = [i for i, pair in enumerate(pairs) if pair[0] == layer]
        share = 0.9 * len(here) / len(pairs)
        with ctx.progress.stage(
            f"layer {layer}: {len(here) * length} rows in spikes", share=share
        ) as progress:
            selection = circuit.attend(
                scores[here].reshape(-1, length),
                duration_ms=params.duration_ms,
                rng=ctx.rng,
                engine=ctx.engine,
                progress=progress,
            )
        counts.append(selection.counts.reshape(-1, length, length))
        f_gamma.append(selection.f_gamma_Hz.reshape(-1, length))
    return Compared(
        pairs=pairs,
        counts=np.concatenate(counts),
        f_gamma_Hz=np.concatenate(f_gamma),
        target=softmax(scores / params.temperature, axis=-1),
        scores=scores,
    )


def _table(compared: Compared, heads: Heads, temperature: float, rng: np.random.Generator) -> xr.Dataset:
    """One entry a head of everything that is compared, each beside its sampling floor."""
    n_heads, length, _ = compared.counts.shape
    rows = compared.counts.reshape(-1, length)
    scaled = (compared.scores / temperature).reshape(-1, length)
    pooled = fit_softmax(rows, scaled)
    at_model = softmax(pooled.beta * scaled, axis=-1)

    def per_head(values: np.ndarray) -> tuple[str, np.ndarray, dict[str, str]]:
        return ("pair", np.nanmean(values.reshape(n_heads, length), axis=1), {"units": "1"})

    weights, target = compared.weights.reshape(-1, length), compared.target.reshape(-1, length)
    n_spikes = rows.sum(axis=1)
    value = np.repeat(np.stack([heads.value[pair] for pair in compared.pairs]), length, axis=0)
    exact = np.einsum("rk,rkd->rd", target, value)
    sampled = rng.multinomial(n_spikes, target) / np.maximum(n_spikes, 1)[:, None]
    fits = [fit_softmax(c, s) for c, s in zip(compared.counts, compared.scores / temperature, strict=True)]
    table = xr.Dataset(
        {
            "total_variation": per_head(total_variation(weights, target)),
            "floor": per_head(total_variation_floor(target, n_spikes)),
            "total_variation_model_temperature": per_head(total_variation(weights, at_model)),
            "floor_model_temperature": per_head(total_variation_floor(at_model, n_spikes)),
            "cosine": per_head(cosine(np.einsum("rk,rkd->rd", weights, value), exact)),
            "cosine_floor": per_head(cosine(np.einsum("rk,rkd->rd", sampled, value), exact)),
            "top1_agreement": per_head(top1_agreement(weights, target)),
            "top1_floor": per_head(top1_agreement(sampled, target)),
            "entropy": per_head(-np.sum(xlogy(target, target), axis=1)),
            "spikes_per_row": per_head(n_spikes.astype(float)),
            "beta": ("pair", [f.beta for f in fits], {"units": "1", "long_name": "beta x temperature"}),
            "beta_se": ("pair", [max(f.beta_se, f.beta_se_quasi) for f in fits], {"units": "1"}),
            "f_gamma": ("pair", np.nanmean(compared.f_gamma_Hz, axis=1), {"units": "Hz"}),
            "rhythmic": ("pair", np.isfinite(compared.f_gamma_Hz).mean(axis=1), {"units": "1"}),
        },
        {
            "layer": ("pair", [layer for layer, _ in compared.pairs], {"units": "1"}),
            "head": ("pair", [head for _, head in compared.pairs], {"units": "1"}),
        },
        {"beta_model": pooled.beta, "beta_model_se": max(pooled.beta_se, pooled.beta_se_quasi)},
    )
    table["excess"] = table.total_variation / table.floor
    table["excess_model_temperature"] = (
        table.total_variation_model_temperature / table.floor_model_temperature
    )
    for name in ("excess", "excess_model_temperature"):
        table[name].attrs["units"] = "1"
    return table


def _metrics(table: xr.Dataset, compared: Compared) -> dict[str, Metric]:
    n = table.sizes["pair"]

    def over_heads(
        name: str, label: str, *, floor: str | None = None, unit: str = "", note: str = ""
    ) -> Metric:
        values = table[name].values
        error = float(np.nanstd(values, ddof=1) / np.sqrt(n)) if n > 1 else None
        chance = float(table[floor].mean()) if floor else None
        return Metric(
            label=label,
            value=float(np.nanmean(values)),
            standard_error=error,
            floor=chance,
            unit=unit,
            note=note,
        )

    def median(name: str, label: str, note: str) -> Metric:
        values = table[name].values
        error = 1.2533 * float(np.std(values, ddof=1)) / np.sqrt(n) if n > 1 else None
        return Metric(label=label, value=float(np.median(values)), standard_error=error, floor=1.0, note=note)

    return {
        "excess": median(
            "excess_model_temperature",
            "total variation / sampling floor, median head",
            "one fitted temperature for the whole model",
        ),
        "excess_requested": median(
            "excess", "the same at the temperature asked for", "no fitted number at all"
        ),
        "worst_excess": Metric(
            label="the same, worst head", value=float(table.excess_model_temperature.max()), floor=1.0
        ),
        "beta_model": Metric(
            label="beta x temperature, whole model",
            value=table.attrs["beta_model"],
            standard_error=table.attrs["beta_model_se"],
            note="1 is the temperature asked for",
        ),
        "total_variation": over_heads("total_variation", "total variation to softmax", floor="floor"),
        "cosine": over_heads("cosine", "cosine of head outputs", floor="cosine_floor"),
        "top1": over_heads("top1_agreement", "same strongest key", floor="top1_floor"),
        "f_gamma": over_heads("f_gamma", "gamma frequency", unit="Hz"),
        "rhythmic": Metric(
            label="rows with a significant 30-80 Hz peak",
            value=float(np.isfinite(compared.f_gamma_Hz).mean()),
        ),
        "spikes": over_heads("spikes_per_row", "spikes per row"),
        "silent": Metric(label="silent rows", value=float((compared.counts.sum(axis=-1) == 0).sum())),
    }


def _dataset(compared: Compared, table: xr.Dataset, tokens: tuple[str, ...]) -> xr.Dataset:
    data = table.assign(
        counts=(("pair", "query", "key"), compared.counts, {"units": "1", "long_name": "spikes"}),
        target=(("pair", "query", "key"), compared.target, {"units": "1", "long_name": "softmax weights"}),
        f_gamma_row=(("pair", "query"), compared.f_gamma_Hz, {"units": "Hz"}),
    )
    return data.assign_coords(query=list(tokens), key=list(tokens))


def _pictures(compared: Compared, table: xr.Dataset, tokens: tuple[str, ...]) -> dict[str, Picture]:
    return {
        "maps": Picture(
            draw=lambda: _draw_maps(table),
            caption="Every head of the model. Top: the fitted beta x temperature, 1 where the circuit is "
            "the softmax asked for. Middle: total variation over its sampling floor, 1 where only the number "
            "of spikes limits it. Bottom: frequency of the significant gamma peak, mean over rows.",
        ),
        "patterns": Picture(
            draw=lambda: _draw_patterns(compared, table, tokens),
            caption="Attention of the sharpest, the median and the most diffuse head: the model's softmax "
            "above, the share of spikes below. Queries downwards, keys across, every third token named; "
            "colour is the square root of the weight.",
        ),
        "excess": Picture(
            draw=lambda: _draw_excess(table),
            caption="Left: distance of each head's spike shares to the softmax against the distance that a "
            "multinomial of as many spikes has on average. Right: the same ratio against the entropy of the "
            "head's attention.",
        ),
    }


def _draw_maps(table: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 7.6))
    axes = figure.subplots(3, 1)
    f = float(table.f_gamma.mean())
    draw_map(axes[0], table, "beta", "beta x temperature", spread=0.15, centre=1.0)
    draw_map(axes[1], table, "excess", "total variation / sampling floor", spread=0.5, centre=1.0)
    image = draw_map(axes[2], table, "f_gamma", "gamma frequency (Hz)", spread=6.0, centre=f)
    image.set_cmap("PuOr_r")
    for ax, im in zip(axes, (ax.images[0] for ax in axes), strict=True):
        figure.colorbar(im, ax=ax, pad=0.01, fraction=0.03)
    return figure


def _draw_patterns(compared: Compared, table: xr.Dataset, tokens: tuple[str, ...]) -> Figure:
    by_entropy = np.argsort(table.entropy.values)
    chosen = list(dict.fromkeys(by_entropy[[0, len(by_entropy) // 2, -1]].tolist()))
    figure = Figure(figsize=(WIDTH_in, 5.2))
    axes = figure.subplots(2, len(chosen), squeeze=False)
    for column, pair in enumerate(chosen):
        layer, head = compared.pairs[pair]
        first = column == 0
        above = f"layer {layer}, head {head}: softmax"
        draw_pattern(axes[0, column], compared.target[pair], tokens, above, name_x=False, name_y=first)
        below = f"spikes, {float(table.spikes_per_row[pair]):.0f} a row"
        weights = np.nan_to_num(compared.weights[pair])
        image = draw_pattern(axes[1, column], weights, tokens, below, name_x=True, name_y=first)
    bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.025)
    bar.set_ticks([0, 0.05**0.5, 0.2**0.5, 0.5**0.5, 1], labels=["0", ".05", ".2", ".5", "1"])
    bar.set_label("attention weight")
    return figure


def _draw_excess(table: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.3))
    left, right = figure.subplots(1, 2)
    draw_excess(left, table)
    draw_excess_by_entropy(right, table)
    return figure


def _verdict(table: xr.Dataset, compared: Compared, params: Params) -> str:
    excess, asked = float(table.excess_model_temperature.median()), float(table.excess.median())
    silent = int((compared.counts.sum(axis=-1) == 0).sum())
    rhythmic = np.isfinite(compared.f_gamma_Hz).mean()
    close = (
        "no further from its softmax than its number of spikes explains"
        if excess <= 1.1
        else (f"{excess:.2f} times as far from its softmax as its number of spikes explains")
    )
    worst = int(table.excess_model_temperature.values.argmax())
    layer, head = compared.pairs[worst]
    return (
        f"With {float(table.spikes_per_row.mean()):.0f} spikes a row in {params.duration_ms:.0f} ms, the "
        f"median head is {close} (ratio {excess:.2f} after one temperature for the whole model, {asked:.2f} "
        f"at the temperature asked for). The worst is head {head} of layer {layer}, at "
        f"{float(table.excess_model_temperature[worst]):.2f}. {rhythmic:.0%} of rows carry a significant "
        f"gamma rhythm, at {float(table.f_gamma.mean()):.1f} Hz on average; {silent} rows stayed silent. "
        f"Total variation falls with the square root of the spikes, so half the distance costs four times "
        f"the time."
    )
