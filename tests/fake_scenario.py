"""A scenario of a few lines that stands in for the shipped ones: twenty coin tosses per row."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np

from scenarios.workbench import registry
from scenarios.workbench.inputs import load_mask, load_scores
from scenarios.workbench.outcome import Metric, Outcome, Picture, RunContext
from scenarios.workbench.params import ScenarioParams, param

QUESTION = "Does a fair coin land on heads half of the time?"


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    n_rows: int = param(8, "independent coins", at_least=1)
    duration_ms: float = param(20.0, "one toss a millisecond", above=0)
    temperatures: tuple[float, ...] = param((0.5, 1.0), "only listed", above=0)
    heads: str = param("all", "heads of the model, layer.head")
    n_cells: int = param(40, "only listed", at_least=1)
    temperature: float = param(1.0, "only listed", above=0)
    text: str = param("a paragraph", "only listed")
    scores: str | None = param(None, "a .npy file")
    mask: str | None = param(None, "a .npy file")
    law: str = param("softmax", "one of two", choices=("softmax", "linear"))
    candid: bool = param(True, "say it all")
    fail: str | None = param(None, "how to go wrong", choices=("bug", "interrupt", "wait", "transformers"))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Toss, count, draw."""
    import xarray as xr

    _go_wrong(params)
    if params.scores:
        scores = load_scores(params.scores)
        if params.mask:
            load_mask(params.mask, scores.shape)
    with ctx.progress.stage("toss") as progress:
        share = ctx.rng.binomial(round(params.duration_ms), 0.5, size=params.n_rows) / params.duration_ms
        progress(1.0)
    error = float(share.std(ddof=1) / np.sqrt(params.n_rows)) if params.n_rows > 1 else None
    metrics = {
        "share": Metric(label="share of heads", value=float(share.mean()), standard_error=error, control=0.5),
        "rows": Metric(label="coins", value=params.n_rows, note="independent"),
        "spread": Metric(label="spread", value=float("nan"), floor=0.11, unit="Hz"),
    }
    dataset = xr.Dataset(
        {"share": ("row", share, {"units": "1"})}, {"row": ("row", range(params.n_rows), {"units": "1"})}
    )
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("share", "rows", "spread"),
        pictures={"shares": Picture(draw=lambda: _draw(share), caption="Share of <heads> & tails per coin.")},
        verdict=f"The share of heads is {share.mean():.2f}.",
    )


def _draw(share: np.ndarray):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot(share, "o")
    axes.set(xlabel="coin", ylabel="share of heads", title="Heads")
    return figure


def _go_wrong(params: Params) -> None:
    if params.fail == "bug":
        raise KeyError("a fault of the program")
    if params.fail == "interrupt":
        raise KeyboardInterrupt
    if params.fail == "transformers":
        raise ModuleNotFoundError("No module named 'transformers'", name="transformers.models")
    if params.fail == "wait":
        print("waiting", flush=True)
        time.sleep(30)


def register(*, registered_as: tuple[str, ...] = ("coin-toss",)) -> None:
    """Put this module where the registry looks for scenarios of these names."""
    for name in registered_as:
        registry.SCENARIOS.setdefault(name, registry.Entry("Chance", "A fair coin"))
        sys.modules[f"scenarios.{name.replace('-', '_')}"] = sys.modules[__name__]
