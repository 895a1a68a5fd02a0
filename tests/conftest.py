"""Where the tests find the data that the project does not ship, and what keeps them short."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a worker for each core, and PyTorch's second thread would spin on the core of the other one.
    # To be set before torch is loaded; the processes that tests start inherit it.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in a background job of a shell; the tests press Ctrl-C, and so do the processes that they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ENVIRONMENT_VARIABLE = "FORTYHERTZ_DATA"
BESIDE_THE_REPOSITORY = Path(__file__).parents[2] / "shared" / "data"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Brian2 runs uncompiled, but for studies: Cython takes a minute for a circuit that NumPy runs in seconds.

    `test_host_program` compiles one network all the same.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "spiking.engines.brian2" in sys.modules and not item.get_closest_marker("slow"):
            patch.setattr("spiking.engines.brian2.codegen_target", lambda: "numpy")
        return (yield)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the shared data; the test is skipped where it is absent."""
    folder = Path(os.environ.get(ENVIRONMENT_VARIABLE, BESIDE_THE_REPOSITORY))
    if not folder.is_dir():
        pytest.skip(
            f"no data at {folder}; set {ENVIRONMENT_VARIABLE} to the folder that holds spikes/, sts/, ud/"
        )
    return folder


@pytest.fixture(scope="session")
def recordings(data_dir: Path) -> Path:
    """Folder of the real spike recordings; the test is skipped where it is absent."""
    folder = data_dir / "spikes"
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}; set {ENVIRONMENT_VARIABLE} to the folder that holds spikes/")
    return folder
