"""Every number of gene-cascade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.gene_cascade.networks import SHAPES, STEP, Cascade, Ring
from scenarios.gene_cascade.promoters import KINDS, Promoter
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.tables import columns, estimate_column

if TYPE_CHECKING:
    from scenarios.gene_cascade import Params

__all__ = ["SHAPE_LABELS", "Study", "in_data", "in_numbers"]

SHAPE_LABELS = {
    "plain": "single factors, all activators",
    "pairs": "and pairs",
    "strengths": "single factors, each with a strength",
    "both": "pairs and strengths",
}
PERIODS = {0.2: 43.4, 5.0: 8.65}  # of the same equations, integrated independently


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured."""

    promoter: Promoter
    ring: Ring
    cascade: Cascade
    params: Params


def in_numbers(study: Study) -> Numbers:
    """Shares, temperature, noise, the ring, the cascades."""
    lines = Lines()
    _of_shares(lines, study)
    _of_noise(lines, study)
    _of_ring(lines, study)
    _of_cascades(lines, study)
    return lines.metrics


def _of_shares(lines: Lines, study: Study) -> None:
    """Occupancy of every factor, by molecules and by spikes, and the temperature that fits both."""
    promoter, params = study.promoter, study.params
    for i, law in enumerate(promoter.law):
        weight, at = params.weights[i], i + 1
        lines.add(
            *(
                f"molecules_{at}",
                f"share of time with factor {at} (weight {weight:g})",
                promoter.molecules[i],
            ),
            floor=law,
            note="floor: w / (1 + sum of w)",
        )
        for kind in KINDS:
            label = f"– share of spikes of its key, {kind} cells"
            lines.add(f"{kind}_{at}", label, promoter.spikes[kind][i], floor=law)
    for i, kT in enumerate(params.kT):
        for source, estimates in promoter.beta.items():
            label = f"fitted inverse temperature x kT at kT {kT:g}, {source}"
            lines.add(f"beta_{source}_{kT:g}", label, estimates[i], floor=1)


def _of_noise(lines: Lines, study: Study) -> None:
    """Fano factors, and errors against numbers of events."""
    promoter, params = study.promoter, study.params
    for speed, fano, law in promoter.fano:
        label = f"Fano factor of molecules, promoter of speed {speed:g}"
        lines.add(
            f"fano_{speed:g}", label, fano, floor=law, note="floor: linear noise of a Markov chain, exact"
        )
    for kind in KINDS:
        label = f"Fano factor of spikes for factor 1, {kind} cells, {params.spikes} a row"
        note = "floor: independent spikes, 1 - share"
        lines.add(f"fano_{kind}", label, promoter.counted[kind], floor=promoter.binomial, note=note)
    for source in promoter.errors:
        label = f"exponent of the share's error against the number of events, {source}"
        lines.add(
            f"slope_{source}", label, promoter.slope(source), floor=-1.0 if source == "regular" else -0.5
        )


def _of_ring(lines: Lines, study: Study) -> None:
    ring = study.ring
    for b, period in ring.periods.items():
        lines.add(
            *(
                f"period{'' if b == min(ring.periods) else f'_{b:g}'}",
                f"period of the repressilator, b {b:g}",
                period,
            ),
            floor=PERIODS[b],
            unit="mRNA lifetimes",
            note="floor: the published equations, integrated independently",
        )
    lines.add(
        *(
            "period_spiking",
            f"– promoters in {study.params.ring_spikes} spikes, b {min(ring.periods):g}",
            ring.spiking,
        ),
        control=ring.stepped,
        unit="mRNA lifetimes",
        note=f"control: exact shares in steps of {STEP:g}",
    )


def _of_cascades(lines: Lines, study: Study) -> None:
    cascade, params = study.cascade, study.params
    for name in SHAPES:
        for layers in sorted(set(params.layers)):
            lines.add(
                f"left_{name}_{layers}",
                f"{params.stripes} stripes, {SHAPE_LABELS[name]}, {layers} layers: variance left",
                cascade.left[name, layers],
                floor=0,
                control=1,
                note="control: the mean",
            )
    name, layers = cascade.best
    for kind, spikes in cascade.spiking:
        label = f"best ({SHAPE_LABELS[name]}, {layers} layers) in {spikes} spikes of {kind} cells: rms off"
        lines.add(f"off_{kind}_{spikes}", label, cascade.error(kind, spikes), floor=0)


def in_data(study: Study) -> xr.Dataset:
    """Shares by source, errors by number, proteins of the ring, patterns of the cascades."""
    promoter, ring, cascade, params = study.promoter, study.ring, study.cascade, study.params
    sources = ["molecules", *KINDS]
    shares = [promoter.molecules, *(promoter.spikes[kind] for kind in KINDS)]
    errors = [[error for _, error in promoter.errors[source]] for source in sources]
    layers = sorted(set(params.layers))
    return xr.Dataset(
        {
            **columns("factor", law=promoter.law),
            **estimate_column("share", ("source", "factor"), shares, "share"),
            **estimate_column("beta", ("source", "kT"), [promoter.beta[s] for s in sources], "beta x kT"),
            **estimate_column("fano", "speed", [fano for _, fano, _ in promoter.fano], "Fano factor"),
            **columns("speed", fano_law=[law for *_, law in promoter.fano]),
            **estimate_column("error", ("source", "number"), errors, "rms error of the first share"),
            **columns(
                ("source", "number"), events=[[n for n, _ in promoter.errors[source]] for source in sources]
            ),
            **columns(("time", "gene"), proteins=ring.exact),
            **columns(("step", "gene"), spiking_proteins=ring.shown),
            **columns("place", wanted=cascade.wanted),
            **columns(("shape", "layers"), left=[[cascade.left[name, n] for n in layers] for name in SHAPES]),
            **columns(
                ("shape", "layers", "place"),
                learnt=[[cascade.learnt[name, n] for n in layers] for name in SHAPES],
            ),
        },
        {
            "source": sources,
            "shape": list(SHAPES),
            **columns("kT", kT=params.kT),
            **columns("speed", speed=params.speeds),
            **columns("number", number=params.numbers),
            **columns("time", time=ring.exact_times),
            **columns("step", step=ring.times),
            **columns("layers", layers=np.array(layers)),
        },
    )
