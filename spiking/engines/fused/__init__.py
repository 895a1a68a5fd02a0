"""The fused engine: the same Brian2 objects as the reference engine, compiled into one row-wise kernel.

Brian2 walks over all cells of a batch once for every object and step, so its time goes into memory traffic.
Here a row's cells stay in the first-level cache for the whole of its time.

| stage | files |
|---|---|
| Brian2 objects are read | `program`, with `check`, `names`, `synapses`, `scalars`, `fold` and `share` |
| what they say | `parts` |
| the kernel is written | `source`, with `writer`, `frame`, `steps`, `spread`, `plastic` and `text` |
| compiled and kept | `kernel` |
| what it calls | `exp`, `functions`, `random`, `counts`, `simd` |
| rows go through it | `run`, with `arrays`; `engine` is what a caller sees |
"""
