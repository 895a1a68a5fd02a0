"""
Two heads of a real transformer
===============================

Queries and keys of a pretrained MiniLM on one sentence. Every row of its attention runs through the
circuit. The scenario's default is all 72 heads.
"""

from textwrap import fill

import numpy as np

from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.registry import load
from scenarios.workbench.style import style

scenario = load("minilm-heads")
params = scenario.Params(
    text="The cat sat on the mat because it was warm.", heads="0.0,3.5", duration_ms=200.0
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
