"""The answer of gene-cascade, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scenarios.gene_cascade.numbers import SHAPE_LABELS
from scenarios.gene_cascade.promoters import KINDS
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import against, choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, estimate_of

if TYPE_CHECKING:
    from scenarios.gene_cascade.numbers import Study

__all__ = ["in_words"]

LIMIT = (
    "This is an analogy with one exact lemma, the law of a single competition; how it is carried out, and "
    "what noise it has, is another matter in a promoter than in a circuit."
)


def in_words(metrics: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are decided by the numbers, corrected together."""
    signs = clear(_differences(metrics, study))
    shares, noise, ring = (
        _shares(metrics, study, signs),
        _noise(metrics, study, signs),
        _ring(metrics, study, signs),
    )
    return words(shares, noise, ring, _cascades(metrics, study), LIMIT, short=(shares, noise, ring))


def _differences(metrics: Numbers, study: Study) -> Mapping[str, Estimate]:
    """Every difference that a sentence speaks of."""
    promoter, found = study.promoter, {}
    for i, law in enumerate(promoter.law):
        for source in ("molecules", *KINDS):
            share = estimate_of(metrics[f"{source}_{i + 1}"])
            found[f"{source}_{i + 1}"] = Estimate(value=share.value - law, error=share.error)
    for kind in KINDS:
        fano = estimate_of(metrics[f"fano_{kind}"])
        found[f"fano_{kind}"] = Estimate(value=fano.value - promoter.binomial, error=fano.error)
    spiking = estimate_of(metrics["period_spiking"])
    return found | {"period": Estimate(value=spiking.value - study.ring.stepped, error=spiking.error)}


def _shares(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    n = len(study.promoter.law)
    law = listed([f"{share:.4f}" for share in study.promoter.law])
    parts = []
    for source, who in {
        "molecules": "promoters, event by event,",
        **{k: f"{k} cells" for k in KINDS},
    }.items():
        measured = listed([f"{metrics[f'{source}_{i + 1}']}" for i in range(n)])
        off = [i + 1 for i in range(n) if signs[f"{source}_{i + 1}"]]
        how = f"clearly off for factor {listed([str(i) for i in off])}" if off else "none clearly off"
        parts.append(f"{who} {measured} ({how})")
    return f"The law of a promoter and of a row with a sink gives {law}: {'; '.join(parts)}."


def _noise(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    slow, fast = study.promoter.fano[0], study.promoter.fano[-1]
    cells = []
    for kind in KINDS:
        word = choose(signs[f"fano_{kind}"], "above", "not clearly off", "below")
        cells.append(f"{metrics[f'fano_{kind}']} in {kind} cells ({word} independent spikes)")
    return (
        f"Molecules of a promoter of speed {slow[0]:g} come in bursts, with a Fano factor of {slow[1]} (law "
        f"{slow[2]:.2f}), of speed {fast[0]:g} with {fast[1]} ({fast[2]:.2f}); spikes of the same key have "
        f"{' and '.join(cells)}. The error of a share falls with the number of events as a power of "
        f"{metrics['slope_molecules']} for bindings, {metrics['slope_random']} for random and "
        f"{metrics['slope_regular']} for regular spikes."
    )


def _ring(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    periods = " and ".join(
        f"{metric:.2f} at b {b:g}"
        for b, metric in zip(
            study.ring.periods,
            (metrics[n] for n in metrics if n.startswith("period") and n != "period_spiking"),
            strict=True,
        )
    )
    word = choose(signs["period"], "longer than", "not clearly off", "shorter than")
    return (
        f"Three promoters in a ring oscillate with a period of {periods} lifetimes; with every promoter "
        f"read off {study.params.ring_spikes} spikes the period is {metrics['period_spiking']}, {word} the "
        f"{study.ring.stepped:.2f} of exact shares in the same steps."
    )


def _cascades(metrics: Numbers, study: Study) -> str:
    """Depth and shape, then the best in spikes."""
    cascade, params = study.cascade, study.params
    layers = sorted(set(params.layers))
    shapes = "; ".join(
        f"{label} " + ", ".join(f"{cascade.left[name, n]:.2f}" for n in layers)
        for name, label in SHAPE_LABELS.items()
    )
    depth = listed([str(n) for n in layers])
    few, many = min(params.numbers), max(params.numbers)
    read = against(metrics[f"off_random_{few}"], metrics[f"off_random_{many}"])
    return (
        f"Of {params.stripes} stripes, cascades of {depth} layers leave these parts of the variance: "
        f"{shapes}. The best, read off {few} spikes of random cells instead of {many}, is off by {read}; "
        f"regular cells: {against(metrics[f'off_regular_{few}'], metrics[f'off_regular_{many}'])}."
    )
