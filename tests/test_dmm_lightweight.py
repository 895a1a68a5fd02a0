"""The random self-modifying machine: Java's numbers, its cycle, and that it neither dies nor explodes."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from pragmatic.machines.dmm.lightweight import PureMachines, java_floats


def test_the_generator_is_javas() -> None:
    """new java.util.Random(42).nextFloat(), as documented examples of it print."""
    assert list(islice(java_floats(42), 3)) == pytest.approx([0.7275636, 0.054665208, 0.6832234], abs=1e-7)


def test_outputs_are_filled_cell_by_cell_in_the_authors_order() -> None:
    floats = list(islice(java_floats(5), 11))
    first = PureMachines([5]).outputs[0, :, 0, 0]
    order = (0, 1, 2, 3, 4, 8, 5, 6, 9, 10, 7)
    for value, output in zip(floats[1:], order[1:], strict=True):  # output 0 has its 1 there
        assert float(first[output]) == pytest.approx(2 * value - 1, abs=1e-6)
    assert float(first[0]) == 1


def test_a_cycle_is_what_its_formula_says() -> None:
    """Two cycles from their definition, in double precision."""
    machines = PureMachines([746484])
    outputs, inputs = machines.outputs[0].double().numpy(), np.zeros((12, 12, 11))
    for _ in range(2):
        inputs = inputs + np.einsum("ij,jab->iab", outputs[0], outputs)
        outputs = outputs.copy()
        outputs[0] = inputs[0] + inputs[1]
        outputs[0, 0] = np.eye(11)[0]
        outputs[2], outputs[4], outputs[6] = (
            inputs[2] + inputs[3],
            inputs[4] * inputs[5],
            inputs[6] * inputs[7],
        )
        outputs[8], outputs[10] = np.maximum(inputs[8], inputs[9]), np.maximum(inputs[10], inputs[11])
        inputs, outputs = (x / abs(x).max(axis=(1, 2), keepdims=True) for x in (inputs, outputs))
        outputs[0, 0, 0] = 1
        machines.step()
    torch.testing.assert_close(machines.outputs[0].double(), torch.from_numpy(outputs), rtol=1e-4, atol=1e-5)


def test_it_goes_on_and_constants_stay() -> None:
    machines = PureMachines([746484, 1])
    first = machines.outputs.clone()
    rows = machines.master(120)
    assert rows.shape == (2, 121, 11)
    assert np.isfinite(rows).all()
    assert float(machines.outputs.abs().max()) == 1
    scaled = first[:, 1::2] / first[:, 1::2].abs().amax(dim=(-2, -1), keepdim=True)
    torch.testing.assert_close(machines.outputs[:, 1::2], scaled, rtol=1e-5, atol=1e-5)
    assert np.linalg.norm(np.diff(rows[0], axis=0), axis=1)[60:].min() > 1e-4


def test_seeds_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match=r"PureMachines.seeds must be >= 0, got -1"):
        PureMachines([-1])
