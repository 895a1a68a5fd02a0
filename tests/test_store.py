"""Run folders: complete, atomic, reproducible, and read back as written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import fake_scenario
import numpy as np
import pytest
import xarray as xr

from scenarios.workbench import store
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import Metric, Outcome, number_text
from scenarios.workbench.staging import staged_folder
from scenarios.workbench.store import read_run


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Each test works in an empty folder with the fake scenario registered."""
    import sys

    from scenarios.workbench import registry

    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry.SCENARIOS, "coin-toss", registry.Entry("Chance", "A fair coin"))
    monkeypatch.setitem(sys.modules, "scenarios.coin_toss", fake_scenario)


def test_a_run_leaves_every_file_and_no_other():
    run = run_scenario("coin-toss", seed=1)
    names = sorted(path.name for path in run.folder.iterdir())
    assert names == ["metrics.json", "params.json", "report.html", "result.nc", "shares.png", "shares.svg"]
    assert sorted(Path("runs").iterdir()) == [run.folder, Path("runs/index.html")]


def test_params_json_tells_what_a_reader_needs_to_repeat_it():
    run = run_scenario("coin-toss", fake_scenario.Params(n_rows=4), seed=7)
    stored = json.loads((run.folder / "params.json").read_text())
    assert stored["command"] == "fortyhertz run coin-toss --seed 7 --engine events --n-rows 4"
    assert stored["versions"]["numpy"] == np.__version__
    assert {"python", "brian2", "torch"} <= set(stored["versions"])
    assert stored["wall_s"] > 0
    assert stored["peak_memory_MiB"] > 10  # Python with NumPy takes more


def test_the_dataset_comes_back_with_dimensions_units_and_values():
    data = run_scenario("coin-toss", seed=1).dataset()
    assert data["share"].dims == ("row",)
    assert data["share"].attrs["units"] == "1"
    expected = np.random.default_rng(1).binomial(20, 0.5, size=8) / 20
    np.testing.assert_array_equal(data["share"], expected)


def test_metrics_come_back_and_a_number_that_is_none_is_null_in_the_file():
    run = run_scenario("coin-toss", seed=1)
    assert json.loads((run.folder / "metrics.json").read_text())["metrics"]["spread"]["value"] is None
    assert np.isnan(run.metrics["spread"].value)
    assert run.metrics["spread"].floor == 0.11
    assert run.headline == ("share", "rows", "spread")
    assert run.metrics["share"].value == pytest.approx(float(run.dataset()["share"].mean()))


def test_same_seed_same_data_and_pictures_and_another_seed_another():
    first, again, other = (run_scenario("coin-toss", seed=seed) for seed in (1, 1, 2))
    assert again.folder.name == f"{first.folder.name}-2"
    xr.testing.assert_identical(first.dataset(), again.dataset())
    for name in ("shares.svg", "shares.png", "metrics.json"):
        assert (first.folder / name).read_bytes() == (again.folder / name).read_bytes()
    assert not first.dataset().equals(other.dataset())


def test_other_parameters_get_another_folder():
    names = {run_scenario("coin-toss", fake_scenario.Params(n_rows=n), seed=0).folder.name for n in (2, 3)}
    assert len(names) == 2
    assert all(name.startswith("coin-toss-0-") for name in names)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_stays_after_an_exception_parent_folders_included(error):
    def fail_halfway() -> None:
        with staged_folder(Path("a/b/run"), numbered=False) as staged:
            (staged.temporary / "half").write_text("written")
            raise error

    with pytest.raises(error):
        fail_halfway()
    assert not list(Path().iterdir())


def test_a_failure_while_drawing_leaves_nothing(monkeypatch):
    monkeypatch.setattr(fake_scenario, "_draw", lambda share: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_scenario("coin-toss", out="kept/run")
    assert not list(Path().iterdir())


def test_the_folder_is_not_visible_under_its_name_before_it_is_whole():
    with staged_folder(Path("run"), numbered=False) as staged:
        assert staged.temporary.parent == Path()
        assert not Path("run").exists()
        (staged.temporary / "file").touch()
    assert sorted(Path().iterdir()) == [Path("run")]


def test_an_empty_folder_is_taken_over_and_a_full_one_never():
    Path("run").mkdir()
    run_scenario("coin-toss", out="run")
    with pytest.raises(ValueError, match="out must be new or an empty folder, got run"):
        run_scenario("coin-toss", out="run")


def test_a_folder_that_appears_meanwhile_is_not_overwritten():
    def too_late() -> None:
        with staged_folder(Path("run"), numbered=False):
            Path("run").mkdir()
            Path("run/other").touch()

    with pytest.raises(ValueError, match="out must be new"):
        too_late()
    assert [path.name for path in Path().rglob("*")] == ["run", "other"]


def test_params_of_another_scenario_are_refused():
    from scenarios.workbench.params import ScenarioParams

    with pytest.raises(TypeError, match=r"params must be fake_scenario\.Params, got ScenarioParams"):
        run_scenario("coin-toss", ScenarioParams())


def test_a_damaged_run_is_named_so():
    run = run_scenario("coin-toss", out="run")
    (run.folder / "metrics.json").write_text("{")
    with pytest.raises(ValueError, match="got a damaged one: run"):
        read_run("run")


def test_an_unknown_run_lists_the_runs_there_are():
    name = run_scenario("coin-toss").folder.name
    with pytest.raises(ValueError, match=f"got 'nope'; in runs/: {name}"):
        read_run("nope")


def test_json_never_holds_nan(tmp_path):
    store._write_json(tmp_path / "x.json", {"a": np.float64("nan"), "b": (np.int64(3), float("inf"))})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": None, "b": [3, None]}


def test_an_outcome_without_units_or_with_an_unknown_headline_is_refused():
    metrics = {name: Metric(label=name, value=1.0) for name in "abc"}
    parts = {"metrics": metrics, "pictures": {}, "verdict": "."}
    with pytest.raises(ValueError, match="units, got none for rate"):
        Outcome(dataset=xr.Dataset({"rate": ("row", [1.0])}), headline=("a", "b", "c"), **parts)
    with pytest.raises(ValueError, match="headline must name three of the metrics"):
        Outcome(dataset=xr.Dataset(), headline=("a", "b", "d"), **parts)


@pytest.mark.parametrize("in_short", [("One.", "Two.", "Three.", "Four."), ("no full stop",), "One."])
def test_in_short_is_at_most_three_sentences(in_short):
    metrics = {name: Metric(label=name, value=1.0) for name in "abc"}
    with pytest.raises(ValueError, match="in_short must be at most 3 sentences, each with its full stop"):
        Outcome(
            dataset=xr.Dataset(),
            metrics=metrics,
            headline=("a", "b", "c"),
            pictures={},
            verdict=".",
            in_short=in_short,
        )


def test_the_verdict_begins_a_run_that_says_nothing_in_short(monkeypatch):
    verdict = "It is 2.5 times the floor, i.e. close. Noise limits it.\nIt costs 3 pJ. And more."
    made = fake_scenario.run
    monkeypatch.setattr(fake_scenario, "run", lambda p, c: replace(made(p, c), verdict=verdict))
    assert run_scenario("coin-toss").in_short == (
        "It is 2.5 times the floor, i.e. close.",
        "Noise limits it.",
        "It costs 3 pJ.",
    )
    monkeypatch.setattr(
        fake_scenario, "run", lambda p, c: replace(made(p, c), verdict=verdict, in_short=("Yes.",))
    )
    assert run_scenario("coin-toss", seed=1).in_short == ("Yes.",)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.98321, 0.0123, "0.983 ± 0.012"),
        (38.21, 4.2, "38.2 ± 4.2"),
        (740.3, 396.0, "740 ± 396"),
        (0.0221, None, "0.0221"),
        (123456, None, "123,456"),
        (float("nan"), 0.1, "–"),
        (1.0, 0.0, "1"),
        (3e-9, 1e-10, "3e-09 ± 1e-10"),
    ],
)
def test_numbers_are_rounded_where_their_error_begins(value, error, text):
    assert number_text(value, error) == text
