"""Numbers of theta-gamma-heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.theta_gamma_heads.buffer import REFERENCE, Buffered, STERNBERG_ms
from scenarios.theta_gamma_heads.hops import CONTROLS, Hopped
from scenarios.theta_gamma_heads.minilm import Sentences
from scenarios.theta_gamma_heads.mixing import Mixed
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.tables import column, columns, estimate_column

if TYPE_CHECKING:
    from scenarios.theta_gamma_heads import Params

__all__ = ["Study", "in_data", "in_numbers"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was measured."""

    params: Params
    buffered: Buffered
    mixed: Mapping[str, Mixed]
    sentences: Sentences | None
    hopped: Hopped | None


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, buffered = Lines(), study.buffered
    for number, (key, (capacity, interval_ms)) in enumerate(REFERENCE.items()):
        kept, ending = buffered.reference[key], f"_{key[0]:g}" if number else ""
        where = f"inhibition of {key[0]:g} mV, {key[1]:g} ms"
        lines.add(f"capacity{ending}", f"items kept in order, {where}", kept.capacity, control=capacity,
                  note="control: reference run")  # fmt: skip
        lines.add(f"interval{ending}", "– between them", kept.interval_ms, control=interval_ms, unit="ms")
        lines.add(f"scan{ending}", "– later end of a scan for an item more", kept.scan_ms, control=STERNBERG_ms,
                  unit="ms", note="control: people's reaction time")  # fmt: skip
    lines.add("share", "items for a gamma cycle in a theta period", buffered.share, control=1.0,
              note="control: an item a cycle")  # fmt: skip
    for noise, noisy in buffered.noisy.items():
        lines.add(f"capacity_noise_{noise:g}", f"items kept in order, noise of {noise:g} mV", noisy)
    for number, (name, mixed) in enumerate(study.mixed.items()):
        ending = "" if number == 0 else f"_{name.replace(' ', '_')}"
        where = "" if number == 0 else f", {name}"
        theory = mixed.theory[1]
        lines.add(f"leak{ending}", f"scores a slot ago, over a slot's own{where}", mixed.back(1), floor=0.0,
                  control=theory, note="control: carried by a linear membrane")  # fmt: skip
        if len(mixed.matrix) > 2:
            lines.add(f"leak_2{ending}", "– two slots ago", mixed.back(2), floor=0.0, control=mixed.theory[2])
        lines.add(f"spikes{ending}", "– spikes of a slot", mixed.spikes)
    if (sentences := study.sentences) is not None:
        _sentences(lines, sentences)
    if study.hopped is not None:
        _hops(lines, study.hopped)
    return lines.metrics


def _sentences(lines: Lines, sentences: Sentences) -> None:
    names = {
        "shared": f"{sentences.n_heads} heads on one circuit",
        "separate": "a circuit for each head",
        "samples": "as many samples of the softmax",
        "uniform": "uniform attention",
    }
    for name, label in names.items():
        ending = "" if name == "shared" else f"_{name}"
        lines.add(f"lost{ending}", f"MiniLM, rank correlation lost, {label}", sentences.lost[name],
                  control=None if name == "uniform" else sentences.lost["uniform"],
                  note="" if name == "uniform" else "control: uniform attention")  # fmt: skip
    lines.add("rank", "rank correlation with people, softmax", sentences.rank["softmax"])
    lines.add("apart", "rank correlation, a circuit for each head less one for all", sentences.apart)
    lines.add("model_spikes", "spikes of a head's row", sentences.spikes)


def _hops(lines: Lines, hopped: Hopped) -> None:
    for number, (name, circuit) in enumerate(hopped.circuits.items()):
        ending = "" if number == 0 else f"_{name.replace(' ', '_')}"
        where = "" if number == 0 else f", {name}"
        lines.add(f"hops{ending}", f"two hops in a theta cycle, accuracy{where}", circuit.accuracy,
                  control=hopped.predicted[name], note="control: samples with its leak")  # fmt: skip
        lines.add(
            f"hop_leak{ending}", "– first scores in slot 2, over those handed on", circuit.leak, floor=0.0
        )
        lines.add(f"hop_spikes{ending}", "– spikes of a slot", circuit.spikes)
        lines.add(f"hop_spread{ending}", "– their spread over their mean", circuit.spread)
    for name, accuracy in hopped.controls.items():
        lines.add(f"hops_{name}", f"two hops, accuracy, {CONTROLS[name]}", accuracy)
    for cycles, accuracy in hopped.by_cycles.items():
        lines.add(f"hops_cycles_{cycles}", f"two hops, accuracy, spikes of {cycles} theta cycles", accuracy)
    for n, circuit in hopped.by_hops.items():
        lines.add(f"hops_{n}", f"accuracy, {n} hops in a theta cycle", circuit.accuracy)
    lines.add("hop_cost", "accuracy that the leak costs as many samples", hopped.cost)


def in_data(study: Study) -> xr.Dataset:
    """Capacities over theta and inhibition, and the matrix of every condition."""
    params, mixed = study.params, list(study.mixed.values())
    shape = len(params.thetas), len(params.taus)
    varied = study.buffered.varied
    slots = np.arange(params.n_slots)
    return xr.Dataset(
        {
            "capacity": column(
                ("theta", "tau"), np.reshape([k.capacity for k in varied], shape), "items kept in order"
            ),
            **columns(("theta", "tau"), "ms", interval=np.reshape([k.interval_ms for k in varied], shape)),
            **columns(("condition", "slot", "scores"), mixing=[m.matrix for m in mixed]),
            **columns(("condition", "slot", "scores"), mixing_se=[m.errors for m in mixed]),
            **columns(("condition", "back"), theory=[m.theory for m in mixed]),
            **estimate_column("leak", "condition", [m.back(1) for m in mixed], "scores a slot ago"),
        },
        {
            "theta": column("theta", params.thetas, "theta", "Hz"),
            "tau": column("tau", params.taus, "decay of inhibition", "ms"),
            "condition": list(study.mixed),
            "slot": column("slot", slots, "slot"),
            "scores": column("scores", slots, "slot whose scores they are"),
            "back": column("back", slots, "slots ago"),
        },
    )
