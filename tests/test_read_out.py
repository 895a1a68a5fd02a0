"""Values read out by spikes: the product with the weights, its gradient, and its price in additions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from doubles import MultinomialCircuit
from torch import Tensor

from bridge import SpikingHead, count
from bridge.bill.usage import Usage
from bridge.heads.read_out import SpikeCounts, cheaper_by_spikes, read_out
from bridge.heads.rows import ScoreRows, Shares
from spiking import GammaCircuit, GammaParams

N_QUERIES, N_KEYS, DIM = 5, 19, 6


def drawn(
    *lead: int, seed: int = 0, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor, SpikeCounts]:
    """Weights, values and counts; the first row is silent, some keys have several spikes, most have none."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.4, (int(np.prod(lead)) * N_QUERIES, N_KEYS)) * rng.integers(1, 4, N_KEYS)
    counts[0] = 0
    weights, totals = shared(counts, dtype)
    value = torch.from_numpy(rng.normal(size=(*lead, N_KEYS, DIM))).to(dtype)
    return weights.reshape(*lead, N_QUERIES, N_KEYS), value, SpikeCounts(weights, totals)


def cleaned(scores: Tensor, mask: Tensor, grid: float | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """All rows in one part."""
    rows = ScoreRows(scores, mask, grid)
    return rows.clean(range(rows.shape[0]))


def shared(counts: np.ndarray, dtype: torch.dtype) -> tuple[Tensor, np.ndarray]:
    shares = Shares((len(counts), counts.shape[1]), dtype)
    shares.fill(range(len(counts)), counts)
    return shares.weights, shares.totals


def by(how: str, *given: object, **options: float) -> Tensor:
    return read_out(*given, how=how, **options)  # type: ignore[arg-type]


# Rounding: a sum of at most 60 terms of size 1, divided by their number.
CLOSE = {torch.float32: 1e-6, torch.float64: 1e-15}


@pytest.mark.parametrize("dtype", CLOSE)
def test_a_sum_over_spikes_is_the_product_with_the_weights(dtype: torch.dtype) -> None:
    weights, value, spikes = drawn(2, 3, dtype=dtype)
    output = by("spikes", weights, value, spikes)
    assert output.dtype == dtype
    torch.testing.assert_close(output, weights @ value, atol=CLOSE[dtype], rtol=0)
    assert (output[0, 0, 0] == 0).all()  # the silent row
    assert torch.equal(by("product", weights, value, spikes), weights @ value)


def test_values_are_taken_where_they_lie() -> None:
    """Transposed as a model's heads are, shared by heads, or with components apart in memory."""
    weights, value, spikes = drawn(2, 3)
    transposed = value.transpose(1, 2).contiguous().transpose(1, 2)
    shared = value[:, :1]
    apart = value.mT.contiguous().mT
    for each in (transposed, shared, shared.expand_as(value), apart, value[0, 0]):
        torch.testing.assert_close(by("spikes", weights, each, spikes), weights @ each, atol=1e-6, rtol=0)


def test_both_ways_have_the_gradient_of_the_product() -> None:
    weights, value, spikes = drawn(2, 3, dtype=torch.float64)
    upstream = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3, N_QUERIES, DIM)))
    gradients = []
    for how in ("product", "spikes"):
        inputs = [weights.clone().requires_grad_(), value[:, :1].clone().requires_grad_()]  # shared by heads
        (by(how, *inputs, spikes) * upstream).sum().backward()
        gradients.append([x.grad for x in inputs])
    for product, spiked in zip(*gradients, strict=True):
        torch.testing.assert_close(spiked, product, atol=1e-14, rtol=0)


def test_dropped_weights_are_left_out() -> None:
    weights, value, spikes = drawn(2, 3)
    torch.manual_seed(0)
    dropped = torch.nn.functional.dropout(weights, 0.4)
    assert not torch.equal(dropped != 0, weights != 0)
    output = by("spikes", dropped, value, spikes, dropout=0.4)
    torch.testing.assert_close(output, dropped @ value, atol=2e-6, rtol=0)
    assert (by("spikes", weights * 0, value, spikes, dropout=1.0) == 0).all()


def test_the_choice_goes_by_spikes_keys_and_queries() -> None:
    """One query: from a few hundred keys on. Many queries share a reading of the values, so that it takes more."""
    assert cheaper_by_spikes(256, 512, 1)
    assert not cheaper_by_spikes(8, 16, 1)
    assert cheaper_by_spikes(64, 4096, 512)
    assert not cheaper_by_spikes(64, 512, 512)
    assert not cheaper_by_spikes(64, 14, 14)


def head(readout: str, **options: object) -> SpikingHead:
    return SpikingHead(MultinomialCircuit(), spikes=6, readout=readout, **options)  # type: ignore[arg-type]


def vectors(n_queries: int, n_keys: int) -> list[Tensor]:
    rng = np.random.default_rng(3)
    return [torch.from_numpy(rng.normal(size=(2, n, 8))) for n in (n_queries, n_keys, n_keys)]


def test_a_head_gives_the_same_either_way() -> None:
    """Outputs, and gradients of queries and keys through the surrogate."""
    results = []
    for readout in ("product", "spikes"):
        given = [x.requires_grad_() for x in vectors(4, 10)]
        output, weights = head(readout)(*given)
        output.square().sum().backward()
        results.append([output.detach(), weights.detach(), *(x.grad for x in given)])
    for product, spiked in zip(*results, strict=True):
        torch.testing.assert_close(spiked, product, atol=1e-13, rtol=0)
        assert bool((spiked != 0).any())


@pytest.mark.parametrize(("n_queries", "by_spikes"), [(1, True), (20, False)])
def test_a_head_chooses_by_itself_and_bills_what_it_did(n_queries: int, by_spikes: bool) -> None:
    """Six spikes a row. One query to a value matrix: each vector is touched by its row alone."""
    spiking, n_keys = head("auto", gradient=False), 256 if by_spikes else 32
    with count() as counter:
        _, weights = spiking(*vectors(n_queries, n_keys))
    read = counter.bill().parts()["read-out"]
    spikes, rows = 6 * 2 * n_queries, 2 * n_queries
    if by_spikes:
        assert (read.macs, read.acs, read.multiplies) == (0, spikes * 8, rows * 8)
        touched = int((weights > 0).sum()) * 8 * 8  # components, bytes of each
        assert read.bytes_tensor == touched + rows * 8 * 8 + rows * n_keys * 8  # output, counts
    else:
        assert (read.macs, read.acs) == (rows * n_keys * 8, 0)
    assert counter.bill().parts("events")["read-out"].synops == spikes * 8


def test_vectors_that_several_queries_need_are_touched_once() -> None:
    spiking = head("spikes", gradient=False)
    with count() as counter:
        _, weights = spiking(*vectors(20, 32))
    needed = int((weights > 0).any(dim=-2).sum())
    assert counter.bill().parts()["read-out"].bytes_tensor == needed * 64 + 40 * 8 * 8 + 40 * 32 * 8


def test_a_readout_must_be_known_and_belong_to_the_last_call() -> None:
    with pytest.raises(ValueError, match="readout must be one of auto, product, spikes; got 'spike'"):
        head("spike")
    with pytest.raises(ValueError, match="needs the weights of the last call"):
        head("auto").score_map.read_out(torch.ones(1, 3), torch.ones(3, 2))


# Rows for a circuit.
def test_scores_are_masked_and_put_on_a_grid_in_one_pass() -> None:
    scores = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32))
    scores[0, 0, 0, 4] = -torch.inf
    scores[1, 2, 3, 1] = torch.nan
    mask = torch.ones(4, 5, dtype=torch.bool).tril(1)
    mask[3, 1] = False
    rows, present = cleaned(scores.transpose(0, 1), mask, 2.0**-3)
    takes_part = (mask & (scores != -torch.inf)).transpose(0, 1).reshape(24, 5)
    expected = (scores.transpose(0, 1).reshape(24, 5) * 8).round() / 8
    assert rows.dtype == np.float32
    assert present is not None
    np.testing.assert_array_equal(present, takes_part.numpy())
    np.testing.assert_array_equal(rows, expected.where(takes_part, torch.zeros(())).numpy())


def test_no_mask_is_handed_on_where_every_key_takes_part() -> None:
    rows, present = cleaned(torch.ones(3, 4), torch.ones(3, 1, dtype=torch.bool))
    assert present is None
    assert (rows == 1).all()


def test_rows_are_the_same_on_several_threads() -> None:
    """More numbers than one thread is given."""
    scores = torch.from_numpy(np.random.default_rng(0).normal(size=(9, 200, 700)))
    mask = torch.from_numpy(np.random.default_rng(1).random((200, 700)) < 0.5)
    rows, present = cleaned(scores, mask)
    assert present is not None
    np.testing.assert_array_equal(present.reshape(scores.shape), mask.expand_as(scores).numpy())
    np.testing.assert_array_equal(rows.reshape(scores.shape), scores.where(mask, torch.zeros(())).numpy())
    counts = (rows > 1).astype(np.int64)
    weights, totals = shared(counts, torch.float64)
    np.testing.assert_array_equal(totals, counts.sum(axis=1))
    np.testing.assert_array_equal(weights.numpy(), counts / totals[:, None])


@pytest.mark.parametrize("mode", ["simulated", "sampled"])
def test_rows_in_parts_spike_as_all_at_once(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of two rows, under a mask that differs between them; every count is taken over."""
    scores = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32))
    mask = torch.ones(3, 5, dtype=torch.bool).tril(2)

    def attended() -> tuple[Tensor, np.ndarray, Usage]:
        circuit = GammaCircuit(GammaParams.regular_brief())
        score_map = SpikingHead(circuit, spikes=16, mode=mode).score_map
        weights = score_map(scores, mask)
        assert score_map.counts is not None
        return weights, score_map.counts, score_map.usage

    whole, counts, usage = attended()
    monkeypatch.setattr("bridge.heads.rows._AT_ONCE", 10)
    parts, counts_in_parts, usage_in_parts = attended()
    torch.testing.assert_close(parts, whole, rtol=0, atol=0)
    np.testing.assert_array_equal(counts_in_parts, counts)
    assert (counts.reshape(2, 3, 5) * ~mask.numpy() == 0).all()
    assert usage_in_parts == usage
