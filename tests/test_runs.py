"""Many runs: their index page, their list, and what differs between two of them."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import fake_scenario
import pytest
from test_report import Page

from scenarios.workbench import index, registry
from scenarios.workbench.cli import main
from scenarios.workbench.diff import metrics_apart, settings_apart
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import Metric
from scenarios.workbench.store import StoredRun, read_run


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Each test works in an empty folder with the fake scenario registered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fake_scenario, "QUESTION", "Is <it> fair?")
    monkeypatch.setitem(registry.SCENARIOS, "coin-toss", registry.Entry("Chance", "A fair coin"))
    monkeypatch.setitem(sys.modules, "scenarios.coin_toss", fake_scenario)


def coins(seed: int = 0, n_rows: int = 8, **options) -> StoredRun:
    return run_scenario("coin-toss", fake_scenario.Params(n_rows=n_rows), seed=seed, **options)


# The index


def test_every_run_brings_the_index_up_to_date_and_no_run_elsewhere_does():
    coins(out="elsewhere/run")
    assert not list(Path().rglob("index.html"))
    first = coins()
    assert Page(Path("runs/index.html").read_text()).text.count("Is <it> fair?") == 1
    second = coins(seed=1)
    page = Page(Path("runs/index.html").read_text())
    assert page.text.count("Is <it> fair?") == 2
    for run in (first, second):
        assert f"{run.folder.name}/report.html" in page.addresses
    assert sorted(path.name for path in Path("runs").glob("*.*")) == ["index.html"]  # nothing half-written


def test_the_index_shows_question_answer_numbers_and_first_figure_of_each_run():
    run = coins()
    page = Page(Path("runs/index.html").read_text())
    assert page.open == []
    for piece in (run.provenance.question, run.in_short[0], run.metrics["share"].text(), run.folder.name):
        assert piece in page.text
    for address in page.addresses:
        assert (Path("runs") / unquote(address)).is_file()
    assert f"{run.folder.name}/shares.png" in page.addresses


def test_the_index_asks_for_nothing_outside_its_folder():
    coins()
    source = Path("runs/index.html").read_text()
    assert "default-src 'none'" in source
    assert not any("//" in address for address in Page(source).addresses)


def test_the_latest_run_comes_first(monkeypatch):
    for seed in (2, 1):
        run = coins(seed=seed)
        stored = json.loads((run.folder / "params.json").read_text())
        (run.folder / "params.json").write_text(
            json.dumps({**stored, "started": f"202{seed}-01-01T00:00:00"})
        )
    assert [run.provenance.seed for run in index.runs_of()] == [2, 1]


def test_a_damaged_run_is_left_out_with_a_word_and_stops_nothing(capsys):
    coins()
    damaged = coins(seed=1)
    (damaged.folder / "metrics.json").write_text("{")
    assert main(["index"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "1 run: runs/index.html\n"
    assert captured.err.startswith("note: left out: run must be a whole run folder")


def test_an_index_that_cannot_be_written_does_not_cost_the_run():
    Path("runs/index.html").mkdir(parents=True)
    Path("runs/index.html/taken").touch()
    with pytest.warns(UserWarning, match=r"no index\.html of the runs"):
        run = coins()
    assert run.report.is_file()
    assert not list(Path("runs").glob(".*"))


def test_index_and_show_without_runs_say_how_to_make_one(capsys):
    for words in (["index"], ["show"]):
        assert main(words) == 2
        assert "there must be a run, got none in runs/; make one" in capsys.readouterr().err
    assert not list(Path().iterdir())


# The list


def test_show_without_a_run_lists_the_runs(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    runs = [coins(seed=seed) for seed in (0, 1)]
    capsys.readouterr()
    assert main(["show"]) == 0
    text = capsys.readouterr().out
    for run in runs:
        assert run.folder.name in text
        assert run.in_short[0] in text


# The difference


def test_settings_that_differ_are_named_with_both_values():
    first, second = coins(), coins(seed=1, n_rows=4)
    assert settings_apart(first.provenance, second.provenance) == {"seed": (0, 1), "n_rows": (8, 4)}
    assert settings_apart(first.provenance, first.provenance) == {}


def with_metrics(run: StoredRun, **values: tuple[float, float | None]) -> StoredRun:
    metrics = {name: Metric(label=name, value=v, standard_error=se) for name, (v, se) in values.items()}
    return replace(run, metrics=metrics)


def test_metrics_are_judged_against_their_combined_error_and_corrected_together():
    """At 3 and 4 combined to 5, a change of 14 has z = 2.8: clear among 5 metrics, not among 20 (needs 3.0)."""
    run = coins()
    first = with_metrics(run, a=(0, 3), b=(0, None), c=(1, 1), only=(1, 1))
    second = with_metrics(run, a=(14, 4), b=(5, None), c=(1, 1), other=(2, 1))
    apart, n_common = metrics_apart(first, second)
    assert n_common == 3
    assert [(one.label, one.change.value, one.sign) for one in apart] == [("a", 14, 1), ("b", 5, 0)]
    assert apart[0].change.error == 5
    many = {f"m{i}": (0.0, 1.0) for i in range(19)}
    apart, n_common = metrics_apart(with_metrics(run, a=(0, 3), **many), with_metrics(run, a=(14, 4), **many))
    assert (n_common, [one.sign for one in apart]) == (20, [0])


def test_diff_shows_settings_versions_and_metrics(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    first, second = coins(), coins(seed=1, n_rows=4)
    stored = json.loads((second.folder / "params.json").read_text())
    stored["versions"]["numpy"] = "0.1"
    (second.folder / "params.json").write_text(json.dumps(stored))
    assert main(["diff", first.folder.name, second.folder.name]) == 0
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines()]
    assert ["n_rows", "8", "4"] in rows
    assert ["numpy", first.provenance.versions["numpy"], "0.1"] in rows
    share = read_run(second.folder).metrics["share"].value - first.metrics["share"].value
    assert f"{share:.2f}"[:4] in next(line for line in text.splitlines() if line.startswith("share of heads"))
    assert "1 of 3 metrics are equal." in text  # the spread, unknown in both
    assert "differ clearly (bold): normal tests at 5%" in text


def test_a_run_does_not_differ_from_itself(capsys):
    name = coins().folder.name
    assert main(["diff", name, name]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert [line for line in lines if line] == [
        "settings: the same",
        "versions: the same",
        "3 of 3 metrics are equal.",
    ]


def test_diff_of_an_unknown_run_lists_the_known(capsys):
    name = coins().folder.name
    assert main(["diff", name, "nope"]) == 2
    assert f"got 'nope'; in runs/: {name}" in capsys.readouterr().err
