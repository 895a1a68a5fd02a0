"""How sphinx-gallery finds the figures of an example: in the variable `figures`, caption -> figure, because
scenarios draw without pyplot and so leave nothing open for it to collect."""

from __future__ import annotations

import re
from typing import Any

from sphinx_gallery.scrapers import figure_rst

from scenarios.workbench.style import style

__all__ = ["collect"]


def collect(block: object, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figures that a block has drawn and return the reST that shows them, one below the other."""
    shown = []
    for caption, figure in block_vars["example_globals"].pop("figures", {}).items():
        path = next(block_vars["image_path_iterator"])
        with style():
            figure.savefig(path, dpi=160)
        shown += [figure_rst([path], gallery_conf["src_dir"]), re.sub(r"([*`|_\\])", r"\\\1", caption)]
    return "\n\n".join(shown) + "\n\n" if shown else ""
