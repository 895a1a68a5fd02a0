"""Try odd inputs and print what came of them: `python -m tests.fuzz --seed N`; status 1 where anything failed.

All files are made in a temporary folder, which goes with the process.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.api import Call, calls
from tests.fuzz.commands import Line, judge_line, lines, make_zoo
from tests.fuzz.verdicts import FAILURES, KINDS, Verdict, judge

__all__ = ["Tried", "run", "table"]

DEADLINE_s = 180.0  # of one input; the first use of a circuit compiles its kernel
Tried = tuple[str, Any, Verdict]  # surface, input, what came of it


def run(
    n_calls: int, n_lines: int, number: int, *, show: Callable[[Tried], None] = lambda tried: None
) -> list[Tried]:
    """Try so many calls and so many commands, drawn from a seed."""
    tried: list[Tried] = []

    def note(surface: str, given: Any, verdict: Verdict) -> None:
        tried.append((surface, given, verdict))
        show(tried[-1])

    def try_call(call: Call) -> None:
        note("Python API", call, judge(call, refusable=call.refusable, deadline_s=DEADLINE_s))

    def try_line(line: Line) -> None:
        note("command line", line, judge_line(line, deadline_s=DEADLINE_s))

    with _in_zoo():
        _drawn(calls(), try_call, n_calls, number)
        _drawn(lines(), try_line, n_lines, number)
    return tried


def _drawn(inputs: st.SearchStrategy[Any], attempt: Callable[[Any], None], n: int, number: int) -> None:
    if n == 0:
        return
    never_ends = settings(
        max_examples=n,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed(number)(never_ends(given(inputs)(attempt)))()


@contextlib.contextmanager
def _in_zoo() -> Iterator[None]:
    before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        make_zoo(Path(folder))
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def table(tried: list[Tried]) -> str:
    """How many inputs ended how, by surface, and each failure with its input."""
    surfaces = list(dict.fromkeys(surface for surface, _, _ in tried))
    rows = [["", "inputs", *KINDS]]
    for surface in [*surfaces, "both"]:
        here = [verdict.kind for s, _, verdict in tried if surface in (s, "both")]
        kinds = Counter(here)
        rows.append([surface, str(len(here)), *(str(kinds[kind]) for kind in KINDS)])
    text = ["".join(f"{cell:>14}" for cell in row) for row in rows]
    failed = [(given, verdict) for _, given, verdict in tried if verdict.kind in FAILURES]
    return "\n".join(
        [*text, *(f"{verdict.kind}: {given!r}\n    {verdict.words}" for given, verdict in failed)]
    )


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--calls", type=int, default=1500, help="of the Python API")
    parser.add_argument("--lines", type=int, default=700, help="of the command line")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="print each input before the table")
    options = parser.parse_args(words)
    faulthandler.enable()
    began = time.perf_counter()

    def show(one: Tried) -> None:
        if options.verbose or one[2].kind in FAILURES:
            print(one[2].kind, repr(one[1]), one[2].words, sep=" | ", file=sys.stderr, flush=True)

    tried = run(options.calls, options.lines, options.seed, show=show)
    print(f"seed {options.seed}, {time.perf_counter() - began:.0f} s\n{table(tried)}")
    return int(any(verdict.kind in FAILURES for _, _, verdict in tried))


if __name__ == "__main__":
    sys.exit(main())
