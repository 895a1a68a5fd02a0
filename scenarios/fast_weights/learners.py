"""Networks with fast weights that learn to learn classes, and the swap of their columns to spikes."""

from __future__ import annotations

from dataclasses import asdict
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from pragmatic.checkpoint import put_tensors, read_tensors, write_tensors
from pragmatic.machines.fast_weights import LAYERS, FastNetwork
from pragmatic.score_maps import ScoreMap, Softmax
from pragmatic.tasks.few_shot import Episodes, FewShot
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import Progress
from scenarios.workbench.sources import SOURCES

if TYPE_CHECKING:
    from scenarios.fast_weights import Params

__all__ = ["ASKED", "HEADS", "PARTS", "TASK", "Learnt", "learnt"]

TASK = FewShot(n_classes=4, shots=2, dim=8, noise=0.5)
ASKED = 4  # examples without labels in training
HEADS, TEMPERATURE = 4, 0.25  # of the layer, and of its columns
CLIP = 1.0
PARTS = ("read_map", "write_map")  # of a layer

Learnt = dict[
    tuple[str, str, int], np.ndarray
]  # (kind, source, spikes) -> (n_seeds, n_episodes, n_asked) right


def learnt(params: Params, ctx: RunContext) -> Learnt:
    """Train every kind, and measure it with exact columns and with columns drawn by spikes."""
    base = int(ctx.rng.integers(2**31))
    episodes = TASK.draw(params.episodes, params.asked, np.random.default_rng([base, 0]))
    right: dict[tuple[str, str, int], list[np.ndarray]] = {}
    for seed, kind in product(range(params.seeds), LAYERS):
        with ctx.part(f"{kind}, model {seed + 1}", share=1 / (3 * params.seeds)) as part:
            network = _trained(params, part, kind, (base, seed))
            for (source, spikes), answers in _answers(params, part, kind, network, episodes).items():
                right.setdefault((kind, source, spikes), []).append(answers)
    return {name: np.stack(of_seeds) for name, of_seeds in right.items()}


def _answers(
    params: Params, ctx: RunContext, kind: str, network: FastNetwork, episodes: Episodes
) -> dict[tuple[str, int], np.ndarray]:
    """By exact columns, then all columns by spikes, then those of reads or of writes alone."""
    right = {("softmax", 0): _right(network, Softmax(), episodes)}
    for source, spikes in product(SOURCES if kind != "frozen" else (), params.spikes):
        right[source, spikes] = _right(network, params.source_map(source, spikes, ctx), episodes)
    for only, spikes in product(PARTS if kind == "self" else (), params.spikes):
        right[only, spikes] = _right(network, params.source_map("circuit", spikes, ctx), episodes, only=only)
    return right


def _trained(params: Params, ctx: RunContext, kind: str, source: tuple[int, int]) -> FastNetwork:
    """A network after its training, or from where an interrupted run kept it."""
    network = FastNetwork(
        kind,
        n_inputs=TASK.n_inputs,
        n_classes=TASK.n_classes,
        width=params.width,
        n_heads=HEADS,
        temperature=TEMPERATURE,
        rng=np.random.default_rng([*source, 1]),
    )
    path = ctx.checkpoint(f"{kind}-{source[1]}")
    if path is not None and path.exists():
        put_tensors(dict(network.state_dict()), read_tensors(path, {})[0], str(path))
        return network
    _train(network, params, np.random.default_rng([*source, 2]), ctx.progress)
    if path is not None:
        write_tensors(path, dict(network.state_dict()), asdict(TASK))
    return network


def _train(network: FastNetwork, params: Params, rng: np.random.Generator, progress: Progress) -> None:
    optimizer = torch.optim.Adam(network.parameters(), params.learning_rate)
    for iteration in range(params.iterations):
        x, label = TASK.draw(params.batch, ASKED, rng)
        logits = network(x)[:, TASK.n_shown :]
        loss = functional.cross_entropy(logits.flatten(0, 1), label[:, TASK.n_shown :].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        progress(0.9 * (iteration + 1) / params.iterations)


@torch.no_grad()
def _right(
    network: FastNetwork, score_map: ScoreMap, episodes: Episodes, *, only: str | None = None
) -> np.ndarray:
    """Which answers are right, (n_episodes, n_asked), with these columns for all, only reads or only writes."""
    for name in PARTS if only is None else (only,):
        setattr(network.layer, name, score_map)
    answers = network(episodes.x).argmax(dim=-1) == episodes.label
    for name in PARTS:
        setattr(network.layer, name, Softmax())
    return answers[:, TASK.n_shown :].double().numpy()
