"""Data, numbers and sentences of circuit-knobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.circuit_knobs.measures import BASE, KNOBS, PARAMETERS, Circuit, Setting
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of
from scenarios.workbench.tables import column, estimate_column
from spiking import Selection

if TYPE_CHECKING:
    from scenarios.circuit_knobs import Params

__all__ = ["CIRCUITS", "OWN", "Study", "in_data", "in_numbers", "in_words"]

CIRCUITS = {
    "random": "random cells",
    "regular": "regular cells",
    "twin": "independent samples",
    "cut": "random cells, loop cut",
}
OWN = dict(zip(KNOBS, PARAMETERS, strict=False))  # the parameter that a knob is meant to turn
PREDICTED = 0.1  # largest crosstalk of separable knobs


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was simulated."""

    circuits: Mapping[str, Circuit]
    corners: Sequence[Setting]
    watched: Mapping[str, Selection]
    params: Params

    def slope(self, circuit: str, knob: str, parameter: str, of: str = "crosstalk") -> Estimate:
        """One entry of a circuit's matrix: "crosstalk", or "slopes" as they are."""
        at = list(KNOBS).index(knob), list(PARAMETERS).index(parameter)
        return self.circuits[circuit].estimates[of][at[0]][at[1]]

    @property
    def off_diagonal(self) -> list[tuple[str, str]]:
        """Knob and the parameter of another knob."""
        return [(knob, of) for knob in KNOBS for of in OWN.values() if of != OWN[knob]]

    def worst(self, circuit: str) -> tuple[str, str]:
        """Where the largest crosstalk is."""
        return max(self.off_diagonal, key=lambda at: abs(np.nan_to_num(self.slope(circuit, *at).value)))


def in_data(study: Study) -> xr.Dataset:
    """Both matrices of every circuit, and the parameters at each setting of a knob alone."""
    names, of_knob = list(study.circuits), ("circuit", "knob", "parameter")
    matrices = {name: [study.circuits[c].estimates[name] for c in names] for name in ("slopes", "crosstalk")}
    first = study.circuits["random"]
    turned = [[getattr(s, knob) for s in first.along(knob)] for knob in KNOBS]
    read = [[[c.read(s) for s in c.along(knob)] for knob in KNOBS] for c in study.circuits.values()]
    return xr.Dataset(
        {
            **estimate_column(
                "slopes", of_knob, matrices["slopes"], "nats of a parameter for a nat of a knob"
            ),
            **estimate_column(
                "crosstalk", of_knob, matrices["crosstalk"], "the same over its own parameter's"
            ),
            "turned": column(("knob", "setting"), turned, "setting of the knob", "nat"),
            "read": column(("circuit", "knob", "setting", "parameter"), read, "parameter", "nat"),
        },
        {"circuit": names, "knob": list(KNOBS), "parameter": list(PARAMETERS)},
    )


def in_numbers(study: Study) -> Numbers:
    """The largest crosstalk, each knob on its own parameter, then all of the matrix, circuit by circuit."""
    lines = Lines()
    for circuit in ("random", "regular"):
        at = study.worst(circuit)
        lines.add(
            "worst" if circuit == "random" else "worst_regular",
            f"largest crosstalk, {CIRCUITS[circuit]} ({at[0]} to {PARAMETERS[at[1]]})",
            study.slope(circuit, *at),
            note=f"separable: below {PREDICTED:g}",
        )
    for knob, own in OWN.items():
        for circuit in ("random", "regular", "cut"):
            lines.add(
                f"own_{knob}" + _suffix(circuit),
                f"{PARAMETERS[own]} for a nat of {KNOBS[knob]}"
                if circuit == "random"
                else f"– {CIRCUITS[circuit]}",
                study.slope(circuit, knob, own, "slopes"),
            )
    for knob in KNOBS:
        for of in PARAMETERS:
            if of != OWN[knob]:
                _entry(lines, study, knob, of)
    apart, chance = (study.circuits[name].apart(list(study.corners)) for name in ("random", "twin"))
    for i, of in enumerate(OWN.values()):
        lines.add(
            f"apart_{of}",
            f"knobs turned together, {PARAMETERS[of]}: largest deviation from the sum",
            apart[i],
            floor=None if of == "spikes" else chance[i],  # of which the twin has the circuit's
            note="floor: independent samples",
        )
    base = study.circuits["random"].runs[BASE]
    lines.add("f_gamma", "gamma frequency, knobs at rest", base.f_Hz, unit="Hz")
    lines.add("rhythmic", "rows with a rhythm, knobs at rest", base.rhythmic)
    return lines.metrics


def _entry(lines: Lines, study: Study, knob: str, of: str) -> None:
    """An off-diagonal entry: crosstalk of both circuits, and the slope without the loop."""
    name, label = f"{knob}_to_{of}", f"crosstalk of {knob} to {PARAMETERS[of]}"
    twin = (
        None if of == "spikes" else study.slope("twin", knob, of)
    )  # which has the circuit's number of spikes
    note = "" if twin is None else "control: independent samples"
    lines.add(name, label, study.slope("random", knob, of), control=twin, note=note)
    lines.add(f"{name}_regular", f"– {CIRCUITS['regular']}", study.slope("regular", knob, of))
    lines.add(f"{name}_cut", "– loop cut, for a nat of the knob", study.slope("cut", knob, of, "slopes"))


def _suffix(circuit: str) -> str:
    return "" if circuit == "random" else f"_{circuit}"


def in_words(metrics: Numbers, study: Study) -> Words:
    """What each knob does, how separable they are, and what the loop has to do with it."""
    own, apart, loop = _own(metrics), _separable(study), _loop(metrics, study)
    return words(own, apart, _counting(metrics), _together(metrics), loop, short=(own, apart, loop))


def _own(metrics: Numbers) -> str:
    drive, gain, inhibition = (metrics[f"own_{knob}"] for knob in KNOBS)
    return (
        f"A nat of drive moves the log odds of a key by {drive}, a nat of gain the inverse temperature by {gain}, "
        f"a nat of inhibition the spikes of a cycle by {inhibition}."
    )


def _separable(study: Study) -> str:
    """Whose crosstalk is clearly above the predicted bound, of both circuits."""
    said = []
    for circuit in ("random", "regular"):
        sizes = {at: study.slope(circuit, *at) for at in study.off_diagonal}
        over = clear(
            {str(at): Estimate(value=abs(e.value) - PREDICTED, error=e.error) for at, e in sizes.items()}
        )
        high = [at for at in sizes if over[str(at)] > 0]
        below = sum(sign < 0 for sign in over.values())
        which = listed([f"{knob} to {PARAMETERS[of]} ({sizes[knob, of]})" for knob, of in high])
        said.append(
            f"of {CIRCUITS[circuit]} {below} of {len(sizes)} are clearly below {PREDICTED:.0%}"
            + (f", and clearly above it is {which}" if high else ", none is clearly above")
        )
    return f"Crosstalk off the diagonal: {'; '.join(said)}."


def _counting(metrics: Numbers) -> str:
    """Distinct keys: what the temperature does to them by counting alone."""
    keys = metrics["gain_to_keys"]
    return (
        f"Sparseness as distinct keys of a cycle depends on gain by {keys}; of as many independent samples of "
        f"the softmax it does by {keys.control:.3f}, by counting alone."
    )


def _together(metrics: Numbers) -> str:
    far = [metrics[f"apart_{of}"] for of in OWN.values()]
    told = [
        f"{line:.2f} ({PARAMETERS[of]}"
        + ("" if line.floor is None else f"; independent samples {line.floor:.2f}")
        + ")"
        for of, line in zip(OWN.values(), far, strict=True)
    ]
    return f"Turned together to both ends, knobs deviate from the sum of each alone by at most {listed(told)} nats."


def _loop(metrics: Numbers, study: Study) -> str:
    """Without it drive and gain set the spikes, and inhibition nothing."""
    knobs = ("drive", "gain")
    ours = [study.slope("random", knob, "spikes", "slopes") for knob in knobs]
    cut = [estimate_of(metrics[f"{knob}_to_spikes_cut"]) for knob in knobs]
    sizes = [Estimate(value=abs(e.value), error=e.error) for e in (*ours, *cut)]
    signs = clear({knob: difference(sizes[2 + i], sizes[i]) for i, knob in enumerate(knobs)})
    told = [
        f"a nat of {knob} moves the spikes of a window by {cut[i]}, with the loop by {ours[i]}"
        + choose(signs[knob], "", " (no clear difference)", " (more with the loop)")
        for i, knob in enumerate(knobs)
    ]
    return f"With the loop cut {listed(told)}; inhibition then moves them by {metrics['own_inhibition_cut']}."
