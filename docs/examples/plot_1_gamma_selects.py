"""
Stimuli compete in gamma
========================

Keys of different drive race in one row of the circuit. The inhibitory pool ends each round, about forty times
a second. Cutting the connection from E to I is the control: the rhythm goes.
"""

from textwrap import fill

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.registry import load
from scenarios.workbench.style import style

scenario = load("gamma-selects")
params = scenario.Params(n_rows=12, tau_rows=8, duration_ms=500.0, tau_gaba_ms=(5.0, 8.0, 12.0))
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
