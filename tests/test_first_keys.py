"""The first k distinct keys to spike: law of the race, its sampled twin, and simulated circuits."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch

from bridge.heads.first_keys import FirstKeys
from bridge.laws.race import draw_distinct, inclusion, mean_spikes
from spiking import PARAMETER_SETS, GammaCircuit, SpikeRecord
from spiking.measures.distinct import first_distinct

EIGHT = np.array([[1.5, 1.0, 0.5, 0.0, -0.5, -1.0, -1.5, -2.0]])
FOUR = np.array([[1.2, 0.3, -0.4, -1.1]])


def recorded(row: list[int], key: list[int], time_ms: list[float], n_rows: int, n_keys: int) -> SpikeRecord:
    return SpikeRecord.of_spikes(
        row=np.array(row),
        key=np.array(key),
        time_ms=np.array(time_ms),
        n_rows=n_rows,
        n_keys=n_keys,
        duration_ms=100.0,
    )


def enumerated(scores: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """Inclusion and mean number of spikes by the product formula, over all orders of k keys of one row."""
    share = np.exp(scores) / np.exp(scores).sum()
    chance, spikes = np.zeros(len(share)), 0.0
    for order in permutations(range(len(share)), k):
        taken = np.cumsum([0.0, *share[list(order)]])[:-1]
        probability = np.prod(share[list(order)] / (1 - taken))
        chance[list(order)] += probability
        spikes += probability * np.sum(1 / (1 - taken))
    return chance, spikes


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_integral_is_plackett_luce(k: int) -> None:
    chance, spikes = enumerated(FOUR[0], k)
    assert inclusion(FOUR, k)[0] == pytest.approx(chance, abs=1e-10)
    assert mean_spikes(FOUR, k)[0] == pytest.approx(spikes, rel=1e-9)


def test_masked_keys_are_never_included_and_the_rest_race_alone() -> None:
    mask = np.array([[True, False, True, True]])
    for arrivals in ("exponential", "uniform"):
        there = inclusion(FOUR, 2, mask=mask, arrivals=arrivals)[0]
        assert there[1] == 0
        assert there[mask[0]] == pytest.approx(inclusion(FOUR[:, mask[0]], 2, arrivals=arrivals)[0])


def test_uniform_arrivals_are_a_race_of_uniform_times() -> None:
    """40,000 races give a chance to .0025: four standard errors."""
    rng = np.random.default_rng(0)
    times = rng.random((40_000, 8)) / np.exp(EIGHT)
    won = (times.argsort(axis=1).argsort(axis=1) < 3).mean(axis=0)
    assert inclusion(EIGHT, 3, arrivals="uniform")[0] == pytest.approx(won, abs=0.01)


def test_the_twin_follows_the_law() -> None:
    """20,000 rows: chances to .0035, and the mean of 4.4456 spikes (sd 2.3) to .016; four standard errors."""
    drawn = draw_distinct(np.repeat(EIGHT, 20_000, axis=0), 3, np.random.default_rng(1))
    assert drawn.complete.all()
    assert drawn.chosen.mean(axis=0) == pytest.approx(inclusion(EIGHT, 3)[0], abs=0.014)
    assert drawn.n_spikes.mean() == pytest.approx(mean_spikes(EIGHT, 3)[0], abs=0.065)


def simulated(name: str, n_rows: int = 4000) -> tuple[np.ndarray, float]:
    select = FirstKeys(GammaCircuit(PARAMETER_SETS[name]), 3, np.random.default_rng(2))
    first = select.select(np.repeat(EIGHT, n_rows, axis=0))
    assert first.complete.all()
    assert select.usage.spikes >= first.n_spikes.sum()
    return first.chosen.mean(axis=0), float(first.n_spikes.mean())


def test_memoryless_cells_race_by_plackett_luce() -> None:
    """4000 rows: chances to .008; resets move them by up to .01 more. Uniform arrivals would be .12 off."""
    chance, spikes = simulated("escape")
    assert chance == pytest.approx(inclusion(EIGHT, 3)[0], abs=0.035)
    assert spikes == pytest.approx(mean_spikes(EIGHT, 3)[0], abs=0.2)
    assert np.abs(chance - inclusion(EIGHT, 3, arrivals="uniform")[0]).max() > 0.08


def test_regular_cells_race_by_uniform_times() -> None:
    """Spikes of one step, whose order is drawn, blur it a little."""
    chance, spikes = simulated("regular")
    assert chance == pytest.approx(inclusion(EIGHT, 3, arrivals="uniform")[0], abs=0.035)
    assert spikes < mean_spikes(EIGHT, 3)[0] - 0.5


def test_a_row_that_waits_goes_on_with_the_same_spikes() -> None:
    """The second key of [5, 0, 0] comes after 75 spikes on average, many times what a row begins with."""
    scores = np.repeat([[5.0, 0.0, 0.0]], 600, axis=0)
    select = FirstKeys(GammaCircuit(PARAMETER_SETS["brief"]), 2, np.random.default_rng(3))
    first = select.select(scores)
    assert first.complete.all()
    assert first.n_spikes.max() > 100
    assert first.chosen.mean(axis=0)[1:] == pytest.approx([0.5, 0.5], abs=0.09)  # four standard errors


def test_a_key_that_never_spikes_is_not_selected() -> None:
    select = FirstKeys(GammaCircuit(PARAMETER_SETS["brief"]), 2, np.random.default_rng(4))
    chosen = select(torch.tensor([[[30.0, 0.0]], [[0.0, 0.0]]]))
    assert chosen.tolist() == [[[True, False]], [[True, True]]]
    assert select.last is not None
    assert select.last.n_spikes[0] >= select.most_spikes


def test_order_count_and_time_of_a_record() -> None:
    record = recorded([0, 1, 0, 0, 1, 0], [2, 1, 2, 0, 1, 1], [1, 1, 2, 3, 4, 5], n_rows=3, n_keys=3)
    first = first_distinct(record, 2, np.random.default_rng(0))
    assert first.order.tolist() == [[2, 0], [1, -1], [-1, -1]]
    assert first.n_spikes.tolist() == [3, 2, 0]
    assert first.time_ms[0] == 3
    assert np.isnan(first.time_ms[1:]).all()
    assert first.chosen.tolist() == [[True, False, True], [False, True, False], [False, False, False]]


def test_spikes_of_one_step_favour_no_key() -> None:
    """3000 rows of four keys at one time: half of them are among the first two, to .009."""
    n = 3000
    record = recorded([r for r in range(n) for _ in range(4)], [0, 1, 2, 3] * n, [1.0] * 4 * n, n, 4)
    chosen = first_distinct(record, 2, np.random.default_rng(5)).chosen
    assert chosen.mean(axis=0) == pytest.approx(np.full(4, 0.5), abs=0.036)  # four standard errors


@pytest.mark.parametrize("mode", ["simulated", "sampled"])
def test_more_keys_than_there_are_is_refused(mode: str) -> None:
    select = FirstKeys(GammaCircuit(PARAMETER_SETS["brief"]), 3, np.random.default_rng(0), mode=mode)
    with pytest.raises(ValueError, match="at most the number of keys that take part, got 3 with 2 in a row"):
        select(torch.zeros(2, 3), torch.tensor([[True, True, True], [True, True, False]]))
    with pytest.raises(ValueError, match="k must be >= 1"):
        FirstKeys(GammaCircuit(PARAMETER_SETS["brief"]), 0, np.random.default_rng(0))
