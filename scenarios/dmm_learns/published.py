"""What Bukatin (2022) published of this machine: losses of a training, and of 19 weights on five tests."""

from __future__ import annotations

from pragmatic.machines.dmm.lite import TEXT

__all__ = ["CHANGES", "CURVE", "NINETEEN_LOSSES", "WITHOUT_OUTPUT_2"]

CURVE = {0: 434.99, 100: 20.9, 500: 5.58, 1000: 0.608, 2000: 0.0978, 2500: 0.0546}  # step -> loss
NINETEEN_LOSSES = {  # (text, cycles) -> loss
    (TEXT, 140): 0.0016101,
    (TEXT, 150): 0.67763,
    ("teest string.", 140): 0.0013413,
    ("teest string.", 150): 0.0014516,
    ("tets. str.ingtb str.ingtb", 140): 1.62126,
}
CHANGES = ((34, 64), (113, 123, 133))  # cycles in which the hand program's outputs grow by 1
WITHOUT_OUTPUT_2 = 113.0  # loss of a machine that does all but count full stops
