"""Sweeps: what is asked for, what is computed and kept, and what comes of it."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import sweep_scenario
import xarray as xr
from sweep_scenario import computed

from scenarios.workbench.cli import main
from scenarios.workbench.executors import LOSSES
from scenarios.workbench.points import PointStore
from scenarios.workbench.run_sweep import SweepRun, run_sweep
from scenarios.workbench.sweep import parse_setting, plan_sweep

NAME = sweep_scenario.NAME


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Each test works in an empty folder, with the scenario of the sweeps registered."""
    monkeypatch.chdir(tmp_path)
    sweep_scenario.stand_in(monkeypatch)


def sweep(*settings: str, out: str = "out", jobs: int = 1, **options) -> SweepRun:
    chosen = {name: options.pop(name) for name in ("scheduler", "retry_failed") if name in options}
    jobs = None if "scheduler" in chosen else jobs
    return run_sweep(plan_sweep(NAME, settings, **options), out=out, jobs=jobs, **chosen)


def levels(setting: str, sampled: bool = False) -> tuple:
    return parse_setting(sweep_scenario.Params, setting, sampled=sampled).levels


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("n=10,20,40", (10, 20, 40)),
        ("n=0:10:3", (0, 5, 10)),
        ("n=1:16:3:log", (1, 4, 16)),
        ("x-ms=0.1:0.3:3", (0.1, 0.2, 0.3)),
        ("x_ms=1e-2:1:3:log", (0.01, 0.1, 1.0)),
        ("keys=2,4", (2, 4)),
        ("law=plus, minus", ("plus", "minus")),
        ("loud=true,no", (True, False)),
        ("log=a:b", ("a:b",)),
    ],
)
def test_values_are_read_as_the_type_of_their_field(setting, expected):
    assert levels(setting) == expected
    assert [type(level) for level in levels(setting)] == [type(level) for level in expected]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nothing --set n=1", "unknown scenario 'nothing'; known: gamma-selects"),
        (f"{NAME} --set m=1", "unknown parameter 'm'; "),
        (f"{NAME} --set n_cell=1", "known: n, x_ms, keys, law"),
        (f"{NAME} --set n", "set must be parameter=values, got 'n'; use for example"),
        (f"{NAME} --set n=", "n must be an integer, got ''; use for example 2"),
        (f"{NAME} --set n=1,x", "n must be an integer, got 'x'; use for example 2"),
        (f"{NAME} --set x_ms=1,x", "x_ms must be a number, got 'x'; use for example 0.5"),
        (f"{NAME} --set x_ms=nan", "x_ms must be finite, got nan"),
        (f"{NAME} --set n=5,100", "n must be <= 99, got 100"),
        (f"{NAME} --set x_ms=0:1:3", "x_ms must be > 0, got 0.0"),
        (f"{NAME} --set keys=1,2", "keys must be >= 2, got 1"),
        (f"{NAME} --set x_ms=1:2", "x_ms must be set as a,b,c or low:high:n or low:high:n:log, got '1:2'"),
        (f"{NAME} --set x_ms=1:2:3:lin", "x_ms must be set as"),
        (f"{NAME} --set x_ms=1:2:3:4", "x_ms must be set as"),
        (f"{NAME} --set x_ms=2:1:3", "a range must go from a low to a higher number in 2 or more values"),
        (f"{NAME} --set x_ms=1:2:1", "a range must go from a low"),
        (f"{NAME} --set loud=0:1:2", "a range must go from a low"),
        (f"{NAME} --set n=0:8:3:log", "a geometric range must begin above 0, got n=0:8:3:log"),
        (f"{NAME} --set n=1:2:5", "n must not hold a value twice, got 1 again"),
        (f"{NAME} --set n=1,2,1", "n must not hold a value twice, got 1 again"),
        (f"{NAME} --set n=1 --set n=2", "set must not hold a value twice, got 'n' again"),
        (f"{NAME} --set law=plus,times", "unknown law 'times'; known: plus, minus"),
        (f"{NAME} --set loud=maybe", "unknown value of loud 'maybe'; known: true, yes"),
        (f"{NAME} --repeats 0", "repeats must be >= 1, got 0; use for example 1"),
        (f"{NAME} --seed -1", "seed must be >= 0, got -1"),
        (f"{NAME} --set n=1:9 --samples 0", "samples must be >= 1, got 0"),
        (f"{NAME} --set n=1 --samples 3", "samples must go with a parameter of several values"),
        (f"{NAME} --engine brain2", "unknown engine 'brain2'; did you mean 'brian2'?"),
        (f"{NAME} --jobs 0", "jobs must be >= 1, got 0; leave it out for all cores"),
        (f"{NAME} --jobs 2 --scheduler tcp://x:1", "jobs must not go with scheduler"),
        (f"{NAME} --slurm --scheduler tcp://x:1", "scheduler must not go with slurm, got tcp://x:1"),
        (f"{NAME} --walltime 2:00:00", "walltime must go with --slurm, got 2:00:00 without it; add --slurm"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_writes_nothing(capsys, line, message):
    assert main(["sweep", *shlex.split(line)]) == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith("error: ")
    assert message in said
    assert not list(Path().iterdir())


def test_a_grid_holds_every_combination_and_the_seeds_depend_on_the_repeat_only():
    plan = plan_sweep(NAME, ["n=1,2", "x_ms=1,2,3", "loud=true"], repeats=2, seed=5)
    assert plan.dims == ("n", "x_ms", "repeat")
    assert plan.shape == (2, 3, 2)
    at = [(p.parameters["n"], p.parameters["x_ms"]) for p in plan.points[::2]]
    assert at == [(1, 1.0), (1, 2.0), (1, 3.0), (2, 1.0), (2, 2.0), (2, 3.0)]
    assert all(point.parameters["loud"] for point in plan.points)
    assert [point.seed for point in plan.points] == list(plan.seeds) * 6
    assert len({*plan.seeds, *plan_sweep(NAME, [], repeats=2, seed=6).seeds}) == 4
    assert len({point.key for point in plan.points}) == 12


def test_a_point_is_kept_by_all_that_its_result_depends_on():
    plans = [
        plan_sweep(NAME, ["n=1"], engine="fused"),
        plan_sweep(NAME, ["n=1"], engine="events"),
        plan_sweep(NAME, ["n=1"], engine="events", seed=1),
        plan_sweep(NAME, ["n=2"], engine="events"),
        plan_sweep("gamma-selects", [], engine="events"),
    ]
    assert len({plan.points[0].key for plan in plans}) == 5


def test_a_tuple_parameter_takes_one_value_at_a_time():
    plan = plan_sweep(NAME, ["keys=2,4"])
    assert [point.parameters["keys"] for point in plan.points] == [(2,), (4,)]


def test_a_latin_hypercube_has_one_sample_in_every_stratum_of_every_parameter():
    plan = plan_sweep(NAME, ["x_ms=1:3", "n=1,2,3,4,5", "keys=2:50:log"], samples=10, seed=1)
    assert plan.dims == ("sample", "repeat")
    x, n, keys = (np.array(column) for column in zip(*plan.values, strict=True))
    assert sorted(np.floor((x - 1) / 2 * 10)) == list(range(10))
    assert sorted(n) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert sum(keys < 10) == 5  # below the geometric mean of the ends
    assert plan.values == plan_sweep(NAME, plan.settings, samples=10, seed=1).values
    assert plan.values != plan_sweep(NAME, plan.settings, samples=10, seed=2).values


def test_the_dataset_is_labelled_and_holds_what_single_runs_give():
    swept = sweep("n=1,2", "x_ms=1,2,3", "law=minus", repeats=2, seed=3)
    data = swept.run.dataset()
    assert dict(data.sizes) == {"n": 2, "x_ms": 3, "repeat": 2}
    assert data.x_ms.attrs == {"units": "ms", "long_name": "number"}
    assert data.law == "minus"
    at = data.sel(n=2, x_ms=3.0).isel(repeat=1)
    assert (
        main(
            [
                "run",
                NAME,
                "--n",
                "2",
                "--x-ms",
                "3",
                "--law",
                "minus",
                "--seed",
                str(int(at.seed)),
                "--out",
                "one",
            ]
        )
        == 0
    )
    drawn = xr.load_dataset("one/result.nc").drawn.values
    assert at["mean"] == drawn.mean()
    assert at["mean_standard_error"] == drawn.std() / 20**0.5
    assert at["mean_control"] == 0
    assert (data.n_measured == 20).all()  # the metric n, beside the parameter n
    assert data.n_measured.attrs["units"] == "Hz"
    assert data.unknown.isnull().all()


def test_a_finished_sweep_computes_nothing_again_and_a_wider_one_only_what_is_new():
    first = sweep("n=1,2", repeats=2)
    assert len(computed()) == first.n_computed == 4
    again = sweep("n=1,2", repeats=2)
    assert again.n_computed == 0
    xr.testing.assert_identical(first.run.dataset(), again.run.dataset())
    assert sweep("n=1,2,3", repeats=2).n_computed == 2
    assert len(computed()) == 6


def test_samples_that_coincide_are_computed_once():
    swept = sweep("n=1,2", samples=5)
    assert swept.n_points == 5
    assert sorted(computed()) == ["1 0.5", "2 0.5"]
    assert swept.run.dataset().sizes["sample"] == 5


def test_a_damaged_point_is_computed_again():
    dataset = sweep("n=1,2").run.dataset()
    next(Path("out/points").glob("*.json")).write_text('{"metrics"')
    again = sweep("n=1,2")
    assert again.n_computed == 1
    xr.testing.assert_identical(dataset, again.run.dataset())


def test_a_failed_point_is_kept_with_its_error_and_stops_nothing(capsys):
    line = f"sweep {NAME} --set n=1,2,3 --set fail_at=2 --jobs 1 --out out"
    assert main(shlex.split(line)) == 0
    assert "note: 1 of 3 points failed" in capsys.readouterr().err
    data = xr.load_dataset("out/result.nc")
    assert data.error.values.ravel().tolist() == ["", "n must not be 2", ""]
    assert data["mean"].isnull().values.ravel().tolist() == [False, True, False]
    assert "1 of 3 points failed" in Path("out/report.html").read_text()
    main(shlex.split(line))
    assert len(computed()) == 3
    main(shlex.split(f"{line} --retry-failed"))
    assert computed()[3:] == ["2 0.5"]


def test_if_every_point_fails_the_status_says_so():
    assert main(["sweep", NAME, "--set", "n=2", "--set", "fail_at=2", "--out", "out"]) == 3
    assert xr.load_dataset("out/result.nc").error.item() == "n must not be 2"


def test_a_point_that_kills_its_worker_is_given_up_and_tried_again_by_the_next_sweep():
    swept = sweep("n=1,2,3", "die_at=2", jobs=2)
    assert swept.n_failed == 1
    [error] = [text for text in swept.run.dataset().error.values.ravel() if text]
    assert f"its worker died {LOSSES} times, at last running alone" in error
    assert set(computed()) == {"1 0.5", "3 0.5"}
    assert sweep("n=1,2,3", "die_at=2").n_computed == 1


def test_a_folder_that_is_no_sweep_is_refused_and_left_alone(capsys):
    Path("taken").mkdir()
    Path("taken/precious").touch()
    assert main(["sweep", NAME, "--out", "taken"]) == 2
    assert "out must be new, empty or the folder of a sweep, got taken" in capsys.readouterr().err
    assert [path.name for path in Path("taken").iterdir()] == ["precious"]


def test_two_sweeps_do_not_share_a_folder_at_a_time(capsys):
    sweep("n=1")
    with PointStore(Path("out/points")).locked():
        assert main(["sweep", NAME, "--set", "n=1,2", "--out", "out"]) == 2
    assert f"where another sweep is running (process {os.getpid()} on " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "options", "picture"),
    [
        ((), {"repeats": 3}, "lines"),
        (("law=plus,minus",), {}, "lines"),
        (("n=1,2",), {"repeats": 2}, "lines"),
        (("n=1,2", "x_ms=1:2:3"), {"repeats": 2}, "maps"),
        (("n=1,2", "x_ms=1,2", "loud=yes,no"), {}, "parallel"),
        (("n=1:9", "x_ms=1:2"), {"samples": 4}, "parallel"),
    ],
)
def test_the_figure_suits_the_number_of_parameters(settings, options, picture, capsys):
    swept = sweep(*settings, **options)
    assert list(swept.run.captions) == [picture]
    assert "<svg" in swept.run.report.read_text()
    assert main(["show", "out"]) == 0
    assert f"sweep of {NAME}" not in capsys.readouterr().err


def test_the_answer_of_a_sweep_is_what_each_parameter_explains():
    """n moves the mean by 50, x_ms by 1, noise by 0.2: their shares of the variance are 99.9 % and 0.1 %."""
    in_short = sweep("n=0,50", "x_ms=1,2").run.in_short
    assert in_short == (
        "Mean: n alone explains 100% of the variance over settings, x_ms alone 0%.",
        "Number: the same at all settings.",
    )
    sampled = sweep("n=0:50", "x_ms=1:2", samples=8, out="sampled").run.in_short[0]
    assert sampled.startswith("Mean: a parabola in n alone explains 100% of the variance over settings, x_ms")


def test_without_the_extra_the_scheduler_is_refused_with_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(["sweep", NAME, "--scheduler", "tcp://127.0.0.1:1", "--out", "out"]) == 2
    assert "pip install '.[cluster]' in the checkout" in capsys.readouterr().err
