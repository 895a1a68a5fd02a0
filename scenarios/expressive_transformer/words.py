"""The answer of expressive-transformer, from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenarios.expressive_transformer.measures import matches
from scenarios.expressive_transformer.theory import spikes_for_count
from scenarios.workbench.outcome import Numbers, Words
from scenarios.workbench.sentences import choose, listed, words
from scenarios.workbench.statistics import Estimate, clear, difference, estimate_of

if TYPE_CHECKING:
    from scenarios.expressive_transformer.measures import Study

__all__ = ["in_words"]

READ_OUTS = (("product", "product_logit", "a product"), ("exp", "exp_odds", "an exponential"))
LEAST_WRONG = 0.01
LARGE = 0.05  # of a slope against 1, and of a bias in nats, that is worth a sentence
NAMES = {
    "sum": "the sum",
    "product": "the product read as a difference",
    "product_logit": "the product read by the logit",
    "exp": "the exponential read as a share",
    "exp_odds": "the exponential read as odds",
}


def in_words(metrics: Numbers, study: Study) -> Words:
    """In short, and a paragraph; every comparison is decided here by the numbers."""
    price, loop, saved = _read_outs(metrics, study), _loop(metrics, study), _saved(metrics, study)
    return words(
        price, _laws(metrics, study), _regular(metrics, study), loop, _counting(metrics, study),
        _look_up(metrics), saved, _program(metrics, study), short=(price, loop, saved),
    )  # fmt: skip


def _read_outs(metrics: Numbers, study: Study) -> str:
    """Which read-out of the same row is better, at the budget that is shown."""
    signs = clear(
        {
            linear: difference(estimate_of(metrics[linear]), estimate_of(metrics[log]))
            for linear, log, _ in READ_OUTS
        }
    )
    said = [
        f"{what} is off by {metrics[linear]} read from the share and {metrics[log]} read from the ratio of "
        f"counts"
        f"{choose(signs[linear], '', ', no clear difference', ', which is worse')}"
        for linear, log, what in READ_OUTS
    ]
    return f"With {study.shown} spikes a row {'; '.join(said)}."


def _laws(metrics: Numbers, study: Study) -> str:
    """Exponents against those of the error computed for random spikes at the same budgets."""
    if len(study.params.spikes) < 2:
        return "One number of spikes makes no law."
    exponents = {name: estimate_of(metrics[f"{name}_exponent"]) for name in NAMES}
    computed = {name: study.curves["circuit", name].predicted_exponent for name in NAMES}
    apart = clear(
        {
            name: Estimate(value=exponents[name].value - computed[name], error=exponents[name].error)
            for name in NAMES
        }
    )
    listing = listed([f"{NAMES[name]} {exponents[name]} ({computed[name]:.2f})" for name in NAMES])
    off = [NAMES[name] for name, sign in apart.items() if sign]
    verdict = (
        f"Clearly off the law: {listed(off)}."
        if off
        else "None departs clearly from what random spikes predict."
    )
    return (
        f"Errors fall with the number of spikes to the power (in brackets: computed for random spikes at the "
        f"same "
        f"budgets): {listing}. {verdict}"
    )


def _regular(metrics: Numbers, study: Study) -> str:
    last = study.params.spikes[-1]
    curves = {source: study.curves[source, "product_logit"] for source in ("circuit", "regular")}
    ratio = curves["circuit"].error[-1].value / curves["regular"].error[-1].value
    return (
        f"Regular cells lose as N to the power {metrics['product_logit_regular_exponent']} where random ones "
        f"lose as "
        f"{metrics['product_logit_exponent']} (product by the logit): at {last} spikes their error is "
        f"{ratio:.3g} times "
        "smaller."
    )


def _loop(metrics: Numbers, study: Study) -> str:
    """Exp and log-sum-exp without inhibition, division with it."""
    cut, loop = metrics["slope_cut"], metrics["slope_loop"]
    n, spread = study.shown, metrics[f"spread_cut_{study.shown}"]
    computes = abs(cut.value - 1) < LARGE and abs(metrics["bias_cut"].value) < LARGE
    without = (
        "computes the logarithm of the softmax's denominator"
        if computes
        else "follows, but does not equal, the logarithm of the softmax's denominator"
    )
    divides = loop.value < 0.5 * cut.value
    return (
        f"With inhibition off the circuit {without}: the time to {n} spikes gives log-sum-exp with slope "
        f"{cut}, bias "
        f"{metrics['bias_cut']} and spread {spread} ({n**-0.5:.3f} expected). With inhibition on that slope is "
        f"{loop}: "
        f"{'it is largely divided out' if divides else 'it is not divided out'}, while shares follow the "
        f"softmax in both "
        f"(squared error {metrics['share_cut']} and {metrics['share_loop']} of that of samples)."
    )


def _counting(metrics: Numbers, study: Study) -> str:
    """How dear counting by share is."""
    parts = []
    for d in study.params.matches:
        curve = study.curves["circuit", f"count_{d}"]
        enough = [int(n) for n, e in zip(curve.n_spikes, curve.error, strict=True) if e.value < LEAST_WRONG]
        reached = f"from {enough[0]} spikes on" if enough else f"at none of up to {curve.n_spikes[-1]} spikes"
        parts.append(f"for {matches(d)} {reached} ({spikes_for_count(d):,.0f} computed)")
    return (
        "Counting matches by the share of one key is dear, by the cube of their number: fewer than "
        f"{LEAST_WRONG:.0%} are wrong {listed(parts)}."
    )


def _look_up(metrics: Numbers) -> str:
    ours = metrics["look_up_exponent"]
    if np.isnan(ours.value):
        return "Too few look-ups were wrong for a law."
    sampled = "" if ours.control is None else f"sampled {ours.control:.3f}; "
    return (
        f"A look-up by majority is cheap: its errors fall by {ours} nats a spike ({sampled}{ours.floor:.3f} at "
        "large N)."
    )


def _saved(metrics: Numbers, study: Study) -> str:
    strongest = metrics[f"gated_{study.params.inhibition[-1]:g}"]
    sign = clear({"gated": difference(estimate_of(strongest), estimate_of(metrics["both"]))})["gated"]
    return (
        f"A switch that inhibits the branch not taken saves {metrics['saved'].value:.0%} of the spikes of "
        f"computing both "
        f"and choosing, with {choose(sign, 'a larger error', 'no clearly different error', 'a smaller error')} "
        f"({strongest} against {metrics['both']})."
    )


def _program(metrics: Numbers, study: Study) -> str:
    return (
        f"A compiled polynomial of two products and a sum is off from its interpreter by {metrics['program']} "
        f"at "
        f"{study.shown} spikes a row."
    )
