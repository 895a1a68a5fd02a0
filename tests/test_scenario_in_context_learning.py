"""The scenario in-context-learning at small size, against closed forms of one step, least squares and averaging."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pragmatic.machines.in_context import InContextParams, InContextRegressor, learn_regression
from pragmatic.tasks.regression import (
    Examples,
    LinearTasks,
    averaging_error,
    least_squares,
    step_loss,
    step_size,
)
from scenarios.in_context_learning import Params, run
from scenarios.in_context_learning.toy import Tuning
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    d=3, n_examples=4, n_tasks=1500, betas=(0.5, 1.0), spikes=(16, 256), layer_iterations=250, layer_batch=128,
    layer_rate=0.02, toy_d=2, n_points=4, n_layers=1, width=16, iterations=60, batch=16, toy_tasks=100,
    toy_spikes=(4,), tune_iterations=12, tune_spikes=4, heads=("spiking",),
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(3), progress=silent()))


def test_one_step_has_the_published_values() -> None:
    assert step_size(10, 10) == pytest.approx(1.51515, abs=5e-6)
    assert step_loss(10, 10) == pytest.approx(0.82492, abs=5e-6)


def test_the_closed_form_is_that_of_a_step() -> None:
    """20,000 tasks, within 4 standard errors; steps 20 % smaller and larger are worse."""
    x, y = LinearTasks(d=10, inputs="uniform").draw(20_000, 11, np.random.default_rng(0))
    products = np.einsum("tnd,td->tn", x[:, :-1], x[:, -1])
    raw = (products * y[:, :-1]).mean(axis=1)
    losses = {part: (part * step_size(10, 10) * raw - y[:, -1]) ** 2 / 2 for part in (0.8, 1.0, 1.2)}
    error = losses[1.0].std() / np.sqrt(20_000)
    assert losses[1.0].mean() == pytest.approx(step_loss(10, 10), abs=4 * error)
    assert losses[1.0].mean() < min(losses[0.8].mean(), losses[1.2].mean())


def test_a_trained_layer_takes_that_step(outcome: Outcome) -> None:
    trained, step = outcome.metrics["trained"], outcome.metrics["step"]
    assert trained.floor == pytest.approx(step_loss(3, 4))
    assert trained.control is not None
    assert trained.value < step.value + 0.1 * (trained.control - step.value)
    assert outcome.metrics["agreement"].value > 0.97


def test_two_heads_take_it_where_one_cannot(outcome: Outcome) -> None:
    """The step's advantage over no answer: most of it with two heads, exact and in 256 spikes, not with one."""
    values = {name: metric.value for name, metric in outcome.metrics.items()}
    zero, step = outcome.metrics["trained"].control, values["step"]
    assert zero is not None
    for name in ("pair", "pair_random_256", "pair_regular_256", "pair_regular_16"):
        assert values[name] < step + 0.35 * (zero - step)
    assert values["single"] > values["pair"] + 0.1 * (zero - step)
    assert values["pair_sampled_16"] > values["pair"]


def test_averaging_and_least_squares_have_their_closed_forms() -> None:
    """4000 tasks: (d + 1)/k, and 1 - k/d up to k = d, within 4 standard errors."""
    x, y = LinearTasks(d=5).draw(4000, 11, np.random.default_rng(1))
    asked = x[:, -1]
    for k in (2, 5, 10):
        known = Examples(x[:, :k], y[:, :k])
        averaged = np.einsum("tkd,tk,td->t", known.x, known.y, asked) / k
        for predicted, law in (
            (averaged, averaging_error(5, k)),
            (least_squares(known, asked), max(0, 1 - k / 5)),
        ):
            error = (predicted - y[:, -1]) ** 2 / 5
            assert error.mean() == pytest.approx(law, abs=4 * error.std() / np.sqrt(4000) + 1e-9)
    assert averaging_error(5, 0) == 1.0


def test_the_decoder_learns_from_its_context() -> None:
    """One component: after 3 examples the error is under half of no answer's, and no answer is seen too early."""
    model = InContextRegressor(
        InContextParams(d=1, n_points=4, n_layers=2, width=32), np.random.default_rng(0)
    )
    tasks = LinearTasks(d=1)
    learn_regression(
        model,
        tasks,
        iterations=250,
        batch=32,
        learning_rate=3e-3,
        rng=np.random.default_rng(1),
        curriculum=False,
    )
    asked = tasks.draw(300, 4, np.random.default_rng(2))
    said = model(asked).detach().numpy()
    assert ((said - asked.y) ** 2)[:, -1].mean() < 0.5
    changed = asked.y.copy()
    changed[:, -1] += 100
    np.testing.assert_array_equal(model(Examples(asked.x, changed)).detach().numpy(), said)


def test_tuning_counts_iterations_to_the_goal() -> None:
    tuning = Tuning(start="fresh", heads="softmax", errors=np.array([1.0] * 10 + [0.0] * 20))
    assert tuning.steps(0.55) == 15  # five of the last ten batches at 0
    assert tuning.steps(-1.0) is None


def test_a_width_that_heads_cannot_share_is_refused() -> None:
    with pytest.raises(UsageError, match="width must be a multiple of n_heads, got 65 for 2; use 64"):
        run(Params(width=65), RunContext(rng=np.random.default_rng(0), progress=silent()))


def test_figures_draw(outcome: Outcome, tmp_path: Path) -> None:
    with style():
        for name, picture in outcome.pictures.items():
            picture.draw().savefig(tmp_path / f"{name}.png")
    assert {path.stem for path in tmp_path.iterdir()} == {"curve", "step"}
