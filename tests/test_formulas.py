"""One formula for the law that is fitted and the map that a model runs: arrays and tensors give the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import entmax
import numpy as np
import pytest
import torch
from torch import Tensor

from bridge import LAWS, choice_of, fit
from bridge.laws.families import Range, SelectionLaw
from pragmatic import Entmax, Power, ScoreMap, Softmax, TopK, Uniform, formulas

RNG = np.random.default_rng(0)
SCORES = RNG.normal(0.0, 1.5, (40, 12))
MASK = RNG.random(SCORES.shape) < 0.7
MASK[:, 0] = True

SAME = {  # law -> its parameters, and the score map that they make
    "softmax": ((0.8,), Softmax(temperature=1 / 0.8)),
    "entmax": ((1.0, 1.3), Entmax(alpha=1.3)),
    "power": ((0.5, 1.7), Power(offset=0.5, exponent=1.7)),
    "linear": ((0.5,), Power(offset=0.5, exponent=1.0)),
    "top-k": ((0.8, 3.0), TopK(k=3, temperature=1 / 0.8)),
    "uniform": ((), Uniform()),
}


def test_every_law_has_its_map() -> None:
    assert set(SAME) == set(LAWS)


@pytest.mark.parametrize("name", SAME)
def test_a_law_is_the_score_map_of_its_formula(name: str) -> None:
    """Up to the rounding of 1 / 0.8 and of two libraries' exponentials."""
    parameters, score_map = SAME[name]
    by_map = score_map(torch.from_numpy(SCORES), torch.from_numpy(MASK)).numpy()
    np.testing.assert_allclose(LAWS[name].choice(SCORES, MASK, *parameters), by_map, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("alpha", [1.05, 1.3, 1.5, 1.9, 2.0, 2.5])
def test_the_gradient_through_entmax_is_that_of_its_library(alpha: float) -> None:
    upstream = torch.from_numpy(RNG.normal(size=SCORES.shape))

    def gradient(weights_of: Callable[[Tensor], Tensor]) -> Tensor:
        scores = torch.from_numpy(SCORES).requires_grad_()
        return torch.autograd.grad((weights_of(scores) * upstream).sum(), scores)[0]

    ours = gradient(lambda s: formulas.entmax(s, alpha))
    theirs = gradient(lambda s: entmax.entmax_bisect(s, alpha=alpha, n_iter=100))
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)


def test_single_precision_keeps_its_digits() -> None:
    """Newton's last step starts within 5e-4 and squares it: far below the type's rounding of 1e-7."""
    double = Entmax(alpha=1.3)(torch.from_numpy(SCORES))
    single = Entmax(alpha=1.3)(torch.from_numpy(SCORES).float())
    torch.testing.assert_close(single.double(), double, rtol=1e-4, atol=1e-6)


def test_any_score_map_can_be_fitted_as_a_law() -> None:
    """A law from the softmax map through tensors is the softmax law, in estimate and likelihood."""

    def tempered(temperature: float) -> ScoreMap:
        return Softmax(temperature=temperature)

    law = SelectionLaw(
        name="tempered",
        own_parameters=("temperature",),
        choice=choice_of(tempered),
        ranges=lambda scale: (Range(lower=0.1, upper=10.0, starts=(1.0,)),),
        source="test",
    )
    counts = np.random.default_rng(1).multinomial(300, formulas.softmax(SCORES / 1.4))
    report = fit(counts, SCORES, laws=[law, "softmax"])
    assert report["tempered"]["temperature"].value == pytest.approx(
        1 / report["softmax"]["beta"].value, rel=1e-4
    )
    assert report["tempered"].log_likelihood == pytest.approx(report["softmax"].log_likelihood, rel=1e-7)


def test_arrays_need_no_torch() -> None:
    program = (
        "import sys, numpy as np; from pragmatic import formulas; formulas.entmax(np.zeros((2, 3)), 1.3);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
