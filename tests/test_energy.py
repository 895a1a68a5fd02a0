"""The bill: counts of small cases made by hand, parts that add up, prices and what has none."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from bridge import TABLES, Bill, SpikingScoreMap, SpikingVectorHead, Usage, count, swap
from bridge.bill.counts import Counts
from bridge.bill.energy import IMPLEMENTATIONS, EnergyTable
from pragmatic import (
    HEADS,
    SCORE_MAPS,
    ScoreMap,
    Softmax,
    Sparsemax,
    Transformer,
    TransformerParams,
    causal_mask,
    dot_product_head,
)
from spiking import Budget, GammaCircuit, GammaParams, VectorCircuit

BATCH, N_HEADS, LENGTH, DIM, N_VOCAB = 2, 3, 5, 4, 11
WIDTH = N_HEADS * DIM
PAIRS = BATCH * N_HEADS * LENGTH * LENGTH
PARAMS = GammaParams(n_cells=5, settle_ms=0.0)
TOKENS = torch.arange(BATCH * LENGTH).view(BATCH, LENGTH)


def model_of() -> Transformer:
    sizes = TransformerParams(n_vocab=N_VOCAB, n_layers=1, n_heads=N_HEADS, width=WIDTH, n_context=LENGTH)
    return Transformer(sizes, np.random.default_rng(0))


def spiking_map() -> SpikingScoreMap:
    return SpikingScoreMap(GammaCircuit(PARAMS), Budget(duration_ms=50), np.random.default_rng(0))


def bill_of(score_map: ScoreMap | None = None) -> Bill:
    """One pass of a mini-transformer, with heads over another score map where one is given."""
    model = model_of()
    head = dot_product_head(Softmax() if score_map is None else score_map)
    with torch.no_grad(), swap(model, heads="all", head=head), count(model) as counter:
        model(TOKENS)
    return counter.bill()


# Parts.
def test_inference_mode_counts_the_same() -> None:
    model = model_of()
    with torch.inference_mode(), count(model) as counter:
        model(TOKENS)
    assert counter.bill().total().macs == bill_of().total().macs


def test_parts_of_a_model_by_hand() -> None:
    bill = bill_of()
    tokens = BATCH * LENGTH
    macs = {part: done.macs for part, done in bill.parts().items() if done.macs}
    assert macs == {
        "projections": tokens * WIDTH * 4 * WIDTH,
        "scores": PAIRS * DIM,
        "read-out": PAIRS * DIM,
        "mlp": tokens * WIDTH * 8 * WIDTH,
        "norms": 3 * tokens * WIDTH * 2,
        "other": tokens * WIDTH * N_VOCAB,
    }
    assert bill.parts()["embeddings"].bytes_tensor > 0
    assert bill.parts()["score map"].exponentials == PAIRS
    assert not bill.uncounted
    assert bill.simulated == bill.events
    assert bill.usage == Usage()


def test_parts_add_up() -> None:
    model = model_of()
    with torch.no_grad(), count(model) as in_parts, count() as whole:
        model(TOKENS)
    assert in_parts.bill().total() == whole.bill().total()
    for implementation in IMPLEMENTATIONS:
        for table in TABLES:
            energy = in_parts.bill().joules(table, implementation=implementation)
            assert energy.total_J == pytest.approx(whole.bill().joules(table).total_J, rel=1e-12)


def test_products_equal_those_of_pytorch() -> None:
    with torch.no_grad(), FlopCounterMode(display=False) as oracle:
        model_of()(TOKENS)
    products = [done.macs for part, done in bill_of().parts().items() if part != "norms"]
    assert 2 * sum(products) == oracle.get_total_flops()


def test_two_runs_cost_twice_one() -> None:
    model = model_of()
    with torch.no_grad(), count(model) as counter:
        model(TOKENS)
        once = counter.bill().total()
        model(TOKENS)
    assert counter.bill().total() == once * 2


def test_fused_attention_costs_what_it_computes() -> None:
    def fused(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, None]:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask), None

    torch.manual_seed(0)
    with torch.no_grad():
        query, key, value = torch.randn(3, BATCH, N_HEADS, LENGTH, DIM)
        with count() as counter:
            fused(query, key, value, causal_mask(LENGTH, LENGTH))
    parts = counter.bill().parts()
    assert parts["scores"].macs == parts["read-out"].macs == PAIRS * DIM
    assert parts["score map"].exponentials == parts["score map"].divisions == PAIRS


def test_backward_costs_two_products_for_each_of_the_forward_pass() -> None:
    linear = nn.Linear(8, 4, bias=False)
    x = torch.randn(3, 8, requires_grad=True)
    with count(linear) as counter:
        linear(x).sum().backward()
    parts = counter.bill().parts()
    assert parts["backward"].macs == 2 * parts["other"].macs == 2 * 3 * 8 * 4
    assert parts["outside"].acs == 3 * 4  # the sum


@pytest.mark.parametrize("name", SCORE_MAPS)
def test_training_under_any_score_map_is_counted_whole(name: str) -> None:
    head = dot_product_head(SCORE_MAPS[name](**({"k": 2} if name == "top_k" else {})))
    model = model_of()
    optimiser = torch.optim.AdamW(model.parameters())
    with swap(model, heads="all", head=head), count(model) as counter:
        functional.cross_entropy(model(TOKENS).flatten(0, 1), TOKENS.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    bill = counter.bill()
    assert not bill.uncounted
    assert bill.parts()["scores"].macs == bill.parts()["read-out"].macs == PAIRS * DIM
    n_weights = sum(weight.numel() for weight in model.parameters())
    assert bill.parts()["outside"].divisions >= n_weights  # AdamW divides by the root of the second moment


def test_scores_by_a_network_are_no_read_out() -> None:
    model, head = model_of(), HEADS["additive"](DIM, np.random.default_rng(0))
    with torch.no_grad(), swap(model, heads="all", head=head), count(model) as counter:
        model(TOKENS)
    assert counter.bill().parts()["read-out"].macs == PAIRS * DIM


def test_counting_changes_nothing() -> None:
    model = model_of()
    with torch.no_grad():
        before = model(TOKENS)
        with count(model):
            inside = model(TOKENS)
        after = model(TOKENS)
    assert torch.equal(before, inside)
    assert torch.equal(before, after)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_same_heads_swapped_in_cost_the_same() -> None:
    model = model_of()
    with torch.no_grad(), count(model) as counter:
        model(TOKENS)
    assert counter.bill() == bill_of(Softmax())


def test_a_model_that_fails_leaves_no_hooks() -> None:
    model = model_of()
    with pytest.raises(ValueError, match="tokens must lie"), count(model):
        model(TOKENS + 100)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_other_score_maps_cost_by_what_they_do() -> None:
    assert bill_of(Sparsemax()).parts()["score map"].exponentials == 0
    assert bill_of(Sparsemax()).parts()["read-out"] == bill_of().parts()["read-out"]


# Spikes.
def test_a_spiking_model_by_hand() -> None:
    score_map = spiking_map()
    bill = bill_of(score_map)
    assert score_map.selection is not None
    selection = score_map.selection
    usage = Usage.of(selection, score_map.circuit)
    n_spikes, keys = len(selection.spikes), selection.mask.sum(axis=1)
    assert n_spikes > 0
    assert bill.usage == usage
    assert bill.parts()["simulation"] == usage.simulated
    proposed = (32 * (selection.n_spikes // 32 + 1)).sum()
    assert bill.parts()["simulation"].exponentials == len(keys) * 500 + keys.sum() + proposed + n_spikes
    assert bill.parts()["read-out"].macs == PAIRS * DIM  # a matrix product, whatever made the weights

    events = bill.parts("events")
    assert events["simulation"].synops == 10 * n_spikes + (selection.other_counts["inh"] * 5 * keys).sum()
    assert events["simulation"].neuron_updates == 500 * (5 * keys.sum() + 10 * len(keys))
    assert events["read-out"].macs == 0
    assert events["read-out"].synops == n_spikes * DIM  # every E spike adds its value vector
    same = bill_of().parts()
    for part in ("embeddings", "projections", "scores", "mlp", "norms", "other"):
        assert bill.parts()[part] == events[part] == same[part]
    assert bill.parts()["score map"].exponentials == 0


def test_the_values_of_other_heads_stay_products() -> None:
    """One head of two spikes: half of the read-out's rows are events."""
    spiking = spiking_map()

    def head(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        scores = query @ key.mT
        weights = torch.softmax(scores, -1)
        weights[0] = spiking(scores[0])
        return weights @ value

    query, key, value = torch.randn(3, 2, LENGTH, DIM)
    with count() as counter:
        head(query, key, value)
    bill = counter.bill()
    assert bill.events["read-out"].macs * 2 == bill.simulated["read-out"].macs
    assert bill.events["read-out"].synops == bill.usage.spikes * DIM


def test_drawn_spikes_cost_their_law_and_a_random_number_each() -> None:
    sampled = SpikingScoreMap(
        GammaCircuit(PARAMS), Budget(spikes=7), np.random.default_rng(0), mode="sampled"
    )
    parts = bill_of(sampled).parts()
    assert parts["simulation"] == Counts(random_draws=7 * BATCH * N_HEADS * LENGTH)
    assert parts["score map"].exponentials == PAIRS


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_a_hugging_face_model_by_hand(attention: str) -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 12, "num_attention_heads": 3, "intermediate_size": 20, "num_hidden_layers": 2}
    config = transformers.BertConfig(vocab_size=N_VOCAB, attn_implementation=attention, **sizes)
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    padding = torch.ones(BATCH, LENGTH, dtype=torch.int64)
    padding[1, 3:] = 0
    with torch.no_grad(), count(model) as counter:
        model(input_ids=TOKENS, attention_mask=padding)
    bill, tokens = counter.bill(), BATCH * LENGTH
    macs = {part: done.macs for part, done in bill.parts().items() if done.macs}
    assert macs == {
        "embeddings": tokens * 12 * 2,  # their norm
        "projections": 2 * tokens * 4 * 12 * 12,
        "scores": 2 * PAIRS * DIM,
        "read-out": 2 * PAIRS * DIM,
        "mlp": 2 * tokens * 2 * 12 * 20,
        "norms": 2 * 2 * tokens * 12 * 2,
    }
    score_map = bill.parts()["score map"]
    assert (score_map.exponentials, score_map.multiplies, score_map.acs) == (2 * PAIRS, 2 * PAIRS, 8 * PAIRS)
    assert not bill.uncounted


def test_softmax_swapped_into_a_hugging_face_model_costs_the_same() -> None:
    """But for how it is written: the query is scaled, not the scores, and NaN is looked for."""
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=N_VOCAB, hidden_size=12, num_attention_heads=3, intermediate_size=20, num_hidden_layers=2
    )
    model = transformers.BertModel(config, add_pooling_layer=False).eval()

    def once() -> Bill:
        with torch.no_grad(), count(model) as counter:
            model(input_ids=TOKENS)
        return counter.bill()

    plain = once().parts()
    with swap(model, heads="all", head=dot_product_head(Softmax())):
        first, second = once(), once()
    assert first == second  # the library's own attention is checked in the first pass, off the bill
    assert not first.uncounted
    for part, done in plain.items():
        assert first.parts()[part].macs == done.macs
        assert first.parts()[part].exponentials == done.exponentials


def test_a_circuit_without_known_operations_is_named() -> None:
    whole = SpikingVectorHead(VectorCircuit(PARAMS), 50.0, np.random.default_rng(0))
    query = torch.randn(2, 3)
    with count() as counter:
        whole(query, query, query)
    assert counter.bill().uncounted == {"rows of other circuits": 2}


# Prices.
def test_prices_by_hand() -> None:
    done = Counts(macs=10, multiplies=2, acs=3, exponentials=1)
    bill = Bill(simulated={"mlp": done}, events={"mlp": done})
    assert bill.joules("fp32_45nm").total_J == pytest.approx(1e-12 * (46 + 7.4 + 2.7 + 8 * 4.6 + 3 * 0.9))
    assert bill.joules("int8_45nm").total_J == pytest.approx(1e-12 * (2.3 + 0.4 + 0.09))
    assert bill.joules("int8_45nm").unpriced == {"exponentials": 1}
    assert bill.joules("fp32_45nm").unpriced == {}


def test_memory_prices_by_hand() -> None:
    """A word of 32 bits: 640 pJ from DRAM, 5 pJ from a cache of 8 kB (Horowitz 2014, figure 1.1.9)."""
    done = Counts(bytes_tensor=4, bytes_state=8)
    bill = Bill(simulated={"mlp": done}, events={"mlp": done})
    assert bill.joules("fp32_45nm_memory").total_J == pytest.approx(1e-12 * (640 + 2 * 5))


def test_neuromorphic_prices_by_hand() -> None:
    events = Counts(synops=100, neuron_updates=10, random_draws=7)
    bill = Bill(simulated={}, events={"simulation": events})
    energy = bill.joules("loihi_int8")
    assert energy.implementation == "events"
    assert energy.parts_J == {"simulation": pytest.approx(1e-12 * (2360 + 810))}
    assert energy.unpriced == {"random_draws": 7}


def test_accumulates_alone_leave_the_updates_unpriced() -> None:
    """What much of the literature quotes, with what it leaves out said."""
    bill = Bill(simulated={}, events={"simulation": Counts(synops=100, neuron_updates=10)})
    energy = bill.joules("fp32_45nm", implementation="events")
    assert energy.total_J == pytest.approx(90e-12)
    assert energy.unpriced == {"neuron_updates": 10}


def test_a_table_of_ones_own() -> None:
    table = EnergyTable(name="mine", title="", source="", assumptions="", prices_pJ={"macs": 1.0})
    bill = Bill(simulated={"mlp": Counts(macs=3)}, events={})
    assert bill.joules(table).total_J == pytest.approx(3e-12)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_tables_name_their_source_and_price_known_kinds(table: EnergyTable) -> None:
    assert "(20" in table.source
    assert table.assumptions.endswith(".")
    assert set(table.prices_pJ) <= set(asdict(Counts()))


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(ValueError, match="unknown energy table 'tpu'; known: fp32_45nm"):
        Bill(simulated={}, events={}).joules("tpu")
    with pytest.raises(ValueError, match="implementation must be one of simulated, events; got 'event'"):
        Bill(simulated={}, events={}).parts("event")
