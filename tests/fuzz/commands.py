"""The command line: real options with odd values, and a zoo of damaged files to point them at."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
import numpy as np
from hypothesis import strategies as st

from scenarios.workbench.cli import cli, main
from scenarios.workbench.registry import SCENARIOS
from tests.fuzz.verdicts import Hang, Verdict, is_clear, within_deadline
from tests.small_runs import SMALL, few_pairs

__all__ = ["Line", "judge_line", "lines", "make_zoo"]

PROGRESS = re.compile(r": \d+%$")
ENDED = (0, 2, 3, 130, 143)
OF_CLICK = (  # click names the option or the argument, the value, and what it takes
    "is not a valid", "is not in the range", "is not a list of", "requires an argument", "Missing argument",
    "Missing option", "Got unexpected extra argument", "does not take a value", "No such command", "is not one of",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A command, by its words."""

    words: tuple[str, ...]

    def __repr__(self) -> str:
        return "fortyhertz " + " ".join(
            repr(word) if not word or " " in word else word for word in self.words
        )


def judge_line(line: Line, *, deadline_s: float) -> Verdict:
    """Run a command in this process, in the folder of the zoo, and judge what it says and leaves."""
    before = set(os.listdir())
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), within_deadline(deadline_s):
            status = main(list(line.words))
    except Hang:
        return Verdict(kind="hang", words=f"no answer in {deadline_s:g} s")
    except BaseException as error:
        return Verdict(kind="traceback", words=f"{type(error).__name__}: {error}")
    left = set(os.listdir()) - before
    for name in left:
        shutil.rmtree(name) if Path(name).is_dir() else Path(name).unlink()
    said = err.getvalue().strip()
    if status not in ENDED or "Traceback" in said:
        return Verdict(kind="traceback", words=f"status {status}: {said[-200:]}")
    if status != 2:
        return Verdict(kind="success")
    errors = [text for text in said.splitlines() if not (text.startswith("note: ") or PROGRESS.search(text))]
    if out.getvalue() or len(errors) != 1 or not errors[0].startswith("error: ") or not _clear(errors[0]):
        return Verdict(kind="unclear", words=f"{out.getvalue()[:100]}{said}")
    if left:
        return Verdict(kind="litter", words=f"{', '.join(sorted(left))} stays after {said}")
    return Verdict(kind="refusal", words=said)


def _clear(said: str) -> bool:
    return is_clear(said.removeprefix("error: ")) or any(words in said for words in OF_CLICK)


def make_zoo(folder: Path) -> None:
    """Files that are whole, and damaged in every way that a reader may trip over."""
    for name, make in ZOO.items():
        (folder / name).write_bytes(make())
    for name, files in RUNS.items():
        (folder / name).mkdir()
        for file, text in files.items():
            (folder / name / file).write_text(text)
    (folder / "folder.npy").mkdir()
    (folder / "loop.npy").symlink_to("loop.npy")


def _npy(array: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), allow_pickle=True)
    return buffer.getvalue()


def _npz(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.asarray(array) for name, array in arrays.items()})
    return buffer.getvalue()


def _qkv() -> bytes:
    return _npz(query=np.ones((2, 3)), key=np.eye(3), value=np.eye(3))


def _scores() -> bytes:
    return _npy(np.random.default_rng(0).normal(size=(2, 3)))


def _flipped(data: bytes, at: int, to: bytes) -> bytes:
    return data[:at] + to + data[at + len(to) :]


def _member_damaged(data: bytes) -> bytes:
    """Another byte among the numbers of the first member: its checksum no longer fits."""
    return _flipped(data, data.index(b"}") + 40, b"\xff\x00\xff")


def _flagged(data: bytes, offset: int, value: int) -> bytes:
    """A field of two bytes in every header of a zip's members, local and central."""
    for mark, extra in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
        at = data.find(mark)
        while at >= 0:
            data = _flipped(data, at + offset + extra, struct.pack("<H", value))
            at = data.find(mark, at + 4)
    return data


def _header(text: str, body: bytes = b"\0" * 48) -> bytes:
    encoded = text.encode("latin1")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded)) + encoded + body


def _zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


ZOO: dict[str, Callable[[], bytes]] = {
    "good.npy": _scores,
    "good.npz": _qkv,
    "mask.npy": lambda: _npy(np.ones((2, 3), dtype=bool)),
    "nan.npy": lambda: _npy([[np.nan, 1.0]]),
    "fill.npy": lambda: _npy([[0.0, 1.0, -1e9], [0.0, -1e9, -1e9]]),
    "lowest.npy": lambda: _npy([[0.0, 1.0, np.finfo(float).min]]),
    "complex.npy": lambda: _npy([[1 + 2j, 0]]),
    "text.npy": lambda: _npy([["a", "b"]]),
    "object.npy": lambda: _npy(np.array([[{}, None]], dtype=object)),
    "scalar.npy": lambda: _npy(3.0),
    "cube.npy": lambda: _npy(np.zeros((2, 2, 2))),
    "no-rows.npy": lambda: _npy(np.zeros((0, 3))),
    "no-keys.npy": lambda: _npy(np.zeros((3, 0))),
    "records.npy": lambda: _npy(np.zeros((2, 2), dtype=[("a", float)])),
    "dates.npy": lambda: _npy(np.zeros((2, 2), dtype="datetime64[s]")),
    "huge-int.npy": lambda: _npy(np.full((2, 2), 2**63 - 1)),
    "big-endian.npy": lambda: _npy(np.zeros((2, 2), dtype=">f8")),
    "empty.npy": lambda: b"",
    "cut.npy": lambda: _scores()[:-9],
    "cut-header.npy": lambda: _scores()[:20],
    "magic.npy": lambda: b"\x93NUMPY",
    "version.npy": lambda: _flipped(_scores(), 6, b"\x09"),
    "no-shape.npy": lambda: _header("{'descr': '<f8', 'fortran_order': False}\n"),
    "negative.npy": lambda: _header("{'descr': '<f8', 'fortran_order': False, 'shape': (-2, 3)}\n"),
    "vast.npy": lambda: _header("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999, 99999)}\n"),
    "vaster.npy": lambda: _header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**30},)}}\n"),
    "float-shape.npy": lambda: _header("{'descr': '<f8', 'fortran_order': False, 'shape': (2.5, 3)}\n"),
    "no-dtype.npy": lambda: _header("{'descr': 'zzz', 'fortran_order': False, 'shape': (2, 3)}\n"),
    "call.npy": lambda: _header("print('run')\n"),
    "deep.npy": lambda: _header("(" * 3000 + ")" * 3000),
    "latin.npy": lambda: _header("{'descr': '<f8\xe9', 'fortran_order': False, 'shape': (2, 3)}\n"),
    "nul.npy": lambda: b"\x00" * 200,
    "pickle.npy": lambda: b"\x80\x04N.",
    "crc.npz": lambda: _member_damaged(_qkv()),
    "cut.npz": lambda: _qkv()[:-30],
    "half.npz": lambda: _qkv()[:200],
    "locked.npz": lambda: _flagged(_qkv(), 6, 1),
    "method.npz": lambda: _flagged(_qkv(), 8, 77),
    "no-members.npz": lambda: _zipped(),
    "text-member.npz": lambda: _zipped(**{"query.npy": b"text", "key.npy": b"", "value.npy": _scores()}),
    "bare-member.npz": lambda: _zipped(query=b"text", key=b"x", value=b"y"),
    "cut-member.npz": lambda: _zipped(
        **{name: _scores()[:-9] for name in ("query.npy", "key.npy", "value.npy")}
    ),
    "object-member.npz": lambda: _npz(query=np.array([None]), key=np.eye(3), value=np.eye(3)),
    "other.npz": lambda: _npz(a=np.eye(2)),
    "odd-shapes.npz": lambda: _npz(query=np.ones((2, 3)), key=np.ones((3, 4)), value=np.ones((2, 2))),
    "inf.npz": lambda: _npz(query=np.full((2, 3), np.inf), key=np.eye(3), value=np.eye(3)),
    "large.npz": lambda: _npz(query=np.full((2, 3), 1e200), key=np.full((3, 3), 1e200), value=np.eye(3)),
    "latin.txt": lambda: b"caf\xe9",
    "empty.txt": lambda: b"  \n",
    "good.txt": lambda: b"Attention is a choice among many. " * 30,
    "nul.txt": lambda: b"\x00" * 300,
    "few.tsv": lambda: few_pairs().encode(),
    "pairs.tsv": lambda: b"one\ttwo\n",
    "syntax.py": lambda: b"def run(:\n",
    "nul.py": lambda: b"\x00",
    "exits.py": lambda: b"raise SystemExit(3)\n",
    "latin.py": lambda: b"# caf\xe9\n",
    "empty.py": lambda: b"",
    "bad.safetensors": lambda: b"\x08\0\0\0\0\0\0\0{}      ",
    "list.safetensors": lambda: _safetensors({"__metadata__": {"transformer": "[1, 2]"}}),
    "number.safetensors": lambda: _safetensors({"__metadata__": {"transformer": "3", "identity": "3"}}),
    "words.safetensors": lambda: _safetensors({"__metadata__": {"transformer": "{not json"}}),
    "sizes.safetensors": lambda: _safetensors(
        {"__metadata__": {"transformer": json.dumps({"n_vocab": "x"})}}
    ),
    "cut.safetensors": lambda: b"\xff\0\0\0\0\0\0\0{",
}


def _safetensors(header: object) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


_PARAMS = json.dumps({"scenario": "x", "question": "?", "seed": 0, "peak_memory_MiB": None})
RUNS = {  # run folders, damaged
    "run-words": {"params.json": "{not json", "metrics.json": "{}"},
    "run-list": {"params.json": "[]", "metrics.json": "[]"},
    "run-null": {"params.json": "null", "metrics.json": "null"},
    "run-number": {"params.json": "3", "metrics.json": '"text"'},
    "run-empty": {"params.json": "", "metrics.json": ""},
    "run-less": {"params.json": _PARAMS, "metrics.json": "{}"},
    "run-kinds": {
        "params.json": _PARAMS,
        "metrics.json": json.dumps({"metrics": [], "headline": 3, "verdict": 4}),
    },
    "run-deep": {"params.json": "[" * 100_000, "metrics.json": "{}"},
}


@cache
def _commands() -> dict[str, list[click.Parameter]]:
    """Every command and every scenario, with its parameters."""
    context = click.Context(cli)
    left_out = ("run", "doctor", "explore")  # the last serves until Ctrl-C; `test_explorer` has its refusals
    known = {name: list(cli.commands[name].params) for name in cli.commands if name not in left_out}
    group = cli.commands["run"]
    assert isinstance(group, click.Group)
    for name in SCENARIOS:
        command = group.get_command(context, name)
        assert command is not None
        known[f"run {name}"] = list(command.params)
    return known


FILES = st.sampled_from([*ZOO, *RUNS, "folder.npy", "loop.npy", "absent.npy", ".", "/dev/null", "", "~", "-"])
ODD_NUMBERS = st.sampled_from(
    ["nan", "inf", "-inf", "-1", "0", "1e300", "1e-300", "-0.0", "9" * 30, "1" * 5000, "0x10", "1_0", "", " ", "x",
     "1,2", "½", "1e", "--", "2**63", "True", "9223372036854775808", "-9223372036854775809"]
)  # fmt: skip
ODD_WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6),
    st.sampled_from(
        [
            "",
            " ",
            "0.0",
            "9.9",
            "all",
            "a:b",
            "os:getcwd",
            "os.path:join",
            "fused",
            "Brian2",
            "softmax-from",
            "a=b",
        ]
    ),
)
SETTINGS = st.one_of(
    st.sampled_from(
        ["", "=", "n_rows", "n_rows=", "n_rows=1:2", "n_rows=4:8:2", "n_rows=4:8:0", "n_rows=4:8:-3",
         "n_rows=8:4:2", "n_rows=x", "n_rows=4:8:1e9", "n_rows=0:1:9999999999999", "w_ei=0:1:16000",
         "w_ei=nan", "w_ei=0:inf:3",
         "w_ei=1:2:3:log", "w_ei=0:2:3:log", "w_ei=1:2:3:cube", "w_ei=1:2:3:4:5", "w_ei=1:2:2.5", "absent=3",
         "w_ei=1,1,1", "seed=3", "w_ei=" + "1," * 500, "n_keys=2,3,x", "spreads=1:2:2"]
    ),
    ODD_WORDS,
)  # fmt: skip
OF_FILES = (
    "scores", "mask", "qkv", "text_file", "pairs", "minimal_pairs", "checkpoint", "out", "nwb", "run_folder",
    "model", "join", "first", "second", "folder",
)  # fmt: skip
NUMERIC = (click.types.IntParamType, click.types.FloatParamType)


def _values(parameter: click.Parameter) -> st.SearchStrategy[str]:
    name = parameter.name or ""
    if name == "settings":
        return SETTINGS
    if isinstance(parameter.type, NUMERIC):
        return ODD_NUMBERS
    if name in OF_FILES:
        return st.one_of(FILES, FILES, ODD_WORDS)
    return st.one_of(ODD_WORDS, ODD_NUMBERS)


def _small(command: str) -> dict[str, str]:
    """What makes a command that is accepted soon done."""
    if command == "compare":
        return {"duration_ms": "100", "n_cells": "5"}
    small = dict(SMALL.get(command.removeprefix("run "), {}))
    if command == "run compare-file":
        small["scores"] = "good.npy"
    if command == "run minilm-on-gamma":
        small["pairs"] = "few.tsv"
    told = {name: value for name, value in small.items() if not isinstance(value, bool)}
    return {name: ",".join(map(str, v)) if isinstance(v, tuple) else str(v) for name, v in told.items()}


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """A command with one to three odd values; what it needs besides is given, and small."""
    commands = _commands()
    command = draw(st.sampled_from([*commands, "compare", "compare", "swap", "sweep", "show"]))
    words = command.split()
    parameters = [
        p for p in commands[command] if p.name not in ("help", "jobs", "scheduler", "repeats", "samples")
    ]
    chosen = draw(st.lists(st.sampled_from(parameters), max_size=3, unique=True)) if parameters else []
    for parameter in parameters:
        if isinstance(parameter, click.Argument) and (parameter in chosen or parameter.required):
            words.append(draw(_values(parameter) if parameter in chosen else ODD_WORDS))
    names = {parameter.name for parameter in chosen}
    if command == "compare" and not names & {"model", "scores", "qkv"}:
        words += draw(st.sampled_from([["--scores", "good.npy"], ["--qkv", "good.npz"]]))
    for parameter in chosen:
        if isinstance(parameter, click.Option):
            words.append(draw(st.sampled_from([*parameter.opts, *parameter.secondary_opts])))
            if not parameter.is_flag:
                words.append(draw(_values(parameter)))
    for name, value in _small(command).items():
        if name in {p.name for p in parameters} - names:
            words += ["--" + name.replace("_", "-").lower(), value]
    if draw(st.integers(0, 19)) == 0:
        words.insert(draw(st.integers(0, len(words))), draw(ODD_WORDS))
    return Line(tuple(words))
