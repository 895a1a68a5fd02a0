"""`torch.compile` of a model with gamma attention: the graph breaks at attention, the result is the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from hf_models import PLAIN, batch, built, state, with_gamma

from bridge import swap


@pytest.fixture(autouse=True)
def _fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["bert", "gpt2", "gpt_neo"])
def test_a_compiled_model_gives_what_the_model_gives(name: str) -> None:
    model, given = with_gamma(name), batch(name)
    expected = state(model, given)
    compiled = torch.compile(model, backend="eager")
    for _ in range(2):
        assert torch.equal(state(compiled, given), expected)


def test_a_compiled_model_is_swapped_and_switched() -> None:
    model, given = built("bert"), batch("bert")
    before = state(model, given)
    compiled = torch.compile(model, backend="eager")
    assert torch.equal(state(compiled, given), before)
    with swap(compiled, head=PLAIN) as same:
        assert same is compiled
        assert (state(compiled, given) - before).abs().max() <= 1e-5
        assert not torch.equal(state(compiled, given), before)  # eager sums in another order than sdpa
    assert torch.equal(state(compiled, given), before)
    compiled.set_attn_implementation("gamma")
    assert (state(compiled, given) - before).abs().max() > 0.01


@pytest.mark.slow
def test_inductor_gives_what_the_model_gives() -> None:
    """About 30 s, most of them in the C++ compiler."""
    model, given = with_gamma("bert"), batch("bert")
    compiled = torch.compile(model, backend="inductor")
    assert (state(compiled, given) - state(model, given)).abs().max() <= 1e-5
