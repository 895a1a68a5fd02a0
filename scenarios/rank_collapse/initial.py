"""A network of BERT's sizes at its initial values, with and without skips and MLP, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pragmatic import Head, Softmax, dot_product_head
from pragmatic.attention_layer import AttentionLayer, Parts, relative_residual

__all__ = ["LOST", "PUBLISHED", "VARIANTS", "at_start", "embedded"]

STD = 0.02  # of every matrix and embedding (Devlin et al. 2019)
HEAD_DIM = 64  # of BERT
LOST = 1e-13  # a relative residual below it is rounding
VARIANTS: Mapping[str, Parts] = {
    "pure": Parts(),
    "mlp": Parts(mlp=True),
    "skip": Parts(skip=True),
    "both": Parts(skip=True, mlp=True),
}
PUBLISHED: Mapping[str, Mapping[int, float]] = {  # Dong et al. 2021, BERT: variant -> layer -> residual
    "pure": {0: 0.61, 1: 0.018, 2: 7e-7},
    "skip": {12: 0.45},
    "both": {12: 0.35},
}


def embedded(words: np.ndarray, width: int, rng: np.random.Generator) -> Tensor:
    """Embeddings of a text at the start, (1, T, width): of the word, of the place and of the segment, normed."""
    word = rng.normal(0, STD, (int(words.max()) + 1, width))[words]
    place, segment = rng.normal(0, STD, (len(words), width)), rng.normal(0, STD, width)
    return functional.layer_norm(torch.from_numpy(word + place + segment)[None], (width,))


@torch.no_grad()
def at_start(
    words: np.ndarray,
    width: int,
    n_layers: int,
    spiking: Head,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> dict[str, np.ndarray]:
    """Relative residual of each variant, (n_layers + 1,), all with the same matrices, and pure attention in spikes.

    Only what collapses needs double precision. A variant whose residual is lost in rounding goes no further.
    """
    x, exact = embedded(words, width, rng), dot_product_head(Softmax())
    double = {"pure": x, "mlp": x, "spikes": x}
    single = {"skip": x.float(), "both": x.float()}
    reached = {name: [float(relative_residual(x))] for name in (*double, *single)}
    for i in range(n_layers):
        layer = AttentionLayer(width, max(1, width // HEAD_DIM), rng, std=STD, hidden=4 * width)
        for states in (double, single):
            layer = layer.to(next(iter(states.values())).dtype)
            for name, state in states.items():
                if not reached[name][-1] > LOST:
                    reached[name].append(np.nan)
                    continue
                head = spiking if name == "spikes" else exact
                states[name] = layer(state, VARIANTS.get(name, Parts()), head).output
                reached[name].append(float(relative_residual(states[name])))
        progress((i + 1) / n_layers)
    return {name: np.array(values) for name, values in reached.items()}
