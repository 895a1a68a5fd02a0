"""The Python of the front page and of the pages on extending the project runs as it stands, each in one namespace.

A block that begins with a file name as a comment is written to that file instead.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [DOCS / "index.md", *sorted(DOCS.glob("extend/*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\w+\.py)\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines keep their numbers, so that a traceback points into the page."""
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    module = ModuleType(f"page_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where dataclasses look up their types
    blocks = list(BLOCK.finditer(text))
    assert blocks, f"{page.name} shows no code"
    for block in blocks:
        if named := FILE.match(block.group(1)):
            Path(named.group(1)).write_text(block.group(1), encoding="utf-8")
            continue
        above = "\n" * text.count("\n", 0, block.start(1))
        exec(compile(above + block.group(1), str(page), "exec", dont_inherit=True), module.__dict__)
