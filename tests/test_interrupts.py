"""Signals that end a command, and what they leave."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fake_scenario
import numpy as np
import pytest

from scenarios.workbench import registry
from scenarios.workbench.cli import main
from scenarios.workbench.outcome import RunContext
from spiking import PARAMETER_SETS, GammaCircuit, engine_named

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In a folder of its own, with hang-up as a process has it that `nohup` did not start."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry.SCENARIOS, "coin-toss", registry.Entry("Chance", "A fair coin"))
    monkeypatch.setitem(sys.modules, "scenarios.coin_toss", fake_scenario)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def interrupted(monkeypatch: pytest.MonkeyPatch, send: Callable[[], object]) -> int:
    """The status of a run in the middle of which something is sent."""

    def run(params: object, ctx: RunContext) -> None:
        send()
        for _ in range(200):  # Python sees to signals between two of its instructions
            time.sleep(0.01)
        raise AssertionError("the signal got lost")

    before = [signal.getsignal(number) for number in HANDLED], sys.unraisablehook
    with monkeypatch.context() as patched:
        patched.setattr(fake_scenario, "run", run)
        status = main(["run", "coin-toss"])
    assert ([signal.getsignal(number) for number in HANDLED], sys.unraisablehook) == before
    return status


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_that_end_a_process_are_met_like_ctrl_c(
    number: signal.Signals,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert interrupted(monkeypatch, lambda: os.kill(os.getpid(), number)) == status
    assert capsys.readouterr().err.strip() == "interrupted; nothing was written"
    assert not list(Path().iterdir())


def test_ctrl_c_in_a_callback_of_compiled_code_is_not_swallowed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    called_back = ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), signal.SIGINT))
    assert interrupted(monkeypatch, called_back) == 130
    assert capsys.readouterr().err.strip() == "interrupted; nothing was written"


def test_what_nohup_ignores_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:

        def send() -> None:
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGTERM)

        assert interrupted(monkeypatch, send) == 143
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("name", ["events", "fused", "brian2"])
def test_a_kernel_that_is_interrupted_simulates_on_as_if_nothing_had_been(name: str) -> None:
    """As in a notebook: the signal comes while rows are simulated, and the next cell is run."""
    circuit, engine = GammaCircuit(PARAMETER_SETS["escape"]), engine_named(name)
    scores = np.random.default_rng(0).normal(size=(6, 4))

    def counts(progress: Callable[[float], None] | None = None) -> np.ndarray:
        rng = np.random.default_rng(1)
        return circuit.attend(scores, duration_ms=100, rng=rng, engine=engine, progress=progress).counts

    before = counts()
    with pytest.raises(KeyboardInterrupt):
        counts(lambda _: os.kill(os.getpid(), signal.SIGINT))
    np.testing.assert_array_equal(counts(), before)
