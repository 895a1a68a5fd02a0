"""Recurrent networks that reverse sequences, with one state between them or with attention."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from pragmatic.checkpoint import put_tensors, read_tensors, write_tensors
from pragmatic.score_maps import Softmax
from pragmatic.seq2seq import Reversal, Seq2Seq, Seq2SeqParams, train_seq2seq
from scenarios.bottleneck.memory import Right
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import Progress
from scenarios.workbench.readers import Reader, spiking_map
from scenarios.workbench.trainings import schedule

if TYPE_CHECKING:
    from scenarios.bottleneck import Params

__all__ = ["KINDS", "LEARNING_RATE", "reversed_sequences"]

KINDS = ("state", "attention")
LEARNING_RATE = 5e-3  # at its highest


def reversed_sequences(params: Params, ctx: RunContext) -> Right:
    """Train models of both kinds, and measure how much of each sequence they say right when they speak freely.

    Returns
    -------
    Right
        Each (n_seeds, n_lengths, n_sequences).
    """
    base = int(ctx.rng.integers(2**31))
    accuracy: dict[Reader, list[np.ndarray]] = {}
    for seed in range(params.seeds):
        for kind in KINDS:
            with ctx.progress.stage(f"{kind}, seed {seed}", share=1 / (2 * params.seeds)) as progress:
                model = _trained(params, ctx, kind, (base, seed), progress)
            accuracy.setdefault((kind, 0), []).append(_measured(model, params))
        assert model.head is not None
        for reader in params.readers:
            model.head.score_map = spiking_map(params.row_circuit(), reader, ctx)
            accuracy.setdefault(reader, []).append(_measured(model, params))
        model.head.score_map = Softmax()
    return {reader: np.stack(of_seeds) for reader, of_seeds in accuracy.items()}


def _task(params: Params) -> Reversal:
    return Reversal(n_symbols=params.n_symbols, shortest=min(5, params.longest), longest=params.longest)


def _trained(
    params: Params, ctx: RunContext, kind: str, source: tuple[int, int], progress: Progress
) -> Seq2Seq:
    """A model after its training, or from where an interrupted run kept it."""
    sizes = Seq2SeqParams(n_symbols=params.n_symbols, attends=kind == "attention")
    model = Seq2Seq(sizes, np.random.default_rng([*source, 0]))
    path = ctx.checkpoint(f"{kind}-{source[1]}")
    if path is not None and path.exists():
        put_tensors(dict(model.state_dict()), read_tensors(path, {})[0], str(path))
        return model
    rates = schedule(params.iterations, params.batch, LEARNING_RATE)
    train_seq2seq(model, _task(params), rates, rng=np.random.default_rng([*source, 1]), progress=progress)
    if path is not None:
        write_tensors(path, dict(model.state_dict()), asdict(sizes))
    return model


def _measured(model: Seq2Seq, params: Params) -> np.ndarray:
    """Share of each sequence's symbols that are right, (n_lengths, n_sequences); the same ones for every model."""
    task = _task(params)
    shares = []
    for length in params.lengths:
        source, target = task.pairs(params.windows, np.random.default_rng([length, 0x5E9]), length)
        shares.append((model.decode(source, length) == target).double().mean(dim=1).numpy())
    return np.stack(shares)
