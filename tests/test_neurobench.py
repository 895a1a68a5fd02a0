"""NeuroBench's metrics of a spiking head, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_usage import CIRCUIT, STEPS, attend

from bridge import SpikingHead, Usage, neurobench
from spiking import GammaCircuit, GammaParams, PingAttention


def test_the_metrics_of_a_call_by_hand() -> None:
    """Rows of 4, 4 and 2 keys of 5 E cells, and 10 I cells; an E spike reaches 10 cells, an I spike 5 a key."""
    selection = attend()
    found = neurobench(Usage.of(selection, CIRCUIT), CIRCUIT, n_keys=4)
    keys, inh = np.array([4, 4, 2]), selection.other_counts["inh"]
    assert found.effective_acs == pytest.approx((10 * len(selection.spikes) + (inh * 5 * keys).sum()) / 3)
    assert found.effective_macs == 0
    assert found.dense == (2 * 5 * 10 * 10) * STEPS / 3  # both ways between 10 keys of 5 cells and 10 I cells
    neurons = (10 * 5 + 3 * 10) * STEPS
    assert found.neuron_updates == pytest.approx(neurons / 3)
    assert found.activation_sparsity == pytest.approx(1 - (len(selection.spikes) + inh.sum()) / neurons)
    # E cells: v, h, q, u, inh; I cells: v, v_th, lastspike and a flag of one byte; the row: exc, exc_in, inh
    assert found.footprint_bytes == 4 * (20 * 5 + 10 * 3 + 3) + 10
    assert list(found.as_dict()) == [
        "Footprint",
        "ActivationSparsity",
        "Effective_MACs",
        "Effective_ACs",
        "Dense",
    ]


def test_the_metrics_of_a_head_are_means_over_all_its_rows() -> None:
    circuit = GammaCircuit(GammaParams.regular_brief(n_cells=5))
    head = SpikingHead(circuit, spikes=16)
    query, key, value = torch.randn(3, 1, 1, 6, 4, generator=torch.Generator().manual_seed(0))
    head(query, key, value)
    once = neurobench(head.usage, circuit)
    head(query, key, value)
    twice = neurobench(head.usage, circuit)
    assert head.usage.rows == 12
    assert (
        twice.footprint_bytes
        == once.footprint_bytes
        == neurobench(head.usage, circuit, n_keys=6).footprint_bytes
    )
    assert twice.effective_acs == pytest.approx(head.usage.events.synops / 12)
    assert 0 < twice.activation_sparsity < 1
    assert twice.effective_acs < twice.dense


def test_synapses_that_hand_on_a_number_are_multiplied_at_every_step() -> None:
    """Gates of conductance-based cells are summed over all pairs, of 4 E cells and the I cells, both ways."""
    circuit = PingAttention(n_cells=2)
    scores, rng = np.zeros((1, 2)), np.random.default_rng(0)
    selection = circuit.attend(scores, duration_ms=100, rng=rng)
    found = neurobench(Usage.of(selection, circuit), circuit)
    steps = round((50 + 100) / circuit.dt_ms)  # settling included
    assert found.effective_macs == found.dense == 2 * 4 * circuit.n_inh * steps
    assert found.effective_acs == 0


def test_a_head_that_was_not_simulated_is_refused() -> None:
    for usage in (Usage(), Usage.drawn(np.ones((2, 3)))):
        with pytest.raises(ValueError, match="usage must hold simulated rows, got none"):
            neurobench(usage, CIRCUIT)
    with pytest.raises(TypeError, match="usage must be"):
        neurobench(3, CIRCUIT)  # type: ignore[arg-type]
