"""`import fortyhertz as fh`: every name is there, loads at first use, and is what its own package gives."""

from __future__ import annotations

import ast
import inspect
import rlcompleter
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fortyhertz as fh
from bridge import SpikingHead
from pragmatic import Softmax
from spiking import GammaCircuit

ROOT = Path(__file__).parents[1]


def test_every_name_is_what_its_package_gives() -> None:
    assert fh.GammaCircuit is GammaCircuit
    assert fh.Softmax is Softmax
    assert fh.SpikingHead is SpikingHead
    assert all(getattr(fh, name) is not None for name in fh.__all__)


def test_type_checkers_see_the_same_names() -> None:
    """The imports for type checkers are written apart from `__all__`; the two must not drift apart."""
    tree = ast.parse(inspect.getsource(fh))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = [alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(seen) == sorted(fh.__all__)


def test_the_import_loads_no_library() -> None:
    program = (
        "import sys, fortyhertz; heavy = {'numpy', 'torch', 'brian2', 'scipy', 'matplotlib', 'spiking'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, cwd=ROOT)


def test_names_complete() -> None:
    assert dir(fh) == sorted(fh.__all__)
    completer = rlcompleter.Completer({"fh": fh})
    found = {completer.complete("fh.Spiking", i) for i in range(3)}
    assert {match.rstrip("()") for match in found if match} >= {"fh.SpikingHead", "fh.SpikingScoreMap"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("gammacircuit", "did you mean GammaCircuit"),
        ("spikinghead", "did you mean SpikingHead"),
        ("compar", "did you mean compare"),
        ("zzz", "dir.fortyhertz. lists all names"),
    ],
)
def test_an_unknown_name_lists_near_ones(name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; {hint}"):
        getattr(fh, name)


def test_the_distribution_declares_all_that_it_ships() -> None:
    """The module at the top level, and a marker that says to type checkers: these packages carry types."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert setuptools["py-modules"] == ["fortyhertz"]
    for package in ("spiking", "bridge", "pragmatic", "scenarios"):
        assert (ROOT / package / "py.typed").exists()
        assert "py.typed" in setuptools["package-data"][package]
