"""Spike times that do not fit into memory are refused before they are simulated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spiking import Brian2, Engine, EventDriven, Fused, GammaCircuit, GammaParams, room
from spiking.batch import Batch, Wanted
from spiking.record import Recorded

CIRCUIT = GammaCircuit(GammaParams.brief())
SCORES = np.array([[1.0, 0.0, -1.0], [0.5, 0.0, 0.2]])


def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, n_bytes: float) -> None:
    file = tmp_path / "meminfo"
    file.write_text(f"MemTotal:  99 kB\nMemAvailable:  {int(n_bytes / 1024)} kB\n")
    monkeypatch.setattr(room, "_MEMORY", file)


def attend(engine: Engine = EventDriven(), **asked: object) -> np.ndarray:
    rng = np.random.default_rng(0)
    return CIRCUIT.attend(SCORES, rng=rng, engine=engine, **({"duration_ms": 2000} | asked)).counts  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", [EventDriven(), Fused(), Brian2()])
def test_what_does_not_fit_is_refused_with_the_estimate(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    memory(monkeypatch, tmp_path, 30 * 1024)
    ran: list[int] = []
    run = type(engine).run

    def watched(self: Engine, batch: Batch, wanted: Wanted, *more: object) -> Recorded:
        ran.append(batch.n_rows)
        return run(self, batch, wanted, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(type(engine), "run", watched)
    with pytest.raises(
        ValueError, match=r'record must be "counts" .* got about \S+ spikes of 2 rows in 2000 ms'
    ):
        attend(engine)
    assert set(ran) == {1}  # a trial of one row
    assert attend(engine, record="counts").sum() > 0


def test_what_fits_is_not_changed_by_the_trial(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expected = attend()
    n_bytes = room._SPIKE_BYTES * expected.sum() * 2 + 2 * 2000 * room._SAMPLE_BYTES
    memory(monkeypatch, tmp_path, n_bytes)
    np.testing.assert_array_equal(attend(), expected)
    memory(monkeypatch, tmp_path, n_bytes / 8)
    with pytest.raises(ValueError, match='record must be "counts"'):
        attend()


def test_a_row_that_ends_with_its_spikes_is_estimated_by_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    memory(monkeypatch, tmp_path, 1e6)  # of which fields of 50 s take 0.8
    assert (attend(duration_ms=50_000, spikes=16).sum(axis=1) >= 16).all()
    with pytest.raises(ValueError, match='record must be "counts"'):
        attend(duration_ms=50_000)


def test_where_the_system_does_not_say_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(room, "_MEMORY", tmp_path / "none")
    assert attend().sum() > 0
