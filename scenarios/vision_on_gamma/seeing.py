"""What a vision transformer makes of images under each kind of attention, kept as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pragmatic.checkpoint import read_tensors, write_tensors
from scenarios.vision_on_gamma.images import Views, normalised
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.reading import Trial

__all__ = ["MEASURES", "see_all", "see_digits", "see_views"]

MEASURES = ("matched", "map", "seconds")  # of a pair of views
Decoder = Callable[[Tensor, int], Tensor] | None
BATCH = 8  # digits at once


def see_digits(model: Any, pixels: Tensor, trials: Sequence[Trial], ctx: RunContext) -> np.ndarray:
    """The class vector of every digit, (n_trials, n_digits, width)."""
    parts = pixels.split(BATCH)

    def see(at: int, trial: Trial, rng: np.random.Generator) -> Tensor:
        return _seen(model, parts[at], trial, rng)[0][:, 0]

    kept = _each(len(parts), trials, see, ctx, "digits")
    return torch.cat(kept, dim=1).numpy()


def see_views(
    model: Any, decoder: Decoder, views: Sequence[Views], depth: int, trials: Sequence[Trial], ctx: RunContext
) -> np.ndarray:
    """Patches that are matched, the likeness of maps, and time, (n_trials, n_pairs, n_measures).

    A patch of the first view is matched if the patch of the second whose vector has the largest cosine with its
    own lies within one patch of where it has moved. Vectors are those after `depth` layers, which know their place
    better than the last (Amir et al. 2022, Deep ViT features as dense visual descriptors, ECCVW). Maps are those of
    the decoder, nan without one; their likeness is the correlation with the first trial's.
    """
    exact: dict[int, Tensor] = {}

    def see(at: int, trial: Trial, rng: np.random.Generator) -> Tensor:
        pair = views[at]
        pixels = torch.from_numpy(np.stack([pair.first, pair.second])).permute(0, 3, 1, 2).float()
        began = time.perf_counter()
        last, between = _seen(model, normalised(pixels), trial, rng, depth)
        seconds, likeness = time.perf_counter() - began, np.nan
        if decoder is not None:
            with torch.inference_mode():
                drawn = decoder(last[:1, 1:], len(pair.first)).flatten()
            likeness = float(torch.corrcoef(torch.stack([exact.setdefault(at, drawn), drawn]))[0, 1])
        return torch.tensor([[_matched(pair, *between[:, 1:]), likeness, seconds]], dtype=torch.float64)

    return torch.cat(_each(len(views), trials, see, ctx, "views"), dim=1).numpy()


def see_all(
    model: Any, decoder: Decoder, view: Views, depth: int, trials: Sequence[Trial], ctx: RunContext
) -> tuple[np.ndarray, np.ndarray]:
    """Of one view the patch vectors (n_trials, n_patches, width) and the decoder's maps (n_trials, size, size)."""
    pixels = normalised(torch.from_numpy(view.first).permute(2, 0, 1)[None].float())
    base, patches, maps = int(ctx.rng.integers(2**31)), [], []
    for n, trial in enumerate(trials):
        last, between = _seen(model, pixels, trial, np.random.default_rng([base, n]), depth)
        patches.append(between[0, 1:].numpy())
        with torch.inference_mode():
            maps.append(
                np.zeros((0, 0)) if decoder is None else decoder(last[:, 1:], len(view.first))[0].numpy()
            )
        ctx.progress((n + 1) / len(trials), trial.label)
    return np.array(patches), np.array(maps)


def _seen(
    model: Any, pixels: Tensor, trial: Trial, rng: np.random.Generator, depth: int = -1
) -> tuple[Tensor, Tensor]:
    """Vectors of the last layer and after `depth` layers, each (B, 1 + n_patches, width)."""
    with trial.placed(model, rng), torch.inference_mode():
        output = model(pixels, output_hidden_states=True)
    return output.last_hidden_state, output.hidden_states[depth]


def _each(
    n_parts: int,
    trials: Sequence[Trial],
    see: Callable[[int, Trial, np.random.Generator], Tensor],
    ctx: RunContext,
    name: str,
) -> list[Tensor]:
    """Each part under all trials, stacked over trials; kept after each, with noise by part and trial alone."""
    base, path = int(ctx.rng.integers(2**31)), ctx.checkpoint(name)
    about, done = {"base": base, "trials": [trial.label for trial in trials]}, []
    if path is not None and path.exists():
        tensors, found = read_tensors(path, {"base": int, "trials": list})
        if {key: found[key] for key in about} == about:
            done = [tensors[str(at)] for at in range(len(tensors))]
    for at in range(len(done), n_parts):
        seen = []
        for n, trial in enumerate(trials):
            seen.append(see(at, trial, np.random.default_rng([base, at, n])))
            ctx.progress((at + (n + 1) / len(trials)) / n_parts, f"{name}: {trial.label}")
        done.append(torch.stack(seen))
        if path is not None:
            write_tensors(path, {str(part): tensor for part, tensor in enumerate(done)}, about)
    return done


def _matched(pair: Views, first: Tensor, second: Tensor) -> float:
    """Share of the first view's patches whose nearest in the second is where they have moved."""
    side, size = round(len(first) ** 0.5), len(pair.first)
    centres = (np.stack(np.meshgrid(*[np.arange(side)] * 2, indexing="ij"), axis=-1).reshape(-1, 2) + 0.5) * (
        size / side
    ) - 0.5  # (n_patches, 2), pixels
    moved = pair.moved(centres)
    within = ((moved >= 0) & (moved <= size - 1)).all(axis=1)
    cosine = functional.normalize(first, dim=-1) @ functional.normalize(second, dim=-1).mT
    nearest = centres[cosine.argmax(-1).numpy()]
    return float((np.abs(nearest - moved).max(axis=1) <= size / side)[within].mean())
