"""NIR graphs of the tests and benchmarks; the experiment of the NIR paper on one cell."""

from __future__ import annotations

import nir
import numpy as np

__all__ = ["PULSES", "V_THRESHOLD", "STEP_s", "TAU_s", "everything", "one_lif", "pulses"]

# The experiment on one cell of Pedersen et al. 2024 (Nature Communications 15:8122; neuromorphs/NIR,
# paper/01_lif/lif_exact_sim.py): pulses of 1 for a step, a bit every tenth step.
STEP_s, TAU_s, V_THRESHOLD = 1e-4, 0.0025, 0.1
PULSES = (
    "0000001000000000000000100001000110010100110111111111110000000000000111111111111000001100000000000000"
)


def pulses() -> np.ndarray:
    """The input current, (n_steps,)."""
    current = np.zeros(10 * len(PULSES))
    current[::10] = [int(bit) for bit in PULSES]
    return current


def one_lif() -> nir.NIRGraph:
    """The graph of that experiment."""
    one = np.ones(1)
    return nir.NIRGraph(
        nodes={
            "input": nir.Input(input_type={"input": np.array([1])}),
            "0": nir.Affine(weight=np.ones((1, 1)), bias=np.zeros(1)),
            "1": nir.LIF(tau=TAU_s * one, r=one, v_leak=0 * one, v_threshold=V_THRESHOLD * one),
            "output": nir.Output(output_type={"output": np.array([1])}),
        },
        edges=[("input", "0"), ("0", "1"), ("1", "output")],
    )


def everything() -> nir.NIRGraph:
    """Two layers and a recurrence, with cells of every kind, in the form that `to_nir` writes."""
    rng, two = np.random.default_rng(0), np.ones(2)
    ends = {"v_threshold": np.array([1.0, 1.2]), "v_reset": np.array([0.0, -0.1])}
    leaky = {"r": np.array([1.0, 2.0]), "v_leak": np.array([0.0, 0.1])}
    return nir.NIRGraph(
        nodes={
            "input": nir.Input(input_type={"input": np.array([3])}),
            "w_lif": nir.Affine(weight=rng.uniform(0, 1, (2, 3)), bias=np.array([0.1, 0.2])),
            "lif": nir.LIF(tau=np.array([0.01, 0.02]), **leaky, **ends),
            "w_cuba_delay": nir.Delay(delay=np.array([0.001, 0.002])),
            "w_cuba": nir.Linear(weight=np.array([[3.0, 1.0], [0.0, 4.0]])),
            "cuba": nir.CubaLIF(
                tau_syn=0.005 * two, tau_mem=0.01 * two, w_in=np.array([1.0, 2.0]), **leaky, **ends
            ),
            "recurrent": nir.Linear(weight=-np.ones((2, 2))),
            "w_pure": nir.Linear(weight=np.array([[150.0, 0.0], [250.0, 0.0]])),
            "pure": nir.IF(r=two, **ends),
            "li": nir.LI(tau=0.02 * two, r=two, v_leak=0 * two),
            "cubali": nir.CubaLI(tau_syn=0.005 * two, tau_mem=0.01 * two, r=two, v_leak=0 * two),
            "w_i": nir.Linear(weight=np.array([[1.0, -1.0]])),
            "i": nir.I(r=np.ones(1)),
            "pure_output": nir.Output(output_type={"output": np.array([2])}),
            "i_output": nir.Output(output_type={"output": np.array([1])}),
        },
        edges=[
            *(("input", "w_lif"), ("w_lif", "lif"), ("lif", "w_cuba_delay"), ("w_cuba_delay", "w_cuba")),
            *(("w_cuba", "cuba"), ("cuba", "recurrent"), ("recurrent", "cuba"), ("lif", "w_pure")),
            *(("w_pure", "pure"), ("cuba", "li"), ("li", "cubali"), ("cubali", "w_i"), ("w_i", "i")),
            *(("i", "i_output"), ("pure", "pure_output")),
        ],
    )
