"""which-law at small size: known laws are recognised, the rate of a key predicts beta, sentences follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scenarios.which_law import Params, run
from scenarios.which_law.circuits import CIRCUITS
from scenarios.which_law.measures import _against_softmax
from scenarios.which_law.theory import RateCurve
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from spiking import GammaCircuit

SMALL = Params(circuits=("exponential", "power", "lif-unequal-20"), n_rows=40, duration_ms=500.0, repeats=3)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_the_loop_of_exponential_cells_is_a_softmax_and_that_of_power_cells_is_none(outcome: Outcome) -> None:
    """The difference is 7 +- .7 nats per 1000 spikes at full size, six errors of this one."""
    m = outcome.metrics
    exponential, power = m["behind_exponential"], m["behind_power"]
    assert exponential.value <= 2 * (exponential.standard_error or 0.0) + 1e-9
    assert power.value > 3 * (power.standard_error or 0.0)
    assert "1 of 1 circuits whose cells fire exponentially" in outcome.in_short[0]
    assert m["holds_exponential"].value > m["holds_power"].value


def test_unequal_cells_leave_an_error_that_no_spikes_mend(outcome: Outcome) -> None:
    left = outcome.metrics["left_lif-unequal-20"]
    assert left.value > 4 * (left.standard_error or 0.0)
    assert outcome.metrics["left_worst"].value == left.value


def test_the_rate_of_a_lone_key_predicts_beta_of_exponential_cells(outcome: Outcome) -> None:
    """Within 20 %: at the inputs that count a point of the curve has some 50 spikes, 14 %, one of several."""
    beta = outcome.metrics["beta_exponential"]
    assert beta.control == pytest.approx(beta.value, rel=0.2)


def test_an_exponential_rate_makes_a_softmax_and_shunting_divides_its_scores() -> None:
    x = np.arange(-16.0, 0.01, 0.5)
    curve = RateCurve(x=x, rate_Hz=1e4 * np.exp(x))
    inputs = np.array([[0.0, -1.0, -2.0]])
    total = 1e4 * np.exp(-5.0) * np.exp(inputs).sum(axis=1)
    shares, offset = curve.shares(inputs, total)
    np.testing.assert_allclose(offset, -5.0, atol=0.01)
    np.testing.assert_allclose(shares, np.exp(inputs) / np.exp(inputs).sum(), atol=1e-6)
    divided, lower = curve.shares(inputs, total, drive=10.0)
    factor = (10.0 + lower[0]) / 10.0
    np.testing.assert_allclose(divided, np.exp(factor * inputs) / np.exp(factor * inputs).sum(), atol=1e-6)


def test_a_softmax_holds_as_far_as_there_are_spikes_and_a_cut_one_to_its_cut() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(0, 1.5, (400, 8))
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    cut = np.where(scores < scores.max(axis=1, keepdims=True) - 2, 0.25, 1.0) * weights
    cut /= cut.sum(axis=1, keepdims=True)
    whole_ratio, _, whole = _against_softmax(rng.multinomial(400, weights), scores)
    _, _, short = _against_softmax(rng.multinomial(400, cut), scores)
    assert np.nanmax(np.abs(whole_ratio[:8] - 1)) < 0.1
    assert whole >= 5.0
    assert short == 2.0


def test_figures_draw_and_the_data_have_every_circuit(outcome: Outcome) -> None:
    assert list(outcome.dataset.circuit.values) == list(SMALL.circuits)
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


def test_every_circuit_has_a_name_for_people_and_can_be_scaled() -> None:
    assert len({kind.label for kind in CIRCUITS.values()}) == len(CIRCUITS) >= 10
    for kind in CIRCUITS.values():
        scaled = kind.circuit.varied(gain=2.0)
        gain = scaled.params.gain if isinstance(scaled, GammaCircuit) else scaled.gain
        assert gain == 2.0
        assert type(scaled) is type(kind.circuit)


def test_only_cells_without_an_exponential_are_spoken_of_where_there_are_none() -> None:
    outcome = run(
        replace(SMALL, circuits=("exponential",), n_rows=10, duration_ms=200.0, repeats=1),
        RunContext(rng=np.random.default_rng(3), progress=silent()),
    )
    assert "Without an exponential cell" not in outcome.verdict
    assert "whose cells do not" not in outcome.verdict
