"""HTML pages from the templates of this folder; every text that goes into one is escaped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scenarios.workbench.outcome import number_text

__all__ = ["page"]


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
