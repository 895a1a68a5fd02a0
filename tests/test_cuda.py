"""The engine on a GPU: the processor's spikes one by one, in numba's simulator and, if there is one, on a GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from spiking import Cuda, DiffusiveLIF, GammaCircuit, GammaParams
from tests.cuda_rows import CASES, differences, of_fill_values, of_head


def has_gpu() -> bool:
    from spiking.engines.cuda.launch import SIMULATED, is_there

    return is_there() and not SIMULATED


needs_gpu = pytest.mark.skipif(not has_gpu(), reason="needs an NVIDIA GPU that numba sees")


@pytest.fixture(scope="module")
def simulated() -> dict[str, list[str]]:
    """What differs in the simulator, for every case; numba reads the switch when it is imported."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.cuda_rows"],
        capture_output=True, text=True, check=False, env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", [*CASES, "head", "fill values"])
def test_simulated_threads_spike_as_the_processor(simulated: dict[str, list[str]], name: str) -> None:
    assert simulated[name] == []


@needs_gpu
@pytest.mark.parametrize("name", CASES)
def test_a_gpu_spikes_as_the_processor(name: str) -> None:
    """In double precision; of proposals, which are drawn in single precision, a few may fall into the next step."""
    assert differences(name) == []


@needs_gpu
def test_tensors_stay_on_the_gpu() -> None:
    assert of_head("cuda") == []


@needs_gpu
def test_fill_values_mask_their_keys_on_the_gpu() -> None:
    assert of_fill_values("cuda") == []


@pytest.mark.skipif(has_gpu(), reason="needs a machine without a GPU")
def test_without_a_gpu_the_engine_says_so() -> None:
    circuit, rng = GammaCircuit(GammaParams.brief()), np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"needs an NVIDIA GPU.*EventDriven"):
        circuit.attend(np.zeros((1, 2)), spikes=8, rng=rng, engine=Cuda())


def test_only_a_circuit_with_an_input_of_its_own_gets_scores_on_the_host() -> None:
    class Doubled(GammaCircuit):
        def score_input(self, scores: np.ndarray, present: np.ndarray) -> np.ndarray:
            return 2 * super().score_input(scores, present)

    assert GammaCircuit(GammaParams.brief()).is_relative
    assert not Doubled(GammaParams.brief()).is_relative


def test_cells_that_have_to_be_stepped_are_refused() -> None:
    circuit, rng = GammaCircuit(GammaParams(n_cells=2, cell=DiffusiveLIF())), np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"need no steps.*receive noise at every step.*EventDriven"):
        circuit.attend(np.zeros((1, 2)), spikes=8, rng=rng, engine=Cuda())


def test_importing_the_engine_loads_nothing_for_gpus() -> None:
    code = "import sys, spiking, bridge; sys.exit('numba.cuda' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
