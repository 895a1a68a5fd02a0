"""The answer of adaptive-depth, from its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scenarios.adaptive_depth.lead import wald_choice, wald_spikes
from scenarios.adaptive_depth.numbers import NAMES
from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.sentences import against, choose, words
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of, mean

if TYPE_CHECKING:
    from scenarios.adaptive_depth.numbers import Study
    from scenarios.adaptive_depth.thinking import Ponder

__all__ = ["in_words"]


def in_words(metrics: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are decided by the numbers, corrected together."""
    signs = clear(_differences(metrics, study))
    law, price = _law(metrics, study, signs), _price(metrics, study, signs)
    thinks = [_ponder(metrics, ponder, study, signs) for ponder in study.ponders]
    return words(
        law,
        price,
        _regular(metrics, study, signs),
        _crowd(metrics, study, signs),
        _attention(metrics, study, signs),
        _likeness(metrics, study, signs),
        *thinks,
        short=(law, price, thinks[0]),
    )


def _differences(metrics: Numbers, study: Study) -> Mapping[str, Estimate]:
    """Every difference that a sentence speaks of."""
    gap, lead = study.gap, study.params.lead
    found = {
        "choice": _from(metrics["choice"], wald_choice(gap, lead)),
        "spent": _from(metrics["spent"], wald_spikes(gap, lead)),
        "regular": _from(metrics["choice_regular"], wald_choice(gap, lead)),
        "advantage": estimate_of(metrics["advantage"]),
        "advantage_regular": estimate_of(metrics["advantage_regular"]),
        "crowd": _from(metrics[f"beta_{study.races.crowds[-1].n_keys}"], 1.0),
    }
    if study.attention is not None:
        for name in ("top", "weights_error"):
            found[name] = difference(estimate_of(metrics[name]), estimate_of(metrics[f"{name}_fixed"]))
    if study.likeness is not None:
        found["alike"] = study.likeness.gained
    for ponder in study.ponders:
        at = ponder.halting
        many, few = estimate_of(metrics[f"many_{at}"]), estimate_of(metrics[f"few_{at}"])
        found[f"steps_{at}"] = difference(many, few)
        if "lead" in ponder.thoughts:
            lead_, equal = (estimate_of(metrics[f"parity_{at}_{kind}"]) for kind in ("lead", "equal"))
            found[f"lead_{at}"] = difference(lead_, equal)
    return found


def _from(metric: Metric, law: float) -> Estimate:
    return Estimate(value=metric.value - law, error=estimate_of(metric).error)


def _law(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    gap, lead, races = study.gap, study.params.lead, study.races
    choice, spent = (
        choose(signs[name], "clearly above", "not clearly off", "clearly below")
        for name in ("choice", "spent")
    )
    said = (
        f"A row that stops when one of two keys, {gap:g} apart in score, leads by {lead} spikes takes the "
        f"better one in {metrics['choice']} of rows after {metrics['spent']} spikes; Wald's law says "
        f"{wald_choice(gap, lead):.3f} ({choice}) and {wald_spikes(gap, lead):.2f} ({spent})"
    )
    near, far = (
        mean(races.at(races.led["random", lead], each(study.params.gaps)).spikes) for each in (min, max)
    )
    if len(study.params.gaps) == 1:
        return f"{said}."
    least, most = min(study.params.gaps), max(study.params.gaps)
    return f"{said}. Scores {least:g} apart take {near} spikes, {most:g} apart {far}."


def _price(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    word = choose(
        signs["advantage"], "more often right", "neither more nor less often right", "less often right"
    )
    worth = metrics["worth"]
    many = f"; a fixed number would have to be {worth} times as large" if worth.value == worth.value else ""
    n, _ = study.races.equal("random", study.params.lead)
    return (
        f"Over all differences of scores that is {word} than {n} spikes for every row, as "
        f"many in the mean: {metrics['accuracy']} against {metrics['accuracy'].control:.3f}{many}."
    )


def _regular(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    """Cells that fire in turn: another law."""
    law = wald_choice(study.gap, study.params.lead)
    softer = choose(signs["regular"], "more than", "not clearly more than", "less than")
    gained = choose(signs["advantage_regular"], "gains", "gains nothing clear", "loses")
    return (
        f"Cells that fire in turn take the better key in {metrics['choice_regular']} of rows after "
        f"{metrics['spent_regular']} spikes, {softer} the {law:.3f} of the law: their counts hardly vary. "
        f"So the lead {gained} over as large a fixed number ({metrics['accuracy_regular']} against "
        f"{metrics['accuracy_regular'].control:.3f} over all differences)."
    )


def _crowd(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    n = study.races.crowds[-1].n_keys
    word = choose(signs["crowd"], "sharper than", "not clearly off", "softer than")
    return (
        f"With {n} keys the lead over the runner-up is {word} the law of two: the fitted inverse "
        f"temperature is {metrics[f'beta_{n}']} of the lead, the distance to its softmax "
        f"{metrics[f'distance_{n}']:.3f} (exact choices {metrics[f'distance_{n}'].floor:.3f}, leads of "
        f"independent samples {metrics[f'distance_{n}'].control:.3f})."
    )


def _attention(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    attention = study.attention
    if attention is None:
        return ""
    top = choose(signs["top"], "more often", "as often as", "less often")
    top = top if top.startswith("as") else f"{top} than"
    spread = choose(signs["weights_error"], "worse", "neither better nor worse", "better")
    return (
        "In rows of MiniLM spikes follow the entropy of the attention (rank correlation "
        f"{metrics['rank']}); {metrics['unled']:.0%} of rows are stopped without a leader. The strongest "
        f"key is taken {top} with a fixed number of {attention.fixed_spikes} spikes "
        f"({against(metrics['top'], metrics['top_fixed'])}), but as a mean over values the weights are "
        f"{spread}: squared error {against(metrics['weights_error'], metrics['weights_error_fixed'])}."
    )


def _likeness(metrics: Numbers, study: Study, signs: Mapping[str, int]) -> str:
    likeness = study.likeness
    if likeness is None:
        return ""
    word = choose(signs["alike"], "better than", "not clearly different from", "worse than")
    return (
        f"On {likeness.n_pairs} pairs of sentences, judged by people, the model whose rows stop at a lead "
        f"({likeness.spikes['lead']:.1f} spikes in the mean) is {word} the one with {likeness.spikes['fixed']:.0f} "
        f"for every row: rank correlation {against(metrics['alike_lead'], metrics['alike_fixed'])}, softmax "
        f"{metrics['alike']}."
    )


def _ponder(metrics: Numbers, ponder: Ponder, study: Study, signs: Mapping[str, int]) -> str:
    at, n = ponder.halting, study.params.n_places
    word = choose(signs[f"steps_{at}"], "thinks longer", "thinks no longer", "thinks less long")
    beyond = metrics.get(f"beyond_{at}")
    new = f", {beyond} with more signs than it was shown" if beyond is not None else ""
    said = (
        f"A transformer that halts by {NAMES[at]} {word} about longer problems: {metrics[f'few_{at}']} "
        f"steps for one sign, {metrics[f'many_{at}']} for {n}; its parity is right in "
        f"{metrics[f'parity_{at}']}{new}, and in {metrics[f'depth_{at}'].control:.3f} of all if every "
        f"sequence stops after the mean number of steps (halting: {metrics[f'depth_{at}']:.3f})."
    )
    if "lead" not in ponder.thoughts:
        return said
    word = choose(
        signs[f"lead_{at}"],
        "more often",
        "neither more nor less often",
        "less often",
    )
    lead, equal = (metrics[f"parity_{at}_{kind}"] for kind in ("lead", "equal"))
    return (
        f"{said} With heads whose rows stop at a lead, {ponder.thoughts['lead'].spikes:.1f} spikes a row, "
        f"it is {word} right than with as many for every row ({against(lead, equal)})."
    )
