"""dmm-wakes-and-sleeps, small: quiet and active states, rest, and how spikes disturb both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenarios.dmm_wakes_and_sleeps import Params, run
from scenarios.dmm_wakes_and_sleeps.lives import Steps
from scenarios.dmm_wakes_and_sleeps.measures import Study
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(cycles=200, machines=3, n_seeds=10, seed_cycles=800, spikes=(16, 256))


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(0), progress=silent()))


def test_two_states_are_those_of_the_reference(outcome: Outcome) -> None:
    """log10 of steps near -1.8 and -.9, as the modes; means of the states lie nearer to each other."""
    metrics = outcome.metrics
    assert metrics["level_quiet"].value == pytest.approx(-1.7, abs=0.3)
    assert metrics["level_active"].value == pytest.approx(-0.8, abs=0.2)
    assert 0.02 < metrics["quiet"].value < 0.7
    assert 5 <= 10 * metrics["rest"].value <= 10  # 8 of the first 10 seeds


def test_few_random_spikes_let_it_sleep_no_more(outcome: Outcome) -> None:
    """16 samples a row add steps of .5, above any quiet one; 256 bring steps nearer to the exact ones."""
    quiet, apart = outcome.dataset.quiet, outcome.dataset.apart
    assert float(quiet.sel(source="sampled", budget=16)) == 0
    for source in ("circuit", "sampled"):
        assert float(apart.sel(source=source, budget=256)) < 0.6 * float(apart.sel(source=source, budget=16))


def test_at_rest_it_trembles_by_the_noise_of_its_rows(outcome: Outcome) -> None:
    """Sixteen times the samples are a quarter of the step; three machines know it to 10 %. Regular cells: less."""
    step = outcome.dataset.tremble.mean("machine")
    ratio = step.sel(budget=16) / step.sel(budget=256)
    assert float(ratio.sel(source="sampled")) == pytest.approx(4, rel=0.4)
    assert float(ratio.sel(source="regular")) > 7


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"stretches", "statistics"}


def test_wakings_and_quiet_are_counted() -> None:
    """Steps of 1e-3 and 1 in turns of 50 cycles, starting quiet: half of the time, and a waking in 100 cycles."""
    length = np.tile(np.repeat([1e-3, 1.0], 50), 10)[None]
    steps = Steps(length=length, rows=np.zeros((1001, 11)))
    study = Study(
        params=replace(SMALL, cycles=1000, burn_in=0), seeds=None, exact=steps, drawn={}, resting={}
    )  # type: ignore[arg-type]
    assert study.threshold == pytest.approx(-1.5)
    assert study.quiet(steps)[0] == pytest.approx(0.5, abs=0.01)
    assert study.wakings(steps)[0] == pytest.approx(10, abs=0.5)
    assert study.level(steps, quiet=True)[0] == pytest.approx(-3)
