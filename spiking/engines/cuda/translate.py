"""A processor's kernel as one for a GPU: the same lines, of which every thread runs some of the rows.

Four things change. A thread takes every so many-th row. Arrays that a kernel asks for become columns of pools, one
for each thread, so that neighbouring threads touch neighbouring numbers. What is the same for all rows, such as
the largest number of cells, is computed once by the host. And marks of cells that fire, which a processor writes as
bytes and reads eight at a time, are written into the words themselves.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Room", "Translation", "translate"]

_MAKES = {"np.empty": "np.float64", "np.zeros": "np.float64", "np.full": "np.int64"}  # and dtypes by default
_HEAD = """
from numba import cuda
from spiking.engines.cuda.device import VECTOR, fma, gather, gather_periodic, lowest_bit, mark, set_mark
"""


@dataclass(frozen=True)
class Room:
    """An array of each thread."""

    name: str
    dtype: str
    size: str  # in terms of what the host computes

    @property
    def pool(self) -> str:
        """The argument in which it is a slice."""
        return f"pool_{self.dtype.removeprefix('np.')}"


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A kernel for a GPU, and what the host does for it."""

    text: str  # of a module with the functions `host`, which returns all that it computed, and `kernel`
    arguments: tuple[str, ...]  # of `kernel`
    rooms: tuple[Room, ...]


def translate(text: str) -> Translation:
    """Translate the text of a kernel (`spiking.engines.fused.source`)."""
    module = ast.parse(text)
    kernel = next(s for s in module.body if isinstance(s, ast.FunctionDef))
    *before, rows = kernel.body[1:]  # without a hint on SIMD
    assert isinstance(rows, ast.For)
    made = dict(call for s in before for call in _made(s))
    words = dict(pair for s in before for pair in _viewed(s))
    filled = {n for s in before if isinstance(s, ast.Expr) for n in _names(s)} & made.keys()
    computed = {n for s in before if isinstance(s, ast.For) for n in _stored(s)}
    rooms = tuple(_room(name, made[name], words) for name in made if name not in filled)
    given = [a.arg for a in kernel.args.args if a.arg != "scratch"]
    pools = dict.fromkeys(room.pool for room in (*rooms, _SCRATCH))
    arguments = (*given, *sorted(computed), *sorted(filled), *pools, "places")
    of_thread = [
        s
        for s in before
        if isinstance(s, ast.Assign) and not {*_targets(s)} & {*made, *computed, *words.values()}
    ]
    rows.iter = ast.parse("range(lane, n_run.size, n_lanes)", mode="eval").body
    thread = [
        *ast.parse("lane, n_lanes = cuda.grid(1), cuda.gridsize(1)").body,
        *of_thread,
        *(s for n, room in enumerate((*rooms, _SCRATCH)) for s in _slice(n, room)),
        *(s for room in rooms for s in _start(room, made)),
        rows,
    ]
    of_threads = {*(made.keys() - filled), *words.values()}
    on_host = [_on_host(s) for s in before if not {*_targets(s)} & of_threads]
    parts = [
        "\n".join(ast.unparse(s) for s in module.body if s is not kernel),
        _HEAD,
        _function("host", given, [*on_host, *ast.parse("return locals()").body]),
        _function("kernel", arguments, [_Marks(words).visit(s) for s in thread]),
    ]
    return Translation(text="\n".join(parts), arguments=arguments, rooms=(*rooms, _SCRATCH))


_SCRATCH = Room("scratch", "F", "n_scratch")


def _function(name: str, arguments: tuple[str, ...] | list[str], body: list[ast.stmt]) -> str:
    lines = "\n".join(ast.unparse(ast.fix_missing_locations(s)) for s in body)
    return f"\ndef {name}({', '.join(arguments)}):\n{textwrap.indent(lines, '    ')}\n"


def _targets(statement: ast.stmt) -> Iterator[str]:
    """The name that a statement assigns to, if it is one."""
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        yield statement.targets[0].id


def _made(statement: ast.stmt) -> Iterator[tuple[str, ast.Call]]:
    """The array that a statement asks for, and how."""
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Call) and ast.unparse(value.func) in _MAKES:
        yield from ((name, value) for name in _targets(statement))


def _viewed(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """The marks that a statement views as words, and the words."""
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "view":
        yield from ((ast.unparse(value.func.value), name) for name in _targets(statement))


def _names(node: ast.AST) -> Iterator[str]:
    return (n.id for n in ast.walk(node) if isinstance(n, ast.Name))


def _stored(loop: ast.For) -> Iterator[str]:
    """What the statements of a loop assign."""
    return (name for s in loop.body for name in _targets(s))


def _room(name: str, call: ast.Call, words: Mapping[str, str]) -> Room:
    if name in words:
        return Room(words[name], "U", f"({ast.unparse(call.args[0])}) // 8")
    n_given = 2 if ast.unparse(call.func) == "np.full" else 1
    dtypes = [ast.unparse(a) for a in call.args[n_given:]]
    return Room(name, dtypes[0] if dtypes else _MAKES[ast.unparse(call.func)], ast.unparse(call.args[0]))


def _slice(number: int, room: Room) -> list[ast.stmt]:
    """The thread's part of a pool."""
    at = f"places[{number}, 0]:places[{number}, 1]"
    return ast.parse(f"{room.name} = {room.pool}[{at}, lane]").body


def _start(room: Room, made: Mapping[str, ast.Call]) -> list[ast.stmt]:
    """What an array begins with, if it does not begin with anything."""
    call = made.get(room.name)
    kind = "np.zeros" if call is None else ast.unparse(call.func)
    if kind == "np.empty":
        return []
    assert call is None or kind in ("np.zeros", "np.full")
    value = ast.unparse(call.args[1]) if call is not None and kind == "np.full" else "0"
    return ast.parse(f"for q in range({room.name}.size):\n    {room.name}[q] = {value}").body


def _on_host(statement: ast.stmt) -> ast.stmt:
    """A statement as the host runs it; the largest row is looked up without a loop in Python."""
    if not isinstance(statement, ast.For):
        return statement
    (name,) = _stored(statement)
    assert name.startswith("most_")
    return ast.parse(f"{name} = int(np.diff(start_{name.removeprefix('most_')}).max())").body[0]


class _Marks(ast.NodeTransformer):
    """Marks of cells, in words."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = words

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        target = node.targets[0]
        if isinstance(target, ast.Subscript) and ast.unparse(target.value) in self.words:
            words, value = self.words[ast.unparse(target.value)], ast.unparse(node.value)
            return ast.parse(f"set_mark({words}, {ast.unparse(target.slice)}, {value})").body[0]
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.words.get(node.id, node.id), node.ctx)
