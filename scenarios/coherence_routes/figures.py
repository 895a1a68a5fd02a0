"""Figures of coherence-routes: the pair of chapter 38, information by rival, and routing by lag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.coherence_routes.measures import READERS, REFERENCE_MS, RIVALS, Study
from scenarios.workbench.outcome import Picture
from scenarios.workbench.panels import captioned, dots, legend_below, panels, pictures
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures"]

COLOURS = dict(zip(READERS, (SOFTMAX, FLOOR, SPIKING, INH, CONTROL), strict=True))
SHORT = {"asynchronous": "asynchronous", "frequency": "25 Hz", "band": "same band"}


def figures(study: Study) -> dict[str, Picture]:
    """In the report's order."""
    return pictures(study, rivals, pair)


@captioned(
    "(A) Information about the target's direction by kind of rival, for the first synchrony; lines: theory; bars "
    "are standard errors, and what is not above 0 is not shown. (B) Log gain of a sender over a second one that "
    "lags it, at the second's rate over the first's; above 0 the receiver follows the first."
)
def rivals(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.4, width_ratios=[1.3, 1])
    kappa = study.params.kappas[0]
    for n, (reader, colour) in enumerate(COLOURS.items()):
        x = np.arange(len(RIVALS)) + 0.1 * (n - 2)
        got = [study.found[kappa, rival, reader] for rival in RIVALS]
        dots(ax["A"], x, got, color=colour, fmt="o", label=READERS[reader])
        expected = [study.theory.get((kappa, rival, reader), np.nan) for rival in RIVALS]
        ax["A"].hlines(expected, x - 0.12, x + 0.12, color=colour, lw=1)
    ax["A"].set_xticks(range(len(RIVALS)), SHORT.values())
    ax["A"].set(yscale="log", ylabel="information (1/rad²)", xlabel="rivals")
    for rate, colour in zip(study.params.rates, (SPIKING, CONTROL, INK, MUTED) * 9, strict=False):
        gains = [study.gain[rate, lag] for lag in study.params.all_lags]
        dots(ax["B"], study.params.all_lags, gains, color=colour, fmt="o-", label=f"second's rate × {rate:g}")
    ax["B"].axhline(0, color=MUTED, lw=0.8, zorder=0)
    ax["B"].set(xlabel="lag of the second (cycles)", ylabel="log gain of the first")
    legend_below(figure, ax["A"], ax["B"], ncols=3)
    return figure


@captioned(
    "Voltage of the E cell under a sharp 40 Hz and a blunt 25 Hz input of the same mean; triangles: the spike "
    "times that Boergers prints for the first 200 ms."
)
def pair(study: Study) -> Figure:
    figure, ax = panels("A", height_in=2.4)
    voltage = study.pair.voltage_mV[::10]
    ax["A"].plot(np.arange(len(voltage)) * 0.1, voltage, color=INK, lw=0.8)
    ax["A"].plot(REFERENCE_MS, np.full(len(REFERENCE_MS), 65), "v", color=SPIKING, ms=5)
    ax["A"].set(xlabel="time (ms)", ylabel="voltage (mV)", xlim=(0, study.params.pair_ms))
    return figure
