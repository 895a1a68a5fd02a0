"""How rows begin: the expressions of `Wiring.start` for all cells of a batch, each row with its own noise.

A draw has a site: `SITES` times the number of its group, in the order in which the expressions name groups, plus
the number of calls of rand(), randn(), rand_key() and rand_row() before it in expressions of that group. Its number
is `uniform64(row_key, 2**62 + (site << 20) + index)`; the index is the cell's for rand(), the key's for rand_key()
and 0 for rand_row().
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import Any

import brian2 as b2
import numpy as np

from spiking.engines.fused.fold import RANDOM, names
from spiking.engines.fused.names import Names
from spiking.engines.fused.random import RowNoise
from spiking.refs import Ref

__all__ = ["KEY", "ROW", "Start", "read_start"]

KEY, ROW = "rand_key", "rand_row"  # draws that the cells of a key, or of the row, share
_CELL = "i"  # the cell's number in its row
SITES = 1024  # draws of a group are counted from a multiple of this on
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name) for name in ("exp", "log", "log10", "sqrt", "expm1", "log1p", "floor", "ceil")
    },
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "sign", "clip")},
    **{f"arc{name}": getattr(np, f"arc{name}") for name in ("sin", "cos", "tan")},
    "abs": np.abs,
    "int": lambda x: np.asarray(x).astype(np.int64),
    "exprel": lambda x: np.where(x == 0, 1.0, np.expm1(x) / np.where(x == 0, 1.0, x)),
}


@dataclass(frozen=True, kw_only=True)
class Start:
    """The expressions of a circuit's start, read once."""

    expressions: Mapping[Ref, ast.expr]  # in the order given
    n_draws: Mapping[Ref, float]  # random numbers that each takes per cell; the row's one does not count
    cells_per_key: Mapping[str, int]  # of the groups whose cells stand for keys

    @cached_property
    def _formulas(self) -> Mapping[Ref, _Formula]:
        return {ref: _Formula.of(expression) for ref, expression in self.expressions.items()}

    def values(
        self,
        given: Mapping[Ref, np.ndarray],
        held: Callable[[Ref], np.ndarray],
        sizes: Mapping[str, np.ndarray],
        *,
        seed: int,
        streams: np.ndarray,
        only: Collection[Ref] | None = None,
    ) -> dict[Ref, np.ndarray]:
        """The variables' values in the cells of some rows, one row after another.

        Parameters
        ----------
        given : mapping
            What the rows bring with them otherwise, such as the scores' input.
        held : callable
            Other variables: what the circuit's objects hold.
        sizes : mapping
            Cells of each group in each row, (n_rows,).
        seed, streams
            Keys of the random numbers.
        only : collection of Ref, optional
            The variables that are wanted, as `needed` gives them; all unless given.
        """
        values: dict[Ref, np.ndarray] = dict(given)
        noise = {
            group: RowNoise(seed, streams, sizes[group], first_site=SITES * n)
            for n, group in enumerate(dict.fromkeys(ref.group for ref in self.expressions))
        }
        for ref, formula in self._formulas.items():
            if only is not None and ref not in only:
                noise[ref.group].skip(formula.n_draws)
                continue
            total = int(sizes[ref.group].sum())

            def variable(name: str, group: str = ref.group) -> np.ndarray:
                if name == _CELL:
                    return _numbers(sizes[group])
                read = Ref.of_identifier(name)
                assert read is not None
                value = values[read] if read in values else held(read)
                same = read.group == group or len(value) == int(sizes[group].sum())
                return value if same else np.repeat(value, sizes[group])

            drawn = _Draws(noise[ref.group], sizes[ref.group], self.cells_per_key.get(ref.group))
            value = formula(variable, drawn)
            values[ref] = np.asarray(value) if np.ndim(value) else np.full(total, value)
        return {ref: values[ref] for ref in self.expressions if only is None or ref in only}

    def reads(self, refs: Collection[Ref]) -> set[Ref]:
        """The variables that the expressions of some read."""
        return set().union(*(self._reads[ref] for ref in refs))

    @cached_property
    def _reads(self) -> Mapping[Ref, set[Ref]]:
        return {
            ref: {read for name in names(e) if (read := Ref.of_identifier(name)) is not None}
            for ref, e in self.expressions.items()
        }

    def needed(self, only: Collection[Ref] | None) -> frozenset[Ref]:
        """Those of some variables that have an expression, with the others that they read; all for None."""
        wanted = set(self.expressions if only is None else only) & self.expressions.keys()
        for ref in reversed(list(self.expressions)):
            if ref in wanted:
                wanted |= self.reads([ref]) & self.expressions.keys()
        return frozenset(wanted)

    def site_of_key_phase(self, ref: Ref) -> int | None:
        """The site of the draw of an expression that draws one number, which the cells of a key share."""
        groups = list(dict.fromkeys(each.group for each in self.expressions))
        site = SITES * groups.index(ref.group) if ref.group in groups else 0
        for other, formula in self._formulas.items():
            if other == ref:
                return site if formula.functions == ("rand_key",) else None
            site += formula.n_draws if other.group == ref.group else 0
        return None


def read_start(
    start: Mapping[Ref, str],
    groups: Mapping[str, b2.NeuronGroup],
    namespace: Mapping[str, Any],
    cells_per_key: Mapping[str, int],
) -> Start:
    """Read the expressions of a start.

    Parameters
    ----------
    cells_per_key : mapping
        Of the groups whose cells stand for keys: their expressions may call rand_key() and name n_cells.

    Raises
    ------
    ValueError
        For a variable or a name in an expression that does not exist.
    """
    expressions: dict[Ref, ast.expr] = {}
    for ref, text in start.items():
        if ref.group not in groups or ref.variable not in Names.states(groups[ref.group]):
            raise ValueError(
                f"start must name variables of the circuit's groups, got {str(ref)!r}; "
                f"known: {', '.join(_variables(groups))}."
            )
        n_cells = cells_per_key.get(ref.group)
        own = {} if n_cells is None else {"n_cells": float(n_cells)}
        known = Names(groups, {**own, **namespace}, functions=(KEY, ROW))
        try:
            parsed = ast.parse(text.strip(), mode="eval").body
            _check_calls(parsed, ref.group, cells_per_key)
            expressions[ref] = known.resolve(parsed, groups[ref.group], {})
            _check_names(expressions[ref])
        except (SyntaxError, KeyError) as error:
            raise ValueError(
                f"the start of {ref} must be an expression in Brian2's language, got {text!r} ({error}); "
                'use for example "10 * rand()".'
            ) from None
    return Start(
        expressions=expressions,
        n_draws={ref: _n_draws(e, cells_per_key.get(ref.group)) for ref, e in expressions.items()},
        cells_per_key=cells_per_key,
    )


def _check_calls(expression: ast.expr, group: str, cells_per_key: Mapping[str, int]) -> None:
    """Draws that cells share take no argument, and a key's need cells that stand for keys."""
    for call in (n for n in ast.walk(expression) if isinstance(n, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name in (KEY, ROW) and (call.args or call.keywords):
            raise SyntaxError(f"{name}() takes no argument")
        if name == KEY and group not in cells_per_key:
            raise SyntaxError(
                f"{KEY}() needs cells that stand for keys, as in {' and '.join(cells_per_key)}; "
                f"in {group} use {ROW}() or rand()"
            )


def _check_names(expression: ast.expr) -> None:
    """What changes in time has no value before the start."""
    for name in names(expression):
        if name != _CELL and Ref.of_identifier(name) is None:
            raise KeyError(f"{name} has no value at the start")


def _variables(groups: Mapping[str, b2.NeuronGroup]) -> Sequence[str]:
    return [str(Ref(name, v)) for name, group in groups.items() for v in Names.states(group)]


def _n_draws(expression: ast.expr, n_cells: int | None) -> float:
    called = _called(expression)
    return sum(name in RANDOM for name in called) + (called.count(KEY) / n_cells if n_cells else 0)


def _numbers(sizes: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... in each row."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _called(expression: ast.expr) -> list[str]:
    """The functions that an expression calls, once for each call."""
    return [
        n.func.id for n in ast.walk(expression) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    ]


class _Draws:
    """The draws of an expression, new ones at each call."""

    def __init__(self, noise: RowNoise, sizes: np.ndarray, n_cells: int | None) -> None:
        self.noise, self.sizes, self.n_cells = noise, sizes, n_cells

    def rand(self) -> np.ndarray:
        return self.noise.uniform(0.0, 1.0, int(self.sizes.sum()))

    def randn(self) -> np.ndarray:
        return self.noise.normal(size=int(self.sizes.sum()))

    def rand_key(self) -> np.ndarray:
        assert self.n_cells is not None
        return np.repeat(self.noise.shared(self.sizes // self.n_cells), self.n_cells)

    def rand_row(self) -> np.ndarray:
        return np.repeat(self.noise.shared(np.ones_like(self.sizes)), self.sizes)


@dataclass(frozen=True)
class _Formula:
    """A compiled expression: compiling takes longer than the rows of a short call."""

    code: CodeType
    variables: tuple[str, ...]
    functions: tuple[str, ...]

    @property
    def n_draws(self) -> int:
        """Calls that draw random numbers."""
        return sum(name in (*RANDOM, "rand_key", "rand_row") for name in self.functions)

    @classmethod
    def of(cls, expression: ast.expr) -> _Formula:
        tree = ast.fix_missing_locations(ast.Expression(_Vectorised().visit(_copied(expression))))
        return cls(compile(tree, "<start>", "eval"), tuple(names(expression)), tuple(_called(expression)))

    def __call__(self, variable: Callable[[str], np.ndarray], draws: _Draws) -> Any:
        drawn = {"rand": draws.rand, "randn": draws.randn, KEY: draws.rand_key, ROW: draws.rand_row}
        functions = {**_FUNCTIONS, **drawn}
        scope: dict[str, Any] = {name: variable(name) for name in self.variables}
        scope |= {name: functions[name] for name in self.functions}
        return eval(self.code, {"__builtins__": {}, "where": np.where}, scope)


def _copied(expression: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(expression), mode="eval").body


class _Vectorised(ast.NodeTransformer):
    """A choice between two values, cell by cell."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        return ast.Call(
            func=ast.Name("where", ast.Load()), args=[node.test, node.body, node.orelse], keywords=[]
        )
