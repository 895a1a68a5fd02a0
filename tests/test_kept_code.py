"""Compiled code on disk: what was changed, cut off or written by somebody else is never run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit

import spiking
from spiking import kept_code
from spiking.engines.fused import engine, kernel
from spiking.kept_code import folder, keep

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and permissions are those of Unix")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept_code, "_said", set())


def double(x: int) -> int:
    return 2 * x


def fresh(text: str = "double") -> Any:
    """The function as a new process has it."""
    return keep(njit(double), text)


def loaded(function: Any) -> bool:
    """Whether it came from the disk; that it gives the right answer is checked, too."""
    assert function(21) == 42
    return bool(function._cache_hits)


@pytest.fixture
def kept() -> Path:
    """The file of the function, which is loaded where nobody has changed it."""
    assert not loaded(fresh())
    assert loaded(fresh())
    [path] = folder().iterdir()
    return path


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_a_file_that_is_changed_anywhere_is_compiled_anew_and_that_is_said_once(kept: Path) -> None:
    whole = kept.read_bytes()
    bits = np.random.default_rng(0).choice(8 * len(whole), 40, replace=False)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for bit in bits:
            kept.write_bytes(flipped(whole, int(bit)))
            assert not loaded(fresh())
            assert loaded(fresh())  # mended
    [note] = said
    assert "its content is not what was written there" in str(note.message)


@pytest.mark.filterwarnings("ignore:.*its content is not what was written there")
@pytest.mark.parametrize(
    "change", [lambda c: c[: len(c) // 2], lambda c: c[:8], lambda c: b"", lambda c: c + b"x"]
)
def test_a_file_that_is_cut_off_or_longer_is_compiled_anew(
    kept: Path, change: Callable[[bytes], bytes]
) -> None:
    kept.write_bytes(change(kept.read_bytes()))
    assert not loaded(fresh())


@pytest.mark.filterwarnings("ignore:.*its content is not what was written there")
def test_a_whole_file_under_another_name_is_not_run(kept: Path) -> None:
    """It is code that this user wrote, but of another function."""
    assert not loaded(fresh("another text"))
    [other] = {*folder().iterdir()} - {kept}
    other.write_bytes(kept.read_bytes())
    assert not loaded(fresh("another text"))


def test_a_file_of_another_user_is_not_run(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me, status = os.geteuid(), os.fstat
    monkeypatch.setattr(os, "fstat", lambda handle: of_user(status(handle), me + 1))
    with pytest.warns(UserWarning, match=rf"belongs to another user \(number {me + 1}\)"):
        assert not loaded(fresh())


def of_user(status: os.stat_result, user: int) -> os.stat_result:
    fields = list(status)
    fields[4] = user
    return os.stat_result(fields)


def test_a_folder_of_another_user_is_neither_read_nor_written(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.unlink()
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.warns(UserWarning, match="is not used: it belongs to another user"):
        assert not loaded(fresh())
    assert not list(folder().iterdir())


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777])
def test_a_folder_that_others_may_write_is_not_used(kept: Path, mode: int) -> None:
    folder().chmod(mode)
    with pytest.warns(UserWarning, match=rf"others may write it \(mode {mode:o}\); run: chmod go-w"):
        assert not loaded(fresh())


def test_a_file_that_others_may_write_is_not_run(kept: Path) -> None:
    kept.chmod(0o666)
    with pytest.warns(UserWarning, match="others may write it"):
        assert not loaded(fresh())


@pytest.mark.filterwarnings("ignore:compiled code cannot be read")
def test_a_link_is_not_followed(kept: Path, tmp_path: Path) -> None:
    kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(tmp_path / "elsewhere")
    assert not loaded(fresh())


def test_new_folders_and_files_are_the_users_alone(kept: Path) -> None:
    assert folder().stat().st_mode & 0o777 == 0o700
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("where", ["a file stands there", "no home"])
def test_where_nothing_can_be_kept_each_process_compiles(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "no home":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(Path, "home", no_home)
    else:
        (tmp_path / "cache").write_text("a file")
    before = set(os.listdir(tempfile.gettempdir()))
    with pytest.warns(UserWarning, match="compiled code cannot be"):
        assert not loaded(fresh())
    assert not [n for n in {*os.listdir(tempfile.gettempdir())} - before if "fortyhertz" in n]


def no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


FULL = """
import resource, warnings
from numba import njit
from spiking.kept_code import keep
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # as on a disk with one free block
print(keep(njit(lambda x: 2 * x), "double")(21))
"""


def test_a_full_disk_leaves_no_part_of_a_file() -> None:
    run = subprocess.run(
        [sys.executable, "-c", FULL],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "42\n"
    assert run.stderr.count("UserWarning: compiled code cannot be kept") == 1
    assert not list(folder().iterdir())


def test_a_constant_or_a_called_function_that_changes_gives_another_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = set()
    for text in ("one", "another"):
        monkeypatch.setattr(kept_code, "_text_of", lambda path, text=text: text)
        names |= {keep(njit(calls), "")._cache._name("int64", njit(calls).targetctx.codegen())}
    monkeypatch.setitem(globals(), "CONSTANT", 4)
    names |= {keep(njit(calls), "")._cache._name("int64", njit(calls).targetctx.codegen())}
    assert len(names) == 3


CONSTANT = 3
inner = njit(double)


def calls(x: int) -> int:
    return CONSTANT * inner(x)


@pytest.fixture
def spikes() -> Iterator[Callable[[], np.ndarray]]:
    """Count the spikes of a row as a new process does."""
    circuit, scores = spiking.GammaCircuit(), np.array([[1.0, 0.5, 0.0]])

    def count() -> np.ndarray:
        kernel._module.cache_clear()
        engine._kernels.clear()
        return circuit.attend(scores, duration_ms=100, rng=np.random.default_rng(1), record="counts").counts

    yield count
    kernel._module.cache_clear()
    engine._kernels.clear()


def test_no_change_to_the_cache_changes_a_spike(spikes: Callable[[], np.ndarray]) -> None:
    expected = spikes()
    files = list(folder().glob("kernel_*.code"))
    assert files
    for path in files:
        content = path.read_bytes()
        path.write_bytes(flipped(content, 4 * len(content)))
    with pytest.warns(UserWarning, match="its content is not what was written there"):
        np.testing.assert_array_equal(spikes(), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(spikes(), expected)


def test_no_function_of_the_project_is_left_to_the_unverified_cache_of_numba() -> None:
    packages = ("spiking", "bridge", "pragmatic", "scenarios")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    assert not [path for path in files if "cache=True" in path.read_text(encoding="utf-8")]
