"""The answer of adapt-language-model, from its numbers."""

from __future__ import annotations

from scenarios.adapt_language_model.measures import SOFTMAX, Study
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, mean, sign

__all__ = ["in_words"]


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    signs = clear(_differences(study))
    rise, control = _rise(m, study), _control(m, study, signs)
    return words(
        rise,
        control,
        _noise(m, study, signs),
        _others(m, study, signs),
        "" if study.own else _original(m, study),
        _focus(m, study, signs),
        _price(m, study),
        short=(rise, control, _noise(m, study, signs)),
    )


def _differences(study: Study) -> dict[str, Estimate]:
    """Every difference that a sentence calls clear or not."""
    apart = {f"{arm} at {n}": study.apart(arm, n) for arm in study.arms[1:] for n in study.params.budgets}
    apart |= {f"KL at {n}": study.kl_apart(study.shown, n) for n in study.params.budgets}
    focus = study.focus[study.shown] - study.focus[SOFTMAX]
    return {**apart, "focus": mean(focus.mean(axis=0))}


def _rise(m: Numbers, study: Study) -> str:
    n, before, gone = study.params.train_spikes[0], m["before"], m["gone"]
    start = f"With {study.chosen} simulated at {n} spikes a row the model loses {before} a token"
    if sign(before) <= 0:
        return f"{start}, which is no clear loss: there is nothing for learning to win back."
    word = choose(
        sign(gone),
        f"{gone} of the rise is gone",
        f"no clear part of the rise is gone ({gone})",
        f"the rise is larger than before (part gone: {gone})",
    )
    return (
        f"{start}; after {study.params.iterations} steps through the spikes it loses {m['after']} against softmax"
        f"{'' if study.own else ' that learnt as long'}: {word}."
    )


def _control(m: Numbers, study: Study, signs: dict[str, int]) -> str:
    """Whether it was the spikes in the loop, or the mere learning."""
    n = study.params.train_spikes[0]
    if study.own:
        word = choose(
            signs[f"{study.shown} at {n}"],
            "Learning hurts",
            "That learning helps is not clear",
            "Learning helps",
        )
        return f"{word}: against the same spikes in the model as it is, the loss changes by {m['apart']}."
    word = choose(
        signs[f"{study.shown} at {n}"],
        "Spikes in the loop help less than softmax in it does",
        "That spikes in the loop help more than softmax in it is not clear",
        "Spikes in the loop help more than softmax in it",
    )
    return (
        f"{word}: of the rise of a model that learnt with softmax {m['gone'].control:.2g} is gone (spikes less "
        f"softmax in the loop: {m['apart']})."
    )


def _noise(m: Numbers, study: Study, signs: dict[str, int]) -> str:
    """What the noise does to a prediction, whatever the text."""
    n = study.params.train_spikes[0]
    word = choose(
        signs[f"KL at {n}"], "clearly more than", "not clearly different from that", "clearly less than"
    )
    return (
        f"The KL of the next token at {n} spikes from softmax with the same weights was {m['kl_before']}; it is "
        f"{m['kl']} after learning, {word} with {study.control} ({m['kl'].control:.2g} nat)."
    )


def _others(m: Numbers, study: Study, signs: dict[str, int]) -> str:
    """Other budgets, in the loop and measured."""
    shown, said = study.params.train_spikes[0], []
    for arm in study.arms[1:]:
        for n in study.params.budgets:
            if (arm, n) == (study.shown, shown):
                continue
            name = f"{arm.replace(' spikes', '')}_at_{n}"
            word = choose(
                signs[f"{arm} at {n}"], "clearly more than", "not clearly different from", "clearly less than"
            )
            said.append(
                f"{arm} in the loop leave a rise of {m[f'after_{name}']} at {n} ({word} {study.control})"
            )
    return f"Elsewhere {listed(said)}." if said else ""


def _original(m: Numbers, study: Study) -> str:
    n, word = (
        study.params.train_spikes[0],
        choose(sign(m["original"]), "worse", "not clearly worse", "better"),
    )
    return (
        f"Learning the text changes the loss of softmax by {m['learnt']}; after it the spiking model at "
        f"{n} spikes is {word} than softmax as it was ({m['original']})."
    )


def _focus(m: Numbers, study: Study, signs: dict[str, int]) -> str:
    shown = study.shown.replace(" spikes", "")
    word = choose(signs["focus"], "clearly more", "not clearly fewer", "clearly fewer")
    return (
        f"A row attended to {m['keys']:.3g} keys; after learning with {study.shown} it attends to "
        f"{m[f'keys_{shown}']:.3g}, {word} than with {study.control} ({m[f'keys_{SOFTMAX}']:.3g})."
    )


def _price(m: Numbers, study: Study) -> str:
    if study.own:
        return f"{m['weights']:.0f} numbers were learnt; a step takes {m['seconds']:.2g} s on this machine."
    return (
        f"{m['weights']:.0f} numbers were learnt; on this machine a step with {study.shown} takes "
        f"{m['times']:.2g} times as long as one with softmax."
    )
