"""What gamma-selects found: three circuits and the shift with tau_GABA, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from bridge.comparison.metrics import top1_agreement
from scenarios.workbench.competition import Competition
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, fraction, mean, metric, standard_errors_apart

__all__ = [
    "LABELS",
    "READOUT_LABELS",
    "Findings",
    "findings_dataset",
    "findings_metrics",
    "findings_verdict",
]

LABELS = {"loop": "with the loop", "cut": "E to I cut", "matched": "rate-matched control"}
READOUT_LABELS = {
    "spike_share": "spike share",
    "first_spike": "first spike of each cycle",
    "phase_locked_share": "spikes near the field's peak",
}
FALSE_ALARM = 0.01  # the level at which `spiking.measures.rhythm.gamma_peak` tests a row
ENOUGH_ROWS = 0.95  # a rhythm is claimed when at least these rows have a significant peak


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything that was simulated."""

    circuits: dict[str, Competition]  # loop, cut, matched
    mismatch: float  # of the control's rate, relative
    tau_gaba_ms: tuple[float, ...]
    f_gamma_Hz: np.ndarray  # (n_tau, n_rows) at each decay of inhibition; nan without a significant peak
    slope_Hz_per_ms: Estimate
    intercept_Hz: float


def findings_metrics(found: Findings, rng: np.random.Generator) -> dict[str, Metric]:
    """Every number of the report."""
    return _rhythm_metrics(found) | _selection_metrics(found, rng) | _spike_metrics(found)


def _rhythm_metrics(found: Findings) -> dict[str, Metric]:
    loop, cut, matched = (found.circuits[name] for name in LABELS)
    return {
        "rhythmic": metric(
            "rows with a significant 30-80 Hz peak",
            fraction(loop.rhythmic),
            control=fraction(cut.rhythmic).value,
            note="control: E to I cut, same drive",
        ),
        "rhythmic_matched": metric(
            "the same, rate-matched control",
            fraction(matched.rhythmic),
            floor=FALSE_ALARM,
            note="floor: false alarms of the test",
        ),
        "f_gamma": metric("gamma peak", mean(loop.selection.f_gamma_Hz), unit="Hz"),
        "tau_slope": metric("shift of the peak with tau_GABA", found.slope_Hz_per_ms, unit="Hz/ms"),
        "ppc": metric(
            "PPC of spikes and field",
            mean(loop.ppc()),
            control=mean(matched.ppc()).value,
            note="control: rate-matched; above 0 because its field is made by the same spikes",
        ),
        "ppc_cut": metric("the same, E to I cut", mean(cut.ppc())),
    }


def _selection_metrics(found: Findings, rng: np.random.Generator) -> dict[str, Metric]:
    loop, cut, matched = (found.circuits[name] for name in LABELS)
    off = matched.distance()
    metrics = {
        "top1": metric(
            "strongest stimulus gets most spikes",
            fraction(_agreement(loop, loop.selection.weights)),
            floor=fraction(_agreement(loop, _drawn(loop, rng))).value,
            control=fraction(_agreement(matched, matched.selection.weights)).value,
            note="floor: softmax samples, as many as spikes; control: rate-matched",
        )
    }
    for name, text in READOUT_LABELS.items():
        distance = loop.distance(name)
        metrics[f"tv_{name}"] = metric(
            f"total variation to softmax, {text}",
            mean(distance.total_variation),
            floor=mean(distance.floor).value,
            control=mean(off.total_variation).value if name == "spike_share" else None,
            note="control: rate-matched" if name == "spike_share" else "",
        )
    return metrics | {
        "excess": metric(
            "total variation / floor, spike share",
            mean(loop.distance().ratio),
            floor=1.0,
            control=mean(off.ratio).value,
            note="control: rate-matched",
        ),
        "tv_cut": metric(
            "total variation to softmax, E to I cut",
            mean(cut.distance().total_variation),
            floor=mean(cut.distance().floor).value,
        ),
    }


def _spike_metrics(found: Findings) -> dict[str, Metric]:
    loop, cut, matched = (found.circuits[name] for name in LABELS)
    return {
        "spikes_per_cycle": metric(
            "spikes per row and cycle", mean(loop.rate_Hz / loop.selection.f_gamma_Hz)
        ),
        "rate": metric(
            "spikes per row and second",
            mean(loop.rate_Hz),
            control=mean(matched.rate_Hz).value,
            unit="1/s",
            note="control: rate-matched",
        ),
        "rate_cut": metric("the same, E to I cut", mean(cut.rate_Hz), unit="1/s"),
        "silent": Metric(
            label="silent rows",
            value=float(loop.selection.silent.sum()),
            control=float(matched.selection.silent.sum()),
        ),
    }


def _agreement(competition: Competition, weights: np.ndarray) -> np.ndarray:
    """Whether the strongest stimulus has the largest weight, in rows that spiked; (n_heard,) bool."""
    heard = ~competition.selection.silent
    return np.asarray(top1_agreement(weights[heard], competition.target[heard])) > 0.5


def _drawn(competition: Competition, rng: np.random.Generator) -> np.ndarray:
    """Shares of as many softmax samples as there were spikes, (n_rows, n_keys)."""
    n = np.maximum(competition.totals, 1)
    return rng.multinomial(n, competition.target) / n[:, None]


def findings_dataset(found: Findings) -> xr.Dataset:
    """Counts, drives, peaks and spectra, labelled; each circuit's rows are an own dimension."""
    data: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]] = {}
    coordinates: dict[str, tuple[str, np.ndarray, dict[str, str]]] = {
        "tau_gaba": ("tau_gaba", np.array(found.tau_gaba_ms), {"units": "ms"})
    }
    for name, competition in found.circuits.items():
        row, selection = f"row_{name}", competition.selection
        frequency_Hz, power = competition.relative_spectrum()
        coordinates[f"frequency_{name}"] = (f"frequency_{name}", frequency_Hz, {"units": "Hz"})
        data |= {
            f"drive_{name}": ((row, "key"), competition.scores, {"units": "1", "long_name": "scores"}),
            f"counts_{name}": ((row, "key"), selection.counts, {"units": "1", "long_name": "spikes"}),
            f"f_gamma_{name}": ((row,), selection.f_gamma_Hz, {"units": "Hz"}),
            f"ppc_{name}": ((row,), competition.ppc(), {"units": "1"}),
            f"relative_power_{name}": ((row, f"frequency_{name}"), power, {"units": "1"}),
        }
    data["f_gamma_tau"] = (("tau_gaba", "row_tau"), found.f_gamma_Hz, {"units": "Hz"})
    durations = {f"duration_{name}_ms": c.selection.duration_ms for name, c in found.circuits.items()}
    return xr.Dataset(data, coordinates, {**durations, "rate_mismatch": found.mismatch})


def findings_verdict(found: Findings) -> str:
    """The answer, from the numbers alone."""
    return " ".join((_on_rhythm(found), _on_selection(found), _on_tau(found)))


def _on_rhythm(found: Findings) -> str:
    loop, cut, matched = (found.circuits[name] for name in LABELS)
    counts = (
        f"{loop.rhythmic.sum()} of {loop.n_rows} rows carry a significant gamma peak; "
        f"{cut.rhythmic.sum()} of {cut.n_rows} once E to I is cut, "
        f"{matched.rhythmic.sum()} of {matched.n_rows} in the rate-matched control"
    )
    if loop.rhythmic.mean() < ENOUGH_ROWS:
        return f"This circuit has no reliable gamma rhythm: {counts}."
    f = mean(loop.selection.f_gamma_Hz)
    if _more_than_chance(cut.rhythmic) or _more_than_chance(matched.rhythmic):
        return f"The rhythm ({f.value:.1f} Hz) does not depend on the loop alone: {counts}."
    return f"The loop makes a gamma rhythm of {f.value:.1f} ± {f.error:.1f} Hz: {counts}."


def _more_than_chance(rhythmic: np.ndarray) -> bool:
    """Whether more rows show a peak than the test's false alarms explain."""
    alarms = stats.binomtest(int(rhythmic.sum()), len(rhythmic), FALSE_ALARM, alternative="greater")
    return bool(alarms.pvalue < 0.01)


def _on_selection(found: Findings) -> str:
    loop, cut, matched = (mean(found.circuits[name].distance().total_variation) for name in LABELS)
    floor = mean(found.circuits["loop"].distance().floor)
    text = (
        f"Its spike shares lie {loop.value:.3f} ± {loop.error:.3f} (total variation) from the softmax of the "
        f"drives, where sampling alone gives {floor.value:.3f}; the rate-matched control's "
        f"{matched.value:.3f} ± {matched.error:.3f}. {_lesson(standard_errors_apart(loop, matched))}"
    )
    if not standard_errors_apart(cut, loop) > 2:
        return text
    rate_cut_Hz = mean(found.circuits["cut"].rate_Hz)
    return text + (
        f" At the same drive without inhibition a row fires {rate_cut_Hz.value:,.0f} spikes/s and the selection "
        f"flattens (total variation {cut.value:.2f}): the loop keeps the cells where their rate is "
        "exponential in the drive."
    )


def _lesson(apart: float) -> str:
    """What a difference between loop and control, in standard errors, says about selection."""
    if abs(apart) < 2:
        return "That is no difference: selection alone needs no oscillation."
    better = "with" if apart < 0 else "without"
    return f"The circuit {better} the rhythm is closer, by {abs(apart):.1f} standard errors."


def _on_tau(found: Findings) -> str:
    slope = found.slope_Hz_per_ms
    if not abs(slope.value) > 2 * slope.error:
        return "The peak does not move measurably with the decay of inhibition."
    verb = "falls" if slope.value < 0 else "rises"
    return f"The peak {verb} by {abs(slope.value):.2f} ± {slope.error:.2f} Hz per millisecond of tau_GABA."
