"""The live page of `fortyhertz explore`: frames a second, time from slider to picture, memory over ten minutes."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.table import Table, spread
from tests.browser import Served, chromium, explorer, missing, opened

MINUTES, MOVES, FRAMES_s = 10, 20, 20
ROW = "circuit?scores=2.0,1.5,1.0,0.5,0.0,-0.5,-1.0,-1.5&n_cells=40&duration_ms=60000.0&seed=1"
SHOWN = "Bokeh.documents[0]?.get_model_by_name('spikes A')?.data.time.length > 20"
WATCH = """() => {
  const doc = Bokeh.documents[0]
  const raster = doc.get_model_by_name('raster'), spikes = doc.get_model_by_name('spikes A')
  const view = Bokeh.index.find_one(raster), paint = view.paint.bind(view)
  window.paints = 0; window.moved = 0; window.delays = []
  view.paint = () => { window.paints += 1; paint() }
  spikes.properties.data.change.connect(() => {
    if (window.moved) requestAnimationFrame(() => requestAnimationFrame(() => {
      window.delays.push(performance.now() - window.moved); window.moved = 0 }))
  })
  document.addEventListener('keydown', () => { window.moved = performance.now() }, true)
}"""


def run() -> Table:
    """Watch, move, and wait."""
    from playwright.sync_api import sync_playwright

    if missing():
        sys.exit(missing())
    with (
        tempfile.TemporaryDirectory() as folder,
        explorer(Path(folder)) as served,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        with opened(browser) as page:
            _show(page, served, 0.1)
            page.evaluate(WATCH)
            delays = _delays(page)
            rates = _frames(page)
            memory = _memory(page, served)
    return _table(delays, rates, memory)


def _show(page: Any, served: Served, speed: float) -> None:
    """Open the row, and wait until it runs."""
    page.goto(f"{served.url}{ROW}&speed={speed}")
    page.wait_for_function(f"typeof Bokeh == 'object' && {SHOWN}")


def _delays(page: Any) -> np.ndarray:
    """From a key on a slider of a score to the picture of the new row, (MOVES,) in ms."""
    page.locator(".noUi-handle").first.focus()
    for move in range(MOVES):
        page.keyboard.press("ArrowLeft" if move % 2 else "ArrowRight")
        page.wait_for_function("n => window.delays.length > n", arg=move)
        page.wait_for_timeout(700)
    return np.array(page.evaluate("window.delays"))


def _frames(page: Any) -> np.ndarray:
    """Paints of the raster in each second, (FRAMES_s,)."""
    rates = []
    for _ in range(FRAMES_s):
        began, before = page.evaluate("[performance.now(), window.paints]")
        page.wait_for_timeout(1000)
        ended, after = page.evaluate("[performance.now(), window.paints]")
        rates.append((after - before) / (ended - began) * 1e3)
    return np.array(rates)


def _memory(page: Any, served: Served) -> np.ndarray:
    """Memory of the server and the page's heap once a minute, another row each time, (MINUTES + 1, 2) in MiB."""
    _show(page, served, 1.0)
    tools = page.context.new_cdp_session(page)
    taken = []
    for minute in range(MINUTES + 1):
        if minute:
            page.wait_for_timeout(60_000)
        tools.send("HeapProfiler.collectGarbage")
        heap = tools.send("Runtime.getHeapUsage")["usedSize"] / 2**20
        status = Path(f"/proc/{served.pid}/status").read_text()
        resident = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert resident is not None
        taken.append((int(resident.group(1)) / 2**10, heap))
        page.get_by_role("button", name="Next seed").click()
    return np.array(taken)


def _table(delays: np.ndarray, rates: np.ndarray, memory: np.ndarray) -> Table:
    def grown(column: int) -> str:
        first, half, last = memory[[0, len(memory) // 2, -1], column]
        return f"{first:.0f}, {half:.0f}, {last:.0f} MiB"

    return Table(
        setting=(
            "One window in a headless Chromium without a GPU on the same cores as the server: 8 keys x 40 cells, "
            "the shipped circuit, 60 s of simulated time at a tenth of real time; for the memory, in real time and "
            "with another seed every minute. Median (least to largest) over "
            f"{FRAMES_s} seconds and {MOVES} moves of a score; the server sends at most 25 frames a second."
        ),
        head=("what", "measured"),
        lines=(
            ("frames of the raster per second", spread(rates, 1)),
            ("from the key on a slider to the picture of the new row, ms", spread(delays, 0)),
            (f"memory of the server, at first, after {MINUTES // 2}, after {MINUTES} minutes", grown(0)),
            ("heap of the page, the same", grown(1)),
        ),
        packages=("panel", "bokeh", "numba"),
    )
