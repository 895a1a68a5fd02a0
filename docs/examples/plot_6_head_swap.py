"""
Spikes in a mini-transformer
============================

A small model learns to sort; then every head is replaced by the circuit, alone and all together, with
more and more spikes a row. The scenario's default is a larger model of text.
"""

from textwrap import fill

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.registry import load
from scenarios.workbench.style import style

scenario = load("head-swap")
params = scenario.Params(
    task="sort", n_heads=2, n_context=16, iterations=400, windows=128, spikes=(1, 4, 16, 64)
)
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
