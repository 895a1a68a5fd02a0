"""
What the rhythm buys
====================

The circuit with its loop, beside the same cells without it at the same mean rate, and beside a slow loop that
holds the rate without a gamma rhythm. What all do equally well is not due to the rhythm.
"""

from gallery_figures import run_in_small

figures = run_in_small(
    "what-gamma-buys", n_rows=12, duration_ms=300.0, spreads=(3.0,), sweep_rows=6, sweep_ms=100.0
)
