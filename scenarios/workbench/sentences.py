"""Words for a verdict: every comparison that a sentence makes is decided by the numbers of the run.

words = clear({"cv": difference(loop, off), "beta": difference(beta, beta_off)})  # corrected together
said = f"The spread is {against(cv, cv_off)}: {choose(words['cv'], 'wider', 'no clear difference', 'narrower')}."
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scenarios.workbench.outcome import Metric, Words, number_text
from scenarios.workbench.statistics import Estimate

__all__ = ["against", "beyond_sampling", "choose", "listed", "on_rhythm", "say", "words"]


def words(*parts: str, short: Sequence[str], between: str = " ") -> Words:
    """The answer of an outcome: its parts as one text, and those of them for a reader in a hurry; no blank ones."""
    return Words(in_short=tuple(filter(None, short)), verdict=between.join(filter(None, parts)))


def say(estimate: Estimate, unit: str = "") -> str:
    """An estimate with its error: ``"0.143 ± 0.016"``."""
    return f"{number_text(estimate.value, estimate.error)} {unit}".rstrip()


def against(ours: Metric, control: Metric) -> str:
    """Both values with their errors and units: ``"0.14 ± 0.02 against 0.75 ± 0.10"``."""
    return f"{ours.text()} against {control.text()}"


def choose(sign: int, above: str, neither: str, below: str) -> str:
    """The words for a difference that is clear upwards, not clear, or clear downwards."""
    return (neither, above, below)[sign]


def beyond_sampling(sign: int) -> str:
    """What limits a selection, by whether its distance from softmax is clearly above its sampling floor."""
    return choose(
        sign,
        "The circuit adds to the error of sampling, which more spikes do not mend.",
        "No error beyond that of sampling is clear: half the distance takes four times as many spikes.",
        "Its error is below that of as many independent samples; more spikes reduce it further.",
    )


def on_rhythm(rhythmic: np.ndarray, silent: np.ndarray, f_gamma_Hz: float = np.nan) -> str:
    """How many rows have a gamma rhythm, at which frequency if given, and how many stayed silent; bool arrays."""
    at = f", at {f_gamma_Hz:.1f} Hz on average" if np.isfinite(f_gamma_Hz) else ""
    return (
        f"{rhythmic.mean():.0%} of {rhythmic.size:,} rows carry a significant gamma rhythm{at}; "
        f"{silent.sum()} rows stayed silent."
    )


def listed(names: Sequence[str]) -> str:
    """``"copy, recall and sort"``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
