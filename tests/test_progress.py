"""Progress of a run: shares of the whole, when it is shown, and when the time left is worth saying."""

from __future__ import annotations

import time
from io import StringIO
from pathlib import Path

import brian2 as b2
import numba
import numpy as np
import pytest
from brian2.codegen.runtime.cython_rt.extension_manager import (
    CythonExtensionManager,
    cython_extension_manager,
)
from rich.console import Console

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import COMPILING, Progress, compilation_shown, show_progress
from scenarios.workbench.time_left import TimeLeft
from spiking import Brian2, Network, simulate_circuit


class Clock:
    """Seconds that pass when they are told to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_part_of_a_run_is_the_same_context_with_a_share_of_its_progress():
    seen = []
    whole = RunContext(
        rng=np.random.default_rng(0),
        progress=Progress(lambda fraction, label: seen.append((fraction, label))),
        engine_name="brian2",
    )
    with whole.part("fit", share=0.25) as part:
        part.progress(0.5)
    assert seen == [(0.0, "fit"), (0.125, "fit"), (0.25, "fit")]
    assert part.rng is whole.rng
    assert part.engine_name == "brian2"


def test_nested_stages_share_out_the_whole():
    seen = []
    progress = Progress(lambda fraction, label: seen.append((round(fraction, 6), label)))
    with progress.stage("a", share=0.5) as a:
        for label in ("a1", "a2"):
            with a.stage(label, share=0.5) as inner:
                inner(0.5)
    with progress.stage("b", share=0.5) as b:
        b(2.0)
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert (0.125, "a1") in seen
    assert (0.375, "a2") in seen
    assert seen[-1] == (1.0, "b")


# The time left


def said(points: list[tuple[float, float]]) -> list[str]:
    """What is said at each (s, fraction)."""
    clock = Clock()
    time_left, words = TimeLeft(clock), []
    for clock.now_s, fraction in points:
        words.append(time_left(fraction))
    return words


def test_a_steady_run_is_extrapolated_after_a_tenth_and_three_seconds():
    words = said([(second, second / 40) for second in range(41)])
    assert words[:4] == ["", "", "", ""]
    assert words[4] == "about 36 s left"  # a tenth is done
    assert words[20] == "about 20 s left"
    fast = said([(second, second / 10) for second in range(11)])
    assert fast[1:4] == ["", "", "about 7 s left"]  # 3 s have passed


def test_a_slow_beginning_is_no_part_of_the_pace():
    """100 s for the first hundredth, then 1 s each: nothing is said before the beginning has lost its weight."""
    points = [(0.0, 0.0), (100.0, 0.01), *((100.0 + i, 0.01 + i / 100) for i in range(1, 95))]
    words = said(points)
    assert not any(words[:20])
    assert all(word in ("", f"about {99 - i} s left") for i, word in enumerate(words[2:], start=1))


def test_a_pace_that_changes_gets_no_estimate():
    points = [(float(second), second / 100) for second in range(21)]
    points += [(20.0 + 4 * i, 0.2 + i / 100) for i in range(1, 21)]  # four times slower
    assert said(points)[-1] == ""


def test_one_step_is_no_pace():
    assert said([(0.0, 0.0), (30.0, 0.5)]) == ["", ""]


def test_what_was_done_before_is_no_part_of_the_pace():
    """A sweep that goes on at 50 % has 45 points left after its first five."""
    words = said([(2.0 * i, 0.5 + i / 100) for i in range(11)])
    assert words[-1] == "about 80 s left"
    assert said([(60.0 * i, i / 100) for i in range(31)])[-1] == "about 70 min left"


# What is shown


def lines(report) -> list[str]:
    """The lines of a run without a terminal; `report` gets the clock and the progress."""
    clock, console = Clock(), Console(file=StringIO(), width=80)
    with show_progress(console, clock=clock) as progress:
        report(clock, progress)
    return console.file.getvalue().splitlines()


def test_without_a_terminal_progress_is_silent_for_two_seconds_then_sparse():
    def report(clock: Clock, progress: Progress) -> None:
        for second in range(25):
            clock.now_s = float(second)
            progress(second / 25, "simulate")

    assert lines(report) == [
        "simulate: 8%",
        "simulate: 48%, about 13 s left",
        "simulate: 88%, about 3 s left",
    ]


def test_compiling_is_said_at_once_and_takes_no_part_in_the_estimate():
    """60 s of compiling before 20 s of work: without the pause the estimate would be 140 s too long."""

    def report(clock: Clock, progress: Progress) -> None:
        progress(0.0, "simulate")
        progress(0.0, COMPILING)
        for second in range(60, 81):
            clock.now_s = float(second)
            progress((second - 60) / 20, "simulate")

    assert lines(report) == [
        COMPILING,
        "simulate: 0%",
        "simulate: 50%, about 10 s left",
        "simulate: 100%",
    ]


def test_compiling_for_long_or_again_is_said_once():
    def report(clock: Clock, progress: Progress) -> None:
        for second in (0, 15, 30):
            clock.now_s = float(second)
            progress(0.0, COMPILING)
        clock.now_s = 45.0
        progress(0.5, "simulate")

    assert lines(report) == [COMPILING, "simulate: 50%"]


def test_a_run_says_so_while_numba_compiles():
    seen = []
    with compilation_shown(Progress(lambda fraction, label: seen.append((fraction, label)))) as progress:
        progress(0.25, "simulate")
        numba.njit(lambda x: x + 1)(1)
        progress(0.5, "simulate")
    assert seen[0] == (0.25, "simulate")
    assert (0.25, COMPILING) in seen
    assert seen[-1] == (0.5, "simulate")
    numba.njit(lambda x: x + 2)(1)
    assert seen[-1] == (0.5, "simulate")  # no longer listened to


def test_a_run_says_so_while_brian2_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler itself is left out: it gets an empty cache, and stops the run."""

    class Compiled(Exception):
        """Where Cython would start."""

    def load(self: object, module_path: str, **options: object) -> None:
        raise Compiled

    group = b2.NeuronGroup(1, "dv/dt = -v / (7.25*ms) : 1", method="exact", dt=0.1 * b2.ms, name="cell")
    monkeypatch.setattr(CythonExtensionManager, "_load_module", load)
    monkeypatch.setattr("spiking.engines.brian2.codegen_target", lambda: "cython")
    monkeypatch.setitem(b2.prefs, "codegen.runtime.cython.cache_dir", str(tmp_path))
    seen: list[str] = []
    with (
        compilation_shown(Progress(lambda fraction, label: seen.append(label))),
        pytest.raises(Exception) as end,
    ):
        simulate_circuit(Network([group]), duration_ms=1, rng=np.random.default_rng(0), engine=Brian2())
    assert isinstance(end.value.__cause__, Compiled)
    assert seen == [COMPILING]
    assert cython_extension_manager._load_module.__func__ is load  # Brian2 is as it was


@pytest.mark.parametrize(("delay_s", "wait_s", "appears"), [(5.0, 0.05, False), (0.01, 0.3, True)])
def test_on_a_terminal_a_bar_appears_after_the_delay_and_not_before(delay_s, wait_s, appears):
    console = Console(file=StringIO(), force_terminal=True, width=100)
    with show_progress(console, delay_s=delay_s) as progress:
        progress(0.4, "simulate")
        time.sleep(wait_s)
        progress(0.5, "simulate")
    assert ("simulate" in console.file.getvalue()) is appears
    assert "left" not in console.file.getvalue()  # after 0.3 s nobody knows
