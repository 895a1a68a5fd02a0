# ---
# jupytext:
#   text_representation:
#     extension: .py
#     format_name: percent
# kernelspec:
#   display_name: Python 3
#   language: python
#   name: python3
# ---

# %% [markdown]
# # A transformer person's hour
#
# You know attention; here its softmax is computed by simulated cells. This notebook takes a published model,
# looks at one of its rows as spikes, simulates all of its heads, asks how many spikes a row needs, lets a
# gradient flow through them, and counts operations. It needs the extra `hf`.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import torch

import fortyhertz as fh
from bridge.huggingface import configure
from scenarios.workbench.minilm import minilm_heads
from scenarios.workbench.pairs import SHIPPED, read_pairs
from scenarios.workbench.pretrained import load_pretrained
from scenarios.workbench.rasters import draw_raster, draw_shares
from scenarios.workbench.sentence_vectors import encode, similarity, spearman
from scenarios.workbench.style import FLOOR, SPIKING, style

# %% [markdown]
# ## One row of one head
#
# all-MiniLM-L6-v2 reads a sentence. A row of a head is a query: its scaled dot products with the keys go into a
# circuit, a population of cells for each key. The share of spikes of a key is its attention weight.

# %%
heads = minilm_heads("The cat sat on the mat because it was warm.")
layer, head, query = 4, 3, heads.tokens.index("it")
scores = heads.scores[layer, head, [query]]  # (1, keys)
row = fh.GammaCircuit().attend(scores, duration_ms=1000, rng=np.random.default_rng(0), record="all")

with style():
    figure, (raster, shares) = plt.subplots(1, 2, figsize=(7, 3.6), width_ratios=(2, 1))
    order = np.argsort(scores[0])
    draw_raster(raster, row, 0, order=order, labels=[heads.tokens[k] for k in order], window_ms=250)
    draw_shares(shares, row.weights[0][order], heads.weights[layer, head, query][order], [""] * len(order))
    shares.legend(loc="lower right", fontsize=8)

# %% [markdown]
# ## All rows of a head, and the floor
#
# Each spike is one sample of the softmax. So a distance from it says nothing alone: next to it stands the
# *floor*, the distance of as many independent samples.

# %%
print(
    fh.compare_scores(
        heads.scores[layer, head], fh.GammaCircuit(), duration_ms=500, rng=np.random.default_rng(1)
    )
)

# %% [markdown]
# ## The whole model on circuits
#
# A head is any callable from query, key, value and mask to output and weights, so `swap` puts a circuit into a
# model for the length of a block. First the identity: a softmax head swapped in leaves the model as it is.

# %%
pretrained = load_pretrained("minilm")
encoded = pretrained.read(["The cat sat on the mat."])
with torch.no_grad():
    plain = pretrained.model(**encoded).last_hidden_state
    with fh.swap(pretrained.model, heads="all", head=fh.dot_product_head(fh.Softmax())):
        same = pretrained.model(**encoded).last_hidden_state
assert torch.allclose(plain, same, atol=1e-5)
print(f"largest difference {(plain - same).abs().max():.1e}")

# %% [markdown]
# Then all 72 heads by spikes, at several budgets, on pairs of sentences that people judged. Cells that fire
# regularly make the most of a spike ({doc}`/regular`).

# %%
pairs = read_pairs(SHIPPED)


def rank_correlation() -> float:
    """Between the cosine of two sentences and how alike people judged them."""
    vectors = encode(pretrained, [*pairs.first, *pairs.second]).vectors
    return spearman(pairs.score, similarity(vectors, len(pairs.score)))


exact = rank_correlation()
budgets = (2, 4, 8, 16, 32, 64)
reached = []
for spikes in budgets:
    spiking = fh.SpikingHead(fh.GammaCircuit(fh.GammaParams.regular_brief()), spikes=spikes)
    with fh.swap(pretrained.model, heads="all", head=spiking):
        reached.append(rank_correlation())
    print(f"{spikes:3d} spikes a row: {reached[-1]:.4f} (softmax {exact:.4f})")

with style():
    figure, ax = plt.subplots(figsize=(5, 3.2))
    ax.axhline(exact, color=FLOOR, ls="--", label="softmax")
    ax.semilogx(budgets, reached, "o-", color=SPIKING, label="72 heads by spikes")
    ax.set(xlabel="spikes per row", ylabel="rank correlation", xticks=budgets, xticklabels=budgets)
    ax.minorticks_off()
    ax.legend()

# %% [markdown]
# Sixty pairs are few: where spikes come out above the softmax, that is chance.
# {doc}`/gallery/scenarios/plot_7_minilm_on_gamma` has the errors.
#
# ## A Hugging Face model that keeps its circuits
#
# `configure` writes the choice into the model's configuration: it is saved and loaded with the model. Any
# layers and heads, any budget, any circuit by its import path ({doc}`/swap`).

# %%
configure(pretrained.model, heads="0.*,5.1", spikes=32, seed=0)
with torch.no_grad():
    spiking = pretrained.model(**encoded).last_hidden_state
pretrained.model.set_attn_implementation("eager")
print(f"cosine to softmax {torch.cosine_similarity(plain, spiking, dim=-1).mean():.4f}")

# %% [markdown]
# ## A gradient through spikes
#
# A count has no derivative, but its mean has one: forward the simulated shares, backward the Jacobian of the
# softmax that they follow on average. A small model learns to sort through 16 simulated spikes a row:

# %%
task = fh.TASKS["sort"](n_items=4)
sizes = fh.TransformerParams(n_vocab=task.n_vocab, n_layers=1, n_heads=2, width=32, n_context=task.length)
model = fh.Transformer(sizes, np.random.default_rng(0))
short = fh.TrainParams(n_iterations=200, n_warmup=10, learning_rate=1e-2, n_held_out=64)
few = fh.SpikingHead(fh.GammaCircuit(fh.GammaParams.regular_brief()), spikes=16)
with fh.swap(model, heads="all", head=few):
    before = fh.evaluate(model, task.held_out(64)).loss
    trained = fh.train(model, task, short, rng=np.random.default_rng(1))
print(f"loss {before:.2f} before, {trained.final.loss:.2f} after 200 steps, in nats")
assert trained.final.loss < before
print(f"{few.usage.rows:,} rows simulated, {few.usage.spikes / few.usage.rows:.1f} spikes each")

# %% [markdown]
# ## The bill
#
# Operations first, joules by a named table second. Spikes do not come cheaper by themselves: every cell that is
# updated counts ({doc}`/energy`).

# %%
with fh.swap(model, heads="all", head=few), fh.count(model) as counter:
    model(task.held_out(16).tokens)
bill = counter.bill()
for part, counts in bill.parts().items():
    print(f"{part:10} {counts.macs:10,.0f} multiply-accumulates {counts.acs:10,.0f} additions")

# %% [markdown]
# ## On
#
# - **A language model.** `fortyhertz swap smollm2`: perplexity, text side by side, the bill.
# - **Your circuit.** {doc}`/first-hour` writes one and puts it into a model.
# - **Your model.** {doc}`/extend/architecture`.
# - **How few spikes?** {doc}`/uneven` spends them where they matter.
