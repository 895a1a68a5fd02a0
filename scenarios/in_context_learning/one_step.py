"""One layer that learns in context: linear attention trained, and pairs of softmax heads of opposite sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import softmax
from torch import nn

from pragmatic.tasks.regression import Examples, LinearTasks, step_loss, step_size
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.stages import simulation
from scenarios.workbench.statistics import Estimate, mean
from spiking import PARAMETER_SETS, Budget, GammaCircuit

if TYPE_CHECKING:
    from scenarios.in_context_learning import Params

__all__ = ["KINDS", "OneStep", "Pair", "measure_one_step"]

KINDS = ("sampled", "random", "regular")
CIRCUITS = {"random": "brief", "regular": "regular-brief"}


class LinearLayer(nn.Module):
    """Linear attention of the question's token q = (x, 0) to tokens e_i = (x_i, y_i): mean of (q W e_i)(p e_i).

    Queries and keys enter by their product alone, and of the output only the y component is asked, so that W
    (d+1, d+1) and p (d+1) are all there is of one head (von Oswald et al. 2023, section 2).
    """

    def __init__(self, d: int, rng: np.random.Generator, scale: float = 0.002) -> None:
        super().__init__()
        self.match = nn.Parameter(torch.from_numpy(rng.normal(0, scale, (d + 1, d + 1))).float())
        self.value = nn.Parameter(torch.from_numpy(rng.normal(0, scale, d + 1)).float())

    def forward(self, tokens: torch.Tensor, question: torch.Tensor) -> torch.Tensor:
        """Predict (B,) from tokens (B, N, d + 1) and a question (B, d + 1) whose last component is 0."""
        scores = torch.einsum("bd,de,bne->bn", question, self.match, tokens)
        return (scores * (tokens @ self.value)).mean(dim=1)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two softmax heads of scores +-beta x·x' and values of opposite sign."""

    beta: float
    factor: float  # on their difference, by least squares over other tasks
    losses: np.ndarray  # (n_tasks,) half squared errors

    @property
    def loss(self) -> Estimate:
        """Their mean."""
        return mean(self.losses)


@dataclass(frozen=True, kw_only=True)
class OneStep:
    """Half squared errors on the same tasks."""

    zero: np.ndarray  # (n_tasks,) no answer
    step: np.ndarray  # (n_tasks,) one step of gradient descent of the best size
    law: float
    trained: np.ndarray  # (n_tasks,) the trained layer
    curve: np.ndarray  # (iterations,) loss in training
    agreement: float  # correlation of the trained layer's predictions with the step's
    size: float  # step that the trained layer makes, in best sizes
    single: Pair  # one softmax head, at its best beta
    pairs: Mapping[float, Pair]  # beta -> exact
    spiking: Mapping[tuple[str, int, float], Pair]  # kind, spikes, beta

    def best(self, kind: str, spikes: int) -> Pair:
        """The pair of the lowest loss among all beta."""
        at = [pair for (k, n, _), pair in self.spiking.items() if (k, n) == (kind, spikes)]
        return min(at, key=lambda pair: pair.loss.value)

    @property
    def exact(self) -> Pair:
        return min(self.pairs.values(), key=lambda pair: pair.loss.value)


@dataclass(frozen=True, kw_only=True)
class _Tasks:
    """Tasks in halves: factors are fitted on the first, losses measured on the second."""

    known: Examples
    question: np.ndarray  # (n_tasks, d)
    answer: np.ndarray  # (n_tasks,)

    @classmethod
    def draw(cls, params: Params, n: int, rng: np.random.Generator) -> _Tasks:
        x, y = LinearTasks(d=params.d, inputs="uniform").draw(n, params.n_examples + 1, rng)
        return cls(known=Examples(x[:, :-1], y[:, :-1]), question=x[:, -1], answer=y[:, -1])

    @property
    def products(self) -> np.ndarray:
        """Inputs times question, (n_tasks, N)."""
        return np.einsum("tnd,td->tn", self.known.x, self.question)

    def fitted(self, raw: np.ndarray, beta: float) -> Pair:
        """Scale a prediction by the factor that fits the first half; its loss on the second."""
        half = len(raw) // 2
        factor = float(raw[:half] @ self.answer[:half] / max(raw[:half] @ raw[:half], 1e-300))
        return Pair(beta=beta, factor=factor, losses=self.losses(factor * raw[half:]))

    def losses(self, predicted: np.ndarray) -> np.ndarray:
        """Half squared errors on the second half."""
        return (predicted - self.answer[-len(predicted) :]) ** 2 / 2


def measure_one_step(params: Params, ctx: RunContext) -> OneStep:
    """The closed form, the trained layer, and pairs of heads: exact, sampled and simulated."""
    tasks = _Tasks.draw(params, 2 * params.n_tasks, ctx.rng)
    half, products, values = params.n_tasks, tasks.products, tasks.known.y
    with ctx.progress.stage("train a linear layer", share=0.15) as progress:
        layer, curve = _trained(params, ctx, progress)
    step = step_size(params.d, params.n_examples) * (products * values).mean(axis=1)[half:]
    said = _said(layer, tasks)[half:]
    pairs = {beta: tasks.fitted(_opposed(beta * products, values, softmax), beta) for beta in params.betas}
    single = [
        tasks.fitted((softmax(beta * products, axis=1) * values).sum(axis=1), beta) for beta in params.betas
    ]
    spiking = {
        (kind, n, beta): tasks.fitted(_opposed(beta * products, values, _shares(kind, n, ctx)), beta)
        for kind in KINDS
        for n in params.spikes
        for beta in params.betas
    }
    return OneStep(
        zero=tasks.losses(np.zeros(half)),
        step=tasks.losses(step),
        law=step_loss(params.d, params.n_examples),
        trained=tasks.losses(said),
        curve=curve,
        agreement=float(np.corrcoef(said, step)[0, 1]),
        size=float(said @ step / (step @ step)),
        single=min(single, key=lambda pair: pair.loss.value),
        pairs=pairs,
        spiking=spiking,
    )


def _opposed(scores: np.ndarray, values: np.ndarray, shares: Any) -> np.ndarray:
    """One head with the scores and the values, one with both negated; their sum (n_tasks,)."""
    both = shares(np.concatenate([scores, -scores]), axis=1)
    return ((both[: len(scores)] - both[len(scores) :]) * values).sum(axis=1)


def _shares(kind: str, n: int, ctx: RunContext) -> Any:
    """Shares of n spikes: independent samples of the softmax, or of a circuit."""

    def shares(scores: np.ndarray, axis: int) -> np.ndarray:
        assert axis == 1
        if kind == "sampled":
            return ctx.rng.multinomial(n, softmax(scores, axis=1)) / n
        with simulation(ctx, f"{kind} cells, {n} spikes", share=0.01) as options:
            circuit = GammaCircuit(PARAMETER_SETS[CIRCUITS[kind]])
            return circuit.attend(scores, budget=Budget(spikes=n), record="counts", **options).weights

    return shares


def _trained(params: Params, ctx: RunContext, progress: Any) -> tuple[LinearLayer, np.ndarray]:
    """Adam on fresh tasks; the half squared error of each batch."""
    rng = ctx.rng.spawn(1)[0]
    layer, losses = LinearLayer(params.d, rng), []
    optimizer = torch.optim.Adam(layer.parameters(), lr=params.layer_rate)
    for iteration in range(params.layer_iterations):
        tasks = _Tasks.draw(params, params.layer_batch, rng)
        tokens, question, answer = _tensors(tasks)
        loss = (layer(tokens, question) - answer).square().mean() / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        progress((iteration + 1) / params.layer_iterations)
    return layer, np.array(losses)


def _said(layer: LinearLayer, tasks: _Tasks) -> np.ndarray:
    tokens, question, _ = _tensors(tasks)
    with torch.no_grad():
        return layer(tokens, question).double().numpy()


def _tensors(tasks: _Tasks) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Tokens (x, y), the question (x, 0) and the answers."""
    tokens = np.concatenate([tasks.known.x, tasks.known.y[..., None]], axis=2)
    question = np.concatenate([tasks.question, np.zeros((len(tasks.answer), 1))], axis=1)
    return tuple(torch.from_numpy(part).float() for part in (tokens, question, tasks.answer))  # type: ignore[return-value]
