"""A run that is interrupted while it trains keeps what it has, and the same call ends with the same numbers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from safetensors import SafetensorError

from pragmatic.training import train as train_module
from scenarios.workbench.cli import main
from scenarios.workbench.errors import UsageError
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.locks import Lock
from scenarios.workbench.params import ScenarioParams
from scenarios.workbench.registry import load

SIZES = {"n_layers": 1, "n_heads": 2, "width": 16, "n_context": 8, "batch": 4, "windows": 8}
TRAININGS: dict[str, dict[str, Any]] = {  # scenario -> parameters that make it tiny
    "train-with-spikes": {
        "task": "sort",
        "iterations": 6,
        "kinds": ("softmax", "simulated"),
        "seeds": 1,
        "spikes": 4,
        "n_cells": 2,
    },
    "mini-transformer-bill": {
        "tasks": ("sort",),
        "iterations": 6,
        "kinds": ("softmax", "simulated"),
        "spikes": (4,),
        "n_cells": 2,
    },
    "fine-tune-spikes": {
        "task": "sort",
        "iterations": 6,
        "tune_iterations": 3,
        "even_unlearnt": True,
        "train_spikes": 4,
        "spikes": (2,),
        "n_cells": 2,
    },
    "head-swap": {"task": "sort", "iterations": 9, "spikes": (4,), "n_cells": 2, "even_unlearnt": True},
}


def tiny(name: str) -> ScenarioParams:
    made: ScenarioParams = load(name).Params(**SIZES, **TRAININGS[name])
    return made


def ctrl_c_after(step: int) -> Callable[..., None]:
    """A training step that presses Ctrl-C when it is the one of that number in the whole run."""
    steps, original = count(1), train_module.step

    def stepped(*arguments: Any) -> None:
        original(*arguments)
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGINT)

    return stepped


def without_time(dataset: xr.Dataset) -> xr.Dataset:
    """Without what a clock has measured."""
    return dataset.drop_vars([name for name in dataset.variables if "second" in str(name)])


@pytest.mark.filterwarnings("ignore:resuming from what is kept")
@pytest.mark.parametrize("name", TRAININGS)
def test_the_same_call_goes_on_to_the_same_numbers(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted in step 8 of the run (in a second training, where there are several), then in the one after."""
    whole = run_scenario(name, tiny(name), seed=3, out=tmp_path / "whole")
    for step in (8, 1):
        with monkeypatch.context() as patched:
            patched.setattr(train_module, "step", ctrl_c_after(step))
            with pytest.raises(KeyboardInterrupt, match="the same command resumes from it"):
                run_scenario(name, tiny(name), seed=3, out=tmp_path / "run")
        assert not (tmp_path / "run").exists()
        assert list(tmp_path.glob(f".{name}-*.unfinished/*.safetensors"))
    with pytest.warns(UserWarning, match="resuming from what is kept"):
        resumed = run_scenario(name, tiny(name), seed=3, out=tmp_path / "run")
    xr.testing.assert_identical(without_time(resumed.dataset()), without_time(whole.dataset()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "whole"]


def test_the_command_says_what_it_keeps_and_what_it_goes_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["run", "head-swap", "--task", "sort", "--spikes", "4", "--n-cells", "2", "--iterations", "9"]
    words += [word for key, value in SIZES.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    with monkeypatch.context() as patched:
        patched.setattr(train_module, "step", ctrl_c_after(4))
        assert main(words) == 130
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("interrupted; what was trained is kept in runs/.head-swap-0-")
    assert said.endswith("the same command resumes from it")
    assert main(words) == 0
    assert "note: resuming from what is kept in runs/.head-swap-0-" in capsys.readouterr().err
    assert [path.name[0] for path in Path("runs").iterdir()] != ["."]


def test_one_process_at_a_time_trains_a_run_and_another_is_told_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both would write the same checkpoint, and the first to end would remove the folder of the second."""
    with monkeypatch.context() as patched:
        patched.setattr(train_module, "step", ctrl_c_after(2))
        with pytest.raises(KeyboardInterrupt):
            run_scenario("head-swap", tiny("head-swap"), out=tmp_path / "run")
    [unfinished] = tmp_path.glob(".head-swap-*.unfinished")
    lock = Lock(unfinished)
    with pytest.raises(
        UsageError, match=f"got process {os.getpid()} on .* since .*, which trains in .*; wait for it"
    ):
        run_scenario("head-swap", tiny("head-swap"), out=tmp_path / "run")
    lock.release()
    with pytest.warns(UserWarning, match="resuming from what is kept"):
        run_scenario("head-swap", tiny("head-swap"), out=tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.filterwarnings("ignore:resuming from what is kept")
def test_a_disk_that_fills_up_while_training_costs_what_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patched:
        patched.setattr("pragmatic.checkpoint.save_file", full)
        with pytest.raises(OSError, match=r"No space left on device: '.*model\.safetensors'"):
            run_scenario("head-swap", tiny("head-swap"), out=tmp_path / "run")
    assert not list(tmp_path.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(train_module, "step", ctrl_c_after(2))
        with pytest.raises(KeyboardInterrupt):
            run_scenario("head-swap", tiny("head-swap"), out=tmp_path / "run")
        patched.setattr("pragmatic.checkpoint.save_file", full)
        with pytest.raises(UsageError, match=r"what was trained is kept in .*; the same command resumes"):
            run_scenario("head-swap", tiny("head-swap"), out=tmp_path / "run")
