"""`make bench`: run the benchmarks named, or all that need no more, and write their tables into their pages."""

from __future__ import annotations

import re
import sys
import time
from importlib import import_module
from pathlib import Path

NAMES = (
    *("engines", "default_call", "row_cost", "batching", "growth", "million", "minilm_rows", "read_out"),
    *("cold_start", "machines", "against_peers", "nir_lif", "circuits", "gpu", "language_model"),
    *("plasticity", "explorer"),
)
# only by name: they need what is not always there
ASKED = ("against_peers", "nir_lif", "gpu", "language_model", "explorer")
PAGES = {  # of the others: docs/benchmarks.md
    "circuits": Path("docs/circuits.md"),
    "explorer": Path("docs/explore.md"),
    "machines": Path("docs/machines.md"),
    "nir_lif": Path("docs/exchange.md"),
}


def main(chosen: list[str]) -> None:
    for name in chosen:
        if name not in NAMES:
            sys.exit(f"unknown benchmark {name!r}; known: {', '.join(NAMES)}")
    for name in chosen or [name for name in NAMES if name not in ASKED]:
        began = time.perf_counter()
        table = str(import_module(f"tests.benchmarks.{name}").run())
        print(f"\n## {name} ({time.perf_counter() - began:.0f} s)\n\n{table}", flush=True)
        _write(name, table)


def _write(name: str, table: str) -> None:
    """Put the table between its marks in the page."""
    begin, end = f"<!-- {name}: written by make bench -->", f"<!-- end of {name} -->"
    path = PAGES.get(name, Path("docs/benchmarks.md"))
    page = path.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if not between.search(page):
        sys.exit(f"{path} has no place for {name}; add the lines {begin} and {end}")
    path.write_text(between.sub(lambda _: f"{begin}\n{table}\n{end}", page), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
