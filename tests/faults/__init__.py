"""Faults that are planted, one at a time, into a copy of the project, to see whether its tests catch them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Fault"]


@dataclass(frozen=True)
class Fault:
    """A small mistake that keeps the code running, and the tests that must fail for it."""

    name: str
    file: str
    old: str  # stands exactly once in the file
    new: str
    tests: str  # of ``tests/test_NAME.py``: NAME, or NAME::function without its test_; several with a space between

    @property
    def nodes(self) -> list[str]:
        """What pytest is called with."""
        nodes = []
        for name in self.tests.split():
            file, _, function = name.partition("::")
            nodes.append(f"tests/test_{file}.py" + (f"::test_{function}" if function else ""))
        return nodes
