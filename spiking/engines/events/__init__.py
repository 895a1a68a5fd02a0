"""The event-driven engine: the fused engine without the steps of cells that need none.

| stage | files |
|---|---|
| what a step and a spike make of the counted cells | `updates` |
| whether their intensity factors | `intensity` |
| the program without their steps | `program`, with `clock`, `thinned` and `trains` |
| what the kernel calls | `thinning`, `renewal` |
| what a caller sees | `engine` |
"""
