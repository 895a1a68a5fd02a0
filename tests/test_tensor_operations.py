"""Operations of single PyTorch kernels, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import pytest
import torch
from torch.nn import functional

from bridge import count
from bridge.bill.counts import Counts


def counted(run: Callable[[], object]) -> Counts:
    with count() as counter:
        run()
    assert not counter.bill().uncounted
    return counter.bill().total()


X = torch.randn(6, 10)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda: functional.linear(X, torch.ones(3, 10)), {"macs": 6 * 10 * 3}),
        (lambda: functional.linear(X, torch.ones(3, 10), torch.ones(3)), {"macs": 6 * 10 * 3}),
        (lambda: X + 1, {"acs": 60}),
        (lambda: torch.add(X, X, alpha=2), {"macs": 60}),
        (lambda: X * 2, {"multiplies": 60}),
        (lambda: X / 2, {"divisions": 60}),
        (lambda: X**2, {"multiplies": 60}),
        (lambda: X.exp(), {"exponentials": 60}),
        (lambda: X.sum(), {"acs": 60}),
        (lambda: X > 0, {"acs": 60}),
        (lambda: torch.softmax(X, -1), {"acs": 180, "exponentials": 60, "divisions": 60}),
        (lambda: functional.gelu(X), {"acs": 60, "multiplies": 180, "exponentials": 60}),
        (
            lambda: functional.layer_norm(X, (10,), torch.ones(10), torch.ones(10)),
            {"acs": 120, "macs": 120, "multiplies": 60 + 12, "divisions": 6},
        ),
        (
            lambda: functional.conv2d(torch.ones(1, 3, 8, 8), torch.ones(5, 3, 4, 4), stride=4),
            {"macs": 5 * 4 * 48},
        ),
        (lambda: functional.embedding(torch.tensor([1, 2]), X), {}),
        (lambda: torch.arange(5) + 1, {}),  # whole numbers are positions and masks
        (lambda: X.view(10, 6).t(), {}),
    ],
)
def test_kernels_by_hand(run: Callable[[], object], expected: dict[str, int]) -> None:
    done = asdict(counted(run))
    assert {kind: n for kind, n in done.items() if n and not kind.startswith("bytes")} == expected


def test_random_numbers_are_counted() -> None:
    assert counted(lambda: functional.dropout(X, 0.5, training=True)).random_draws == 60


def test_bytes_are_operands_and_results() -> None:
    assert counted(lambda: X + X.flip(0)).bytes_tensor == 4 * 60 * (2 + 3)
    assert counted(lambda: X.view(10, 6)).bytes_tensor == 0
    assert counted(lambda: X[:, :1] + X).bytes_tensor == 4 * (6 + 60 + 60)
    assert counted(lambda: functional.embedding(torch.tensor([1, 2]), X)).bytes_tensor == 4 * 20 * 2


def test_unknown_kernels_are_named() -> None:
    with count() as counter:
        torch.special.bessel_j0(X)
    assert counter.bill().uncounted == {"aten.special_bessel_j0": 60}
