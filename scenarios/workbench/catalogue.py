"""The scenarios by theme, each with its line: a new one is entered here."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["INSTALLED", "SCENARIOS", "Entry"]


class Entry(NamedTuple):
    """What `fortyhertz list` shows of a scenario."""

    theme: str
    summary: str  # one line
    module: str = ""  # where it stands, if not in scenarios/<name_with_underscores>/


CIRCUIT = "A circuit that selects"
MODEL = "Spiking heads in pretrained models"
MINI = "Spiking heads in a mini-transformer, trained here"
MYSTERY = "Why transformers work, asked of spikes"
MACHINE = "Machines and workspaces that attend"
OWN = "Your own numbers"
INSTALLED = "From other installed packages"

SCENARIOS: dict[str, Entry] = {
    "gamma-selects": Entry(
        CIRCUIT, "Stimuli of different drive compete; the gamma loop selects, cutting it is the control"
    ),
    "softmax-from-spikes": Entry(
        CIRCUIT, "The selection law fitted on random scores: is it softmax, at how many spikes?"
    ),
    "what-gamma-buys": Entry(
        CIRCUIT, "Rhythm against a rate-matched circuit without it: selection, gain, time, spikes"
    ),
    "which-law": Entry(
        CIRCUIT, "One loop with other cells, noise, inhibition and delays: which law each follows, and why"
    ),
    "crick-koch": Entry(
        CIRCUIT,
        "Proposals of 1990 as numbers: a spotlight, a memory that a burst loads, a penumbra, fewer I cells",
    ),
    "theta-gamma-heads": Entry(
        CIRCUIT, "Several heads in one circuit, a gamma cycle each: a buffer's capacity, what leaks, MiniLM"
    ),
    "binding-by-synchrony": Entry(
        CIRCUIT,
        "Objects kept apart in one gamma cycle, and attention that reads which features fire together",
    ),
    "attention-by-inhibition": Entry(
        CIRCUIT, "Less drive to I cells restores the rhythm: does the stronger assembly suppress the other?"
    ),
    "oscillatory-memory": Entry(
        CIRCUIT, "Patterns held by phases and by a gamma head: retrieval, spikes, bits a cell and a synapse"
    ),
    "match-and-control": Entry(
        CIRCUIT,
        "Axons that match a cell's spikes take it over (Ellwood 2024); then one I pool makes them compete",
    ),
    "coherence-routes": Entry(
        CIRCUIT, "What coherence selects: information against three kinds of rivals, ideal filter and PING"
    ),
    "gamma-filter": Entry(
        CIRCUIT, "A network that passes rhythms and not rates, and a phase as a PING receiver's query"
    ),
    "regular-or-random": Entry(
        CIRCUIT, "Cells that fire in turn or at random: error per spike, and what disturbs the turns"
    ),
    "vectors-through-spikes": Entry(
        CIRCUIT, "The whole spiking head against softmax attention: vectors in, vectors out"
    ),
    "circuit-knobs": Entry(
        CIRCUIT,
        "Drive, gain and inhibition as bias, temperature and sparseness: the crosstalk of three knobs",
    ),
    "temperature-map": Entry(
        CIRCUIT, "How delay, GABA decay, noise, inhibition and cells set temperature and gamma"
    ),
    "price-of-context": Entry(
        CIRCUIT, "Softmax, samples and circuits over 16 to 4096 keys: operations, bytes, joules, time, error"
    ),
    "minilm-heads": Entry(
        MODEL, "Queries and keys of a pretrained MiniLM through the gamma circuit, head by head"
    ),
    "swap-model": Entry(MODEL, "Spiking heads in a pretrained transformer: what changes, layer by layer"),
    "language-model-on-gamma": Entry(
        MODEL, "A language model with every head simulated: perplexity, tokens, text and time, against spikes"
    ),
    "adapt-language-model": Entry(
        MODEL,
        "A language model learns a little through its spikes (LoRA): how much of what they cost comes back",
    ),
    "language-model-rivals": Entry(
        MODEL,
        "A language model at one budget: other cells, no loop, samples, fewer bits or keys, oscillators",
    ),
    "spikes-where-they-matter": Entry(
        MODEL, "Unequal spikes for keys, rows and heads of a language model: one law, and what it saves"
    ),
    "spikes-while-writing": Entry(
        MODEL, "All circuits of a language model at a token that it writes: rasters, spikes, simulated time"
    ),
    "minilm-on-gamma": Entry(
        MODEL, "MiniLM judges sentence pairs with its heads simulated, against spikes per row"
    ),
    "vision-on-gamma": Entry(
        MODEL,
        "A vision transformer with every head simulated: digits told apart, patches matched, saliency maps",
    ),
    "head-swap": Entry(
        MINI, "Spiking heads in a trained mini-transformer: loss against spikes, and which heads are fragile"
    ),
    "fine-tune-spikes": Entry(
        MINI, "A swapped mini-transformer learns on through its spikes: how much of the loss comes back"
    ),
    "train-with-spikes": Entry(
        MINI, "Trained from scratch with spikes in the loop: loss by iteration, time and operations"
    ),
    "mini-transformer-bill": Entry(
        MINI, "Tasks x heads x budgets: what a spiking mini-transformer can do, and what it costs"
    ),
    "expressive-transformer": Entry(
        MYSTERY,
        "Sums, products, exp, log, counts, look-ups and a switch by constructed attention: price in spikes",
    ),
    "attention-over-weights": Entry(
        MYSTERY,
        "Sets of weights mixed by attention, once a window; programs retrieved by key, one spike each",
    ),
    "bottleneck": Entry(
        MYSTERY,
        "One state of fixed size against attention, by length and pairs; attention read by few spikes",
    ),
    "hard-for-transformers": Entry(
        MYSTERY, "One key among 16 to 1024, the first symbol, parity: what dilutes, and which change mends it"
    ),
    "adaptive-depth": Entry(
        MYSTERY, "As many spikes as a decision needs, as many steps as a problem: a lead, PonderNet, ACT"
    ),
    "in-context-learning": Entry(
        MYSTERY,
        "One layer as a step of gradient descent, two softmax heads that take it in spikes, a decoder tuned",
    ),
    "search-attention": Entry(
        MYSTERY, "All expressions of a few operations over Q, K, V: which attend, and which are a circuit's"
    ),
    "rank-collapse": Entry(
        MYSTERY,
        "Attention without skips makes all tokens one vector: exactly, through spikes, by noise shared or not",
    ),
    "parse-geometry": Entry(
        MYSTERY,
        "The parse tree in the distances between word vectors: by layer, exactly, in spikes, learnt with spikes",
    ),
    "universal-machine": Entry(
        MYSTERY, "A looped transformer runs programs: the longest without an error, against spikes of a read"
    ),
    "modulating-feedback": Entry(
        MACHINE,
        "Layers that see what higher ones made of the past, against plain ones, on programs; in spikes",
    ),
    "modulating-field": Entry(
        MACHINE, "Each token's surprise on the attention of a trained model, pass by pass and cycle by cycle"
    ),
    "gene-cascade": Entry(
        MYSTERY,
        "Promoters as rows with a null key: shares, noise, the repressilator, layers that learn stripes",
    ),
    "dmm-traces": Entry(
        MACHINE,
        "Dataflow matrix machines that rewrite their own links, exactly and with links drawn by spikes",
    ),
    "dmm-learns": Entry(
        MACHINE,
        "A machine that learns to count and is cut to a few links: at how many spikes does it keep its meaning?",
    ),
    "dmm-wakes-and-sleeps": Entry(
        MACHINE,
        "A random machine that rewrites itself: quiet and active stretches, exactly and with rows in spikes",
    ),
    "self-modifying-attention": Entry(
        MACHINE,
        "A program that edits its own matrix by attention: the temperature at which it lives, on spikes",
    ),
    "workspace": Entry(
        MACHINE, "Items kept by slots, by spikes, by a volley; which theory fits the errors; what ignites"
    ),
    "first-to-spike": Entry(
        MACHINE, "The first k different keys of a gamma cycle as a selection: which, how soon, by which law"
    ),
    "sparse-factors": Entry(
        MACHINE, "Heads that read k variables learn a sparse factor graph: samples, edges, and k by spikes"
    ),
    "fast-weights": Entry(
        MACHINE,
        "Matrices written while they are read, one column a spike; layers that rewrite themselves; tasks",
    ),
    "independent-mechanisms": Entry(
        MACHINE, "Modules that take turns copy after long delays: chosen by top-k, by first spikes, by counts"
    ),
    "shared-workspace": Entry(
        MACHINE, "Tokens that meet in a few slots against attention of all pairs: generalisation, five seeds"
    ),
    "sequential-digits": Entry(
        MACHINE, "Digits pixel by pixel at finer resolutions than in training, by modules that take turns"
    ),
    "rhythm-file": Entry(
        OWN, "Your own recording: is there a rhythm, at which frequency, and do spikes keep to it?"
    ),
    "one-row": Entry(
        OWN, "2 to 16 scores of yours compete in one row: raster, field, shares, spectrum, spikes a cycle"
    ),
    "one-head": Entry(
        OWN, "A text of yours in one head of a pretrained model: maps, the spikes of a query, the next token"
    ),
    "compare-file": Entry(OWN, "Your own scores, or queries, keys and values, through the gamma circuit"),
}
