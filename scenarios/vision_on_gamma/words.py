"""The answer of vision-on-gamma, from its numbers."""

from __future__ import annotations

from scenarios.vision_on_gamma.measures import SOFTMAX, TASKS, UNIFORM, Study
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear

__all__ = ["in_words"]

SHORT = {"matched": "patches matched", "retrieved": "digits retrieved", "probed": "digits probed"}


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    signs = clear(_differences(study))
    tasks, against = _tasks(m, study, signs), _against(study, signs)
    maps, price = _maps(m, study), _price(m, study)
    return words(tasks, _fewest(study, signs), against, maps, price, short=(tasks, maps or against, price))


def _differences(study: Study) -> dict[str, Estimate]:
    """Every difference that a sentence calls clear or not."""
    found = {f"{task} {n}": study.change(task, "spikes", n) for task in TASKS for n in study.params.spikes}
    if "samples" in study.kinds:
        n = study.params.shown
        found |= {f"{task} samples": study.change(task, "spikes", n, over="samples") for task in TASKS}
    return found


def _tasks(m: Numbers, study: Study, signs: dict[str, int]) -> str:
    n, said = study.params.shown, []
    for task, what in SHORT.items():
        word = choose(signs[f"{task} {n}"], "clearly more", "no clear difference", "clearly less")
        said.append(f"{m[task]:.1%} of {what} where softmax has {m[f'{task}_softmax']:.1%} ({word})")
    return f"With {study.chosen} of the vision model simulated at {n} spikes a row, {listed(said)}."


def _fewest(study: Study, signs: dict[str, int]) -> str:
    """The least budget at which nothing is clearly lost."""
    budgets = study.params.spikes
    lossy = [n for n in budgets if any(signs[f"{task} {n}"] < 0 for task in TASKS)]
    if budgets[-1] in lossy:
        return f"At {budgets[-1]} spikes a row something is still clearly lost."
    first = next(n for n in budgets if not lossy or n > lossy[-1])
    uniform = listed([f"{study.share(task, UNIFORM):.1%} of {what}" for task, what in SHORT.items()])
    return (
        f"From {first} spikes a row nothing is clearly lost on these images; uniform attention has {uniform}."
    )


def _against(study: Study, signs: dict[str, int]) -> str:
    """Spikes against as many samples, in what they do and in how far the vectors turn."""
    if "samples" not in study.kinds:
        return ""
    n = study.params.shown
    better = [what for task, what in SHORT.items() if signs[f"{task} samples"] > 0]
    worse = [what for task, what in SHORT.items() if signs[f"{task} samples"] < 0]
    turned = {kind: float(study.turned[study.trial(kind, n)].mean()) for kind in study.kinds}
    said = [
        f"{word} {listed(some)}"
        for word, some in (("clearly more", better), ("clearly fewer", worse))
        if some
    ]
    outcome = " and ".join(said) if said else "no clear difference in what is recognised"
    return (
        f"As many independent samples turn a digit's vector {turned['samples'] / turned['spikes']:.2g} times as "
        f"far from softmax's; against them the circuit has {outcome}."
    )


def _maps(m: Numbers, study: Study) -> str:
    if not study.has_maps:
        return ""
    return (
        f"The map of what is salient correlates with that by {SOFTMAX} at {m['map']}; with uniform attention at "
        f"{study.likeness(UNIFORM)}."
    )


def _price(m: Numbers, study: Study) -> str:
    n = study.params.shown
    return (
        f"On this machine the simulation takes {m[f'time_{n}']} times as long as softmax at {n} spikes a row."
    )
