"""sentence-transformers with gamma attention: asked for as the library asks for any attention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hf_models import TEXT, built, minilm_folder, saved

pytest.importorskip("sentence_transformers", reason="needs the extra: pip install '.[hf]'")

import sentence_transformers

import bridge.huggingface as hf
from bridge import SpikingHead, swap
from scenarios.workbench.pretrained import load_pretrained
from scenarios.workbench.sentence_vectors import encode

SENTENCES = ["the cat sat on a mat", "rain fell over old roofs of our town", "a cat looked at the moon"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small BERT with random weights, which the library reads by the mean of its token vectors."""
    return saved(tmp_path_factory.mktemp("st") / "model", built("bert"))


def encoder(folder: str, attention: str = "gamma", **options: Any) -> Any:
    """Options of gamma attention go where the library takes those of the configuration."""
    return sentence_transformers.SentenceTransformer(
        folder, device="cpu", model_kwargs={"attn_implementation": attention}, config_kwargs=options
    )


def test_an_encoder_asks_for_gamma_attention_and_its_options(folder: str) -> None:
    gamma = encoder(folder, gamma_spikes=16, gamma_mode="sampled")
    plan = hf.plan_of(gamma[0].model)
    gamma.encode(SENTENCES)
    assert plan.calls == 2
    assert {head.score_map.budget.spikes for head in plan.heads.values()} == {16}
    assert all(isinstance(head, SpikingHead) for head in plan.heads.values())


def test_vectors_come_near_those_of_softmax_with_spikes(folder: str) -> None:
    softmax = encoder(folder, attention="eager").encode(SENTENCES)
    errors = []
    for spikes in (8, 512):
        gamma = encoder(folder, gamma_spikes=spikes).encode(SENTENCES)
        errors.append(np.abs(gamma - softmax).max() / np.abs(softmax).max())
    assert 0 < errors[1] < errors[0] / 10  # regular cells: 64 times the spikes


def test_a_block_swaps_the_heads_of_an_encoder(folder: str) -> None:
    plain = encoder(folder, attention="eager")
    before = plain.encode(SENTENCES)
    with swap(plain[0].model, head=hf.GammaOptions(spikes=8).head()):
        assert np.abs(plain.encode(SENTENCES) - before).max() > 1e-3
    np.testing.assert_array_equal(plain.encode(SENTENCES), before)


def test_minilm_has_the_vectors_of_our_own_encoder() -> None:
    """The same heads, seeds and places in a batch; sums in another order move the last digits."""
    gamma = encoder(str(minilm_folder()), gamma_spikes=32)
    theirs = gamma.encode([TEXT], normalize_embeddings=True)
    ours = load_pretrained("minilm")
    hf.configure(ours.model, spikes=32)
    own = encode(ours, [TEXT]).vectors
    np.testing.assert_allclose(theirs, own, atol=1e-5)


def test_an_option_that_does_not_exist_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match=r"GammaOptions\.spikes must be"):
        encoder(folder, gamma_spikes=0)


def test_a_trained_encoder_learns_through_the_spikes(folder: str) -> None:
    """The gradient of a pair's cosine reaches queries and keys."""
    gamma = encoder(folder, gamma_spikes=16, gamma_mode="sampled").train()
    tokens = gamma.preprocess(SENTENCES[:2])
    vectors = gamma(tokens)["sentence_embedding"]
    torch.cosine_similarity(vectors[0], vectors[1], dim=0).backward()
    attention = gamma[0].model.encoder.layer[0].attention.self
    assert attention.query.weight.grad.abs().max() > 0
    assert attention.key.weight.grad.abs().max() > 0
