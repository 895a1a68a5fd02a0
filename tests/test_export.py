"""Records as Neo blocks and back."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from spiking.export import to_neo
from spiking.record import SpikeRecord


def random_record(n: int = 200) -> SpikeRecord:
    rng = np.random.default_rng(0)
    return SpikeRecord(
        row=rng.choice([0, 2], n).astype(np.int32),
        key=rng.integers(0, 4, n).astype(np.int32),
        cell=rng.integers(0, 5, n).astype(np.int32),
        time_ms=np.sort(rng.uniform(0, 300, n)),
        n_rows=3,
        n_keys=4,
        n_cells=5,
        duration_ms=300.0,
    )


def test_neo_keeps_every_spike_its_row_key_and_cell() -> None:
    """All spikes come back from the block; the silent row is an empty segment."""
    pytest.importorskip("neo", reason="needs the extra `neuro`")
    record = random_record()
    block = to_neo(record)
    back = [
        (t.annotations["row"], t.annotations["key"], t.annotations["cell"], time)
        for segment in block.segments
        for t in segment.spiketrains
        for time in t.rescale("ms").magnitude
    ]
    sent = zip(record.row, record.key, record.cell, record.time_ms, strict=True)
    assert sorted(back) == sorted((int(r), int(k), int(c), float(t)) for r, k, c, t in sent)
    assert [len(segment.spiketrains) for segment in block.segments][1] == 0
    assert {float(t.t_stop.rescale("ms")) for s in block.segments for t in s.spiketrains} == {300.0}


def test_elephant_reads_the_trains() -> None:
    """Elephant's mean rate of each exported train is its count over the duration."""
    pytest.importorskip("neo", reason="needs the extra `neuro`")
    statistics = pytest.importorskip("elephant.statistics", reason="needs the extra `neuro`")
    record = random_record()
    trains = [t for segment in to_neo(record).segments for t in segment.spiketrains]
    total_Hz = sum(float(statistics.mean_firing_rate(t).rescale("Hz")) for t in trains)
    assert total_Hz == pytest.approx(len(record) / 0.3)


def test_without_neo_the_error_names_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neo", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install '\.\[neuro\]' in the checkout"):
        to_neo(random_record())
