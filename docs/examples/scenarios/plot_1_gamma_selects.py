"""
Stimuli compete in gamma
========================

Keys of different drive race in one row of the circuit. The inhibitory pool ends each round, about forty times
a second. Cutting the connection from E to I is the control: the rhythm goes.
"""

from gallery_figures import run_in_small

figures = run_in_small(
    "gamma-selects", n_rows=12, tau_rows=8, duration_ms=500.0, tau_gaba_ms=(5.0, 8.0, 12.0)
)
