"""Numbers of vision-on-gamma: what is still told apart, matched and mapped, paired on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.vision_on_gamma.images import Views
from scenarios.vision_on_gamma.seeing import MEASURES
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.tables import column

if TYPE_CHECKING:
    from scenarios.vision_on_gamma import Params

__all__ = ["KINDS", "SOFTMAX", "TASKS", "UNIFORM", "Study", "in_data", "in_numbers", "label"]

SOFTMAX, UNIFORM = "softmax", "uniform"
KINDS = ("spikes", "samples")
TASKS = {  # name -> a reader's words
    "matched": "patches matched between two views",
    "retrieved": "digits whose nearest neighbour is the same digit",
    "probed": "digits right by a probe that learnt from softmax",
}
RIDGE = 1.0  # of the probe, in units of the mean variance of a feature


def label(kind: str, spikes: int) -> str:
    """``"spikes, 64 a row"``."""
    return f"{kind}, {spikes} a row"


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was seen. Softmax is the first trial, uniform attention the second."""

    params: Params
    labels: Sequence[str]  # of trials
    which: np.ndarray  # (n_digits,) which digit each is
    vectors: np.ndarray  # (n_trials, n_digits, width), of the class token
    seen: np.ndarray  # (n_trials, n_pairs, n_measures)
    views: Sequence[Views]
    view: Views  # that is drawn
    patches: np.ndarray  # (n_trials, n_patches, width), of its first view
    maps: np.ndarray  # (n_trials, size, size), of the same; size 0 without a decoder
    chosen: str  # heads, in words

    def trial(self, kind: str, spikes: int = 0) -> int:
        """Its place among the trials."""
        return self.labels.index(label(kind, spikes) if spikes else kind)

    @property
    def kinds(self) -> list[str]:
        """Kinds with spikes that were tried."""
        return [kind for kind in KINDS if kind in self.params.kinds]

    @property
    def has_maps(self) -> bool:
        """Whether the model came with a decoder."""
        return self.maps.shape[-1] > 0

    @cached_property
    def right(self) -> dict[str, np.ndarray]:
        """Of each task what was right, (n_trials, n_images)."""
        return {
            "matched": self.seen[:, :, MEASURES.index("matched")],
            "retrieved": np.stack([_retrieved(vectors, self.which) for vectors in self.vectors]),
            "probed": _probed(self.vectors, self.which),
        }

    @cached_property
    def turned(self) -> np.ndarray:
        """(n_trials, n_digits) 1 - cosine between a digit's vector and that by softmax, both less their mean."""
        centre = self.vectors[0].mean(axis=0)
        unit = _unit(self.vectors - centre)
        return 1 - (unit * unit[0]).sum(axis=-1)

    def share(self, task: str, kind: str, spikes: int = 0) -> Estimate:
        """What was right."""
        return mean(self.right[task][self.trial(kind, spikes)])

    def change(self, task: str, kind: str, spikes: int = 0, over: str = SOFTMAX) -> Estimate:
        """Paired difference from softmax, or from another kind at as many spikes."""
        right = self.right[task]
        other = self.trial(over, spikes if over in KINDS else 0)
        return mean(right[self.trial(kind, spikes)] - right[other])

    def likeness(self, kind: str, spikes: int = 0) -> Estimate:
        """Correlation of the decoder's map with that by softmax."""
        return mean(self.seen[self.trial(kind, spikes), :, MEASURES.index("map")])

    def time(self, spikes: int) -> Estimate:
        """Time over softmax's, pair by pair: the median, without the first pair, in which code compiles."""
        seconds = self.seen[:, 1:, MEASURES.index("seconds")]
        ratio = seconds[self.trial("spikes", spikes)] / seconds[0]
        spread = 1.4826 * np.median(np.abs(ratio - np.median(ratio)))  # of a normal distribution
        return Estimate(value=float(np.median(ratio)), error=float(1.2533 * spread / len(ratio) ** 0.5))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _retrieved(vectors: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Whether the nearest other digit, by cosine, is the same one, (n_digits,)."""
    unit = _unit(vectors - vectors.mean(axis=0))
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    return (which[cosine.argmax(axis=1)] == which).astype(float)


def _probed(vectors: np.ndarray, which: np.ndarray) -> np.ndarray:
    """What a ridge regression of softmax's first half gets right of the second half, (n_trials, n_tested)."""
    half = len(which) // 2
    taught, centre = vectors[0, :half], vectors[0, :half].mean(axis=0)
    x, y = taught - centre, np.eye(10)[which[:half]]  # (half, width), (half, 10)
    gram = x @ x.T
    weights = x.T @ np.linalg.solve(gram + RIDGE * np.trace(gram) / half * np.eye(half), y - y.mean(axis=0))
    answers = ((vectors[:, half:] - centre) @ weights + y.mean(axis=0)).argmax(axis=-1)
    return (answers == which[half:]).astype(float)


def in_numbers(study: Study) -> Numbers:
    """Every number of the report; the spikes of the headline have the plain names."""
    lines, params = Lines(), study.params
    n_patches = study.patches.shape[1]
    floors = {
        "matched": 4 / n_patches,
        "retrieved": 0.1,
        "probed": 0.1,
    }  # 4 patch centres lie within one patch
    for task, words in TASKS.items():
        softmax, uniform = study.share(task, SOFTMAX), study.share(task, UNIFORM)
        for kind in study.kinds:
            for n in sorted(params.spikes, key=lambda n: n != params.shown):
                ending = _ending(study, kind, n)
                said = f"{words}, {_named(kind)}, {n} a row"
                about = {"floor": floors[task], "control": uniform, "note": "floor: chance; control: uniform"}
                lines.add(f"{task}{ending}", said, study.share(task, kind, n), **about)
                lines.add(f"{task}_change{ending}", "– over softmax", study.change(task, kind, n), floor=0)
        lines.add(f"{task}_softmax", f"{words}, softmax", softmax, control=uniform, note="control: uniform")
    for kind in study.kinds:
        for n in params.spikes:
            said = f"1 – cosine with softmax's vector of a digit, {_named(kind)}, {n} a row"
            turned = study.turned[study.trial(kind, n)]
            lines.add(f"turned{_ending(study, kind, n)}", said, turned, control=study.turned[1])
            if study.has_maps:
                said = f"correlation of saliency maps with softmax's, {_named(kind)}, {n} a row"
                control = study.likeness(UNIFORM)
                lines.add(f"map{_ending(study, kind, n)}", said, study.likeness(kind, n), control=control)
    for n in params.spikes:
        lines.add(f"time_{n}", f"time over softmax's, {n} spikes a row", study.time(n))
    return lines.metrics


def _ending(study: Study, kind: str, n: int) -> str:
    return "" if (kind, n) == ("spikes", study.params.shown) else f"_{kind}_{n}"


def _named(kind: str) -> str:
    return {"spikes": "simulated spikes", "samples": "samples"}[kind]


def in_data(study: Study) -> xr.Dataset:
    """What was right, image by image, and how the views were drawn."""
    right, dims = study.right, {"matched": "pair", "retrieved": "digit", "probed": "tested"}
    data = xr.Dataset(
        {
            **{task: column(("trial", dims[task]), right[task], words) for task, words in TASKS.items()},
            "turned": column(("trial", "digit"), study.turned, "1 – cosine with softmax's vector"),
            "seconds": column(
                ("trial", "pair"), study.seen[:, :, MEASURES.index("seconds")], "time of a pair", "s"
            ),
            "which": column("digit", study.which, "which digit"),
            "turn": column("pair", [view.turn_rad for view in study.views], "turn of the second view", "rad"),
            "zoom": column("pair", [view.zoom for view in study.views], "zoom of the second view"),
        },
        {"trial": list(study.labels), "photograph": ("pair", [view.name for view in study.views])},
    )
    if study.has_maps:
        data["map"] = column(("trial", "pair"), study.seen[:, :, MEASURES.index("map")], "likeness of maps")
    return data
