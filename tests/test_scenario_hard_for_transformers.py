"""The scenario hard-for-transformers at small size, and the constructions whose signal fades with length."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pragmatic.machines.lengths import LogLength, cross_entropy_bits, first_signal, layer_norm, parity_signal
from pragmatic.score_maps import Softmax
from scenarios.hard_for_transformers import Params, run
from scenarios.hard_for_transformers.dilution import Window, diluted_weight
from scenarios.hard_for_transformers.measures import name_of
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    spikes=(1, 32),
    keys=(16, 256),
    n_rows=100,
    train_keys=4,
    test_keys=(4, 8),
    iterations=10,
    seeds=2,
    windows=4,
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def strings(n: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(n).integers(0, 2, size=(64, n)))


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_parity_is_exact_at_any_length(n: int) -> None:
    """The bump reaches its position alone, so that the sign is the answer; its height falls as 1 / n^2."""
    bits = strings(n)
    signal, odd = parity_signal(bits, 4.0, Softmax(), Softmax()), bits.sum(dim=1) % 2 == 1
    assert torch.equal(signal > 0, odd)
    assert float(signal.abs().max()) < 4 / (n + 1) ** 2 * 1.5


def test_the_first_symbol_has_its_weight() -> None:
    bits = strings(100)
    weight = 1 / (1 + 100 * math.exp(-4.0))
    signal = first_signal(bits, 4.0, Softmax())
    np.testing.assert_allclose(signal.numpy(), weight * (2 * bits[:, 0].numpy() - 1), rtol=1e-12)


def test_a_faded_signal_leaves_one_bit_and_layer_norm_restores_it() -> None:
    signal, answer = torch.tensor([1e-4, -1e-4], dtype=torch.float64), torch.tensor([True, False])
    np.testing.assert_allclose(cross_entropy_bits(signal, answer, 8.0), 1.0, atol=1e-3)
    restored = cross_entropy_bits(layer_norm(signal, 0.0), answer, 8.0)
    np.testing.assert_allclose(restored, math.log1p(math.exp(-8)) / math.log(2), rtol=1e-9)
    assert layer_norm(torch.zeros(1), 0.0) == 0


def test_the_temperature_falls_with_the_keys_that_take_part() -> None:
    """A margin of ln n0 keeps the weight of the right key, whatever n."""
    cooled = LogLength(score_map=Softmax(), reference=8)
    for n in (8, 64, 512):
        scores = torch.zeros(1, n, dtype=torch.float64)
        scores[0, 0] = math.log(8)
        assert cooled(scores)[0, 0] == pytest.approx(1 / (1 + (n - 1) / n), rel=1e-12)
        mask = (torch.arange(n) < 8)[None]
        torch.testing.assert_close(cooled(scores, mask), Softmax()(scores, mask))


def test_a_window_keeps_what_is_near_the_best() -> None:
    weights = Window(width=1.0)(torch.tensor([[0.0, 2.5, 3.0]]))
    assert weights[0, 0] == 0
    assert weights[0, 2] == pytest.approx(1 / (1 + math.exp(-0.5)))


def test_softmax_dilutes_by_the_law(outcome: Outcome) -> None:
    """Within 4 standard errors of 1 / (1 + (n - 1) e^(s^2/2 - c)); n0 keys keep at least as much when cooled."""
    for n in SMALL.keys:
        line = outcome.metrics[f"weight_{n}"]
        law = diluted_weight(np.array(n), SMALL.margin, SMALL.spread)
        assert line.standard_error is not None
        assert line.value == pytest.approx(float(law), abs=4 * line.standard_error + 0.005)
    assert outcome.metrics["weight_cooled"].value > 0.5 > outcome.metrics["weight"].value


def test_a_vote_outlives_the_mean(outcome: Outcome) -> None:
    """32 spikes, of which about 5 are the right key's and the others spread over 255, against a weight of .16."""
    assert outcome.metrics["won_random_32"].value > 0.9
    assert outcome.metrics["won_sampled_1"].value < 0.4
    spent = outcome.metrics["spent_random_lead_3"]
    assert spent.control is not None
    assert spent.value > 2 * spent.control


def test_parity_fades_in_softmax_and_fails_in_spikes(outcome: Outcome) -> None:
    metrics = outcome.metrics
    assert metrics["bits_parity_none"].value > 0.99
    assert metrics["bits_parity_log"].value > 0.99
    assert metrics["bits_parity_exact_norm"].value < 0.01
    assert metrics["bits_first_log"].value < 0.01
    assert metrics["right_parity_random_32"].value == pytest.approx(0.5, abs=0.2)  # 4 errors of 100 guesses
    assert "parity: layer norm without epsilon." in outcome.in_short[-1]


def test_figures_are_drawn(outcome: Outcome) -> None:
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


@pytest.mark.parametrize("heads", [("softmax",), ("softmax", "sampled")])
def test_without_a_circuit(heads: tuple[str, ...]) -> None:
    params = replace(SMALL, heads=heads, keys=(4, 8), n_rows=8, iterations=1)
    small = run(params, RunContext(rng=np.random.default_rng(1), progress=silent()))
    assert "random cells" not in small.verdict
    assert small.headline[-1] in small.metrics


def test_names() -> None:
    assert name_of(("random", 1)) == "1 spike of random cells"
    assert name_of(("sampled", 4)) == "4 independent samples"
    assert name_of(("regular_lead", 3)) == "a lead of 3, regular cells"


def test_softmax_is_among_the_heads() -> None:
    with pytest.raises(UsageError, match="heads must have softmax among them"):
        Params(heads=("spiking",))
