"""mini-transformer-bill, tiny: every design on every task with its costs, fronts, mistakes refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge import TABLES
from scenarios.mini_transformer_bill import Params
from scenarios.mini_transformer_bill.measures import in_words, table
from scenarios.mini_transformer_bill.pareto import Point, front, points_of
from scenarios.workbench.cli import main
from scenarios.workbench.cost import HARDWARE
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.outcome import Metric
from scenarios.workbench.store import StoredRun

TINY = Params(
    tasks=("induction", "sort"),
    kinds=("softmax", "uniform", "simulated"),
    n_layers=1,
    n_heads=2,
    width=16,
    n_context=12,
    iterations=8,
    batch=8,
    windows=16,
    spikes=(4, 16),
    n_cells=5,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    folder = tmp_path_factory.mktemp("runs") / "run"
    return run_scenario("mini-transformer-bill", TINY, seed=3, engine="fused", out=folder)


def test_every_design_on_every_task(run: StoredRun) -> None:
    data = run.dataset()
    assert data.task.values.tolist() == ["induction", "sort"]
    assert data.design.values.tolist() == [
        *("softmax", "uniform", "simulated 4", "simulated 16", "swapped 4", "swapped 16")
    ]
    assert np.isfinite(data.accuracy).all()
    assert {path.stem for path in run.folder.glob("*.png")} == {"bill"}
    assert run.metrics["accuracy_gap"].text() in run.verdict


def test_a_swapped_model_trains_at_the_price_of_softmax_and_runs_at_that_of_spikes(run: StoredRun) -> None:
    """Inference of the two spiking designs differs by what the weights make of 16 spikes: below a tenth."""
    joules = run.dataset().isel(seed=0)
    training = joules.training_joules.sel(table="fp32_45nm")
    np.testing.assert_array_equal(training.sel(design="swapped 16"), training.sel(design="softmax"))
    assert (training.sel(design="simulated 16") > 1.1 * training.sel(design="softmax")).all()
    inference = joules.inference_joules.sel(table="fp32_45nm")
    np.testing.assert_allclose(
        inference.sel(design="swapped 16"), inference.sel(design="simulated 16"), rtol=0.1
    )
    assert (inference.sel(design="simulated 16") > inference.sel(design="simulated 4")).all()
    assert (inference.sel(design="simulated 4") > inference.sel(design="softmax")).all()


def test_training_is_counted_iterations_times_their_number(run: StoredRun, tmp_path: Path) -> None:
    """Of softmax every iteration costs the same, so that half as many cost half."""
    half = replace(TINY, iterations=4, kinds=("softmax",), tasks=("sort",))
    short = run_scenario("mini-transformer-bill", half, seed=3, engine="fused", out=tmp_path / "half")
    work = [r.dataset().training_operations.sel(task="sort", design="softmax") for r in (run, short)]
    np.testing.assert_allclose(work[0], 2 * work[1])
    assert "question is not answered" in short.verdict


def test_break_even_price_makes_inference_break_even(run: StoredRun) -> None:
    """Priced anew with the price found, the events cost what softmax does."""
    spiking = run.dataset().sel(task="sort", design="simulated 4").isel(seed=0)
    prices = dict(TABLES[HARDWARE].prices_pJ)
    counts = spiking.inference_counts.sel(machine="events")
    prices["neuron_updates"] = run.metrics["break_even_sort"].value
    total = 1e-12 * sum(price * float(counts.sel(operation=kind)) for kind, price in prices.items())
    softmax = run.dataset().sel(task="sort", design="softmax", table="fp32_45nm").inference_joules.item()
    assert total == pytest.approx(softmax)


def point(cost: float, accuracy: float, kind: str = "softmax") -> Point:
    """Sixteen sequences, known to half a per cent."""
    scores = accuracy + 0.02 * np.tile([-1.0, 1.0], 8)[np.random.default_rng(int(1e3 * cost)).permutation(16)]
    return Point(design=kind, kind=kind, spikes=1, table="fp32_45nm", cost=cost, scores=scores[None])


def test_a_front_holds_the_cheapest_and_what_is_clearly_better_than_all_cheaper() -> None:
    points = [point(1, 0.5), point(2, 0.501), point(3, 0.9), point(4, 0.7), point(5, 1.0), point(2.5, 0.4)]
    assert [(p.cost, round(p.accuracy.value, 3)) for p in front(points)] == [(1, 0.5), (3, 0.9), (5, 1.0)]


def test_cells_in_hardware_are_a_machine_of_spiking_models_alone(run: StoredRun) -> None:
    task = run.dataset().sel(task="sort")
    for phase, kinds in (("inference", {"simulated", "swapped"}), ("training", {"simulated"})):
        assert {p.kind for p in points_of(task, phase) if p.table == HARDWARE} == kinds


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--tasks sort,chess", "unknown tasks 'chess'"),
        ("--kinds simulated", "kinds must have softmax, got simulated"),
        ("--spikes 0", "spikes must be >= 1"),
        ("--tasks sort --text empty.txt", "text needs task text, got tasks sort"),
        ("--tasks text --text empty.txt", "text must not be empty"),
        ("--width 15", "width must be a multiple of n_heads"),
        ("--goal 0", "goal must be > 0"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    options: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("")
    assert main(["run", "mini-transformer-bill", "--engine", "fused", *options.split()]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said
    assert "\n" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["empty.txt"]


def test_the_verdict_claims_only_what_is_clear(run: StoredRun) -> None:
    metrics = table(run.dataset(), goal=0.02)
    tasks = ["induction", "sort"]
    flat = {name: replace(m, value=0.001, standard_error=0.01) for name, m in metrics.items()}
    said = in_words(flat, tasks, TINY)["verdict"]
    assert "not tested" in said
    assert "say nothing about heads" in said
    assert "not tested" in in_words(flat, tasks, TINY)["in_short"][0]
    telling = flat | {
        f"gap_{task}_uniform": Metric(label="u", value=-0.5, standard_error=0.01) for task in tasks
    }
    assert "no clear loss of accuracy at induction and sort" in in_words(telling, tasks, TINY)["verdict"]
    telling |= {"gap_sort_simulated": Metric(label="s", value=-0.2, standard_error=0.01)}
    telling |= {f"{phase}_times": Metric(label="x", value=3.0) for phase in ("inference", "training")}
    telling |= {"fronts": Metric(label="fronts", value=0.0)}
    said = in_words(telling, tasks, TINY)["verdict"]
    assert "Expressive: not at sort" in said
    assert "training through them does not clearly help" in said
    telling |= {"through_gain": replace(metrics["through_gain"], value=0.3, standard_error=0.01)}
    assert "training through them clearly helps" in in_words(telling, tasks, TINY)["verdict"]
    assert "no, neither to train nor to run" in said
    assert "No spiking model lies on a front" in said
