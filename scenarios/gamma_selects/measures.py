"""What gamma-selects measures on its circuits, and the sentences that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from bridge.comparison.metrics import top1_agreement
from scenarios.workbench.competition import Competition
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import beyond_sampling, choose, say, words
from scenarios.workbench.statistics import Estimate, clear, difference, fraction, mean
from scenarios.workbench.tables import Variables, columns

__all__ = ["LABELS", "READOUTS", "Study", "in_data", "in_numbers", "in_words", "line", "typical_row"]

LABELS = {"loop": "with the loop", "cut": "E to I cut", "matched": "rate-matched control"}
READOUTS = {
    "spike_share": "spike share",
    "first_spike": "first spike of each cycle",
    "phase_locked_share": "spikes near the field's peak",
}
FALSE_ALARM = 0.01  # the level at which `spiking.measures.rhythm.gamma_peak` tests a row
ENOUGH_ROWS = 0.95  # a rhythm is claimed when at least these rows have a significant peak
MATCHED = "control: rate-matched"
DISTANCE = "total variation to softmax"


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was simulated, and how the peak shifts."""

    circuits: dict[str, Competition]  # loop, cut, matched
    mismatch: float  # of the control's rate, relative
    tau_gaba_ms: tuple[float, ...]
    f_gamma_Hz: np.ndarray  # (n_tau, n_rows) at each decay of inhibition; nan without a significant peak
    slope_Hz_per_ms: Estimate


def line(tau_ms: Sequence[float], f_Hz: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the least-squares line through all rows that have a peak, (n_tau, n_rows)."""
    at = np.broadcast_to(np.array(tau_ms)[:, None], f_Hz.shape)
    known = np.isfinite(f_Hz)
    if len(np.unique(at[known])) < 2:
        return np.nan, np.nan
    fit = stats.linregress(at[known], f_Hz[known])
    return float(fit.slope), float(fit.intercept)


def typical_row(circuits: Mapping[str, Competition]) -> int:
    """The row nearest the mean rate, of those in which both tests say what they say of most rows."""
    loop, cut, matched = circuits.values()
    agrees = [c.rhythmic == (c.rhythmic.mean() > 0.5) for c in (loop, matched)]
    away = np.where(agrees[0] & agrees[1], np.abs(loop.totals - loop.totals.mean()), np.inf)
    return int(np.argmin(away[: cut.n_rows]))


def in_numbers(study: Study, rng: np.random.Generator) -> dict[str, Metric]:
    """Every number of the report."""
    lines = Lines()
    _rhythm(lines, study)
    _selection(lines, study, rng)
    _spikes(lines, study)
    return lines.metrics


def _rhythm(lines: Lines, study: Study) -> None:
    loop, cut, matched = study.circuits.values()
    peak, note = "rows with a significant 30-80 Hz peak", "control: E to I cut, same drive"
    lines.add("rhythmic", peak, fraction(loop.rhythmic), control=fraction(cut.rhythmic), note=note)
    label, note = "the same, rate-matched control", "floor: false alarms of the test"
    lines.add("rhythmic_matched", label, fraction(matched.rhythmic), floor=FALSE_ALARM, note=note)
    lines.add("f_gamma", "gamma peak", loop.selection.f_gamma_Hz, unit="Hz")
    lines.add("tau_slope", "shift of the peak with τ_GABA", study.slope_Hz_per_ms, unit="Hz/ms")
    note = f"{MATCHED}; above 0 because its field is made by the same spikes"
    lines.add("ppc", "PPC of spikes and field", loop.ppc(), control=matched.ppc(), note=note)
    lines.add("ppc_cut", "the same, E to I cut", cut.ppc())


def _selection(lines: Lines, study: Study, rng: np.random.Generator) -> None:
    loop, cut, matched = study.circuits.values()
    n, note = np.maximum(loop.totals, 1), f"floor: softmax samples, as many as spikes; {MATCHED}"
    top1 = _agreement(loop, loop.selection.weights)
    floor = _agreement(loop, rng.multinomial(n, loop.target) / n[:, None])
    control = _agreement(matched, matched.selection.weights)
    lines.add("top1", "strongest stimulus gets most spikes", top1, floor=floor, control=control, note=note)
    ours, off, uncut = loop.distance(), matched.distance(), cut.distance()
    for name, label in READOUTS.items():
        read, shares = loop.distance(name), name == "spike_share"
        lines.add(
            f"tv_{name}",
            f"{DISTANCE}, {label}",
            read.total_variation,
            floor=read.floor,
            control=off.total_variation if shares else None,
            note=MATCHED if shares else "",
        )
    label = "total variation / floor, spike share"
    lines.add("excess", label, ours.ratio, floor=1, control=off.ratio, note=MATCHED)
    lines.add("tv_cut", f"{DISTANCE}, E to I cut", uncut.total_variation, floor=uncut.floor)


def _spikes(lines: Lines, study: Study) -> None:
    loop, cut, matched = study.circuits.values()
    lines.add("spikes_per_cycle", "spikes per row and cycle", loop.rate_Hz / loop.selection.f_gamma_Hz)
    label = "spikes per row and second"
    lines.add("rate", label, loop.rate_Hz, control=matched.rate_Hz, unit="1/s", note=MATCHED)
    lines.add("rate_cut", "the same, E to I cut", cut.rate_Hz, unit="1/s")
    silent = [circuit.selection.silent.sum() for circuit in (loop, matched)]
    lines.add("silent", "silent rows", silent[0], control=silent[1])


def _agreement(competition: Competition, weights: np.ndarray) -> Estimate:
    """How often the strongest stimulus has the largest weight, in rows that spiked."""
    heard = ~competition.selection.silent
    return fraction(np.asarray(top1_agreement(weights[heard], competition.target[heard])) > 0.5)


def in_data(study: Study) -> xr.Dataset:
    """Counts, drives, peaks and spectra; each circuit's rows are a dimension to themselves."""
    data: Variables = columns(("tau_gaba", "row_tau"), "Hz", f_gamma_tau=study.f_gamma_Hz)
    coordinates: Variables = columns("tau_gaba", "ms", tau_gaba=study.tau_gaba_ms)
    for name, of in study.circuits.items():
        row, frequency = f"row_{name}", f"frequency_{name}"
        frequency_Hz, power = of.relative_spectrum()
        coordinates |= columns(frequency, "Hz", **{frequency: frequency_Hz})
        data |= columns(row, "Hz", **{f"f_gamma_{name}": of.selection.f_gamma_Hz})
        data |= columns(row, **{f"ppc_{name}": of.ppc()})
        data |= columns((row, "key"), **{f"drive_{name}": of.scores, f"counts_{name}": of.selection.counts})
        data |= columns((row, frequency), **{f"relative_power_{name}": power})
    durations = {f"duration_{name}_ms": c.selection.duration_ms for name, c in study.circuits.items()}
    return xr.Dataset(data, coordinates, {**durations, "rate_mismatch": study.mismatch})


def in_words(study: Study) -> Words:
    """The answer in three sentences, and in a paragraph; all differences are judged together."""
    loop, cut, matched = study.circuits.values()
    tv = {name: mean(c.distance().total_variation) for name, c in study.circuits.items()}
    distance, slope = loop.distance(), study.slope_Hz_per_ms
    signs = clear(
        {
            "floor": mean(distance.total_variation - distance.floor),
            "rhythm": difference(tv["loop"], tv["matched"]),
            "cut": difference(tv["cut"], tv["loop"]),
            "slope": slope,
        }
    )
    rhythm, limit, flattened = _on_rhythm(loop, cut, matched), beyond_sampling(signs["floor"]), ""
    selection = (
        f"Spike shares lie {tv['loop']} (total variation) from the softmax of the drives, where exact samples "
        f"would lie {mean(distance.floor):.3f}."
    )
    apart = choose(
        signs["rhythm"], "further from softmax than", "not clearly apart from", "closer to softmax than"
    )
    lesson = f"With the loop the selection is {apart} that of the rate-matched control ({tv['matched']})."
    if signs["cut"] > 0:
        flattened = (
            f"At the same drive without inhibition a row fires {mean(cut.rate_Hz):,.0f} spikes/s and the "
            f"selection flattens (total variation {tv['cut']:.2f}): the loop keeps the cells where their "
            "rate is exponential in the drive."
        )
    fall = Estimate(value=-slope.value, error=slope.error)
    moved = choose(
        signs["slope"],
        f"The peak rises by {slope} Hz per millisecond of τ_GABA.",
        "The peak does not move measurably with the decay of inhibition.",
        f"The peak falls by {fall} Hz per millisecond of τ_GABA.",
    )
    return words(rhythm, selection, limit, lesson, flattened, moved, short=(rhythm, selection, lesson))


def _on_rhythm(loop: Competition, cut: Competition, matched: Competition) -> str:
    counts = (
        f"{loop.rhythmic.sum()} of {loop.n_rows} rows carry a significant gamma peak, "
        f"{cut.rhythmic.sum()} of {cut.n_rows} once E to I is cut, "
        f"{matched.rhythmic.sum()} of {matched.n_rows} in the rate-matched control"
    )
    if loop.rhythmic.mean() < ENOUGH_ROWS:
        return f"This circuit has no reliable gamma rhythm: {counts}."
    f_Hz = say(mean(loop.selection.f_gamma_Hz), "Hz")
    if _more_than_chance(cut.rhythmic) or _more_than_chance(matched.rhythmic):
        return f"The rhythm ({f_Hz}) does not depend on the loop alone: {counts}."
    return f"The loop makes a gamma rhythm of {f_Hz}: {counts}."


def _more_than_chance(rhythmic: np.ndarray) -> bool:
    """Whether more rows show a peak than the test's false alarms explain."""
    alarms = stats.binomtest(int(rhythmic.sum()), len(rhythmic), FALSE_ALARM, alternative="greater")
    return bool(alarms.pvalue < 0.01)
