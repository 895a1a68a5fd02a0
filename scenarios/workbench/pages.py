"""HTML pages from the templates of this folder; every text that goes into one is escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenarios.workbench.outcome import number_text

__all__ = ["INTERACTIVE", "page", "script_hash"]

INTERACTIVE = "interactive.html"  # in a run folder: a fragment with a script, which the report shows
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def page(template: str, *, filters: dict[str, Callable[..., Any]] | None = None, **values: Any) -> str:
    """Fill in ``template.html.j2``; a value that the template misses is an error, not a blank."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number_text, **(filters or {}))
    return environment.get_template(f"{template}.html.j2").render(**values)


def script_hash(markup: str) -> str:
    """The source that lets a Content-Security-Policy run the one script of a fragment and no other."""
    script = SCRIPT.search(markup)
    assert script is not None
    digest = hashlib.sha256(script.group(1).encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
