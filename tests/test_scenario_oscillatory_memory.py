"""oscillatory-memory at small size: retrieval falls with load, the head finds, figures and sentences follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scenarios.oscillatory_memory import Params, run
from scenarios.oscillatory_memory.heads import PHASES, _phases
from scenarios.oscillatory_memory.phases import Phasors
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    oscillators=100, stored=(3,), draws=3, units=200, active=12, loads=(20, 600), cues=30, spiking_cues=6,
    keys=(64, 1024), spikes=(1, 4), cycles=2, clusters=4, members=4, betas=(1.0, 30.0), similarities=(0.0, 0.9),
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_phasors_in_spikes_retrieve_as_numbers_do_and_fail_with_too_many(outcome: Outcome) -> None:
    m = outcome.metrics
    shown = "phasors_20" if "phasors_20" in m else "phasors"
    assert (m[f"{shown}_enough"].control or 0.0) > 0.9
    assert m[shown].value > 0.6
    assert m["phasors_600"].value < 0.4
    assert m["bits_synapse_exact"].value > 0.02


def test_the_head_finds_one_of_many_with_few_spikes(outcome: Outcome) -> None:
    m = outcome.metrics
    assert m["head_softmax_1024"].value > 0.9
    assert m["head_spiking_4_1024"].value > 0.85
    assert m["head"].value > 0.8
    assert m["head"].floor == pytest.approx(1 / 1024)


def test_a_cold_head_settles_on_patterns_and_a_warm_one_on_the_mean_of_all(outcome: Outcome) -> None:
    exact = outcome.dataset.settles.sel(settled="softmax")
    assert float(exact.sel(beta=30.0, similarity=0.0, phase="one pattern")) == 1.0
    assert float(exact.sel(beta=1.0, similarity=0.0, phase="mean of all")) > 0.9
    np.testing.assert_allclose(exact.sum("phase"), 1.0)


def test_phases_of_states_that_are_known() -> None:
    rng = np.random.default_rng(2)
    keys = rng.normal(size=(3, 5, 40))
    keys /= np.linalg.norm(keys, axis=-1, keepdims=True)
    own = _phases(keys.reshape(-1, 40), keys)
    assert own[PHASES.index("one pattern")] == 1
    means = np.repeat(keys.mean(axis=1), 5, axis=0)
    assert _phases(means, keys)[PHASES.index("mean of a cluster")] == 1
    assert _phases(rng.normal(size=(15, 40)), keys)[PHASES.index("none of these")] == 1


def test_bits_of_a_perfect_memory_are_those_of_its_patterns() -> None:
    """log2 C(4, 2) = 2.585 for which units; the phases' share grows as their error falls."""
    cosines = {1: np.array([1.0, 0.2]), 2: np.full(2, 1 - 1e-4)}
    memory = Phasors(n_units=4, n_active=2, cosines=cosines, enough={})
    worse = replace(memory, cosines={2: np.full(2, 0.95)})
    assert 0 < worse.bits(2) < memory.bits(2)
    assert memory.bits(1) > 0.5 * 2.585
    assert replace(memory, cosines={1: np.zeros(2)}).bits(1) == 0


def test_figures_draw(outcome: Outcome) -> None:
    assert set(outcome.pictures) == {"retrieval", "success", "settles"}
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"active": 400}, "active must be <= half of units, 312, got 400"),
        ({"loads": (3, 2)}, "loads must be ordered"),
        ({"heads": ("softmax",)}, "heads must have softmax and spiking"),
    ],
)
def test_what_cannot_be_run_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Params(**changes)  # type: ignore[arg-type]
