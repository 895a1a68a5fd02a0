"""The first hour gives what it shows, and an output that is no longer so is noticed."""

from __future__ import annotations

import re
from pathlib import Path

import page_outputs
import pytest
from page_outputs import blocks_of, differences, in_folder, outputs_of

PAGE = Path(__file__).parents[1] / "docs" / "first-hour.md"


def test_every_step_gives_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with in_folder(tmp_path):
        for block, output in outputs_of(PAGE):
            if block.output is not None:
                assert not differences(block.output, output), f"{PAGE.name}, line {block.line}"


def test_there_are_ten_steps_and_each_has_an_output() -> None:
    steps = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [step.split(".")[0] for step in steps] == [str(n) for n in range(1, 11)]
    assert all(any((block.output or "").strip() for block in blocks_of(step)) for step in steps)


@pytest.mark.parametrize(
    ("now", "same"),
    [
        ("beta 0.84 ± 0.01, 12 of 12 rows\n", True),
        ("beta 0.87 ± 0.02, 12 of 12 rows\n", True),  # three standard errors
        ("beta 0.90 ± 0.01, 12 of 12 rows\n", False),  # six
        ("beta 0.84 ± 0.01, 11 of 12 rows\n", True),
        ("beta 0.84 ± 0.01, 7 of 12 rows\n", False),
        ("beta 0.84 ± 0.01, 12 of 12 cells\n", False),
        ("beta 0.84 ± 0.01, 12 of 12 rows\nand more\n", False),
    ],
)
def test_a_difference_is_one_beyond_its_error(now: str, same: bool) -> None:
    assert (not differences("beta 0.84 ± 0.01, 12 of 12 rows\n", now)) == same


def test_three_dots_stand_for_any_lines() -> None:
    shown = "first 1\n...\nlast 2\n"
    assert not differences(shown, "first 1\nany\nthing 9\nlast 2\n")
    assert differences(shown, "first 1\nany\nother 2\n")
    assert differences(shown, "second 1\nlast 2\n")


def test_outputs_are_written_into_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    first = "```python\nprint('a', 1)\n```\n\n```text\nold\n```\n\n"
    page.write_text(first + "```python\nprint(2)\n```\n\n```text\n```\n")
    page_outputs.write(page)
    assert [block.output for block in blocks_of(page.read_text())] == ["a 1\n", "2\n"]
