"""
Two heads of a real transformer
===============================

Queries and keys of a pretrained MiniLM on one sentence. Every row of its attention runs through the
circuit. The scenario's default is all 72 heads.
"""

import numpy as np

from scenarios.outcome import RunContext
from scenarios.progress import silent
from scenarios.registry import load
from scenarios.style import style

scenario = load("minilm-heads")
params = scenario.Params(
    text="The cat sat on the mat because it was warm.", heads=("0:0", "3:5"), duration_ms=200.0
)
outcome = scenario.run(params, RunContext(rng=np.random.default_rng(0), engine="brian2", progress=silent()))
print(outcome.verdict)

# %%
# Every number with its standard error, beside its floor or control where it has one.

for metric in outcome.metrics.values():
    print(f"{metric.label}: {metric.text()}")

# %%
# The figures of the report:

with style():
    figures = [picture.draw() for picture in outcome.pictures.values()]
