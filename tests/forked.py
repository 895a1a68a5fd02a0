"""Commands in processes that start at once: a server loads what they load, and forks for each.

A command has a process, a folder and standard streams to itself, as from a shell; what it is spared is three
seconds of imports. `python -m tests.forked` serves: a line of JSON in, the exit status out.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

__all__ = ["run_forked"]

ROOT = Path(__file__).parents[1]
LOADED = (
    "bridge.bill",
    "bridge.comparison",
    "bridge.heads",
    "bridge.huggingface",
    "bridge.laws",
    "bridge.swapping",
    "matplotlib.pyplot",
    "scenarios.workbench.cli",
    "scenarios.workbench.execute",
    "spiking",
    "transformers",
    "xarray",
)
LIMIT_S = 120


def run_forked(words: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `fortyhertz` with these words in `folder`."""
    with tempfile.TemporaryDirectory() as streams:
        out, err = (Path(streams, name) for name in ("out", "err"))
        asked = {"words": list(words), "folder": str(folder), "out": str(out), "err": str(err)}
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        print(json.dumps(asked), file=server.stdin, flush=True)
        return subprocess.CompletedProcess(
            list(words), int(server.stdout.readline()), out.read_text("utf-8"), err.read_text("utf-8")
        )


@cache
def _server() -> subprocess.Popen[str]:
    """The server, which ends with the process that asked for it."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.forked"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _serve() -> int:
    for module in LOADED:
        import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return 0


def _become(words: list[str], folder: str, out: str, err: str) -> NoReturn:
    """Be the command from here on, up to its exit status: to take apart all that is loaded takes two seconds."""
    from scenarios.workbench.cli import main

    signal.alarm(LIMIT_S)
    os.chdir(folder)
    for number, path in enumerate((os.devnull, out, err)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    sys.path[0] = ""  # as of `python -c`
    status = 1
    try:
        status = main(words)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    sys.exit(_serve())
