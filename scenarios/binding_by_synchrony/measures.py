"""What binding-by-synchrony measures: scenes, their controls, and how many objects stay apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.binding_by_synchrony.circuits import Ran, at_rate, simulated
from scenarios.binding_by_synchrony.reading import Answers, read
from scenarios.binding_by_synchrony.theory import phase_model
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, RunContext
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.tables import column, estimate_column
from spiking.circuits.gestalt import Gestalt

if TYPE_CHECKING:
    from scenarios.binding_by_synchrony import Params

__all__ = ["APART", "HARMONICS", "Apart", "Case", "Study", "in_data", "in_numbers", "measure"]

APART = 0.9  # adjusted Rand index from which on objects count as separated
HARMONICS = (1, 4)  # of the repulsion in phase models


@dataclass(frozen=True, kw_only=True)
class Case:
    """A scene under one condition, and what a reader makes of it."""

    ran: Ran
    rand: Estimate
    times: Answers
    rates: Answers


@dataclass(frozen=True, kw_only=True)
class Apart:
    """How well so many objects keep apart."""

    within: Estimate  # mean cosine of phase differences
    between: Estimate
    gap: Estimate  # the smallest, over even spacing
    rand: Estimate
    rate_Hz: float


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was measured."""

    params: Params
    cases: Mapping[str, Case]  # the first is the circuit itself
    window: Answers  # of the circuit, by counts in a common window
    spread: Mapping[
        tuple[float, float], tuple[Estimate, Estimate]
    ]  # coupling, spread -> Rand index, accuracy
    apart: Mapping[tuple[float, int], Apart]  # delay, objects
    models: Mapping[tuple[int, int], np.ndarray]  # harmonics, objects -> (n_draws, 3)

    def capacity(self, delay_ms: float) -> int:
        """The most objects that stay apart, with all smaller numbers tried; 1 if none do."""
        best = 1
        for n in self.params.objects:
            if not self.apart[delay_ms, n].rand.value >= APART:
                break
            best = n
        return best


def measure(params: Params, ctx: RunContext) -> Study:
    """Simulate all conditions."""
    base = Gestalt(n_objects=params.n_objects)
    with ctx.part("scenes and controls", share=0.3) as part:
        cases = _cases(base, params, part)
        window = read(cases["bound"].ran, "window", params.spikes, part)
    with ctx.part("unequal drives", share=0.3) as part:
        spread = {}
        for n, (coupling, s) in enumerate((c, s) for c in params.couplings for s in params.spreads):
            ran = simulated(replace(base, coupling=coupling, spread=s), params, part)
            answers = read(ran, "times", params.spikes, part)
            spread[coupling, s] = (ran.mean(lambda scene: scene.rand), answers.accuracy)
            part.progress((n + 1) / (len(params.couplings) * len(params.spreads)), f"spread {s:g}")
    with ctx.part("objects in a cycle", share=0.4) as part:
        apart = {}
        for n, (delay_ms, k) in enumerate((d, k) for d in params.delays for k in params.objects):
            apart[delay_ms, k] = _apart(
                simulated(replace(base, n_objects=k, delay_inh_ms=delay_ms), params, part)
            )
            part.progress((n + 1) / (len(params.delays) * len(params.objects)), f"{k} objects")
    models = {(h, k): phase_model(k, h, params.draws, ctx.rng) for h in HARMONICS for k in params.objects}
    return Study(params=params, cases=cases, window=window, spread=spread, apart=apart, models=models)


def _cases(base: Gestalt, params: Params, ctx: RunContext) -> dict[str, Case]:
    bound = simulated(base, params, ctx)
    ran = {"bound": bound}
    ran |= {f"jitter of {ms:g} ms": bound.jittered(ms, ctx.rng) for ms in params.jitters}
    ran["permuted phases"] = bound.permuted(ctx.rng)
    without = {"no inhibition": replace(base, inhibition=0.0), "no coupling": replace(base, coupling=0.0)}
    for number, (name, gestalt) in enumerate(without.items()):
        matched = at_rate(gestalt, bound.rate_Hz, params, ctx)
        ran[name] = simulated(matched, params, ctx)
        ctx.progress((number + 1) / 3, name)
    ran["objects of unequal rates"] = simulated(replace(base, spread_objects=params.differ), params, ctx)
    return {name: _case(each, params, ctx) for name, each in ran.items()}


def _case(ran: Ran, params: Params, ctx: RunContext) -> Case:
    times, rates = (read(ran, by, params.spikes, ctx) for by in ("times", "rates"))
    return Case(ran=ran, rand=ran.mean(lambda scene: scene.rand), times=times, rates=rates)


def _apart(ran: Ran) -> Apart:
    return Apart(
        within=ran.mean(lambda scene: scene.consistency(within=True)),
        between=ran.mean(lambda scene: scene.consistency(within=False)),
        gap=ran.mean(lambda scene: scene.smallest_gap),
        rand=ran.mean(lambda scene: scene.rand),
        rate_Hz=ran.rate_Hz,
    )


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, params = Lines(), study.params
    chance = 1 / params.n_objects
    bound = study.cases["bound"]
    lines.add("accuracy", "shapes attended that belong to the colour, by spike times", bound.times.accuracy,
              floor=chance, control=bound.rates.accuracy, note="control: by rates")  # fmt: skip
    lines.add("rates", "– by rates", bound.rates.accuracy, floor=chance)
    lines.add("window", "– by counts in a common window", study.window.accuracy, floor=chance)
    lines.add("weight", "attention weight of the shape that belongs", bound.times.weight, floor=chance)
    lines.add("rand", "adjusted Rand index of cells that fire together", bound.rand, floor=0.0)
    lines.add("rate", "rate of a cell", bound.ran.rate_Hz, unit="Hz")
    for name, case in list(study.cases.items())[1:]:
        ending = name.replace(" ", "_")
        lines.add(f"accuracy_{ending}", f"shapes by spike times, {name}", case.times.accuracy, floor=chance)
        lines.add(f"weight_{ending}", "– weight", case.times.weight, floor=chance)
        lines.add(f"rates_{ending}", "– by rates", case.rates.accuracy, floor=chance)
        lines.add(f"rand_{ending}", "– Rand index", case.rand, floor=0.0)
        lines.add(f"rate_{ending}", "– rate of a cell", case.ran.rate_Hz, unit="Hz")
    for number, delay_ms in enumerate(params.delays):
        ending = f"_{delay_ms:g}" if number else ""
        label = f"objects kept apart, inhibition after {delay_ms:g} ms"
        lines.add(f"capacity{ending}", label, study.capacity(delay_ms))
    _of_numbers(lines, study)
    for (coupling, spread), (rand, accuracy) in study.spread.items():
        where, ending = f"coupling {coupling:g}, drives ± {spread:.0%}", f"{coupling:g}_{spread:g}"
        lines.add(f"rand_{ending}", f"Rand index, {where}", rand, floor=0.0)
        lines.add(f"accuracy_{ending}", "– shapes by spike times", accuracy, floor=chance)
    return lines.metrics


def _of_numbers(lines: Lines, study: Study) -> None:
    """For each number of objects, the circuit and the phase models."""
    for (delay_ms, k), apart in study.apart.items():
        ending, where = f"{k}_{delay_ms:g}", f"{k} objects, {delay_ms:g} ms"
        even, model = -1 / (k - 1), study.models[1, k]
        lines.add(f"within_{ending}", f"phase consistency within objects, {where}", apart.within)
        lines.add(f"between_{ending}", "– between", apart.between, control=even, note="control: even spacing")
        lines.add(f"gap_{ending}", "– smallest gap / even spacing", apart.gap, floor=1 / k,
                  control=model[:, 2], note="floor: random phases; control: phase model")  # fmt: skip
        lines.add(f"rand_{ending}_ms", "– Rand index", apart.rand, floor=0.0)
        lines.add(f"period_{ending}", "– interval between a cell's spikes",
                  1e3 / apart.rate_Hz if apart.rate_Hz else np.nan, unit="ms")  # fmt: skip
    for (h, k), model in study.models.items():
        label = f"phase model of {k} objects, {h} harmonic{'s' if h > 1 else ''}"
        for name, values in zip(("within", "between", "gap"), model.T, strict=True):
            lines.add(f"model_{name}_{k}_{h}", f"{label}, {name}", mean(values))


def in_data(study: Study) -> xr.Dataset:
    """Each network's accuracy, and the curves."""
    params, cases = study.params, study.cases
    apart = [[study.apart[d, k] for k in params.objects] for d in params.delays]
    at = ("delay", "objects")
    return xr.Dataset(
        {
            "accuracy": column(
                ("case", "network"), [c.times.correct for c in cases.values()], "shapes by times"
            ),
            "weight": column(
                ("case", "network"), [c.times.bound for c in cases.values()], "weight of the shape"
            ),
            "by_rates": column(
                ("case", "network"), [c.rates.correct for c in cases.values()], "shapes by rates"
            ),
            **estimate_column(
                "gap", at, [[a.gap for a in row] for row in apart], "smallest gap / even spacing"
            ),
            **estimate_column("rand", at, [[a.rand for a in row] for row in apart], "adjusted Rand index"),
            **estimate_column("between", at, [[a.between for a in row] for row in apart], "between objects"),
            **estimate_column(
                "rand_spread",
                ("coupling", "spread"),
                [[study.spread[c, s][0] for s in params.spreads] for c in params.couplings],
                "adjusted Rand index",
            ),
        },
        {
            "case": list(cases),
            "delay": column("delay", params.delays, "delay of inhibition", "ms"),
            "objects": column("objects", params.objects, "objects"),
            "coupling": column("coupling", params.couplings, "coupling within an object"),
            "spread": column("spread", params.spreads, "spread of drives"),
        },
    )
