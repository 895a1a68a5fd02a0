"""
Spikes in a mini-transformer
============================

A small model learns to sort; then every head is replaced by the circuit, alone and all together, with
more and more spikes a row. The scenario's default is a larger model of text.
"""

from gallery_figures import run_in_small

figures = run_in_small(
    "head-swap", task="sort", n_heads=2, n_context=16, iterations=400, windows=128, spikes=(1, 4, 16, 64)
)
