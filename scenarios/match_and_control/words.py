"""The answer of match-and-control, from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.match_and_control.spines import PUBLISHED
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of, mean

if TYPE_CHECKING:
    from scenarios.match_and_control.measures import Study

__all__ = ["in_words"]

NAMES = ("success", "spurious")
NEAR = 0.02  # of total variation: shares count as a softmax


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    signs = clear(_family(m, study))
    published, timing, pool = _published(m, study), _timing(m), _pool(m, signs)
    return words(
        published, timing, pool, _price(m, signs), _abstains(m, signs), _spurious(m, signs), _dot(m, signs),
        short=(published, pool, _abstains(m, signs)),
    )  # fmt: skip


def _family(m: Numbers, study: Study) -> dict[str, Estimate]:
    """Pool against none, of the same rows where both have them."""
    family: dict[str, Estimate] = {}
    for how in ("coincidence", "dot"):
        pool, cut = (study.competed[how, name] for name in ("pool", "cut"))
        family |= {
            f"hit_{how}": mean(pool.hit - cut.hit),
            f"spurious_{how}": mean(pool.spurious - cut.spurious),
            **{
                f"{name}_{how}": difference(
                    estimate_of(m[f"{name}_{how}_pool"]), estimate_of(m[f"{name}_{how}_cut"])
                )
                for name in ("absent", "slope")
            },
        }
    return family | {f"lost_{pool}": estimate_of(m[f"lost_coincidence_{pool}"]) for pool in ("pool", "cut")}


def _published(m: Numbers, study: Study) -> str:
    spines = study.spines
    said, beyond = [], []
    for at, name in enumerate(NAMES):
        rates = []
        for window_ms, window in spines.windows.items():
            if np.isfinite(PUBLISHED[window_ms][at]):
                rates.append(f"{m[f'{name}_{window_ms:g}']} ({PUBLISHED[window_ms][at]:.3f})")
                gap = window.gap(at)
                if abs(gap.value) > 2 * gap.error:
                    beyond.append(f"{name} after {window_ms / 1000:g} s")
        said.append(listed(rates))
    exceptions = f" but {listed(beyond)}" if beyond else ""
    verdict = f"all{exceptions} within two standard errors"
    return (
        "Reduced to coincidence and a threshold, with a spread of calcium and a fidelity of spikes fitted to its "
        f"three rates of success ({spines.spread:g} and {spines.fidelity:g}), Ellwood's cell has successes of "
        f"{said[0]} after .5, 1 and 2 s; spurious spikes, to which nothing is fitted, are {said[1]} after .5 and "
        f"2 s (published in brackets): {verdict}."
    )


def _timing(m: Numbers) -> str:
    success = m["success_1000"]
    return (
        f"With as many key spikes of the matched axon at other times {success.floor:.3f} succeed after 1 s, in "
        f"place of {success}."
    )


def _pool(m: Numbers, signs: dict[str, int]) -> str:
    slopes = f"by {m['slope_coincidence_pool']} with the pool, by {m['slope_coincidence_cut']} without it"
    excess = [m[f"excess_coincidence_{pool}"].value for pool in ("pool", "cut")]
    softmax = max(map(abs, excess)) < NEAR
    return (
        f"A shared I pool {choose(signs['slope_coincidence'], 'adds to', 'does not clearly change', 'takes out')} "
        f"the growth of the total with the matches: a unit of log summed evidence raises log spikes {slopes}. "
        f"Beyond sampling, the shares of axons are {excess[0]:.4f} and {excess[1]:.4f} of total variation "
        "from a softmax" + (": exponential cells make the shares, the pool only the sum." if softmax else ".")
    )


def _price(m: Numbers, signs: dict[str, int]) -> str:
    with_pool = choose(signs["lost_pool"], "loses", "does not clearly lose", "gains")
    without = choose(signs["lost_cut"], "also a clear loss", "no clear loss", "a clear gain")
    return (
        f"Where another axon passes the threshold, a potentiated axon {with_pool} hits through the pool "
        f"({m['lost_coincidence_pool']}); without it {m['lost_coincidence_cut']}, {without}. Over all trials "
        f"hits are {m['hit_coincidence_pool']} and {m['hit_coincidence_cut']}, {_more(signs['hit_coincidence'])} "
        "with the pool."
    )


def _abstains(m: Numbers, signs: dict[str, int]) -> str:
    return (
        f"Where no axon matches, the circuit with the pool spikes {m['absent_coincidence_pool']} times as much as "
        f"with a match, without it {m['absent_coincidence_cut']}: normalising "
        + choose(signs["absent_coincidence"], "costs the freedom to stay silent.", "costs no clear freedom to stay "
                 "silent.", "silences.")
    )  # fmt: skip


def _spurious(m: Numbers, signs: dict[str, int]) -> str:
    return (
        f"Spikes of other axons are {m['spurious_coincidence_pool']} with the pool and "
        f"{m['spurious_coincidence_cut']} without: "
        + choose(
            signs["spurious_coincidence"], "it adds some.", "it removes none clearly.", "it removes some."
        )
    )


def _dot(m: Numbers, signs: dict[str, int]) -> str:
    return (
        "Matched by dot product, which no threshold bounds, hits are "
        f"{m['hit_dot_pool']} with the pool and {m['hit_dot_cut']} without, {_more(signs['hit_dot'])} with it; the "
        f"slope of the total is {m['slope_dot_pool']} and {m['slope_dot_cut']}; spikes without a match are "
        f"{m['absent_dot_pool']} and {m['absent_dot_cut']} of those with one."
    )


def _more(sign: int) -> str:
    return choose(sign, "clearly more", "not clearly different", "clearly fewer")
