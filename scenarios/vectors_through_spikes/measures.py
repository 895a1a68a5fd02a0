"""What vectors-through-spikes measures: its numbers, its data, and the sentences that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bridge.comparison.agreement import Comparison
from bridge.comparison.metrics import cosine
from scenarios.vectors_through_spikes.sparse_objects import SparseObjects
from scenarios.vectors_through_spikes.whole_head import WholeHead, scale
from scenarios.workbench.outcome import Metric
from scenarios.workbench.sentences import choose, say
from scenarios.workbench.statistics import Estimate, clear, difference, mean, metric
from scenarios.workbench.tables import columns, estimate_columns

__all__ = ["Study", "excess_of", "in_data", "in_numbers", "in_words"]

EARLY_ms = 100.0


@dataclass(frozen=True, kw_only=True)
class Study:
    """The three parts of the answer."""

    head: WholeHead
    noise_Hz: tuple[float, ...]  # rates of the query cells, ascending
    noise: list[Comparison]  # the head at each of them
    objects: SparseObjects


def excess_of(compared: Comparison) -> Estimate:
    """Total variation of spike shares to the softmax, over its sampling floor."""
    row = compared["total_variation"].summary()
    return Estimate(value=row.ratio, error=row.ratio_se)


def in_numbers(study: Study) -> dict[str, Metric]:
    """Every number of the report."""
    return _output(study.head) | _scale(study.head) | _weights(study) | _features(study.objects)


def _output(head: WholeHead) -> dict[str, Metric]:
    curve, vectors, reference = head.curve, head.vectors, head.vectors.reference
    early = min(int(np.searchsorted(curve.time_ms, EARLY_ms)), len(curve.time_ms) - 1)
    equal = mean(cosine(vectors.equal, reference)).value

    def at(index: int, label: str) -> Metric:
        floor, note = mean(curve.cosine_floor[index]).value, "control: equal weights"
        return metric(label, mean(curve.cosine[index]), floor=floor, control=equal, note=note)

    return {
        "cosine": at(-1, f"cosine to softmax attention, {curve.time_ms[-1]:.0f} ms"),
        "cosine_early": at(early, f"the same after {curve.time_ms[early]:.0f} ms"),
        "cosine_strongest": metric(
            "cosine of the strongest key's value alone", mean(cosine(vectors.strongest, reference))
        ),
        "cosine_off": metric(
            "cosine with E to I cut, rate-matched",
            mean(cosine(head.off.output, reference)),
            note=f"rate off by {head.mismatch:.1%}",
        ),
        "error": metric(
            f"relative error of the output, {curve.time_ms[-1]:.0f} ms",
            mean(curve.error[-1]),
            floor=mean(curve.error_floor[-1]),
            note="the floor is divided by its number of spikes; the head is not",
        ),
    }


def _scale(head: WholeHead) -> dict[str, Metric]:
    held, loose = _scales(head)
    spread = _variation(held)
    note = "nothing divides: the loop holds the spikes; control: E to I cut, rate-matched"
    return {
        "scale": metric("output over softmax output, in length", mean(held), control=mean(loose)),
        "scale_spread": metric(
            "coefficient of variation of that over queries", spread, control=_variation(loose), note=note
        ),
    }


def _scales(head: WholeHead) -> tuple[np.ndarray, np.ndarray]:
    """Length of each output over softmax's, with the loop and without; (n_queries,) both."""
    reference = head.vectors.reference
    return scale(head.spiking.output, reference), scale(head.off.output, reference)


def _variation(values: np.ndarray) -> Estimate:
    """Coefficient of variation, with the standard error that a normal sample has (Ahn and Fessler 2003)."""
    cv = float(values.std(ddof=1) / values.mean())
    return Estimate(value=cv, error=cv * float(np.sqrt((0.5 + cv**2) / (len(values) - 1))))


def _weights(study: Study) -> dict[str, Metric]:
    head = study.head
    direct, beta, beta_direct = excess_of(head.direct), head.agreement.fitted, head.direct.fitted
    handed_in = "control: the same scores handed in, ±"
    return {
        "excess": metric(
            "total variation of the weights / floor",
            excess_of(head.agreement),
            floor=1.0,
            control=direct,
            note=f"{handed_in} {direct.error:.3f}",
        ),
        "beta": metric(
            "fitted beta × temperature",
            Estimate(value=beta.beta, error=beta.beta_se_quasi),
            control=beta_direct.beta,
            note=f"{handed_in} {beta_direct.beta_se_quasi:.3f}",
        ),
        "excess_noisiest": metric(
            f"total variation / floor, query cells at {study.noise_Hz[0]:g} Hz",
            excess_of(study.noise[0]),
            floor=1.0,
        ),
        "spikes": metric("spikes per query in the race", mean(head.spiking.selection.counts.sum(axis=1))),
        "query_spikes": metric(
            "spikes per query that carry the query", mean(head.spiking.query_spikes), note="settling included"
        ),
    }


def _features(objects: SparseObjects) -> dict[str, Metric]:
    weights = objects.scene.weights
    equal = objects.scene.features(np.full(weights.shape, 1 / weights.shape[2]))
    note, control = f"threshold {objects.threshold:g}", "control: equal weights"

    def seen(features: np.ndarray) -> float:
        return float(objects.agreement(features).mean())

    def appearing(features: np.ndarray) -> float:
        return float(objects.appearance_agreement(features).mean())

    return {
        "seen": metric(
            "features seen or unseen as under softmax",
            mean(objects.agreement(objects.spiking)),
            floor=seen(objects.sampled),
            control=seen(equal),
            note=f"{note}; {control}",
        ),
        "seen_share": metric(
            "the same, the output divided by its spikes", mean(objects.agreement(objects.share)), note=note
        ),
        "appearance": metric(
            "objects whole, in part or not at all as under softmax",
            mean(objects.appearance_agreement(objects.spiking)),
            floor=appearing(objects.sampled),
            control=appearing(equal),
            note=f"{objects.in_part(objects.softmax).mean():.0%} are in part; {note}; {control}",
        ),
    }


def in_data(study: Study) -> xr.Dataset:
    """Curves, outputs, noise and features with their units."""
    head, objects, curve, vectors = study.head, study.objects, study.head.curve, study.head.vectors
    held, loose = _scales(head)
    excess, features = [excess_of(c) for c in study.noise], ("focus", "rotation", "object", "feature")
    curves = {name: getattr(curve, name) for name in ("cosine", "cosine_floor", "error", "error_floor")}
    outputs = {"output": head.spiking.output, "output_without_loop": head.off.output}
    return xr.Dataset(
        {
            **columns(("time", "query"), **curves),
            **columns("query", cosine_equal=cosine(vectors.equal, vectors.reference)),
            **columns("query", cosine_strongest=cosine(vectors.strongest, vectors.reference)),
            **columns(("query", "component"), **outputs, softmax_output=vectors.reference),
            **columns("query", scale=held, scale_without_loop=loose),
            **estimate_columns("query_rate", excess=excess),
            **columns(features[:3], attention=objects.scene.weights),
            **columns(features, object_output=objects.spiking, object_softmax=objects.softmax),
        },
        {
            **columns("time", "ms", time=curve.time_ms),
            **columns("query_rate", "Hz", query_rate=study.noise_Hz),
            **columns("focus", focus=objects.scene.focus),
            **columns("feature", feature=objects.scene.strengths),
        },
    )


def in_words(study: Study, metrics: Mapping[str, Metric]) -> tuple[tuple[str, ...], str]:
    """In short, and three paragraphs; the differences that they claim are judged together."""
    head, objects = study.head, study.objects
    held, loose = (_variation(values) for values in _scales(head))
    agreed, sampled = objects.agreement(objects.spiking), objects.agreement(objects.sampled).mean(axis=0)
    signs = clear(
        {
            "cosine": mean(head.curve.cosine[-1] - head.curve.cosine_floor[-1]),
            "spread": difference(loose, held),
            "query": difference(excess_of(head.agreement), excess_of(head.direct)),
            "features": mean(agreed - sampled),
        }
    )
    pointing, length = _pointing(head, metrics, signs["cosine"]), _length(metrics, signs["spread"])
    query, seen = _query(study, metrics, signs["query"]), _seen(objects, metrics, signs["features"])
    paragraphs = (f"{pointing} {length}", query, f"{seen} {_in_part(objects)}")
    return (pointing, length, seen), "\n\n".join(paragraphs)


def _pointing(head: WholeHead, metrics: Mapping[str, Metric], sign: int) -> str:
    whole = metrics["cosine"]
    against = choose(sign, "above the {:.4f}", "not clearly different from the {:.4f}", "short of the {:.4f}")
    return (
        f"After {head.curve.time_ms[-1]:.0f} ms the output has a cosine of {whole.text()} to that of softmax "
        f"attention, {against.format(whole.floor)} of as many exact samples; equal weights reach "
        f"{whole.control:.2f} and the strongest key alone {metrics['cosine_strongest'].value:.2f}."
    )


def _length(metrics: Mapping[str, Metric], sign: int) -> str:
    spread = metrics["scale_spread"]
    times = (spread.control or np.nan) / spread.value
    off = f"without the loop the cosine is {metrics['cosine_off'].value:.3f}"
    loop = choose(
        sign,
        f"{off}, but the length spreads {times:.1f} times as much",
        f"{off}, and the length does not clearly spread more",
        f"{off}, and the length spreads less ({times:.1f} times)",
    )
    return (
        f"Its length is {metrics['scale'].text()} times that of softmax attention and spreads by "
        f"{spread.value:.0%} over queries, because nothing divides; {loop}."
    )


def _query(study: Study, metrics: Mapping[str, Metric], sign: int) -> str:
    direct, beta = excess_of(study.head.direct), metrics["beta"]
    cost = choose(
        sign, "makes the weights worse", "does not clearly change the weights", "brings the weights nearer"
    )
    return (
        f"Carrying the query in Poisson spikes {cost}: total variation {metrics['excess'].text()} floors, "
        f"{say(direct)} with the scores handed in (beta × temperature {beta.text()} against "
        f"{beta.control:.3f}). That takes {metrics['query_spikes'].value:,.0f} query spikes for "
        f"{metrics['spikes'].value:,.0f} in the race; with query cells at {study.noise_Hz[0]:g} Hz it is "
        f"{metrics['excess_noisiest'].text()} floors."
    )


def _seen(objects: SparseObjects, metrics: Mapping[str, Metric], sign: int) -> str:
    seen, appearance = metrics["seen"], metrics["appearance"]
    word = choose(sign, "more than", "not clearly different from", "less than")
    return (
        f"With the threshold step at {objects.threshold:g} the spiking head shows and hides {seen.value:.1%} "
        f"of the features as softmax attention does, {word} exact samples ({seen.floor:.1%}; equal weights: "
        f"{seen.control:.1%}; this output divided by its spikes: {metrics['seen_share'].value:.1%}), and "
        f"{appearance.value:.1%} of the objects appear whole, in part or not at all as they should."
    )


def _in_part(objects: SparseObjects) -> str:
    in_part = objects.in_part(objects.softmax)
    if not in_part.any():
        return "At this threshold softmax attention leaves no object visible in part."
    weights = objects.scene.weights[in_part]
    return (
        f"Under softmax attention objects of weight {weights.min():.2g} to {weights.max():.2g} stay visible "
        "without their weaker features. Those go first by construction, for all features of an object ride on "
        "the same spikes; and the step itself is ours, not the circuit's."
    )
