"""What vectors-through-spikes found: its numbers, its dataset and its verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bridge.comparison.agreement import Comparison
from bridge.comparison.metrics import cosine
from scenarios.vectors_through_spikes.sparse_objects import SparseObjects
from scenarios.vectors_through_spikes.whole_head import WholeHead, scale
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import Estimate, mean, metric, standard_errors_apart

__all__ = ["Findings", "findings_dataset", "findings_metrics", "findings_verdict"]

EARLY_ms = 100.0
CLEAR = 2.0  # standard errors from which on a difference is called one


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The three parts of the answer."""

    head: WholeHead
    noise_Hz: tuple[float, ...]  # rates of the query cells, ascending
    noise: list[Comparison]  # the head at each of them
    objects: SparseObjects


def findings_metrics(found: Findings) -> dict[str, Metric]:
    """Every number of the report."""
    return {**_output_metrics(found.head), **_weight_metrics(found), **_object_metrics(found.objects)}


def _output_metrics(head: WholeHead) -> dict[str, Metric]:
    curve, vectors = head.curve, head.vectors
    early = min(int(np.searchsorted(curve.time_ms, EARLY_ms)), len(curve.time_ms) - 1)
    equal = float(cosine(vectors.equal, vectors.reference).mean())

    def cosine_at(index: int, label: str) -> Metric:
        floor = float(curve.cosine_floor[index].mean())
        return metric(
            label, mean(curve.cosine[index]), floor=floor, control=equal, note="control: equal weights"
        )

    return {
        "cosine": cosine_at(-1, f"cosine to softmax attention, {curve.time_ms[-1]:.0f} ms"),
        "cosine_early": cosine_at(early, f"the same after {curve.time_ms[early]:.0f} ms"),
        "cosine_strongest": metric(
            "cosine of the strongest key's value alone", mean(cosine(vectors.strongest, vectors.reference))
        ),
        "cosine_off": metric(
            "cosine with E to I cut, rate-matched",
            mean(cosine(head.off.output, vectors.reference)),
            note=f"rate off by {head.mismatch:.1%}",
        ),
        "error": metric(
            f"relative error of the output, {curve.time_ms[-1]:.0f} ms",
            mean(curve.error[-1]),
            floor=float(curve.error_floor[-1].mean()),
            note="the floor is divided by its number of spikes; the head is not",
        ),
        **_scale_metrics(head),
    }


def _scale_metrics(head: WholeHead) -> dict[str, Metric]:
    factor, factor_off = _scales(head)
    return {
        "scale": metric(
            "output over softmax output, in length", mean(factor), control=float(factor_off.mean())
        ),
        "scale_spread": metric(
            "coefficient of variation of that over queries",
            _variation(factor),
            control=_variation(factor_off).value,
            note="nothing divides: the loop holds the spikes; control: E to I cut, rate-matched",
        ),
    }


def _weight_metrics(found: Findings) -> dict[str, Metric]:
    head = found.head
    excess, direct = (c["total_variation"].summary() for c in (head.agreement, head.direct))
    beta, beta_direct = head.agreement.fitted, head.direct.fitted
    noisiest = found.noise[0]["total_variation"].summary()
    counts = head.spiking.selection.counts.sum(axis=1)
    return {
        "excess": Metric(
            label="total variation of the weights / floor",
            value=excess.ratio,
            standard_error=excess.ratio_se,
            floor=1.0,
            control=direct.ratio,
            note=f"control: the same scores handed in, ± {direct.ratio_se:.3f}",
        ),
        "beta": Metric(
            label="fitted beta × temperature",
            value=beta.beta,
            standard_error=beta.beta_se_quasi,
            control=beta_direct.beta,
            note=f"control: the same scores handed in, ± {beta_direct.beta_se_quasi:.3f}",
        ),
        "excess_noisiest": Metric(
            label=f"total variation / floor, query cells at {found.noise_Hz[0]:g} Hz",
            value=noisiest.ratio,
            standard_error=noisiest.ratio_se,
            floor=1.0,
        ),
        "spikes": metric("spikes per query in the race", mean(counts)),
        "query_spikes": metric(
            "spikes per query that carry the query", mean(head.spiking.query_spikes), note="settling included"
        ),
    }


def _object_metrics(objects: SparseObjects) -> dict[str, Metric]:
    n_objects = objects.softmax.shape[2]
    equal = objects.scene.features(np.full(objects.scene.weights.shape, 1 / n_objects))
    note = f"threshold {objects.threshold:g}"
    return {
        "seen": metric(
            "features seen or unseen as under softmax",
            mean(objects.agreement(objects.spiking)),
            floor=float(objects.agreement(objects.sampled).mean()),
            control=float(objects.agreement(equal).mean()),
            note=f"{note}; control: equal weights",
        ),
        "seen_share": metric(
            "the same, the output divided by its spikes", mean(objects.agreement(objects.share)), note=note
        ),
        "appearance": metric(
            "objects whole, in part or not at all as under softmax",
            mean(objects.appearance_agreement(objects.spiking)),
            floor=float(objects.appearance_agreement(objects.sampled).mean()),
            control=float(objects.appearance_agreement(equal).mean()),
            note=f"{objects.in_part(objects.softmax).mean():.0%} are in part; {note}; control: equal weights",
        ),
    }


def _scales(head: WholeHead) -> tuple[np.ndarray, np.ndarray]:
    reference = head.vectors.reference
    return scale(head.spiking.output, reference), scale(head.off.output, reference)


def _variation(values: np.ndarray) -> Estimate:
    """Coefficient of variation, with the standard error that a normal sample has (Ahn and Fessler 2003)."""
    cv = float(values.std(ddof=1) / values.mean())
    return Estimate(value=cv, error=cv * float(np.sqrt((0.5 + cv**2) / (len(values) - 1))))


def findings_dataset(found: Findings) -> xr.Dataset:
    """Curves, outputs, noise and features with their units."""
    head, objects, unit = found.head, found.objects, {"units": "1"}
    factor, factor_off = _scales(head)
    excess = [c["total_variation"].summary() for c in found.noise]
    features = ("focus", "rotation", "object", "feature")
    curves = {
        name: (("time", "query"), getattr(head.curve, name), unit)
        for name in ("cosine", "cosine_floor", "error", "error_floor")
    }
    return xr.Dataset(
        {
            **curves,
            "cosine_equal": ("query", cosine(head.vectors.equal, head.vectors.reference), unit),
            "cosine_strongest": ("query", cosine(head.vectors.strongest, head.vectors.reference), unit),
            "output": (("query", "component"), head.spiking.output, unit),
            "output_without_loop": (("query", "component"), head.off.output, unit),
            "softmax_output": (("query", "component"), head.vectors.reference, unit),
            "scale": ("query", factor, unit),
            "scale_without_loop": ("query", factor_off, unit),
            "excess": ("query_rate", [row.ratio for row in excess], unit),
            "excess_se": ("query_rate", [row.ratio_se for row in excess], unit),
            "attention": (features[:3], objects.scene.weights, unit),
            "object_output": (features, objects.spiking, unit),
            "object_softmax": (features, objects.softmax, unit),
        },
        {
            "time": ("time", head.curve.time_ms, {"units": "ms"}),
            "query_rate": ("query_rate", list(found.noise_Hz), {"units": "Hz"}),
            "focus": ("focus", objects.scene.focus, unit),
            "feature": ("feature", objects.scene.strengths, {**unit, "long_name": "strength of the feature"}),
        },
    )


def findings_verdict(found: Findings, metrics: dict[str, Metric]) -> str:
    """The answer in words, each of which the numbers decide."""
    return "\n\n".join(
        (_say_output(found.head, metrics), _say_query(found, metrics), _say_objects(found.objects, metrics))
    )


def _say_output(head: WholeHead, metrics: dict[str, Metric]) -> str:
    whole, spread = metrics["cosine"], metrics["scale_spread"]
    gap = mean(head.curve.cosine_floor[-1] - head.curve.cosine[-1])
    short = gap.value > CLEAR * gap.error
    against = (
        f"short of the {whole.floor:.4f} of as many exact samples"
        if short
        else f"no worse than as many exact samples ({whole.floor:.4f})"
    )
    if spread.control is not None and spread.control > 1.25 * spread.value:
        loop = (
            f"Without the loop the cosine is {metrics['cosine_off'].value:.3f}, but the length spreads "
            f"{spread.control / spread.value:.1f} times as much."
        )
    else:
        loop = "The loop does not make the output's length steadier than a circuit without it."
    return (
        f"After {head.curve.time_ms[-1]:.0f} ms the output points where softmax attention points: cosine "
        f"{whole.text()}, {against}; equal weights reach {whole.control:.2f} and the strongest key alone "
        f"{metrics['cosine_strongest'].value:.2f}. Its length is {metrics['scale'].text()} times what it should be "
        f"and spreads by {spread.value:.0%} over queries, because nothing divides. {loop}"
    )


def _say_query(found: Findings, metrics: dict[str, Metric]) -> str:
    with_spikes, without = (
        Estimate(value=row.ratio, error=row.ratio_se)
        for row in (c["total_variation"].summary() for c in (found.head.agreement, found.head.direct))
    )
    apart = standard_errors_apart(with_spikes, without)
    cost = "makes the weights worse" if apart > CLEAR else "cannot be seen in the weights"
    noisiest, beta = metrics["excess_noisiest"], metrics["beta"]
    return (
        f"Carrying the query in Poisson spikes {cost}: total variation {metrics['excess'].text()} floors, "
        f"{without.value:.2f} with the scores handed in (beta × temperature {beta.text()} against "
        f"{beta.control:.3f}). That takes {metrics['query_spikes'].value:,.0f} query spikes for "
        f"{metrics['spikes'].value:,.0f} in the race; with query cells at {found.noise_Hz[0]:g} Hz it is "
        f"{noisiest.text()} floors."
    )


def _say_objects(objects: SparseObjects, metrics: dict[str, Metric]) -> str:
    seen, appearance = metrics["seen"], metrics["appearance"]
    in_part = objects.in_part(objects.softmax)
    lead = (
        f"With the threshold step at {objects.threshold:g} the spiking head shows and hides "
        f"{seen.value:.1%} of the features as softmax attention does (exact samples: {seen.floor:.1%}, equal "
        f"weights: {seen.control:.1%}; this output divided by its spikes: "
        f"{metrics['seen_share'].value:.1%}), and {appearance.value:.1%} of the objects appear whole, in part or "
        f"not at all as they should."
    )
    if not in_part.any():
        return f"{lead} At this threshold softmax attention leaves no object visible in part."
    weights = objects.scene.weights[in_part]
    return (
        f"{lead} Objects with an attention of {weights.min():.2g} to {weights.max():.2g} stay visible without "
        f"their weaker features. Those go first by construction, for all features of an object ride on the same "
        f"spikes; and the step itself is ours, not the circuit's."
    )
