"""The answer of parse-geometry, from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of

if TYPE_CHECKING:
    from scenarios.parse_geometry.measures import Study

__all__ = ["in_words"]


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    signs = clear(
        {
            "linear": _apart(m["uuas"], m["uuas_linear"]),
            "untrained": _apart(m["uuas"], m["uuas_untrained"]),
            "embedding": _apart(m["uuas"], m["uuas_layer_0"]),
            **{str(n): _apart(m[f"uuas_{n}"], m["uuas"]) for n in study.params.spikes},
        }
    )
    tree, price, why = _tree(m, study, signs), _price(m, study, signs), _why(m, study, signs)
    return words(
        tree, price, _attention(m, study), why, _geometry(m, study), _warning(study), short=(tree, price, why)
    )


def _apart(a: Metric, b: Metric) -> Estimate:
    return difference(estimate_of(a), estimate_of(b))


def _tree(m: Numbers, study: Study, signs: dict[str, int]) -> str:
    word = choose(signs["linear"], "above", "not clearly different from", "below")
    where = study.params.trees or "sentences of a small grammar"
    return (
        f"On {where}, {len(study.trees)} sentences held out, a probe of the exact model's layer {study.best} has "
        f"{m['uuas']} of the tree's edges right, {word} the distance in the sentence ({m['uuas_linear']}); DSpr "
        f"{m['dspr']} ({m['dspr_linear']})."
    )


def _price(m: Numbers, study: Study, signs: dict[str, int]) -> str:
    said = [
        f"{m[f'uuas_{n}']} at {n} ({choose(signs[str(n)], 'above', 'not clearly different', 'clearly below')})"
        for n in study.params.spikes
    ]
    return (
        f"With all heads simulated it is {listed(said)} spikes a row; at {study.shown} regular cells have "
        f"{m['uuas_regular']} and samples {m['uuas_samples']}."
    )


def _attention(m: Numbers, study: Study) -> str:
    budgets = listed([f"{m[f'attention_{n}']:.3f} at {n}" for n in study.params.spikes])
    return (
        f"From the weights of all heads a linear classifier sees a dependency in {m['attention']} of pairs "
        f"(published for BERT: .858; chance .5; untrained {m['attention_untrained']:.3f}), from spikes {budgets}."
    )


def _why(m: Numbers, study: Study, signs: dict[str, int]) -> str:
    trained = choose(
        signs["untrained"], "comes from training", "is not clearly due to training", "is not trained"
    )
    layers = choose(
        signs["embedding"],
        "attention adds to the embeddings",
        "the embeddings have as much",
        "the embeddings have more",
    )
    return (
        f"The tree {trained}: the same network with fresh weights has {m['uuas_untrained']} there; and {layers}, "
        f"{m['uuas_layer_0']} at layer 0."
    )


def _geometry(m: Numbers, study: Study) -> str:
    random = listed([f"{m[f'random_{d}']:.2f} in {d}" for d in study.geometry.dimensions])
    return (
        f"A tree fits squared distances exactly (error {m['worst']:.1g}), and needs no learning for that: with a "
        f"random direction for each edge, the spanning tree of 20 words has {random} dimensions."
    )


def _warning(study: Study) -> str:
    if study.params.rank <= study.n_fit:
        return ""
    return (
        f"A warning: the probe has {study.params.rank} dimensions for {study.n_fit} sentences, more than they can "
        "fit; give more sentences or a smaller rank."
    )
