"""Files damaged in every way that a reader may trip over: refused in one line with a remedy, or read whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pragmatic import Text, Transformer
from scenarios.workbench.cli import main
from scenarios.workbench.errors import UsageError
from scenarios.workbench.inputs import load_qkv, load_scores, load_text
from scenarios.workbench.store import read_run
from tests.fuzz.commands import RUNS, ZOO, make_zoo
from tests.fuzz.verdicts import is_clear

WHOLE = {"good.npy", "fill.npy", "lowest.npy", "huge-int.npy", "big-endian.npy", "good.npz", "large.npz"}
READERS: dict[str, Callable[[Path], Any]] = {
    ".npy": load_scores,
    ".npz": load_qkv,
    ".safetensors": Transformer.load,
    ".txt": load_text,
}
READ = {"good.txt", "nul.txt"} | WHOLE


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    make_zoo(folder)
    return folder


@pytest.mark.parametrize("name", [name for name in ZOO if Path(name).suffix in READERS])
def test_a_file_is_read_whole_or_refused(zoo: Path, name: str) -> None:
    read = READERS[Path(name).suffix]
    if name in READ:
        assert read(zoo / name) is not None
        return
    with pytest.raises((UsageError, ValueError)) as refused:
        read(zoo / name)
    assert is_clear(str(refused.value)), str(refused.value)
    assert name in str(refused.value)


@pytest.mark.parametrize("name", RUNS)
def test_a_damaged_run_is_refused(zoo: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        UsageError, match=r"run must be a whole run folder, got a damaged one: .*; run it again"
    ):
        read_run(zoo / name)
    assert main(["show", str(zoo / name)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("path", [None, 3, b"x", [], "\x00", "a" * 300, ""])
def test_what_is_no_path_is_refused(path: Any) -> None:
    for read in (Transformer.load, Text.read, read_run):
        with pytest.raises((TypeError, ValueError, FileNotFoundError)) as refused:
            read(path)
        assert is_clear(str(refused.value)), str(refused.value)
