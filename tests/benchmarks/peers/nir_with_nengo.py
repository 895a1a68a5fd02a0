"""One NIR graph of an LIF cell in Nengo, which imports none: mapped as the NIR paper's own notebook maps it.

Arguments are the graph, currents and outcome.
"""

from __future__ import annotations

import sys

import nengo
import nir
import numpy as np

graph_file, current_file, outcome_file, dt_s = sys.argv[1:]
current, dt = np.load(current_file), float(dt_s)
cell = nir.read(graph_file).nodes["1"]
threshold = float(cell.v_threshold[0])
with nengo.Network() as network:
    given = nengo.Node(lambda t: current[min(round(t / dt) - 1, len(current) - 1)])
    lif = nengo.Ensemble(
        n_neurons=1,
        dimensions=1,
        neuron_type=nengo.LIF(
            tau_rc=float(cell.tau[0]), tau_ref=0.0, initial_state={"voltage": nengo.dists.Choice([0])}
        ),
        gain=[1 / threshold],
        bias=[0.0],
    )
    nengo.Connection(given, lif.neurons, synapse=None)
    voltage, spikes = nengo.Probe(lif.neurons, "voltage"), nengo.Probe(lif.neurons, "output")
with nengo.Simulator(network, dt=dt, progress_bar=False) as simulator:
    simulator.run_steps(len(current))
    np.savez(
        outcome_file,
        v=simulator.data[voltage][:, 0] * threshold,
        steps=np.flatnonzero(simulator.data[spikes][:, 0]),
    )
