"""What is measured of each circuit of which-law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bridge import FitReport, fit, fit_softmax
from bridge.comparison.versus_softmax import compare_selection
from scenarios.which_law.circuits import Kind, with_gain
from scenarios.which_law.theory import COUNT, RateCurve, rate_curve
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import UNKNOWN, Estimate, mean
from scenarios.workbench.tables import column, columns, estimate_column
from spiking import Selection

if TYPE_CHECKING:
    from scenarios.which_law import Params

__all__ = ["Measured", "Study", "in_data", "in_numbers", "measure", "samples"]

BINS = np.arange(0.0, 7.01, 0.5)  # of the score below the row's best
WITHIN = 0.2  # part by which spikes may differ from the softmax's for it to hold
LEAST = 50.0  # expected spikes of a bin that says anything
DRAWS = 50  # multinomial samples of each row that make the floor


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One circuit, its scores scaled so that the softmax of its spikes has temperature 1."""

    kind: Kind
    native: Estimate  # beta at gain 1
    static: float  # the same as the rate of a cell predicts; nan where there is no cell
    curve: RateCurve | None
    offset: float  # that the loop subtracts from the input, mean over rows
    fitted: FitReport
    left: Estimate  # total variation to softmax that infinitely many spikes would leave
    ratio: np.ndarray  # (n_bins,) spikes over the softmax's, by score below the best
    ratio_error: np.ndarray  # (n_bins,) nan where too few are expected
    holds: float  # scores below the best up to which that ratio stays near 1
    f_gamma_Hz: np.ndarray  # (n_rows,) nan without a significant peak
    spikes: float  # of a row

    @property
    def behind(self) -> Estimate:
        """Nats per 1000 spikes by which the softmax predicts held-out spikes worse than the best law."""
        softmax = self.fitted["softmax"]
        return Estimate(value=1e3 * softmax.behind, error=1e3 * softmax.behind_se)

    @property
    def rhythmic(self) -> float:
        """Rows with a significant gamma peak."""
        return float(np.isfinite(self.f_gamma_Hz).mean())

    @property
    def theory(self) -> float:
        """Predicted over measured beta."""
        return self.static / self.native.value


@dataclass(frozen=True, kw_only=True)
class Study:
    """All circuits, and samples of a softmax in place of one."""

    params: Params
    measured: Mapping[str, Measured]
    samples: Measured
    uniform: float  # total variation of uniform weights to the softmax

    def group(self, *, exponential: bool) -> dict[str, Measured]:
        """Circuits whose cells are exponential, or the others."""
        return {name: m for name, m in self.measured.items() if m.kind.exponential == exponential}


def measure(kind: Kind, params: Params, ctx: RunContext) -> Measured:
    """Fit the scale of scores, then the laws, then what its cells' rate predicts."""
    scores = ctx.rng.normal(0, params.spread, (params.n_rows, params.n_keys))
    first = scores[: max(8, params.n_rows // 2)]
    gain, native = 1.0, UNKNOWN
    totals_Hz = np.empty(0)
    for attempt in range(2):
        with simulation(ctx, f"{kind.label}, scale", share=0.15) as options:
            tried = with_gain(kind.circuit, gain).attend(
                first, duration_ms=params.duration_ms, record="counts", **options
            )
        found = fit_softmax(tried.counts, first)
        if attempt == 0:
            native = Estimate(value=found.beta, error=found.beta_se_quasi)
            totals_Hz = tried.counts.sum(axis=1) / params.duration_ms * 1e3
        gain = float(np.clip(gain / found.beta, 0.02, 50.0))
    with simulation(ctx, kind.label, share=0.4) as options:
        selection = with_gain(kind.circuit, gain).attend(
            scores, duration_ms=params.duration_ms, record="all", **options
        )
    with ctx.progress.stage(f"{kind.label}, rate of a key", share=0.15):
        curve = rate_curve(
            kind.circuit, n_repeats=params.repeats, duration_ms=params.duration_ms / 2, rng=ctx.rng,
            engine=ctx.engine,
        )  # fmt: skip
    shares, offset = curve.shares(
        first - first.max(axis=1, keepdims=True), np.maximum(totals_Hz, 1.0), kind.drive
    )
    static = fit_softmax(np.round(shares * COUNT), first).beta
    with ctx.progress.stage(f"{kind.label}, laws", share=0.15):
        return _fitted(
            kind, selection, scores, ctx.rng, native=native, static=static, curve=curve,
            offset=float(offset.mean()),
        )  # fmt: skip


def samples(like: Measured, params: Params, ctx: RunContext) -> Measured:
    """As many independent samples of a softmax as another circuit has spikes, put through the same fits."""
    scores = ctx.rng.normal(0, params.spread, (params.n_rows, params.n_keys))
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    counts = ctx.rng.multinomial(round(like.spikes), weights)
    ratio, ratio_error, holds = _against_softmax(counts, scores)
    return Measured(
        kind=Kind(label="samples of a softmax", circuit=like.kind.circuit, exponential=True),
        native=UNKNOWN, static=np.nan, curve=None, offset=np.nan, fitted=fit(counts, scores), left=UNKNOWN,
        ratio=ratio, ratio_error=ratio_error, holds=holds, f_gamma_Hz=np.empty(0), spikes=like.spikes,
    )  # fmt: skip


def _fitted(
    kind: Kind,
    selection: Selection,
    scores: np.ndarray,
    rng: np.random.Generator,
    *,
    native: Estimate,
    static: float,
    curve: RateCurve,
    offset: float,
) -> Measured:
    """Laws, and the distance to the nearest softmax, of one selection."""
    beta = float(np.clip(fit_softmax(selection.counts, scores).beta, 0.02, 50.0))
    compared = compare_selection(selection, scores, temperature=1 / beta, rng=rng, n_draws=DRAWS)
    bias = compared["total_variation"].bias
    ratio, ratio_error, holds = _against_softmax(selection.counts, beta * scores)
    return Measured(
        kind=kind,
        native=native,
        static=static,
        curve=curve,
        offset=offset,
        fitted=fit(selection.counts, scores),
        left=Estimate(value=bias.value, error=bias.se),
        ratio=ratio,
        ratio_error=ratio_error,
        holds=holds,
        f_gamma_Hz=selection.f_gamma_Hz,
        spikes=float(selection.n_spikes.mean()),
    )


def _against_softmax(counts: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Spikes over those of softmax(scores) by score below the row's best, their errors, and where it holds.

    The errors are of sampling, enlarged by the spread of the rows' residuals in each bin.
    """
    below = scores.max(axis=1, keepdims=True) - scores
    weights = np.exp(-below) / np.exp(-below).sum(axis=1, keepdims=True)
    expected = weights * counts.sum(axis=1, keepdims=True)
    bins = np.digitize(below, BINS) - 1
    ratio, error = np.full((2, len(BINS) - 1), np.nan)
    for number in range(len(BINS) - 1):
        here = bins == number
        total = expected[here].sum()
        if total >= LEAST:
            ratio[number] = counts[here].sum() / total
            spread = ((counts[here] - ratio[number] * expected[here]) ** 2).sum()
            error[number] = np.sqrt(spread) / total
    off = np.abs(ratio - 1) > WITHIN + 2 * error
    known = np.isfinite(ratio)
    last = BINS[1:][known][-1] if known.any() else 0.0
    return ratio, error, float(BINS[:-1][off][0]) if off.any() else float(last)


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines = Lines()
    others = study.group(exponential=False)
    lines.add("left_worst", "total variation that infinitely many spikes leave, worst circuit",
              _worst(study.measured).left, control=study.uniform, note="control: uniform weights")  # fmt: skip
    lines.add("theory", "beta that the cells' rate predicts / measured, mean over circuits", _theory(study))
    lines.add("holds_least", "score below the best up to which softmax holds, cells without an exponential",
              min((m.holds for m in others.values()), default=np.nan))  # fmt: skip
    for name, m in study.measured.items():
        label, softmax = m.kind.label, study.samples.behind
        lines.add(f"behind_{name}", f"{label}: softmax behind the best law, {m.fitted.best.law.name}",
                  m.behind, unit="nat per 1000 spikes", floor=softmax.value,
                  note="floor: samples of a softmax")  # fmt: skip
        lines.add(f"left_{name}", "– total variation that infinitely many spikes leave", m.left,
                  control=study.uniform)  # fmt: skip
        lines.add(f"beta_{name}", "– beta at gain 1", m.native, control=m.static,
                  note="control: as the cells' rate predicts")  # fmt: skip
        lines.add(f"holds_{name}", "– score below the best up to which softmax holds", m.holds)
        lines.add(
            f"dispersion_{name}", "– dispersion at the softmax", m.fitted["softmax"].dispersion, floor=1.0
        )
        lines.add(f"rhythm_{name}", "– rows with a gamma rhythm", m.rhythmic)
        lines.add(f"f_gamma_{name}", "– its frequency", mean(m.f_gamma_Hz), unit="Hz")
    return lines.metrics


def _worst(measured: Mapping[str, Measured]) -> Measured:
    return max(measured.values(), key=lambda m: m.left.value)


def _theory(study: Study) -> Estimate:
    return mean(np.array([m.theory for m in study.measured.values()]))


def in_data(study: Study) -> xr.Dataset:
    """Ratios by score, rate curves, and every law's held-out likelihood."""
    measured = list(study.measured.values())
    laws = [law.law.name for law in measured[0].fitted.laws]
    behind = [[1e3 * m.fitted[law].behind for law in laws] for m in measured]
    curves = [m.curve.rate_Hz for m in measured if m.curve is not None]
    assert measured[0].curve is not None
    return xr.Dataset(
        {
            **columns(("circuit", "below"), ratio=[m.ratio for m in measured]),
            **columns(("circuit", "below"), ratio_se=[m.ratio_error for m in measured]),
            **columns(("circuit", "law"), "nat per 1000 spikes", behind=behind),
            **columns(("circuit", "input"), "Hz", rate=curves),
            **estimate_column("left", "circuit", [m.left for m in measured], "total variation left"),
            **estimate_column("beta", "circuit", [m.native for m in measured], "beta at gain 1"),
            **columns("circuit", beta_static=[m.static for m in measured]),
            **columns("circuit", holds=[m.holds for m in measured]),
            **columns("circuit", spikes=[m.spikes for m in measured]),
        },
        {
            "circuit": list(study.measured),
            "law": laws,
            "below": column("below", (BINS[1:] + BINS[:-1]) / 2, "score below the best"),
            "input": column("input", measured[0].curve.x, "input less the drive, in scores"),
        },
    )
