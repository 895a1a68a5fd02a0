"""The verdict of what-gamma-buys, from its numbers: what gamma buys, what any loop buys, what nothing buys."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import estimate_of, standard_errors_apart

__all__ = ["findings_verdict"]

CLEAR = 2.0  # standard errors that a difference must exceed to be called one
HELD = 0.2  # CV up to which the total is called held


def findings_verdict(
    metrics: Mapping[str, Metric], dataset: xr.Dataset, *, margin: int, tv_goal: float
) -> str:
    """A paragraph; every comparison in it is made here, none is taken for granted."""
    return " ".join(
        (
            _rhythm(metrics),
            _selection(metrics),
            _gain(metrics, dataset),
            _decision(metrics, margin),
            _spikes(metrics, tv_goal),
            _slow(metrics),
        )
    )


def _apart(metrics: Mapping[str, Metric], name: str, control: str = "matched") -> float:
    """How far the gamma loop lies above a control, in standard errors; 0 where that is unknown."""
    apart = standard_errors_apart(estimate_of(metrics[name]), estimate_of(metrics[f"{name}_{control}"]))
    return apart if np.isfinite(apart) else 0.0


def _against(metrics: Mapping[str, Metric], name: str, control: str = "matched") -> str:
    """Both values with their errors and units."""
    return f"{metrics[name].text()} against {metrics[f'{name}_{control}'].text()}"


def _rhythm(metrics: Mapping[str, Metric]) -> str:
    rows = {c: metrics[f"rhythmic{c}"].value for c in ("", "_matched", "_slow")}
    if rows[""] < 0.95:
        return f"Only {rows['']:.0%} of rows have a gamma rhythm at all, so nothing below is bought by one."
    return (
        f"The loop's rows oscillate at {metrics['f_gamma'].text()} ({rows['']:.0%} with a significant peak; "
        f"{rows['_matched']:.0%} without the loop, {rows['_slow']:.0%} with the slow loop)."
    )


def _selection(metrics: Mapping[str, Metric]) -> str:
    apart, excess = _apart(metrics, "excess"), _against(metrics, "excess")
    if abs(apart) < CLEAR:
        return (
            f"For selection the rhythm buys nothing: total variation over its floor is {excess} without a loop "
            f"(beta {_against(metrics, 'beta')})."
        )
    word = "closer to" if apart < 0 else "further from"
    return f"Selection is {word} softmax with the rhythm: total variation over its floor {excess} without a loop."


def _gain(metrics: Mapping[str, Metric], dataset: xr.Dataset) -> str:
    apart, cv = _apart(metrics, "cv"), _against(metrics, "cv")
    if not apart < -CLEAR:
        return f"The loop does not control the gain here: the spread of totals is {cv} without it."
    part = dataset.isel(setting=np.flatnonzero(dataset.feedforward.values == "none")).sel(circuit="loop")
    held = part.spread.values[part.sweep_cv.values <= HELD]
    reach = (
        f"it stays at or below {HELD:g} for scores of spread {held.min():g} to {held.max():g}"
        if len(held)
        else f"it is above {HELD:g} at every spread tried"
    )
    return (
        f"Gain control is what the loop buys: the spread of total spikes over rows is {cv} without it "
        f"({metrics['cv_ratio'].text()} times), and {reach}. A reader who cannot divide errs by "
        f"{_against(metrics, 'undivided')}. With feedforward inhibition besides, the spread is "
        f"{_against(metrics, 'cv_feedforward')}."
    )


def _decision(metrics: Mapping[str, Metric], margin: int) -> str:
    """Median and slowest rows are told apart: steady totals help the weak rows, not the typical one."""
    return (
        f"A lead of {margin} spikes takes {_against(metrics, 'decision')} in the median row: "
        f"{_faster(_apart(metrics, 'decision'))}. In the slowest tenth it takes at least "
        f"{_against(metrics, 'decision_slow_rows')}: {_faster(_apart(metrics, 'decision_slow_rows'))}. "
        f"Spikes per decision are {_against(metrics, 'decision_spikes')}, and "
        f"{metrics['decision_right'].value:.0%} of decisions are right against "
        f"{metrics['decision_right_matched'].value:.0%}."
    )


def _faster(apart: float) -> str:
    if abs(apart) < CLEAR:
        return "no clear difference"
    return "the loop is faster" if apart < 0 else "the loop is slower"


def _spikes(metrics: Mapping[str, Metric], tv_goal: float) -> str:
    needed = metrics["spikes_for_goal"]
    if not np.isfinite(needed.value):
        return f"The loop never reaches a total variation of {tv_goal:g} in the measured time."
    apart = _apart(metrics, "spikes_for_goal")
    word = "no clear difference" if abs(apart) < CLEAR else ("fewer" if apart < 0 else "more")
    floor = "" if needed.floor is None else f" (perfect sampling: {needed.floor:.0f})"
    return (
        f"A mean total variation of {tv_goal:g} takes {_against(metrics, 'spikes_for_goal')} spikes per row"
        f"{floor}: {word}."
    )


def _slow(metrics: Mapping[str, Metric]) -> str:
    """Whether a loop that does not beat does as well, and at what price."""
    apart = _apart(metrics, "cv", "slow")
    steady = (
        f"Once it runs, the slow loop without gamma holds totals too (spread {metrics['cv_slow'].text()})"
    )
    lesson = (
        "so that steady gain control needs a loop but no gamma"
        if apart > -CLEAR
        else "though less tightly than the gamma loop"
    )
    onset, price = metrics["onset_spikes"].value, metrics["onset_spikes_slow"].value
    after = (
        f"but from rest it lets {price:,.0f} spikes through in 50 ms, where the gamma loop lets {onset:,.0f}: "
        "what fast inhibition buys is control within a cycle"
        if price > 2 * onset
        else f"and from rest it lets through as little ({price:,.0f} spikes in 50 ms against {onset:,.0f})"
    )
    return f"{steady}, {lesson}; {after}."
