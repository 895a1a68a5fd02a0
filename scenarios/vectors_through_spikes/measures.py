"""What vectors-through-spikes measures: its data, its numbers, and the sentences that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bridge.comparison.agreement import Comparison
from bridge.comparison.metrics import cosine
from scenarios.vectors_through_spikes.sparse_objects import SparseObjects
from scenarios.vectors_through_spikes.whole_head import WholeHead, scale
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric, Numbers, Words
from scenarios.workbench.sentences import choose, words
from scenarios.workbench.statistics import Estimate, clear, difference, mean
from scenarios.workbench.tables import column, columns, estimate_column

__all__ = ["Study", "excess_of", "in_data", "in_numbers", "in_words"]

EARLY_ms = 100.0


@dataclass(frozen=True, kw_only=True)
class Study:
    """The three parts of the answer."""

    head: WholeHead
    noise: Mapping[float, Comparison]  # rate of the query cells, Hz, ascending -> the head at it
    objects: SparseObjects


def excess_of(compared: Comparison) -> Estimate:
    """Total variation of spike shares to the softmax, over its sampling floor."""
    row = compared["total_variation"].summary()
    return Estimate(value=row.ratio, error=row.ratio_se)


def in_data(study: Study) -> xr.Dataset:
    """Curves, outputs, noise and features with their units."""
    head, objects, reference = study.head, study.objects, study.head.vectors.reference
    features, length = ("focus", "rotation", "object", "feature"), "length of the output / softmax's"
    outputs = {"output": head.spiking.output, "output_without_loop": head.off.output}
    excess = [excess_of(compared) for compared in study.noise.values()]
    return head.curve.assign(
        {
            **columns(("query", "component"), **outputs, softmax_output=reference),
            "scale": column("query", scale(head.spiking.output, reference), length),
            "scale_without_loop": column("query", scale(head.off.output, reference), length),
            **estimate_column("excess", "query_rate", excess, "total variation / floor"),
            **columns(features[:3], attention=objects.scene.weights),
            **columns(features, object_output=objects.spiking, object_softmax=objects.softmax),
        }
    ).assign_coords(
        query_rate=column("query_rate", list(study.noise), "rate of a query cell at component 1", "Hz"),
        focus=column("focus", objects.scene.focus, "score of the most over the least attended object"),
        feature=column("feature", objects.scene.strengths, "strength of the feature"),
    )


def in_numbers(study: Study, data: xr.Dataset) -> dict[str, Metric]:
    """Every number of the report."""
    lines = Lines()
    _output(lines, study.head, data)
    _weights(lines, study)
    _features(lines, study.objects)
    return lines.metrics


def _output(lines: Lines, head: WholeHead, data: xr.Dataset) -> None:
    last, time_ms = data.isel(time=-1), data.time.values
    early = data.isel(time=min(int(np.searchsorted(time_ms, EARLY_ms)), len(time_ms) - 1))
    against = {"floor": "cosine_floor", "control": "cosine_equal", "note": "control: equal weights"}
    whole = f"{time_ms[-1]:.0f} ms"
    lines.take(last, "cosine", label=f"cosine to softmax attention, {whole}", **against)
    lines.take(early, "cosine", name="cosine_early", label=f"the same after {early.time:.0f} ms", **against)
    lines.take(data, "cosine_strongest", label="cosine of the strongest key's value alone")
    off = cosine(head.off.output, head.vectors.reference)
    lines.add(
        "cosine_off", "cosine with E to I cut, rate-matched", off, note=f"rate off by {head.mismatch:.1%}"
    )
    undivided = "the floor is divided by its number of spikes; the head is not"
    lines.take(
        last, "error", label=f"relative error of the output, {whole}", floor="error_floor", note=undivided
    )
    lines.take(data, "scale", label="output over softmax output, in length", control="scale_without_loop")
    lines.add(
        "scale_spread",
        "coefficient of variation of that over queries",
        _variation(data.scale),
        control=_variation(data.scale_without_loop),
        note="nothing divides: the loop holds the spikes; control: E to I cut, rate-matched",
    )


def _variation(values: xr.DataArray) -> Estimate:
    """Coefficient of variation, with the standard error that a normal sample has (Ahn and Fessler 2003)."""
    cv = float(values.values.std(ddof=1) / values.values.mean())
    return Estimate(value=cv, error=cv * float(np.sqrt((0.5 + cv**2) / (values.size - 1))))


def _weights(lines: Lines, study: Study) -> None:
    head, (slowest_Hz, noisiest) = study.head, next(iter(study.noise.items()))
    ours, direct = head.agreement.fitted, head.direct.fitted
    beta = Estimate(value=ours.beta, error=ours.beta_se_quasi)
    handed_in, excess = "control: the same scores handed in, ±", excess_of(head.direct)
    lines.add(
        "excess",
        "total variation of the weights / floor",
        excess_of(head.agreement),
        floor=1,
        control=excess,
        note=f"{handed_in} {excess.error:.3f}",
    )
    note = f"{handed_in} {direct.beta_se_quasi:.3f}"
    lines.add("beta", "fitted beta × temperature", beta, control=direct.beta, note=note)
    label = f"total variation / floor, query cells at {slowest_Hz:g} Hz"
    lines.add("excess_noisiest", label, excess_of(noisiest), floor=1)
    lines.add("spikes", "spikes per query in the race", head.spiking.selection.counts.sum(axis=1))
    carried, note = "spikes per query that carry the query", "settling included"
    lines.add("query_spikes", carried, head.spiking.query_spikes, note=note)


def _features(lines: Lines, objects: SparseObjects) -> None:
    weights, seen, appear = objects.scene.weights, objects.agreement, objects.appearance_agreement
    equal = objects.scene.features(np.full(weights.shape, 1 / weights.shape[2]))
    step, part = f"threshold {objects.threshold:g}", objects.in_part(objects.softmax).mean()
    note = f"{step}; control: equal weights"
    floor, control, label = seen(objects.sampled), seen(equal), "features seen or unseen as under softmax"
    lines.add("seen", label, seen(objects.spiking), floor=floor, control=control, note=note)
    label = "the same, the output divided by its spikes"
    lines.add("seen_share", label, seen(objects.share), note=step)
    note = f"{part:.0%} are in part; {note}"
    floor, control = appear(objects.sampled), appear(equal)
    label = "objects whole, in part or not at all as under softmax"
    lines.add("appearance", label, appear(objects.spiking), floor=floor, control=control, note=note)


def in_words(study: Study, data: xr.Dataset, m: Numbers) -> Words:
    """In short, and three paragraphs; the differences that they claim are judged together."""
    head, objects, last = study.head, study.objects, data.isel(time=-1)
    agreed, sampled = objects.agreement(objects.spiking), objects.agreement(objects.sampled).mean(axis=0)
    signs = clear(
        {
            "cosine": mean((last.cosine - last.cosine_floor).values),
            "spread": difference(_variation(data.scale_without_loop), _variation(data.scale)),
            "query": difference(excess_of(head.agreement), excess_of(head.direct)),
            "features": mean(agreed - sampled),
        }
    )
    pointing, length = _pointing(m, float(last.time), signs["cosine"]), _length(m, signs["spread"])
    seen, query = _seen(m, objects.threshold, signs["features"]), _query(m, study, signs["query"])
    paragraphs = f"{pointing} {length}", query, f"{seen} {_in_part(objects)}"
    return words(*paragraphs, short=(pointing, length, seen), between="\n\n")


def _pointing(m: Numbers, time_ms: float, sign: int) -> str:
    whole = m["cosine"]
    against = choose(sign, "above the", "not clearly different from the", "short of the")
    return (
        f"After {time_ms:.0f} ms the output has a cosine of {whole} to that of softmax attention, {against} "
        f"{whole.floor:.4f} of as many exact samples; equal weights reach {whole.control:.2f} and the strongest "
        f"key alone {m['cosine_strongest']:.2f}."
    )


def _length(m: Numbers, sign: int) -> str:
    spread = m["scale_spread"]
    times = (spread.control or np.nan) / spread.value
    loop = choose(
        sign,
        f"but the length spreads {times:.1f} times as much",
        "and the length does not clearly spread more",
        f"and the length spreads less ({times:.1f} times)",
    )
    return (
        f"Its length is {m['scale']} times that of softmax attention and spreads by {spread:.0%} over queries, "
        f"because nothing divides; without the loop the cosine is {m['cosine_off']:.3f}, {loop}."
    )


def _query(m: Numbers, study: Study, sign: int) -> str:
    cost = choose(
        sign, "makes the weights worse", "does not clearly change the weights", "brings the weights nearer"
    )
    return (
        f"Carrying the query in Poisson spikes {cost}: total variation {m['excess']} floors, "
        f"{excess_of(study.head.direct)} with the scores handed in (beta × temperature {m['beta']} against "
        f"{m['beta'].control:.3f}). That takes {m['query_spikes']:,.0f} query spikes for {m['spikes']:,.0f} in "
        f"the race; with query cells at {min(study.noise):g} Hz it is {m['excess_noisiest']} floors."
    )


def _seen(m: Numbers, threshold: float, sign: int) -> str:
    seen, word = m["seen"], choose(sign, "more than", "not clearly different from", "less than")
    return (
        f"With the threshold step at {threshold:g} the spiking head shows and hides {seen:.1%} of the features "
        f"as softmax attention does, {word} exact samples ({seen.floor:.1%}; equal weights: {seen.control:.1%}; "
        f"this output divided by its spikes: {m['seen_share']:.1%}), and {m['appearance']:.1%} of the objects "
        "appear whole, in part or not at all as they should."
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
