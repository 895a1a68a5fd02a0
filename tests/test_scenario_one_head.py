"""one-head: its maps are the model's, its rows the model's own, its words and refusals those of the numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra hf")

from hf_models import built, saved

from scenarios.one_head import Params, run
from scenarios.one_head.measures import in_data, in_numbers, in_words
from scenarios.one_head.reader import Read, Reader
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

TEXT = "the cat sat on a mat"


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> Params:
    model = saved(tmp_path_factory.mktemp("one_head"), built("gpt2"))
    return Params(model=model, text=TEXT, layer=1, head=1, spikes=64)


@pytest.fixture(scope="module")
def reader(causal: Params) -> Reader:
    return Reader(causal.model)


@pytest.fixture(scope="module")
def read(reader: Reader, causal: Params) -> Read:
    return reader.read(causal, seed=1, engine="events")


def context(engine: str = "events") -> RunContext:
    return RunContext(rng=np.random.default_rng(1), progress=silent(), engine_name=engine)


def test_the_map_by_softmax_is_that_of_the_plain_model(reader: Reader, read: Read, causal: Params) -> None:
    model = Reader(causal.model).pretrained.model
    with torch.no_grad():
        out = model(**reader.pretrained.read([TEXT]), output_attentions=True)
    np.testing.assert_allclose(read.softmax, out.attentions[1][0, 1], atol=1e-6)
    expected = torch.softmax(out.logits[0, -2].double(), -1)
    assert read.probabilities[0].max() == pytest.approx(float(expected.max()))


def test_the_row_of_the_query_is_a_row_of_the_map(read: Read) -> None:
    n = len(read.tokens)
    assert read.params.query == n - 2
    np.testing.assert_allclose(read.row.weights[:n], read.share[n - 2], atol=1e-6)
    assert read.spikes[n - 2] == read.row.counts.sum() >= 64
    assert read.row.counts[n - 1 :].sum() == 0  # what comes later is not attended to


def test_shares_follow_softmax_and_more_spikes_move_the_next_token_less(
    reader: Reader, read: Read, causal: Params
) -> None:
    m = in_numbers(read)
    assert m["total_variation"].value < m["total_variation"].floor  # regular cells beat samples
    assert m["map"].value < m["map"].floor
    few = reader.read(replace(causal, spikes=2), seed=1, engine="events")
    assert 0 < read.kl_nats < 0.2 * few.kl_nats  # KL falls at least as 1 / spikes: 32 times fewer here


def test_what_was_read_before_is_the_same_when_asked_again(
    reader: Reader, read: Read, causal: Params
) -> None:
    other = reader.read(replace(causal, query=0), seed=1, engine="events")
    np.testing.assert_array_equal(other.share, read.share)
    assert (reader.read(causal, seed=2, engine="events").share != read.share).any()
    np.testing.assert_array_equal(reader.read(causal, seed=1, engine="events").share, read.share)


def test_next_tokens_are_named_in_order_and_the_words_say_whether_they_change(read: Read) -> None:
    assert len(read.words) == read.probabilities.shape[1] == len(in_data(read)["word"])
    assert (np.diff(read.probabilities[0]) <= 0).all()
    says = {}
    for name, spikes in (("stays", (0.5, 0.3)), ("becomes", (0.2, 0.6))):
        pair = np.array([(0.6, 0.2), spikes])
        changed = replace(read, words=(" a", " b"), probabilities=pair)
        says[name] = in_words(in_numbers(changed), changed)["in_short"][2]
    assert "next token stays “a” (50.0%; by softmax 60.0%)" in says["stays"]
    assert "next token becomes “b” instead of “a” (60.0%; by softmax 20.0%)" in says["becomes"]


def test_an_encoder_has_maps_and_no_next_token(tmp_path: Path) -> None:
    model = saved(tmp_path / "bert", built("bert"))
    outcome = run(Params(model=model, text=TEXT, layer=0, head=0, spikes=8), context())
    assert set(outcome.pictures) == {"maps", "row"}
    assert "kl" not in outcome.metrics
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


def test_a_causal_model_has_a_figure_of_its_next_tokens(causal: Params) -> None:
    outcome = run(causal, context())
    with style():
        figure = outcome.pictures["next_tokens"].draw()
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == [str(word).strip() or str(word) for word in outcome.dataset["word"].values]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": "word " * 97}, "text must have at most"),
        ({"layer": 2}, "layer must lie within 0 and 1, got 2"),
        ({"head": 4}, "head must lie within 0 and 3, got 4"),
        ({"query": 6}, "query must lie within -6 and 5, got 6"),
        ({"query": -7}, "query must lie within -6 and 5, got -7"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    reader: Reader, causal: Params, changes: dict, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        reader.read(replace(causal, **changes), seed=0, engine="events")


def test_engines_and_models_that_cannot_be_looked_into_are_refused(causal: Params, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="engine must key its rows"):
        run(causal, context("brian2"))
    with pytest.raises(UsageError, match=r"model must be minilm, smollm2, a folder .*, got no/such/model"):
        Reader("no/such/model")
    with pytest.raises(UsageError, match=r"model must read text, got .*, which reads images"):
        Reader(saved(tmp_path / "vit", built("vit"), reads=False))
    with pytest.raises(UsageError, match=r"model must be an encoder or a decoder, got .*, which is both"):
        Reader(saved(tmp_path / "t5", built("t5")))
