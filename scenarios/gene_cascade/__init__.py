"""Scenario gene-cascade: promoters as rows of attention with a null key, and what follows from one exact lemma."""

from __future__ import annotations

from dataclasses import dataclass

from scenarios.gene_cascade.figures import figures
from scenarios.gene_cascade.networks import measure_cascades, measure_ring
from scenarios.gene_cascade.numbers import Study, in_data, in_numbers
from scenarios.gene_cascade.promoters import measure_promoter
from scenarios.gene_cascade.words import in_words
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "Factors that compete for a promoter occupy it as a softmax with a null key. A gamma circuit with a "
    "sink computes the same law: how far does the likeness go, in shares, temperature, noise, oscillation "
    "and layers?"
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    weights: tuple[float, ...] = param(
        (3.0, 1.0, 0.5),
        "of the factors, concentration over dissociation constant",
        at_least=1e-3,
        at_most=1e3,
    )
    n_rows: int = param(1000, "promoters, and rows of the circuit", at_least=10)
    duration: float = param(300.0, "time of each promoter, in bound times", at_least=1, at_most=1e4)
    spikes: int = param(64, "spikes of a row", at_least=1, at_most=4096)
    kT: tuple[float, ...] = param(
        (0.5, 1.0, 2.0), "temperatures, in units of the binding energies", at_least=0.1, at_most=100
    )
    speeds: tuple[float, ...] = param(
        (0.05, 0.2, 1.0, 5.0),
        "rates of unbinding, in those of the first promoter",
        at_least=1e-3,
        at_most=100,
    )
    numbers: tuple[int, ...] = param(
        (16, 64, 256), "spikes, or bindings, that a share is read off", at_least=1, at_most=4096
    )
    rings: int = param(8, "rings of three repressors", at_least=1)
    ring_spikes: int = param(16, "spikes that say how free a promoter is", at_least=1, at_most=4096)
    ring_time: float = param(400.0, "time of these rings, in lifetimes of the mRNA", at_least=1, at_most=500)
    stripes: int = param(2, "stripes that cascades learn", at_least=1, at_most=31)
    layers: tuple[int, ...] = param((1, 2, 3), "layers of a cascade", at_least=1)
    genes: int = param(6, "genes in each", at_least=1)
    starts: int = param(2, "trainings of every cascade, of which the best counts", at_least=1)
    iterations: int = param(400, "of each", at_least=1)
    draws: int = param(8, "times that the best cascade is read off spikes", at_least=2)


def run(params: Params, ctx: RunContext) -> Outcome:
    """One promoter, a ring, layers."""
    study = Study(
        promoter=measure_promoter(params, ctx),
        ring=measure_ring(params, ctx),
        cascade=measure_cascades(params, ctx),
        params=params,
    )
    metrics = in_numbers(study)
    return Outcome(
        dataset=in_data(study),
        metrics=metrics,
        headline=("molecules_1", "random_1", "period"),
        pictures=figures(study),
        **in_words(metrics, study),
    )
