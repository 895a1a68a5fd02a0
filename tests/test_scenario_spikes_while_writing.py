"""spikes-while-writing with a small random model: its rows are the model's, its numbers theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra hf")

from hf_models import built, saved

from scenarios.spikes_while_writing import Params, run
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Params:
    model = saved(tmp_path_factory.mktemp("lm"), built("gpt2"))
    return Params(model=model, prompt="the cat sat on a mat", new_tokens=5, spikes=32)


def context(engine: str = "events") -> RunContext:
    return RunContext(rng=np.random.default_rng(1), progress=silent(), engine_name=engine)


@pytest.fixture(scope="module")
def outcome(params: Params) -> Outcome:
    return run(params, context())


def test_every_row_ends_at_its_budget_and_a_token_takes_those_of_all_heads(outcome: Outcome) -> None:
    data = outcome.dataset
    assert data.spikes.shape == (2, 4, 6 + 5 - 1)
    assert (data.spikes >= 32).all()
    assert (data.spikes < 2 * 32).all()  # and those that fall in the same step as the last
    np.testing.assert_array_equal(data.per_token, data.spikes.sum(("layer", "head")))
    assert outcome.metrics["spikes"].value == pytest.approx(float(data.per_token.mean()))


def test_shares_follow_the_softmax_of_the_same_scores(outcome: Outcome) -> None:
    """32 regular spikes: within the paired error over eight heads, and rounding."""
    m, data = outcome.metrics, outcome.dataset
    apart = data["first"] - data["first_softmax"]
    assert abs(float(apart.mean())) < 4 * float(apart.std(ddof=1)) / 8**0.5 + 0.01
    assert m["first"].control == pytest.approx(float(data.first_softmax.mean()))
    assert 0 < m["distance"].value < 0.15
    assert (data["keys"] >= 1).all()


def test_a_token_takes_as_long_as_the_slowest_head_of_each_layer(outcome: Outcome) -> None:
    data = outcome.dataset
    slowest = [float(data.row_ms.values[data.layer_of.values == layer].max()) for layer in (0, 1)]
    assert outcome.metrics["token_ms"].value == pytest.approx(sum(slowest))
    assert (data.row_ms > 0).all()


def test_the_head_that_is_shown_is_the_one_asked_for(params: Params, outcome: Outcome) -> None:
    other = run(replace(params, layer=1, head=2), context())
    assert "Head 2 of layer 1 looks at" in other.verdict
    assert set(other.pictures) == set(outcome.pictures) == {"wall", "row", "layers"}
    with style():
        for picture in other.pictures.values():
            picture.draw().canvas.draw()


@pytest.mark.parametrize(
    ("changes", "engine", "says"),
    [
        ({"layer": 2}, "events", "layer and head must be at most 1 and 3, got 2 and None"),
        ({}, "brian2", "engine must key its rows, so that they can be simulated again, got brian2"),
        ({"new_tokens": 40}, "events", "a sequence must not be longer than the model's 24 positions"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    params: Params, changes: dict[str, int], engine: str, says: str
) -> None:
    with pytest.raises((UsageError, ValueError), match=says):
        run(replace(params, **changes), context(engine))  # type: ignore[arg-type]
