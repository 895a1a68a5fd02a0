"""Figures of expressive-transformer: two regimes of one circuit, the price of each construction, and the switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import NullLocator

from scenarios.expressive_transformer.measures import LABELS, Study
from scenarios.workbench.axes import spikes_axis
from scenarios.workbench.panels import captioned, dots, legend_below, panels, plain_ticks
from scenarios.workbench.statistics import Estimate
from scenarios.workbench.style import CONTROL, FLOOR, INH, INK, MUTED, SOFTMAX, SPIKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["price", "regime", "switch"]

LOOKS: dict[str, dict[str, Any]] = {
    "circuit": {"color": SPIKING, "fmt": "o", "label": "random cells"},
    "sampled": {"color": FLOOR, "fmt": "s", "label": "independent samples", "ms": 4},
    "regular": {"color": SOFTMAX, "fmt": "^", "label": "regular cells"},
}
REGIMES = {"cut": (CONTROL, "inhibition off"), "loop": (INH, "inhibition on")}
MOST = 400  # rows drawn
LEAST = 2e-4  # of a chance, on a logarithmic axis


@captioned(
    "(A) −ln of the time to {shown} spikes, in units of the rate at score 0, against log-sum-exp of the row's "
    "scores; "
    "one point a row. With inhibition off it is the logarithm of the softmax's denominator (dashed), with "
    "inhibition "
    "on the denominator is divided out. (B) Spikes of each key against the softmax's expectation, in both. (C) "
    "Spread of (A) "
    "around log-sum-exp with inhibition off; line: N^(-1/2)."
)
def regime(study: Study) -> Figure:
    figure, ax = panels("ABC", height_in=3.4)
    for name, (colour, label) in REGIMES.items():
        rows = study.regimes[name][study.at]
        x, y = rows.log_sum[:MOST], rows.read[:MOST]
        ax["A"].plot(x, y, ".", color=colour, ms=3.5, alpha=0.7, mew=0, label=label)
        shares = rows.selection.weights[: MOST // 4]
        p = np.exp(rows.scores - rows.log_sum[:, None])[: MOST // 4]
        ax["B"].plot(p.ravel(), shares.ravel(), ".", color=colour, ms=3.5, alpha=0.6, mew=0)
    ends = np.array(ax["A"].get_xlim())
    ax["A"].plot(ends, ends, "--", color=INK, lw=1, zorder=0, label="log-sum-exp")
    ax["A"].set(xlabel="log-sum-exp of the scores", ylabel="−ln time to N spikes", title="the denominator")
    ax["B"].plot([0, 1], [0, 1], "--", color=INK, lw=1, zorder=0)
    ax["B"].set(xlabel="softmax", ylabel="spike share", title="the quotient")
    n = np.array(study.params.spikes)
    spread = [study.spread("cut", i, np.random.default_rng(0)) for i in range(len(n))]
    dots(ax["C"], n, spread, color=CONTROL)
    ax["C"].plot(n, n**-0.5, color=MUTED, lw=1)
    ax["C"].set(yscale="log", ylabel="spread (nat)", title="its price")
    spikes_axis(ax["C"], n)
    plain_ticks(ax["C"], "y", [0.02, 0.05, 0.1, 0.2, 0.5])
    ax["C"].yaxis.set_minor_locator(NullLocator())
    legend_below(figure, ax["A"])
    return figure


@captioned(
    "Error of each construction against spikes per row, by simulated cells and by independent samples of the "
    "softmax; "
    "lines: computed from sampling, solid for random spikes, dashed for systematic sampling. Open symbols (B, "
    "C): the "
    "same rows read by the logarithm or quotient of counts. (A) Sum. (B) Product. (C) Exponential, relative to "
    "it. (D) A "
    "compiled polynomial against its interpreter. (E) How often matches are counted wrong; the more, the "
    "dearer. (F) How "
    "often the wrong cell is looked up."
)
def price(study: Study) -> Figure:
    figure, ax = panels("ABC\nDEF", height_in=5.4)
    for name, constructions in (
        ("A", ("sum",)),
        ("B", ("product", "product_logit")),
        ("C", ("exp", "exp_odds")),
        ("D", ("program",)),
    ):
        for i, construction in enumerate(constructions):
            _errors(ax[name], study, construction, {"mfc": "white"} if i else {})
        ax[name].set_title(LABELS[constructions[0]].split(",")[0])
    for i, d in enumerate(study.params.matches):
        _errors(ax["E"], study, f"count_{d}", {"alpha": 0.45 + 0.55 * (i + 1) / len(study.params.matches)})
        curve = study.curves["circuit", f"count_{d}"]
        ax["E"].annotate(
            f"{d}",
            (curve.n_spikes[0], curve.error[0].value),
            xytext=(5, 2),
            textcoords="offset points",
            fontsize=8,
        )
    _errors(ax["F"], study, "look_up", {"ls": "-", "lw": 0.8})
    ax["E"].set_title("counting matches")
    ax["F"].set_title(f"look-up of {2**study.params.bits} cells")
    for name in "AD":
        ax[name].set_ylabel("error")
    for name in "EF":
        ax[name].set_ylabel("wrong")
        ax[name].set_ylim(bottom=LEAST)
    legend_below(figure, ax["A"], ncols=3)
    return figure


def _errors(ax: Axes, study: Study, construction: str, look: dict[str, Any]) -> None:
    """One construction by every source, and what sampling predicts for it."""
    for source in study.sources:
        own, curve = LOOKS[source], study.curves[source, construction]
        # a chance of 0 in so many rows stands at the lower edge
        shown = [Estimate(value=max(e.value, LEAST), error=e.error if e.value else 0.0) for e in curve.error]
        dots(ax, curve.n_spikes, shown, **{**own, **look, "capsize": 0})
        if source != "sampled" and (curve.predicted > 0).any():
            style = "-" if source == "circuit" else "--"
            line = np.where(curve.predicted > LEAST / 10, curve.predicted, np.nan)
            ax.plot(curve.n_spikes, line, style, color=MUTED, lw=0.9, zorder=0)
    ax.set_yscale("log")
    spikes_axis(ax, study.curves["circuit", construction].n_spikes)


@captioned(
    "A product and a sum, of which a sign picks one while the network runs. (A) Error in one row of {branch} "
    "spikes with the "
    "branch not taken inhibited, against the inhibition; line: softmax; dashed: both computed and one chosen, "
    "in three "
    "rows of {branch}. (B) Spikes in the branch not taken; line: 1 / (1 + e^inhibition)."
)
def switch(study: Study) -> Figure:
    figure, ax = panels("AB", height_in=3.0)
    ran = study.branches
    dots(
        ax["A"],
        ran.inhibition,
        ran.gated,
        color=SPIKING,
        label=f"one inhibited, {ran.spent_gated:.0f} spikes",
    )
    ax["A"].plot(
        ran.inhibition, [e.value for e in ran.exact], color=SOFTMAX, lw=1.2, label="the same by softmax"
    )
    ax["A"].axhline(
        ran.both.value, color=INK, ls="--", lw=1, label=f"both computed, {ran.spent_both:.0f} spikes"
    )
    ax["A"].set(ylabel="error", ylim=(0, None), title="what it costs")
    dots(
        ax["B"], ran.inhibition, [Estimate(value=max(e.value, LEAST / 10), error=e.error) for e in ran.leaked]
    )
    fine = np.linspace(ran.inhibition[0], ran.inhibition[-1], 100)
    ax["B"].plot(fine, 1 / (1 + np.exp(fine)), color=MUTED, lw=1, zorder=0)
    ax["B"].set(
        yscale="log", ylim=(LEAST / 10, 1), ylabel="spikes in the branch not taken", title="what leaks"
    )
    for each in ax.values():
        each.set_xlabel("inhibition (scores)")
    ax["A"].legend(loc="upper right")
    return figure
