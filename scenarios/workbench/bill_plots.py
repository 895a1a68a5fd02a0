"""Pictures of bills: joules by part of the model under one table, and raw counts of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from matplotlib.axes import Axes

from bridge import TABLES, Bill
from bridge.bill.energy import PARTS
from bridge.bill.text import KINDS, columns, energies, si
from scenarios.workbench.style import CONTROL, FLOOR, GRID, INH, INK, MUTED, SOFTMAX, SPIKING

__all__ = ["draw_counts", "draw_joules"]

PART_COLOURS = {
    "embeddings": GRID,
    "projections": "#b8bdc4",
    "scores": CONTROL,
    "score map": SOFTMAX,
    "simulation": SPIKING,
    "read-out": INH,
    "mlp": FLOOR,
    "norms": "#4f565f",
    "other": MUTED,
    "outside": INK,
    "backward": "#e69f00",
}

_MARKERS = "osD^vPX"


def draw_joules(ax: Axes, bills: Mapping[str, Bill], table: str, *, legend: bool = True) -> None:
    """Stacked bars, one a bill (two where heads spike), of joules by part under one table.

    A star says that something was counted that the table has no price for. Machines that the table is not
    about get no bar.
    """
    bars = {name: energy for name, energy in energies(bills, table).items() if energy is not None}
    factor, unit = _unit(max(energy.total_J for energy in bars.values()))
    shown = [part for part in PARTS if any(energy.parts_J.get(part, 0.0) for energy in bars.values())]
    left = dict.fromkeys(bars, 0.0)
    for part in shown:
        width = {name: factor * energy.parts_J.get(part, 0.0) for name, energy in bars.items()}
        ax.barh(
            list(bars),
            list(width.values()),
            left=list(left.values()),
            height=0.62,
            color=PART_COLOURS[part],
            label=part,
        )
        left = {name: left[name] + width[name] for name in bars}
    for name, energy in bars.items():
        star = " *" if energy.unpriced else ""
        ax.annotate(
            si(energy.total_J, "J") + star,
            (left[name], name),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
        )
    ax.set(title=TABLES[table].title, xlabel=f"energy ({unit})", xlim=(0, 1.35 * max(left.values())))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    if legend:
        ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))  # right of the bars


def draw_counts(ax: Axes, bills: Mapping[str, Bill]) -> None:
    """Raw counts of every kind on a logarithmic axis, one marker a bill (two where heads spike)."""
    named = columns(bills)
    totals = {name: asdict(bill.total(implementation)) for name, (bill, implementation) in named.items()}
    kinds = [kind for kind in KINDS if any(done[kind] for done in totals.values())]
    spiking = iter((SPIKING, CONTROL, INH))
    for k, (name, done) in enumerate(totals.items()):
        colour = SOFTMAX if not named[name][0].usage.rows else next(spiking, FLOOR)
        aside = 0.18 * (k - 0.5 * (len(totals) - 1))  # equal counts lie side by side
        counted = [(done[kind], place + aside) for place, kind in enumerate(kinds) if done[kind]]
        ax.plot(*zip(*counted, strict=True), _MARKERS[k % len(_MARKERS)], color=colour, label=name)
    ax.set_yticks(range(len(kinds)), [KINDS[kind] for kind in kinds])
    ax.set(xscale="log", xlabel="in the run", title="Counts")
    ax.invert_yaxis()
    ax.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0))  # above the axes, off the counts


def _unit(largest_J: float) -> tuple[float, str]:
    """Factor to a unit in which the largest number lies between 1 and 1000, and its name."""
    for factor, unit in ((1.0, "J"), (1e3, "mJ"), (1e6, "µJ"), (1e9, "nJ")):
        if largest_J * factor >= 1.0:
            return factor, unit
    return 1e12, "pJ"
