"""A run in other tools' formats: SONATA, NWB's own validator, Neo, CSV, tables; and what is refused in one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import fake_scenario
import h5py
import numpy as np
import pytest
from test_spike_times import random_record, spikes_of

from scenarios.workbench import registry
from scenarios.workbench.cli import main
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.recordings import read_recording
from scenarios.workbench.sonata import read_sonata
from scenarios.workbench.store import StoredRun
from spiking import Fused, GammaCircuit, GammaParams, Network, get_data, simulate_circuit


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredRun:
    """A run of two records, in the working folder."""
    from dataclasses import replace

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry.SCENARIOS, "coin-toss", registry.Entry("Chance", "A fair coin"))
    monkeypatch.setitem(sys.modules, "scenarios.coin_toss", fake_scenario)
    toss = fake_scenario.run
    records = {"loop": random_record(per_row=50), "cut": random_record(n_rows=4, per_row=50)}
    monkeypatch.setattr(fake_scenario, "run", lambda p, ctx: replace(toss(p, ctx), spikes=records))
    return run_scenario("coin-toss", out="run")


def test_sonata_has_the_layout_of_the_guide_and_comes_back_to_the_spike(
    run: StoredRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "run", "--to", "sonata"]) == 0
    assert capsys.readouterr().out == "400 spikes: run.h5\n"
    with h5py.File("run.h5") as file:
        assert int(file.attrs["magic"]) == 0x0A7A
        assert set(file["spikes"]) == {"loop", "cut"}
        population = file["spikes/loop"]
        assert population["node_ids"].dtype == np.uint64
        assert population["timestamps"].dtype == np.float64
        assert population["timestamps"].attrs["units"] == "ms"
        kind = population.attrs.get_id("sorting").dtype
        assert h5py.check_enum_dtype(kind) == {"none": 0, "by_id": 1, "by_time": 2}
        assert population.attrs["sorting"] == 2
    with pytest.warns(UserWarning, match="cut is read, of the populations cut, loop"):
        back = read_sonata(Path("run.h5"))
    assert spikes_of(back) == spikes_of(run.spikes("cut"))


def sonata(path: Path, times: list[float], nodes: list[int], unit: str | None = "ms", **attrs: Any) -> Path:
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes/cortex")
        group["timestamps"], group["node_ids"] = np.array(times), np.array(nodes, dtype=np.uint64)
        if unit:
            group["timestamps"].attrs["units"] = unit
        group.attrs.update(attrs)
    return path


def test_sonata_of_another_simulator_is_one_row_of_the_cells_that_fired(tmp_path: Path) -> None:
    spikes = read_recording(sonata(tmp_path / "a.h5", [0.5, 0.1, 0.2], [7, 900, 7], "s")).spikes
    assert (spikes.n_rows, spikes.n_cells) == (1, 2)
    np.testing.assert_allclose(spikes.time_ms, [0.0, 100.0, 400.0])
    np.testing.assert_array_equal(spikes.cell, [1, 0, 0])
    assert spikes.duration_ms == pytest.approx(401.0)


def test_rhythm_reads_sonata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty cells that fire with every beat of 50 Hz, 1 ms apart."""
    monkeypatch.chdir(tmp_path)
    beats = np.arange(10, 2000, 20.0)
    times = (beats[:, None] + np.linspace(0, 1, 20)).ravel()
    sonata(tmp_path / "a.h5", times.tolist(), np.tile(np.arange(20), len(beats)).tolist())
    assert main(["rhythm", "a.h5", "--out", "found"]) == 0
    assert "50" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            {"times": [2.0, 1.0], "sorting": "by_time"},
            "must be sorted by_time, as cortex of a.h5 says, got 1 ms of",
        ),
        ({"times": [1.0, 1.0], "nodes": [4, 3], "sorting": 1}, "must be sorted by_id"),
        ({"times": [1.0, np.nan]}, "timestamps must be finite"),
        ({"times": [1.0, 2.0], "unit": "years"}, "units of timestamps must be one of ms, s, us; got 'years'"),
        ({"times": [1.0], "nodes": [1, 2]}, "must be of one length"),
        ({"times": [], "nodes": []}, "file must hold spikes, got none"),
        ({"times": [1.0, 2.0], "sorting": "loud"}, "sorting must be one of none, by_id, by_time; got 'loud'"),
    ],
)
def test_a_damaged_sonata_file_is_refused_in_one_line(
    content: dict[str, Any],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    sonata(Path("a.h5"), **{"nodes": [1, 2], **content})
    assert main(["rhythm", "a.h5"]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_file_without_spikes_and_one_that_is_no_hdf5_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with h5py.File("other.h5", "w") as file:
        file["report"] = 1
    Path("damaged.h5").write_text("spikes")
    for name, says in (
        ("other.h5", "must hold spikes in /spikes/POPULATION, got report"),
        ("damaged.h5", "file must be a SONATA file"),
    ):
        assert main(["rhythm", name]) == 2
        assert says in capsys.readouterr().err


def test_pynwb_finds_the_exported_file_valid(run: StoredRun) -> None:
    pynwb = pytest.importorskip("pynwb", reason="needs the extra `neuro`")
    assert main(["export", "run", "--to", "nwb"]) == 0
    with pynwb.NWBHDF5IO("run.nwb", "r") as opened:
        assert pynwb.validate(io=opened) == []


def test_neo_reads_every_train_of_the_exported_file(run: StoredRun) -> None:
    io = pytest.importorskip("neo.io", reason="needs the extra `neuro`")
    assert main(["export", "run", "--to", "neo"]) == 0
    block = io.NeoMatlabIO("run.mat").read_block()
    trains = [train for segment in block.segments for train in segment.spiketrains]
    back = sorted(
        (*(int(train.annotations[label]) for label in ("row", "key", "cell")), round(float(time), 3))
        for train in trains
        if train.annotations["source_population"] == "loop"
        for time in train.rescale("ms").magnitude
    )
    assert {train.annotations["source_population"] for train in trains} == {"loop", "cut"}
    assert back == spikes_of(run.spikes("loop"))


def test_csv_and_the_tables_hold_every_spike(run: StoredRun) -> None:
    """The lines of docs/exchange.md: xarray, pandas, and a table of Hugging Face's datasets."""
    import pandas as pd

    assert main(["export", "run", "--to", "csv", "--out", "spikes.csv"]) == 0
    table = run.spike_table()
    back = pd.read_csv("spikes.csv")
    pd.testing.assert_frame_equal(back, table, check_dtype=False)
    loop = table[table["record"] == "loop"]
    columns = (loop[column].tolist() for column in ("row", "key", "cell", "time_ms"))
    assert sorted((r, k, c, round(t, 3)) for r, k, c, t in zip(*columns, strict=True)) == spikes_of(
        run.spikes("loop")
    )
    assert run.dataset().to_dataframe()["share"].tolist() == run.dataset()["share"].values.tolist()


def test_a_run_is_a_table_of_hugging_face_datasets(run: StoredRun) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the package datasets")
    table = datasets.Dataset.from_pandas(run.spike_table())
    assert table.num_rows == 400
    assert set(table.column_names) == {"record", "row", "key", "cell", "time_ms"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--to", "matlab"], "unknown format 'matlab'"),
        (["--to", "sonata", "--out", "spikes.txt"], "sonata must end in .h5, got spikes.txt"),
        ([], "export needs one of --to FORMAT and --nwb FILE; formats: nwb, neo, sonata, csv, nir"),
        (["--to", "csv", "--nwb", "a.nwb"], "export needs one of"),
        (["--to", "nir"], "source must be a circuit for --to nir, got run"),
    ],
)
@pytest.mark.usefixtures("run")
def test_an_odd_export_is_refused(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "run", *words]) == 2
    assert says in capsys.readouterr().err


def test_get_data_of_a_selection_has_trains_and_field_as_pynn_has_them() -> None:
    pytest.importorskip("neo", reason="needs the extra `neuro`")
    scores, rng = np.array([[0.0, 1.0], [1.0, 0.0]]), np.random.default_rng(0)
    selection = GammaCircuit(GammaParams(n_cells=5)).attend(scores, duration_ms=100, rng=rng)
    block = get_data(selection)
    assert [segment.index for segment in block.segments] == [0, 1]
    train = block.segments[0].spiketrains[0]
    assert train.annotations["source_index"] == 5 * train.annotations["key"] + train.annotations["cell"]
    assert sum(len(t) for s in block.segments for t in s.spiketrains) == len(selection.spikes)
    signal = block.segments[1].analogsignals[0]
    np.testing.assert_array_equal(signal.magnitude[:, 0], selection.field[1])
    assert float(signal.sampling_period.rescale("ms")) == selection.field_dt_ms


def test_get_data_of_a_simulated_network_names_its_groups() -> None:
    pytest.importorskip("neo", reason="needs the extra `neuro`")
    import brian2 as b2

    def build(rng: np.random.Generator) -> Network:
        group = b2.NeuronGroup(
            2, "dv/dt = (2 - v) / tau : 1", threshold="v > 1", reset="v = 0", method="exact",
            dt=0.1 * b2.ms, name="E",
        )  # fmt: skip
        return Network([group], {"tau": 10 * b2.ms})

    ran = simulate_circuit(
        build,
        duration_ms=50,
        rng=np.random.default_rng(0),
        record=["E"],
        sample=["E.v"],
        engine=Fused("float64"),
    )
    block = get_data(ran)
    (segment,) = block.segments
    assert [t.annotations["source_index"] for t in segment.spiketrains] == [0, 1]
    assert {t.annotations["source_population"] for t in segment.spiketrains} == {"E"}
    assert sum(map(len, segment.spiketrains)) == ran.counts["E"][0]
    assert segment.analogsignals[0].name == "E.v"
    assert segment.analogsignals[0].shape == (50, 2)


def test_get_data_of_something_else_is_refused() -> None:
    pytest.importorskip("neo", reason="needs the extra `neuro`")
    with pytest.raises(TypeError, match=r"source must be a SpikeRecord, a Selection or a Recorded, got 3"):
        get_data(3)  # type: ignore[arg-type]
