"""The Python of the README and of the pages runs as it stands, each page in one namespace.

A block that begins with a file name as a comment is written to that file instead; a block of the directive
`code-block` is only shown.
"""

from __future__ import annotations

import re
import sys
from operator import attrgetter
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[1] / "docs"
SHORT = [
    DOCS.parent / "README.md",
    *(
        DOCS / f"{name}.md"
        for name in ("index", "uses", "tools", "circuits", "energy", "exchange", "machines", "uneven")
    ),
]
LONG = [DOCS / f"{name}.md" for name in ("swap", "engines")]  # minutes: trainings, Brian2's compiler
PAGES = [
    *SHORT,
    *sorted(DOCS.glob("extend/*.md")),
    *(pytest.param(page, marks=pytest.mark.slow) for page in LONG),
]
TEXTS = sorted([*DOCS.parent.glob("*.md"), *DOCS.glob("*.md"), *DOCS.glob("extend/*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`((?:spiking|bridge|pragmatic|scenarios)(?:\.\w+)+)`")
FILE = re.compile(r"# (\w+\.py)\n")


@pytest.mark.parametrize("page", PAGES, ids=attrgetter("stem"))
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


@pytest.mark.parametrize("page", TEXTS, ids=attrgetter("stem"))
def test_names_in_the_text_exist(page: Path) -> None:
    """Names with their package, in backticks, resolve to a module or to what it defines."""
    for dotted in NAMED.findall(page.read_text(encoding="utf-8")):
        assert resolve_name(dotted) is not None
