"""The numbers of expressive-transformer: errors, exponents next to their laws, regimes, and what a switch saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from pragmatic.machines.memory import AddressedMemory
from scenarios.expressive_transformer.branches import Branches
from scenarios.expressive_transformer.price import CONSTRUCTIONS, Curve
from scenarios.expressive_transformer.regimes import Regime
from scenarios.expressive_transformer.theory import majority_exponent, spikes_for_count
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import Estimate, bootstrap
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.expressive_transformer import Params

__all__ = ["LABELS", "LAWS", "Study", "in_data", "in_numbers", "matches"]

LABELS = {
    "sum": "x + y",
    "product": "x y, read as a difference",
    "product_logit": "x y, read by the logit",
    "exp": "exp x, read as a share",
    "exp_odds": "exp x, read as odds",
    "program": "x y² + x, compiled",
}
LAWS = {  # large-N exponents by random cells and by regular ones; derivations in docs/mysteries.md
    "sum": (-1 / 2, -1.0),
    "product": (-1 / 3, -2 / 3),
    "product_logit": (-1 / 2, -1.0),
    "exp": (-1 / 3, -1 / 2),
    "exp_odds": (-1 / 2, -1.0),
    "program": (-1 / 3, -2 / 3),
}
SHOWN = 64


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured."""

    curves: Mapping[tuple[str, str], Curve]  # (source, construction)
    regimes: Mapping[str, Sequence[Regime]]
    branches: Branches
    exact: Mapping[str, float]
    beta: Mapping[str, Mapping[int, Estimate]]
    params: Params

    @property
    def sources(self) -> list[str]:
        """Where spikes came from, in the order of measurement."""
        return list(dict.fromkeys(source for source, _ in self.curves))

    @property
    def at(self) -> int:
        """The place of the budget that sentences speak of, nearest to 64 spikes."""
        return int(np.abs(np.log(np.array(self.params.spikes) / SHOWN)).argmin())

    @property
    def shown(self) -> int:
        """That budget."""
        return self.params.spikes[self.at]

    @property
    def memory(self) -> AddressedMemory:
        """What is looked up in."""
        return AddressedMemory(n_bits=self.params.bits, beta=self.params.beta)

    def spread(self, name: str, at: int, rng: np.random.Generator) -> Estimate:
        """Standard deviation over rows of what a regime reads, around log-sum-exp."""
        error = self.regimes[name][at].error
        return bootstrap(lambda rows: float(error[rows].std()), len(error), rng)

    def look_up_exponent(self, source: str) -> Estimate:
        """Nats a spike by which a wrong look-up gets rarer, by weighted least squares of its logarithm."""
        curve = self.curves[source, "look_up"]
        known = [
            (n, e) for n, e in zip(curve.n_spikes, curve.error, strict=True) if e.value > 3 * e.error > 0
        ]
        if len(known) < 2:
            return Estimate(value=np.nan, error=np.nan)
        n, error = np.array([n for n, _ in known], float), [e for _, e in known]
        y, weight = np.log([e.value for e in error]), np.array([(e.value / e.error) ** 2 for e in error])
        x = n - np.average(n, weights=weight)
        spread = (weight * x**2).sum()
        return Estimate(value=float(-(weight * x * y).sum() / spread), error=float(spread**-0.5))

    @property
    def look_up_bound(self) -> float:
        """The same at large N for the nearest wrong cell, one bit away."""
        right = self.memory.right
        return majority_exponent(right, right * np.exp(-2 * self.params.beta))


def in_numbers(study: Study, rng: np.random.Generator) -> Numbers:
    """Every number of the report."""
    lines = Lines()
    for name in LABELS:
        _construction(lines, study, name)
    _counts(lines, study)
    _look_up(lines, study)
    _regimes(lines, study, rng)
    _switch(lines, study)
    for source in ("circuit", "regular"):
        beta, circuit = study.beta[source][study.shown], getattr(study.params, source)
        lines.add(f"beta_{source}", f"beta of {circuit}, at {study.shown} spikes, calibrated away", beta)
    return lines.metrics


def _construction(lines: Lines, study: Study, name: str) -> None:
    """Its error at each number of spikes and its exponent, by the circuit and by regular cells."""
    curve, regular = (study.curves[source, name] for source in ("circuit", "regular"))
    sampled = study.curves.get(("sampled", name))
    label, note = (
        LABELS[name],
        "floor: computed for random spikes" + ("; control: sampled" if sampled else ""),
    )
    if name in CONSTRUCTIONS:
        lines.add(f"{name}_exact", f"{label}: largest error by softmax", study.exact[name])
    for i, n in enumerate(curve.n_spikes):
        key = name if i == study.at else f"{name}_{n}"
        floor = None if np.isnan(curve.predicted[i]) else curve.predicted[i]
        lines.add(
            key,
            f"{label}: error at {n} spikes",
            curve.error[i],
            floor=floor,
            control=sampled and sampled.error[i],
            note=note,
        )
    random_law, regular_law = (f"large-N law {law:.2f}" for law in LAWS[name])
    lines.add(
        f"{name}_exponent",
        "– exponent of N",
        curve.exponent,
        floor=curve.predicted_exponent,
        control=sampled and sampled.exponent,
        note=random_law,
    )
    for i, n in enumerate(curve.n_spikes):
        least = regular.predicted[i] if regular.predicted[i] > 0 else None
        lines.add(f"{name}_regular_{n}", f"– regular cells at {n} spikes", regular.error[i], floor=least)
    lines.add(
        f"{name}_regular_exponent",
        "– regular cells, exponent of N",
        regular.exponent,
        floor=regular.predicted_exponent,
        note=f"{regular_law}; floor: systematic sampling",
    )


def _counts(lines: Lines, study: Study) -> None:
    for d in study.params.matches:
        curve, regular = (study.curves[source, f"count_{d}"] for source in ("circuit", "regular"))
        sampled = study.curves.get(("sampled", f"count_{d}"))
        needed = f"1 % takes about {spikes_for_count(d):,.0f} random spikes"
        for i, n in enumerate(curve.n_spikes):
            name, label = f"count_{d}_{n}", f"{matches(d)} counted wrong at {n} spikes"
            floor, control = curve.predicted[i], sampled and sampled.error[i]
            lines.add(name, label, curve.error[i], floor=floor, control=control, note=needed)
            lines.add(f"{name}_regular", "– regular cells", regular.error[i], floor=regular.predicted[i])


def matches(d: int) -> str:
    """Name a number of matches."""
    return "1 match" if d == 1 else f"{d} matches"


def _look_up(lines: Lines, study: Study) -> None:
    curve, regular = (study.curves[source, "look_up"] for source in ("circuit", "regular"))
    sampled = study.curves.get(("sampled", "look_up"))
    for i, n in enumerate(curve.n_spikes):
        label = f"look-up of {2**study.params.bits} cells wrong at {n} spikes"
        control, note = (sampled.error[i], "control: sampled") if sampled else (None, "")
        lines.add(f"look_up_{n}", label, curve.error[i], control=control, note=note)
        lines.add(f"look_up_{n}_regular", "– regular cells", regular.error[i])
    lines.add(
        "look_up_exponent",
        "– nats a spike by which it gets rarer",
        study.look_up_exponent("circuit"),
        floor=study.look_up_bound,
        control=study.look_up_exponent("sampled") if sampled else None,
        note="floor: Chernoff's exponent of large N",
    )


def _regimes(lines: Lines, study: Study, rng: np.random.Generator) -> None:
    cut, loop = study.regimes["cut"][study.at], study.regimes["loop"][study.at]
    n = study.shown
    lines.add(
        "slope_cut",
        f"ln rate against log-sum-exp, loop cut, {n} spikes",
        cut.slope(rng),
        floor=1.0,
        control=loop.slope(rng),
        note="floor: exact logarithm; control: loop on",
    )
    lines.add("slope_loop", "– loop on", loop.slope(rng))
    lines.add("bias_cut", "– loop cut: bias", cut.error, floor=1 / (2 * n), note="floor: 1 / (2 N)")
    for i, each in enumerate(study.regimes["cut"]):
        spread, law = study.spread("cut", i, rng), each.n_spikes**-0.5
        lines.add(f"spread_cut_{each.n_spikes}", f"– spread at {each.n_spikes} spikes", spread, floor=law)
    for name, regime in (("cut", cut), ("loop", loop)):
        label = "squared error of spike shares / that of samples, loop " + ("cut" if name == "cut" else "on")
        lines.add(f"share_{name}", label, regime.distance, floor=1.0)


def _switch(lines: Lines, study: Study) -> None:
    ran = study.branches
    spent = f"{ran.spent_both:.0f} spikes against {ran.spent_gated:.0f}"
    lines.add(
        "saved",
        "spikes saved by inhibiting the branch not taken",
        1 - ran.spent_gated / ran.spent_both,
        note=spent,
    )
    lines.add("both", f"error where both branches are computed, {ran.spent_both:.0f} spikes", ran.both)
    for strength, gated, exact, leaked in zip(ran.inhibition, ran.gated, ran.exact, ran.leaked, strict=True):
        name, label = (
            f"gated_{strength:g}",
            f"– one inhibited by {strength:g} scores, {ran.spent_gated:.0f} spikes",
        )
        lines.add(
            name, label, gated, floor=exact, control=ran.both, note="floor: softmax; control: both computed"
        )
        law = 1 / (1 + np.exp(strength))
        lines.add(f"leaked_{strength:g}", "– spikes in the branch not taken", leaked, floor=law)


def in_data(study: Study, rng: np.random.Generator) -> xr.Dataset:
    """Curves, regimes and switch as columns."""
    sources, constructions = study.sources, tuple(LABELS)
    counts = [f"count_{d}" for d in study.params.matches]

    def errors(names: Sequence[str]) -> list[list[Sequence[Estimate]]]:
        return [[study.curves[source, name].error for name in names] for source in sources]

    ran = study.branches
    names = list(study.regimes)
    rows = [study.regimes[name][study.at] for name in names]
    spreads = [[study.spread(name, i, rng) for i in range(len(study.params.spikes))] for name in names]
    return xr.Dataset(
        {
            **estimate_column(
                "error", ("source", "construction", "budget"), errors(constructions), "root mean square error"
            ),
            "predicted": column(
                ("source", "construction", "budget"),
                [[study.curves[s, c].predicted for c in constructions] for s in sources],
                "error computed from sampling",
            ),
            **estimate_column("wrong", ("source", "matches", "budget"), errors(counts), "counted wrong"),
            **estimate_column(
                "look_up", ("source", "few"), [e[0] for e in errors(["look_up"])], "wrong look-ups"
            ),
            "log_sum": column(("regime", "row"), [r.log_sum for r in rows], "log-sum-exp of the scores"),
            "read": column(("regime", "row"), [r.read for r in rows], "−ln of time to N spikes"),
            **estimate_column("spread", ("regime", "budget"), spreads, "spread around log-sum-exp"),
            **estimate_column("gated", "inhibition", ran.gated, "error with one branch inhibited"),
            **estimate_column("exact", "inhibition", ran.exact, "the same under softmax"),
            **estimate_column("leaked", "inhibition", ran.leaked, "spikes in the branch not taken"),
        },
        {
            "source": sources,
            "construction": list(constructions),
            "budget": column("budget", study.params.spikes, "spikes per row"),
            "matches": column("matches", study.params.matches, "matches"),
            "few": column("few", study.params.few_spikes, "spikes per row"),
            "regime": names,
            "inhibition": column("inhibition", ran.inhibition, "inhibition of the branch not taken (scores)"),
        },
    )
