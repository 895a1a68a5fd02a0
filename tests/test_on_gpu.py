"""Models and score maps moved to a GPU give what they give on the processor; the engine there has `test_cuda`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bridge import SpikingScoreMap, UnevenScoreMap
from bridge.heads.slotted import SlottedScoreMap
from pragmatic.machines.feedback import FeedbackParams, FeedbackTransformer
from pragmatic.machines.mechanisms import Mechanisms, MechanismsParams
from pragmatic.machines.pondering import Ponderer, PonderParams
from pragmatic.seq2seq import Seq2Seq, Seq2SeqParams
from pragmatic.transformer import Transformer, TransformerParams
from spiking import Budget, Fused, GammaCircuit, GammaParams
from spiking.circuits.slots import SlottedCircuit

GPU = "cuda"
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU that PyTorch sees")

REGULAR = GammaCircuit(GammaParams.regular_brief())
TOKENS = torch.from_numpy(np.random.default_rng(1).integers(0, 5, (2, 9)))
MODELS: dict[str, tuple[Callable[[np.random.Generator], nn.Module], tuple[Any, ...]]] = {
    "transformer": (
        lambda rng: Transformer(TransformerParams(n_vocab=5, n_context=9, width=8, n_heads=2), rng),
        (TOKENS,),
    ),
    **{
        f"feedback, {memory}": (
            lambda rng, memory=memory: FeedbackTransformer(
                FeedbackParams(
                    n_vocab=5, n_classes=3, n_context=9, n_layers=2, n_heads=2, width=8, memory=memory
                ),
                rng,
            ),
            (TOKENS,),
        )
        for memory in ("all", "first")
    },
    "sequence to sequence": (
        lambda rng: Seq2Seq(Seq2SeqParams(n_symbols=5, width=8, attends=True), rng),
        (TOKENS, TOKENS),
    ),
    "mechanisms": (
        lambda rng: Mechanisms(
            MechanismsParams(n_inputs=5, n_outputs=3, n_models=2, n_modules=4, n_active=2, width=6), rng
        ),
        (torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3, 7, 5))).float(), 2),
    ),
}
SCORE_MAPS: dict[str, Callable[[], Any]] = {
    "circuit": lambda: SpikingScoreMap(REGULAR, Budget(spikes=16), np.random.default_rng(0)),
    "stepped": lambda: SpikingScoreMap(
        GammaCircuit(GammaParams(n_cells=2)), Budget(spikes=16), np.random.default_rng(0), Fused("float64")
    ),
    "sampled": lambda: SpikingScoreMap(REGULAR, Budget(spikes=16), np.random.default_rng(0), mode="sampled"),
    "uneven keys": lambda: UnevenScoreMap(REGULAR, 16, np.random.default_rng(0), rows="even"),
    "uneven rows": lambda: UnevenScoreMap(REGULAR, 16, np.random.default_rng(0)),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_computes_the_same_there(name: str) -> None:
    make, given = MODELS[name]
    model = make(np.random.default_rng(0)).double()
    asked = [x.double() if isinstance(x, Tensor) and x.is_floating_point() else x for x in given]
    with torch.no_grad():
        here = model(*asked)
        there = model.to(GPU)(*(x.to(GPU) if isinstance(x, Tensor) else x for x in asked))
    assert there.device.type == GPU
    torch.testing.assert_close(there.cpu(), here)


@pytest.mark.parametrize("halting", ["ponder", "act"])
def test_a_ponderer_thinks_and_learns_the_same_there(halting: str) -> None:
    model = Ponderer(
        PonderParams(n_places=8, most_steps=3, width=8, halting=halting), np.random.default_rng(0)
    )
    tokens, odd = TOKENS % 3, torch.tensor([0, 1])
    here = model.loss(model(tokens), odd)
    there = model.to(GPU).loss(model(tokens.to(GPU)), odd.to(GPU))
    torch.testing.assert_close(there.cpu(), here)


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("name", SCORE_MAPS)
def test_a_score_map_takes_scores_from_there(name: str, keyed: bool) -> None:
    """Of 40 rows one may differ by a spike: on the GPU proposals are drawn in single precision."""
    scores = torch.from_numpy(np.random.default_rng(3).normal(0, 1.5, (2, 4, 5, 6)))
    mask = torch.from_numpy(np.random.default_rng(4).random((2, 1, 5, 6)) < 0.8)
    mask[..., 0] = True
    options = {"streams": np.arange(40).reshape(2, 4, 5), "grid": 2.0**-12} if keyed else {}
    here = SCORE_MAPS[name]()(scores, mask, **options)
    there = SCORE_MAPS[name]()(scores.to(GPU), mask.to(GPU), **options)
    assert there.device.type == GPU
    assert torch.equal(there.cpu() > 0, (there.cpu() > 0) & mask)
    same = (there.cpu() - here).abs().amax(-1) < 1e-6
    assert same.float().mean() >= 39 / 40


def test_heads_that_share_a_circuit_take_scores_from_there() -> None:
    circuit = SlottedCircuit(params=GammaParams.brief(gain=1.0), n_slots=2)
    scores = torch.from_numpy(np.random.default_rng(3).normal(0, 1.5, (2, 2, 3, 4)))
    mask = torch.ones(2, 1, 3, 4, dtype=torch.bool).tril()
    here, there = (
        SlottedScoreMap(circuit, rng=np.random.default_rng(0), periods=1)(scores.to(at), mask.to(at))
        for at in ("cpu", GPU)
    )
    assert there.device.type == GPU
    torch.testing.assert_close(there.cpu(), here)


OPTIONS: dict[str, dict[str, Any]] = {
    "regular": {"circuit": "regular-brief"},
    "random": {"circuit": "brief"},
    "unequal keys": {"circuit": "regular-brief", "flatness": 1.5},
    "sampled": {"mode": "sampled"},
    "stepped": {"circuit": "regular-brief", "engine": "fused", "n_cells": 4},
    "one by one": {"circuit": "regular-brief", "readout": "spikes"},
}


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "llama"])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_pretrained_model_attends_the_same_there(name: str, architecture: str) -> None:
    """In double precision, within a tenth of what the spikes themselves change.

    A spike that falls into the next step moves one of its row's 64; where that befalls one row of forty, as the
    score maps above allow for, the mean over the output stays well below a tenth of the noise of all rows.
    """
    pytest.importorskip("transformers")
    from hf_models import batch, built, state

    from bridge.huggingface import configure

    given = batch(architecture)
    plain = built(architecture).double()
    here = configure(copy.deepcopy(plain), spikes=64, **OPTIONS[name])
    there = configure(copy.deepcopy(plain).to(GPU), spikes=64, **OPTIONS[name])
    exact, on_processor = state(plain, given), state(here, given)
    on_gpu = state(there, {key: value.to(GPU) for key, value in given.items()})
    assert on_gpu.device.type == GPU
    off, noise = (on_gpu.cpu() - on_processor).abs().mean(), (on_processor - exact).abs().mean()
    assert off < 0.1 * noise


@pytest.mark.parametrize("options", [{}, {"flatness": 1.5}, {"engine": "fused", "n_cells": 4}])
def test_a_row_recorded_there_is_simulated_again_and_a_text_is_written(options: dict[str, Any]) -> None:
    pytest.importorskip("transformers")
    from hf_models import built

    from bridge.huggingface import configure, record

    model = configure(built("gpt2").double().to(GPU), spikes=16, **options)
    tokens = TOKENS[:1].to(GPU) + 3
    with torch.no_grad():
        written = model.generate(tokens, max_new_tokens=4, do_sample=False, pad_token_id=0)
        again = model.generate(tokens, max_new_tokens=4, do_sample=False, pad_token_id=0, use_cache=False)
        if not options.get("flatness"):
            with record(model) as spikes:
                model(tokens)
            row = spikes.row(layer=1, head=2, query=5)
            assert row.counts.sum() == spikes.spikes()[1, 2, 5] >= 16
    assert torch.equal(written, again)
