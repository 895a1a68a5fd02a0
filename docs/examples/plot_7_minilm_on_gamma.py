"""
A sentence model that attends by spikes
=======================================

All 72 heads of MiniLM are simulated while it judges how alike two sentences are, on the pairs that come along.
Beside them stand as many exact samples of the softmax, uniform attention, argmax, and the bill of it all.
"""

from textwrap import fill

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.registry import load
from scenarios.workbench.style import style

scenario = load("minilm-on-gamma")
params = scenario.Params(spikes=(4, 64), sampled=(4, 64))
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
