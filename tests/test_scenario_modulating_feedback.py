"""modulating-feedback, small: every control, reading through spikes, kept trainings, words that follow numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.modulating_feedback import Params, run
from scenarios.modulating_feedback.learnt import KINDS, Learnt, learn
from scenarios.modulating_feedback.report import Study, in_numbers, in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    length=11, n_values=3, width=8, n_heads=2, iterations=20, batch=8, programs=20, spikes=(2, 256), longer=2
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_every_control_is_there(outcome: Outcome) -> None:
    assert {f"right_{name}" for name in KINDS} <= set(outcome.metrics)
    assert outcome.metrics["parameters_all"].value == outcome.metrics["parameters_plain"].value
    assert outcome.metrics["right_all"].control == 0.991
    assert outcome.dataset.loss.shape == (7, 2, 20)


def test_many_spikes_read_as_softmax_does(outcome: Outcome) -> None:
    """At 256 regular spikes few of the 2 x 20 programs change: less than a tenth of their prints."""
    for name in ("all", "plain"):
        assert abs(outcome.metrics[f"lost_{name}_regular_256"].value) < 0.1


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"learning", "spikes"}


def study_of(shares: dict[str, float]) -> Study:
    """Two models and 400 programs of each kind, right by chance with its share; nothing read through spikes."""
    rng, params = np.random.default_rng(0), replace(SMALL, heads=("softmax",), programs=400)
    learnt = {
        name: Learnt(
            right=(rng.random((2, 400, 11)) < shares.get(name, 0.5)).astype(float),
            losses=np.ones((2, 20)),
            seconds=np.array([3.0, 3.0]) if name == "all" else np.array([1.0, 1.0]),
            n_parameters=10,
            levels=np.full((2, 2), 0.5),
            read={},
        )
        for name in KINDS
    }
    return Study(learnt=learnt, params=params)


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        (0.5, r"decoder [\d.]+ ± [\d.]+; a guess"),
        (0.9, r"\(no clear difference\); a guess"),
        (0.99, r"\(feedback does worse here\); a guess"),
    ],
)
def test_the_first_sentence_follows_the_numbers(plain: float, says: str) -> None:
    study = study_of({"all": 0.9, "plain": plain, "gated": 0.97, "last": 0.9})
    metrics = in_numbers(study)
    short: tuple[str, ...] = in_words(metrics, study)["in_short"]
    assert re.search(says, short[0])
    assert metrics["slower"].value == 3.0
    assert short[1].startswith("Feedback is clearly ahead of plain, trained longer (0.")
    assert "not clearly apart from memory of the last layer" in short[1]
    assert "clearly less often right than recurrent network" in short[1]


def test_a_training_that_was_kept_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Kept:
        def checkpoint(self, training: str) -> Path:
            return tmp_path / training

    params = replace(SMALL, heads=("softmax",), seeds=1)
    context: Any = RunContext(rng=np.random.default_rng(0), progress=silent(), unfinished=Kept())  # type: ignore[arg-type]
    first = learn("all", params, 5, context)
    monkeypatch.setattr(
        "scenarios.modulating_feedback.learnt.learn_programs", None
    )  # would fail if it were called
    second = learn("all", params, 5, context)
    np.testing.assert_array_equal(first.right, second.right)
    np.testing.assert_array_equal(first.losses, second.losses)
    np.testing.assert_array_equal(first.seconds, second.seconds)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"length": 10}, "length must be >= 11, got 10"),
        ({"heads": ("sampled",)}, "heads must have softmax among them"),
    ],
)
def test_bad_input_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Params(**changes)


def test_heads_that_do_not_divide_the_width_are_refused_before_any_training() -> None:
    with pytest.raises(ValueError, match=r"width must be a multiple of n_heads \(4\), got 10; use 12"):
        run(Params(width=10), RunContext(rng=np.random.default_rng(0), progress=silent()))
