"""The report: self-contained, complete, escaped, and in the page's own colours."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser

import fake_scenario
import pytest

from scenarios.workbench import registry, report
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.style import GRID, INK, MUTED, PAPER, style


class Page(HTMLParser):
    """Collects the visible text, every address, and whether the tags close in order."""

    VOID = frozenset({"meta", "br", "img", "link", "hr", "input"})

    def __init__(self, source: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [
            value for name, value in attributes if name in ("src", "href", "xlink:href", "data", "srcset")
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setitem(registry.SCENARIOS, "coin-toss", registry.Entry("Chance", "A fair coin"))
    monkeypatch.setitem(sys.modules, "scenarios.coin_toss", fake_scenario)
    params = fake_scenario.Params(n_rows=5, text="<script>alert('x')</script>")
    return run_scenario("coin-toss", params, seed=4, out=tmp_path / "run")


def test_the_page_asks_for_nothing_outside_itself(run):
    source = run.report.read_text()
    page = Page(source)
    assert page.addresses  # the figure's own parts
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert all(target.startswith("#") for target in re.findall(r"url\(['\"]?([^)]*)\)", source))
    assert "@import" not in source
    assert "default-src 'none'" in source
    assert "script" not in page.tags


def test_the_page_is_well_formed_and_holds_the_figure(run):
    page = Page(run.report.read_text())
    assert page.open == []
    assert page.tags.count("svg") == 1
    assert page.tags.count("figcaption") == 1


def test_the_page_tells_question_numbers_verdict_parameters_versions_and_how_to_rerun(run):
    text = Page(run.report.read_text()).text
    share = run.metrics["share"]
    value, _, error = share.text().partition(" ± ")
    for piece in (
        fake_scenario.QUESTION,
        run.verdict,
        f"{value} ± {error}",  # a card
        f"{value} {error}",  # a row of the table
        "floor 0.11",
        "control 0.5",
        "independent",
        "Share of <heads> & tails per coin.",
        "temperatures 0.5, 1",
        "only listed",
        run.provenance.versions["numpy"],
        "fortyhertz run coin-toss --seed 4",
        "<script>alert('x')</script>",  # as text, not as a tag
    ):
        assert piece in text, piece


def test_the_page_opens_with_the_answer_in_short(run):
    text = Page(report.render(replace(run, verdict=f"{run.verdict} At length."), title="run")).text
    assert text.index("In short") < text.index(run.in_short[0]) < text.index("In detail")
    shown = replace(run, in_short=("It works.", "Noise limits it."))
    assert "In short It works. Noise limits it." in Page(report.render(shown, title="run")).text


def test_a_verdict_that_is_all_in_short_is_not_said_twice(run):
    shown = replace(run, in_short=("It works.", "Noise limits it."), verdict="It works. Noise limits it.")
    assert Page(report.render(shown, title="run")).text.count("Noise limits it.") == 1


def test_a_changed_parameter_is_marked_with_its_default_beside_it(run):
    source = run.report.read_text()
    assert re.search(
        r"<code>n_rows</code></td>\s*<td class=\"wrap changed\">5</td>\s*<td[^>]*>8</td>", source
    )
    assert re.search(r"<code>n_cells</code></td>\s*<td class=\"wrap\">40</td>\s*<td[^>]*></td>", source)


def test_the_inlined_figure_follows_the_page_into_the_dark(run):
    source = run.report.read_text()
    svg = source[source.index("<svg") : source.index("</svg>")]
    assert "var(--ink)" in svg
    assert "var(--paper)" in svg
    assert not [colour for colour in (INK, MUTED, GRID, PAPER) if colour in svg]
    assert "prefers-color-scheme: dark" in source


def test_a_heavy_figure_is_embedded_as_png(run, monkeypatch):
    monkeypatch.setattr(report, "INLINE_LIMIT_bytes", 10)
    page = Page(report.render(run, title="run"))
    assert "svg" not in page.tags
    assert any(address.startswith("data:image/png;base64,iVBOR") for address in page.addresses)


def test_a_run_without_figures_has_no_empty_section(run):
    assert "Figures" not in Page(report.render(replace(run, captions={}), title="run")).text


def test_the_table_has_columns_for_what_was_measured_alone(run):
    whole = Page(report.render(run, title="run")).text
    assert "± SE Unit Floor Control Note" in whole
    assert "Control: the same measure" in whole
    bare = {name: replace(metric, control=None) for name, metric in run.metrics.items()}
    text = Page(report.render(replace(run, metrics=bare), title="run")).text
    assert "± SE Unit Floor Note" in text
    assert "Control: the same measure" not in text


def test_the_style_leaves_matplotlib_as_it_was():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with style():
        assert mpl.rcParams["text.color"] == INK
    assert dict(mpl.rcParams) == before
