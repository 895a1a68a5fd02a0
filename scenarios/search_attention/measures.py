"""Data, numbers and sentences of search-attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.search_attention.solutions import CLEAN, FAMILIES, NOISY, SOLVED, Found, Searched, family_of
from scenarios.search_attention.untrained import Candidates
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, estimate_of, mean, rank_correlation, sign
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.search_attention import Params

__all__ = ["Study", "in_data", "in_numbers", "in_words"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was searched, tuned and scored."""

    params: Params
    searched: Mapping[str, Searched]
    curve: np.ndarray  # (n_alphas, n_seeds, n_windows) nats
    candidates: Candidates

    @property
    def shifts(self) -> dict[float, Estimate]:
        """Loss at each alpha less that at 0, seed by seed; each seed a sample, the same windows in all."""
        zero = self.curve[self.params.all_alphas.index(0.0)].mean(axis=1)
        return {
            alpha: mean(loss.mean(axis=1) - zero)
            for alpha, loss in zip(self.params.all_alphas, self.curve, strict=True)
            if alpha
        }

    def noisy(self) -> list[tuple[str, Found]]:
        """The best expression of each family with noisy queries, the best first."""
        best = ((family, self.searched[NOISY].most(family)) for family in FAMILIES)
        known = [(family, found) for family, found in best if found is not None]
        return sorted(known, key=lambda entry: -entry[1].recall)


def in_data(study: Study) -> xr.Dataset:
    """Expressions by number of operations, the curve over alpha, and the models that were scored."""
    counted = [study.searched[name].n_expressions for name in (CLEAN, NOISY)]
    noisy = study.noisy()
    loss = [mean(of_alpha.mean(axis=1)) for of_alpha in study.curve]
    candidates = study.candidates
    return xr.Dataset(
        {
            "expressions": column(("search", "operations"), counted, "distinct expressions"),
            "recall": column("family", [found.recall for _, found in noisy], "queries read back"),
            "best": column("family", [found.text for _, found in noisy], "expression"),
            "length": column("family", [found.n_operations for _, found in noisy], "operations"),
            **estimate_column("loss", "alpha", loss, "held-out loss", "nat"),
            "score": column("model", candidates.score, "score without training"),
            "n_parameters": column("model", candidates.n_parameters, "parameters"),
            "trained_loss": column("model", candidates.loss, "held-out loss", "nat"),
        },
        {
            "search": [CLEAN, NOISY],
            "operations": column("operations", np.arange(len(counted[0])), "operations"),
            "family": [family for family, _ in noisy],
            "alpha": column("alpha", study.params.all_alphas, "alpha"),
        },
    )


def in_numbers(study: Study, rng: np.random.Generator) -> dict[str, Metric]:
    """Sizes of the search, the shortest solutions, recall in noise, the shift by alpha, the scores."""
    lines, clean = Lines(), study.searched[CLEAN]
    for n, counted in enumerate(clean.n_expressions):
        if n:
            lines.add(f"expressions_{n}", f"distinct expressions of {n} operations", float(counted))
    for family in ("linear", "softmax", "column softmax", "relu"):
        found = clean.fewest(family)
        lines.add(
            f"operations_{_id(family)}",
            f"operations of the shortest solution, {family}",
            np.nan if found is None else float(found.n_operations),
            note="none that long" if found is None else f"{found.text}, recall {found.recall:.3f}",
        )
    n_queries = study.params.draws * study.params.n_items
    for family, found in study.noisy():
        error = float(np.sqrt(max(found.recall * (1 - found.recall), 1 / n_queries) / n_queries))
        lines.add(
            f"noisy_{_id(family)}",
            f"noisy queries read back, {family}",
            Estimate(value=found.recall, error=error),
            floor=1 / study.params.n_items,
            note=f"{found.text}, {found.n_operations} operations; the best of its family, chosen on other draws",
        )
    for alpha, shift in study.shifts.items():
        lines.add(f"alpha_{alpha:g}", f"loss at alpha {alpha:g} less that at 0", shift, unit="nat", floor=0)
    of = study.candidates
    score, p = rank_correlation(of.score, -of.loss, rng)
    size, _ = rank_correlation(of.n_parameters, -of.loss, rng)
    lines.add(
        "score",
        "rank correlation of the score without training with trained models' success",
        score,
        floor=0,
        control=size,
        note=f"p = {p:.2g}; control: the number of parameters",
    )
    lines.add("score_size", "– of the number of parameters", size)
    return lines.metrics


def in_words(study: Study, metrics: Mapping[str, Metric]) -> Words:
    """What is met first, what circuits offer, and what the two shortcuts are worth."""
    first = _on_first(study)
    noise = _on_noise(study)
    shortcuts = _on_shortcuts(study, metrics)
    return words(first, noise, shortcuts, short=(first, noise, shortcuts))


def _on_first(study: Study) -> str:
    clean = study.searched[CLEAN]
    total = f"{sum(clean.n_expressions[1:]):,}"
    if not clean.solved:
        return f"None of {total} expressions of up to {study.params.operations} operations reads {SOLVED:.0%} back."
    shortest = clean.solved[0]
    later = [
        f"{family} with {found.n_operations}"
        for family in FAMILIES
        if family != family_of(shortest.text) and (found := clean.fewest(family)) is not None
    ]
    others = f"; {listed(later)} operations come later" if later else ""
    return (
        f"The first of {total} expressions to read values back is {shortest.text}, {family_of(shortest.text)} "
        f"attention, with {shortest.n_operations} operations{others}."
    )


def _on_noise(study: Study) -> str:
    (family, found), *_ = ranked = study.noisy()
    linear = next((other for name, other in ranked if name == "linear"), None)
    spikes = next((other for name, other in ranked if name == "spikes"), None)
    said = [
        f"{other.text} {other.recall:.1%}"
        for name, other in (("spikes", spikes), ("linear", linear))
        if other is not None and name != family
    ]
    against = f", {listed(said)}" if said else ""
    return f"With noisy queries {found.text} reads back most, {found.recall:.1%}{against}."


def _on_shortcuts(study: Study, metrics: Mapping[str, Metric]) -> str:
    shifts = study.shifts
    signs = clear({str(alpha): shift for alpha, shift in shifts.items()})
    better, worse = ([f"{a:g}" for a in shifts if signs[str(a)] == sign] for sign in (-1, 1))
    parts = [
        f"{word} the loss with alpha {listed(some)}"
        for word, some in (("lowers", better), ("raises", worse))
        if some
    ]
    curve = " and ".join(parts) if parts else "changes the loss clearly at no alpha"
    score, size = (estimate_of(metrics[name]) for name in ("score", "score_size"))
    ahead = sign(Estimate(value=score.value - size.value, error=float(np.hypot(score.error, size.error))))
    than = choose(ahead, "better than", "no clearly better or worse than", "worse than")
    return (
        f"Adding alpha times their softmax over positions to the values {curve}; a score without training ranks "
        f"models with {metrics['score']}, {than} their number of parameters with {metrics['score_size']}."
    )


def _id(family: str) -> str:
    return family.replace(" ", "_")
