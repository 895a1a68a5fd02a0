"""The scenario shared-workspace at small size, the triangles, and a workspace whose writers are chosen."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pragmatic.machines.shared_workspace import PointReader, SharedWorkspace
from pragmatic.score_maps import TopK
from pragmatic.tasks.triangles import FEATURES, draw_triangles
from scenarios.shared_workspace import Params, run
from scenarios.shared_workspace.learning import Results, learnt, most_shares
from scenarios.shared_workspace.measures import Study, in_numbers
from scenarios.shared_workspace.words import in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from scenarios.workbench.unfinished import Unfinished

SMALL = Params(
    others=2, test_others=(2, 6), width=8, layers=1, iterations=4, batch=8, seeds=2, held_out=40, spikes=(8,),
    slots=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_triangles_are_equilateral_where_it_is_said() -> None:
    """Sides from the marked points alone; half of the sets, to four standard errors of 1000."""
    points, equilateral = draw_triangles(1000, 4, np.random.default_rng(0))
    assert points.shape == (1000, 7, FEATURES)
    corners = torch.stack([one[one[:, 2] > 0, :2] for one in points])
    sides = torch.linalg.norm(corners - corners.roll(1, dims=1), dim=-1)
    even = sides.amax(1) - sides.amin(1) < 1e-5
    assert torch.equal(even, equilateral)
    assert float(even.float().mean()) == pytest.approx(0.5, abs=0.065)


@torch.no_grad()
def test_only_the_best_write() -> None:
    """A token that is not among the writers of any slot changes nothing for the others."""
    rng = np.random.default_rng(0)
    workspace = SharedWorkspace(8, 1, rng)
    workspace.score_map = TopK(k=1)
    x = torch.from_numpy(rng.normal(size=(1, 5, 8))).float()
    scores = (workspace.to_query(workspace.slots) @ workspace.to_key_value(x)[..., :8].mT)[0, 0]
    writer, silent_token = int(scores.argmax()), int(scores.argmin())
    before = workspace(x)
    other = x.clone()
    other[0, silent_token] *= 0.9
    others = [i for i in range(5) if i != silent_token]
    torch.testing.assert_close(workspace(other)[0, others], before[0, others])
    other = x.clone()
    other[0, writer] *= 1.1
    assert (workspace(other)[0, silent_token] - before[0, silent_token]).abs().max() > 1e-4


@torch.no_grad()
def test_an_answer_does_not_depend_on_the_order_of_points() -> None:
    rng = np.random.default_rng(0)
    model = PointReader([SharedWorkspace(8, 2, rng)], FEATURES, 8, 2, rng)
    points, _ = draw_triangles(4, 5, rng)
    torch.testing.assert_close(model(points), model(points[:, torch.randperm(8)]), rtol=1e-4, atol=1e-5)


def test_a_narrow_workspace_learns() -> None:
    """Gradients pass through the writers that are chosen, to every parameter, and reduce the loss on 32 sets."""
    rng = np.random.default_rng(2)
    workspace = SharedWorkspace(16, 2, rng)
    workspace.score_map = TopK(k=3)
    model = PointReader([workspace], FEATURES, 16, 2, rng)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    points, equilateral = draw_triangles(32, 2, rng)
    losses = []
    for _ in range(25):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(points), equilateral.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())
    assert losses[-1] < 0.95 * losses[0]


def test_most_shares() -> None:
    shares = torch.tensor([[0.5, 0.0, 0.3, 0.2], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    chosen = most_shares(shares, 2, np.random.default_rng(0))
    assert chosen[0].tolist() == [True, False, True, False]
    assert chosen[1].sum() == 2
    assert chosen[2].tolist() == [True, False, False, False]


def test_figures_numbers_and_data(outcome: Outcome) -> None:
    assert outcome.dataset.by_seed.dims == ("kind", "seed", "others")
    assert {
        "gain_seed_0",
        "gain_seed_1",
        "chosen_first_spiking",
        "chosen_spiking_8",
    } <= outcome.metrics.keys()
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_sentences_follow_the_numbers() -> None:
    """A gain of .2 in each of five seeds is the bottleneck's only if the wide workspace lacks it."""
    noise = np.linspace(-0.01, 0.01, 5)[:, None]

    def said(hard: float, soft: float) -> str:
        level = {"attention": 0.7, "own": 0.7, "top": 0.7, "soft": soft, "hard": hard, "random": 0.5}
        spread = {"hard": noise, "soft": -noise}
        kinds = {kind: value + spread.get(kind, 0) + np.zeros((5, 4)) for kind, value in level.items()}
        results = Results(kinds=kinds, chosen={}, parameters=dict.fromkeys(kinds, 1))
        study = Study(params=Params(), results=results)
        return in_words(study, in_numbers(study))["verdict"]

    assert "generalises better" in said(0.9, 0.7)
    assert "the gain is the bottleneck's" in said(0.9, 0.7)
    assert "is not clear" in said(0.9, 0.9)
    assert "generalises worse" in said(0.6, 0.9)


def test_an_interrupted_run_trains_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = replace(SMALL, heads=("softmax",), iterations=2)

    def measured() -> Results:
        with suppress(RuntimeError), Unfinished(tmp_path / "kept") as kept:
            ctx = RunContext(rng=np.random.default_rng(1), progress=silent(), unfinished=kept)
            done.append(learnt(params, ctx))
            raise RuntimeError
        return done[-1]

    done: list[Results] = []
    first = measured()
    monkeypatch.setattr("torch.optim.AdamW", None)  # would fail if it were called
    with pytest.warns(UserWarning, match="resuming"):
        second = measured()
    np.testing.assert_array_equal(first.kinds["hard"], second.kinds["hard"])


def test_more_writers_than_points() -> None:
    with pytest.raises(UsageError, match="writers must be at most the number of points"):
        Params(others=0, writers=4)
