"""One NIR graph of an LIF cell in Norse, by Norse's own import: arguments are the graph, currents and outcome."""

from __future__ import annotations

import sys

import nir
import norse.torch as norse
import numpy as np
import torch

graph_file, current_file, outcome_file, dt_s = sys.argv[1:]
current = np.load(current_file)
model = norse.from_nir(nir.read(graph_file), dt=float(dt_s))
v, spiked, state = np.empty(len(current)), np.empty(len(current)), None
with torch.no_grad():
    for step, i in enumerate(current):
        spike, state = model(torch.tensor([[i]], dtype=torch.float32), state)
        spiked[step], v[step] = float(spike), float(state.state["1"][0].v)
np.savez(outcome_file, v=v, steps=np.flatnonzero(spiked))
