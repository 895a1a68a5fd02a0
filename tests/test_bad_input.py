"""Bad input gets one error that names the field, the rule, the value and the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spiking import DiffusiveLIF, EscapeRate, GammaCircuit, GammaParams, HeadParams, VectorCircuit

RNG = np.random.default_rng(0)
GOOD = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        (np.array([[0.0, np.nan]]), {}, "scores must be finite, got nan at row 0, key 1"),
        (np.array([[np.inf, 0.0]]), {}, "scores must be finite, got inf at row 0, key 0"),
        (np.zeros(3), {}, r"scores must be 2-D \(rows, keys\), got shape \(3,\)"),
        (np.zeros((1, 2, 3)), {}, "scores must be 2-D"),
        (np.zeros((2, 0)), {}, "scores must have at least one key"),
        (np.zeros((0, 2)), {}, "scores must have at least one row"),
        (
            GOOD,
            {"mask": np.array([[True] * 3, [False] * 3])},
            "at least one key in every row, got none in row 1",
        ),
        (
            GOOD,
            {"mask": np.ones((3, 2), dtype=bool)},
            r"mask must have the shape of scores \(2, 3\), got \(3, 2\)",
        ),
        (GOOD, {"duration_ms": 0}, "duration_ms must be > 0, got 0"),
        (GOOD, {"duration_ms": -5.0}, "duration_ms must be > 0, got -5.0"),
        (GOOD, {"duration_ms": float("nan")}, "duration_ms must be > 0, got nan"),
        (GOOD, {"duration_ms": 20.0}, "at least one gamma cycle"),
    ],
)
def test_attend_refuses(scores: np.ndarray, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GammaCircuit().attend(scores, **{"duration_ms": 100, "rng": RNG, **options})


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ([["a", "b"]], {}, "scores must be an array of numbers"),
        ([[1.0, 2.0], [3.0]], {}, "scores must be an array of numbers"),
        (GOOD, {"mask": np.ones((2, 3))}, "mask must be boolean"),
        (GOOD, {"engine": "nest"}, "engine must be an engine, got 'nest'"),
    ],
)
def test_attend_refuses_types(scores: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        GammaCircuit().attend(scores, **{"duration_ms": 100, "rng": RNG, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "GammaParams.temperature must be > 0, got 0.0"),
        ({"temperature": -1.0}, "GammaParams.temperature must be > 0, got -1.0"),
        ({"temperature": float("inf")}, "GammaParams.temperature must be > 0, got inf"),
        ({"n_cells": 0}, "GammaParams.n_cells must be >= 1, got 0"),
        ({"n_inh": -3}, "GammaParams.n_inh must be >= 1, got -3"),
        ({"delay_ms": -1.0}, "GammaParams.delay_ms must be > 0, got -1.0"),
        ({"gain": 0.0}, "GammaParams.gain must be > 0, got 0.0"),
        ({"inh_spread": 2.0}, r"GammaParams.inh_spread must lie in \[0, 0.95\], got 2.0"),
        ({"feedforward": "median"}, "GammaParams.feedforward must be one of max, mean, none; got 'median'"),
        ({"dt_ms": 5.0}, "GammaParams.dt_ms must be <= delay_ms / 2"),
    ],
)
def test_parameters_are_bounded(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GammaParams(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_cells": 2.5}, "GammaParams.n_cells must be a whole number, got 2.5"),
        ({"temperature": "hot"}, "GammaParams.temperature must be a number, got 'hot'"),
        ({"cell": "lif"}, "GammaParams.cell must be a cell model, got 'lif'"),
    ],
)
def test_parameters_are_typed(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        GammaParams(**options)


def test_cells_and_head_are_bounded() -> None:
    with pytest.raises(ValueError, match=r"EscapeRate.tau_ms must be > 0, got 0.0"):
        EscapeRate(tau_ms=0.0)
    with pytest.raises(ValueError, match=r"EscapeRate.drive must lie in .*, got nan"):
        EscapeRate(drive=float("nan"))
    with pytest.raises(ValueError, match=r"DiffusiveLIF.v_reset must be < theta"):
        DiffusiveLIF(v_reset=20.0)
    with pytest.raises(ValueError, match=r"HeadParams.n_query must be >= 1"):
        HeadParams(n_query=0)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((4,), (3, 4), (3, 4)), "query must be 2-D"),
        (((2, 4), (3, 5), (3, 4)), "key must have the query's dimension 4, got 5"),
        (((2, 4), (3, 4), (2, 4)), r"value must have one vector per key \(3\), got 2"),
        (((2, 4), (3,), (3, 4)), r"key must be \(keys, d\)"),
        (((2, 4), (0, 4), (0, 4)), "key must not be empty"),
    ],
)
def test_vectors_are_checked(shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VectorCircuit().attend(*map(np.zeros, shapes), duration_ms=100, rng=RNG)
