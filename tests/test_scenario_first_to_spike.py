"""The scenario first-to-spike at small size: laws by kind of cell, cycles, sentences that follow the numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scenarios.first_to_spike import Params, run
from scenarios.first_to_spike.measures import Study, in_words
from scenarios.first_to_spike.races import in_cycles, races
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Metric, Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from spiking import SpikeRecord, Spikes
from spiking.measures.distinct import LAG_MS, by_cycle

SMALL = Params(
    circuits=("brief", "regular-brief"), k=(1, 3), n_rows=1500, spikes=(8, 64), count_rows=200, beat_rows=6,
    beat_ms=600.0,
)  # fmt: skip


def context() -> RunContext:
    return RunContext(rng=np.random.default_rng(1), progress=silent())


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, context())


def test_random_cells_are_near_one_law_and_regular_ones_near_the_other(outcome: Outcome) -> None:
    """The laws are .058 apart in the mean over keys; 1500 races tell a distance to .004."""
    random, regular = outcome.metrics["race_brief"], outcome.metrics["race_regular-brief"]
    assert random.control is not None
    assert regular.control is not None
    assert random.value < 0.03 < random.control
    assert regular.control < 0.03 < regular.value
    assert "brief are nearer to Plackett-Luce" in outcome.in_short[0]


def test_regular_cells_take_fewer_spikes_and_count_better(outcome: Outcome) -> None:
    """Exact for memoryless cells: 4.45 spikes; four standard errors are .25."""
    metrics = outcome.metrics
    assert metrics["spikes_brief"].control == pytest.approx(4.4456, abs=1e-4)
    assert metrics["spikes_brief"].value == pytest.approx(4.45, abs=0.3)
    assert metrics["spikes_regular-brief"].value < 3.7
    assert metrics["counts_regular-brief_8"].value > metrics["counts_samples_8"].value + 0.2


def test_most_cycles_have_three_keys(outcome: Outcome) -> None:
    assert outcome.metrics["cycle_brief"].value > 0.95
    assert 15 < outcome.metrics["cycle_spikes_brief"].value < 40


def test_figures_and_data(outcome: Outcome) -> None:
    assert outcome.dataset.included.dims == ("raced_by", "k", "key")
    with style():
        for picture in outcome.pictures.values():
            picture.draw()


def test_cycles_part_where_the_i_cells_have_paused() -> None:
    """Two rows: three volleys in the first, of which the second has two spikes, and one in the second."""
    inh = Spikes(
        row=np.array([0, 0, 0, 0, 1]),
        cell=np.zeros(5, np.int32),
        time_ms=np.array([10.0, 30.0, 34.0, 55.0, 20.0]),
    )
    times = np.array([5.0, 13.0, 31.0, 36.5, 50.0, 58.0, 40.0])
    row = np.array([0, 0, 0, 0, 0, 0, 1])
    record = SpikeRecord.of_spikes(
        row=row, key=np.arange(7), time_ms=times, n_rows=2, n_keys=7, duration_ms=100.0
    )
    cycles, row = by_cycle(record, inh)
    assert LAG_MS == 2.0
    assert cycles.n_rows == 2
    assert row.tolist() == [0, 0]
    assert cycles.row.tolist() == [0, 0, 1, 1]
    assert cycles.key.tolist() == [1, 2, 3, 4]


def test_sentences_follow_the_numbers() -> None:
    """The same races under each other's names."""
    params = replace(SMALL, k=(3,), n_rows=400)
    ctx = context()
    raced, cycles = races(params, ctx), in_cycles(params, ctx)
    swapped = raced | {("brief", 3): raced["regular-brief", 3], ("regular-brief", 3): raced["brief", 3]}
    counted = {(name, n): np.full(20, name == "samples") for name, _ in raced for n in params.spikes}
    study = Study(params=params, raced=swapped, cycles=cycles, counted=counted)
    line = Metric(label="", value=0.5, standard_error=0.01, control=0.5)
    metrics = {f"{kind}_{name}": line for kind in ("spikes", "cycle", "repeats") for name in SMALL.circuits}
    verdict = in_words(study, metrics)["verdict"]
    assert "regular-brief are nearer to Plackett-Luce" in verdict
    assert "more than 64 (brief), more than 64 (regular-brief) and 8 (samples)" in verdict


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"k": (1, 9)}, "k must be at most n_keys, got 9 of 8 keys"),
        ({"circuits": ("brief", "brief")}, "circuits must differ, got brief,brief"),
        ({"spikes": (8, 4)}, "spikes must be ordered without repeats"),
    ],
)
def test_bad_input(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        replace(SMALL, **changes)
