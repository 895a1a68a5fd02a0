"""The scenario independent-mechanisms at small size: learning, ways to choose, sentences that follow numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from pragmatic.machines.mechanisms import top_k
from scenarios.independent_mechanisms import Params, run
from scenarios.independent_mechanisms.copied import KINDS, TUNED, Copied
from scenarios.independent_mechanisms.measures import Study, in_numbers, in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.modules import EXACT, Watched, Way, selector
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    circuits=("regular-brief",), spikes=(16,), modules=5, active=2, module_width=6, n_symbols=2, n_copied=1,
    delay=2, seeds=2, iterations=120, tune_iterations=20, batch=16, windows=60, swaps=(0.2, 0.5),
)  # fmt: skip


def context() -> RunContext:
    return RunContext(rng=np.random.default_rng(1), progress=silent())


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, context())


def test_one_symbol_is_learnt(outcome: Outcome) -> None:
    """One of two symbols after two steps, chosen by top-k; a guess is right in half."""
    line = outcome.metrics["mechanisms_top"]
    assert line.control is not None
    assert line.control > 0.9
    assert line.floor == 0.5
    assert outcome.metrics["mechanisms_loss"].control < 0.3


def test_choices_are_watched(outcome: Outcome) -> None:
    """Exchanges happen as often as asked for: 60 x 2 x 10 draws of .5 are right to .015."""
    data = outcome.dataset
    assert float(data.wrong.sel(way="top k")) == 0
    assert float(data.wrong.sel(way="swaps at 0.5")) == pytest.approx(0.5, abs=0.06)
    assert float(data.wrong.sel(way="swaps at 0.5 while waiting")) == pytest.approx(0.4, abs=0.06)
    assert float(data.spikes_of_choice.sel(way="regular-brief")) >= 2


def test_figures(outcome: Outcome) -> None:
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


@pytest.mark.parametrize(
    "way",
    [Way("brief", 1.0), Way("samples", 1.0), Way("counts", 16, "regular-brief"), Way("swaps", 1.0)],
    ids=lambda way: way.id,
)
def test_each_way_chooses_k(way: Way) -> None:
    scores = torch.from_numpy(np.random.default_rng(0).normal(0, 0.5, (2, 20, 5)))
    chosen = selector(way, 2, context())(scores)
    assert chosen.dtype == torch.bool
    assert (chosen.sum(dim=-1) == 2).all()
    if way.by == "swaps":  # one of the two, every time
        assert ((chosen & top_k(2)(scores)).sum(dim=-1) == 1).all()
    else:  # the strongest of five is among two more often than by chance, .4; 40 rows, to .08
        assert float(chosen.gather(-1, scores.argmax(dim=-1, keepdim=True)).double().mean()) > 0.5


def test_a_phase_begins_and_ends() -> None:
    def worst(scores: Tensor) -> Tensor:
        return top_k(1)(-scores)

    watched = Watched(worst, 1, range(1, 3))
    for _ in range(4):
        watched(torch.tensor([[[1.0, 0.0, 2.0]]]))
    assert [float(w[0]) for w in watched.wrong] == [0, 1, 1, 0]
    assert [int(row.argmax()) for row in watched.shown] == [2, 1, 1, 2]


def made_up(of_top: float, of_all: float, of_race: float, of_waiting: float) -> Study:
    """Numbers that nothing was trained for, a little different from sequence to sequence."""
    rng = np.random.default_rng(0)

    def said(right: float) -> Copied:
        shape = (2, 3, 60)
        return Copied(
            right=right + 0.01 * rng.normal(size=shape),
            loss=np.ones(shape),
            wrong=np.full((2, 3), 0.2),
            spikes=5.0,
            shown=np.ones((5, 5), bool),
        )

    copied = {("mechanisms", way): said(of_race) for way in SMALL.ways}
    copied |= {("mechanisms", w): said(of_waiting) for w in SMALL.swapped}
    copied |= {("mechanisms", EXACT): said(of_top), ("all_active", EXACT): said(of_all)}
    copied |= {(kind, EXACT): said(of_all) for kind in KINDS if kind == "silent"}
    copied |= {(TUNED, way): said(of_race) for way in (EXACT, *SMALL.races)}
    return Study(params=SMALL, copied=copied)


def test_sentences_follow_the_numbers() -> None:
    study = made_up(0.95, 0.6, 0.8, 0.9)
    metrics = in_numbers(study)
    assert metrics["price"].value == pytest.approx(0.15, abs=0.01)
    assert metrics["lasting_swaps_0p5_waiting"].control == pytest.approx(0.5**8)
    said = in_words(study, metrics)["verdict"]
    assert "all active (less)" in said
    assert "stored symbols outlive wrong turns" in said
    study = made_up(0.6, 0.95, 0.6, 0.5)
    said = in_words(study, in_numbers(study))["verdict"]
    assert "all active (more)" in said
    assert "which is not clearly less" in said


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"modules": 5, "active": 5}, "active must be <= 4"),
        ({"heads": ("spiking",)}, "heads must have softmax among them"),
        ({"swaps": (0.3, 0.1)}, "swaps must be ordered without repeats"),
    ],
)
def test_bad_input(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(SMALL, **changes)
