"""
Stimuli compete in gamma
========================

Keys of different drive race in one row of the circuit. The inhibitory pool ends each round, about forty times
a second. Cutting the connection from E to I is the control: the rhythm goes.

As many rows as in the scenario's default, for half its time: with few rows the difference in selection between
the circuit and its control would be left to chance.
"""

from gallery_figures import run_in_small

figures = run_in_small("gamma-selects", tau_rows=12, duration_ms=500.0, tau_gaba_ms=(5.0, 8.0, 12.0))
