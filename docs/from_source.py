"""Two Sphinx directives that read the code, so that a number or an equation is written only once.

`fields PACKAGE CLASS` lists the fields of a dataclass with their defaults and their trailing comments.
`equations PACKAGE NAME` shows a string constant as it stands. Both parse the source and import nothing, and
find it in whatever file of the package it stands.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

__all__ = ["setup"]

ROOT = Path(__file__).parents[1]
UNITS = {
    "_per_ms": "1/ms",
    "_ms": "ms",
    "_Hz": "Hz",
    "_rad": "rad",
    "_nats": "nat",
    "_J": "J",
    "_MiB": "MiB",
    "_uA_cm2": "µA/cm²",
    "_mS_cm2": "mS/cm²",
}


@dataclass(frozen=True, kw_only=True)
class SourceField:
    """A field of a dataclass as it stands in the source."""

    name: str
    default: str  # "" without one
    comment: str  # the trailing comments of its lines

    @property
    def unit(self) -> str:
        """Read from the end of the name; "1" for a pure number or a score, "" for what is no number."""
        if self.default.startswith("'") or self.default.endswith(")"):
            return ""
        return next((unit for ending, unit in UNITS.items() if self.name.endswith(ending)), "1")


class FromSource(SphinxDirective):
    """What the two directives share: looking up a statement by its name in the files of a package."""

    required_arguments = 2  # package, name

    def find(self, name: str, kind: tuple[type[ast.stmt], ...]) -> tuple[str, ast.stmt]:
        """The text of the file and the statement in it that defines `name` at module level."""
        for path in sorted((ROOT / self.arguments[0]).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            for node in ast.parse(source).body:
                if isinstance(node, kind) and _name(node) == name:
                    self.env.note_dependency(str(path))
                    return source, node
        raise self.error(f"package {self.arguments[0]} has no {name}")


class Fields(FromSource):
    """A table of a dataclass. The body may give symbols: `tau_m_ms: \\tau_m`, one field a line."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The table as docutils nodes."""
        source, of = self.find(self.arguments[1], (ast.ClassDef,))
        fields = _fields(cast(ast.ClassDef, of), _comments(source))
        symbols = self._symbols({field.name for field in fields})
        if not symbols:
            return [_table(("Field", "What"), (1, 3), ([_code(f.name), _text(f.comment)] for f in fields))]
        header = ("Symbol", "Code name", "Value", "Unit", "Meaning and source")
        rows = (
            [_math(symbols.get(f.name)), _code(f.name), _code(f.default), _text(f.unit), _text(f.comment)]
            for f in fields
        )
        return [_table(header, (10, 18, 14, 8, 50), rows)]

    def _symbols(self, known: set[str]) -> dict[str, str]:
        """Field name -> TeX; a name that the class does not have is an error, so no table goes stale."""
        pairs = (line.partition(":") for line in self.content if line.strip())
        symbols = {name.strip(): tex.strip() for name, _, tex in pairs}
        if strangers := symbols.keys() - known:
            raise self.error(f"{self.arguments[1]} has no field {', '.join(sorted(strangers))}")
        return symbols


class Equations(FromSource):
    """A string constant of a module (`NAME`) or of a class (`Class.NAME`), shown as it stands."""

    def run(self) -> list[nodes.Node]:
        """The constant as a literal block."""
        owner, _, name = self.arguments[1].rpartition(".")
        if owner:
            within = cast(ast.ClassDef, self.find(owner, (ast.ClassDef,))[1]).body
            node = next((statement for statement in within if _name(statement) == name), None)
        else:
            node = self.find(name, (ast.Assign, ast.AnnAssign))[1]
        value = getattr(node, "value", None)
        if not (isinstance(value, ast.Constant) and isinstance(value.value, str)):
            raise self.error(f"{self.arguments[1]} is no text in package {self.arguments[0]}")
        text = inspect.cleandoc(value.value)
        return [nodes.literal_block(text, text, language="text")]


def _name(node: ast.stmt) -> str:
    """What a class or an assignment to one name defines, or ""."""
    if isinstance(node, ast.ClassDef):
        return node.name
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return targets[0].id if isinstance(targets[0], ast.Name) else ""


def _comments(source: str) -> dict[int, str]:
    """Line number -> comment."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


def _fields(of: ast.ClassDef, comments: dict[int, str]) -> list[SourceField]:
    annotated = [n for n in of.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
    return [
        SourceField(
            name=_name(node),
            default=_default(node.value),
            comment=" ".join(
                comments[n] for n in range(node.lineno, (node.end_lineno or node.lineno) + 1) if n in comments
            ),
        )
        for node in annotated
        if "ClassVar" not in ast.unparse(node.annotation)
    ]


def _default(value: ast.expr | None) -> str:
    """The default as written; `field(default_factory=X)` reads X()."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        factory = next((k.value for k in value.keywords if k.arg == "default_factory"), None)
        return f"{ast.unparse(factory)}()" if factory else ""
    return "" if value is None else ast.unparse(value)


def _text(text: str) -> nodes.paragraph:
    return nodes.paragraph("", text)


def _code(text: str) -> nodes.paragraph:
    return nodes.paragraph("", "", *([nodes.literal(text, text)] if text else []))


def _math(tex: str | None) -> nodes.paragraph:
    return nodes.paragraph("", "", *([nodes.math(tex, tex)] if tex else []))


def _table(
    header: tuple[str, ...], widths: tuple[int, ...], rows: Iterable[list[nodes.paragraph]]
) -> nodes.table:
    group = nodes.tgroup("", *(nodes.colspec(colwidth=w) for w in widths), cols=len(widths))
    group += nodes.thead("", _row([_text(title) for title in header]))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group, classes=["colwidths-given"])


def _row(cells: list[nodes.paragraph]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


def _keep_bars(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Docstrings write |x| for the absolute value, which reST would take for a substitution."""
    lines[:] = [re.sub(r"\|(?=[^\s|])", r"\\|", line) for line in lines]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.connect("autodoc-process-docstring", _keep_bars)
    app.add_directive("fields", Fields)
    app.add_directive("equations", Equations)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
