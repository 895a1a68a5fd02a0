"""The answer of crick-koch, from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.crick_koch.knocked import N_INH
from scenarios.workbench.outcome import Words
from scenarios.workbench.sentences import choose, listed, say, words
from scenarios.workbench.statistics import Estimate, clear, difference

if TYPE_CHECKING:
    from scenarios.crick_koch.measures import Study

__all__ = ["in_words"]


def in_words(study: Study) -> Words:
    """In short, and a paragraph; comparisons are corrected together."""
    memory, visits, lessons, whole = study.memory, study.visits, study.lessons, study.knocked[0]
    floor = Estimate(value=whole.expected, error=0.0)
    signs = clear(
        {
            "memory": difference(memory.success("gamma"), memory.success("off")),
            "covered": difference(visits.covered(visits.visited), visits.covered(visits.without)),
            "penumbra": difference(whole.penumbra, floor),
            "learnt": difference(lessons.success("loop", "off"), lessons.success("in turn", "off")),
            "asked": difference(lessons.success("loop", "off"), lessons.success("loop", "loop")),
            "never": difference(lessons.success("off", "off"), lessons.success("loop", "off")),
            **{f"unsteady_{k.left}": difference(k.unsteady, whole.unsteady) for k in study.knocked[1:]},
        }
    )
    loaded, moved, tail = _memory(study, signs), _visits(study, signs), _penumbra(study, signs)
    parts = (loaded, moved, tail, _lessons(study, signs), _knocked(study, signs))
    return words(*parts, short=(loaded, moved, tail))


def _memory(study: Study, signs: dict[str, int]) -> str:
    params, memory = study.params, study.memory
    word = choose(signs["memory"], "clearly more than", "not clearly other than", "clearly less than")
    return (
        f"A burst of {params.burst_ms:g} ms leaves in facilitating synapses which item it attended: after "
        f"{params.delay_ms:g} ms {params.read_spikes} spikes read it right in {say(memory.success('gamma'))} of "
        f"rows, {word} after a burst of as many spikes without the loop ({say(memory.success('off'))}; chance "
        f"{1 / params.n_keys:.2f})."
    )


def _visits(study: Study, signs: dict[str, int]) -> str:
    visits = study.visits
    word = choose(signs["covered"], "clearly more than", "not clearly more than", "clearly fewer than")
    return (
        f"With inhibition of return one volley after another visits {visits.covered(visits.visited):.2f} of the "
        f"places in as many visits, {word} without it ({visits.covered(visits.without):.2f}), the more salient the "
        f"sooner (rank correlation {say(visits.order)})."
    )


def _penumbra(study: Study, signs: dict[str, int]) -> str:
    whole = study.knocked[0]
    word = choose(signs["penumbra"], "clearly more than", "not clearly other than", "clearly less than")
    return (
        f"Around the best item lies a penumbra of {say(whole.penumbra)} of the spikes, {word} a softmax's "
        f"({whole.expected:.3f})."
    )


def _lessons(study: Study, signs: dict[str, int]) -> str:
    lessons = study.lessons
    learnt = choose(signs["learnt"], "clearly more than", "not clearly more than", "clearly fewer than")
    asked = choose(signs["asked"], "clearly more than", "not clearly other than", "clearly fewer than")
    never = choose(signs["never"], "clearly more", "no clear difference", "clearly fewer")
    return (
        f"After {lessons.showings[-1]} showings of every pair a colour alone calls up its shape in "
        f"{say(lessons.success('loop', 'off'))} of queries without the loop, {asked} with it "
        f"({say(lessons.success('loop', 'loop'))}) and {learnt} where every colour was shown with all shapes "
        f"in turn ({say(lessons.success('in turn', 'off'))}; chance {1 / lessons.n_pairs:.2f}); learnt without the "
        f"loop as well it is {say(lessons.success('off', 'off'))} ({never})."
    )


def _knocked(study: Study, signs: dict[str, int]) -> str:
    said = []
    for k in study.knocked:
        steadier = "" if k.left == study.knocked[0].left else choose(
            signs[f"unsteady_{k.left}"], ", clearly less steady", "", ", clearly steadier"
        )  # fmt: skip
        said.append(
            f"{k.left}: beta {k.beta:.2f}, {k.rhythmic.value:.0%} of rows with a rhythm, totals spread by "
            f"{k.unsteady:.2f}{steadier}"
        )
    return f"With I cells knocked down, of {N_INH} left {listed(said)}."
