"""The numbers of attention-by-inhibition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.attention_by_inhibition.circuits import LABELS
from scenarios.attention_by_inhibition.competition import Coherent, Rivalry
from scenarios.attention_by_inhibition.laws import SHIPPED, Law
from scenarios.attention_by_inhibition.reference import PUBLISHED, Ran
from scenarios.attention_by_inhibition.theory import Theory
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import Estimate
from scenarios.workbench.tables import column, columns, estimate_column
from spiking.circuits.inhibited_attention import InhibitedAttention

if TYPE_CHECKING:
    from scenarios.attention_by_inhibition import Params

__all__ = ["NAMES", "Study", "in_data", "in_numbers"]

NAMES: Mapping[str, str] = {**LABELS, SHIPPED: "shipped gamma circuit"}
REFERENCE = {
    "exc_Hz": ("rate of E cells", "Hz"),
    "inh_Hz": ("rate of I cells", "Hz"),
    "peak_Hz": ("peak of the field", "Hz"),
    "exc_strength": ("vector strength of E spikes", ""),
    "inh_strength": ("vector strength of I spikes", ""),
}
SEED = 0  # of the bootstraps


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was measured."""

    params: Params
    reference: Mapping[str, Ran]
    coherent: Sequence[Coherent]
    circuits: Mapping[str, InhibitedAttention]
    rivalry: Mapping[str, Rivalry]
    laws: Mapping[str, Law]
    theory: Theory

    @property
    def at(self) -> int:
        """The contrast at which conditions are compared: the one in the middle."""
        return len(self.params.contrasts) // 2

    @cached_property
    def suppressed(self) -> dict[str, list[Estimate]]:
        """Part of the rival's spikes that is lost, by condition and contrast."""
        rng = np.random.default_rng(SEED)
        return {name: rivalry.suppressed(rng) for name, rivalry in self.rivalry.items()}

    @cached_property
    def half(self) -> Estimate:
        """Contrast at which the attended circuit leaves half of the rival's spikes."""
        return self.rivalry["attended"].half(self.params.contrasts, np.random.default_rng(SEED))


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines = Lines()
    _coherence(lines, study)
    _competition(lines, study)
    for name, law in study.laws.items():
        label = NAMES[name]
        lines.add(f"behind_{name}", f"{label}: softmax behind the best law, {law.fitted.best.law.name}",
                  law.behind, unit="nat per 1000 spikes")  # fmt: skip
        lines.add(f"beta_{name}", "– beta of the nearest softmax", law.beta, control=study.laws[SHIPPED].beta,
                  note="control: shipped gamma circuit")  # fmt: skip
        lines.add(f"silent_{name}", "– rows without a spike", law.fitted.n_silent)
    for name, ran in study.reference.items():
        for measure, (label, unit) in REFERENCE.items():
            published = PUBLISHED[name].get(measure)
            lines.add(f"{name}_{measure}", f"{name}: {label}", getattr(ran, measure), unit=unit, control=published,
                      note="control: published, one network" if published else "")  # fmt: skip
    return lines.metrics


def _coherence(lines: Lines, study: Study) -> None:
    for name, coherent in (("attended", study.coherent[-1]), ("unattended", study.coherent[0])):
        where = f"bath of {coherent.bath_uA_cm2:g} uA/cm2"
        lines.add(f"locking_{name}", f"vector strength of I spikes, {where}", coherent.locking,
                  floor=coherent.by_chance, note="floor: each I cell shifted in time")  # fmt: skip
        lines.add(f"exc_{name}", "– rate of the driven E cells", coherent.exc_Hz, unit="Hz")
        lines.add(f"inh_{name}", "– rate of the I cells", coherent.inh_Hz, unit="Hz")


def _competition(lines: Lines, study: Study) -> None:
    contrast = study.params.contrasts[study.at]
    for name, rivalry in study.rivalry.items():
        lines.add(f"suppression_{name}",
                  f"{NAMES[name]}: part of the rival's spikes lost, {contrast:g} scores weaker",
                  study.suppressed[name][study.at],
                  control=None if name == "smooth" else study.suppressed["smooth"][study.at],
                  note="" if name == "smooth" else "control: inhibition smoothed")  # fmt: skip
        lines.add(f"volleys_{name}", "– vector strength of the stronger assembly alone", rivalry.locking)
        lines.add(f"alone_{name}", "– rate of the rival alone", rivalry.alone_Hz[study.at], unit="Hz")
        lines.add(f"rival_{name}", "– next to the stronger", rivalry.rival_Hz[study.at], unit="Hz")
        lines.add(f"winner_{name}", "– rate of the stronger next to it", rivalry.winner_Hz[study.at],
                  control=rivalry.winner_alone_Hz, unit="Hz", note="control: alone")  # fmt: skip
    theory = study.theory
    lines.add("half_attended", "attended: contrast that leaves half of the rival's spikes", study.half,
              control=theory.half, unit="scores", note="control: theory")  # fmt: skip
    lines.add("lag", "– lag of the I cells after the stronger assembly", theory.lag_ms, unit="ms")
    lines.add("rheobase", "rheobase of the E cell", theory.rheobase_uA_cm2, unit="uA/cm2")


def in_data(study: Study) -> xr.Dataset:
    """Coherence by bath, rates and suppression by contrast, laws by circuit."""
    coherent, rivalry, laws = study.coherent, list(study.rivalry.values()), list(study.laws.values())
    names = sorted(law.law.name for law in laws[0].fitted.laws)
    by_bath = ("bath", "row")
    by_contrast = ("condition", "contrast", "row")
    return xr.Dataset(
        {
            **columns(by_bath, locking=[c.locking for c in coherent]),
            **columns(by_bath, locking_by_chance=[c.by_chance for c in coherent]),
            **columns(by_bath, "Hz", exc=[c.exc_Hz for c in coherent], inh=[c.inh_Hz for c in coherent]),
            **columns(by_contrast, "Hz", alone=[r.alone_Hz for r in rivalry]),
            **columns(by_contrast, "Hz", rival=[r.rival_Hz for r in rivalry]),
            **columns(by_contrast, "Hz", winner=[r.winner_Hz for r in rivalry]),
            **estimate_column(
                "suppression",
                ("condition", "contrast"),
                list(study.suppressed.values()),
                "part of the spikes lost",
            ),
            **columns("contrast", left_by_theory=study.theory.left),
            **columns(
                ("circuit", "law"),
                "nat per 1000 spikes",
                behind=[[1e3 * o.fitted[n].behind for n in names] for o in laws],
            ),
            **estimate_column("beta", "circuit", [law.beta for law in laws], "beta of the nearest softmax"),
        },
        {
            "bath": column("bath", study.params.baths, "inhibition of the I cells", "uA/cm2"),
            "contrast": column("contrast", study.params.contrasts, "drive below the stronger's", "scores"),
            "condition": list(study.rivalry),
            "circuit": list(study.laws),
            "law": names,
        },
    )
