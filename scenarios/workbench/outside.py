"""Scenarios from outside, a user's file or another package's module: loaded, checked, faults said in one line."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from scenarios.workbench.errors import UsageError
from scenarios.workbench.extras import extra_of
from scenarios.workbench.params import ScenarioParams, fields_of

__all__ = ["blamed", "digest", "is_file", "load_file", "load_module", "scenario_files"]

SKELETON = "fortyhertz new NAME writes a scenario that works"


def is_file(name: str) -> bool:
    """Tell a path from a scenario's name, which has neither a dot nor a slash."""
    return Path(name).name != name or bool(Path(name).suffix)


def scenario_files(folder: Path) -> dict[str, str]:
    """Questions of the scenario files in a folder, by file name; read, not run."""
    questions = {path.name: _question(path) for path in sorted(folder.glob("*.py"))}
    return {name: question for name, question in questions.items() if question is not None}


def digest(path: str) -> str:
    """Eight digits that change with the content of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]


def load_file(path: str) -> ModuleType:
    """Import a scenario from a user's file, which may import others of its folder.

    A file that changed since is read again. Nothing is written next to it.

    Raises
    ------
    UsageError
        If there is no such file, it raises, or what it holds is not a scenario.
    """
    if Path(path).suffix != ".py":
        raise UsageError(f"scenario file must be Python, got {path}; give it a name that ends in .py")
    if not Path(path).is_file():
        raise UsageError(f"scenario file must exist, got {path}; check its path ({SKELETON})")
    with blamed(path, "be imported"):
        module = _imported(Path(path).resolve())
    _check(module, path)
    return module


def load_module(module: str, source: str) -> ModuleType:
    """Import the module that another package registered.

    Parameters
    ----------
    module : str
        Dotted name.
    source : str
        What to call it in an error.

    Raises
    ------
    UsageError
        If it raises, or what it holds is not a scenario.
    """
    with blamed(source, "be imported"):
        loaded = importlib.import_module(module)
    _check(loaded, source)
    return loaded


@contextmanager
def blamed(source: str, what: str) -> Iterator[None]:
    """Turn whatever a scenario from outside raises into one line that names source, line and error.

    Raises
    ------
    UsageError
        In place of the error; a `UsageError` itself, a missing extra and a lack of memory go through as they are.
    """
    try:
        yield
    except (UsageError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and extra_of((error.name or "").partition(".")[0]):
            raise
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(
            f"{source} must {what} without an error, got {type(error).__name__}{_line(error, source)}: "
            f"{said or 'no message'}; correct it (--debug shows the traceback)"
        ) from error


def _line(error: BaseException, source: str) -> str:
    """Where in the file it went wrong: the innermost of its lines."""
    if isinstance(error, SyntaxError):
        return f" in line {error.lineno}"
    file = str(Path(source).resolve())
    lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == file]
    return f" in line {lines[-1]}" if lines else ""


def _question(path: Path) -> str | None:
    """The QUESTION of a file, where that is a plain text."""
    try:
        text = path.read_text(encoding="utf-8")
        statements = ast.parse(text).body if "QUESTION" in text and "ScenarioParams" in text else []
    except (OSError, ValueError, SyntaxError):
        return None
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            [target, *_] = statement.targets
            if isinstance(target, ast.Name) and target.id == "QUESTION":
                return str(statement.value.value)
    return None


def _imported(file: Path) -> ModuleType:
    """The module of a file: the one that is imported already if the file is still the same, else a new one."""
    changed_ns = file.stat().st_mtime_ns
    for name in ("__main__", file.stem):
        module = sys.modules.get(name)
        if module is not None and _file_of(module) == file:
            if getattr(module, "_changed_ns", changed_ns) == changed_ns:
                return module
            del sys.modules[name]
    name = file.stem if file.stem not in sys.modules else f"{file.stem}_{digest(str(file))}"
    return _execute(file, name, changed_ns)


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return None if file is None else Path(file).resolve()


def _execute(file: Path, name: str, changed_ns: int) -> ModuleType:
    """Run a file as the module `name`; unlike an import, this leaves no bytecode in its folder."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__dict__["_changed_ns"] = changed_ns
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))  # for what it imports now and, in `run`, later
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        exec(compile(file.read_bytes(), file, "exec", dont_inherit=True), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _check(module: Any, source: str) -> None:
    """Refuse a module that is not a scenario."""
    question = getattr(module, "QUESTION", None)
    if not isinstance(question, str) or not question.strip():
        raise UsageError(
            f'{source} must ask a QUESTION, a text, got {question!r}; add for example QUESTION = "Is it a softmax?"'
        )
    params = getattr(module, "Params", None)
    if not (isinstance(params, type) and issubclass(params, ScenarioParams)):
        raise UsageError(
            f"{source} must hold Params, a dataclass derived from ScenarioParams, got {params!r}; {SKELETON}"
        )
    _check_params(params, source)
    run = getattr(module, "run", None)
    if not callable(run) or not _takes_two(run):
        raise UsageError(f"{source} must hold a function run(params, ctx), got {run!r}; {SKELETON}")


def _check_params(params: type[ScenarioParams], source: str) -> None:
    loose = [name for name, value in vars(params).items() if isinstance(value, dataclasses.Field)]
    if loose:
        raise UsageError(
            f"Params of {source} must be a dataclass, got a plain class; "
            "put @dataclass(frozen=True, kw_only=True) above it"
        )
    try:
        for field in fields_of(params):
            if field.default is not dataclasses.MISSING:
                field.check(field.default)
    except (TypeError, ValueError, NameError) as error:
        raise UsageError(f"Params of {source}: {error}") from error


def _takes_two(run: Any) -> bool:
    try:
        inspect.signature(run).bind(None, None)
    except TypeError:
        return False
    return True
