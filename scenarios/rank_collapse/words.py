"""The answer of rank-collapse, from its numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scenarios.rank_collapse.circle import AS_PUBLISHED
from scenarios.rank_collapse.initial import PUBLISHED
from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of

if TYPE_CHECKING:
    from scenarios.rank_collapse.measures import Study

__all__ = ["in_words"]

WITHIN = 0.3  # of a published number counts as the same, on a logarithmic scale: factors of e^0.3 = 1.35


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph."""
    collapse, law, says = _collapse(m, study), _law(m, study), _says(m, study)
    others = (
        _pretrained(m, study),
        _regular(m, study),
        _shared(m, study),
        _sorting(m, study),
        _circles(m, study),
    )
    return words(collapse, others[0], law, *others[1:3], says, *others[3:], short=(collapse, law, says))


def _collapse(m: Numbers, study: Study) -> str:
    last = study.params.bert_layers
    pure = ", ".join(f"{m[f'pure_{layer}']:.2g}" for layer in (0, 1, 2))
    names = [f"pure_{layer}" for layer in (0, 1, 2)] + [f"{v}_{last}" for v in ("skip", "both")]
    known = [name for name in names if m[name].control is not None]
    near = [name for name in known if _near(m[name])]
    published = ", ".join(f"{value:g}" for value in PUBLISHED["pure"].values())
    return (
        f"Without skips and MLP the residual of a network at BERT's initial values falls as {pure} over layers 0 "
        f"to 2 (published: {published}); with skips it is {m[f'skip_{last}']} at layer {last}, of whole layers "
        f"{m[f'both_{last}']}. {len(near)} of the {len(known)} published numbers lie within a factor of "
        f"{math.exp(WITHIN):.2g}."
    )


def _near(metric: Metric) -> bool:
    return bool(metric.value > 0 and metric.control and abs(math.log(metric.value / metric.control)) < WITHIN)


def _pretrained(m: Numbers, study: Study) -> str:
    missing = [name for name in ("MiniLM", "SmolLM2") if name not in study.pretrained]
    absent = f"{listed(missing)} not measured: not installed, or left out." if missing else ""
    said = [
        f"{name} falls to {m[f'{name.lower()}_pure']} without skips and keeps {m[f'{name.lower()}_both']} with them"
        for name in study.pretrained
    ]
    return " ".join(filter(None, (f"Pretrained, {listed(said)}." if said else "", absent)))


def _law(m: Numbers, study: Study) -> str:
    """Whether each factor is that of its dispersion, and of independent samples."""
    spikes = [s for s in study.params.spikes if math.isfinite(m[f"factor_{s}"].value)]
    factors = listed([f"{m[f'factor_{s}']} at {s} ({s**-0.5:.3g})" for s in spikes])
    apart = clear(
        {
            str(s): difference(estimate_of(m[f"factor_{s}"]), study.law.dispersion["spiking", s].factor)
            for s in spikes
        }
    )
    off = [s for s, sign in apart.items() if sign]
    agree = f"is not so at {listed(off)} spikes" if off else "holds within errors at every budget"
    return (
        "With independent spikes in every row the residual is not contracted but drawn anew: once rows agree, a "
        f"layer multiplies it by {factors}, 1/sqrt(N) in brackets. That this is sqrt(dispersion/N) of the "
        f"circuit's own counts {agree}."
    )


def _regular(m: Numbers, study: Study) -> str:
    most = max(study.params.spikes)
    ours, theory = m[f"regular_{most}"], m[f"regular_{most}"].control
    return (
        f"Regular cells obey another law, sqrt(n f (1 - f))/N with f the fraction of N/n: at {most} spikes the "
        f"factor is {ours} ({theory:.2g} by theory; random cells {m[f'factor_{most}']}), so they bring the "
        "collapse back with 1/N, since errors were what prevented it."
    )


def _shared(m: Numbers, study: Study) -> str:
    if "after_shared" not in m:
        return "Shared noise was not measured: this engine gives rows no streams."
    return (
        f"Rows that share their random numbers at {study.shown} spikes collapse as the exact network does: after "
        f"{min(4, study.params.depth)} layers their residual is {m['after_shared']:.1e}, that of rows with noise "
        f"of their own {m['after_spiking']:.1e}, that of softmax {m['after_softmax']:.1e}."
    )


def _says(m: Numbers, study: Study) -> str:
    names = ("says", "says_softmax")
    floor = m["says"].floor or 0.0
    guess = Estimate(value=floor, error=0.0)
    signs = clear({name: difference(estimate_of(m[name]), guess) for name in names})
    judged = "still says" if signs["says"] > 0 else "does not clearly say"
    exact = "does" if signs["says_softmax"] > 0 else "does not clearly"
    return (
        f"What spikes keep {judged} which token stands where: {study.params.budget} spikes leave a residual of "
        f"{study.probe['spiking'].size[study.informative]:.1e} after {study.informative} layers, from which a "
        f"linear probe reads {m['says']:.1%} of the tokens (chance {floor:.1%}). Softmax's, of "
        f"{study.probe['softmax'].size[study.informative]:.1e}, {exact}: {m['says_softmax']:.1%}; spikes with "
        f"skips {m['says_skip']:.1%}."
    )


def _sorting(m: Numbers, study: Study) -> str:
    floor, spiking, softmax = m["sort_spiking"].floor or 0.0, m["sort_spiking"], m["sort_softmax"]
    better = clear({"spikes": difference(estimate_of(spiking), estimate_of(softmax))})["spikes"]
    ratio = m["gradient_spiking"].value / max(m["gradient_softmax"].value, 1e-300)
    learn = choose(better, "and learn more", "and learn no more", "and learn less")
    return (
        f"At the start spikes keep {ratio:.3g} times softmax's gradient at queries and keys of the last of "
        f"{study.params.sort_layers} layers without skips (cosine of two draws {m['agreement_spiking']:.2f}), "
        f"{learn}: {spiking} of places sorted right against {softmax} (constant guess {floor:.2f}; with skips "
        f"{m['sort_skip']}, in spikes {m['sort_skip_spiking']}). Paths of length up to "
        f"{len(study.sorting.paths.up_to) // 2} alone give {m['paths_half']} of the {m['paths_all']}."
    )


def _circles(m: Numbers, study: Study) -> str:
    return (
        f"One layer, applied again and again, keeps two points apart in {m['circle_softmax']:.0%} of "
        f"{study.params.seeds} trainings without skips, {m['circle_spiking']:.0%} with spikes, and "
        f"{m['circle_skip']:.0%} with skips. Taught as published, {study.params.published_steps} steps at a "
        f"learning rate of {AS_PUBLISHED.learning_rate:g}, it keeps them apart in {m['circle_published']:.0%} "
        f"without skips and in {m['circle_published_skip']:.0%} with them."
    )
