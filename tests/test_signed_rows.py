"""Signed linear combinations drawn by spikes: unbiased, of the variance that theory gives, with their gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridge import SpikingScoreMap
from bridge.heads.signed import SignedRows, signed_variance
from spiking import Budget, GammaCircuit, GammaParams

ROW = torch.tensor([0.7, -1.2, 0.0, 0.3, -0.1, 2.0], dtype=torch.float64)
VALUES = torch.tensor([[1.0], [2.0], [9.0], [-1.0], [0.5], [1.0]], dtype=torch.float64)


def drawer(
    spikes: int, *, kind: str = "brief", mode: str = "simulated", temperature: float = 1.0
) -> SignedRows:
    params = {"brief": GammaParams.brief, "regular": GammaParams.regular_brief}[kind](temperature=temperature)
    budget, rng = Budget(spikes=spikes), np.random.default_rng(1)
    return SignedRows(SpikingScoreMap(GammaCircuit(params), budget, rng, mode=mode, record="counts"))


@pytest.mark.parametrize(("mode", "least"), [("sampled", 0.91), ("simulated", 0.6)])
def test_the_mean_is_the_row_and_the_variance_that_of_signed_samples(mode: str, least: float) -> None:
    """4000 rows of 16 spikes: means within 4 standard errors, and a variance is known to 2.2 %, of which 4 are
    allowed. A volley of the circuit draws a key's 20 cells without replacement: its variance may be smaller."""
    rows = ROW.expand(4000, -1)
    got = (drawer(16, mode=mode)(rows) @ VALUES)[:, 0].numpy()
    law = float(signed_variance(ROW[None], VALUES, 16))
    assert got.mean() == pytest.approx(float(ROW @ VALUES[:, 0]), abs=4 * (law / 4000) ** 0.5)
    assert least * law < got.var() < 1.09 * law


def test_regular_cells_draw_with_less_variance() -> None:
    """SCIENCE 11: below a third of the multinomial's at 16 spikes and few keys."""
    got = drawer(16, kind="regular")(ROW.expand(1000, -1)) @ VALUES
    assert float(got.var()) < 0.4 * float(signed_variance(ROW[None], VALUES, 16))


def test_random_cells_draw_a_strong_link_a_little_too_weak_and_regular_ones_do_not() -> None:
    """Depletion, 2 % of 3 at 1024 spikes; the mean of 400 draws is known to .0025, of regular cells far better."""
    rows = torch.tensor([3.0, 1.0], dtype=torch.float64).expand(400, -1)
    random, regular = (float(drawer(1024, kind=kind)(rows)[:, 0].mean()) - 3 for kind in ("brief", "regular"))
    assert -0.09 < random < -0.03
    assert abs(regular) < 0.002


def test_rows_with_nothing_to_select_are_exact_and_take_no_spike() -> None:
    draw = drawer(4)
    rows = torch.tensor([[0.0, -1.5, 0.0], [0.0, 0.0, 0.0]])
    assert torch.equal(draw(rows), rows)
    assert draw.score_map.usage.rows == 0
    draw(torch.tensor([[1.0, -1.5, 0.0]]))
    assert draw.score_map.usage.rows == 1


def test_signs_sizes_and_temperature_are_kept() -> None:
    """Whatever is drawn, absolute values add up to the row's, and no absent link appears."""
    drawn = drawer(64, temperature=2.0)(ROW.expand(400, -1))
    assert torch.allclose(drawn.abs().sum(dim=-1), ROW.abs().sum())
    assert (drawn * ROW >= 0).all()
    error = drawn.std(dim=0) / 20
    assert (abs(drawn.mean(dim=0) - ROW) <= 4 * error + 1e-12).all()


def test_the_gradient_passes_unchanged() -> None:
    rows = ROW.expand(3, -1).clone().requires_grad_()
    drawn = drawer(4)(rows)
    (drawn @ VALUES).sum().backward()
    assert rows.grad is not None
    assert torch.equal(rows.grad, VALUES[:, 0].expand(3, -1))


def test_rows_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="coefficients must be finite, got nan or inf; bound the matrix"):
        drawer(4)(torch.tensor([[1.0, float("nan")]]))
    with pytest.raises(TypeError, match="score_map must be a SpikingScoreMap, got 3"):
        SignedRows(3)  # type: ignore[arg-type]
