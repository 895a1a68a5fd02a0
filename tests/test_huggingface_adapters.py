"""Architectures without the attention interface: taught by an adapter, checked against their own layers."""

from __future__ import annotations

import copy
import doctest
from typing import Any

import pytest
import torch
from hf_models import PLAIN, batch, built, from_class, state, transformers, with_gamma

import bridge.huggingface as hf
from bridge import count, swap
from bridge.huggingface import adapters
from bridge.huggingface.gpt_neo import GPTNeo

TAUGHT = ("gpt_neo", "mpnet")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test teaches is forgotten after it."""
    monkeypatch.setattr(adapters, "_ADAPTERS", dict(adapters._ADAPTERS))


class Unscaled(torch.nn.Module):
    """An attention layer that asks nobody, with scores that are not divided by sqrt(dim)."""

    num_heads = 4

    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)

    def vectors(self, x: torch.Tensor) -> torch.Tensor:
        return self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.vectors(x)
        return self.out((torch.softmax(query @ key.mT, -1) @ value).transpose(1, 2).flatten(2))


class TinyModel(transformers.PreTrainedModel):
    config_class = transformers.BertConfig

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.tokens = torch.nn.Embedding(config.vocab_size, config.hidden_size)
        self.attention = Unscaled(config.hidden_size)
        self.post_init()

    def forward(self, input_ids: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"last_hidden_state": self.attention(self.tokens(input_ids))}


TinyAttention = Unscaled  # the file's attention classes are those with this word in their name


class Tiny(hf.LayerAdapter):
    layer = Unscaled

    def __init__(self, scaling: float = 1.0) -> None:
        self.scaling = scaling

    def forward(self, module: Any, attend: hf.Attend, x: torch.Tensor) -> torch.Tensor:
        output, _ = attend(*module.vectors(x), None, scaling=self.scaling)
        return module.out(output.flatten(2))


def tiny_model() -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.BertConfig(vocab_size=61, hidden_size=32, initializer_range=0.3)
        return TinyModel(config).eval()


@pytest.mark.usefixtures("registry")
def test_an_architecture_of_the_users_own_is_refused_until_it_is_taught() -> None:
    model, given = tiny_model(), {"input_ids": batch("bert")["input_ids"]}
    before = state(model, given)
    with pytest.raises(
        TypeError, match=r"^TinyModel must ask .* teach it with a bridge.huggingface.LayerAdapter$"
    ):
        hf.configure(model)
    hf.teach(Tiny())
    with swap(model, head=PLAIN):
        assert (state(model, given) - before).abs().max() <= 1e-5
    hf.configure(model, mode="sampled")
    assert not torch.equal(state(model, given), before)


@pytest.mark.usefixtures("registry")
def test_an_adapter_that_computes_something_else_is_refused() -> None:
    hf.teach(Tiny(scaling=0.5))
    model = hf.configure(tiny_model(), mode="sampled")
    says = (
        r"^Tiny must compute what layer 0 \(attention\) computes, got outputs that differ by \d\.\d+; check"
    )
    with pytest.raises(ValueError, match=says):
        state(model, {"input_ids": batch("bert")["input_ids"]})


@pytest.mark.usefixtures("registry")
def test_the_example_in_the_documentation_of_an_adapter_runs() -> None:
    tried = doctest.testmod(adapters)
    assert tried.attempted > 0
    assert tried.failed == 0


@pytest.mark.parametrize("wrong", [Tiny, GPTNeo.layer, torch.nn.Linear(2, 2)])
def test_what_is_no_adapter_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^teach needs a LayerAdapter .* got \w+ with "):
        hf.teach(wrong)


@pytest.mark.parametrize("name", TAUGHT)
def test_a_taught_model_is_loaded_with_gamma_and_goes_back(name: str) -> None:
    model_class, sizes = type(built(name)).__name__, built(name).config.to_diff_dict()
    model = from_class(model_class, sizes | {"gamma_mode": "sampled"}, attn_implementation="gamma")
    given = batch(name)
    spiking = state(model, given)
    assert len(hf.plan_of(model).heads) == 8
    assert torch.equal(state(with_gamma(name), given), spiking)
    model.set_attn_implementation("eager")
    assert torch.equal(state(model, given), state(built(name), given))
    assert not torch.equal(state(model, given), spiking)


@pytest.mark.parametrize("name", TAUGHT)
def test_taught_layers_put_out_weights_of_the_spikes(name: str) -> None:
    model = with_gamma(name, heads="1.2", spikes=8)
    with torch.no_grad():
        weights = model(**batch(name), output_attentions=True).attentions[1]
    eighths = weights[:, 2] * 8
    assert torch.equal(eighths, eighths.round())
    assert not torch.equal(weights[:, 1] * 8, (weights[:, 1] * 8).round())


def test_gpt_neo_decodes_with_a_cache_as_without() -> None:
    model, prompt = with_gamma("gpt_neo").double(), batch("gpt_neo", length=4)
    given = {**prompt, "max_new_tokens": 12, "min_new_tokens": 12, "do_sample": False, "pad_token_id": 0}
    cached = model.generate(**given, use_cache=True)
    assert torch.equal(cached, model.generate(**given, use_cache=False))
    model.config.gamma_seed = 10
    assert not torch.equal(cached, model.generate(**given))  # so the noise does decide


@pytest.mark.parametrize("name", TAUGHT)
def test_a_copy_of_a_taught_model_goes_its_own_way(name: str) -> None:
    model, given = with_gamma(name), batch(name)
    before = state(model, given)
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.config.gamma_seed = 1
    assert not torch.equal(state(other, given), before)
    assert torch.equal(state(model, given), before)


@pytest.mark.parametrize("name", TAUGHT)
def test_a_gradient_flows_through_a_taught_layer(name: str) -> None:
    model = with_gamma(name).train()
    output = model(**batch(name))
    (output.logits if "logits" in output else output.last_hidden_state).square().mean().backward()
    projections = [p for n, p in model.named_parameters() if "q_proj.weight" in n or ".q.weight" in n]
    assert len(projections) == 2
    assert all(p.grad.isfinite().all() and p.grad.abs().max() > 0 for p in projections)


@pytest.mark.parametrize("name", TAUGHT)
def test_the_bill_of_a_taught_model_is_that_of_the_model(name: str) -> None:
    model, given = built(name), batch(name)
    with count(model) as plain:
        state(model, given)
    with swap(model, head=PLAIN), count(model) as replaced:
        state(model, given)
    for part in ("scores", "read-out"):
        assert replaced.bill().parts()[part].macs == plain.bill().parts()[part].macs > 0
