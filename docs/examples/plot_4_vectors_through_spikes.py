"""
Vectors in, spikes all the way, vectors out
===========================================

Query components drive Poisson cells, synapses weighted by the keys form the dot product, the circuit selects,
and synapses weighted by the values form the output. Then sparse objects: one that is attended only a little stays
visible but loses its weaker features.
"""

from textwrap import fill

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.registry import load
from scenarios.workbench.style import style

scenario = load("vectors-through-spikes")
params = scenario.Params(n_queries=12, duration_ms=500.0, noise_rates_Hz=(1.0, 10.0), noise_queries=12)
context = RunContext(rng=np.random.default_rng(0), engine="fused", progress=silent())
outcome = scenario.run(params, context)
print(fill(outcome.verdict, 80))

# %%
# Every number with its standard error:

for metric in outcome.metrics.values():
    print(f"{metric.label}: {metric.text()}")

# %%
# The figures of the report:

with style():
    figures = {picture.caption: picture.draw() for picture in outcome.pictures.values()}
