"""Unequal spikes for keys and rows: the law behind them, simulated, and what the score map promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize

from bridge import SpikingScoreMap
from bridge.heads.uneven import UnevenScoreMap, row_spread
from spiking import Brian2, Budget, GammaCircuit, GammaParams

REGULAR, RANDOM = GammaCircuit(GammaParams.regular_brief()), GammaCircuit(GammaParams.brief())
N_ROWS = 1000


def rows(n_keys: int = 32, spread: float = 2.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).normal(0, spread, (N_ROWS, n_keys))).float()


def uneven(
    circuit: GammaCircuit = REGULAR, spikes: float | torch.Tensor = 64, **options: Any
) -> UnevenScoreMap:
    return UnevenScoreMap(circuit, spikes, np.random.default_rng(1), **{"rows": "even", **options})


def errors(weights: torch.Tensor, scores: torch.Tensor) -> np.ndarray:
    """Squared error of each row."""
    return ((weights - scores.softmax(-1)) ** 2).sum(-1).numpy()


def ratio(ours: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """Of means over rows, and its error by linearisation (Cochran 1977, eq. 6.13)."""
    value = ours.mean() / others.mean()
    return float(value), float((ours - value * others).std() / others.mean() / len(ours) ** 0.5)


def test_two_thirds_is_the_optimum_that_the_law_demands() -> None:
    """Least sum of (p / x)^2 at a given sum of x, by a general optimiser."""
    p = np.array([0.6, 0.25, 0.1, 0.05])
    best = optimize.minimize(
        lambda logs: float(((p / np.exp(logs)) ** 2).sum()),
        np.zeros(4),
        constraints={"type": "eq", "fun": lambda logs: np.exp(logs).sum() - 1},
        tol=1e-12,
    )
    wanted = p ** (2 / 3) / (p ** (2 / 3)).sum()
    np.testing.assert_allclose(np.exp(best.x), wanted, rtol=1e-3)


def test_flattened_scores_cut_the_error_of_regular_cells_and_not_of_random_ones() -> None:
    """Less than half at 64 spikes; random spikes are worth the same wherever they go, within three errors."""
    scores = rows()
    for circuit, most, least in ((REGULAR, 0.5, 0.2), (RANDOM, 1.15, 0.85)):
        value, error = ratio(
            errors(uneven(circuit)(scores), scores), errors(uneven(circuit, flatness=1.0)(scores), scores)
        )
        assert least - 3 * error < value < most + 3 * error


def test_a_flatness_of_three_halves_beats_flatter_and_less_flat_scores() -> None:
    """The optimum is broad: 2 is hardly different, 1 and 4 are."""
    scores = rows()
    found = {f: errors(uneven(flatness=f)(scores), scores) for f in (1.0, 1.5, 4.0)}
    for other in (1.0, 4.0):
        value, error = ratio(found[1.5], found[other])
        assert value + 3 * error < 1


def test_weights_are_those_of_the_softmax_on_average() -> None:
    """One row many times: each key's mean within four standard errors and 1e-3, the bias of a ratio of counts."""
    scores = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).expand(N_ROWS, 4)
    weights = uneven(spikes=128)(scores)
    apart = (weights - scores.softmax(-1)).mean(0).abs()
    assert bool((apart < 4 * weights.std(0) / N_ROWS**0.5 + 1e-3).all())


def test_a_flatness_of_one_is_the_plain_circuit() -> None:
    scores = rows()[:200]
    plain = SpikingScoreMap(REGULAR, Budget(spikes=64), np.random.default_rng(2), record="counts")
    value, error = ratio(errors(uneven(flatness=1.0)(scores), scores), errors(plain(scores), scores))
    assert value == pytest.approx(1, abs=4 * error)


def test_rows_of_spread_weights_get_more_spikes() -> None:
    """K equal keys need K^(1/3) times those of one, to the next budget of the ladder."""
    score_map = uneven(spikes=16, rows="spread")
    logs = torch.stack([torch.cat([torch.zeros(k), torch.full((64 - k,), -torch.inf)]) for k in (1, 8, 64)])
    logs = logs.log_softmax(-1)
    torch.testing.assert_close(row_spread(logs), torch.tensor([1.0, 2.0, 4.0]))
    assert score_map.budgets(logs).tolist() == [16, 32, 64]
    score_map(logs)
    assert 112 <= score_map.usage.spikes <= 140  # a row ends with the step that fills its budget
    assert score_map.usage.rows == 3


def test_each_head_of_a_layer_may_have_its_own_spikes() -> None:
    scores = rows()[:12].reshape(2, 2, 3, 32)  # (batch, heads, queries, keys)
    spikes = torch.tensor([[8.0], [64.0]])
    score_map = uneven(spikes=spikes)
    assert score_map.budgets(scores.log_softmax(-1))[1].tolist() == [[8] * 3, [64] * 3]
    assert score_map(scores).shape == scores.shape
    assert 432 <= score_map.usage.spikes < 500
    with pytest.raises(ValueError, match="spikes must lie in"):
        uneven(spikes=spikes - 7.995)


def test_masked_keys_have_no_weight_and_a_row_sums_to_one() -> None:
    scores = rows()[:6].reshape(2, 3, 32)
    mask = torch.ones(3, 32, dtype=torch.bool).tril()
    for options in ({"rows": "spread"}, {"flatness": 1.0}, {"mode": "sampled"}):
        weights = uneven(**options)(scores, mask)
        assert weights.shape == scores.shape
        assert float(weights[:, ~mask].abs().max()) == 0
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3))


def test_streams_fix_a_row_whatever_the_others() -> None:
    scores, streams = rows()[:8], np.arange(8)
    whole = uneven(rows="spread")(scores, streams=streams)
    part = uneven(rows="spread")(scores[3:5], streams=streams[3:5])
    torch.testing.assert_close(part, whole[3:5])
    again = uneven(rows="spread")
    assert not torch.equal(again(scores), again(scores))  # without streams every call has new noise


def test_the_gradient_is_that_of_the_softmax() -> None:
    scores = rows()[:2].requires_grad_()
    score_map = uneven(spikes=100_000, gradient=True)
    direction = torch.linspace(-1, 1, 32)
    (got,) = torch.autograd.grad((score_map(scores) * direction).sum(), scores)
    (exact,) = torch.autograd.grad((scores.softmax(-1) * direction).sum(), scores)
    torch.testing.assert_close(got, exact, atol=1e-5, rtol=1e-4)


def test_brian2_runs_it_too() -> None:
    score_map = uneven(spikes=16, engine=Brian2())
    torch.testing.assert_close(score_map(rows()[:2]).sum(-1), torch.ones(2))


def test_a_hugging_face_model_takes_it_as_an_option() -> None:
    """Nearer to softmax than without it, and a repetition gives the same."""
    hf_models = pytest.importorskip("hf_models", reason="needs the extra hf")
    from bridge.huggingface import configure

    given = hf_models.batch("gpt2")
    exact = hf_models.state(hf_models.built("gpt2"), given)
    far = {}
    for flatness in (1.0, 1.5):
        model = configure(hf_models.built("gpt2"), spikes=64, flatness=flatness)
        far[flatness] = float((hf_models.state(model, given) - exact).square().mean())
        assert torch.equal(hf_models.state(model, given), hf_models.state(model, given))
    assert 0 < far[1.5] < far[1.0]
    with pytest.raises(ValueError, match="flatness must be 1 with duration_ms"):
        configure(model, duration_ms=100.0)
    with pytest.raises(ValueError, match="flatness must lie in"):
        configure(model, flatness=0.5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"flatness": 0.5}, "flatness must lie in"),
        ({"spikes": 0.0}, "spikes must be > 0"),
        ({"rows": "odd"}, "rows must be one of even, spread"),
        ({"mode": "drawn"}, "mode must be one of"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        uneven(**options)
