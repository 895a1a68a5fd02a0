"""MiniLM with the heads of each layer on one circuit, against a circuit for each head and as many samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge import SpikingHead, swap
from bridge.heads.slotted import SlottedScoreMap
from bridge.huggingface.layers import attention_layers
from pragmatic import Head, Uniform, dot_product_head
from scenarios.theta_gamma_heads.mixing import Mixed
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.pairs import SHIPPED, read_pairs
from scenarios.workbench.pretrained import MINILM, load_pretrained
from scenarios.workbench.sentence_vectors import encode, similarity, spearman
from scenarios.workbench.statistics import Estimate, bootstrap
from spiking import GammaCircuit, GammaParams
from spiking.circuits.slots import SlottedCircuit

if TYPE_CHECKING:
    from scenarios.theta_gamma_heads import Params

__all__ = ["Sentences", "measure_sentences"]


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """Rank correlation with people's judgements."""

    n_pairs: int
    n_heads: int
    rank: Mapping[str, Estimate]  # softmax, uniform, shared, separate, samples
    lost: Mapping[str, Estimate]  # against softmax, on the same pairs
    apart: Estimate  # separate less shared
    spikes: float  # a head's row on the shared circuit


def measure_sentences(params: Params, mixed: Mixed, ctx: RunContext) -> Sentences | None:
    """Encode the same sentences with each kind of heads; None where no pairs are asked for."""
    if params.n_pairs == 0:
        return None
    pairs, pretrained = read_pairs(params.pairs or SHIPPED), load_pretrained(MINILM)
    n = min(params.n_pairs, len(pairs.score))
    sentences = (*pairs.first[:n], *pairs.second[:n])
    n_heads = {layer.n_heads for layer, _ in attention_layers(pretrained.model)}.pop()
    shared = _shared(n_heads, mixed, params, ctx)
    cosines: dict[str, np.ndarray] = {}

    def measured(name: str, head: Head | None) -> None:
        with ctx.progress.stage(f"MiniLM, {name}", share=0.2) as progress:
            if head is None:
                vectors = encode(pretrained, sentences, progress=progress).vectors
            else:
                with swap(pretrained.model, head=head):
                    vectors = encode(pretrained, sentences, progress=progress).vectors
        cosines[name] = similarity(vectors, n)

    measured("softmax", None)
    measured("uniform", dot_product_head(Uniform()))
    measured("shared", dot_product_head(shared))
    spikes = shared.spikes / shared.rows
    for name, mode in (("separate", "simulated"), ("samples", "sampled")):
        seed = int(ctx.rng.integers(2**31))
        circuit = GammaCircuit(GammaParams.brief())
        measured(name, SpikingHead(circuit, spikes=round(spikes), mode=mode, seed=seed, gradient=False))
    judged = pairs.score[:n]

    def estimated(*names: str) -> Estimate:
        """Of the first, or the first less the second."""

        def of(rows: np.ndarray) -> float:
            ranks = [spearman(judged[rows], cosines[name][rows]) for name in names]
            return ranks[0] - ranks[1] if len(ranks) > 1 else ranks[0]

        return bootstrap(of, n, ctx.rng)

    return Sentences(
        n_pairs=n,
        n_heads=n_heads,
        rank={name: estimated(name) for name in cosines},
        lost={name: estimated("softmax", name) for name in cosines if name != "softmax"},
        apart=estimated("separate", "shared"),
        spikes=spikes,
    )


def _shared(n_heads: int, mixed: Mixed, params: Params, ctx: RunContext) -> SlottedScoreMap:
    """A circuit with a slot for each head, its gain such that a head's own scores have coefficient 1."""
    gain = 1 / float(np.diag(mixed.matrix).mean())
    circuit = SlottedCircuit(params=GammaParams.brief(gain=gain), n_slots=n_heads)
    rng = np.random.default_rng(ctx.rng.integers(2**63))
    return SlottedScoreMap(circuit, rng, periods=params.model_periods)
