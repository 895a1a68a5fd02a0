"""Numbers of gamma-filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.gamma_filter.laws import LAWS
from scenarios.gamma_filter.passing import CONDITIONS, Passed
from scenarios.gamma_filter.phases import RECEIVERS, Heard
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import Estimate
from scenarios.workbench.tables import column, columns, estimate_column

if TYPE_CHECKING:
    from scenarios.gamma_filter import Params

__all__ = ["Study", "in_data", "in_numbers"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was measured."""

    params: Params
    passed: Passed
    heard: Heard

    def kappas(self, receiver: str) -> list[Estimate]:
        """Of a receiver by the query's synchrony."""
        return [self.heard.by_query[receiver, query].kappa for query in self.params.queries]


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, passed, heard = Lines(), study.passed, study.heard
    slopes = passed.slopes
    lines.add("slope_ratio", "E rate: slope on AC over slope on DC, in magnitude", slopes["filter"].over,
              control=slopes["without"].over, note="control: without inhibition")  # fmt: skip
    for name, words in CONDITIONS.items():
        if name != "filter":
            lines.add(f"slope_ratio_{name}", f"– {words}", slopes[name].over)
        lines.add(f"slope_ac_{name}", f"slope on AC, {words}", slopes[name].ac)
        lines.add(f"slope_dc_{name}", f"slope on DC, {words}", slopes[name].dc)
        lines.add(
            f"rate_{name}", f"E rate, mean over inputs, {words}", passed.rate_Hz[name].mean(), unit="Hz"
        )
    lines.add("strength", "constant inhibition over the mean of the input-driven one", passed.strength)
    for f, rates in zip(study.params.frequencies, passed.tuning_Hz, strict=True):
        lines.add(f"tuning_{f:g}", f"E rate, input modulated at {f:g} Hz", rates, unit="Hz")
    most = study.params.queries[-1]
    lines.add("kappa", f"concentration over lags, query's rhythm of {most:g}", study.kappas("ping")[-1],
              control=study.kappas("tonic")[-1], note="control: constant inhibition")  # fmt: skip
    for (name, query), selected in heard.by_query.items():
        words = f"{RECEIVERS[name][1]}, query {query:g}"
        lines.add(f"kappa_{name}_{query:g}", f"concentration, {words}", selected.kappa)
        lines.add(f"rate_{name}_{query:g}", f"E rate, {words}", selected.rate_Hz, unit="Hz")
    for kappa, selected in heard.by_sender.items():
        lines.add(f"kappa_sender_{kappa:g}", f"concentration, senders' rhythm of {kappa:g}", selected.kappa)
    for tau, selected in heard.by_tau.items():
        lines.add(f"kappa_tau_{tau:g}", f"concentration, inhibition of {tau:g} ms", selected.kappa)
    lines.add("law", f"held out, {LAWS['von_mises'].words} over equal weights", heard.laws.gained["von_mises"],
              unit="nat/spike", floor=0.0, note="floor: equal weights")  # fmt: skip
    for name, ahead in heard.laws.ahead.items():
        lines.add(f"law_over_{name}", f"– over {LAWS[name].words}", ahead, unit="nat/spike")
    lines.add(
        "kappa_law", "concentration over lags, in the rows that laws were compared on", heard.shown.kappa
    )
    lines.add("lag", "preferred lag after the query's peak", np.degrees(heard.shown.mu_rad), unit="degrees")
    return lines.metrics


def in_data(study: Study) -> xr.Dataset:
    """Rates over DC and AC, tuning, concentrations, and the spikes that the laws were compared on."""
    params, heard, passed = study.params, study.heard, study.passed
    shown = heard.shown
    return xr.Dataset(
        {
            "rate": column(
                ("condition", "dc", "ac", "repeat"), list(passed.rate_Hz.values()), "E rate", "Hz"
            ),
            "tuning": column(("frequency", "repeat"), passed.tuning_Hz, "E rate", "Hz"),
            **estimate_column("kappa", ("receiver", "query"), [study.kappas(name) for name in RECEIVERS],
                              "concentration"),
            **estimate_column("kappa_by_sender", "sender", [s.kappa for s in heard.by_sender.values()],
                              "concentration"),
            **estimate_column("kappa_by_tau", "tau", [s.kappa for s in heard.by_tau.values()],
                              "concentration"),
            **columns(("row", "key"), "rad", lag=shown.lag_rad),
            **columns(("row", "key"), counts=shown.counts),
        },
        {
            "condition": list(passed.rate_Hz),
            "dc": column("dc", params.dcs, "mean rate of the input", "Hz"),
            "ac": column("ac", params.acs, "amplitude of its rhythm", "Hz"),
            "frequency": column("frequency", params.frequencies, "frequency of the input", "Hz"),
            "receiver": list(RECEIVERS),
            "query": column("query", params.queries, "concentration of the query's rhythm"),
            "sender": column("sender", params.senders, "concentration of the senders' rhythm"),
            "tau": column("tau", params.taus, "decay of inhibition", "ms"),
        },
    )  # fmt: skip
