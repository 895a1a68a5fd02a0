"""
What the rhythm buys
====================

The circuit with its loop, the same cells without it at the same mean rate, and a slow loop that holds the rate
without a gamma rhythm, at the scenario's default sizes. What all do equally well is not due to the rhythm.
"""

from gallery_figures import run_in_small

figures = run_in_small("what-gamma-buys")
