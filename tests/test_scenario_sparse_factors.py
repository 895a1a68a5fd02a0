"""The scenario sparse-factors at small size, exact factor graphs, and readers that choose their keys."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from pragmatic.machines.slot_reader import SlotReader
from pragmatic.tasks.factors import FactorGraph
from scenarios.sparse_factors import Params, run
from scenarios.sparse_factors.learning import most_counted, narrowed
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    variables=6, factors=(3, 3), strength=1.5, reading_heads=1, samples=(64, 256), seeds=2, iterations=120,
    batch=64, spikes=32, budgets=(4, 128), held_out=300, draws=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_a_factor_of_two_variables_by_hand() -> None:
    """P(x_0 = x_1) = e^s / (e^s + e^-s), and the third variable is free."""
    graph = FactorGraph(3, ((0, 1),), 0.8)
    equal = graph.probability[graph.states[:, 0] == graph.states[:, 1]].sum()
    assert equal == pytest.approx(1 / (1 + np.exp(-1.6)))
    np.testing.assert_allclose(graph.log_odds(np.array([[1.0, -1.0, 1.0]])), [[-1.6, 1.6, 0.0]])
    assert graph.edges.sum() == 2


def test_conditionals_are_those_of_the_joint_distribution() -> None:
    graph = FactorGraph.drawn(5, (3, 2, 3), 0.7, np.random.default_rng(0))
    log_p = np.log(graph.probability)
    odds = graph.log_odds(graph.states)
    for i in range(5):
        flipped = np.arange(len(log_p)) ^ (1 << i)
        ratio = (log_p - log_p[flipped]) * graph.states[:, i]
        np.testing.assert_allclose(odds[:, i], ratio, atol=1e-10)


def test_a_triple_ties_no_pair() -> None:
    graph = FactorGraph(3, ((0, 1, 2),), 2.0)
    np.testing.assert_allclose(
        (graph.states * graph.probability[:, None]).T @ graph.states, np.eye(3), atol=1e-12
    )


def test_factors_cover_all_variables_before_any_is_used_again() -> None:
    graph = FactorGraph.drawn(12, (3, 3, 3, 2, 2, 2), 1.0, np.random.default_rng(0))
    uses = np.bincount(np.concatenate(graph.factors), minlength=12)
    assert set(uses) == {1, 2}
    assert uses.sum() == 15


def test_factors_outside_the_variables_are_refused() -> None:
    with pytest.raises(ValueError, match="a factor must name different variables below 3"):
        FactorGraph(3, ((0, 3),), 1.0)


@torch.no_grad()
def test_a_reader_sees_only_what_is_chosen() -> None:
    """Its logits do not change with a variable that no head chose, nor with the one that is predicted."""
    reader = SlotReader(1, 4, 1, 3, 5, np.random.default_rng(0))
    chosen = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    chosen[..., 0, 1] = chosen[..., 1:, 0] = True
    chosen[..., 0, 0] = False
    x = torch.ones(1, 1, 4)
    weights = reader.weights(chosen)
    seen = reader(x, weights)[0, 0, 0]
    for unseen in (0, 2, 3):
        other = x.clone()
        other[..., unseen] = -1
        assert reader(other, weights)[0, 0, 0] == pytest.approx(float(seen), abs=1e-6)
    other = x.clone()
    other[..., 1] = -1
    assert abs(reader(other, weights)[0, 0, 0] - seen) > 1e-3


def test_most_counted_takes_no_key_without_a_spike() -> None:
    shares = torch.tensor([[[[0.0, 0.9, 0.1, 0.0]] * 4]])
    chosen = most_counted(shares, 3, np.random.default_rng(0))
    assert chosen[0, 0, 0].tolist() == [False, True, True, False]
    silent_row = most_counted(torch.zeros(1, 1, 4, 4), 2, np.random.default_rng(0))
    assert not torch.diagonal(silent_row[0, 0]).any()


def test_k_falls_to_its_end() -> None:
    ks = [narrowed(step, 100, 11, 2) for step in range(100)]
    assert ks[0] == 11
    assert ks[60:] == [2] * 40
    assert all(b <= a for a, b in pairwise(ks))


def test_who_reads_the_true_neighbours_learns_from_few_samples(outcome: Outcome) -> None:
    """Two factors of three: 300 states in test leave an error of .01, and the true neighbours are near the best."""
    metrics = outcome.metrics
    assert metrics["most_true"].value > metrics["most_true"].control - 0.04
    assert metrics["precision_true"].value == metrics["recall_true"].value == 1
    assert metrics["most_all"].value > metrics["most_random"].value
    assert metrics["most_top"].value > 0.8


def test_more_spikes_choose_better(outcome: Outcome) -> None:
    metrics = outcome.metrics
    assert metrics["put_in_spiking_128"].value > metrics["put_in_spiking_4"].value
    assert metrics["put_in_first_16"].value > metrics["put_in_first_1"].value


def test_figures_and_data(outcome: Outcome) -> None:
    assert outcome.dataset.accuracy.dims == ("kind", "samples")
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_more_keys_than_there_are() -> None:
    with pytest.raises(UsageError, match="top must be at most the number of other variables"):
        Params(variables=4, top=4)
