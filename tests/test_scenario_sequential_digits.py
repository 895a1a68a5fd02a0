"""The scenario sequential-digits at small size: pixels, held-out digits, sentences that follow the numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from scenarios.sequential_digits import Params, run
from scenarios.sequential_digits.measures import Study, in_numbers, in_words
from scenarios.sequential_digits.pixels import HELD_OUT, Digits
from scenarios.sequential_digits.read import KINDS, TALLER, Read
from scenarios.workbench.errors import UsageError
from scenarios.workbench.modules import EXACT
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

pytest.importorskip("sklearn")

SMALL = Params(
    circuits=("regular-brief",), spikes=(16,), modules=5, active=2, module_width=8, resolution=3, finer=(5, 6),
    seeds=2, iterations=120, batch=16, windows=40, learning_rate=3e-2,
)  # fmt: skip


def test_it_runs_and_learns_something() -> None:
    """Of ten digits a guess gets .1 ± .03; after 120 iterations all modules together get .4 ± .06."""
    outcome = run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))
    assert outcome.metrics["all_active_3"].value > 0.2
    assert outcome.metrics["turns_3"].control == outcome.metrics["all_active_3"].value
    assert outcome.dataset.chosen.dims == ("way", "side")
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_pixels_row_by_row() -> None:
    digits = Digits.read()
    whole, label = digits.sequences(np.array([[3, 5]]), 8)
    assert whole.shape == (1, 2, 64, 2)
    assert label.shape == (1, 2, 1)
    assert torch.allclose(whole[0, 1, :, 0], digits.images[5].flatten(), atol=1e-6)
    assert bool((whole[..., 1] == 1).all())
    taller, _ = digits.sequences(np.array([[3]]), 8, 4)
    assert taller.shape == (1, 1, 32, 2)
    coarse, _ = digits.sequences(np.array([[3]]), 4)
    assert float(coarse[..., 0].mean()) == pytest.approx(float(digits.images[3].mean()), abs=0.05)


def test_no_digit_of_the_tests_is_learnt_from() -> None:
    digits = Digits.read()
    drawn = digits.for_training((50, 400), np.random.default_rng(0))
    assert drawn.max() < digits.for_tests(HELD_OUT).min()
    assert len(digits.for_tests(HELD_OUT)) == HELD_OUT


def made_up(turns: float, all_active: float, race: float) -> Study:
    rng = np.random.default_rng(0)

    def read(right: float) -> Read:
        return Read(right=(rng.random((2, 3, 400)) < right).astype(float), wrong=0.3, spikes=5.0)

    digits = {("turns", way): read(race) for way in SMALL.ways}
    digits |= {("turns", TALLER): read(race), ("all_active", TALLER): read(0.6)}
    digits |= {(kind, EXACT): read(right) for kind, right in zip(KINDS, (turns, all_active), strict=True)}
    return Study(params=SMALL, digits=digits)


def test_sentences_follow_the_numbers() -> None:
    study = made_up(0.8, 0.4, 0.6)
    said = in_words(study, in_numbers(study))["verdict"]
    assert "clearly ahead at 3 x 3, 5 x 5 and 6 x 6" in said
    assert "(less)" in said
    assert "less than of squares; neither kind" in said
    study = made_up(0.4, 0.8, 0.4)
    said = in_words(study, in_numbers(study))["verdict"]
    assert "behind at 3 x 3, 5 x 5 and 6 x 6" in said
    assert "(less)" not in said
    study = made_up(0.4, 0.8, 0.75)
    said = in_words(study, in_numbers(study))["verdict"]
    assert "lost to rows of another length" in said
    assert "with turns they are read better at 5 and 6 rows" in said
    assert "(more)" in said


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"finer": (4, 8)}, "finer must be >= 5"),
        ({"finer": (9,)}, "finer must be <= 8"),
        ({"windows": 500}, "windows must be <= 400"),
    ],
)
def test_bad_input(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(SMALL, **changes)
