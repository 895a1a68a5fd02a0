"""
What the rhythm buys
====================

The circuit with its loop, beside the same cells without it at the same mean rate, and beside a slow loop that
holds the rate without a gamma rhythm. What all do equally well is not due to the rhythm.
"""

from textwrap import fill

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.registry import load
from scenarios.workbench.style import style

scenario = load("what-gamma-buys")
params = scenario.Params(n_rows=12, duration_ms=300.0, spreads=(3.0,), sweep_rows=6, sweep_ms=100.0)
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
