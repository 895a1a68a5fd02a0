"""
Vectors in, spikes all the way, vectors out
===========================================

Query components drive Poisson cells, synapses weighted by the keys form the dot product, the circuit selects,
and synapses weighted by the values form the output. Then sparse objects: one that is attended only a little stays
visible but loses its weaker features.
"""

from gallery_figures import run_in_small

figures = run_in_small("vectors-through-spikes", n_queries=24, duration_ms=500.0, noise_rates_Hz=(1.0, 10.0))
