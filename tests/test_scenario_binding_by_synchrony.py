"""binding-by-synchrony at small size: times bind where rates do not, controls, phase models, sentences, figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scenarios.binding_by_synchrony import Params, run
from scenarios.binding_by_synchrony.circuits import Ran, simulated
from scenarios.binding_by_synchrony.pairs import adjusted_rand
from scenarios.binding_by_synchrony.theory import phase_model
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from spiking import Brian2, Fused, Spikes
from spiking.circuits.gestalt import Gestalt
from spiking.networks import simulate_circuit

SMALL = Params(
    n_networks=3,
    n_windows=3,
    objects=(2, 4),
    delays=(0.2, 1.0),
    couplings=(0.5,),
    spreads=(0.0, 0.2),
    draws=10,
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_times_bind_what_rates_leave_open(outcome: Outcome) -> None:
    """By rates 9 scenes of 4 queries are right to 1/4, errors about .07."""
    m = outcome.metrics
    assert m["accuracy"].value > 0.95
    assert m["rand"].value > 0.95
    assert m["rates"].value == pytest.approx(0.25, abs=0.22)
    assert m["rates_objects_of_unequal_rates"].value > m["rates"].value + 0.2


@pytest.mark.parametrize("control", ["jitter_of_12_ms", "permuted_phases", "no_coupling"])
def test_controls_at_the_same_rate_lose_the_binding(outcome: Outcome, control: str) -> None:
    """Chance is 1/4; three errors of about .08. Rates agree within a tenth."""
    m = outcome.metrics
    assert m[f"accuracy_{control}"].value < 0.5
    assert m[f"rate_{control}"].value == pytest.approx(m["rate"].value, rel=0.1)


def test_a_late_inhibition_merges_objects(outcome: Outcome) -> None:
    """The mean cosine of four objects whose mean field vanishes is -1/3; its error here is .018."""
    m = outcome.metrics
    assert m["capacity"].value == 4
    assert m["capacity_1"].value <= 2  # two that start together stay together
    assert m["rand_4_1_ms"].value < 0.7
    assert m["between_4_0.2"].value == pytest.approx(-1 / 3, abs=0.05)
    assert m["gap_4_0.2"].value > 0.7


def test_one_harmonic_spaces_three_objects_and_not_four() -> None:
    """The mean field vanishes for any number, so that the cosine between objects is -1 / (k - 1) all the same."""
    three, four = (phase_model(k, 1, 10, np.random.default_rng(0)) for k in (3, 4))
    np.testing.assert_allclose(three[:, 2], 1.0, atol=0.01)
    assert four[:, 2].mean() < 0.8
    np.testing.assert_allclose(four[:, 1], -1 / 3, atol=0.01)
    np.testing.assert_allclose(four[:, 0], 1.0, atol=0.01)
    assert phase_model(4, 4, 10, np.random.default_rng(0))[:, 2].min() > 0.85


def test_the_index_of_groupings_that_are_known() -> None:
    """Hubert and Arabie: 1 when equal up to names, 0 for one group of all, below 0 when crossed."""
    truth = np.array([0, 0, 1, 1])
    assert adjusted_rand(np.array([1, 1, 0, 0]), truth) == 1
    assert adjusted_rand(np.zeros(4, dtype=int), truth) == 0
    assert adjusted_rand(np.array([0, 1, 0, 1]), truth) == pytest.approx(-0.5)


def test_both_engines_run_the_circuit() -> None:
    """Without noise, from the same start, spike for spike."""
    gestalt = Gestalt(n_objects=2, noise=0.0)
    both = [
        simulate_circuit(
            gestalt.build, duration_ms=80.0, rng=np.random.default_rng(3), record=["cells"], engine=engine
        ).spikes["cells"]
        for engine in (Fused("float64"), Brian2())
    ]
    np.testing.assert_array_equal(both[0].cell, both[1].cell)
    np.testing.assert_allclose(both[0].time_ms, both[1].time_ms, atol=1e-6)
    assert len(both[0].cell) > 20


def test_features_counted_from_starts_of_their_own_lose_the_phase() -> None:
    """Spikes every 20 ms, the second object's half a period later, counted for 170 ms: 8.5 each on average.

    A common window holds 9 of one and 8 of the other. The means of 400 differ by .035 (one error).
    """
    times = [np.arange(1.0, 190.0, 20.0), np.arange(11.0, 190.0, 20.0)]
    cells = np.repeat([0, 1], [len(t) for t in times])
    order = np.argsort(np.concatenate(times))
    ran = Ran(
        gestalt=Gestalt(n_objects=2, n_features=1, n_cells=1),
        spikes=Spikes(
            row=np.zeros(len(order), dtype=np.int64), cell=cells[order], time_ms=np.concatenate(times)[order]
        ),
        n_networks=1, n_windows=1, window_ms=190.0,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    own = np.array([ran.counts(rng)[0, 0] for _ in range(400)])
    assert own[:, 0].mean() == pytest.approx(own[:, 1].mean(), abs=0.14)
    np.testing.assert_array_equal(ran.counts(None)[0, 0], [9, 8])


def test_jitter_and_permutation_keep_counts() -> None:
    ran = simulated(
        Gestalt(n_objects=2), SMALL, RunContext(rng=np.random.default_rng(2), progress=silent()), 2
    )
    rng = np.random.default_rng(0)
    for moved in (ran.jittered(5.0, rng), ran.permuted(rng)):
        assert moved.rate_Hz == ran.rate_Hz
        cells = [np.bincount(r.spikes.cell + 100 * r.spikes.row) for r in (ran, moved)]
        np.testing.assert_array_equal(cells[0], cells[1])
        assert not np.array_equal(moved.spikes.time_ms, ran.spikes.time_ms)


def test_sentences_and_figures_follow_the_run(outcome: Outcome) -> None:
    assert "clearly more" in outcome.in_short[0]
    assert "4 with inhibition after 0.2 ms and" in outcome.in_short[1]
    assert set(outcome.pictures) == {"volleys", "reading", "apart"}
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"n_objects": 1}, "n_objects must be >= 2"),
        ({"objects": (4, 3)}, "objects must be ordered"),
        ({"delays": (0.01,)}, "delays must be >= 0.1"),
    ],
)
def test_what_cannot_be_run_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(SMALL, **changes)  # type: ignore[arg-type]


def test_a_recipe_refuses_what_it_cannot_wire() -> None:
    with pytest.raises(ValueError, match=r"Gestalt\.delay_ms must lie in"):
        Gestalt(delay_ms=0.01)
