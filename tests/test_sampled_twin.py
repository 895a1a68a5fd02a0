"""The sampled twin is the simulation as far as counts can tell: same means, and a spread that is measured."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy import stats

from bridge import FittedLaw, SpikingHead
from spiking import GammaCircuit, GammaParams

SPIKES = 64
CIRCUIT = GammaCircuit(GammaParams(n_cells=10, settle_ms=50.0))
SCORES = np.random.default_rng(11).normal(0.0, 1.5, (6, 8))
ALARM = 1e-4  # of each test by itself, if the twin were the simulation


@cache
def fitted() -> FittedLaw:
    return SpikingHead(CIRCUIT, spikes=SPIKES).fit_law(np.random.default_rng(3))


def counted(head: SpikingHead, n_repeats: int) -> np.ndarray:
    """Counts (row, repeat, key) of the rows above."""
    head.score_map(torch.from_numpy(np.repeat(SCORES, n_repeats, axis=0)))
    assert head.score_map.counts is not None
    return head.score_map.counts.reshape(len(SCORES), n_repeats, -1)


@cache
def simulated(n_repeats: int, spikes: int = SPIKES) -> np.ndarray:
    return counted(SpikingHead(CIRCUIT, spikes=spikes), n_repeats)


def sampled(n_repeats: int, law: FittedLaw | None = None, spikes: int = SPIKES) -> np.ndarray:
    return counted(
        SpikingHead(CIRCUIT, spikes=spikes, mode="sampled", seed=1, law=law or fitted()), n_repeats
    )


def same_means(a: np.ndarray, b: np.ndarray) -> float:
    """p of the chi-square test that two sets of counts share each row's probabilities; keys summed over repeats."""
    chi2, freedom = 0.0, 0
    for row_a, row_b in zip(a.sum(axis=1), b.sum(axis=1), strict=True):
        test = stats.chi2_contingency(np.stack([row_a, row_b]), correction=False)
        chi2, freedom = chi2 + test.statistic, freedom + test.dof
    return float(stats.chi2.sf(chi2, freedom))


def spread(counts: np.ndarray) -> tuple[float, float]:
    """Variance of counts over repeats relative to a multinomial's of the same mean, and its standard error."""
    n = counts.shape[1]
    mean = counts.mean(axis=1, keepdims=True)
    chi2 = ((counts - mean) ** 2 / mean).sum(axis=2) / (counts.shape[2] - 1) * n / (n - 1)  # (row, repeat)
    return float(chi2.mean()), float(chi2.std() / np.sqrt(chi2.size))


def test_both_spend_the_same_spikes() -> None:
    """The simulation ends with a step, in which more than one spike may fall: under 1 % more at 64."""
    assert (sampled(300).sum(axis=2) == SPIKES).all()
    totals = simulated(300).sum(axis=2)
    assert totals.min() >= SPIKES
    assert totals.mean() < 1.01 * SPIKES


def test_means_are_the_same_and_the_test_would_see_a_law_5_percent_off() -> None:
    """19200 spikes a row. With beta 5 % off the statistic expects some 60 more than its 42 degrees of freedom."""
    assert same_means(simulated(300), sampled(300)) > ALARM
    off = replace(fitted(), beta=0.95 * fitted().beta)
    assert same_means(simulated(300), sampled(300, off)) < ALARM


def test_the_spread_of_the_twin_is_multinomial_and_of_the_simulation_not_more() -> None:
    """Cells that have fired wait, so that simulated counts are if anything more regular; four standard errors."""
    twin, twin_se = spread(sampled(300))
    assert abs(twin - 1) < 4 * twin_se
    simulation, se = spread(simulated(300))
    assert 0.85 < simulation < 1 + 4 * se


@pytest.mark.slow
def test_how_like_the_simulation_the_twin_is(capsys: pytest.CaptureFixture[str]) -> None:
    """By cells and budget: p of equal means for the fitted law and for a plain softmax, and both spreads.

    At 64 spikes and 1000 repeats the fitted law passes where ten cells betray a softmax.
    """
    with capsys.disabled():
        print("\ncells spikes  p of equal means: fitted  softmax   variance    ±   twin    ±")
        for n_cells in (10, 40):
            circuit = GammaCircuit(replace(CIRCUIT.params, n_cells=n_cells))
            law = SpikingHead(circuit, spikes=256).fit_law(np.random.default_rng(3))
            print(law)
            for spikes in (4, 16, 64, 256):
                real = counted(SpikingHead(circuit, spikes=spikes), 1000)
                drawn, plain = (sampled(1000, each, spikes) for each in (law, FittedLaw(beta=1.0)))
                alike, unlike = same_means(real, drawn), same_means(real, plain)
                spreads = " ".join(f"{x:7.3f}" for x in (*spread(real), *spread(drawn)))
                print(f"{n_cells:>5} {spikes:>6} {alike:>25.2g} {unlike:>8.2g} {spreads}")
                assert spread(real)[0] < 1.05
                if spikes == 64:
                    assert alike > ALARM
                    assert unlike < ALARM or n_cells == 40
