"""dmm-learns, small: published losses, a training that learns and is cut, and programs by spikes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pragmatic.machines.dmm.lite import TEXT
from scenarios.dmm_learns import Params, run
from scenarios.dmm_learns.learnt import sizes_left
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    machines=2,
    steps=40,
    smallest=40,
    round_steps=1,
    spikes=(16, 256),
    replicas=3,
    spike_steps=2,
    train_spikes=8,
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(0), progress=silent()))


def test_published_numbers_come_out(outcome: Outcome) -> None:
    """To four digits, as the reference prints them."""
    names = ["nineteen", *(f"nineteen_{i}" for i in range(1, 5))]
    for name in names:
        assert outcome.metrics[name].value == pytest.approx(outcome.metrics[name].floor, rel=5e-4)
    assert outcome.metrics["hand"].value == outcome.metrics["hand"].floor == 5
    assert f"“{TEXT}”" in outcome.metrics["nineteen"].label


def test_a_training_starts_near_silence_and_learns(outcome: Outcome) -> None:
    """447 squared errors of a silent machine; weights of .01 change it by some 5 %."""
    loss = outcome.dataset.loss
    assert loss.sizes == {"step": 41, "machine": 2}
    assert (abs(loss[0] - 447) < 40).all()
    assert (loss[-1] < 0.5 * loss[0]).all()


def test_spikes_disturb_a_program_as_one_over_their_number(outcome: Outcome) -> None:
    """Excess falls sixteenfold for independent samples, known to 40 % with 3 runs of 140 cycles; a program of one
    link a row is not disturbed; regular cells err less."""
    excess = outcome.dataset.excess
    assert outcome.metrics["excess_hand"].value == 0
    author = excess.sel(program="author")
    ratio = float(author.sel(source="sampled", budget=16) / author.sel(source="sampled", budget=256))
    assert ratio == pytest.approx(16, rel=0.6)
    assert (author.sel(source="regular") < 0.2 * author.sel(source="sampled")).all()


def test_accumulators_are_the_weakest_neurons(outcome: Outcome) -> None:
    kinds = outcome.dataset.kind
    assert str(kinds.idxmax("group").item()) == "accum"
    late = outcome.dataset.by_cycle.sel(group="accum")
    assert float(late[100:].mean()) > 1.5 * float(late[10:50].mean())  # a random walk grows


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"learning", "machines", "spikes"}


def test_rounds_shrink_to_what_is_to_be_left() -> None:
    left = sizes_left(1486, 19)
    assert left[:3] == (1277, 1098, 944)
    assert left[-1] == 19
    assert all(a > b for a, b in pairwise(left))


def test_an_interrupted_run_goes_on_from_its_trainings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The programs by spikes fail once; the second run trains nothing, and has the losses of the first."""
    import scenarios.dmm_learns as scenario
    import scenarios.dmm_learns.learnt as learnt

    few = replace(SMALL, steps=4, spikes=(16,), replicas=2)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(scenario, "by_spikes", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_scenario("dmm-learns", few, out=tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(learnt, "fitted", interrupted)
        patched.setattr(learnt, "sparsified", interrupted)
        with pytest.warns(UserWarning, match="resuming"):
            made = run_scenario("dmm-learns", few, out=tmp_path / "run")
    assert made.dataset().sizes["step"] == few.steps + 1
