"""Scenario compare-file: a user's own scores, or queries, keys and values, through the gamma circuit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bridge import Comparison, compare, compare_scores
from scenarios.compare_file.figures import figures
from scenarios.workbench.errors import UsageError
from scenarios.workbench.inputs import load_mask, load_qkv, load_scores
from scenarios.workbench.outcome import Metric, Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.sentences import beyond_sampling, say
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate, clear, mean
from scenarios.workbench.tables import columns
from spiking import GammaCircuit, GammaParams

__all__ = ["QUESTION", "Params", "run"]

QUESTION = "How close does the gamma circuit come to softmax attention on these very numbers?"
LABELS = {
    "kl_nats": ("KL(spike share || softmax)", "nats"),
    "js_nats": ("Jensen-Shannon divergence", "nats"),
    "total_variation": ("total variation", ""),
    "top1_agreement": ("same strongest key", ""),
    "rank_correlation": ("rank correlation of weights", ""),
    "cosine": ("cosine of outputs", ""),
}


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
    in_short, verdict = _words(compared)
    return Outcome(
        dataset=_dataset(compared),
        metrics=metrics,
        headline=("excess", "beta", "cosine" if "cosine" in metrics else "f_gamma"),
        pictures=figures(compared),
        verdict=verdict,
        in_short=in_short,
        spikes={"exc": compared.selection.spikes},
    )


def _compare(params: Params, ctx: RunContext) -> Comparison:
    circuit = GammaCircuit(GammaParams(n_cells=params.n_cells, temperature=params.temperature))
    if params.qkv is not None:
        vectors = load_qkv(params.qkv)
        with simulation(ctx, f"{len(vectors.query)} rows in spikes") as options:
            inputs = vectors.query, vectors.key, vectors.value
            return compare(*inputs, circuit, duration_ms=params.duration_ms, **options)
    assert params.scores is not None
    scores = load_scores(params.scores)
    mask = None if params.mask is None else load_mask(params.mask, scores.shape)
    with simulation(ctx, f"{len(scores)} rows in spikes") as options:
        return compare_scores(scores, circuit, mask=mask, duration_ms=params.duration_ms, **options)


def _metrics(compared: Comparison) -> dict[str, Metric]:
    selection, fitted = compared.selection, compared.fitted
    metrics = {
        "beta": Metric(
            label="beta x temperature",
            value=fitted.beta,
            standard_error=fitted.beta_se_quasi,
            note=f"1 is the temperature asked for; dispersion {fitted.dispersion:.2f}",
        ),
        "f_gamma": Metric(
            label="gamma frequency",
            value=mean(selection.f_gamma_Hz).value,
            unit="Hz",
            note="significant rows",
        ),
        "rhythmic": Metric(
            label="rows with a significant 30-80 Hz peak",
            value=float(np.isfinite(selection.f_gamma_Hz).mean()),
        ),
        "spikes": Metric(label="spikes per row", value=float(selection.counts.sum(axis=1).mean())),
        "silent": Metric(label="silent rows", value=float(compared.n_silent)),
    }
    for row in compared.table():
        label, unit = LABELS[row.metric]
        note = f"ratio of distances {row.ratio:.2f} ± {row.ratio_se:.2f}"
        if np.isfinite(row.bias):
            note += f"; left with infinite spikes: {row.bias_low:.2g} to {row.bias_high:.2g} (95 %)"
        metrics[row.metric] = Metric(
            label=label, value=row.spiking, standard_error=row.se, floor=row.floor, unit=unit, note=note
        )
    tv = compared["total_variation"].summary()
    label = "total variation / sampling floor"
    return metrics | {"excess": Metric(label=label, value=tv.ratio, standard_error=tv.ratio_se, floor=1.0)}


def _dataset(compared: Comparison) -> xr.Dataset:
    selection = compared.selection
    each = {m.name: m.spiking for m in compared.metrics}
    floors = {f"{m.name}_floor": m.floor for m in compared.metrics}
    counted = {"counts": selection.counts, "weights": selection.weights, "softmax": compared.weights}
    return xr.Dataset(
        {
            **columns(("row", "position"), **counted),
            "mask": (("row", "position"), selection.mask),
            **columns("row", "Hz", f_gamma=selection.f_gamma_Hz),
            **columns("row", **each, **floors),
        }
    )


def _words(compared: Comparison) -> tuple[tuple[str, ...], str]:
    """In short, and a paragraph."""
    tv, n_rows = compared["total_variation"].summary(), len(compared.weights)
    spikes = float(compared.selection.counts.sum(axis=1).mean())
    sign = clear({"excess": Estimate(value=tv.ratio - 1, error=tv.ratio_se)})["excess"]
    close = (
        f"The spikes are {say(Estimate(value=tv.ratio, error=tv.ratio_se))} times as far from the softmax as "
        "so many exact samples would be"
        if sign > 0
        else "The spikes are as near to the softmax as so many exact samples would be"
    )
    answer = f"{close}: total variation {tv.spiking:.3f} at {spikes:.0f} spikes a row, floor {tv.floor:.3f}."
    limit, rest = beyond_sampling(sign), ""
    if np.isfinite(tv.bias_high):
        rest = f"With infinitely many spikes up to {max(tv.bias_high, 0):.3f} would remain (95 %)."
    rhythm = (
        f"{np.isfinite(compared.selection.f_gamma_Hz).mean():.0%} of rows carry a significant gamma rhythm; "
        f"{compared.n_silent} of {n_rows} rows stayed silent."
    )
    return (answer, limit, rhythm), " ".join(filter(None, (answer, limit, rest, rhythm)))
