"""What the pages of the gallery share: a scenario run in small, and figures as sphinx-gallery collects them.

Runs leave their figures as files and none open for sphinx-gallery to collect: an example puts them into the
variable `figures`, caption -> file.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from textwrap import fill
from typing import Any

from sphinx_gallery.scrapers import figure_rst

import fortyhertz as fh
from scenarios.workbench.registry import load

__all__ = ["collect", "run_in_small"]


def run_in_small(name: str, **parameters: Any) -> dict[str, Path]:
    """Run a scenario, print its answer and every number with its standard error, and return its figures."""
    run = fh.run_scenario(name, load(name).Params(**parameters), out=tempfile.mkdtemp())
    print(fill(run.verdict, 80), end="\n\n")
    for metric in run.metrics.values():
        print(f"{metric.label}: {metric.text()}")
    return {caption: run.folder / f"{figure}.png" for figure, caption in run.captions.items()}


def collect(block: object, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Copy the figures of a block and return the reST that shows them, one below the other."""
    shown = []
    for caption, figure in block_vars["example_globals"].pop("figures", {}).items():
        path = next(block_vars["image_path_iterator"])
        shutil.copy(figure, path)
        shown += [figure_rst([path], gallery_conf["src_dir"]), re.sub(r"([*`|_\\])", r"\\\1", caption)]
    return "\n\n".join(shown) + "\n\n" if shown else ""
