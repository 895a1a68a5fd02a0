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
            **{str(n): _apart(m[f"uuas_{n}"], m["uuas"]) for n in _budgets(study)},
            "learnt": _apart(m["grammar_softmax"], m["grammar_fresh"]),
            **(
                {"spiking": _apart(m["grammar_spikes"], m["grammar_softmax"])}
                if "grammar_spikes" in m
                else {}
            ),
        }
    )
    tree, price, why = _tree(m, study, signs), _price(m, study, signs), _why(m, study, signs)
    return words(
        tree, price, _attention(m, study), why, _learnt(m, study, signs), _geometry(m, study), _warning(study),
        short=(tree, price, why),
    )  # fmt: skip


def _budgets(study: Study) -> tuple[int, ...]:
    return study.params.spikes if "spiking" in study.params.heads else ()


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
        for n in _budgets(study)
    ]
    others = [
        f"{of} have {m[name]}"
        for of, name in (("regular cells", "uuas_regular"), ("samples", "uuas_samples"))
        if name in m
    ]
    spiking = f"With all heads simulated it is {listed(said)} spikes a row" if said else ""
    apart = f"at {study.params.shown} a row {listed(others)}" if others else ""
    answer = "; ".join(filter(None, (spiking, apart)))
    return f"{answer[0].upper()}{answer[1:]}." if answer else ""


def _attention(m: Numbers, study: Study) -> str:
    budgets = [f"{m[f'attention_{n}']:.3f} at {n}" for n in _budgets(study)]
    spiking = f", from spikes {listed(budgets)}" if budgets else ""
    return (
        f"From the weights of all heads a linear classifier sees a dependency in {m['attention']} of pairs "
        f"(published for BERT: .858; chance .5; untrained {m['attention_untrained']:.3f}){spiking}."
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


def _learnt(m: Numbers, study: Study, signs: dict[str, int]) -> str:
    trees = choose(signs["learnt"], "more trees than", "not clearly more trees than", "fewer trees than")
    answer = (
        f"A small model that has learnt hidden words of the grammar ({m['guess_softmax']:.2f} nats each, "
        f"{m['guess_fresh']:.2f} before) has {trees} before it: {m['grammar_softmax']} of the edges at layer "
        f"{study.learnts.best}, {m['grammar_softmax_layer_0']} in its embeddings, before training at best "
        f"{m['grammar_fresh']}, the distance in the sentence {m['grammar_linear']}"
    )
    if "spiking" not in signs:
        return answer + "."
    apart = choose(signs["spiking"], "more than", "not clearly different from", "less than")
    return (
        f"{answer}. The same that learns and reads with {study.params.shown} spikes a row has "
        f"{m['grammar_spikes']}, {apart} with softmax ({m['guess_spikes']:.2f} nats)."
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
