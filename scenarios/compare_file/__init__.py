"""Scenario compare-file: a user's own scores, or queries, keys and values, through the gamma circuit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from bridge import Comparison, compare, compare_scores
from scenarios.compare_file.plots import draw_rows, draw_weights
from scenarios.workbench.errors import UsageError
from scenarios.workbench.inputs import load_mask, load_qkv, load_scores
from scenarios.workbench.outcome import Metric, Outcome, Picture, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.style import WIDTH_in
from spiking import GammaCircuit, GammaParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = "How close does the gamma circuit come to softmax attention on these very numbers?"


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    scores: str | None = param(None, "scores (rows, keys) in a .npy file")
    mask: str | None = param(None, "with scores: bool of their shape in a .npy file, True takes part")
    qkv: str | None = param(None, "query, key, value (length, dim) in an .npz file")
    temperature: float = param(1.0, "softmax temperature wanted", above=0)
    duration_ms: float = param(1000.0, "simulated time for every row", above=0)
    n_cells: int = param(40, "excitatory cells per key", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.scores is None) == (self.qkv is None):
            got = "both" if self.scores else "neither"
            raise UsageError(f"compare-file needs --scores or --qkv, got {got}; give one file")
        if self.mask is not None and self.scores is None:
            raise UsageError("mask goes with --scores, got --qkv; leave it out")


def run(params: Params, ctx: RunContext) -> Outcome:
    """Read the file, run every row through the circuit, compare."""
    compared = _compare(params, ctx)
    metrics = _metrics(compared)
    last = "cosine" if "cosine" in metrics else "f_gamma"
    return Outcome(
        dataset=_dataset(compared),
        metrics=metrics,
        headline=("excess", "beta", last),
        pictures=_pictures(compared),
        verdict=_verdict(compared),
    )


def _compare(params: Params, ctx: RunContext) -> Comparison:
    circuit = GammaCircuit(GammaParams(n_cells=params.n_cells, temperature=params.temperature))
    options: dict[str, Any] = {"duration_ms": params.duration_ms, "rng": ctx.rng, "engine": ctx.engine}
    if params.qkv is not None:
        vectors = load_qkv(params.qkv)
        with ctx.progress.stage(f"{len(vectors.query)} rows in spikes") as progress:
            return compare(vectors.query, vectors.key, vectors.value, circuit, progress=progress, **options)
    assert params.scores is not None
    scores = load_scores(params.scores)
    mask = None if params.mask is None else load_mask(params.mask, scores.shape)
    with ctx.progress.stage(f"{len(scores)} rows in spikes") as progress:
        return compare_scores(scores, circuit, mask=mask, progress=progress, **options)


_LABELS = {
    "kl_nats": ("KL(spike share || softmax)", "nats"),
    "js_nats": ("Jensen-Shannon divergence", "nats"),
    "total_variation": ("total variation", ""),
    "top1_agreement": ("same strongest key", ""),
    "rank_correlation": ("rank correlation of weights", ""),
    "cosine": ("cosine of outputs", ""),
}


def _metrics(compared: Comparison) -> dict[str, Metric]:
    metrics = {
        "beta": Metric(
            label="beta x temperature",
            value=compared.fitted.beta,
            standard_error=compared.fitted.beta_se_quasi,
            note=f"1 is the temperature asked for; dispersion {compared.fitted.dispersion:.2f}",
        ),
        "f_gamma": Metric(
            label="gamma frequency",
            value=_mean(compared.selection.f_gamma_Hz),
            unit="Hz",
            note="significant rows",
        ),
        "rhythmic": Metric(
            label="rows with a significant 30-80 Hz peak",
            value=float(np.isfinite(compared.selection.f_gamma_Hz).mean()),
        ),
        "spikes": Metric(label="spikes per row", value=float(compared.selection.counts.sum(axis=1).mean())),
        "silent": Metric(label="silent rows", value=float(compared.n_silent)),
    }
    for row in compared.table():
        label, unit = _LABELS[row.metric]
        note = f"ratio of distances {row.ratio:.2f} ± {row.ratio_se:.2f}"
        if np.isfinite(row.bias):
            note += f"; left with infinite spikes: {row.bias_low:.2g} to {row.bias_high:.2g} (95 %)"
        metrics[row.metric] = Metric(
            label=label, value=row.spiking, standard_error=row.se, floor=row.floor, unit=unit, note=note
        )
        if row.metric == "total_variation":
            metrics["excess"] = Metric(
                label="total variation / sampling floor",
                value=row.ratio,
                standard_error=row.ratio_se,
                floor=1.0,
            )
    return metrics


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _dataset(compared: Comparison) -> xr.Dataset:
    selection = compared.selection
    return xr.Dataset(
        {
            "counts": (("row", "position"), selection.counts, {"units": "1", "long_name": "spikes per key"}),
            "weights": (("row", "position"), selection.weights, {"units": "1", "long_name": "spike share"}),
            "softmax": (("row", "position"), compared.weights, {"units": "1"}),
            "mask": (("row", "position"), selection.mask),
            "f_gamma": ("row", selection.f_gamma_Hz, {"units": "Hz"}),
            **{m.name: ("row", m.spiking, {"units": "1"}) for m in compared.metrics},
            **{f"{m.name}_floor": ("row", m.floor, {"units": "1"}) for m in compared.metrics},
        }
    )


def _pictures(compared: Comparison) -> dict[str, Picture]:
    return {
        "weights": Picture(
            draw=lambda: _draw_weights(compared),
            caption="Attention weights of the softmax and of the spikes, rows downwards, keys across (the first "
            "64 of each); colour is the square root of the weight.",
        ),
        "rows": Picture(
            draw=lambda: _draw_rows(compared),
            caption="Left: every row's distance to its softmax against what a multinomial of as many spikes has on "
            "average. Right: every weight, spikes against softmax; bars of two standard deviations of sampling.",
        ),
    }


def _draw_weights(compared: Comparison) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.6))
    axes = figure.subplots(1, 2)
    draw_weights(axes[0], compared.weights[:64, :64], "softmax")
    image = draw_weights(axes[1], compared.selection.weights[:64, :64], "spikes")
    bar = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.03, label="attention weight")
    bar.set_ticks([0, 0.05**0.5, 0.2**0.5, 0.5**0.5, 1], labels=["0", ".05", ".2", ".5", "1"])
    return figure


def _draw_rows(compared: Comparison) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.4))
    left, right = figure.subplots(1, 2)
    draw_rows(left, right, compared)
    return figure


def _verdict(compared: Comparison) -> str:
    row = next(row for row in compared.table() if row.metric == "total_variation")
    spikes = float(compared.selection.counts.sum(axis=1).mean())
    rhythmic = float(np.isfinite(compared.selection.f_gamma_Hz).mean())
    if row.ratio <= 1 + 2 * row.ratio_se:
        close = "The spikes are as near to the softmax as so many exact samples would be"
    else:
        close = (
            f"The spikes are {row.ratio:.2f} times as far from the softmax as so many exact samples would be"
        )
    return (
        f"{close}: total variation {row.spiking:.3f} at {spikes:.0f} spikes a row, floor {row.floor:.3f}. "
        f"With infinitely many spikes {row.bias_low:.3f} to {row.bias_high:.3f} would remain (95 %). "
        f"{rhythmic:.0%} of rows carry a significant gamma rhythm; {compared.n_silent} of "
        f"{len(compared.weights)} rows stayed silent."
    )
