"""language-model-on-gamma with a small random model: pairs of losses, resumption, what is written, refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra hf")

from hf_models import TEXT, built, saved

from scenarios.language_model_on_gamma import Params, run
from scenarios.language_model_on_gamma.trials import Kind, kinds_of
from scenarios.language_model_on_gamma.writing import Written
from scenarios.workbench.causal import load_causal, windows_of
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.reading import read_windows
from scenarios.workbench.style import style
from scenarios.workbench.unfinished import Unfinished


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Params:
    folder = tmp_path_factory.mktemp("lm")
    (folder / "text.txt").write_text(f"{TEXT} " * 8, encoding="utf-8")
    return Params(
        model=saved(folder / "model", built("gpt2")), text_file=str(folder / "text.txt"), windows=6, length=16,
        spikes=(8, 128), layer_spikes=4, prompt="the cat sat on", new_tokens=5,
    )  # fmt: skip


def context(seed: int = 1, unfinished: Unfinished | None = None) -> RunContext:
    return RunContext(rng=np.random.default_rng(seed), progress=silent(), unfinished=unfinished)


@pytest.fixture(scope="module")
def outcome(params: Params) -> Outcome:
    return run(params, context())


def test_the_kl_from_softmax_falls_with_spikes_and_uniform_attention_is_far(outcome: Outcome) -> None:
    """Regular cells: 16 times the spikes, far less than a tenth of the divergence."""
    m = outcome.metrics
    few, many = m["kl_spikes_8"].value, m["kl"].value
    assert 0 < many < few / 10
    assert many < m["kl_samples_128"].value < m["kl_uniform"].value
    assert m["same"].value > m["same_spikes_8"].value - 0.05
    assert m["ratio"].value == pytest.approx(1, abs=4 * m["ratio"].standard_error + 0.02)
    assert 128 <= m["spent"].value < 140


def test_a_layer_alone_is_tried_on_a_few_windows_and_costs_less(outcome: Outcome, params: Params) -> None:
    data = outcome.dataset
    for layer in (0, 1):
        kl = data.kl.sel(trial=f"layer {layer}, 4 a row").values
        assert np.isfinite(kl).sum() == params.layer_windows
    assert data.alone.dims == ("layer",)


def test_softmax_stands_next_to_itself(outcome: Outcome) -> None:
    softmax = outcome.dataset.sel(trial="softmax")
    assert float(abs(softmax.kl).max()) < 1e-6
    assert float(softmax.same.min()) == 1


def test_an_interrupted_run_ends_with_the_same_numbers(params: Params, tmp_path: Path) -> None:
    pretrained = load_causal(params.model)
    windows = windows_of(pretrained, Path(params.text_file or "").read_text(), 3, 16)
    few = replace(params, layer_spikes=0)
    trials = [kind.trial(few, context()) for kind in kinds_of(few, 2)]
    whole = read_windows(pretrained.model, windows, trials, context())

    class Interrupted(Exception):
        pass

    def stop(fraction: float, label: str | None = None) -> None:
        if label == "window 2 of 3":
            raise Interrupted

    unfinished = Unfinished(tmp_path / "unfinished")
    halted = replace(context(unfinished=unfinished), progress=stop)  # type: ignore[arg-type]
    with pytest.raises(Interrupted):
        read_windows(pretrained.model, windows, trials, halted)
    again = read_windows(pretrained.model, windows, trials, context(unfinished=unfinished))
    np.testing.assert_array_equal(again[:, :, :3], whole[:, :, :3])  # the fourth is time


def test_two_texts_are_alike_until_they_part() -> None:
    assert Written(prompt="", softmax=("a", "b", "c"), spikes=("a", "b", "d")).common == 2
    assert Written(prompt="", softmax=("a", "b"), spikes=("a", "b")).common == 2


def test_figures_draw_and_without_spikes_too(outcome: Outcome, params: Params) -> None:
    exact = run(replace(params, kinds=("softmax",)), context())
    assert set(outcome.pictures) == {"loss", "layers", "text"}
    assert not exact.pictures
    assert "nothing was simulated" in exact.verdict
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


def test_kinds_without_softmax_are_refused_by_their_name() -> None:
    with pytest.raises(UsageError, match="kinds must have softmax among them"):
        Params(kinds=("sampled",))


def test_labels_of_kinds() -> None:
    assert Kind(name="softmax").label == "softmax"
    assert Kind(name="layer", spikes=8, layer=3).label == "layer 3, 8 a row"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"length": 25}, "length must be <= 24, the model's positions, got 25"),
        ({"text_file": "gone.txt"}, "text_file must be a file, got gone.txt"),
        ({"model": "gone.gguf"}, "model must be a GGUF file that is there, got gone.gguf"),
    ],
)
def test_what_cannot_be_read_is_refused(params: Params, changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        run(replace(params, **changes), context())  # type: ignore[arg-type]


def test_a_model_that_predicts_no_token_and_a_short_text_are_refused(params: Params, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="model must be a causal language model, got BertModel"):
        load_causal(saved(tmp_path / "bert", built("bert")))
    with pytest.raises(UsageError, match="at least two windows of 16 tokens, got 4 tokens"):
        windows_of(load_causal(params.model), "the cat sat on", 2, 16)
