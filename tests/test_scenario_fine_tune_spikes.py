"""fine-tune-spikes, tiny: the same batches for every arm, spikes in the loop, and a verdict that claims no more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pragmatic.training.evaluation import SequenceScores
from pragmatic.training.train import TrainResult
from scenarios.fine_tune_spikes import Params
from scenarios.fine_tune_spikes.measures import MODELS, TUNED, in_words, models_dataset, table
from scenarios.workbench.cli import main
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import Metric
from scenarios.workbench.store import StoredRun

TINY = Params(
    n_layers=1,
    n_heads=2,
    width=16,
    n_context=8,
    iterations=60,
    batch=16,
    windows=24,
    train_spikes=1,
    spikes=(64,),
    tune_iterations=30,
    even_unlearnt=True,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    folder = tmp_path_factory.mktemp("runs") / "run"
    return run_scenario("fine-tune-spikes", TINY, seed=3, engine="fused", out=folder)


def test_all_models_learn_on_from_the_same_weights_and_batches(run: StoredRun) -> None:
    """So the first batch differs by the spikes alone, and by nothing between two runs of softmax."""
    data = run.dataset()
    first = data.batch_loss.isel(iteration=0)
    assert 0 < abs(float(first.sel(tuned="simulated") - first.sel(tuned="softmax"))) < 0.2
    assert 0 < abs(float(first.sel(tuned="sampled") - first.sel(tuned="softmax"))) < 0.2
    assert np.corrcoef(data.batch_loss)[0, 1:].min() > 0.9  # of batches, not of models


def test_the_model_as_trained_is_left_as_it_was(run: StoredRun) -> None:
    again = replace(TINY, checkpoint=str(run.folder / "model.safetensors"), tune_iterations=2)
    second = run_scenario("fine-tune-spikes", again, seed=4, engine="fused", out=run.folder.parent / "again")
    before, after = (r.dataset().softmax_loss.sel(model="trained") for r in (run, second))
    np.testing.assert_array_equal(before, after)
    tuned = replace(again, checkpoint=str(run.folder / "tuned.safetensors"))
    third = run_scenario("fine-tune-spikes", tuned, seed=4, engine="fused", out=run.folder.parent / "tuned")
    np.testing.assert_array_equal(
        third.dataset().softmax_loss.sel(model="trained"), run.dataset().softmax_loss.sel(model="simulated")
    )


def test_rises_stand_over_softmax_heads_of_as_many_iterations(run: StoredRun) -> None:
    data, at = run.dataset(), run.dataset().sel(spikes=1)
    for metric, model, reference in (("before", "trained", "trained"), ("after", "simulated", "softmax")):
        difference = at.loss.sel(model=model).values - data.softmax_loss.sel(model=reference).values
        assert run.metrics[metric].value == pytest.approx(difference.mean())
        assert run.metrics[metric].standard_error == pytest.approx(difference.std(ddof=1) / np.sqrt(24))


def test_the_run_leaves_numbers_a_picture_and_both_models(run: StoredRun) -> None:
    assert {path.stem for path in run.folder.glob("*.png")} == {"fine_tuning"}
    assert {path.stem for path in run.folder.glob("*.safetensors")} == {"model", "tuned"}
    assert run.metrics["before"].text() in run.verdict
    assert run.dataset().spikes.values.tolist() == [1, 64]


def test_what_is_gone_of_the_rise_by_hand() -> None:
    """As trained 2 + .02; softmax learns .1, spikes .1 less .005; swapping the softmax model leaves it at .018."""
    rng = np.random.default_rng(0)
    base = rng.normal(2, 0.3, 50)  # shared by all, so that every difference is exact

    def scores(loss: float) -> SequenceScores:
        return SequenceScores(loss=base + loss, accuracy=np.full(50, 0.4))

    training = TrainResult(losses=np.ones(3), seconds=np.array([5.0, 6.0, 7.0]), evaluations=())
    dataset = models_dataset(
        {name: scores(0.0 if name == "trained" else -0.1) for name in MODELS},
        {
            (name, 64): scores(loss)
            for name, loss in zip(MODELS, (0.02, -0.1 + 0.018, -0.1 + 0.006, -0.1 + 0.005), strict=True)
        },
        {name: training for name in TUNED},
    )
    metrics = table(dataset.assign_attrs(train_spikes=64), rng)
    expected = {
        "before": 0.02,
        "after": 0.005,
        "after_softmax": 0.018,
        "after_sampled": 0.006,
        "spikes_or_softmax": -0.013,
        "after_original": -0.095,
        "recovered": 0.75,
        "learnt": -0.1,
        "back": 0.0,
        "seconds": 1.0,
        "times_softmax": 1.0,
    }
    for name, value in expected.items():
        assert metrics[name].value == pytest.approx(value), name
    assert metrics["after"].control == pytest.approx(0.018)
    assert metrics["recovered"].control == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--heads 5.*", "no head 5.0 in this model"),
        ("--train-spikes 0", "train_spikes must be >= 1"),
        ("--tune-iterations 1", "tune_iterations must be >= 2"),
        ("--tune-learning-rate -1", "tune_learning_rate must be > 0"),
        ("--checkpoint absent.safetensors", "checkpoint must be a file"),
    ],
)
def test_bad_input_is_one_line(
    options: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "fine-tune-spikes", *options.split()]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
    assert not list(tmp_path.iterdir())


def made(**values: float) -> dict[str, Metric]:
    """Metrics of these values, each with an error of .001."""
    return {
        name: Metric(label=name, value=value, standard_error=None if name == "times_softmax" else 0.001)
        for name, value in values.items()
    }


CLEAR = {
    "before": 0.02,
    "after": 0.004,
    "recovered": 0.8,
    "after_softmax": 0.018,
    "after_original": -0.006,
    "spikes_or_softmax": -0.014,
    "after_sampled": 0.004,
    "spikes_or_samples": 0.0,
    "back": 0.005,
    "times_softmax": 40.0,
}


def test_the_verdict_of_a_clear_gain() -> None:
    metrics = made(**CLEAR)
    answer = in_words(metrics, TINY)
    short, said = answer["in_short"], answer["verdict"]
    for claim in (
        "With both heads spiking at 1 spikes a row",
        "of the rise is gone",
        "Spikes in the loop help more than softmax does:",
        "it loses 0.0040 ± 0.0010: no clear difference",
        "is worse than",
    ):
        assert claim in said
    assert len(short) == 3
    assert short[0] in said


def test_the_verdict_claims_nothing_where_nothing_is_clear() -> None:
    nothing = CLEAR | {"after": 0.0199, "recovered": 0.0005, "spikes_or_softmax": 0.0, "back": 0.0}
    said = in_words(made(**nothing), TINY)["verdict"]
    assert "no clear part of the rise is gone" in said
    assert "That spikes in the loop help more than softmax does is not clear" in said
    assert "is not clearly different from one" in said
    unhurt = in_words(made(**(CLEAR | {"before": 0.001})), TINY)["verdict"]
    assert "nothing for fine-tuning to win back" in unhurt


def test_two_comparisons_are_corrected_together() -> None:
    """2.1 standard errors are clear alone, and not as the smaller of two where the other is nothing."""
    near = CLEAR | {"spikes_or_softmax": -0.0021, "spikes_or_samples": 0.0}
    said = in_words(made(**near), TINY)["verdict"]
    assert "That spikes in the loop help more than softmax does is not clear" in said
