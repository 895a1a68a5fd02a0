"""Values read out by spikes against weights @ value, over keys, spikes, and queries to a value matrix."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from bridge.heads.read_out import SpikeCounts, cheaper_by_spikes, read_out
from bridge.heads.rows import Shares
from tests.benchmarks.table import Table, in_turn

DIM, SCORE_SD, REPEATS, CALLS = 64, 1.5, 5, 5
SPIKES = (8, 16, 64, 256)
SETTINGS = [(queries, keys) for queries in (1, 8, 128) for keys in (64, 256, 512, 1024, 4096)]
NUMBERS = 2_000_000  # weights of one call, at most


def run() -> Table:
    """Time of the product over that of the additions; above 1, spikes are faster."""
    rng, threads = np.random.default_rng(0), torch.get_num_threads()
    torch.set_num_threads(1)  # CPU time of a product on several threads has their waiting in it
    try:
        lines = tuple(_line(rng, *setting) for setting in SETTINGS)
    finally:
        torch.set_num_threads(threads)
    return Table(
        setting=f"Rows of N(0, {SCORE_SD}²) scores, values of {DIM} components, single precision; CPU time of the "
        f'product over that of the additions, medians of {REPEATS} rounds in turn. A star: `readout="auto"` adds.',
        head=("queries", "keys", "product, µs/row", *(f"{n} spikes" for n in SPIKES)),
        lines=lines,
        packages=("numpy", "numba", "torch"),
    )


def _line(rng: np.random.Generator, n_queries: int, n_keys: int) -> tuple[str, ...]:
    n_heads = int(np.clip(NUMBERS // (n_keys * max(n_queries, DIM)), 1, 64))
    value = torch.from_numpy(rng.normal(size=(n_heads, n_keys, DIM)).astype(np.float32))
    cells, product_us = [], 0.0
    for n_spikes in SPIKES:
        weights, spikes = _drawn(rng, n_heads, n_queries, n_keys, n_spikes)
        ways = {how: partial(read_out, weights, value, spikes, how=how) for how in ("product", "spikes")}
        rounds = in_turn({how: partial(_several, way) for how, way in ways.items()}, repeats=REPEATS)
        star = " *" if cheaper_by_spikes(n_spikes, n_keys, n_queries) else ""
        cells.append(f"{np.median(rounds.cpu_s['product'] / rounds.cpu_s['spikes']):.2f}{star}")
        product_us = float(np.median(rounds.cpu_s["product"])) / (CALLS * n_heads * n_queries) * 1e6
    return (str(n_queries), str(n_keys), f"{product_us:.2f}", *cells)


def _drawn(
    rng: np.random.Generator, n_heads: int, n_queries: int, n_keys: int, n_spikes: int
) -> tuple[Tensor, SpikeCounts]:
    odds = np.exp(rng.normal(0.0, SCORE_SD, (n_heads * n_queries, n_keys)))
    counts = rng.multinomial(n_spikes, odds / odds.sum(axis=1, keepdims=True))
    shares = Shares((len(counts), n_keys), torch.float32)
    shares.fill(range(len(counts)), counts)
    weights, totals = shares.weights, shares.totals
    return weights.reshape(n_heads, n_queries, n_keys), SpikeCounts(weights, totals, n_spikes)


def _several(way: partial[Tensor]) -> None:
    for _ in range(CALLS):  # short calls are timed together
        way()
