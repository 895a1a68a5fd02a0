"""What goes back through the spikes against finite differences of what the simulation does in the mean."""

from __future__ import annotations

import numpy as np
import pytest
from gradients import (
    Case,
    Gradient,
    finite_differences,
    missed,
    missed_by_theory,
    random_case,
    through_spikes,
)

from bridge import SpikingHead
from spiking import GammaCircuit, GammaParams

STEP = 0.4  # in scores: the curvature of a softmax moves a central difference by at most 3 %
NOISE = 0.07  # of the finite differences, relative to the gradient; costs .0025 of cosine


def random_cases(seed: int, n_cases: int) -> list[Case]:
    """Random rows of 4 to 16 keys."""
    rng = np.random.default_rng(seed)
    return [random_case(rng, int(rng.integers(4, 17))) for _ in range(n_cases)]


def gradients(
    head: SpikingHead, spikes: int, cases: list[Case], noise: float = NOISE
) -> list[tuple[Gradient, Gradient]]:
    """Finite differences and what went through the spikes."""
    pairs = []
    for case in cases:
        n_rows = case.rows_needed(noise=noise, spikes=spikes, step=STEP)
        differences = finite_differences(head, case, n_rows=n_rows, step=STEP)
        pairs.append((differences, through_spikes(head, case, n_rows=n_rows)))
    return pairs


@pytest.mark.parametrize(
    "params",
    [GammaParams(n_cells=10, settle_ms=50.0), GammaParams.regular_brief()],
    ids=["escape", "regular"],
)
def test_the_gradient_is_that_of_the_simulated_mean(params: GammaParams) -> None:
    """Two rows of ten cells a key: cosine at least .99, of a linear loss and of a curved one."""
    head = SpikingHead(GammaCircuit(params), spikes=64)
    for differences, surrogate in gradients(head, 64, random_cases(1, 2), noise=0.08):
        assert differences.cosine(surrogate).min() >= 0.99


@pytest.mark.slow
def test_twenty_random_cases(capsys: pytest.CaptureFixture[str]) -> None:
    """Cosine at least .99 in each of 20 random cases at 64 spikes; ten cells a key, which bend the law most."""
    head = SpikingHead(GammaCircuit(GammaParams(n_cells=10)), spikes=64)
    cosines = np.array([a.cosine(b) for a, b in gradients(head, 64, random_cases(6, 20))])
    with capsys.disabled():
        print(f"\n10 cells a key, 64 spikes, 20 cases (finite differences' noise {NOISE:.0%})")
        for name, column in zip(("linear", "curved"), cosines.T, strict=True):
            print(f"  {name} loss: cosine median {np.median(column):.4f}, smallest {column.min():.4f}")
    assert cosines[:, 0].min() >= 0.99


@pytest.mark.slow
def test_bias_against_the_number_of_spikes(capsys: pytest.CaptureFixture[str]) -> None:
    """What the surrogate misses of the true gradient: little of a linear loss, 1 / spikes of a curved one.

    A curved loss also depends on the spread of the shares, whose gradient no score map hands back; theory is
    that part for independent spikes. Ten cells a key, by the plain softmax and by the law that was fitted.
    """
    circuit, cases = GammaCircuit(GammaParams(n_cells=10, settle_ms=50.0)), random_cases(7, 8)
    fitted = SpikingHead(circuit, spikes=256).fit_law(np.random.default_rng(8))
    curves = []
    for spikes in (4, 16, 64):
        pairs = gradients(SpikingHead(circuit, spikes=spikes), spikes, cases, noise=0.1)
        head = SpikingHead(circuit, spikes=spikes, law=fitted)
        refitted = [
            (true, through_spikes(head, case, n_rows=plain.n_rows))
            for case, (true, plain) in zip(cases, pairs, strict=True)
        ]
        curves.append((missed(pairs), missed(refitted)))
    with capsys.disabled():
        print(f"\n{fitted}\n{'':23}linear loss                 curved loss")
        print("spikes law      missed    ±  slope    ±     missed    ±  slope    ±  theory")
        for spikes, both in zip((4, 16, 64), curves, strict=True):
            for name, m in zip(("softmax", "fitted "), both, strict=True):
                cells = zip(m.share, m.share_se, m.slope, m.slope_se, strict=True)
                numbers = "     ".join(" ".join(f"{x:6.3f}" for x in row) for row in cells)
                print(f"{spikes:>6} {name} {numbers} {missed_by_theory(cases, spikes):7.3f}")
    few, enough = curves[0][1], curves[-1][1]
    assert enough.share[0] < 0.14  # a cosine of .99
    assert few.share[1] > 4 * enough.share[1]  # 16 by theory
