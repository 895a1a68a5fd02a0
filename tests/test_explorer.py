"""The explorer without a browser: addresses, the lines that reproduce a state, the row that grows, refusals."""

from __future__ import annotations

import shlex
import socket
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.explorer.live import Live, Worker
from scenarios.explorer.state import Setting, Setup
from scenarios.one_row import Params
from scenarios.workbench.cli import main
from scenarios.workbench.errors import UsageError
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
    from urllib.parse import parse_qsl

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
