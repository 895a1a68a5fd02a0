"""Spike times in a run folder: kept small, cut to whole rows, read back, exported as NWB."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import fake_scenario
import numpy as np
import pytest
import xarray as xr
from test_report import Page

from scenarios.workbench import registry, spike_times
from scenarios.workbench.cli import main
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.store import StoredRun, read_run
from spiking.record import SpikeRecord


def random_record(n_rows: int = 6, per_row: int = 500) -> SpikeRecord:
    """Spikes of row 0 to n_rows - 1, but for row 2, which stays silent."""
    rng = np.random.default_rng(0)
    row = rng.permutation(np.repeat(np.delete(np.arange(n_rows), 2), per_row))
    n = len(row)
    return SpikeRecord(
        row=row.astype(np.int32),
        key=rng.integers(0, 9, n).astype(np.int32),
        cell=rng.integers(0, 300, n).astype(np.int32),
        time_ms=np.sort(rng.integers(0, 8000, n) * 0.1),
        n_rows=n_rows,
        n_keys=9,
        n_cells=300,
        duration_ms=800.0,
    )


def spikes_of(record: SpikeRecord) -> list[tuple[int, int, int, float]]:
    """Row, key, cell and microsecond of every spike, sorted."""
    columns = (record.row, record.key, record.cell, np.round(record.time_ms, 3))
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry.SCENARIOS, "coin-toss", registry.Entry("Chance", "A fair coin"))
    monkeypatch.setitem(sys.modules, "scenarios.coin_toss", fake_scenario)


@pytest.fixture
def spiking(monkeypatch):
    """A run that hands over two records."""
    toss = fake_scenario.run
    records = {"loop": random_record(), "cut": random_record(n_rows=4)}
    monkeypatch.setattr(fake_scenario, "run", lambda p, ctx: replace(toss(p, ctx), spikes=records))
    return records


def test_every_spike_comes_back_in_the_order_of_time(spiking):
    run = run_scenario("coin-toss", out="run")
    for name, record in spiking.items():
        back = read_run("run").spikes(name)
        assert spikes_of(back) == spikes_of(record)
        assert (np.diff(back.time_ms) >= 0).all()
        np.testing.assert_array_equal(back.counts(), record.counts())
        assert (back.n_rows, back.n_keys, back.n_cells, back.duration_ms) == (record.n_rows, 9, 300, 800.0)
    assert run.dataset().identical(run_scenario("coin-toss", out="again").dataset())
    assert set(run.dataset().variables) == {"share", "row"}  # the spikes stay out of it


def test_a_spike_takes_few_bytes(spiking):
    run_scenario("coin-toss", out="run")
    with xr.open_dataset("run/result.nc", group="spikes/loop", engine="h5netcdf") as stored:
        types = {name: stored[name].dtype.name for name in stored}
        assert types == {"row": "uint8", "key": "uint8", "cell": "uint16", "time_ms": "float32"}
        assert stored["time_ms"].attrs["units"] == "ms"
        assert all(stored[name].encoding["complevel"] == 4 for name in stored)


def test_above_the_limit_the_largest_record_is_cut_to_whole_rows_and_the_run_says_so(spiking, monkeypatch):
    """1500 spikes of the small record leave 2000 of 3500 to the other: 4 rows with 500, and the silent one."""
    monkeypatch.setattr(spike_times, "LIMIT", 3500)
    with pytest.warns(
        UserWarning, match="spike times of loop are kept for the first 5 of 6 rows: a run keeps"
    ):
        run = run_scenario("coin-toss", out="run")
    kept = run.spikes("loop")
    assert spikes_of(kept) == [spike for spike in spikes_of(spiking["loop"]) if spike[0] < 5]
    assert kept.n_rows == 6
    assert {name: (k.n_spikes, k.rows, k.of_rows) for name, k in run.spikes_kept.items()} == {
        "loop": (2000, 5, 6),
        "cut": (1500, 4, 4),
    }
    text = Page(run.report.read_text()).text
    assert "loop , 2000 spikes of the first 5 of 6 rows; cut , 1500 spikes of 4 rows." in text


def test_a_run_without_spikes_has_none_and_says_nothing_of_them():
    run = run_scenario("coin-toss", out="run")
    assert run.spikes_kept == {}
    assert "Spike times" not in run.report.read_text()
    with pytest.raises(ValueError, match="unknown record 'loop'"):
        run.spikes("loop")


# NWB


def exported(run: StoredRun) -> list[tuple[str, int, int, int, float]]:
    """Record, row, key, cell and microsecond of every spike in the file, sorted."""
    from pynwb import NWBHDF5IO

    with NWBHDF5IO("spikes.nwb", "r") as opened:
        content = opened.read()
        assert content.session_description == run.provenance.question
        units = content.units.to_dataframe()
        assert all(window.tolist() == [[0.0, 0.8]] for window in units["obs_intervals"])
        return sorted(
            (unit["record"], unit["row"], unit["key"], unit["cell"], round(float(time) * 1000, 3))
            for _, unit in units.iterrows()
            for time in unit["spike_times"]
        )


@pytest.mark.usefixtures("spiking")
def test_nwb_holds_every_spike_with_its_row_key_and_cell(capsys):
    pytest.importorskip("pynwb", reason="needs the extra `neuro`")
    run = run_scenario("coin-toss", out="run")
    assert main(["export", "run", "--nwb", "spikes.nwb"]) == 0
    sent = [(name, *spike) for name in run.spikes_kept for spike in spikes_of(run.spikes(name))]
    assert exported(run) == sorted(sent)
    n_units = len({spike[:4] for spike in sent})
    assert capsys.readouterr().out == f"{n_units:,} units: spikes.nwb\n"
    assert not list(Path().glob(".*"))


@pytest.mark.usefixtures("spiking")
def test_an_export_that_cannot_be_is_refused_in_one_line(capsys, monkeypatch):
    run_scenario("coin-toss", out="run")
    Path("taken.nwb").touch()
    for file, says in (
        ("taken.nwb", "nwb must be new"),
        ("spikes.h5", "nwb must end in .nwb, got spikes.h5"),
    ):
        assert main(["export", "run", "--nwb", file]) == 2
        assert says in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pynwb", None)
    assert main(["export", "run", "--nwb", "spikes.nwb"]) == 2
    assert "pynwb is not installed" in capsys.readouterr().err


def test_a_run_without_spikes_cannot_be_exported(capsys):
    run_scenario("coin-toss", out="run")
    assert main(["export", "run", "--nwb", "spikes.nwb"]) == 2
    assert "run must keep spike times, got none in run" in capsys.readouterr().err
    assert not Path("spikes.nwb").exists()
