"""The outputs that a page shows below its code: made by running it, and compared with what it gives now.

``python -m tests.page_outputs docs/first-hour.md`` runs the page from its first block to its last and writes what
they print. A block of Python that begins with a file name as a comment is written to that file; a block of
``console`` holds commands of ``fortyhertz``; the block of ``text`` below either is its output.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from scenarios.workbench.cli import main

__all__ = ["Block", "blocks_of", "differences", "in_folder", "outputs_of", "write"]

BLOCK = re.compile(
    r"^```(?P<kind>python|console)\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
FILE = re.compile(r"# (\w+\.py)\n")
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*\.?\d*(?:e-?\d+)?")
ERROR = re.compile(r"\s*±\s*([\d.]+)")
SHARE, LEAST = 0.25, 0.05  # by which a number without an error may differ: relative, or absolute
ERRORS = 4.0  # standard errors by which one with an error may


@dataclass(frozen=True, kw_only=True)
class Block:
    """Code of a page, and the output that the page shows for it."""

    kind: str  # python or console
    code: str
    output: str | None  # None: nothing is shown
    place: tuple[int, int]  # of the output in the page's text
    line: int


def blocks_of(text: str) -> list[Block]:
    """The blocks that run, in order."""
    return [
        Block(
            kind=found["kind"],
            code=found["code"],
            output=found["output"],
            place=found.span("output"),
            line=text.count("\n", 0, found.start("code")),
        )
        for found in BLOCK.finditer(text)
    ]


def outputs_of(page: Path) -> Iterator[tuple[Block, str]]:
    """Run the blocks one after the other in one namespace, in the current folder; each with what it prints."""
    module = ModuleType("page")
    sys.modules[module.__name__] = module  # where dataclasses look up their types
    for block in blocks_of(page.read_text(encoding="utf-8")):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            _run(block, page, module)
        yield block, "\n".join(line.rstrip() for line in printed.getvalue().strip("\n").splitlines()) + "\n"


def _run(block: Block, page: Path, module: ModuleType) -> None:
    if named := FILE.match(block.code):
        Path(named.group(1)).write_text(block.code, encoding="utf-8")
    elif block.kind == "console":
        for command in block.code.replace("\\\n", " ").splitlines():
            program, *words = shlex.split(command.removeprefix("$ "), comments=True)
            assert program == "fortyhertz", f"{page}, line {block.line}: {program} is not ours to run"
            assert main(words) == 0, f"{page}, line {block.line}: {command} failed"
    else:
        exec(compile("\n" * block.line + block.code, str(page), "exec", dont_inherit=True), module.__dict__)


def differences(shown: str, now: str) -> list[str]:
    """What of the output that a page shows is no longer so: words to the letter, numbers to within their error.

    A line of three dots in `shown` stands for any lines.
    """
    if "...\n" in shown:
        first, _, last = shown.partition("...\n")
        lines = now.splitlines(keepends=True)
        n_first, n_last = first.count("\n"), last.count("\n")
        return differences(first + last, "".join(lines[:n_first] + (lines[-n_last:] if n_last else [])))
    words = [" ".join(NUMBER.sub("#", text).split()) for text in (shown, now)]
    if words[0] != words[1]:
        return [f"shown: {shown}\nnow: {now}"]
    pairs = zip(NUMBER.finditer(shown), NUMBER.finditer(now), strict=True)
    return [f"shown {a.group()}, now {b.group()}" for a, b in pairs if not _near(a, b, shown)]


def _near(a: re.Match[str], b: re.Match[str], shown: str) -> bool:
    wanted, got = (float(found.group().replace(",", "")) for found in (a, b))
    error = ERROR.match(shown, a.end())
    allowed = ERRORS * float(error.group(1)) if error else max(SHARE * abs(wanted), LEAST)
    return abs(got - wanted) <= allowed


@contextlib.contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    """What a reader's terminal is: a working folder, from which files are imported, 80 columns wide."""
    with contextlib.chdir(folder), contextlib.ExitStack() as stack:
        sys.path.insert(0, str(folder))
        stack.callback(sys.path.remove, str(folder))
        yield


def write(page: Path) -> None:
    """Put the outputs of now into the page, but where three dots still stand for them."""
    text, shift = page.read_text(encoding="utf-8"), 0
    with tempfile.TemporaryDirectory() as folder, in_folder(Path(folder)):
        for block, output in outputs_of(page):
            if block.output is None or ("...\n" in block.output and not differences(block.output, output)):
                continue
            begin, end = (place + shift for place in block.place)
            text = text[:begin] + output + text[end:]
            shift += len(output) - (end - begin)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write(Path(name).resolve())
