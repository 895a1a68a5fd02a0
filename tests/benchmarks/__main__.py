"""`make bench`: run every benchmark and write its table under `runs/benchmarks`."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks import batching, fused

FOLDER = Path("runs/benchmarks")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for benchmark in (batching, fused):
        table = benchmark.run()
        print(table, flush=True)
        name = benchmark.__name__.rpartition(".")[2]
        (FOLDER / f"{name}.md").write_text(table + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
