"""Sentences of hard-for-transformers, each decided by the numbers of its run."""

from __future__ import annotations

from collections.abc import Mapping

from scenarios.hard_for_transformers.dilution import COOLED, FIXED
from scenarios.hard_for_transformers.measures import NEARLY_ALL, SOFTMAX, Study, name_of
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.readers import Reader, reader_id
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, mean, mean_over_seeds

__all__ = ["in_words"]

Numbers = Mapping[str, Metric]
KEPT = 0.95  # of the bit that a guess lacks


def in_words(study: Study, metrics: Numbers) -> Words:
    """What dilutes and what does not, the first symbol and parity, and what models that learn make of it."""
    signs = clear(_compared(study))
    diluted = _on_dilution(study, metrics, signs)
    votes, strings = _on_votes(study, metrics, signs), _on_strings(study, metrics)
    return words(
        diluted,
        votes,
        _on_horizons(study),
        _on_leads(study, metrics),
        strings,
        _on_parity_in_spikes(study, signs),
        _on_learning(study, metrics, signs),
        short=(diluted, votes, strings),
    )


def _compared(study: Study) -> dict[str, Estimate]:
    """Differences that sentences speak of, tested together."""
    few, most = study.params.keys[0], study.most
    exact = study.learnt[SOFTMAX, "none"]
    apart = {
        "diluted": difference(study.weight(SOFTMAX, FIXED, few), study.weight(SOFTMAX, FIXED, most)),
        "cooled": mean(study.rows[SOFTMAX, COOLED, most].weight - study.rows[SOFTMAX, FIXED, most].weight),
        "put in": mean_over_seeds((study.learnt[SOFTMAX, "put in"] - exact)[:, -1]),
        "learnt": mean_over_seeds((study.learnt[SOFTMAX, "learnt"] - exact)[:, -1]),
        "lengths": difference(study.right(SOFTMAX, "none", 0), study.right(SOFTMAX, "none")),
    }
    for reader in study.params.readers:
        weight = study.weight(SOFTMAX, FIXED, most)
        apart[f"vote {reader_id(reader)}"] = difference(study.won(reader, FIXED, most), weight)
        chance = mean(study.strings["parity", reader, "none", most].right - 0.5)
        apart[f"parity {reader_id(reader)}"] = chance
    return apart


def _on_dilution(study: Study, metrics: Numbers, signs: Mapping[str, int]) -> str:
    few, most = study.params.keys[0], study.most
    fall = choose(signs["diluted"], "falls", "changes, not clearly,", "rises")
    cured = choose(signs["cooled"], "keeps", "gives, not clearly another,", "keeps only")
    return (
        f"At fixed weights softmax's weight on the right key {fall} from {metrics[f'weight_{few}']} among {few} "
        f"keys to {metrics['weight']} among {most}, where the law predicts {metrics['weight'].control:.3f}; with "
        f"scores times ln n the row {cured} {metrics['weight_cooled']}. Softmax over the best four keeps "
        f"{metrics['weight_top']}, over the keys within {study.params.window:g} nats of the best "
        f"{metrics['weight_window']}."
    )


def _on_votes(study: Study, metrics: Numbers, signs: Mapping[str, int]) -> str:
    """What the first spike wins, and what the most spikes do."""
    if not study.params.readers:
        return ""
    spikes, kinds = study.params.spikes, list(dict.fromkeys(kind for kind, _ in study.params.readers))

    def won(n: int) -> str:
        parts = [f"{metrics[f'won_{kind}_{n}']} ({name_of((kind, n))})" for kind in kinds]
        return listed(parts)

    first: Reader = (kinds[0], spikes[0])
    against = choose(
        signs[f"vote {reader_id(first)}"], "more than", "not clearly another share than", "less than"
    )
    said = f"By {name_of(first)} the right key wins {against} softmax's weight: {won(spikes[0])} of the rows."
    said += f" With scores times ln n {metrics[f'won_{reader_id(first)}_cooled']} ({name_of(first)})."
    if len(spikes) == 1:
        return said
    sign = signs[f"vote {reader_id((kinds[0], spikes[-1]))}"]
    voted = choose(
        sign, "A vote does not dilute as a mean does", "A vote is not clearly better", "A vote is worse"
    )
    return f"{said} {voted}: the key with most spikes is the right one in {won(spikes[-1])}."


def _on_horizons(study: Study) -> str:
    """Up to how many keys each vote is nearly always right."""
    held = {reader: study.horizon(reader) for reader in study.params.readers}
    said = [f"{n} keys by {name_of(reader)}" for reader, n in held.items() if n]
    if not said:
        return ""
    return f"It wins at least {NEARLY_ALL:.0%} of the rows up to {listed(said)}."


def _on_leads(study: Study, metrics: Numbers) -> str:
    said = []
    for kind, lead in (way for way in study.ways if way[0].endswith("_lead")):
        name = f"{kind}_{lead}"
        spent = metrics[f"spent_{name}"]
        said.append(
            f"{name_of((kind, lead))} wins {metrics[f'won_{name}']} after {spent} spikes, where "
            f"{study.params.keys[0]} keys take {spent.control:.1f}"
        )
    if not said:
        return ""
    return (
        f"A row that waits until one key leads pays for more keys in spikes: {listed(said)}; with the falling "
        f"temperature it takes {listed([f'{metrics[name]}' for name in metrics if _is_cooled_lead(name)])}."
    )


def _is_cooled_lead(name: str) -> bool:
    return name.startswith("spent_") and name.endswith("_cooled")


def _on_strings(study: Study, metrics: Numbers) -> str:
    """Which of both functions each remedy makes easy."""
    remedies = {"log": "scores times ln n", "norm": "layer norm", "exact_norm": "layer norm without epsilon"}
    cured = {
        function: [
            name for key, name in remedies.items() if metrics[f"bits_{function}_{key}"].value < 1 - KEPT
        ]
        for function in ("first", "parity")
    }
    return (
        f"Of {study.most} bits the first leaves {metrics['bits_first_none']} and parity "
        f"{metrics['bits_parity_none']} of cross-entropy, a guess 1. What makes the first easy: "
        f"{listed(cured['first']) or 'none of the remedies'}; parity: {listed(cured['parity']) or 'none of them'}."
    )


def _on_parity_in_spikes(study: Study, signs: Mapping[str, int]) -> str:
    readers = study.params.readers
    if not readers:
        return ""
    above = [name_of(r) for r in readers if signs[f"parity {reader_id(r)}"] > 0]
    which = listed(above) if above else "no number of spikes"
    few = study.params.keys[0]

    def right(reader: Reader) -> Estimate:
        return mean(study.strings["parity", reader, "none", few].right)

    best = max(readers, key=lambda reader: right(reader).value)
    return (
        f"Through spikes the parity of {study.most} bits is clearly better than a guess by {which}; of {few} bits "
        f"at best {right(best)} of the answers are right, by {name_of(best)}."
    )


def _on_learning(study: Study, metrics: Numbers, signs: Mapping[str, int]) -> str:
    params = study.params
    fewest, most = params.test_keys[0], params.test_keys[-1]
    falls = choose(signs["lengths"], "falls", "changes, not clearly,", "rises")
    put_in, learnt = (
        choose(signs[change], "more", "not clearly another share", "less") for change in ("put in", "learnt")
    )
    spikes = ", ".join(
        f"{metrics[f'retrieved_{reader_id(reader)}']} by {name_of(reader)}"
        for reader in params.readers
        if reader[1] in (params.spikes[0], params.spikes[-1])
    )
    return (
        f"A model trained with at most {params.train_keys} pairs {falls} from {metrics['retrieved_short']} of "
        f"{fewest} to {metrics['retrieved_softmax']} of {most}. With ln n put in afterwards it gives back "
        f"{put_in}, {metrics['retrieved_softmax_put_in']}, with ln n in training {learnt}, "
        f"{metrics['retrieved_softmax_learnt']}{'; ' if spikes else ''}{spikes}."
    )
