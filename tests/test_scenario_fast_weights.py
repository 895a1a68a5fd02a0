"""fast-weights, small: the table of rules and spikes, columns for tasks, and training that goes on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pragmatic.score_maps import Softmax
from scenarios.fast_weights import Params, run
from scenarios.fast_weights.learners import learnt
from scenarios.fast_weights.memories import Draws, best, forgotten, overwritten
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from scenarios.workbench.unfinished import Unfinished

SMALL = Params(
    keys=(4, 8), spikes=(1, 16), memories=40, tasks=(1, 4), task_memories=16, width=16, iterations=6, batch=8,
    episodes=16, asked=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


@pytest.mark.parametrize(
    ("n_keys", "hebb", "delta", "softmax"),
    [(4, 0.34, 0.98, 0.96), (8, 0.33, 0.94, 0.94), (16, 0.36, 0.78, 0.85)],
)
def test_rules_recall_as_a_prototype_did(n_keys: int, hebb: float, delta: float, softmax: float) -> None:
    """Its figures, from fewer memories; here 200, with standard errors below .016: within 4 of both."""
    params = Params()
    draws = Draws.of(params, n_keys, np.random.default_rng(n_keys))
    assert overwritten(params, draws, "hebb").mean() == pytest.approx(hebb, abs=0.06)
    assert overwritten(params, draws, "delta").mean() == pytest.approx(delta, abs=0.03)
    assert overwritten(params, draws, "delta", Softmax()).mean() == pytest.approx(softmax, abs=0.05)


def test_sixteen_spikes_a_write_are_enough_and_one_is_not(outcome: Outcome) -> None:
    metrics = outcome.metrics
    assert metrics["circuit_16_8"].value > metrics["softmax_8"].value - 0.08
    assert metrics["circuit_1_8"].value < 0.6
    assert metrics["regular_16_8"].value > metrics["softmax_8"].value - 0.05


def test_the_last_value_is_what_counts() -> None:
    draws = Draws(
        keys=torch.eye(2, dtype=torch.float64)[None],
        order=torch.tensor([[0, 1, 0]]),
        values=torch.tensor([[5, 6, 7]]),
        columns=torch.zeros(1, 3, 2, dtype=torch.float64),
    )
    assert draws.last().tolist() == [[7, 6]]
    assert overwritten(SMALL, draws, "delta").tolist() == [1.0]
    assert (
        overwritten(SMALL, draws, "hebb").tolist()[0] < 1
    )  # two values of the same strength: the first one wins


def test_a_gate_keeps_tasks_apart() -> None:
    """Without one the last of 4 tasks alone is left, and 1 in 32 of the others by chance."""
    rng = np.random.default_rng
    none = forgotten(SMALL, 4, Softmax(), "none", rng(3))
    gated = forgotten(SMALL, 4, Softmax(), best(8), rng(3))
    assert none.fresh.mean() > 0.9
    assert none.first.mean() < 0.2
    assert gated.first.mean() > none.first.mean() + 0.2
    assert gated.all.mean() > none.all.mean() + 0.2


def test_figures_and_sentences(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"memories", "learners"}
    assert "does not clearly learn" in outcome.in_short[1]  # after 6 iterations


@pytest.mark.filterwarnings("ignore:resuming")
def test_an_interrupted_run_trains_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = replace(SMALL, iterations=2, spikes=(1,))
    right = []
    for n in range(2):
        if n:
            monkeypatch.setattr(
                "scenarios.fast_weights.learners._train", None
            )  # would fail if it were called
        with suppress(RuntimeError), Unfinished(tmp_path / "kept") as kept:
            ctx = RunContext(rng=np.random.default_rng(1), progress=silent(), unfinished=kept)
            right.append(learnt(params, ctx))
            raise RuntimeError
    for name, answers in right[0].items():
        np.testing.assert_array_equal(answers, right[1][name])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gate": 65}, "gate must be <= columns, got 65 of 64; use 64"),
        ({"width": 30}, "width must be a multiple of 4, got 30; use 64"),
        ({"tasks": (4, 1)}, "tasks must be ordered without repeats, got 4,1; use 1,4"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, int], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(SMALL, **change)
