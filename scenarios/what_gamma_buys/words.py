"""The answer of what-gamma-buys, from its numbers: what gamma buys, what any loop buys, what nothing buys."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import against, choose, words
from scenarios.workbench.statistics import clear, difference, estimate_of

__all__ = ["in_words"]

HELD = 0.2  # CV up to which the total is called held
ENOUGH_ROWS = 0.95  # a rhythm is claimed when at least these rows have a significant peak
COMPARED = (  # the gamma loop's lines and a control's, all judged together
    ("excess", "excess_matched"),
    ("cv", "cv_matched"),
    ("cv", "cv_slow"),
    ("decision", "decision_matched"),
    ("decision_slow_rows", "decision_slow_rows_matched"),
    ("spikes_for_goal", "spikes_for_goal_matched"),
    ("onset_spikes", "onset_spikes_slow"),
)


def in_words(m: Numbers, dataset: xr.Dataset, *, margin: int, tv_goal: float) -> Words:
    """In short, and a paragraph; every comparison is decided here by the numbers."""
    signs = clear(
        {control: difference(*(estimate_of(m[n]) for n in (ours, control))) for ours, control in COMPARED}
    )
    gain, reach = _gain(m, signs), _reach(m, dataset, signs)
    selection, slow = _selection(m, signs), _slow(m, signs)
    decision, spikes = _decision(m, signs, margin), _spikes(m, signs, tv_goal)
    return words(_rhythm(m), selection, gain, reach, decision, spikes, slow, short=(gain, selection, slow))


def _matched(m: Numbers, name: str) -> str:
    return against(m[name], m[f"{name}_matched"])


def _rhythm(m: Numbers) -> str:
    loop = m["rhythmic"]
    if loop.value < ENOUGH_ROWS:
        return f"Only {loop:.0%} of rows have a gamma rhythm at all, so nothing below is bought by one."
    return (
        f"The loop's rows oscillate at {m['f_gamma']} ({loop:.0%} with a significant peak; "
        f"{m['rhythmic_matched']:.0%} without the loop, {m['rhythmic_slow']:.0%} with the slow loop)."
    )


def _selection(m: Numbers, signs: Mapping[str, int]) -> str:
    start = choose(
        signs["excess_matched"],
        "Selection is further from softmax with the rhythm",
        "For selection the rhythm makes no clear difference",
        "Selection is closer to softmax with the rhythm",
    )
    return (
        f"{start}: total variation over its floor is {_matched(m, 'excess')} without a loop "
        f"(beta {_matched(m, 'beta')})."
    )


def _gain(m: Numbers, signs: Mapping[str, int]) -> str:
    cv = _matched(m, "cv")
    if signs["cv_matched"] >= 0:
        return f"Gain control by the loop is not shown here: the spread of total spikes is {cv} without it."
    return (
        f"Gain control is what the loop buys: the spread of total spikes over rows is {cv} without it "
        f"({m['cv_ratio']} times)."
    )


def _reach(m: Numbers, dataset: xr.Dataset, signs: Mapping[str, int]) -> str:
    if signs["cv_matched"] >= 0:
        return ""
    part = dataset.isel(setting=np.flatnonzero(dataset.feedforward.values == "none")).sel(circuit="loop")
    held = part.spread.values[part.sweep_cv.values <= HELD]
    reach = f"It is above {HELD:g} at every spread tried"
    if len(held):
        reach = f"It stays at or below {HELD:g} for scores of spread {held.min():g} to {held.max():g}"
    return (
        f"{reach}. A reader who cannot divide errs by {_matched(m, 'undivided')}. With feedforward "
        f"inhibition as well, the spread is {_matched(m, 'cv_feedforward')}."
    )


def _decision(m: Numbers, signs: Mapping[str, int], margin: int) -> str:
    """Median and slowest rows apart: steady totals help the weak rows, not the typical one."""
    if not np.isfinite(m["decision"].value):
        decided = f"{m['decided']:.0%} of rows with the loop and {m['decided_matched']:.0%}"
        return f"A lead of {margin} spikes came in {decided} without it, so that no typical time is known."
    median, slowest = (
        choose(signs[f"{n}_matched"], "the loop is slower", "no clear difference", "the loop is faster")
        for n in ("decision", "decision_slow_rows")
    )
    return (
        f"A lead of {margin} spikes takes {_matched(m, 'decision')} in the median row: {median}. In the "
        f"slowest tenth it takes at least {_matched(m, 'decision_slow_rows')}: {slowest}. Spikes per "
        f"decision are {_matched(m, 'decision_spikes')}, and {m['decision_right']:.0%} of "
        f"decisions are right against {m['decision_right_matched']:.0%}."
    )


def _spikes(m: Numbers, signs: Mapping[str, int], tv_goal: float) -> str:
    needed = m["spikes_for_goal"]
    if not np.isfinite(needed.value):
        return f"The loop never reaches a total variation of {tv_goal:g} in the measured time."
    floor = "" if needed.floor is None else f" (perfect sampling: {needed.floor:.0f})"
    word = choose(signs["spikes_for_goal_matched"], "more", "no clear difference", "fewer")
    return (
        f"A mean total variation of {tv_goal:g} takes {_matched(m, 'spikes_for_goal')} spikes per row"
        f"{floor}: {word}."
    )


def _slow(m: Numbers, signs: Mapping[str, int]) -> str:
    """Whether a loop without a beat does the same, and at what price."""
    onset, price, spread = m["onset_spikes"], m["onset_spikes_slow"], m["cv_slow"]
    after = f"from rest it lets {price:,.0f} spikes through in 50 ms"
    if signs["onset_spikes_slow"] < 0 and price.value > 2 * onset.value:
        after += (
            f", where the gamma loop lets {onset:,.0f}: what fast inhibition buys is control within a cycle"
        )
    else:
        after += f", the gamma loop {onset:,.0f}"
    if signs["cv_matched"] >= 0:
        return f"The slow loop without gamma has a spread of {spread}; {after}."
    lesson = "so that steady gain control needs a loop but no gamma"
    if signs["cv_slow"] < 0:
        lesson = "though less tightly than the gamma loop"
    return f"Once it runs, the slow loop without gamma holds totals too (spread {spread}), {lesson}; {after}."
