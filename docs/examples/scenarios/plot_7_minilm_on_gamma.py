"""
A sentence model that attends by spikes
=======================================

All 72 heads of MiniLM are simulated while it judges how alike two sentences are, on the pairs that come along.
Beside them stand as many exact samples of the softmax, uniform attention, argmax, and the bill of it all.
"""

from gallery_figures import run_in_small

figures = run_in_small("minilm-on-gamma", spikes=(4, 64), sampled=(4, 64))
