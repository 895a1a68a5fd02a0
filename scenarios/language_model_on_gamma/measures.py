"""Numbers of language-model-on-gamma: perplexity over softmax's, pairs, text, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bridge import Bill
from scenarios.language_model_on_gamma.bills import add_bill
from scenarios.language_model_on_gamma.judging import Judged, add_pairs, pairs_in_data
from scenarios.language_model_on_gamma.looking import Looked
from scenarios.language_model_on_gamma.trials import Kind
from scenarios.language_model_on_gamma.writing import Written, add_writing
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers
from scenarios.workbench.reading import KL, LOSS, SAME, SECONDS, SPIKES
from scenarios.workbench.statistics import Estimate, mean
from scenarios.workbench.tables import column, estimate_column

if TYPE_CHECKING:
    from scenarios.language_model_on_gamma import Params

__all__ = ["KINDS", "Study", "in_data", "in_numbers"]

KINDS = {"spikes": "simulated", "random": "random cells", "samples": "samples"}  # with a number of spikes


@dataclass(frozen=True, kw_only=True)
class Study:
    """All that was measured."""

    params: Params
    chosen: str  # heads, in words
    tried: Sequence[Kind] = ()  # on windows
    # (n_tried, n_windows, n_measures)
    measured: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0)))
    judged: Judged | None = None
    written: Written | None = None
    looked: Looked | None = None
    bills: Mapping[int, Bill] = field(default_factory=dict)  # by spikes per row, 0 for softmax

    def at(self, kind: str, spikes: int = 0, layer: int = -1) -> np.ndarray:
        """(n_windows, n_measures) of one trial, windows on which it was tried."""
        own = self.measured[self.tried.index(Kind(name=kind, spikes=spikes, layer=layer))]
        return own[np.isfinite(own[:, LOSS])]

    @property
    def kinds(self) -> list[str]:
        """Kinds with a number of spikes that were tried."""
        return [kind for kind in KINDS if any(each.name == kind for each in self.tried)]

    @property
    def layers(self) -> list[int]:
        """Layers that were simulated alone."""
        return [each.layer for each in self.tried if each.name == "layer"]

    def rise(self, kind: str, spikes: int = 0) -> Estimate:
        """Nats a token lost against softmax on the same windows."""
        return mean(self.at(kind, spikes)[:, LOSS] - self.at("softmax")[:, LOSS])

    def alone(self, layer: int) -> Estimate:
        """KL of the next token with one layer simulated, which shows on fewer windows than the loss."""
        return mean(self.at("layer", self.params.layer_spikes, layer)[:, KL])

    def ratio(self, kind: str, spikes: int = 0) -> Estimate:
        """Perplexity over softmax's: the exponential of that."""
        rise = self.rise(kind, spikes)
        return Estimate(value=float(np.exp(rise.value)), error=float(np.exp(rise.value) * rise.error))

    def of(self, measure: int, kind: str, spikes: int = 0) -> Estimate:
        """Mean over windows of KL, same token, or spikes per row."""
        return mean(self.at(kind, spikes)[:, measure])

    def time(self, kind: str, spikes: int = 0) -> Estimate:
        """Time over softmax's, window by window in turn: median, and the error of a median of such a spread."""
        ratio = self.at(kind, spikes)[:, SECONDS] / self.at("softmax")[:, SECONDS]
        spread = 1.4826 * np.median(np.abs(ratio - np.median(ratio)))  # of a normal distribution
        return Estimate(value=float(np.median(ratio)), error=float(1.2533 * spread / len(ratio) ** 0.5))


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, params = Lines(), study.params
    for kind in study.kinds or (["spikes"] if study.bills else []):
        for n in sorted(params.spikes, key=lambda n: n != params.shown):
            _budget(lines, study, kind, n)
    if study.tried:
        _controls(lines, study)
    if study.judged is not None:
        add_pairs(lines, study.judged, params.shown)
    if study.written is not None:
        add_writing(lines, study.written)
    return lines.metrics


def _controls(lines: Lines, study: Study) -> None:
    """Softmax itself, uniform attention, and layers alone."""
    params, softmax = study.params, mean(study.at("softmax")[:, LOSS])
    perplexity = float(np.exp(softmax.value))
    note = f"{len(study.at('softmax'))} windows of {params.length} tokens" + (
        f", of each the last {params.stride}" if params.stride else ""
    )
    own = Estimate(value=perplexity, error=perplexity * softmax.error)
    lines.add("perplexity", "perplexity of softmax", own, note=note)
    lines.add("uniform", "perplexity over softmax's, uniform attention", study.ratio("uniform"))
    lines.add("kl_uniform", "– KL of the next token", study.of(KL, "uniform"), unit="nat")
    for layer in study.layers:
        label = f"layer {layer} alone, {params.layer_spikes} spikes a row: KL of the next token"
        lines.add(f"layer_{layer}", label, study.alone(layer), unit="nat")


def _budget(lines: Lines, study: Study, kind: str, n: int) -> None:
    """One kind at one budget; the headline's has the plain names."""
    main = kind == "spikes" and n == study.params.shown
    ending = "" if main else f"_{kind}_{n}"
    if study.tried:
        _losses(lines, study, kind, n, ending)
    if study.bills and kind == "spikes":
        add_bill(lines, study.bills, n, ending)


def _losses(lines: Lines, study: Study, kind: str, n: int, ending: str) -> None:
    """What is lost on the windows, and the time taken."""
    sampled = "samples" in study.kinds and kind != "samples"
    floor = study.ratio("samples", n) if sampled else None
    name = f"perplexity over softmax's, {KINDS[kind]}, {n} spikes a row"
    note = ("floor: as many samples; " if sampled else "") + "control: uniform attention"
    lines.add(
        f"ratio{ending}", name, study.ratio(kind, n), floor=floor, control=study.ratio("uniform"), note=note
    )
    lines.add(f"kl{ending}", "– KL of the next token", study.of(KL, kind, n), unit="nat")
    lines.add(f"same{ending}", "– same most probable token", study.of(SAME, kind, n))
    lines.add(f"time{ending}", "– time over softmax's", study.time(kind, n))
    lines.add(f"spent{ending}", "– spikes per row", study.of(SPIKES, kind, n))


def in_data(study: Study) -> xr.Dataset:
    """Every measure of every window and pair, and rises by kind, budget and layer."""
    parts = [_windows(study)] if study.tried else []
    parts += [pairs_in_data(study.judged)] if study.judged is not None else []
    return xr.merge(parts, join="exact")


def _windows(study: Study) -> xr.Dataset:
    params, layers = study.params, study.layers
    data = xr.Dataset(
        {
            "loss": column(("trial", "window"), study.measured[..., LOSS], "loss", "nat"),
            "kl": column(("trial", "window"), study.measured[..., KL], "KL of the next token", "nat"),
            "same": column(("trial", "window"), study.measured[..., SAME], "same most probable token"),
            "seconds": column(("trial", "window"), study.measured[..., SECONDS], "time", "s"),
            "spent": column(("trial", "window"), study.measured[..., SPIKES], "spikes per row"),
        },
        {"trial": [each.label for each in study.tried]},
    )
    if study.kinds:
        rises = [[study.rise(kind, n) for n in params.spikes] for kind in study.kinds]
        data = data.assign(estimate_column("rise", ("kind", "spikes"), rises, "loss over softmax's"))
        data = data.assign_coords(kind=study.kinds, spikes=column("spikes", params.spikes, "spikes per row"))
    if layers:
        alone = [study.alone(layer) for layer in layers]
        data = data.assign(estimate_column("alone", "layer", alone, "KL of the next token, one layer alone"))
        data = data.assign_coords(layer=column("layer", layers, "layer"))
    return data
