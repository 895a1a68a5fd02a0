"""The answer of binding-by-synchrony, from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.binding_by_synchrony.measures import APART
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, say, words
from scenarios.workbench.statistics import Estimate, clear, difference, mean

if TYPE_CHECKING:
    from scenarios.binding_by_synchrony.measures import Case, Study

__all__ = ["in_words"]


def in_words(m: Numbers, study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    signs = clear(_family(study))
    read, apart, controls = _read(m, study, signs), _apart(study), _controls(study, signs)
    return words(
        read, apart, controls, _model(study, signs), _window(m, signs), _unequal(study, signs), _spread(study),
        _given(), short=(read, apart, controls),
    )  # fmt: skip


def _family(study: Study) -> dict[str, Estimate]:
    """By times against every control and by rates against chance."""
    chance = Estimate(value=1 / study.params.n_objects, error=0.0)
    bound, *_ = study.cases.values()
    family = {name: difference(bound.times.accuracy, case.times.accuracy) for name, case in _others(study)}
    family |= {
        f"weight, {name}": difference(bound.times.weight, c.times.weight) for name, c in _others(study)
    }
    unequal = study.cases["objects of unequal rates"]
    delay_ms = study.params.delays[0]
    family |= {
        f"gap, {k}": difference(study.apart[delay_ms, k].gap, mean(study.models[1, k][:, 2]))
        for k in study.params.objects
    }
    return family | {
        "times": difference(bound.times.accuracy, bound.rates.accuracy),
        "rates": difference(bound.rates.accuracy, chance),
        "window": difference(study.window.accuracy, chance),
        "unequal": difference(unequal.rates.accuracy, chance),
    }


def _others(study: Study) -> list[tuple[str, Case]]:
    return [(name, case) for name, case in study.cases.items() if name != "bound"]


def _read(m: Numbers, study: Study, signs: dict[str, int]) -> str:
    better = choose(signs["times"], "clearly more", "not clearly more", "clearly fewer")
    above = choose(signs["rates"], "clearly above", "not clearly above", "clearly below")
    return (
        f"In scenes of {study.params.n_objects} objects at equal drive, attention that weighs shapes by "
        f"coincidence with a colour's volley picks the right one for {m['accuracy'].text()} of queries, {better} "
        f"than by rates ({m['rates'].text()}), which is {above} chance ({1 / study.params.n_objects:.2f})."
    )


def _apart(study: Study) -> str:
    said = [f"{study.capacity(d)} with inhibition after {d:g} ms" for d in study.params.delays]
    return (
        f"One cycle keeps apart {listed(said)}, of {study.params.objects[-1]} tried (Rand index of at least "
        f"{APART:g})."
    )


def _controls(study: Study, signs: dict[str, int]) -> str:
    said = []
    for name, case in study.cases.items():
        if name in ("bound", "objects of unequal rates"):
            continue
        worse = choose(signs[name], "clearly fewer", "not clearly fewer", "clearly more")
        weight = choose(signs[f"weight, {name}"], "clearly less", "not clearly less", "clearly more")
        said.append(
            f"{say(case.times.accuracy)} with {name} ({worse}; weight {say(case.times.weight)}, {weight})"
        )
    return f"At the same rates it picks {listed(said)}."


def _model(study: Study, signs: dict[str, int]) -> str:
    delay_ms, said = study.params.delays[0], []
    for k in study.params.objects:
        model, own = mean(study.models[1, k][:, 2]), study.apart[delay_ms, k].gap
        said.append(f"{k} objects {model.value:.2f} and {own.value:.2f}")
    even = listed([str(k) for k in study.params.objects if signs[f"gap, {k}"] > 0])
    return (
        "Smallest gap over even spacing, of phases that repel by one harmonic and of the circuit with inhibition "
        f"after {delay_ms:g} ms: {listed(said)}. The circuit "
        f"spaces {even or 'no number of'} objects clearly more evenly."
    )


def _window(m: Numbers, signs: dict[str, int]) -> str:
    if signs["window"] <= 0:
        return ""
    return (
        f"Counts in a window that all features share are not free of phase: by them {m['window'].text()} "
        "are right, since the volleys of an object are in or out at the edges together."
    )


def _unequal(study: Study, signs: dict[str, int]) -> str:
    case = study.cases["objects of unequal rates"]
    above = choose(signs["unequal"], "which is clearly", "which is not clearly", "which is not")
    return (
        f"Where drives of objects spread by {study.params.differ:.0%}, rates pick {say(case.rates.accuracy)} "
        f"right, {above} above chance, and times {say(case.times.accuracy)}: "
        "rates bind where they happen to differ (Shadlen and Movshon 1999)."
    )


def _spread(study: Study) -> str:
    worst, params = study.params.spreads[-1], study.params
    said = [f"{say(study.spread[c, worst][0])} with coupling {c:g}" for c in params.couplings]
    return (
        f"Where drives of features spread by {worst:.0%} within objects, as contrast makes them (Ray and Maunsell "
        f"2010), the Rand index is {listed(said)}."
    )


def _given() -> str:
    return (
        "Which cells belong together is given here, by their couplings; spike times carry it to the reader."
    )
