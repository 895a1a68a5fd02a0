"""
Cells in turn, or at random
===========================

What a spike is worth when a key's cells fire in turn, how near that comes to the best that whole counts can do, and
what disturbs it. The last figure tells the loop's rhythm from that of a single key. Half the default rows at each
point of a curve.
"""

from gallery_figures import run_in_small

figures = run_in_small("regular-or-random", n_rows=200)
