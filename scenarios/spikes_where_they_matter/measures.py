"""Numbers of spikes-where-they-matter: what each split loses, against even budgets at as many spikes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.spikes_where_they_matter.plans import Plan
from scenarios.spikes_where_they_matter.sensitivity import Needs
from scenarios.spikes_where_they_matter.sentence_pairs import WAYS, Sentences
from scenarios.spikes_where_they_matter.writing import Written
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.reading import KL, LOSS, SAME, SECONDS, SPIKES
from scenarios.workbench.sentence_vectors import spearman
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.tables import column

if TYPE_CHECKING:
    from scenarios.spikes_where_they_matter import Params

__all__ = ["Study", "in_data", "in_numbers"]


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured."""

    params: Params
    needs: Needs
    plans: Sequence[Plan]
    measured: np.ndarray  # (1 + n_plans, n_windows, n_measures), softmax first
    law: Mapping[str, np.ndarray]  # label of a plan -> KL by the law on the windows chosen on
    written: Written
    sentences: Sentences | None

    def plan(self, split: str, spikes: int | None = None, *, random: bool = False) -> Plan:
        """The plan of that split, at the budget of the headline unless another is given."""
        wanted = (split, self.params.shown if spikes is None else spikes, random)
        return next(plan for plan in self.plans if (plan.split, plan.spikes, plan.random) == wanted)

    def at(self, plan: Plan) -> np.ndarray:
        """(n_windows, n_measures)."""
        return self.measured[1 + self.plans.index(plan)]

    def rise(self, plan: Plan) -> Estimate:
        """Nats a token lost against softmax on the same windows."""
        return mean(self.at(plan)[:, LOSS] - self.measured[0, :, LOSS])

    def ratio(self, plan: Plan) -> Estimate:
        """Perplexity over softmax's: the exponential of that."""
        return _exponential(self.rise(plan))

    def of(self, measure: int, plan: Plan) -> Estimate:
        """Mean over windows of KL, same token, or spikes per row."""
        return mean(self.at(plan)[:, measure])

    def time(self, plan: Plan) -> float:
        """Median over windows of the time over softmax's."""
        return float(np.median(self.at(plan)[:, SECONDS] / self.measured[0, :, SECONDS]))

    def log_gain(self, plan: Plan) -> Estimate:
        """Logarithm of the KL of even budgets over this plan's, the same cells at as many spikes, by window.

        Between budgets, and a little beyond the last, the even KL follows a power law.
        """
        return mean(self._even(plan) - np.log(self.at(plan)[:, KL]))

    def gain(self, plan: Plan) -> Estimate:
        """The exponential of that."""
        return _exponential(self.log_gain(plan))

    def _even(self, plan: Plan) -> np.ndarray:
        """Logarithm of the KL of even budgets at the spikes that a plan took, (n_windows,)."""
        if plan.random:
            return np.log(self.at(self.plan("even", random=True))[:, KL])
        even = [self.at(self.plan("even", n)) for n in self.params.spikes]
        kl = np.log([each[:, KL] for each in even])  # (n_budgets, n_windows)
        if len(even) == 1:
            return kl[0]
        spent = np.log([each[:, SPIKES].mean() for each in even])
        at = np.log(self.at(plan)[:, SPIKES].mean())
        n = int(np.clip(np.searchsorted(spent, at), 1, len(spent) - 1))
        return kl[n - 1] + (kl[n] - kl[n - 1]) * (at - spent[n - 1]) / (spent[n] - spent[n - 1])

    def head_spikes(self) -> np.ndarray:
        """Spikes per row of each head by the plan shown, on the windows chosen on, (n_places,)."""
        return self.plan("split").scale * self.needs.spread.mean(axis=1)

    def layer_spikes(self) -> np.ndarray:
        """Mean over a layer's heads."""
        layer = np.array([place[0] for place in self.needs.places])
        return np.array([self.head_spikes()[layer == one].mean() for one in np.unique(layer)])

    def position_spikes(self) -> np.ndarray:
        """Mean over heads at each place of the text, (length,)."""
        return (self.plan("split").scale[:, None] * self.needs.spread).mean(axis=0)


def _exponential(log: Estimate) -> Estimate:
    return Estimate(value=float(np.exp(log.value)), error=float(np.exp(log.value) * log.error))


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, params, shown = Lines(), study.params, study.plan("split")
    softmax = mean(study.measured[0, :, LOSS])
    n = params.shown
    lines.add(
        "ratio",
        f"perplexity over softmax's, keys, rows and heads unequal, mean of {n} spikes a row",
        study.ratio(shown),
        control=study.ratio(study.plan("even")),
        note="control: as many for every row",
    )
    lines.add(
        "gain",
        "– KL of even budgets at as many spikes, over this",
        study.gain(shown),
        control=study.gain(study.plan("split", random=True)),
        note="control: the same split of random cells",
    )
    lines.add("same", "– same most probable token", study.of(SAME, shown))
    lines.add("perplexity", "perplexity of softmax", _exponential(softmax))
    for plan in study.plans:
        _plan(lines, study, plan)
    head = np.sort(study.head_spikes())[::-1]
    most = head[: max(1, len(head) // 10)]
    lines.add("heads_share", "share of all spikes in the tenth of heads with most", most.sum() / head.sum())
    if study.sentences is not None:
        _sentences(lines, study.sentences)
    return lines.metrics


def _plan(lines: Lines, study: Study, plan: Plan) -> None:
    name = _name(plan)
    lines.add(f"ratio_{name}", f"perplexity over softmax's, {plan.label}", study.ratio(plan))
    law = study.law.get(plan.label)
    note = "" if law is None else f"by the law {law.mean():.3g}, on the windows that spikes were split on"
    lines.add(f"kl_{name}", "– KL of the next token", study.of(KL, plan), unit="nat", note=note)
    if plan.split != "even":
        lines.add(f"gain_{name}", "– KL of even budgets at as many spikes, over this", study.gain(plan))
    lines.add(f"spent_{name}", "– spikes per row", study.of(SPIKES, plan))
    lines.add(f"time_{name}", "– time over softmax's", study.time(plan))


def _name(plan: Plan) -> str:
    random = "random_" if plan.random else ""
    return f"{random}{plan.split.replace(' ', '_')}_{plan.spikes}"


def _sentences(lines: Lines, sentences: Sentences) -> None:
    """The sentence model: error of the cosines, and what the ranking loses."""
    best = spearman(sentences.judged, sentences.softmax)
    lines.add("spearman", "sentences: rank correlation with people, softmax", best)
    for (way, n), cosines in sentences.cosines.items():
        name = f"{way.replace(' ', '_')}_{n}"
        lines.add(
            f"cosine_{name}",
            f"sentences: squared error of cosines, 1e-6, {way}, mean of {n} spikes a row",
            1e6 * sentences.error(way, n),
        )
        lines.add(f"lost_{name}", "– rank correlation lost", best - spearman(sentences.judged, cosines))
        lines.add(f"took_{name}", "– spikes per row", sentences.spent[way, n])


def in_data(study: Study) -> xr.Dataset:
    """Every measure of every window, the law's, and where the spikes go."""
    labels = [plan.label for plan in study.plans]
    law = np.array([study.law.get(label, np.full(study.params.choose, np.nan)) for label in labels])
    layer, head = zip(*study.needs.places, strict=True)
    data = xr.Dataset(
        {
            "loss": column(("trial", "window"), study.measured[..., LOSS], "loss", "nat"),
            "kl": column(("trial", "window"), study.measured[..., KL], "KL of the next token", "nat"),
            "same": column(("trial", "window"), study.measured[..., SAME], "same most probable token"),
            "seconds": column(("trial", "window"), study.measured[..., SECONDS], "time", "s"),
            "spent": column(("trial", "window"), study.measured[..., SPIKES], "spikes per row"),
            "law": column(("plan", "chosen"), law, "KL of the next token by the law", "nat"),
            "head_spikes": column("place", study.head_spikes(), "spikes per row"),
            "sensitivity": column("place", study.needs.cost, "cost of an error in a weight", "nat"),
            "position_spikes": column("position", study.position_spikes(), "spikes per row"),
            "token_spikes": column("token", study.written.spikes, "spikes per row"),
        },
        {
            "trial": ["softmax", *labels],
            "plan": labels,
            "layer": column("place", list(layer), "layer"),
            "head": column("place", list(head), "head"),
            "token": list(study.written.tokens),
        },
    )
    if study.sentences is not None:
        budgets = study.params.sentence_spikes
        error = [[study.sentences.error(way, n) for n in budgets] for way in WAYS]
        data = data.assign(
            cosine_error=column(("way", "mean_spikes", "pair"), error, "squared error of a cosine")
        ).assign_coords(way=list(WAYS), mean_spikes=column("mean_spikes", budgets, "spikes per row"))
    return data
