"""expressive-transformer, small: predictions of sampling are met, and its sentences follow the numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pragmatic.machines.arithmetic import Exponential, Product, Sum
from pragmatic.score_maps import Softmax
from scenarios.expressive_transformer import Params, run
from scenarios.expressive_transformer.price import Curve, rms
from scenarios.expressive_transformer.theory import (
    best_gain,
    inputs,
    predicted_error,
    spikes_for_count,
    wrong_count,
)
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.statistics import Estimate
from scenarios.workbench.style import style

SMALL = Params(
    spikes=(16, 64),
    n_rows=300,
    matches=(1,),
    bits=3,
    few_spikes=(1, 4, 8),
    branch_spikes=32,
    inhibition=(0.0, 6.0),
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_samples_have_the_error_computed_for_them(outcome: Outcome) -> None:
    """Each within 5 of its standard errors, which few rows and heavy tails leave uncertain themselves."""
    data = outcome.dataset.sel(source="sampled")
    for name in ("sum", "product", "product_logit", "exp", "exp_odds"):
        at = data.sel(construction=name)
        assert (abs(at.error - at.predicted) < 5 * at.error_se).all(), name


def test_samples_may_be_left_out() -> None:
    few = replace(SMALL, heads=("softmax", "spiking"), n_rows=40, spikes=(16,))
    outcome = run(few, RunContext(rng=np.random.default_rng(1), progress=silent()))
    assert list(outcome.dataset.source.values) == ["circuit", "regular"]
    assert outcome.metrics["sum"].control is None
    assert "sampled" not in outcome.verdict
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_the_circuit_pays_the_price_and_regular_cells_pay_less(outcome: Outcome) -> None:
    """Random cells within 25 % of samples; regular ones at 64 spikes at most half their error."""
    at = outcome.dataset.sel(budget=64)
    for name in ("sum", "product", "product_logit", "exp", "exp_odds", "program"):
        circuit, sampled, regular = (
            float(at.error.sel(source=s, construction=name)) for s in at.source.values
        )
        assert circuit == pytest.approx(sampled, rel=0.25), name
        assert regular < 0.5 * circuit, name
    assert outcome.metrics["product_logit"].value < outcome.metrics["product"].value


def test_inhibition_off_computes_the_denominator_and_on_divides_it_out(outcome: Outcome) -> None:
    metrics = outcome.metrics
    assert metrics["slope_cut"].value == pytest.approx(1, abs=0.04)
    assert abs(metrics["bias_cut"].value) < 0.04
    assert metrics["spread_cut_64"].value == pytest.approx(1 / 8, rel=0.2)
    assert metrics["slope_loop"].value < 0.3
    for name in ("share_cut", "share_loop"):
        assert metrics[name].value == pytest.approx(1, abs=0.25)
    assert "computes the logarithm" in outcome.in_short[1]
    assert "largely divided out" in outcome.in_short[1]


def test_an_inhibited_branch_saves_two_rows_of_three(outcome: Outcome) -> None:
    assert outcome.metrics["saved"].value == pytest.approx(2 / 3, abs=0.02)
    assert outcome.metrics["gated_6"].value < 1.3 * outcome.metrics["both"].value
    assert outcome.metrics["gated_0"].value > 2 * outcome.metrics["gated_6"].value
    assert outcome.metrics["leaked_6"].value < 0.01
    assert f"saves {outcome.metrics['saved']:.0%} of the spikes" in outcome.in_short[2]


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"regime", "price", "switch"}


def test_computed_errors_are_those_of_the_reference() -> None:
    """Products at their best gain, read as a difference and by the logit: figures of a numpy prototype."""
    for n, difference, logit in ((16, 0.148, 0.119), (64, 0.104, 0.071), (1024, 0.047, 0.021)):
        for made, error in ((Product(), difference), (Product(read_out="logit"), logit)):
            best = best_gain(made, n, regular=False)
            assert predicted_error(best, n, regular=False) == pytest.approx(error, rel=0.08)


def test_a_sum_of_samples_is_off_by_the_closed_form() -> None:
    """|x - y| / sqrt(N), root mean square sqrt(2 / 3) over the square; a grid of 8 points is 1 % short."""
    assert predicted_error(Sum(), 100, regular=False) == pytest.approx(np.sqrt(2 / 3) / 10, rel=0.02)
    assert predicted_error(Sum(), 100, regular=True) == pytest.approx(0, abs=1e-12)  # 50 spikes each


def test_systematic_counts_have_their_mean() -> None:
    """Without bias: an output that is linear in the counts has the error of softmax plus a variance."""
    made = Exponential(gain=3.0)
    x, y = inputs(1000, np.random.default_rng(0))
    bias = rms(((made(x, y, Softmax()) - x.exp()) / x.exp()).numpy()).value
    assert predicted_error(made, 4096, regular=True) == pytest.approx(bias, rel=0.05)


@pytest.mark.parametrize(("d", "spikes"), [(1, 239), (2, 849), (16, 137_599)])
def test_the_price_of_a_count(d: int, spikes: float) -> None:
    assert spikes_for_count(d) == pytest.approx(spikes, rel=0.001)


def test_counts_at_that_price_are_wrong_in_a_hundred() -> None:
    """Half of the two-sided 1 % lies beyond the nearer midpoint; the other one is further."""
    assert 0.002 < wrong_count(2, 12, 849, regular=False) < 0.01


def test_exponents_are_those_of_a_power_law() -> None:
    n = np.array([16, 64, 256])
    law = n**-0.4
    curve = Curve(n_spikes=n, error=[Estimate(value=v, error=v / 100) for v in law], predicted=2 * law)
    assert curve.exponent.value == pytest.approx(-0.4)
    assert curve.exponent.error == pytest.approx(0.01 / np.sqrt(2) / np.log(4))
    assert curve.predicted_exponent == pytest.approx(-0.4)
    assert np.isnan(replace(curve, predicted=np.zeros(3)).predicted_exponent)


def test_budgets_out_of_order_are_refused() -> None:
    with pytest.raises(UsageError, match=r"spikes must be ordered without repeats, got 64,16; use 16,64"):
        replace(SMALL, spikes=(64, 16))
