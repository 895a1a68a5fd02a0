"""`fortyhertz new`: a working scenario to start from, with its test."""

from __future__ import annotations

import importlib.util
import keyword
from pathlib import Path

from scenarios.workbench.errors import UsageError

__all__ = ["write_new"]

SKELETON = Path(__file__).with_name("skeleton")
NAME = "my_study"  # of the skeleton, in its file names and texts


def write_new(name: str, folder: Path = Path()) -> tuple[Path, Path]:
    """Write ``name.py`` and ``test_name.py``, a small working experiment, both or neither.

    Raises
    ------
    UsageError
        If the name is not one that Python can import, is taken by an installed module, or a file exists.
    """
    name = name.removesuffix(".py")
    if not name.isidentifier() or keyword.iskeyword(name):
        example = "".join(c if c.isalnum() else "_" for c in name).strip("_") or NAME
        raise UsageError(
            f"name must be letters, digits and _, not first a digit, got {name!r}; use for example {example!r}"
        )
    files = {folder / f"{name}.py": f"{NAME}.py", folder / f"test_{name}.py": f"test_{NAME}.py"}
    for path in files:
        if path.exists():
            raise UsageError(f"name must be new, got {name!r}, and {path} exists; choose another")
    if importlib.util.find_spec(name) is not None:
        raise UsageError(f"name must not be that of an installed module, got {name!r}; choose another")
    for path, source in files.items():
        text = (SKELETON / source).read_text(encoding="utf-8")
        path.write_text(text.replace(NAME, name), encoding="utf-8")
    scenario, test = files
    return scenario, test
