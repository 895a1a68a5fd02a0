"""The scenario workspace at small size: laws of capacity to the digit, theories told apart, loops that keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pragmatic.machines.working_memory import answer_error, dealt, fit_deal, slot_law
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from scenarios.workspace import Params, run
from scenarios.workspace.capacity import deal_copies, first_spikes
from scenarios.workspace.ignition import bimodality, least_gain, rest_states
from spiking import SpikeRecord

SMALL = Params(
    items=(2, 4, 8), trials=400, cues=(0.0, 2.0), gains=(0.0, 8.0), contrasts=(0.0, 1.0, 3.0, 5.0), loop_trials=60
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_law_of_slots() -> None:
    assert slot_law(4, 4, 0.125) == slot_law(3, 4, 0.125) == 1.0
    assert slot_law(12, 4, 0.125) == pytest.approx(1 / 3 + 2 / 3 / 8)


def test_first_distinct_keys_follow_the_law_to_the_digit(outcome: Outcome) -> None:
    """Every row of the circuit stores exactly four of eight items: there is no sampling error."""
    metrics = outcome.metrics
    assert metrics["law"].value < 1e-12
    assert metrics["right_first"].value == pytest.approx(metrics["right_first"].control, abs=1e-12)
    assert metrics["held_first"].value == 4


def test_spikes_reach_as_many_items_as_their_regularity_allows(outcome: Outcome) -> None:
    """Samples reach n (1 - (1 - 1/n)^k) = 3.31 of 8 items; 400 trials have an error of .03, four allowed."""
    metrics, reached = outcome.metrics, 8 * (1 - (7 / 8) ** 4)
    assert metrics["held_sampled"].value == pytest.approx(reached, abs=0.13)
    assert metrics["held_random"].value == pytest.approx(reached, abs=0.13)
    assert metrics["held_regular"].value > 3.95
    assert metrics["held_volley"].value < metrics["held_open"].value == 8


def test_theories_are_told_apart(outcome: Outcome) -> None:
    """Slots describe regular cells better than a deal by chance, which describes random ones; four errors."""
    regular, random = (outcome.metrics[f"slots_chance_{way}"] for way in ("regular", "random"))
    assert regular.value > 0
    assert random.value < -4 * random.standard_error
    assert (
        outcome.metrics["slots_resource_slots"].value
        > 4 * outcome.metrics["slots_resource_slots"].standard_error
    )


def test_a_loop_keeps_and_a_cold_row_does_not(outcome: Outcome) -> None:
    metrics = outcome.metrics
    assert metrics["kept"].value > 0.8
    assert metrics["kept_cut"].value == metrics["kept_cold"].value == 0
    assert metrics["bimodal_cold"].value > metrics["bimodal_cut"].value
    assert "no sign of a workspace" in outcome.verdict or "not clearly two modes" in outcome.verdict


def test_figures_and_data(outcome: Outcome) -> None:
    assert outcome.dataset.right.dims == ("way", "items")
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_without_spikes() -> None:
    params = replace(SMALL, heads=("softmax",), trials=40, loop_trials=20)
    outcome = run(params, RunContext(rng=np.random.default_rng(1), progress=silent()))
    assert "right_first" not in outcome.metrics
    assert outcome.metrics["kept"].value == 1


def test_deals_hold_as_many_copies_on_average() -> None:
    """Each theory hands out K copies in all, and draws what its distribution says."""
    rng = np.random.default_rng(0)
    for deal in ("slots", "resource", "chance"):
        copies, chance = dealt(deal, 4, 3)
        assert copies @ chance * 3 == pytest.approx(4)
        drawn = deal_copies(deal, 4, 3, 4000, rng)
        np.testing.assert_allclose(drawn.sum(axis=1), 4)
        assert (drawn == 1).mean() == pytest.approx(float(chance[copies == 1].sum()), abs=0.02)  # 4 errors


def test_a_fit_finds_copies_and_noise_again() -> None:
    """Three slots of 15 degrees, 1500 answers at each of four numbers of items: to a degree, some four errors."""
    rng = np.random.default_rng(0)
    errors = {
        n: answer_error(deal_copies("slots", 3, n, 1500, rng)[:, 0], np.deg2rad(15), rng)
        for n in (1, 2, 4, 8)
    }
    fit = fit_deal("slots", errors)
    assert fit.k == 3
    assert np.rad2deg(fit.sigma) == pytest.approx(15, abs=1)


def test_first_spikes_stops_at_the_number() -> None:
    record = SpikeRecord.of_spikes(
        row=np.array([0, 0, 1, 0]), key=np.array([1, 1, 0, 0]), time_ms=np.array([1.0, 2.0, 2.0, 3.0]),
        n_rows=2, n_keys=2, duration_ms=9.0,
    )  # fmt: skip
    np.testing.assert_array_equal(first_spikes(record, 2, np.random.default_rng(0)), [[0, 2], [1, 0]])


def test_states_of_rest() -> None:
    """Below the least gain there is one state; above it a lit one, which the map leaves as it is."""
    least = least_gain(3.0, 4)
    assert 5 < least < 6
    dark, lit = rest_states(least - 0.1, 3.0, 4)
    assert dark == pytest.approx(lit, abs=1e-6)
    dark, lit = rest_states(6.0, 3.0, 4)
    assert dark < 0.1 < 0.9 < lit
    others = 0.004  # the broadcast of each of the other three, which adds little to their scores
    assert lit == pytest.approx(1 / (1 + (3 * np.exp(6 * others) + np.exp(3)) / np.exp(6 * lit)), abs=1e-3)


def test_bimodality_of_known_distributions() -> None:
    """5/9 for a uniform one, 1 for two points, 1/3 for a normal one."""
    rng = np.random.default_rng(0)
    assert bimodality(rng.random(200_000)) == pytest.approx(5 / 9, abs=0.005)
    assert bimodality(np.tile([0.0, 1.0], 5000)) == pytest.approx(1, abs=0.001)
    assert bimodality(rng.normal(size=200_000)) == pytest.approx(1 / 3, abs=0.005)
    assert np.isnan(bimodality(np.ones(10)))


def test_with_more_slots_than_items_all_are_kept() -> None:
    params = replace(SMALL, items=(1, 2), trials=40, loop_trials=8)
    metrics = run(params, RunContext(rng=np.random.default_rng(1), progress=silent())).metrics
    assert metrics["right_first"].value == metrics["right_slots"].value == 1
    assert "cue_first" not in metrics


def test_heads_hold_softmax() -> None:
    with pytest.raises(UsageError, match="heads must have softmax among them"):
        Params(heads=("spiking",))
