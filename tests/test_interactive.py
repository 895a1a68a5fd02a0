"""The figure to be scrubbed through: its spikes are those of the simulation, and a browser opens it offline."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import fake_scenario
import numpy as np
import pytest

from scenarios.gamma_selects import Params, run
from scenarios.workbench import registry, report
from scenarios.workbench.errors import UsageError
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.interactive import Grid, figure, fragment, pack, packed, simulate, unpack
from scenarios.workbench.interactive.packing import field_bytes
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.pages import INTERACTIVE, script_hash
from scenarios.workbench.progress import Progress
from spiking import GammaCircuit, GammaParams

SCORES = np.array([0.0, 1.0, 2.0])
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DATA = re.compile(r'<script type="application/json">(.*?)</script>', re.DOTALL)
LIMIT_bytes = 2_000_000

# What a reader does, by the page's own controls; what the page then says is left in an element of its own.
READER = """<script>
// A browser without a window may draw no frame at all: a clock ticks in their place.
window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 16);
window.cancelAnimationFrame = clearTimeout;
const errors = [];
window.addEventListener("error", (event) => errors.push(event.message));
window.addEventListener("securitypolicyviolation", (event) => errors.push(event.violatedDirective));
</script>%s<script>
const set = (name, value) => {
  const control = document.querySelector(`[name='${name}']`);
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
};
const shown = () => [...document.querySelectorAll("tbody tr")].map((row) => +row.cells[1].textContent).reverse();
const said = () => document.querySelector(".beat-said").textContent;
const seen = [];
for (const temperature of [0, 1]) for (const inhibition of [0, 1]) for (const off of [0, 1]) {
  set("temperature", temperature);
  set("inhibition", inhibition);
  document.querySelectorAll("[type='radio']")[off].click();
  for (const time of [0, 137, 10000]) { set("time", time); seen.push([shown(), said()]); }
}
const play = document.querySelector(".beat button");
set("time", 0);
play.click();
setTimeout(() => {
const label = play.textContent;
play.click();
const played = [label, +document.querySelector("[name='time']").value, play.textContent];
const pixels = document.querySelector("canvas").toDataURL().length;
const out = Object.assign(document.createElement("pre"), { id: "out" });
out.textContent = JSON.stringify({ seen, errors, pixels, played });
document.body.append(out);
}, 500);
</script>"""


@cache
def grid() -> Grid:
    circuit = GammaCircuit(GammaParams(n_cells=10, gain=1.0))
    return simulate(
        circuit, SCORES, duration_ms=300, rng=np.random.default_rng(0), temperatures=(0.7, 1.0), inhibition=(1, 2)
    )  # fmt: skip


def data_of(markup: str) -> dict:
    return json.loads(DATA.search(markup).group(1))


def test_a_varint_keeps_every_spike() -> None:
    time_ms = np.array([0.0, 0.1, 0.1, 12.8, 12.9, 1650.0, 99999.9])
    cell = np.array([0, 127, 128, 16383, 16384, 3, 2_000_000])
    back_ms, cells = unpack(pack(time_ms, cell, 0.1), 0.1)
    np.testing.assert_allclose(back_ms, time_ms, atol=1e-6)  # floating point alone
    np.testing.assert_array_equal(cells, cell)
    assert unpack(pack(time_ms[:0], cell[:0], 0.1), 0.1)[0].size == 0


def test_the_data_of_the_page_are_the_spikes_of_the_simulation() -> None:
    settings = data_of(fragment(grid()))["settings"]
    assert len(settings) == len(grid().seen) == 8
    for seen, kept in zip(grid().seen, settings, strict=True):
        of = seen.selection
        time_ms, cell = unpack(kept["exc"], grid().dt_ms)
        np.testing.assert_allclose(time_ms, of.spikes.time_ms, atol=1e-6)
        np.testing.assert_array_equal(cell, of.spikes.key * 10 + of.spikes.cell)
        inh_ms, inh = unpack(kept["inh"], grid().dt_ms)
        np.testing.assert_allclose(inh_ms, of.other_spikes["inh"].time_ms, atol=1e-6)
        np.testing.assert_array_equal(inh, of.other_spikes["inh"].cell)
        assert (kept["peak"] is None) == bool(np.isnan(of.f_gamma_Hz[0]))
        assert (len(inh) > 0) == seen.loop


def test_the_control_has_the_rate_of_the_loop() -> None:
    """To 2 % on eight rows; two rows of some 100 spikes differ by 14 % (SE), and 50 % is three of them."""
    for loop, off in zip(grid().seen[::2], grid().seen[1::2], strict=True):
        assert (loop.temperature, loop.inhibition) == (off.temperature, off.inhibition)
        assert off.selection.n_spikes[0] == pytest.approx(loop.selection.n_spikes[0], rel=0.5)


def test_the_generator_of_the_run_is_left_as_it_is() -> None:
    rng = np.random.default_rng(3)
    simulate(
        GammaCircuit(GammaParams(n_cells=2, gain=1.0)), SCORES, duration_ms=50, rng=rng,
        temperatures=(1.0,), inhibition=(1.0,),
    )  # fmt: skip
    assert rng.integers(2**60) == np.random.default_rng(3).integers(2**60)


def test_the_field_is_kept_to_a_255th() -> None:
    field = np.array([0.0, 1.0, 5.1, 2.0, 0.0])
    values, top = field_bytes(field, 1.0, end_ms=4)
    np.testing.assert_allclose(values / 255 * top, field[:4], atol=top / 255 / 2 + 1e-9)


def test_what_is_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = len(fragment(grid()))
    monkeypatch.setattr(figure, "LIMIT_bytes", 4000)
    markup = fragment(grid())
    data = data_of(markup)
    assert len(json.dumps(data["settings"])) <= 4000
    assert len(markup) < whole
    assert 0 < data["end"] < 300
    last_ms, _ = unpack(data["settings"][0]["exc"], grid().dt_ms)
    assert last_ms.max(initial=0) < data["end"]


def test_a_setting_without_a_control_has_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*given: object, **options: object) -> None:
        raise RuntimeError("no drive matched the rate")

    monkeypatch.setattr("scenarios.workbench.interactive.grid.gamma_off", never)
    alone = simulate(
        GammaCircuit(GammaParams(n_cells=2, gain=1.0)), SCORES, duration_ms=50, rng=np.random.default_rng(0),
        temperatures=(1.0,), inhibition=(1.0,),
    )  # fmt: skip
    loop, control = packed(alone, 50.0)
    assert loop is not None
    assert control is None


def test_the_loop_must_not_be_cut_beforehand() -> None:
    with pytest.raises(UsageError, match="w_ei must be > 0"):
        Params(interactive=True, w_ei=0.0)


def test_the_scenario_adds_the_figure_and_changes_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scenarios.gamma_selects.simulate", lambda *given, **options: grid())
    small: dict[str, Any] = {
        "n_rows": 2, "n_keys": 3, "duration_ms": 150.0, "n_cells": 5, "tau_gaba_ms": (8.0,), "tau_rows": 2,
    }  # fmt: skip
    plain, shown = (
        run(
            Params(interactive=asked, **small),
            RunContext(rng=np.random.default_rng(1), progress=Progress(lambda fraction, label: None)),
        )
        for asked in (False, True)
    )
    assert not plain.files
    assert [m.value for m in shown.metrics.values()] == pytest.approx(
        [m.value for m in plain.metrics.values()], abs=0, rel=0, nan_ok=True
    )
    shown.files[INTERACTIVE](tmp_path / INTERACTIVE)
    assert (tmp_path / INTERACTIVE).read_text() == fragment(grid(), unit="drive")


def test_a_report_holds_the_figure_and_lets_no_other_script_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.SCENARIOS, "coin-toss", registry.Entry("Chance", "A fair coin"))
    monkeypatch.setitem(sys.modules, "scenarios.coin_toss", fake_scenario)
    stored = run_scenario("coin-toss", fake_scenario.Params(n_rows=5), out=tmp_path / "run")
    assert "script" not in stored.report.read_text()
    markup = fragment(grid())
    (stored.folder / INTERACTIVE).write_text(markup)
    source = report.render(stored, title="run")
    assert markup in source
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', source).group(1))
    assert policy.endswith(f"; script-src {script_hash(markup)}")


def test_the_page_of_the_documentation_is_below_its_limit() -> None:
    """Twenty-five settings of 2 s with 5 keys of 40 cells; four of them here, at the ends of the grid."""
    corners = simulate(
        GammaCircuit(), np.linspace(0, 2, 5), duration_ms=250, rng=np.random.default_rng(0),
        temperatures=(0.5, 2.0), inhibition=(0.4, 2.0),
    )  # fmt: skip
    data = len(json.dumps(packed(corners, 250.0)))
    assert data * 8 * 25 / 4 + 40_000 < LIMIT_bytes  # eight times as long, and the script


def test_it_asks_for_nothing_outside_itself() -> None:
    markup = fragment(grid())
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|fetch\(|XMLHttpRequest|import\s*\(", markup)
    assert markup.isascii()  # so that it reads the same in a page of any encoding


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on the path")
def test_a_browser_scrubs_through_it(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"<!doctype html><meta charset='utf-8'><body>{READER % fragment(grid())}")
    run = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in run.stderr
    left = json.loads(re.search(r'<pre id="out">(.*?)</pre>', run.stdout, re.DOTALL).group(1))
    assert left["errors"] == []
    while_playing, reached_ms, after = left["played"]
    assert (while_playing, after) == ("Pause", "Play")
    assert 0 < reached_ms < 300  # at a tenth of real time
    assert left["pixels"] > 10_000  # of an empty canvas: about 3,000
    assert len(left["seen"]) == 3 * len(grid().seen)
    for n, (counts, said) in enumerate(left["seen"]):
        spikes = grid().seen[n // 3].selection.spikes
        until_ms = (0, 137, 300)[n % 3]
        wanted = np.bincount(spikes.key[spikes.time_ms < until_ms - 1e-6], minlength=3)
        np.testing.assert_array_equal(counts, wanted)
        assert ("E to I cut" in said) == (n // 3 % 2 == 1)
