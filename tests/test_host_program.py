"""Importing the project leaves the program that imports it as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from spiking.engines.brian2 import compiler

SNAPSHOTS = """
import importlib, logging, signal, sys, warnings
import numpy, scipy.special, scipy.sparse, sympy  # each filters its own warnings

for name in {before}:
    importlib.import_module(name)

def snapshot():
    loggers = [logging.getLogger(), logging.getLogger("py.warnings")]
    return {{
        "exception hook": sys.excepthook,
        "display of warnings": warnings.showwarning,
        "capture of warnings": logging._warnings_showwarning,
        "filters of warnings": warnings.filters[:],
        "log handlers": [each.handlers[:] for each in loggers],
        "log filters": [each.filters[:] for each in loggers],
        "log levels": [each.level for each in loggers],
        "Ctrl-C": signal.getsignal(signal.SIGINT),
    }}

def hook(*error):
    sys.__excepthook__(*error)

sys.excepthook = hook
logging.basicConfig(level=logging.ERROR)
before = snapshot()
importlib.import_module({module!r})
after = snapshot()
assert sys.excepthook is hook
print([name for name in before if before[name] != after[name]])
"""
CRASH = """
import {module}
raise RuntimeError("the user's own mistake")
"""
BEFORE = {  # module -> imported ahead of it: what these change is their own affair
    "spiking": [],
    "bridge.huggingface": [
        "torch",
        "transformers.modeling_utils",
    ],  # the latter loads accelerate, if it is there
}


def run(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A script in a file, as Brian2 would copy it, with a temporary directory that is empty."""
    temporary = folder / "tmp"
    temporary.mkdir()
    script = folder / "script.py"
    script.write_text(source)
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)


@pytest.fixture(params=BEFORE)
def module(request: pytest.FixtureRequest) -> str:
    if request.param == "bridge.huggingface" and find_spec("transformers") is None:
        pytest.skip("needs the extra `hf`")
    return request.param


def test_an_import_changes_no_hook_no_log_and_no_warning(module: str, tmp_path: Path) -> None:
    done = run(SNAPSHOTS.format(module=module, before=BEFORE[module]), tmp_path)
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"


def test_an_uncaught_exception_is_an_ordinary_traceback(module: str, tmp_path: Path) -> None:
    done = run(CRASH.format(module=module), tmp_path)
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.endswith("RuntimeError: the user's own mistake\n")
    assert "Brian" not in done.stderr
    assert not list((tmp_path / "tmp").glob("brian*"))


def test_a_program_that_uses_brian2_itself_keeps_its_hook(tmp_path: Path) -> None:
    done = run(
        "import brian2, sys\nhook = sys.excepthook\nimport spiking\nprint(sys.excepthook is hook)", tmp_path
    )
    assert done.stdout.strip() == "True"


def test_the_compilers_output_leaves_no_file(tmp_path: Path) -> None:
    """With an empty cache, so that the compiler does run; and what it makes computes."""
    cache = tmp_path / "cache"
    source = f"""
import spiking
import brian2 as b2, numpy as np
b2.prefs["codegen.runtime.cython.cache_dir"] = {str(cache)!r}
cell = b2.NeuronGroup(1, "dv/dt = (2 - v) / (10*ms) : 1", method="exact", dt=0.1 * b2.ms, name="cell")
ran = spiking.simulate_circuit(
    spiking.Network([cell]), duration_ms=31, sample=["cell.v"], engine=spiking.Brian2(),
    rng=np.random.default_rng(0),
)
np.testing.assert_allclose(ran.samples["cell.v"][0, 0], 2 - 2 * np.exp(-np.arange(31) / 10), rtol=1e-6)
raise RuntimeError
"""
    done = run(source, tmp_path)
    assert done.stderr.endswith("RuntimeError\n"), done.stderr
    assert not list((tmp_path / "tmp").glob("brian*"))
    assert compiler() is None or list(cache.glob("_cython_magic_*"))
