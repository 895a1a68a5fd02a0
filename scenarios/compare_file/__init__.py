"""Scenario compare-file: a user's own scores, or queries, keys and values, through the gamma circuit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from bridge import Comparison
from bridge.comparison.versus_softmax import compare_selection
from scenarios.compare_file.figures import figures
from scenarios.workbench.errors import UsageError
from scenarios.workbench.inputs import load_mask, load_qkv, load_scores
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Outcome, RunContext, Words
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.sentences import beyond_sampling, on_rhythm, words
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
    temperature: float = param(1.0, "softmax temperature wanted", at_least=1e-6, at_most=1e6)
    duration_ms: float = param(1000.0, "simulated time for every row", at_least=34)
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
    return Outcome(
        dataset=_dataset(compared),
        metrics=metrics,
        headline=("excess", "beta", "cosine" if "cosine" in metrics else "f_gamma"),
        pictures=figures(compared),
        spikes={"exc": compared.selection.spikes},
        **_words(compared),
    )


def _compare(params: Params, ctx: RunContext) -> Comparison:
    """Every row in spikes, those of I cells kept for the raster, against its softmax."""
    circuit = GammaCircuit(GammaParams(n_cells=params.n_cells, temperature=params.temperature))
    mask = value = None
    if params.qkv is not None:
        given = load_qkv(params.qkv)
        scores, value = given.query @ given.key.T / np.sqrt(given.query.shape[1]), given.value
    else:
        assert params.scores is not None
        scores = load_scores(params.scores)
        mask = None if params.mask is None else load_mask(params.mask, scores.shape)
    simulated, floors = ctx.rng.spawn(2)
    with simulation(replace(ctx, rng=simulated), f"{len(scores)} rows in spikes") as options:
        duration_ms = params.duration_ms
        selection = circuit.attend(scores, mask=mask, duration_ms=duration_ms, record="all", **options)
    return compare_selection(selection, scores, temperature=params.temperature, rng=floors, value=value)


def _metrics(compared: Comparison) -> dict[str, Metric]:
    lines, selection, fitted = Lines(), compared.selection, compared.fitted
    beta = Estimate(value=fitted.beta, error=fitted.beta_se_quasi)
    note = f"1 is the temperature asked for; dispersion {fitted.dispersion:.2f}"
    lines.add("beta", "beta x temperature", beta, note=note)
    f_Hz, rhythmic = mean(selection.f_gamma_Hz).value, np.isfinite(selection.f_gamma_Hz)
    lines.add("f_gamma", "gamma frequency", f_Hz, unit="Hz", note="significant rows")
    lines.add("rhythmic", "rows with a significant 30-80 Hz peak", rhythmic.mean())
    lines.add("spikes", "spikes per row", selection.counts.sum(axis=1).mean())
    lines.add("silent", "silent rows", compared.n_silent)
    for row in compared.table():
        label, unit = LABELS[row.metric]
        note = f"ratio of distances {row.ratio:.2f} ± {row.ratio_se:.2f}"
        if np.isfinite(row.bias):
            note += f"; left with infinite spikes: {row.bias_low:.2g} to {row.bias_high:.2g} (95 %)"
        spiking = Estimate(value=row.spiking, error=row.se)
        lines.add(row.metric, label, spiking, floor=row.floor, unit=unit, note=note)
    lines.add("excess", "total variation / sampling floor", _excess(compared), floor=1)
    return lines.metrics


def _excess(compared: Comparison) -> Estimate:
    tv = compared["total_variation"].summary()
    return Estimate(value=tv.ratio, error=tv.ratio_se)


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


def _words(compared: Comparison) -> Words:
    """In short, and a paragraph."""
    tv, excess, selection = compared["total_variation"].summary(), _excess(compared), compared.selection
    spikes = float(selection.counts.sum(axis=1).mean())
    sign = clear({"excess": Estimate(value=excess.value - 1, error=excess.error)})["excess"]
    close = f"{excess} times as far from the softmax" if sign > 0 else "as near to the softmax"
    answer = (
        f"The spikes are {close} as so many exact samples would be: total variation {tv.spiking:.3f} at "
        f"{spikes:.0f} spikes a row, floor {tv.floor:.3f}."
    )
    limit, rest = beyond_sampling(sign), ""
    if np.isfinite(tv.bias_high):
        rest = f"With infinitely many spikes up to {max(tv.bias_high, 0):.3f} would remain (95 %)."
    rhythm = on_rhythm(np.isfinite(selection.f_gamma_Hz), selection.silent)
    return words(answer, limit, rest, rhythm, _absent(selection.mask), short=(answer, limit, rhythm))


def _absent(mask: np.ndarray) -> str:
    """How many keys take no part, by mask or by a fill value in place of a score."""
    n_absent = int((~mask).sum())
    return f"{n_absent} of {mask.size} keys are masked or have a fill value for a score." if n_absent else ""
