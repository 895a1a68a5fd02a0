"""coherence-routes at small size: spike times in print, information by rival, sentences and figures follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scenarios.coherence_routes import Params, run
from scenarios.coherence_routes.senders import Sender, Trials, information, matched, plain, predicted, send
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from spiking.circuits.receiver import Receiver
from spiking.circuits.two_inputs import TwoInputs
from spiking.engines import Brian2, Fused
from spiking.networks import simulate_circuit

SMALL = Params(
    kappas=(0.63,), rivals=2, n_trials=1000, n_received=40, n_routed=20, window_ms=40.0, pair_ms=60.0,
    lags=(0.3,), rates=(1.0,),
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_the_pair_fires_at_the_times_in_print_on_both_engines(outcome: Outcome) -> None:
    """Of three in 60 ms; three digits are printed, a step is 0.01 ms."""
    assert outcome.metrics["chapter_38"].value < 0.01
    assert "3 on brian2 and 3 on fused" in outcome.verdict


@pytest.mark.parametrize(
    ("rival", "reference"),
    [(Sender(kappa=0.0), 227), (Sender(f_Hz=25.0), 69), (Sender(), 8.2)],
    ids=["asynchronous", "other frequency", "same band"],
)
def test_matched_filter_gets_the_information_of_the_reference(rival: Sender, reference: float) -> None:
    """Within 15 % and two standard errors: the reference comes from a percentage correct.

    The theory takes all rivals' leaks for alike, and is as near as a quarter.
    """
    rng = np.random.default_rng(2)
    trials = send((Sender(), rival, rival, rival), 2000, 100.0, rng, apart_rad=0.2)
    got = information(matched(trials), trials, rng)
    assert abs(got.value - reference) < 0.15 * reference + 2 * got.error
    assert predicted(trials, filtered=True) == pytest.approx(reference, rel=0.25)


def test_information_of_counts_is_that_of_the_rivals_directions() -> None:
    """Unit leaks and next to no noise: 2 (1 + 4) / 3 for three rivals."""
    rng = np.random.default_rng(3)
    quiet = Sender(kappa=0.0)
    trials = send((quiet,) * 4, 2000, 100.0, rng, apart_rad=0.4)
    got = information(plain(trials), trials, rng)
    assert predicted(trials, filtered=False) == pytest.approx(10 / 3, rel=0.05)
    assert abs(got.value - 10 / 3) < 3 * got.error + 0.1  # the two directions are not infinitely close


def test_information_is_unbiased_for_noise_of_known_size() -> None:
    rng = np.random.default_rng(4)
    read = rng.standard_normal((400, 8))
    trials = Trials(
        counts=np.zeros((400, 1, 8)),
        modulation=np.ones((400, 1, 1)),
        tuned=np.zeros((400, 1, 8)),
        apart_rad=0.5,
    )
    read[trials.second, 0] += 1.0  # d' of 1 over 0.5 rad: 4
    got = information(read, trials, rng)
    assert abs(got.value - 4) < 3 * got.error
    assert information(np.zeros((400, 8)), trials, rng).value == 0


def test_a_receiver_is_the_same_on_both_engines_and_gamma_needs_its_inhibition() -> None:
    trials = send((Sender(kappa=5.0),), 2, 60.0, np.random.default_rng(5))
    receiver = Receiver(n_exc=4, n_inh=4)
    counts = {}
    for name, made, engine in (
        ("fused", receiver, Fused("float64")),
        ("brian2", receiver, Brian2()),
        ("without", replace(receiver, g_ie_nS=0.0), Fused("float64")),
    ):
        ran = simulate_circuit(
            lambda rng, made=made: made.build(trials.counts, 1.0, rng),  # type: ignore[misc]
            duration_ms=160.0, record=("exc",), engine=engine, rng=np.random.default_rng(6),
        )  # fmt: skip
        counts[name] = np.bincount(ran.spikes["exc"].cell, minlength=64)
    np.testing.assert_array_equal(counts["fused"], counts["brian2"])
    assert 0 < counts["fused"].sum() < 0.7 * counts["without"].sum()


def test_rivals_of_the_band_cost_the_filter_most(outcome: Outcome) -> None:
    m = outcome.metrics
    assert m["ratio"].value > 10
    assert m["information_matched_frequency_0.63"].value < m["information_matched_asynchronous_0.63"].value
    assert m["efficiency_asynchronous"].value < 0.2


def test_figures_draw(outcome: Outcome) -> None:
    assert set(outcome.pictures) == {"rivals", "pair"}
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lags": (0.3, 0.1)}, "lags must be ordered"),
        ({"n_trials": 101}, "n_trials must be even"),
        ({"rates": (2.0, 1.0)}, "rates must be ordered"),
    ],
)
def test_what_cannot_be_run_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Params(**changes)  # type: ignore[arg-type]


def test_circuits_refuse_what_they_cannot_step() -> None:
    with pytest.raises(ValueError, match=r"TwoInputs\.dt_ms must lie in"):
        TwoInputs(dt_ms=0.05)
    with pytest.raises(ValueError, match=r"Receiver\.n_inh must be"):
        Receiver(n_inh=0)
