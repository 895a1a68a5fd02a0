"""Sources of spikes that scenarios compare, and the power law fitted to what they give."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.sources import SOURCES, SourceParams, power
from scenarios.workbench.statistics import Estimate


def test_an_exponent_is_that_of_the_law_and_its_error_that_of_the_estimates() -> None:
    x = [4, 16, 64, 256]
    made = power(x, [Estimate(value=3.0 * n**-1.5, error=0.1 * 3.0 * n**-1.5) for n in x])
    assert made.value == pytest.approx(-1.5)
    log = np.log(x)
    assert made.error == pytest.approx(0.1 / np.sqrt(((log - log.mean()) ** 2).sum()))


def test_what_has_no_logarithm_is_left_out() -> None:
    zero, known = Estimate(value=0.0, error=0.0), Estimate(value=2.0, error=0.1)
    assert np.isnan(power([1, 2], [zero, known]).value)
    assert power([1, 2, 4], [zero, known, Estimate(value=8.0, error=0.1)]).value == pytest.approx(2)


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_draws_rows(source: str) -> None:
    draw = SourceParams().signed_rows(source, 16, RunContext(rng=np.random.default_rng(0), progress=silent()))
    drawn = draw(torch.tensor([[1.0, -2.0, 0.5]]))
    assert float(drawn.abs().sum()) == pytest.approx(3.5)
    assert draw.score_map.mode == ("sampled" if source == "sampled" else "simulated")


def test_an_unknown_circuit_is_refused() -> None:
    with pytest.raises((UsageError, ValueError), match="regular must be one of"):
        SourceParams(regular="steady")
    with pytest.raises(
        ValueError, match=r"regular 'os\.path:join': calling it without arguments raised TypeError"
    ):
        SourceParams(regular="os.path:join").source_circuit("regular")
