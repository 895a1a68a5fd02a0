"""universal-machine, small: exact by softmax, longer programs with more spikes, and refusals of programs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pragmatic.score_maps import Softmax
from scenarios.universal_machine import Params, run
from scenarios.universal_machine.runs import error_a_step, follow, wrong_majority
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(first=2, second=2, spikes=(3, 25), beta=2.0, n_steps=40, machines=4)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_softmax_runs_the_program_as_its_interpreter(outcome: Outcome) -> None:
    assert outcome.metrics["steps"].value == outcome.metrics["steps"].floor == 10
    assert "computes 2 x 2 = 4 in 10 steps" in outcome.in_short[0]


def test_more_spikes_make_longer_programs(outcome: Outcome) -> None:
    """At 3 spikes up to a quarter of steps go wrong, at 25 less than one in 1000: all machines come through."""
    error = outcome.dataset.error
    assert float(error.sel(budget=3).mean()) > 0.04  # of 120 steps some 20 are expected to be wrong
    assert (error.sel(budget=25) == 0).all()
    whole = (outcome.dataset.right == 10).mean("machine")
    assert (whole.sel(budget=25, machines=["circuit", "sampled", "regular"]) == 1).all()
    assert (whole.sel(budget=3, machines="circuit") < 1).all()


def test_without_clean_up_noise_ends_the_program(outcome: Outcome) -> None:
    assert outcome.metrics["bare"].value < 3
    assert outcome.metrics["bare"].control == 10


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"trace", "lengths"}


def test_an_exact_machine_makes_no_error_and_a_blunt_one_does() -> None:
    """At beta .1 a read has all cells in nearly equal parts."""
    rng = np.random.default_rng(0)
    assert not error_a_step(SMALL.machine(), SMALL.trace(), Softmax(), 20, rng).wrong.any()
    blunt = follow(SMALL.machine(beta=0.1, clean_up=False), SMALL.trace(), Softmax(), n_machines=2)
    assert (blunt.right < 10).all()
    assert len(blunt.at) < 11  # both had gone wrong


def test_majorities_err_by_the_law() -> None:
    """Binomial tails of 101 and 201 draws: their ratio over 100 spikes within 10 % of the exponent."""
    from scipy.stats import binom

    p = 1 / (1 + np.exp(1.5))
    tails = [binom.sf(n // 2, n, p) for n in (101, 201)]
    assert np.log(tails[0] / tails[1]) / 100 == pytest.approx(wrong_majority(1.5), rel=0.1)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"program": "0,0,99"},
            "program: an instruction must lie within the memory of 64 cells, got a jump to 99",
        ),
        ({"program": "3,3,0,0"}, "program: a program must halt within 1000 steps"),
        ({"program": "70,0,-1"}, "program: operand a of the instruction at 0 must be an address below 64"),
        ({"program": "halt"}, "program must be multiply, add, or whole numbers with commas, got 'halt'"),
        ({"first": 100, "second": 100}, "program: the result of the instruction at"),
        ({"program": ",".join(["0"] * 65)}, "program: a program must have at most 64 cells"),
    ],
)
def test_bad_programs_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(SMALL, **changes)


def test_a_program_of_your_own_runs(tmp_path: Path) -> None:
    """Clears cell 3 and halts, in one step."""
    own = replace(SMALL, program="3,3,-1,5", spikes=(25,), machines=2, n_steps=10)
    made = run(own, RunContext(rng=np.random.default_rng(0), progress=silent()))
    assert made.metrics["steps"].value == 1
    assert "the program" in made.in_short[0]
