"""Bounds are checked in `spiking` and in `pragmatic`, which may not import each other: the words are the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import pragmatic.checks
import spiking.checks


def refusal(check: Callable[..., None], *arguments: object) -> tuple[type[Exception], str]:
    with pytest.raises((TypeError, ValueError)) as refused:
        check(*arguments)
    return refused.type, str(refused.value)


@pytest.mark.parametrize("value", ["a", True, -1.0, 2.5, float("nan")])
def test_a_range_is_refused_in_the_same_words(value: object) -> None:
    arguments = ("Sizes", "share", value, 0.0, 1.0)
    assert refusal(pragmatic.checks.within, *arguments) == refusal(spiking.checks.within, *arguments)


@pytest.mark.parametrize("value", ["a", True, 1.5, 0, -3])
def test_a_whole_number_is_refused_in_the_same_words(value: object) -> None:
    ours = refusal(pragmatic.checks.at_least, "Sizes", "n_keys", value, 1)
    assert ours == refusal(spiking.checks.positive_int, "Sizes", "n_keys", value)


def test_good_values_pass() -> None:
    for checks in (pragmatic.checks, spiking.checks):
        checks.within("Sizes", "share", 0.5, 0.0, 1.0)
    pragmatic.checks.at_least("Sizes", "n_keys", 2, 2)
    spiking.checks.positive_int("Sizes", "n_keys", 1)


def test_an_unknown_name_comes_with_the_nearest_and_all() -> None:
    said = pragmatic.checks.unknown("task", "sorte", ["recall", "sort"])
    assert said == "unknown task 'sorte'; did you mean 'sort'? known: recall, sort"
    assert pragmatic.checks.unknown("task", "xyz", ["sort"]) == "unknown task 'xyz'; known: sort"


def test_many_names_are_listed_as_far_as_a_line_holds_them() -> None:
    names = [f"scenario-{i:02d}" for i in range(40)]
    message = pragmatic.checks.unknown("scenario", "nothing", names)
    assert len(message) < 300
    assert message.endswith("scenario-16, scenario-17 and 22 more")
    assert pragmatic.checks.unknown("mode", "x", ["a", "b"]) == "unknown mode 'x'; known: a, b"
