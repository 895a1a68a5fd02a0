"""train-with-spikes, tiny: kinds start alike, runs can be split and joined, costs are counted, mistakes refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pragmatic.tasks.batch import Task
from pragmatic.tasks.synthetic import Induction
from pragmatic.training.train import TrainParams
from pragmatic.transformer import Transformer, TransformerParams
from scenarios.train_with_spikes import Params
from scenarios.train_with_spikes.measures import gaps, in_words, table
from scenarios.workbench.cli import main
from scenarios.workbench.cost import OPERATIONS, forward_cost, iteration_cost
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import Metric
from scenarios.workbench.statistics import mean_over_seeds
from scenarios.workbench.store import StoredRun

TINY = Params(
    task="induction",
    n_layers=1,
    n_heads=2,
    width=16,
    n_context=12,
    iterations=12,
    batch=8,
    windows=16,
    kinds=("softmax", "sampled", "simulated"),
    seeds=2,
    spikes=16,
    n_cells=5,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    folder = tmp_path_factory.mktemp("runs") / "run"
    return run_scenario("train-with-spikes", TINY, seed=3, engine="fused", out=folder)


def test_every_kind_from_every_seed_with_its_curve(run: StoredRun) -> None:
    data = run.dataset()
    pairs = list(zip(data.kind.values, data.seed.values.tolist(), strict=True))
    assert pairs == [(kind, seed) for seed in (0, 1) for kind in TINY.kinds]
    assert data.batch_loss.shape == (6, 12)
    assert np.isfinite(data.batch_loss).all()
    assert (np.diff(data.seconds) > 0).all()


def test_trainings_of_a_seed_start_alike(tmp_path: Path) -> None:
    """Same weights, same batch: of 5000 samples the first loss is softmax's to 1 in 10000, of 16 to 1 in 600."""
    many = replace(TINY, kinds=("softmax", "sampled"), spikes=5000, iterations=4, seeds=2)
    run = run_scenario("train-with-spikes", many, seed=3, engine="fused", out=tmp_path / "run")
    softmax, sampled = run.dataset().batch_loss.isel(iteration=0).values.reshape(2, 2).T
    np.testing.assert_allclose(sampled, softmax, rtol=3e-4)
    assert abs(softmax[0] / softmax[1] - 1) > 1e-3


def test_gaps_are_paired_by_seed_and_window(run: StoredRun) -> None:
    data = run.dataset()
    by_hand = data.loss.values.reshape(2, 3, 16)
    np.testing.assert_array_equal(gaps(data, "simulated"), by_hand[:, 2] - by_hand[:, 0])
    metric = run.metrics["gap_simulated"]
    assert metric.value == pytest.approx((by_hand[:, 2] - by_hand[:, 0]).mean())
    assert metric.text() in run.verdict


def test_a_split_run_joined_is_the_whole_run(run: StoredRun, tmp_path: Path) -> None:
    """Same numbers whichever way, as far as they are no times."""
    first = replace(TINY, kinds=("softmax",), seeds=1)
    one = run_scenario("train-with-spikes", first, seed=3, engine="fused", out=tmp_path / "one")
    assert set(one.metrics) == {
        *("loss_softmax", "accuracy_softmax", "seconds_softmax", "operations_softmax", "joules_softmax")
    }
    assert "nothing is compared" in one.verdict
    rest = replace(TINY, join=str(one.folder), seeds=1)
    both = run_scenario("train-with-spikes", rest, seed=3, engine="fused", out=tmp_path / "both")
    whole = run.dataset().isel(training=slice(3))
    assert both.dataset().kind.values.tolist() == whole.kind.values.tolist()
    np.testing.assert_array_equal(both.dataset().batch_loss, whole.batch_loss)
    np.testing.assert_array_equal(both.dataset().loss_with, whole.loss_with)


def test_one_error_for_seeds_and_windows() -> None:
    """Seeds apart by N(0, 1), windows by N(0, 2^2): the error of 40 and 100 of them, to 4 standard errors."""
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (40, 1)) + rng.normal(0, 2, 100)
    expected = np.hypot(1 / np.sqrt(40), 2 / np.sqrt(100))
    assert mean_over_seeds(values).error == pytest.approx(expected, rel=4 / np.sqrt(2 * 40))
    alone = mean_over_seeds(values[:1])
    assert alone.error == pytest.approx(values[0].std(ddof=1) / 10)


@pytest.fixture
def task() -> Task:
    return Induction(n_symbols=8, length=12, shortest=4, longest=6)


def test_cost_of_training_and_inference(task: Task) -> None:
    """Products of the forward pass by hand, two a number in a norm; the backward pass of a product is two."""
    model = Transformer(
        TransformerParams(n_vocab=8, n_layers=1, n_heads=2, width=16, n_context=12), np.random.default_rng(0)
    )
    by_hand = 12 * (16 * 48 + 16 * 16 + 2 * 16 * 64 + 16 * 8) + 2 * 12 * 12 * 16 + 3 * 2 * 12 * 16
    forward = forward_cost(model, task.held_out(5))
    assert forward.counts["simulated"][0] == by_hand
    assert forward.operations() == forward.operations("events") > by_hand
    assert np.isnan(forward.spikes_per_row)
    before = [p.detach().clone() for p in model.parameters()]
    trained = iteration_cost(model, task, TrainParams(batch_size=5), np.random.default_rng(0))
    assert trained.counts["simulated"][0] == pytest.approx(3 * 5 * by_hand, rel=0.05)
    assert all(bool((a == b).all()) for a, b in zip(before, model.parameters(), strict=True))
    assert set(OPERATIONS).isdisjoint({"bytes_tensor", "bytes_state"})


def test_simulated_heads_are_counted_as_spikes(run: StoredRun) -> None:
    """On hardware a cell's update is one operation; opened up into arithmetic it is several."""
    data = run.dataset()
    work = data.operations.isel(training=[0, 2], when=0)
    assert work.sel(machine="simulated")[1] > work.sel(machine="events")[1] > work.sel(machine="simulated")[0]
    assert float(data.spikes_per_row.isel(training=2, when=0)) >= TINY.spikes
    assert float(data.spikes_per_row.isel(training=1, when=0)) == TINY.spikes


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--kinds softmax,quadratic", "unknown kinds 'quadratic'"),
        ("--join absent", "run must be a run's folder or name, got 'absent'"),
        ("--join {run} --iterations 13", "iterations 12"),
        ("--join {run} --seed 4", "draw of --seed"),
        ("--seeds 0", "seeds must be >= 1"),
        ("--n-context 4", "n_context must be >= 8"),
        ("--width 15", "width must be a multiple of n_heads"),
        ("--text empty.txt", "text must not be empty"),
        ("--task sort --text empty.txt", "text needs task text"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    options: str,
    says: str,
    run: StoredRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("")
    assert main(["run", "train-with-spikes", *options.format(run=run.folder).split()]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["empty.txt"]


def test_the_verdict_claims_only_what_is_clear(run: StoredRun) -> None:
    metrics = table(run.dataset())
    unclear = {name: replace(m, value=0.001, standard_error=0.01) for name, m in metrics.items()}
    said = in_words(unclear, TINY)["verdict"]
    assert "no clear difference" in said
    assert "no clear gain by training through them" in said
    clear = {name: Metric(label=name, value=2.0, standard_error=0.01) for name in metrics}
    said = in_words(clear, TINY)["verdict"]
    assert "worse, 2.000 ± 0.010 seed by seed" in said
    assert "saves 2.000" in said
    assert [sentence in said for sentence in in_words(clear, TINY)["in_short"]] == [True] * 3
    flat = clear | {"gap_uniform": Metric(label="uniform", value=0.001, standard_error=0.01)}
    assert "no head has learnt to select" in in_words(flat, TINY)["verdict"]
