"""Scenario regular-or-random: what a spike is worth when cells take turns, and what disturbs their turns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scenarios.regular_or_random.figures import figures
from scenarios.regular_or_random.measures import Beat, Case, Study, in_data, in_numbers, measure
from scenarios.regular_or_random.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.stages import simulation
from spiking import GammaCircuit, GammaParams, RegularCell, Selection, cut_loop, gamma_off

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "How much more does a spike say about the softmax when cells fire regularly, each key's in turn, than when "
    "they fire at random? What does the gamma loop add to that, and what do noise and unequal cells cost?"
)
WATCHED_ms = 200.0  # of the row that is drawn
MATCH_ms = 400.0
KINDS = ("regular", "own phases", "random")


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_rows: int = param(400, "rows at every point of a curve", at_least=20)
    n_keys: int = param(16, "keys", at_least=2)
    spread: float = param(1.5, "standard deviation of the scores", above=0, at_most=100)
    spikes: int = param(64, "spikes at which a row ends", at_least=2)
    n_cells: int = param(10, "cells per key", at_least=1)
    budgets: tuple[int, ...] = param((8, 16, 32, 64, 128, 256), "other numbers of spikes", at_least=1)
    keys: tuple[int, ...] = param((4, 16, 64, 256), "other numbers of keys", at_least=2)
    spreads: tuple[float, ...] = param((0.5, 1.0, 1.5, 3.0), "other spreads of scores", above=0, at_most=100)
    shapes: tuple[int, ...] = param(
        (1, 2, 4, 8, 16, 32), "shapes of random thresholds", at_least=1, at_most=100
    )
    cells: tuple[int, ...] = param((1, 2, 4, 10, 20), "other numbers of cells", at_least=1)
    unequal: tuple[float, ...] = param(
        (0.05, 0.1, 0.2, 0.4), "spreads of the cells' log rates", above=0, at_most=2
    )
    jitters: tuple[float, ...] = param(
        (0.25, 0.5, 1.0, 2.0), "jitters of phases, in spacings", above=0, at_most=10
    )
    beat_rows: int = param(96, "rows whose rhythm is measured", at_least=10)
    beat_keys: int = param(8, "keys of these", at_least=2)
    beat_ms: float = param(1000.0, "measured time of these", at_least=500)


def run(params: Params, ctx: RunContext) -> Outcome:
    """Measure the error per spike along each curve, then the rhythm with and without the loop."""
    cases = _cases(params)
    work = np.array([case.n_keys * case.n_cells * case.spikes for case in cases], dtype=float)
    with ctx.part("error per spike", share=0.7) as part:
        points = [
            measure(case, _attend(case, params, part, w), ctx.rng)
            for case, w in zip(cases, work / work.sum(), strict=True)
        ]
    with ctx.part("rhythm", share=0.3) as part:
        beats = {kind: _beat(kind, params, part) for kind in ("regular", "random")}
    study = Study(points=points, beats=beats, watched=_watched(params, ctx), params=params)
    metrics = in_numbers(study, ctx.rng)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("error", "worth", "shared"),
        pictures=figures(study),
        spikes={kind: beat.loop.spikes for kind, beat in beats.items()},
        **in_words(metrics, study),
    )


def _cell(kind: str, **changes: Any) -> RegularCell:
    """Random cells differ from regular ones in their thresholds alone."""
    settings: dict[str, dict[str, Any]] = {
        "regular": {},
        "own phases": {"phases": "own"},
        "row phase": {"phases": "row"},
        "random": {"phases": "own", "shape": 1},
    }
    return RegularCell(**{**settings[kind], **changes})


def _cases(params: Params) -> list[Case]:
    """Every point of every curve; each curve varies one thing around the parameters."""
    base = {name: getattr(params, name) for name in ("n_keys", "spread", "spikes", "n_cells")}

    def curve(name: str, field: str, values: Any, *kinds: str) -> list[Case]:
        own = getattr(params, field)
        return [
            Case(curve=name, kind=kind, x=float(x), cell=_cell(kind), **{**base, field: x})
            for kind in kinds
            for x in sorted({own, *values})
        ]

    def disturbed(name: str, values: Any, **fixed: Any) -> list[Case]:
        changes = [(x, {name: x}) for x in values]
        return [
            Case(curve=name, kind="regular", x=float(x), cell=_cell("regular", **change), **{**base, **fixed})
            for x, change in changes
        ]

    shapes = [*sorted(params.shapes), math.inf]
    return [
        *curve("spikes", "spikes", params.budgets, *KINDS),
        *curve("keys", "n_keys", params.keys, "regular", "random"),
        *curve("spread", "spread", params.spreads, "regular", "random"),
        *curve("cells", "n_cells", params.cells, "regular", "own phases"),
        *disturbed("shape", shapes),
        *(replace(case, kind="one cell") for case in disturbed("shape", shapes, n_cells=1)),
        *disturbed("rate_spread", [0.0, *sorted(params.unequal)]),
        *disturbed("jitter", [0.0, *sorted(params.jitters)]),
        *curve("keys", "n_keys", params.keys, "row phase"),
    ]


def _attend(case: Case, params: Params, ctx: RunContext, share: float) -> tuple[np.ndarray, Selection]:
    """Scores and what is selected; fewer cells get as much more drive as keeps the row's rate."""
    scores = ctx.rng.normal(0, case.spread, (params.n_rows, case.n_keys))
    cell = case.cell.with_drive(
        case.cell.drive + math.log(GammaParams.regular_brief().n_cells / case.n_cells)
    )
    circuit = GammaCircuit(GammaParams.regular_brief(cell=cell, n_cells=case.n_cells, dt_ms=0.25))
    with simulation(ctx, f"{case.curve} {case.x:g}, {case.kind}", share=share) as options:
        return scores, circuit.attend(scores, spikes=case.spikes, duration_ms=2e4, record="counts", **options)


def _beat(kind: str, params: Params, ctx: RunContext) -> Beat:
    """One kind of cells for a while with the loop, with the loop cut, and cut with the drive lowered to its rate.

    No feedforward inhibition: what holds the total is the loop.
    """
    scores = ctx.rng.normal(0, params.spread, (params.beat_rows, params.beat_keys))
    loop = GammaCircuit(GammaParams.regular(cell=_cell(kind), feedforward="none"))
    options: dict[str, Any] = {"rng": ctx.rng, "engine": ctx.engine}
    matched = gamma_off(loop, scores, duration_ms=MATCH_ms, **options).circuit
    ran = {}
    for name, circuit in {"loop": loop, "matched": matched, "cut": cut_loop(loop)}.items():
        with simulation(ctx, f"{kind} cells, {name}", share=1 / 6) as told:
            ran[name] = circuit.attend(scores, duration_ms=params.beat_ms, record="all", **told)
    return Beat.of(scores, ran, ctx.rng)


def _watched(params: Params, ctx: RunContext) -> dict[str, tuple[np.ndarray, Selection]]:
    """One row of each kind, for the eye."""
    scores = np.linspace(0, -2 * params.spread, 6)[None]
    return {
        kind: (
            scores,
            GammaCircuit(GammaParams.regular(cell=_cell(kind))).attend(
                scores, duration_ms=WATCHED_ms, rng=ctx.rng, engine=ctx.engine, record="all"
            ),
        )
        for kind in ("random", "regular")
    }
