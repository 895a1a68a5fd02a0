"""Odd values of each kind of argument, as Hypothesis strategies of `Named` ones."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fortyhertz as fh

__all__ = ["ODD", "Named"]


@dataclass(frozen=True)
class Named:
    """A value to be made for a call, with the words that a report shows for it."""

    words: str
    make: Callable[[], Any]
    wrong: bool = False  # no result can be right for it

    def __repr__(self) -> str:
        return self.words


def _as_is(value: Any, *, wrong: bool = False) -> Named:
    words = (
        " ".join(repr(value).split()) if not isinstance(value, int) or abs(value) < 2**99 else "a huge int"
    )
    return Named(words if len(words) < 70 else f"{words[:67]}...", lambda: value, wrong)


def _wrong(*values: Any) -> st.SearchStrategy[Named]:
    return st.sampled_from([_as_is(value, wrong=True) for value in values])


def _maybe(*values: Any) -> st.SearchStrategy[Named]:
    return st.sampled_from([_as_is(value) for value in values])


def _made(**makers: Callable[[], Any]) -> st.SearchStrategy[Named]:
    return st.sampled_from([Named(words, make, True) for words, make in makers.items()])


JUNK = _wrong(b"x", {}, set(), object(), Path(), lambda: None, math, 1j, Ellipsis, NotImplemented)
HUGE = st.one_of(_maybe(2**63, -(2**63), 2**70), _wrong(10**400))
NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(_as_is),
    st.floats(-10, 10).map(_as_is),
    _wrong(math.nan, math.inf, -math.inf, -1e300, "5", "", True, [1.0], np.zeros(3), 5 * b2.mV, 1 + 0j),
    _maybe(
        0, 0.0, -0.0, 1e-300, 1e300, 5e-324, np.float32(2), np.int8(3), Fraction(1, 3), Decimal("0.5"), None
    ),
    HUGE,
    JUNK,
)
POSITIVE = st.one_of(NUMBERS, _wrong(-1.0, 0, 0.0, -5e-324, -3))
ERRORS = st.one_of(
    _maybe(0.0, 1.5, math.nan), _wrong(-1.0, math.inf, "x", None, True, 1j, [1.0])
)  # nan: unknown
WHOLE = st.one_of(
    st.integers(-3, 6).map(_as_is),
    _wrong(1.5, math.nan, math.inf, "3", "", True, -1, [2], np.array([1, 2]), np.float64(2.5), -(2**63), 1j),
    _maybe(np.int8(2), np.uint64(3), 2.0, None),
    JUNK,
)
SEEDS = st.one_of(_maybe(0, 7, 2**62, np.int64(3)), _wrong(-1, 1.5, "seed", math.nan, [1, 2]), HUGE, JUNK)
FLAGS = _wrong("yes", 2, None, [], np.array([True, False]))
NAMES = st.one_of(
    st.text(max_size=8).map(_as_is),
    _wrong("", " ", None, 3, True, ["spikes"], ("max",), "\x00", "Fused", "ünïcode"),
    JUNK,
)
TEXTS = st.one_of(
    st.text(max_size=40).map(_as_is), _wrong(None, 3, b"bytes", ["a"]), _maybe("", "\x00", "a" * 9)
)
RNGS = _wrong(
    None,
    0,
    "seed",
    np.random,
    np.random.RandomState(0),
    np.random.Generator,
    random.Random(0),
    [],
    torch.Generator(),
)
MODELS = _wrong(
    "gamma", 3, [], {}, fh.GammaCircuit, fh.GammaParams(), fh.EscapeRate(), lambda scores: scores, object(),
    np.zeros((2, 3)), math, fh.RowCircuit,
)  # fmt: skip
CIRCUITS = st.one_of(MODELS, _wrong(None, torch.nn.Linear(2, 2)))
ENGINES = st.one_of(
    _wrong(None, "fused", "", fh.Fused, 3, object(), {}, lambda: None, b2, np.random.default_rng(0)),
    st.just(Named("Fused('float64')", lambda: fh.Fused("float64"))),
)
BUDGETS = _wrong(5, 2.5, "64", fh.Budget, {"spikes": 4}, [4], object(), math.nan)
PROGRESS = _wrong(3, "bar", [], object())
CELLS = _wrong(None, "escape", fh.EscapeRate, 3, fh.GammaParams(), {}, object())
PARAMS = _wrong(None, 3, "x", {}, fh.GammaParams, fh.EscapeRate(), object(), [])


def _float_rows(elements: Any) -> st.SearchStrategy[Named]:
    """Two rows of three, of finite and of odd numbers."""
    return hnp.arrays(np.float64, (2, 3), elements=elements).map(_as_is)


FILLS = [
    -1e3,
    -1e9,
    -65504.0,
    float(np.finfo(np.float32).min),
    float(np.finfo(np.float64).min),
    1e300,
    5e-324,
]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
SCORES = st.one_of(
    _float_rows(st.floats(-20, 20)),
    _float_rows(st.one_of(st.floats(-5, 5), st.sampled_from(FILLS))),
    _float_rows(st.floats(allow_nan=True, allow_infinity=True)),
    hnp.arrays(np.float64, SHAPES, elements=st.floats(-3, 3)).map(
        lambda array: _as_is(array, wrong=array.size == 0 or array.ndim < 1)
    ),
    hnp.arrays(st.sampled_from([np.float16, np.int8, np.int64, np.uint64, np.float32]), (2, 3)).map(_as_is),
    _wrong(
        None, "scores", 3.0, [], [[]], [[1.0], [1.0, 2.0]], [["a", "b", "c"]] * 2, object(), np.zeros((2, 3), bool),
        np.zeros((2, 3), dtype=complex), np.full((2, 3), 1 + 2j), np.array([[None] * 3] * 2), {"a": 1}, math.nan,
        np.array([["x"] * 3] * 2), np.zeros((2, 3), "datetime64[s]"), torch.zeros(2, 3, dtype=torch.complex64),
        np.ma.masked_array(np.zeros((2, 3)), mask=[[0, 1, 0]] * 2), np.zeros(3, dtype=[("a", float)]),
        np.full((2, 3), np.nan), np.full((2, 3), np.inf), torch.full((2, 3), math.nan),
    ),
    _made(**{"tensor with gradient": lambda: torch.zeros(2, 3, requires_grad=True)}).map(
        lambda named: Named(named.words, named.make)
    ),
)  # fmt: skip
MASKS = st.one_of(
    hnp.arrays(bool, (2, 3)).map(lambda mask: _as_is(mask, wrong=not mask.any(axis=1).all())),
    _wrong(
        np.ones((2, 3)), np.ones((3, 2), dtype=bool), np.zeros((2, 3), dtype=bool), "mask", 3, [], object(), {},
        np.ma.masked_array(np.ones((2, 3), bool), mask=[[0, 1, 0]] * 2), np.array([["T"] * 3] * 2), [[1, 0], [1]],
    ),
)  # fmt: skip
TENSORS = st.one_of(
    st.sampled_from(
        [
            Named("torch.zeros(0, 4)", lambda: torch.zeros(1, 0, 4)),
            Named("torch.zeros(4)", lambda: torch.zeros(4)),
            Named("int tensor", lambda: torch.zeros(1, 3, 4, dtype=torch.int64), True),
            Named("bool tensor", lambda: torch.zeros(1, 3, 4, dtype=torch.bool), True),
            Named("complex tensor", lambda: torch.zeros(1, 3, 4, dtype=torch.complex64), True),
            Named("nan tensor", lambda: torch.full((1, 3, 4), math.nan)),
            Named("inf tensor", lambda: torch.full((1, 3, 4), math.inf)),
            Named("half tensor", lambda: torch.zeros(1, 3, 4, dtype=torch.float16)),
            Named("huge tensor", lambda: torch.full((1, 3, 4), 1e30)),
            Named("numpy array", lambda: np.zeros((1, 3, 4)), True),
            Named("torch.zeros(1, 3, 5)", lambda: torch.zeros(1, 3, 5)),
            Named("torch.zeros(2, 3, 4)", lambda: torch.zeros(2, 3, 4)),
            Named("meta tensor", lambda: torch.zeros(1, 3, 4, device="meta"), True),
        ]
    ),
    _wrong(None, 3, "q", [], [[1.0]], {}, object()),
)
TENSOR_MASKS = st.sampled_from(
    [
        Named("float mask", lambda: torch.ones(1, 3, 3), True),
        Named("no key", lambda: torch.zeros(1, 3, 3, dtype=torch.bool), True),
        Named("other shape", lambda: torch.ones(7, 2, dtype=torch.bool), True),
        Named("numpy mask", lambda: np.ones((3, 3), dtype=bool), True),
        Named("text", lambda: "mask", True),
        Named("causal", lambda: torch.ones(3, 3, dtype=torch.bool).tril()),
        Named("list", lambda: [[True] * 3] * 3, True),
    ]
)
HEADS = _wrong(
    "x.y",
    "9.0",
    "",
    "0",
    "-1.0",
    3,
    None,
    [],
    [(0,)],
    [(9, 9)],
    [("a", "b")],
    {},
    object(),
    "0.0;1.1",
    [(0.5, 0)],
)
LAWS = st.one_of(
    _wrong(5, "softmax", {}, [], object(), fh.FittedLaw, math.nan),
    st.just(Named("FittedLaw(beta=2)", lambda: fh.FittedLaw(beta=2.0))),
)
LAW_LISTS = _wrong("softmax", [], ["soft"], 3, [None], object(), [3], "x")
PATHS = st.one_of(
    st.text(max_size=6)
    .filter(lambda text: "/" not in text)
    .map(lambda text: _as_is(f"absent-{text}", wrong=True)),
    _wrong(
        "",
        ".",
        "..",
        "/",
        None,
        3,
        "\x00",
        b"x",
        [],
        "a" * 300,
        "/dev/null",
        "/proc/self/mem",
        Path(),
        object(),
    ),
)
RUN_NAMES = st.one_of(NAMES, _wrong("softmax-from-spike", "gone.py", "..", "/dev/null", "compare_file"))
STREAMS = st.one_of(
    _maybe([0, 1, 2, 3, 4, 5]),
    _wrong(
        [0.5, 1.5],
        "x",
        [-1, 0],
        [[0, 1]],
        np.array([True, False]),
        3,
        object(),
        [None, None],
    ),
    st.just(Named("[3, 3]", lambda: np.array([3, 3]))),
)
LISTS_OF_NAMES = st.one_of(
    st.lists(st.text(max_size=4), max_size=3).map(lambda names: _as_is(names, wrong=bool(names))),
    _wrong(
        3,
        None,
        [3],
        [None],
        ["cells", "cells"],
        ["cells.v", "cells.v"],
        {"cells": 1},
        ["cells."],
        [".v"],
        ["a.b.c"],
        object(),
    ),
)
MAPPINGS = _wrong(
    3,
    "x",
    [1],
    {"g.x": 1},
    {"exc.u": [1.0]},
    {3: 4},
    {"exc": [0.0, 0.0]},
    {"exc.u": "a"},
    object(),
    {"exc.u": [math.nan] * 2},
)
ANYTHING = st.one_of(JUNK, NUMBERS, TEXTS, _wrong(None))
SCORE_MAPS = ANYTHING.map(  # any function may be one: what it gives shows when it is called
    lambda named: Named(named.words, named.make, named.wrong and not callable(named.make()))
)

ODD: dict[str, st.SearchStrategy[Named]] = {
    "number": POSITIVE, "signed": NUMBERS, "error": ERRORS, "whole": WHOLE, "seed": SEEDS, "flag": FLAGS,
    "name": NAMES, "text": TEXTS, "rng": RNGS,
    "circuit": CIRCUITS, "model": MODELS, "engine": ENGINES, "budget": BUDGETS, "progress": PROGRESS, "cell": CELLS,
    "params": PARAMS, "run params": _wrong(3, "x", {}, fh.GammaParams, object(), []),
    "scores": SCORES, "optional scores": SCORES.filter(lambda named: named.words != "None"), "mask": MASKS,
    "tensor": TENSORS, "tensor mask": TENSOR_MASKS, "heads": HEADS, "law": LAWS,
    "laws": LAW_LISTS, "path": PATHS, "run": RUN_NAMES, "streams": STREAMS, "names": LISTS_OF_NAMES,
    "mapping": MAPPINGS, "anything": ANYTHING, "score map": SCORE_MAPS,
}  # fmt: skip
