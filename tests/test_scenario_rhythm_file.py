"""rhythm-file: a published recording, runs as NWB and back, rhythms that are known, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from scenarios.rhythm_file import Params, run
from scenarios.workbench.errors import UsageError
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.recordings import read_recording
from scenarios.workbench.store import read_run
from scenarios.workbench.style import style


def found(file: Path, **changes: float) -> Outcome:
    params = Params(file=str(file), **changes)  # type: ignore[arg-type]
    return run(params, RunContext(rng=np.random.default_rng(0), progress=silent()))


def volleys(n_cells: int, f_Hz: float, seconds: float, jitter_s: float, seed: int = 0) -> list[np.ndarray]:
    """Cells that fire in half of the cycles of one rhythm."""
    rng = np.random.default_rng(seed)
    cycles = np.arange(0.01, seconds - 0.01, 1 / f_Hz)
    n = len(cycles) // 2
    return [
        np.sort(rng.choice(cycles, n, replace=False) + rng.normal(0, jitter_s, n)) for _ in range(n_cells)
    ]


def nwb(path: Path, trains: list[np.ndarray], trials: list[tuple[float, float]] | None = None) -> Path:
    pynwb = pytest.importorskip("pynwb", reason="needs the extra `neuro`")
    content = pynwb.NWBFile(
        session_description="a test", identifier="1", session_start_time=datetime(2020, 1, 1, tzinfo=UTC)
    )
    for train in trains:
        content.add_unit(spike_times=train)
    for start, stop in trials or []:
        content.add_trial(start_time=start, stop_time=stop)
    with pynwb.NWBHDF5IO(path, "w") as opened:
        opened.write(content)
    return path


def test_the_recording_of_kramer_and_eden_is_coherent_at_45_Hz(recordings: Path) -> None:
    """Published for this file: .740 at 45 Hz; 8876 spikes."""
    outcome = found(recordings / "kramer_spikes-LFP-1.mat")
    m = outcome.metrics
    assert m["f_coherence"].value == pytest.approx(45.0)
    assert m["coherence"].value == pytest.approx(0.740, abs=5e-4)
    assert m["ppc"].value > 4 * (m["ppc"].standard_error or 0.0)
    assert "8,876 spikes of 1 cell in 100 rows of 1 s" in outcome.verdict
    assert "keep to the field's phase" in outcome.in_short[0]
    assert "its own null hypothesis" in outcome.verdict
    with style():
        outcome.pictures["rhythm"].draw().canvas.draw()


def test_a_run_that_is_exported_comes_back_to_the_spike(tmp_path: Path) -> None:
    pytest.importorskip("pynwb", reason="needs the extra `neuro`")
    from scenarios.gamma_selects import Params as Selects
    from scenarios.workbench.nwb import write_nwb

    small = Selects(n_rows=6, tau_rows=4, duration_ms=500.0, n_cells=10, tau_gaba_ms=(8.0,))
    stored = run_scenario("gamma-selects", small, out=tmp_path / "run")
    write_nwb(read_run(stored.folder), tmp_path / "run.nwb")
    kept = read_run(stored.folder)
    sent = kept.spikes(next(iter(kept.spikes_kept)))
    back = read_recording(tmp_path / "run.nwb").spikes
    assert len(back) == len(sent)
    np.testing.assert_allclose(np.sort(back.time_ms), np.sort(sent.time_ms), atol=1e-6)
    np.testing.assert_array_equal(np.bincount(back.row), np.bincount(sent.row))
    assert back.duration_ms == pytest.approx(sent.duration_ms)
    outcome = found(tmp_path / "run.nwb")
    assert outcome.metrics["rhythmic"].value > 0.5
    assert 30 < outcome.metrics["f_gamma"].value < 50


def test_a_known_rhythm_of_units_is_told_and_independent_cells_have_none(tmp_path: Path) -> None:
    """A spectrum of 2 s tells .5 Hz apart; a recording without trials ends with its last spike, a little early."""
    rhythmic = nwb(tmp_path / "a.nwb", volleys(20, 50.0, 4.0, 0.001), [(0.0, 2.0), (2.0, 4.0)])
    outcome = found(rhythmic)
    assert outcome.metrics["rhythmic"].value == 1
    assert outcome.metrics["f_gamma"].value == pytest.approx(50.0, abs=1.0)
    assert outcome.metrics["rows"].value == 2
    rng = np.random.default_rng(1)
    apart = [np.sort(rng.uniform(0, 4, 80)) for _ in range(20)]
    alone = found(nwb(tmp_path / "b.nwb", apart))
    assert alone.metrics["rhythmic"].value == 0
    assert alone.metrics["rate"].value == pytest.approx(20.0, rel=0.05)
    with style():
        alone.pictures["rhythm"].draw().canvas.draw()


def test_recordings_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    def refused(file: Path, says: str, **changes: float) -> None:
        with pytest.raises(UsageError, match=says):
            found(file, **changes)

    refused(tmp_path / "gone.nwb", "file must be a recording that is there")
    (tmp_path / "notes.txt").write_text("spikes")
    refused(tmp_path / "notes.txt", "file must end in .nwb, .h5 or .mat, got notes.txt")
    savemat(tmp_path / "other.mat", {"x": np.zeros(3)})
    refused(tmp_path / "other.mat", r"must hold n \(spikes\) and y \(field\)")
    savemat(tmp_path / "silent.mat", {"n": np.zeros((3, 400)), "y": np.zeros((3, 400))})
    refused(tmp_path / "silent.mat", "file must hold spikes, got none")
    savemat(tmp_path / "good.mat", {"n": np.ones((3, 400)), "y": np.zeros((3, 400))})
    refused(tmp_path / "good.mat", "high_Hz must be > low_Hz = 60, got 50", low_Hz=60.0, high_Hz=50.0)
    savemat(
        tmp_path / "slow.mat", {"n": np.ones((3, 99)), "y": np.zeros((3, 99)), "t": np.arange(99) * 0.005}
    )
    refused(
        tmp_path / "slow.mat", r"high_Hz must be <= 100, half the rate of samples \(Nyquist\)", high_Hz=200.0
    )
    refused(nwb(tmp_path / "empty.nwb", []), "file must hold units with spike times")
    refused(
        nwb(tmp_path / "unsorted.nwb", [np.array([0.3, 0.2])]),
        "spike times must be sorted, got 0.2 s after 0.3",
    )
    (tmp_path / "damaged.nwb").write_bytes(b"not a file of HDF5")
    refused(tmp_path / "damaged.nwb", "file must be an NWB file")
    with pytest.raises(UsageError, match="file must name a recording, got none"):
        run(Params(), RunContext(rng=np.random.default_rng(0), progress=silent()))


def test_cells_that_run_away_are_named_and_left_out(tmp_path: Path) -> None:
    steady = volleys(20, 50.0, 4.0, 0.001)
    away = np.arange(0.0, 4.0, 1e-3)  # 1000 Hz
    alone = found(nwb(tmp_path / "a.nwb", steady, [(0.0, 2.0), (2.0, 4.0)])).metrics
    outcome = found(nwb(tmp_path / "b.nwb", [steady[0], away, *steady[1:]], [(0.0, 2.0), (2.0, 4.0)]))
    assert outcome.metrics["runaway"].value == 1
    assert "1 cell runs away, over 500 Hz" in outcome.verdict
    assert {name: m.value for name, m in outcome.metrics.items() if name != "runaway"} == {
        name: m.value for name, m in alone.items()
    }
    with pytest.raises(UsageError, match="500 Hz at most, got 1000 Hz and more in all 1 of"):
        found(nwb(tmp_path / "c.nwb", [away], [(0.0, 4.0)]))
