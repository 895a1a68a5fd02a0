"""Odd input is refused in clear words or taken, and leaves nothing: a small, seeded part of `make fuzz`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import run, table
from tests.fuzz.verdicts import FAILURES, is_clear, judge


def test_odd_calls_and_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the fuzzer lie in a folder that it makes and removes; here even what it would miss is gone."""
    monkeypatch.chdir(tmp_path)
    tried = run(300, 6, 40)
    assert len(tried) == 306
    assert not [verdict for _, _, verdict in tried if verdict.kind in FAILURES], table(tried)
    assert {verdict.kind for _, _, verdict in tried} == {"success", "refusal"}
    assert not list(tmp_path.iterdir())


def negative(duration_ms: float) -> float:
    return duration_ms


def clear() -> None:
    raise ValueError("duration_ms must be > 0, got -1; use 200 or more.")


@pytest.mark.parametrize(
    ("call", "refusable", "kind"),
    [
        (lambda: 3, True, "success"),
        (lambda: negative(-1.0), False, "silent"),
        (lambda: None.shape, True, "traceback"),  # type: ignore[attr-defined]
        (lambda: [] @ 3, True, "unclear"),  # type: ignore[operator]
        (lambda: int("x"), True, "unclear"),
        (clear, True, "unclear"),  # in clear words, but no `raise` of the project made them
    ],
)
def test_the_judge_knows_each_failure(call: object, refusable: bool, kind: str) -> None:
    assert judge(call, refusable=refusable, deadline_s=5.0).kind == kind  # type: ignore[arg-type]


def test_the_judge_knows_a_refusal_and_a_hang() -> None:
    from spiking import Budget

    assert judge(lambda: Budget(spikes=0), refusable=False, deadline_s=5.0).kind == "refusal"

    def endless() -> None:
        while True:
            pass

    assert judge(endless, refusable=True, deadline_s=0.2).kind == "hang"


@pytest.mark.parametrize(
    ("message", "clear"),
    [
        ("Streams.seed must lie in [0, 2**63), got -1; use for example 0.", True),
        ("pvals < 0, pvals > 1 or pvals contains NaNs", False),
        ("PosixPath('.') has an empty name", False),
        ("'int' object is not iterable", False),
        ("Expecting value: line 1 column 1 (char 0)", False),
        ("Each lower bound must be strictly less than each upper bound.", False),
        ("seed must be\n>= 0; use 0", False),
    ],
)
def test_words_that_are_clear(message: str, clear: bool) -> None:
    assert is_clear(message) is clear
