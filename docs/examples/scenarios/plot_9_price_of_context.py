"""
The price of context
====================

What one query over a growing context costs by softmax and by spikes, from how many keys on spikes are cheaper, and
how far off the output is. Three budgets, three lengths of the context and a quarter of the default rows.
"""

from gallery_figures import run_in_small

figures = run_in_small("price-of-context", n_keys=(16, 256, 4096), spikes=(16, 64, 256), n_rows=8, rounds=3)
