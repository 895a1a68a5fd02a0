"""Scenario head-swap: spiking heads in a trained transformer, each alone and all together."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr
from matplotlib.figure import Figure

from bridge import SpikingHead, swap
from bridge.heads.choice import chosen_heads
from pragmatic.attention import Head, dot_product_head
from pragmatic.score_maps import Hardmax, Uniform
from pragmatic.training.evaluation import SequenceScores
from scenarios.head_swap.findings import CONTROLS, KINDS, Findings, findings_dataset
from scenarios.head_swap.head_probe import probe_heads
from scenarios.head_swap.metrics import findings_metrics, shown_budget
from scenarios.head_swap.plots import draw_accuracy, draw_by_entropy, draw_legend, draw_map, draw_rise
from scenarios.head_swap.verdict import findings_verdict
from scenarios.workbench.mini import Mini, SwapParams, mini_model, time_shares
from scenarios.workbench.outcome import Outcome, Picture, RunContext
from scenarios.workbench.params import param
from scenarios.workbench.progress import Progress
from scenarios.workbench.style import WIDTH_in

__all__ = ["QUESTION", "Params", "run"]

QUESTION = (
    "What does a trained transformer lose when spikes do its attention? Every head is replaced by a simulated "
    "40 Hz circuit, alone and all together, against the number of spikes that a row may have."
)
CAPTION = (
    "Top: rise of the held-out loss with all chosen heads swapped, and accuracy, against spikes per row; beside "
    "them as many exact samples of the same softmax, uniform attention and hardmax; thin lines: each head "
    "alone. Bottom: the rise with one head swapped at {few} spikes per row, its standard error, and in brackets "
    "with uniform attention in that head; right, the same rise against the entropy of the head's attention. "
    "Bars: standard errors of paired differences over the same {windows} windows."
)
MAPS = {"uniform": Uniform(), "hardmax": Hardmax()}


@dataclass(frozen=True, kw_only=True)
class Params(SwapParams):
    spikes: tuple[int, ...] = param((1, 2, 4, 8, 16, 32, 64, 128, 256), "budgets of a row", at_least=1)
    few_spikes: int = param(4, "a budget more, at which heads are compared", at_least=1)
    goal: float = param(0.02, "rise in loss whose price in spikes is told", above=0)

    @property
    def budgets(self) -> tuple[int, ...]:
        """Spikes per row, in order."""
        return tuple(sorted({*self.spikes, self.few_spikes}))


def run(params: Params, ctx: RunContext) -> Outcome:
    """Train or load a model, swap, and score it on the same windows each time."""
    pairs = chosen_heads(params.heads, [params.n_heads] * params.n_layers)
    with ctx.progress.stage("train", share=0.15) as progress:
        mini = mini_model(params, ctx, progress)
    found = _measure(params, ctx, mini, pairs)
    dataset = findings_dataset(found)
    metrics = findings_metrics(found, dataset, ctx.rng)
    return Outcome(
        dataset=dataset,
        metrics=metrics,
        headline=("rise", "spikes_for_goal", "entropy"),
        pictures={"heads": _picture(params, dataset)},
        verdict=findings_verdict(metrics, spikes=shown_budget(found.spikes), few=found.few, goal=found.goal),
        files={"model.safetensors": mini.save},
    )


def _measure(params: Params, ctx: RunContext, mini: Mini, pairs: list[tuple[int, int]]) -> Findings:
    swapped = {"all": pairs} | {f"{layer}.{head}": [(layer, head)] for layer, head in pairs}
    with ctx.progress.stage("softmax", share=0.01):
        reference = mini.score(mini.model)
        facts = probe_heads(mini.model, pairs, mini.windows.tokens)
        controls = {
            (control, name): _swapped(mini, heads, dot_product_head(MAPS[control]))
            for control in CONTROLS
            for name, heads in swapped.items()
        }
    circuit = params.gamma_circuit()
    scores, usage = {}, {}
    with ctx.progress.stage("swap", share=0.84) as progress:
        for spikes, share in zip(params.budgets, time_shares(params.budgets), strict=True):
            for name, heads in swapped.items():
                for kind in KINDS:
                    head = SpikingHead(
                        circuit,
                        spikes=spikes,
                        mode=kind,
                        engine=ctx.engine,
                        seed=int(ctx.rng.integers(2**63)),
                        gradient=False,
                    )
                    rows, pass_through = len(heads) / len(pairs), 1 / len(swapped)
                    part = share * (0.35 * rows + 0.3 * pass_through) if kind == "simulated" else 0.0
                    with progress.stage(f"{spikes} spikes, heads {name}", share=part) as inner:
                        scores[kind, name, spikes] = _swapped(mini, heads, head, inner)
                    usage[kind, name, spikes] = head.usage
    return Findings(
        pairs=pairs,
        spikes=params.budgets,
        few=params.few_spikes,
        goal=params.goal,
        reference=reference,
        scores=scores,
        controls=controls,
        usage=usage,
        facts=facts,
    )


def _swapped(
    mini: Mini, heads: list[tuple[int, int]], head: Head, progress: Progress | None = None
) -> SequenceScores:
    with swap(mini.model, heads=heads, head=head):
        return mini.score(mini.model, progress)


def _picture(params: Params, dataset: xr.Dataset) -> Picture:
    caption = CAPTION.format(few=params.few_spikes, windows=dataset.sizes["window"])
    return Picture(draw=lambda: _draw(dataset), caption=caption)


def _draw(dataset: xr.Dataset) -> Figure:
    figure = Figure(figsize=(WIDTH_in, 6.4))
    (rise, accuracy), (heads, entropy) = figure.subplots(2, 2)
    draw_rise(rise, dataset)
    draw_accuracy(accuracy, dataset)
    draw_map(heads, dataset)
    draw_by_entropy(entropy, dataset)
    draw_legend(figure, [rise, accuracy])
    return figure
