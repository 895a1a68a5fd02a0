"""
Is it a softmax?
================

Random scores, many rows, and the spikes of each: which selection law makes them most probable, and how
near is it to softmax beside the sampling floor (K-1)/2N?
"""

from textwrap import fill

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.registry import load
from scenarios.workbench.style import style

scenario = load("softmax-from-spikes")
params = scenario.Params(keys=(2, 8), keys_lif=(8,), temperatures=(1.0,), n_rows=16, duration_ms=1000.0)
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
