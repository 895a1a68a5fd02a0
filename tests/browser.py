"""A headless Chromium and a running explorer, for the tests and the benchmark that need both."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Served", "chromium", "explorer", "missing", "opened", "spikes"]

NAMES = ("chromium", "chromium-browser", "google-chrome")
HERE = Path(__file__).parent


class Served(NamedTuple):
    """A server that runs."""

    url: str
    pid: int


def chromium() -> str | None:
    """Path of a browser that is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def missing() -> str:
    """What the tests lack, in words; "" if nothing."""
    packages = [name for name in ("panel", "playwright") if importlib.util.find_spec(name) is None]
    if packages:
        return f"{' and '.join(packages)} not installed; see make test-explore"
    return "" if chromium() else f"no browser: none of {', '.join(NAMES)} is on the path"


@contextmanager
def explorer(folder: Path, *options: str) -> Iterator[Served]:
    """Serve from a folder, as the command does."""
    start = "import sys; from scenarios.workbench.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", start, "explore", "--no-browser", "--port", "0", *options]
    paths = os.pathsep.join([str(HERE.parent), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    server = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert server.stdout is not None
    try:
        said = server.stdout.readline()
        address = re.match(r"http://127\.0\.0\.1:\d+/", said)
        assert address, said + server.stdout.read()
        yield Served(address.group(), server.pid)
        assert server.poll() is None, "the server has died"
    finally:
        server.send_signal(signal.SIGINT)
        try:
            assert server.wait(20) == 0, "Ctrl-C is how it is meant to end"
        finally:
            server.kill()


@contextmanager
def opened(headless: Any) -> Iterator[Any]:
    """A page whose errors and requests are kept, in `page.faults` and `page.asked`."""
    context = headless.new_context(viewport={"width": 1440, "height": 980})
    page = context.new_page()
    page.faults, page.asked = [], []
    page.on("console", lambda m: page.faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.set_default_timeout(30_000)
    try:
        yield page
    finally:
        context.close()


def spikes(page: Any, bench: str = "A") -> list[float]:
    """Times of the spikes that a raster holds, in ms."""
    look = "name => Array.from(Bokeh.documents[0].get_model_by_name(name).data.time)"
    return page.evaluate(look, f"spikes {bench}")
