"""The answer of what-gamma-buys, from its numbers: what gamma buys, what any loop buys, what nothing buys."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import against, choose
from scenarios.workbench.statistics import clear, difference, estimate_of

__all__ = ["in_words"]

HELD = 0.2  # CV up to which the total is called held
ENOUGH_ROWS = 0.95  # a rhythm is claimed when at least these rows have a significant peak
COMPARED = (  # measures of the gamma loop against a control, all judged together
    ("excess", "matched"),
    ("cv", "matched"),
    ("cv", "slow"),
    ("decision", "matched"),
    ("decision_slow_rows", "matched"),
    ("spikes_for_goal", "matched"),
    ("onset_spikes", "slow"),
)


def in_words(
    metrics: Mapping[str, Metric], dataset: xr.Dataset, *, margin: int, tv_goal: float
) -> tuple[tuple[str, ...], str]:
    """In short, and a paragraph; every comparison is decided here by the numbers."""
    signs = clear(
        {
            f"{name}_{control}": difference(
                estimate_of(metrics[name]), estimate_of(metrics[f"{name}_{control}"])
            )
            for name, control in COMPARED
        }
    )
    rhythm, gain = _rhythm(metrics), _gain(metrics, signs["cv_matched"])
    selection, slow = _selection(metrics, signs["excess_matched"]), _slow(metrics, signs)
    decision = _decision(metrics, signs, margin)
    paragraph = (
        rhythm,
        selection,
        gain,
        _reach(metrics, dataset) if signs["cv_matched"] < 0 else "",
        decision,
        _spikes(metrics, signs["spikes_for_goal_matched"], tv_goal),
        slow,
    )
    return (gain, selection, slow), " ".join(filter(None, paragraph))


def _against(metrics: Mapping[str, Metric], name: str, control: str = "matched") -> str:
    return against(metrics[name], metrics[f"{name}_{control}"])


def _rhythm(metrics: Mapping[str, Metric]) -> str:
    loop, matched, slow = (metrics[f"rhythmic{c}"].value for c in ("", "_matched", "_slow"))
    if loop < ENOUGH_ROWS:
        return f"Only {loop:.0%} of rows have a gamma rhythm at all, so nothing below is bought by one."
    return (
        f"The loop's rows oscillate at {metrics['f_gamma'].text()} ({loop:.0%} with a significant peak; "
        f"{matched:.0%} without the loop, {slow:.0%} with the slow loop)."
    )


def _selection(metrics: Mapping[str, Metric], sign: int) -> str:
    start = choose(
        sign,
        "Selection is further from softmax with the rhythm",
        "For selection the rhythm makes no clear difference",
        "Selection is closer to softmax with the rhythm",
    )
    return (
        f"{start}: total variation over its floor is {_against(metrics, 'excess')} without a loop "
        f"(beta {_against(metrics, 'beta')})."
    )


def _gain(metrics: Mapping[str, Metric], sign: int) -> str:
    cv = _against(metrics, "cv")
    if sign >= 0:
        return f"Gain control by the loop is not shown here: the spread of total spikes is {cv} without it."
    return (
        f"Gain control is what the loop buys: the spread of total spikes over rows is {cv} without it "
        f"({metrics['cv_ratio'].text()} times)."
    )


def _reach(metrics: Mapping[str, Metric], dataset: xr.Dataset) -> str:
    part = dataset.isel(setting=np.flatnonzero(dataset.feedforward.values == "none")).sel(circuit="loop")
    held = part.spread.values[part.sweep_cv.values <= HELD]
    reach = (
        f"It stays at or below {HELD:g} for scores of spread {held.min():g} to {held.max():g}"
        if len(held)
        else f"It is above {HELD:g} at every spread tried"
    )
    return (
        f"{reach}. A reader who cannot divide errs by {_against(metrics, 'undivided')}. With feedforward "
        f"inhibition as well, the spread is {_against(metrics, 'cv_feedforward')}."
    )


def _decision(metrics: Mapping[str, Metric], signs: Mapping[str, int], margin: int) -> str:
    """Median and slowest rows apart: steady totals help the weak rows, not the typical one."""
    median, slowest = (
        choose(signs[f"{n}_matched"], "the loop is slower", "no clear difference", "the loop is faster")
        for n in ("decision", "decision_slow_rows")
    )
    if not np.isfinite(metrics["decision"].value):
        decided = (
            f"{metrics['decided'].value:.0%} of rows with the loop and {metrics['decided_matched'].value:.0%}"
        )
        return f"A lead of {margin} spikes came in {decided} without it, so that no typical time is known."
    return (
        f"A lead of {margin} spikes takes {_against(metrics, 'decision')} in the median row: {median}. In the "
        f"slowest tenth it takes at least {_against(metrics, 'decision_slow_rows')}: {slowest}. Spikes per "
        f"decision are {_against(metrics, 'decision_spikes')}, and {metrics['decision_right'].value:.0%} of "
        f"decisions are right against {metrics['decision_right_matched'].value:.0%}."
    )


def _spikes(metrics: Mapping[str, Metric], sign: int, tv_goal: float) -> str:
    needed = metrics["spikes_for_goal"]
    if not np.isfinite(needed.value):
        return f"The loop never reaches a total variation of {tv_goal:g} in the measured time."
    floor = "" if needed.floor is None else f" (perfect sampling: {needed.floor:.0f})"
    return (
        f"A mean total variation of {tv_goal:g} takes {_against(metrics, 'spikes_for_goal')} spikes per row"
        f"{floor}: {choose(sign, 'more', 'no clear difference', 'fewer')}."
    )


def _slow(metrics: Mapping[str, Metric], signs: Mapping[str, int]) -> str:
    """Whether a loop without a beat does the same, and at what price."""
    onset, price = metrics["onset_spikes"].value, metrics["onset_spikes_slow"].value
    after = (
        f"from rest it lets {price:,.0f} spikes through in 50 ms, where the gamma loop lets {onset:,.0f}: "
        "what fast inhibition buys is control within a cycle"
        if signs["onset_spikes_slow"] < 0 and price > 2 * onset
        else f"from rest it lets {price:,.0f} spikes through in 50 ms, the gamma loop {onset:,.0f}"
    )
    spread = metrics["cv_slow"].text()
    if signs["cv_matched"] >= 0:
        return f"The slow loop without gamma has a spread of {spread}; {after}."
    lesson = (
        "though less tightly than the gamma loop"
        if signs["cv_slow"] < 0
        else "so that steady gain control needs a loop but no gamma"
    )
    return f"Once it runs, the slow loop without gamma holds totals too (spread {spread}), {lesson}; {after}."
