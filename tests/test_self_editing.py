"""Machines that edit their own matrix: the published programs in X := W Y, and the row of the matrix alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pragmatic.machines.self_editing import (
    MatrixMachine,
    cycle_program,
    edited,
    growth,
    oscillation_program,
)
from pragmatic.score_maps import Hardmax, ScoreMap, Softmax


def active_rows(score_map: ScoreMap, n: int, n_steps: int, *, attends: bool = True) -> torch.Tensor:
    machine, x = MatrixMachine(n_inputs=n + 2, attends=attends), cycle_program(n)
    rows = [machine.network(x)[0, 1, 1:]]
    for _ in range(n_steps):
        x = machine(x, score_map)
        rows.append(machine.network(x)[0, 1, 1:])
    return torch.stack(rows)


@pytest.mark.parametrize("attends", [True, False])
def test_the_published_trace_of_three_updates(attends: bool) -> None:
    """Update 1, 2, 3, 1, 2, 3, 1: by the linear machine, and by attention that takes the largest."""
    rows = active_rows(Hardmax(), 3, 6, attends=attends)
    torch.testing.assert_close(rows, torch.eye(3, dtype=torch.float64)[[0, 1, 2, 0, 1, 2, 0]])


def test_the_published_oscillation() -> None:
    """W[1, 1] after cycles 1 to 6: -1, 1, -1, 1, -1, 1."""
    machine, x = MatrixMachine(n_inputs=3, attends=False), oscillation_program()
    seen = []
    for _ in range(6):
        x = machine(x, Softmax())
        seen.append(float(machine.network(x)[0, 1, 1]))
    assert seen == [-1, 1, -1, 1, -1, 1]


@pytest.mark.parametrize("n", [3, 5])
def test_the_row_alone_is_the_row_in_the_matrix(n: int) -> None:
    score_map = Softmax(temperature=1 / (1.2 * n))
    row, rows = torch.eye(n, dtype=torch.float64)[0], active_rows(score_map, n, 40)
    for expected in rows:
        torch.testing.assert_close(row, expected)
        row = edited(row, score_map)


def test_programs_persist_inside_x() -> None:
    """Only the active row changes: updates and links stay as they were, and machines of a batch go apart."""
    machine, score_map = MatrixMachine(n_inputs=5), Softmax(temperature=0.2)
    start = cycle_program(3).repeat(2, 1, 1)
    start[1, 0, 6] = 0.5  # of row 1, the entry that names update 1
    x = start
    for _ in range(10):
        x = machine(x, score_map)
    torch.testing.assert_close(x[:, 2:], start[:, 2:])
    links = machine.network(x).clone(), machine.network(start).clone()
    for w in links:
        w[:, 1, 1:] = 0
    torch.testing.assert_close(*links)
    assert not torch.allclose(x[0], x[1])


@pytest.mark.parametrize(("ratio", "n"), [(0.8, 3), (1.1, 4), (1.5, 5)])
def test_growth_is_the_slope_of_an_edit(ratio: float, n: int) -> None:
    """Modes of a row 1e-6 from uniform change by these factors, to second order: within 1e-5."""
    modes = np.exp(2j * np.pi * np.outer(np.arange(n), np.arange(1, n)) / n)
    score_map, weights = Softmax(temperature=1 / (ratio * n)), growth(ratio, n)
    for mode, factor in zip(modes.T, weights, strict=True):
        parts = []
        for part in (mode.real, mode.imag):
            row = torch.full((n,), 1 / n, dtype=torch.float64)
            parts.append((edited(row + 1e-6 * torch.from_numpy(part), score_map) - row).numpy() / 1e-6)
        np.testing.assert_allclose(parts[0] + 1j * parts[1], mode * factor.conj(), atol=1e-5)
    assert (np.abs(weights) > 1).all() == (ratio > 1)


def test_a_shape_of_another_machine_is_refused() -> None:
    with pytest.raises(ValueError, match=r"x must be \(batch, 4, 12\), got \(1, 5, 20\); use cycle_program"):
        MatrixMachine(n_inputs=4)(cycle_program(3), Softmax())
    with pytest.raises(ValueError, match=r"MatrixMachine\.n_inputs must be >= 3, got 2; Self takes two"):
        MatrixMachine(n_inputs=2)
