"""Model folders: nothing in them is run, and what is wrong with one is said in a line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hf_models import built, with_gamma

import bridge.huggingface as hf
from scenarios.workbench.cli import main
from scenarios.workbench.errors import UsageError
from scenarios.workbench.model_folder import read_model, read_tokenizer

CODE = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\nraise SystemExit\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    built("bert").save_pretrained(folder)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A whole model, to be spoilt."""
    return shutil.copytree(whole, tmp_path / "model")


def put(folder: Path, file: str = "config.json", **entries: Any) -> None:
    path = folder / file
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**known, **entries}), encoding="utf-8")


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(built("bert").state_dict(), folder / "pytorch_model.bin")


def with_code(folder: Path) -> None:
    (folder / "own.py").write_text(CODE, encoding="utf-8")
    put(folder, auto_map={"AutoConfig": "own.Config", "AutoModel": "own.Model"}, model_type="own")


def cut_off(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            pickled,
            "weights must be safetensors, got pytorch_model.bin in .*, a pickle, which could run anything",
        ),
        (with_code, r"names code in its folder \(auto_map\), and no code of a model folder is run"),
        (cut_off, "model must be a whole model of the installed transformers"),
        (lambda f: (f / "model.safetensors").unlink(), "model must come with model.safetensors, got none"),
        (lambda f: (f / "config.json").write_text("{"), "config.json must hold a JSON object, got none"),
        (lambda f: (f / "config.json").write_text("[" * 99999), "config.json must hold a JSON object"),
        (lambda f: (f / "config.json").write_bytes(b"\xff\xfe"), "config.json must hold a JSON object"),
        (lambda f: put(f, hidden_size=-4), "model must be a whole model of the installed transformers"),
        (lambda f: put(f, model_type=3), "model must be a whole model of the installed transformers"),
    ],
)
def test_a_folder_that_cannot_be_read_safely_and_whole_is_refused_in_a_line(
    folder: Path, spoil: Callable[[Path], object], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(folder)
    with pytest.raises(UsageError, match=says):
        read_model(folder)
    assert main(["swap", str(folder), "--text", "a cat", "--out", str(folder / "run")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    "named", [["pipeline"], ["Trainer"], ["BertConfig"], ["GPT2LMHeadModel"], ["__file__"], ["None"], [3], 3]
)
def test_architectures_must_name_a_model_of_the_library_and_of_that_type(folder: Path, named: Any) -> None:
    put(folder, architectures=named)
    with pytest.raises(UsageError, match="architectures must name a model of transformers for the type bert"):
        read_model(folder)


@pytest.mark.parametrize("named", [None, [], ["BertModel"], "BertModel"])
def test_a_whole_folder_is_read(folder: Path, named: Any) -> None:
    put(folder, architectures=named)
    assert type(read_model(folder)).__name__ == "BertModel"


def test_code_of_a_tokenizer_is_not_run_either(folder: Path) -> None:
    (folder / "own.py").write_text(CODE, encoding="utf-8")
    entries = {"auto_map": {"AutoTokenizer": ["own.Tokenizer", None]}, "tokenizer_class": "Own"}
    put(folder, "tokenizer_config.json", **entries)
    put(folder, model_type="own")
    with pytest.raises(UsageError, match="model must come with a tokenizer, got none that can be read"):
        read_tokenizer(folder)
    assert not (folder / "ran").exists()


def test_the_public_load_reads_neither_pickles_nor_code(tmp_path: Path) -> None:
    with_gamma("bert").save_pretrained(tmp_path)
    pickled(tmp_path)
    with pytest.raises(OSError, match=r"no file named model\.safetensors"):
        hf.load(tmp_path)
    with_code(tmp_path)
    with pytest.raises(ValueError, match="contains custom code"):
        hf.load(tmp_path)
    assert not (tmp_path / "ran").exists()
