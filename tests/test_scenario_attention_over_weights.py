"""The scenario attention-over-weights at small size: windows, operations, retrieval, mixed programs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scenarios.attention_over_weights import Params, run
from scenarios.attention_over_weights.locality import DIM, DIM_CUE, MixedWeights, Modes, operations
from scenarios.attention_over_weights.programs import PROGRAMS, Networks
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    spikes=(1, 16), mode_length=8, n_modes=3, windows=(1, 8, 32), sets=(3,), iterations=120, seeds=2,
    n_items=512, n_queries=120, program_noise=(0.0, 1.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_a_window_as_long_as_a_mode_explains_most(outcome: Outcome) -> None:
    """Shorter ones see little of the cue, longer ones mix modes: apart by many standard errors."""
    metrics = outcome.metrics
    assert metrics["best_window"].value == 8
    assert metrics["explained"].value > metrics["explained_window_1"].value + 0.1
    assert metrics["explained"].value > metrics["explained_window_32"].value + 0.1
    assert metrics["explained"].value > metrics["explained_plain"].value + 0.2
    assert "for every 8 positions" in outcome.in_short[0]


def test_more_spikes_select_better(outcome: Outcome) -> None:
    """16 regular spikes of three sets are off by a rounding, at most 1/16 of a weight: some .01 of the variance."""
    metrics = outcome.metrics
    assert metrics["explained_spiking_1"].value < metrics["explained_spiking_16"].value
    assert metrics["explained_spiking_16"].value == pytest.approx(metrics["explained"].value, abs=0.05)


def test_one_spike_retrieves_as_often_as_softmax_weighs(outcome: Outcome) -> None:
    """120 queries: the share of right spikes within 4 standard errors of the mean weight."""
    weight, right = outcome.metrics["retrieved_mass"].value, outcome.metrics["retrieved_1"].value
    assert right == pytest.approx(weight, abs=4 * np.sqrt(weight * (1 - weight) / 120) + 1e-9)
    assert outcome.metrics["retrieved_16"].value >= right


def test_figures(outcome: Outcome) -> None:
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_operations_are_those_of_the_products() -> None:
    """K matrices mixed once for w positions: K (d² + c) / w beside d² a position."""
    assert operations(8, 8) == pytest.approx(1 + (DIM * DIM + DIM_CUE) / DIM**2)
    assert operations(1, 10**9) == pytest.approx(1)


def test_one_set_is_a_plain_layer() -> None:
    model = MixedWeights(1, 4, np.random.default_rng(0))
    x, cue = torch.randn(2, 8, DIM), torch.randn(2, 8, DIM_CUE)
    torch.testing.assert_close(model(x, cue), x @ model.sets[0].T)


def test_modes_change_where_they_should() -> None:
    """The outputs are those of one matrix for `mode_length` positions."""
    modes = Modes.of(SMALL, np.random.default_rng(0))
    x, _, y = modes.draw(3, np.random.default_rng(1))
    said = torch.einsum("mij,btj->mbti", modes.matrices, x)
    fits = ((said - y).abs().amax(dim=-1) < 1e-4).unflatten(
        -1, (-1, SMALL.mode_length)
    )  # (mode, B, segment, t)
    assert fits.all(dim=-1).any(dim=0).all()


def test_mixing_one_program_is_that_program() -> None:
    """Weights of one: mixed weights and mixed outputs are the same network."""
    networks, point = Networks(np.random.default_rng(0)), torch.rand(7, 2)
    with torch.no_grad():
        for weight in networks.parameters():
            weight += 0.1 * torch.randn_like(weight)
        torch.testing.assert_close(networks.mixed(torch.eye(len(PROGRAMS)), point), networks(point))


def test_windows_divide_the_sequence() -> None:
    with pytest.raises(UsageError, match="windows must divide the sequence of 64 positions, got 3"):
        Params(windows=(1, 3))
