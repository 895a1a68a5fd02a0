"""
A spiking head in your own PyTorch model
========================================

A small model that looks up one of eight items is trained with softmax attention. Then its attention is simulated
by a gamma circuit, at 4 to 256 spikes a row, without and with further training through the spikes. The model's
code does not change: a head is any callable from query, key, value and mask to output and weights.
"""

from copy import deepcopy

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

import fortyhertz as fh

# %%
# The model asks for the item whose cue is nearest to the query. Its attention is passed in as an object.


class LookUp(nn.Module):
    """Compare a query with the cues of items and return the contents of the one that it is nearest to."""

    def __init__(self, head: fh.Head) -> None:
        super().__init__()
        self.query, self.cue = nn.Linear(4, 16, bias=False), nn.Linear(4, 16, bias=False)
        self.head = head

    def forward(self, query: Tensor, cues: Tensor, contents: Tensor) -> Tensor:
        output, _ = self.head(self.query(query), self.cue(cues), contents)  # (batch, 1, 8)
        return output


def trials(n: int) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """Queries (n, 1, 4) that are noisy copies of one of 8 cues, the cues, the contents, and the wanted one."""
    cues = nn.functional.normalize(torch.randn(n, 8, 4), dim=-1)
    wanted = torch.randint(8, (n,))
    query = cues[torch.arange(n), wanted] + 0.1 * torch.randn(n, 4)
    return (query[:, None], cues, torch.eye(8).expand(n, 8, 8)), wanted


def train(model: LookUp, n_iterations: int) -> None:
    """Adam on the negative logarithm of the weight that the wanted item gets."""
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(n_iterations):
        inputs, wanted = trials(64)
        share = model(*inputs)[torch.arange(64), 0, wanted]
        optimiser.zero_grad()
        (-(share + 1e-2).log()).mean().backward()
        optimiser.step()


def accuracy(model: LookUp) -> float:
    """How often the wanted item gets the largest weight, over 1000 trials."""
    inputs, wanted = trials(1000)
    with torch.no_grad():
        return float((model(*inputs)[:, 0].argmax(-1) == wanted).float().mean())


# %%
# Train with softmax, then put spikes in its place. ``GammaParams.brief()`` is the circuit for short rows.

torch.manual_seed(0)
model = LookUp(fh.dot_product_head(fh.Softmax()))
train(model, n_iterations=400)
print(f"softmax: {accuracy(model):.3f} correct")

circuit = fh.GammaCircuit(fh.GammaParams.brief())
budgets = (4, 16, 64, 256)
after = []
for spikes in budgets:
    model.head = fh.SpikingHead(circuit, spikes=spikes)
    after.append(accuracy(model))
    print(f"{spikes:3d} spikes: {after[-1]:.3f} correct, standard error .015 at most")

# %%
# At few spikes the sampling noise costs. The gradient of the fitted law flows through the spikes, so that the model
# can learn to live with it: the same loop, with the spiking head in place. The control learns on for as long with
# softmax.

few = fh.SpikingHead(circuit, spikes=4)
control = deepcopy(model)
control.head = fh.dot_product_head(fh.Softmax())
train(control, n_iterations=200)
control.head = few
print(f"4 spikes, after more training with softmax: {accuracy(control):.3f} correct")

model.head = few
train(model, n_iterations=200)
print(f"4 spikes, after as much training through them: {accuracy(model):.3f} correct")

# %%
# Both gain: in this run it is the training that helps, not the spikes in it. What the head did in all these calls:

usage = few.usage
print(f"{usage.rows} rows, {usage.spikes / usage.rows:.1f} spikes a row, {usage.silent_rows} silent rows")

# %%
# Accuracy against the number of spikes, before further training.

figure = Figure(figsize=(5, 3))
axes = figure.subplots()
axes.errorbar(budgets, after, yerr=np.sqrt(np.array(after) * (1 - np.array(after)) / 1000), fmt="o-")
axes.set(xscale="log", xlabel="spikes per row", ylabel="correct", ylim=(0, 1))
figure.savefig("own_pytorch_model.png", dpi=160)
figures = {"Accuracy against spikes per row, with standard errors over trials.": "own_pytorch_model.png"}
