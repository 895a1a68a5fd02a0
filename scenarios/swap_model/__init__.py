"""Scenario swap-model: spiking heads in a pretrained transformer, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from bridge import SpikingHead, Usage
from bridge.heads.choice import chosen_heads
from bridge.huggingface.layers import attention_layers
from pragmatic.score_maps import ScoreMap, Uniform
from scenarios.swap_model.plots import draw_hidden, draw_weights
from scenarios.swap_model.swapped import Pass, plain_pass, swapped_pass
from scenarios.workbench.minilm import shipped_paragraph
from scenarios.workbench.outcome import Metric, Outcome, Picture, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.pretrained import MINILM, load_pretrained
from scenarios.workbench.statistics import mean, metric
from scenarios.workbench.style import WIDTH_in
from spiking import GammaCircuit
from spiking.params import PARAMETER_SETS

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What changes in a pretrained transformer when spikes do its attention? Chosen heads become simulated 40 Hz "
    "circuits; weights, hidden states and output are compared with those of the model's own softmax."
)


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    model: str = param(MINILM, "minilm, or the folder of a Hugging Face model")
    text: str = param(shipped_paragraph(), "what the model reads")
    heads: str = param(
        "all", "heads to swap: all, or layer.head from 0 with commas, * for every one: 0.1,3.*"
    )
    spikes: int = param(64, "spikes per row", at_least=1)
    temperature: float = param(1.0, "divides the scores; 1 as the model was trained", above=0)
    n_draws: int = param(3, "forward passes, each with new noise", at_least=1)
    circuit: str = param("brief", "set of circuit parameters", choices=tuple(PARAMETER_SETS))
    n_cells: int = param(10, "excitatory cells per key", at_least=1)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Passes with spikes, with as many exact samples, with uniform attention, and the model's own."""

    plain: Pass
    spiking: list[Pass]  # one a draw
    sampled: list[Pass]
    uniform: Pass
    usage: Usage  # of the spiking passes
    layers: list[str]  # label of each layer with a chosen head, in the order of the pass


def run(params: Params, ctx: RunContext) -> Outcome:
    """Load the model, let it read the text with each kind of attention, compare."""
    with ctx.progress.stage("read the model", share=0.05):
        found_model = load_pretrained(params.model)
        given = found_model.read([params.text])
    found = _measure(params, ctx, found_model.model, given)
    dataset = _dataset(found)
    metrics = _metrics(found, dataset)
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("change", "excess", "spikes"),
        pictures={"layers": _picture(dataset, params)},
        verdict=_verdict(metrics, found, params),
    )


def _measure(params: Params, ctx: RunContext, model: Any, given: dict[str, Any]) -> Findings:
    chosen = PARAMETER_SETS[params.circuit]
    circuit = GammaCircuit(replace(chosen, n_cells=params.n_cells, temperature=params.temperature))

    def swapped(score_map: ScoreMap) -> Pass:
        return swapped_pass(
            model, given, heads=params.heads, score_map=score_map, temperature=params.temperature
        )

    def head(mode: str) -> SpikingHead:
        return SpikingHead(
            circuit,
            spikes=params.spikes,
            mode=mode,
            engine=ctx.engine if mode == "simulated" else "fused",
            seed=int(ctx.rng.integers(2**63)),
            gradient=False,
        )

    plain, uniform = plain_pass(model, given), swapped(Uniform())
    exact, spikes = head("sampled"), head("simulated")
    sampled = [swapped(exact.score_map) for _ in range(params.n_draws)]
    spiking = []
    for draw in range(params.n_draws):
        label = f"draw {draw + 1} of {params.n_draws} in spikes"
        with ctx.progress.stage(label, share=0.95 / params.n_draws):
            spiking.append(swapped(spikes.score_map))
    return Findings(
        plain=plain,
        spiking=spiking,
        sampled=sampled,
        uniform=uniform,
        usage=spikes.usage,
        layers=_labels(model, params.heads, len(uniform.distance)),
    )


def _labels(model: Any, heads: str, n_calls: int) -> list[str]:
    """Number of the layer of each call; of the call where a layer is called more than once."""
    n_heads = [layer.n_heads for layer, _ in attention_layers(model)]
    numbers = sorted({layer for layer, _ in chosen_heads(heads, n_heads)})
    return [str(number) for number in (numbers if len(numbers) == n_calls else range(n_calls))]


def _dataset(found: Findings) -> xr.Dataset:
    plain, spiking, sampled = found.plain, found.spiking, found.sampled

    def kinds(of: Any) -> np.ndarray:
        """Mean over draws for spiking and sampled heads, and uniform attention."""
        return np.stack(
            [np.mean([of(p) for p in passes], 0) for passes in (spiking, sampled, [found.uniform])]
        )

    n_draws = len(spiking)
    blocks = np.stack([p.hidden_change(plain) for p in spiking])  # (n_draws, n_blocks)
    return xr.Dataset(
        {
            "distance": (
                ("kind", "layer"),
                kinds(lambda p: p.distance),
                {"units": "1", "long_name": "total variation of weights to softmax"},
            ),
            "floor": ("layer", np.mean([p.floor for p in spiking], 0), {"units": "1"}),
            "hidden_change": (
                ("kind", "block"),
                kinds(lambda p: p.hidden_change(plain)),
                {"units": "1", "long_name": "relative change of the hidden state"},
            ),
            "hidden_change_se": ("block", _error(blocks), {"units": "1"}),
            "distance_se": ("layer", _error(np.stack([p.distance for p in spiking])), {"units": "1"}),
            "change": (("kind", "draw"), _over_draws(found, lambda p: p.change(plain)), {"units": "1"}),
            "divergence": (
                ("kind", "draw"),
                _over_draws(found, lambda p: p.divergence_nats(plain)),
                {"units": "nat", "long_name": "KL of what the logits predict"},
            ),
            "same_choice": (
                ("kind", "draw"),
                _over_draws(found, lambda p: p.same_choice(plain)),
                {"units": "1"},
            ),
        },
        {
            "kind": ["simulated", "sampled", "uniform"],
            "layer": found.layers,
            "block": ("block", np.arange(blocks.shape[1]), {"units": "1"}),
            "draw": ("draw", np.arange(n_draws), {"units": "1"}),
        },
    )


def _error(draws: np.ndarray) -> np.ndarray:
    """Standard error over draws, (n_draws, n) -> (n,); nan for one draw."""
    n = len(draws)
    return draws.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(draws.shape[1], np.nan)


def _over_draws(found: Findings, of: Callable[[Pass], float]) -> np.ndarray:
    """(3 kinds, n_draws); uniform attention has no noise, so that its draws are the same."""
    uniform = [found.uniform] * len(found.spiking)
    return np.array([[of(p) for p in passes] for passes in (found.spiking, found.sampled, uniform)])


def _metrics(found: Findings, dataset: xr.Dataset) -> dict[str, Metric]:
    what = "logits" if found.plain.has_logits else "last hidden state"
    beside = "floor: as many exact samples; control: uniform attention"
    metrics = {"change": _line(f"change of the {what}", dataset.change, note=f"of its norm; {beside}")}
    if found.plain.has_logits:
        metrics["divergence"] = _line("KL of what the logits predict", dataset.divergence, unit="nat")
        metrics["same_choice"] = _line("tokens with the same largest logit", dataset.same_choice)
    metrics["excess"] = _excess(dataset)
    usage = found.usage
    metrics |= {
        "spikes": Metric(label="spikes counted per row", value=usage.exc_spikes / usage.rows),
        "silent": Metric(label="silent rows", value=usage.silent_rows, note=f"of {usage.rows}"),
        "seconds": Metric(
            label="time of the forward pass over the model's own",
            value=min(p.seconds for p in found.spiking) / found.plain.seconds,
            note="the fastest draw, on this machine, one run",
        ),
    }
    for i, layer in enumerate(dataset.layer.values):
        metrics[f"weights_{layer}"] = Metric(
            label=f"layer {layer}: total variation to softmax",
            value=float(dataset.distance[0, i]),
            standard_error=float(dataset.distance_se[i]),
            floor=float(dataset.floor[i]),
            control=float(dataset.distance[2, i]),
            note="floor: as many exact samples" if i == 0 else "",
        )
    for i in range(dataset.sizes["block"]):
        metrics[f"hidden_{i}"] = Metric(
            label=f"block {i}: change of the hidden state",
            value=float(dataset.hidden_change[0, i]),
            standard_error=float(dataset.hidden_change_se[i]),
            floor=float(dataset.hidden_change[1, i]),
            control=float(dataset.hidden_change[2, i]),
            note="of its norm" if i == 0 else "",
        )
    return metrics


def _line(label: str, values: xr.DataArray, *, unit: str = "", note: str = "") -> Metric:
    return metric(
        label,
        mean(values.sel(kind="simulated").values),
        floor=float(values.sel(kind="sampled").mean()),
        control=float(values.sel(kind="uniform").mean()),
        unit=unit,
        note=note,
    )


def _excess(dataset: xr.Dataset) -> Metric:
    """Over all chosen heads: how much further than sampling explains."""
    floor = float(dataset.floor.mean())
    return Metric(
        label="total variation / sampling floor",
        value=float(dataset.distance.sel(kind="simulated").mean()) / floor,
        standard_error=float(np.sqrt((dataset.distance_se**2).sum()) / dataset.sizes["layer"]) / floor,
        floor=1.0,
        control=float(dataset.distance.sel(kind="uniform").mean()) / floor,
        note="at the scores that the circuit was given",
    )


def _picture(dataset: xr.Dataset, params: Params) -> Picture:
    return Picture(
        draw=lambda: _draw(dataset),
        caption=f"Left: how far the weights of the chosen heads are from the softmax of the same scores at "
        f"{params.spikes} spikes per row, beside the distance that as many exact samples have on average. Right: "
        "change of the hidden state after each block against the model with its own attention, noise of all "
        f"layers before it included. Means of {params.n_draws} forward passes, with standard errors.",
    )


def _draw(dataset: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 3.3))
    left, right = figure.subplots(1, 2)
    draw_weights(left, dataset)
    draw_hidden(right, dataset)
    return figure


def _verdict(metrics: dict[str, Metric], found: Findings, params: Params) -> str:
    change, excess = metrics["change"], metrics["excess"]
    what = "logits" if found.plain.has_logits else "last hidden state"
    assert change.floor is not None
    return (
        f"With {params.spikes} spikes a row in heads {params.heads}, the change of the {what} is "
        f"{change.text()} of its norm; with as many exact samples of the softmax it is {change.floor:.3g}, "
        f"with uniform attention in these heads {change.control:.3g}. The weights are {excess.text()} times as far "
        "from the softmax of their scores as their number of spikes explains. "
        f"{found.usage.silent_rows} of {found.usage.rows} rows stayed silent. The forward pass took "
        f"{metrics['seconds'].value:.2g} times as long as the model's own."
    )
