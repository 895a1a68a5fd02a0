"""Gamma attention in one call, saved and loaded again, or a word that it was not."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import warnings
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from hf_models import PLAIN, batch, built, state, transformers, with_gamma

import bridge.huggingface as hf
from bridge import swap

AutoModel = transformers.AutoModel


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The folder of a model that was saved with gamma attention."""
    model = hf.configure(built("bert"), heads="0.1,1.*", spikes=16, seed=7, mode="sampled")
    model.save_pretrained(tmp_path)
    return tmp_path


def test_one_call_sets_attention_and_options() -> None:
    model, given = built("bert"), batch("bert")
    assert hf.configure(model, heads=[(0, 1), (1, 0)], spikes=16, seed=7, mode="sampled") is model
    assert list(hf.plan_of(model).heads) == [(0, 1), (1, 0)]
    options = {"heads": "0.1,1.0", "spikes": 16, "seed": 7}
    assert torch.equal(state(model, given), state(with_gamma("bert", **options), given))
    before = state(model, given)
    hf.configure(model, seed=8)  # the other options stay
    assert list(hf.plan_of(model).heads) == [(0, 1), (1, 0)]
    assert not torch.equal(state(model, given), before)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"spikes": 0}, r"^GammaOptions\.spikes must be >= 1, got 0"),
        (
            {"spike": 8},
            r"^option of gamma attention must be one of .*; got 'spike'\. Did you mean 'spikes'\?$",
        ),
        ({"heads": "0.4"}, r"^no head 0\.4 in this model"),
        ({"heads": 3}, r"^heads must be .* got 3$"),
    ],
)
def test_a_bad_option_is_refused_and_nothing_changes(options: dict[str, Any], says: str) -> None:
    for model in (built("bert"), hf.configure(built("bert"), heads="0.*", mode="sampled")):
        before, config = state(model, batch("bert")), copy.deepcopy(vars(model.config))
        with pytest.raises((ValueError, TypeError), match=says):
            hf.configure(model, **options)
        assert vars(model.config) == config
        assert torch.equal(state(model, batch("bert")), before)


@pytest.mark.parametrize("wrong", ["minilm", None, torch.nn.Linear(2, 2), transformers.BertModel])
def test_what_is_no_model_is_refused(wrong: Any) -> None:
    for call in (hf.configure, hf.plan_of):
        with pytest.raises(
            TypeError, match=rf"^{call.__name__} needs a Hugging Face model, got .*; give the loaded"
        ):
            call(wrong)


def test_load_restores_what_was_saved(saved: Path) -> None:
    model = hf.load(saved)
    again = hf.configure(built("bert"), heads="0.1,1.*", spikes=16, seed=7, mode="sampled")
    assert torch.equal(state(model, batch("bert")), state(again, batch("bert")))
    other = hf.load(saved, transformers.BertModel, heads="all", dtype=torch.float64)
    assert len(hf.plan_of(other).heads) == 8
    assert other.dtype == torch.float64


def test_load_says_when_there_is_nothing_to_restore(tmp_path: Path) -> None:
    built("bert").save_pretrained(tmp_path)
    with pytest.raises(
        ValueError, match=r" holds no options of gamma attention, so there is none to restore; give"
    ):
        hf.load(tmp_path)
    assert len(hf.plan_of(hf.load(tmp_path, heads="all", mode="sampled")).heads) == 8


def test_a_plain_reload_says_that_it_ignores_the_options(saved: Path) -> None:
    with pytest.warns(
        UserWarning, match=r" was saved with options of gamma attention, which .* ignores; load it"
    ):
        model = AutoModel.from_pretrained(saved)
    assert model.config._attn_implementation != "gamma"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AutoModel.from_pretrained(saved, attn_implementation="gamma")
        hf.load(saved)


def test_the_warning_comes_once_for_a_model_inside_a_model(tmp_path: Path) -> None:
    hf.configure(built("gpt2"), mode="sampled").save_pretrained(tmp_path)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        transformers.GPT2LMHeadModel.from_pretrained(tmp_path)
    assert len([each for each in shown if "gamma" in str(each.message)]) == 1


def test_options_are_keywords_of_from_pretrained(saved: Path) -> None:
    for model_class in (AutoModel, transformers.BertModel):
        model = model_class.from_pretrained(
            saved, attn_implementation="gamma", gamma_spikes=4, gamma_heads="0.0"
        )
        head = hf.plan_of(model).heads[0, 0]
        assert head.score_map.budget.spikes == 4
        assert list(hf.plan_of(model).heads) == [(0, 0)]
    with pytest.raises(ValueError, match=r"spikes must be >= 1, got 0"):
        AutoModel.from_pretrained(saved, attn_implementation="gamma", gamma_spikes=0)


def test_the_names_of_the_options_are_in_no_other_configuration() -> None:
    config = transformers.BertConfig()
    assert not [name for name in config.to_dict() if name.startswith("gamma_")]


def test_a_model_inside_knows_the_model_around_it() -> None:
    """Before any forward pass: the decoder's head 0.0 is layer 2 of the whole, after the encoder's two."""
    cls, config = type(built("t5")), built("t5", gamma_mode="sampled").config
    model = cls._from_config(config, attn_implementation="gamma").eval()
    assert hf.plan_of(model.get_encoder()) is hf.plan_of(model)
    with swap(model.get_decoder(), heads="2.0", head=PLAIN):
        assert hf.plan_of(model).heads[2, 0] is PLAIN


def test_a_model_with_gamma_is_pickled_and_freed() -> None:
    model, given = with_gamma("bert"), batch("bert")
    before = state(model, given)
    assert torch.equal(state(pickle.loads(pickle.dumps(model)), given), before)
    gone = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert gone() is None  # no cycle of references keeps its weights
    finally:
        gc.enable()


UNTOUCHED = """
import torch, transformers
config = transformers.BertConfig(vocab_size=61, hidden_size=32, num_hidden_layers=1, num_attention_heads=4)
torch.manual_seed(0)
model = transformers.BertModel(config).eval()
tokens = torch.arange(8)[None]
before, attributes = model(tokens).last_hidden_state, set(vars(model))
import bridge.huggingface
torch.manual_seed(0)
after = transformers.BertModel(config).eval()
for each in (model, after):
    assert torch.equal(each(tokens).last_hidden_state, before)
    assert set(vars(each)) == attributes and not each._forward_hooks and not each._forward_pre_hooks
    assert each.config._attn_implementation == "sdpa"
"""


def test_the_import_leaves_other_models_alone() -> None:
    subprocess.run([sys.executable, "-c", UNTOUCHED], check=True)
