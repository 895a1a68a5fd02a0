"""Recurrent independent mechanisms: modules of which few are active at a time, those that attend to the input most.

Goyal, Lamb, Hoffmann, Sodhani, Levine, Bengio and Schölkopf (2021), Recurrent independent mechanisms, ICLR,
arXiv:1909.10893. A step:

1. each module asks the input and a null of zeros by attention; the score of null is 0, so that a module reads the
   weight sigmoid(score) of the input's value;
2. the k modules that attend to null least, those of the largest scores, are active;
3. active modules run their own LSTM on what they read; the others keep their state;
4. active modules read from all modules by attention, and add that to their output.

Several models of their own first weights are computed at once, since each alone is too small to keep a processor
busy. Letters of the shapes: M models, B batch, T time, K modules, W width of a module, I inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pragmatic.checks import at_least, check_rng
from pragmatic.training.train import TrainParams, learning_rate

__all__ = ["Mechanisms", "MechanismsParams", "Select", "top_k", "train_mechanisms"]

Select = Callable[[Tensor], Tensor]  # scores (M, B, K) to bool of that shape: which modules are active


@dataclass(frozen=True, kw_only=True)
class MechanismsParams:
    """Sizes of the models, and two ablations: `n_active` = `n_modules`, and no communication."""

    n_inputs: int  # I
    n_outputs: int
    n_models: int = 1  # M
    n_modules: int = 6  # K
    n_active: int = 4
    width: int = 16  # W
    communicate: bool = True
    dim_key: int = 16  # of the attention to the input
    dim_value: int = 32
    n_heads: int = 2  # of the attention to other modules
    dim_head: int = 8

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if name != "communicate":
                at_least("MechanismsParams", name, getattr(self, name), 1)
        if self.n_active > self.n_modules:
            raise ValueError(
                f"MechanismsParams.n_active must be at most n_modules, got {self.n_active} of {self.n_modules}; "
                "use fewer."
            )


class Mechanisms(nn.Module):
    """Models of recurrent independent mechanisms, side by side.

    Parameters
    ----------
    params : MechanismsParams
    rng : numpy.random.Generator
        Draws the first weights, uniform in +-1 / sqrt(width), as torch.nn.LSTM's are; forget gates begin open.
    """

    def __init__(self, params: MechanismsParams, rng: np.random.Generator) -> None:
        super().__init__()
        check_rng(rng)
        self.params = params
        m, k, w = params.n_models, params.n_modules, params.width
        n_heads_dim = params.n_heads * params.dim_head

        def drawn(*shape: int, bound: float = 1 / math.sqrt(w)) -> nn.Parameter:
            return nn.Parameter(torch.from_numpy(rng.uniform(-bound, bound, (m, *shape))).float())

        self.key = drawn(params.n_inputs, params.dim_key, bound=1.0)
        self.value = drawn(params.n_inputs, params.dim_value, bound=1.0)
        self.query = drawn(k, w, params.dim_key)
        self.into, self.recurrent = drawn(k, params.dim_value, 4 * w), drawn(k, w, 4 * w)
        self.bias = drawn(k, 1, 4 * w, bound=0.0)
        self.bias.data[..., w : 2 * w] = 1.0
        self.begin = drawn(
            k, 1, w
        )  # the first outputs; with zeros the first choice of modules would be a tie
        if params.communicate:
            self.ask, self.tell = (
                drawn(k, w, 3 * n_heads_dim),
                drawn(k, n_heads_dim, w, bound=n_heads_dim**-0.5),
            )
        self.read = drawn(k * w, params.n_outputs, bound=(k * w) ** -0.5)
        self.shift = drawn(1, params.n_outputs, bound=0.0)

    def forward(self, x: Tensor, n_last: int, select: Select | None = None) -> Tensor:
        """Outputs of the last steps, (M, B, n_last, n_outputs).

        Parameters
        ----------
        x : Tensor, (M, B, T, I)
        n_last : int
        select : callable, optional
            Chooses the active modules in place of top-k; is not called where all are active.
        """
        params = self.params
        n_models, n_batch, n_steps, _ = x.shape
        k, w = params.n_modules, params.width
        choose = select or top_k(params.n_active)
        score_of, gates_of = self._read_in(x)
        output = self.begin.expand(-1, -1, n_batch, -1)
        cell = torch.zeros_like(output)
        outputs = []
        for t in range(n_steps):
            score = (output * score_of[t]).sum(dim=-1)  # (M, K, B)
            gates = torch.addcmul(
                self.bias + output @ self.recurrent, score.sigmoid()[..., None], gates_of[t]
            )
            new, new_cell = _lstm(gates, cell)
            if params.communicate:
                new = new + self._heard(new)
            if params.n_active < k:
                active = choose(score.detach().transpose(1, 2)).transpose(1, 2)[..., None]  # (M, K, B, 1)
                new, new_cell = torch.where(active, new, output), torch.where(active, new_cell, cell)
            output, cell = new, new_cell
            outputs.append(output)
        last = torch.stack(outputs[-n_last:], dim=1)  # (M, n_last, K, B, W)
        seen = last.permute(0, 3, 1, 2, 4).reshape(n_models, n_batch * n_last, k * w)
        return torch.baddbmm(self.shift, seen, self.read).unflatten(1, (n_batch, n_last))

    def _read_in(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """What each step multiplies a module's output with for its score, and adds to its gates by that score.

        Both depend on the input alone, (M, K, B, W) and (M, K, B, 4 W) of each step.
        """
        n_models, n_batch, n_steps, n_inputs = x.shape
        asked = torch.einsum("mkwd,mid->mikw", self.query, self.key) / math.sqrt(self.params.dim_key)
        gates = torch.einsum("mid,mkdg->mikg", self.value, self.into)
        rows = x.transpose(1, 2).reshape(n_models, n_steps * n_batch, n_inputs)

        def by_step(weights: Tensor) -> list[Tensor]:
            whole = (rows @ weights.flatten(2)).view(n_models, n_steps, n_batch, *weights.shape[2:])
            return list(whole.transpose(2, 3).unbind(dim=1))

        return by_step(asked), by_step(gates)

    def _heard(self, output: Tensor) -> Tensor:
        """What each module reads from all modules, (M, K, B, W)."""
        n_heads, dim = self.params.n_heads, self.params.dim_head
        asked = (output @ self.ask).unflatten(-1, (3, n_heads, dim))  # (M, K, B, 3, heads, dim)
        query, key, value = asked.permute(3, 0, 2, 4, 1, 5)  # each (M, B, heads, K, dim)
        weights = (query @ key.transpose(-1, -2) / math.sqrt(dim)).softmax(dim=-1)
        read = (weights @ value).permute(0, 3, 1, 2, 4).flatten(-2)  # (M, K, B, heads x dim)
        return read @ self.tell


def _lstm(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Output and cell after a step (Hochreiter and Schmidhuber 1997; with forget gates, Gers et al. 2000)."""
    w = cell.shape[-1]
    into, keep, out = gates[..., : 3 * w].sigmoid().chunk(3, dim=-1)
    new_cell = torch.addcmul(into * gates[..., 3 * w :].tanh(), keep, cell)
    return out * new_cell.tanh(), new_cell


def top_k(k: int) -> Select:
    """Choose the k modules of the largest scores."""

    def choose(scores: Tensor) -> Tensor:
        chosen = torch.zeros_like(scores, dtype=torch.bool)
        return chosen.scatter_(-1, scores.topk(k, dim=-1).indices, True)

    return choose


def train_mechanisms(
    models: Mechanisms,
    draw: Callable[[], tuple[Tensor, Tensor]],
    params: TrainParams,
    *,
    select: Select | None = None,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """Train in place by Adam, each model by its own gradient; the losses (n_iterations, M) in nats.

    Parameters
    ----------
    models : Mechanisms
    draw : callable
        Makes a batch: inputs (M, B, T, I), and classes (M, B, n_last) that the last outputs are to have.
    params : TrainParams
        Of these the iterations, rates and the largest gradient count.
    select : callable, optional
        Chooses the active modules.
    progress : callable, optional
    """
    optimizer = torch.optim.Adam(models.parameters(), betas=(params.beta1, params.beta2))
    losses = np.empty((params.n_iterations, models.params.n_models))
    for iteration in range(params.n_iterations):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(iteration, params)
        x, target = draw()
        logits = models(x, target.shape[-1], select)  # (M, B, n_last, n_outputs)
        loss = functional.cross_entropy(logits.flatten(0, 2), target.flatten(), reduction="none")
        each = loss.view(len(target), -1).mean(dim=1)
        optimizer.zero_grad()
        each.sum().backward()
        _clip(models, params.max_gradient)
        optimizer.step()
        losses[iteration] = each.detach().numpy()
        if progress is not None:
            progress((iteration + 1) / params.n_iterations)
    return losses


@torch.no_grad()
def _clip(models: Mechanisms, longest: float) -> None:
    """Shorten the gradient of each model to a length."""
    gradients = [p.grad for p in models.parameters() if p.grad is not None]
    squared = torch.stack([g.square().flatten(1).sum(dim=1) for g in gradients]).sum(dim=0)
    factor = (longest / squared.sqrt().clamp_min(1e-12)).clamp_max(1.0)
    for gradient in gradients:
        gradient *= factor.view(-1, *[1] * (gradient.dim() - 1))
