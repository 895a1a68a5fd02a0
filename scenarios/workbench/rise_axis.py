"""The vertical axis of rises in loss, where hundredths of a nat and whole ones must be read beside each other."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

__all__ = ["rise_axis"]

STEPS_nat = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


def rise_axis(ax: Axes, linear_nat: float) -> None:
    """Linear up to `linear_nat`, logarithmic above, around what has been drawn."""
    ax.set_yscale("symlog", linthresh=linear_nat)
    ax.yaxis.set_major_locator(FixedLocator([-step for step in STEPS_nat] + [0, *STEPS_nat]))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_locator(NullLocator())
    lowest, highest = ax.dataLim.intervaly
    ax.set_ylim(min(lowest, 0) - 0.2 * linear_nat, 1.5 * max(highest, linear_nat))
