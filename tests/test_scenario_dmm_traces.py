"""dmm-traces, small: published traces, rings that die by doubling errors, and programs from files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenarios.dmm_traces import Params, run
from scenarios.dmm_traces.measures import expected_life
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(spikes=(17, 1025), machines=16, cycles=30)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(0), progress=silent()))


def test_published_traces_are_exact(outcome: Outcome) -> None:
    for name, n in (("flips", 6), ("ring", 6), ("counting", 140)):
        line = outcome.metrics[name]
        assert line.value == line.control == line.floor == n
    assert outcome.metrics["to_draw"].value == 0
    assert "cycle by cycle" in outcome.in_short[0]


def test_a_ring_lives_as_long_as_doubling_errors_let_it(outcome: Outcome) -> None:
    """Independent samples at 1025 spikes: 4.8 cycles by linear theory, which holds for small errors; lives of 16
    machines spread by about 1.5: 4 standard errors are 1.5. Regular cells double an error that starts smaller."""
    lives = outcome.dataset.life.mean("machine")
    theory = float(expected_life(np.array([1025]))[0])
    assert theory == pytest.approx(4.79, abs=0.01)
    assert float(lives.sel(source="sampled", budget=1025)) == pytest.approx(theory, abs=1.5)
    assert float(lives.sel(source="sampled", budget=17)) < 3
    assert float(lives.sel(source="regular", budget=1025)) > 1.5 * theory


def test_a_drawn_accumulator_counts_longer_with_more_spikes(outcome: Outcome) -> None:
    right = outcome.dataset.right
    assert (
        float(right.sel(source="circuit", budget=1025)) > float(right.sel(source="circuit", budget=17)) + 0.2
    )
    assert float(right.sel(source="regular", budget=1025)) == 1


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"own", "rewriting", "lives"}


def test_a_program_from_a_file_is_drawn(tmp_path: Path) -> None:
    """A counter rewrites nothing: the largest leaf of its output is shown, 0 to 3."""
    file = tmp_path / "clock.json"
    file.write_text(
        json.dumps({"links": {"timer.clock.single": {"timer.clock.single": 1}}}), encoding="utf-8"
    )
    own = replace(SMALL, program=str(file), shown=3, spikes=(17,), machines=2, cycles=2)
    made = run(own, RunContext(rng=np.random.default_rng(0), progress=silent()))
    assert made.dataset.own.sel(own_name="timer.clock").values.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (
            {"links": {"clock.a.single": {}}},
            "program: bad.json: unknown neuron type 'clock'; known: identity",
        ),
        ({"links": {"timer.a.single": {"timer.b.single": 1}}}, "got timer.b.single; correct its address"),
        (
            {"links": {"accum.self.delta": {"accum.self.single": 1}}},
            "program: row accum.self.delta of the network matrix must have absolute weights that add up to at most",
        ),
    ],
)
def test_bad_programs_are_refused(program: object, says: str, tmp_path: Path) -> None:
    """Those that a file shows at once, and those that a run shows."""
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(program), encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        run(
            replace(SMALL, program=str(file), shown=60, spikes=(17,), machines=2, cycles=2),
            RunContext(rng=np.random.default_rng(0), progress=silent()),
        )
