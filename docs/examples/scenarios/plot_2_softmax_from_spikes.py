"""
Is it a softmax?
================

Random scores, many rows, and the spikes of each: which selection law makes them most probable, and how
near is it to softmax, compared with the sampling floor (K-1)/2N?
"""

from gallery_figures import run_in_small

figures = run_in_small("softmax-from-spikes", keys=(2, 8), keys_lif=(8,), n_rows=32, duration_ms=1000.0)
