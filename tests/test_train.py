"""Training: it learns, it resumes exactly, Ctrl-C loses nothing, and what goes wrong is said in one line."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bridge import SpikingHead
from pragmatic import Attended, Transformer, TransformerParams, Uniform, dot_product_head
from pragmatic.tasks.batch import IGNORED, Batch, Task
from pragmatic.tasks.synthetic import Induction, Sorting
from pragmatic.training.evaluation import evaluate
from pragmatic.training.train import TrainParams, TrainResult, learning_rate, start, train
from spiking import GammaCircuit, GammaParams

TASK = Induction(n_symbols=6, shortest=2, longest=6, length=16)
SHORT = TrainParams(
    n_iterations=12, batch_size=4, n_warmup=3, evaluate_every=5, n_held_out=8, checkpoint_every=4
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Matrices this small gain nothing from a second thread, and waiting for it is slow on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def model(seed: int = 0, **sizes: object) -> Transformer:
    wanted = {"n_vocab": 6, "n_layers": 2, "n_heads": 2, "width": 16, "n_context": 16, **sizes}
    return Transformer(TransformerParams(**wanted), np.random.default_rng(seed))


def run(
    trained: Transformer,
    checkpoint: Path | None = None,
    *,
    task: Task = TASK,
    params: TrainParams = SHORT,
    seed: int = 7,
    **options: object,
) -> TrainResult:
    return train(trained, task, params, rng=np.random.default_rng(seed), checkpoint=checkpoint, **options)


def assert_same(one: Transformer, other: Transformer) -> None:
    """Bit for bit."""
    assert one.tensors().keys() == other.tensors().keys()
    for name, tensor in one.tensors().items():
        assert torch.equal(tensor, other.tensors()[name]), name


class Jitter:
    """Softmax attention plus noise from a stream of its own, as a simulated head would have."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Attended:
        self.calls += 1
        noise = torch.from_numpy(np.random.default_rng(self.calls).normal(size=value.shape)).to(value)
        output, weights = dot_product_head(Uniform())(query, key, value, mask)
        return Attended(output + 0.1 * noise, weights)

    def get_extra_state(self) -> dict[str, int]:
        return {"calls": self.calls}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.calls = state["calls"]


def jittery(seed: int = 0) -> Transformer:
    made = model(seed)
    made.blocks[1].attention.heads[1] = Jitter()
    return made


def spiking(seed: int = 0) -> Transformer:
    """Two simulated heads that are one object, which goes on drawing new noise."""
    made = model(seed)
    made.blocks[0].attention.heads[:] = [SpikingHead(GammaCircuit(GammaParams.brief()), spikes=4)] * 2
    return made


# Learning.
def test_sorting_is_learnt() -> None:
    """Accuracy at least .95 on held-out sequences, from less than half of it at the start."""
    task = Sorting(n_symbols=4, n_items=3)
    params = TrainParams(
        n_iterations=400, batch_size=32, learning_rate=5e-3, evaluate_every=400, n_held_out=256
    )
    result = run(model(width=32), task=task, params=params)
    assert result.evaluations[0].accuracy < 0.475
    assert result.final.accuracy >= 0.95, result.final


# Evaluation.
def test_evaluation_and_its_error() -> None:
    """Against a loop over sequences, with different numbers of targets; in parts as in one."""
    trained = model()
    batch = TASK.held_out(7)
    logs = trained(batch.tokens).detach().double().log_softmax(-1)
    losses, hits = [], []
    for log, targets in zip(logs, batch.targets, strict=True):
        asked = targets != IGNORED
        losses.append(-log[asked].gather(-1, targets[asked, None]).mean().item())
        hits.append((log.argmax(-1)[asked] == targets[asked]).double().mean().item())
    got = evaluate(trained, batch, batch_size=3)
    assert got.loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert got.loss_se == pytest.approx(np.std(losses, ddof=1) / math.sqrt(7), rel=1e-4)
    assert got.accuracy == pytest.approx(np.mean(hits))
    assert got.accuracy_se == pytest.approx(np.std(hits, ddof=1) / math.sqrt(7))
    assert got.n_sequences == 7


def test_evaluation_refuses_a_sequence_without_targets() -> None:
    tokens = torch.zeros(2, 5, dtype=torch.int64)
    targets = tokens.clone()
    targets[1] = IGNORED
    with pytest.raises(ValueError, match="every sequence must have a target"):
        evaluate(model(), Batch(tokens, targets))


def test_evaluating_more_often_changes_no_weight() -> None:
    """Not even with a head whose noise goes on from call to call."""
    often, seldom = jittery(), jittery()
    result = run(often, params=replace(SHORT, evaluate_every=1))
    run(seldom, params=replace(SHORT, evaluate_every=12))
    assert_same(often, seldom)
    assert [evaluation.iteration for evaluation in result.evaluations] == list(range(13))


# Resuming.
@pytest.mark.parametrize("make", [model, jittery, spiking])
@pytest.mark.parametrize("n_before", [1, 4, 5, 12])
def test_ctrl_c_and_resuming_is_as_if_nothing_had_been(tmp_path: Path, n_before: int, make: type) -> None:
    """Weights, losses, evaluations; also where the checkpoint (4), an evaluation (5) or the end falls on it."""
    whole, broken, resumed = make(), make(), make(seed=1)
    expected = run(whole)
    path = tmp_path / "training.safetensors"
    handler = signal.getsignal(signal.SIGINT)

    def press(fraction: float, label: str) -> None:
        if round(fraction * 12) == n_before:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="the same call resumes from"):
        run(broken, path, progress=press)
    assert signal.getsignal(signal.SIGINT) is handler
    got = run(resumed, path)
    assert_same(whole, resumed)
    assert got.losses.tolist() == expected.losses.tolist()
    assert got.evaluations == expected.evaluations
    assert got.seconds.shape == (12,)
    assert (np.diff(got.seconds) > 0).all()
    assert list(tmp_path.iterdir()) == [path]


def test_killed_between_checkpoints_goes_on_from_the_last(tmp_path: Path) -> None:
    """As after a loss of power: the steps since the last checkpoint are made again, the same."""

    def pull_the_plug(fraction: float, label: str) -> None:
        if round(fraction * 12) == 7:
            raise RuntimeError("power")

    whole, resumed = model(), model(seed=1)
    run(whole)
    with pytest.raises(RuntimeError, match="power"):
        run(model(), tmp_path / "t", progress=pull_the_plug)
    done: list[int] = []
    run(resumed, tmp_path / "t", progress=lambda fraction, label: done.append(round(fraction * 12)))
    assert done == list(range(5, 13))
    assert_same(whole, resumed)


def test_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    def press_twice(fraction: float, label: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("still going")

    with pytest.raises(KeyboardInterrupt):
        run(model(), tmp_path / "t", progress=press_twice)


def test_finished_training_is_not_done_again(tmp_path: Path) -> None:
    first, second = model(), model(seed=1)
    expected = run(first, tmp_path / "t")
    got = run(second, tmp_path / "t", progress=lambda fraction, label: pytest.fail("trained again"))
    assert_same(first, second)
    assert got.final == expected.final


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"params": replace(SHORT, learning_rate=2e-3)}, "got another training: .*0.001.* for .*0.002"),
        ({"task": replace(TASK, longest=5)}, "got another task: .*longest=6.* for .*longest=5"),
        ({"seed": 8}, "got another rng at the start"),
        ({"trained": model(n_layers=1)}, "got another transformer"),
        ({"trained": jittery()}, r"got another heads: .*DotProductHead\(Softmax\).* for .*Jitter"),
    ],
    ids=["params", "task", "seed", "model", "heads"],
)
def test_checkpoint_of_another_training(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    run(model(), tmp_path / "t")
    with pytest.raises(ValueError, match=message):
        run(**{"trained": model(), "checkpoint": tmp_path / "t", **changed})


def test_checkpoint_that_is_none(tmp_path: Path) -> None:
    model().save(tmp_path / "t")
    with pytest.raises(ValueError, match="must say its identity, progress"):
        run(model(), tmp_path / "t")


def test_generator_that_cannot_be_kept(tmp_path: Path) -> None:
    rng = np.random.Generator(np.random.MT19937(0))
    with pytest.raises(
        ValueError, match=r"rng must be made by np.random.default_rng to be kept, got MT19937"
    ):
        train(model(), TASK, SHORT, rng=rng, checkpoint=tmp_path / "t")


# The schedule.
def test_learning_rate() -> None:
    params = TrainParams(n_iterations=1100, n_warmup=100)
    rates = [learning_rate(iteration, params) for iteration in range(1101)]
    assert np.argmax(rates) == 100
    assert rates[0] == pytest.approx(1e-3 / 101)
    assert rates[100] == 1e-3
    assert rates[600] == pytest.approx(0.5 * (1e-3 + 1e-4))
    assert rates[1100] == pytest.approx(1e-4)
    assert (np.diff(rates[:101]) > 0).all()
    assert (np.diff(rates[100:]) < 0).all()


def test_weights_decay_in_matrices_alone() -> None:
    """Without a gradient AdamW leaves of a matrix 1 - rate x decay, and of a norm's gains all."""
    params = replace(SHORT, learning_rate=0.1, weight_decay=0.5)
    state = start(model(), Sorting(n_symbols=4, n_items=4), params, rng=np.random.default_rng(0))
    before = {name: parameter.detach().clone() for name, parameter in state.model.named_parameters()}
    for parameter in state.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for group in state.optimizer.param_groups:
        group["lr"] = params.learning_rate
    state.optimizer.step()
    norms = {name for name in before if "norm" in name}
    assert len(norms) == 2 * len(state.model.blocks) + 1
    for name, parameter in state.model.named_parameters():
        left = 1.0 if name in norms else 1 - 0.1 * 0.5
        torch.testing.assert_close(parameter.detach(), left * before[name])


# What goes wrong.
def test_overflow_names_the_layer() -> None:
    """Weights as large as a step far too long leaves them: the first place that looks is named."""
    trained = model()
    with torch.no_grad():
        trained.token_vectors *= 1e30
    with pytest.raises(ValueError, match=r"layer 0: scores must be finite, .* got nan or inf"):
        run(trained)


def test_nan_in_the_loss_is_named() -> None:
    trained = model()
    with torch.no_grad():
        trained.norm.weight[0] = float("nan")
    with pytest.raises(
        ValueError, match=r"loss must be finite, got nan in iteration 0 .*lower learning_rate"
    ):
        run(trained, params=replace(SHORT, evaluate_every=12))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_context": 15}, "longer than the model's context of 15 tokens, got 16"),
        ({"n_vocab": 5}, "n_vocab must be at least the task's 6, got 5"),
        ({"causal": False}, "causal must be True for Induction"),
    ],
)
def test_task_that_does_not_fit(sizes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(model(**sizes))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_iterations": 0}, "n_iterations must be >= 1, got 0"),
        ({"batch_size": 1.5}, "batch_size must be a whole number"),
        ({"learning_rate": -1.0}, "learning_rate must lie in"),
        ({"learning_rate": float("nan")}, "learning_rate must lie in"),
        ({"min_learning_rate": 0.1}, "min_learning_rate must lie in"),
        ({"beta2": 1.0}, "beta2 must lie in"),
        ({"weight_decay": "much"}, "weight_decay must be a number"),
    ],
)
def test_bad_parameters(changed: dict[str, object], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        TrainParams(**changed)
