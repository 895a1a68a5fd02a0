"""Parameters with which each scenario is soon done: for tests of what it takes, not of what it shows."""

from __future__ import annotations

from typing import Any

from scenarios.workbench.pairs import SHIPPED

__all__ = ["SMALL", "few_pairs"]

TINY_MODEL = {
    "n_layers": 1,
    "n_heads": 2,
    "width": 8,
    "n_context": 8,
    "iterations": 8,
    "batch": 4,
    "windows": 4,
}
SMALL: dict[str, dict[str, Any]] = {  # what makes a scenario short, where its minima do not stand
    "adapt-language-model": {
        "windows": 2, "length": 8, "train_spikes": (4,), "spikes": (4,), "iterations": 2, "rank": 1, "n_cells": 2,
    },
    "attention-by-inhibition": {
        "baths": (0.0, 0.7), "contrasts": (0.0, 1.0), "n_rows": 4, "n_law_rows": 10, "n_keys": 2,
        "duration_ms": 200.0, "n_networks": 0,
    },
    "attention-over-weights": {
        "spikes": (1, 4), "mode_length": 4, "n_modes": 2, "windows": (1, 4), "sets": (2,), "iterations": 4,
        "seeds": 2, "n_items": 20, "n_queries": 10, "program_noise": (0.0, 1.0),
    },
    "binding-by-synchrony": {
        "n_objects": 2, "n_networks": 2, "n_windows": 1, "window_ms": 100.0, "spikes": 4, "objects": (2,),
        "delays": (0.2,), "couplings": (0.5,), "spreads": (0.0,), "jitters": (5.0,), "draws": 2,
    },
    "bottleneck": {
        "spikes": (4,), "seeds": 2, "iterations": 4, "batch": 4, "n_symbols": 3, "longest": 6, "windows": 6,
        "dims": (4,), "pairs": (4,), "widths": (4,), "pair_iterations": 4,
    },
    "adaptive-depth": {
        "n_rows": 8, "leads": (1,), "lead": 2, "gaps": (1.0,), "budgets": (4,), "keys": (3,), "spikes": 2,
        "halting": ("ponder",), "n_places": 2, "most_signs": 2, "most_steps": 2, "width": 8, "n_heads": 2,
        "iterations": 4, "batch": 4, "sequences": 4, "model": "none",
    },
    "circuit-knobs": {"n_rows": 8, "n_keys": 4, "steps": 1, "duration_ms": 200.0},
    "crick-koch": {
        "n_rows": 10, "n_keys": 3, "visits": 2, "burst_ms": 100.0, "showings": (0, 1), "networks": 2,
        "knocked_rows": 10, "knocked_ms": 200.0,
    },
    "compare-file": {"duration_ms": 100.0, "n_cells": 5},
    "dmm-learns": {
        "machines": 2, "steps": 2, "smallest": 40, "round_steps": 1, "spikes": (16,), "replicas": 2,
        "train_spikes": 4, "spike_steps": 1,
    },
    "dmm-wakes-and-sleeps": {"cycles": 60, "machines": 2, "n_seeds": 2, "seed_cycles": 60, "spikes": (16,)},
    "dmm-traces": {"spikes": (17,), "machines": 2, "cycles": 4},
    "expressive-transformer": {
        "spikes": (8, 32), "n_rows": 40, "matches": (1,), "bits": 2, "few_spikes": (1, 4), "branch_spikes": 16,
        "inhibition": (0.0, 4.0),
    },
    "fast-weights": {
        "keys": (2,), "writes": 2, "dim": 4, "n_values": 4, "columns": 8, "spikes": (1, 4), "memories": 4,
        "tasks": (1, 2), "pairs": 2, "gate": 2, "task_memories": 4, "width": 8, "iterations": 2, "batch": 4,
        "episodes": 4, "asked": 4,
    },
    "fine-tune-spikes": {**TINY_MODEL, "tune_iterations": 4, "spikes": (4,), "even_unlearnt": True},
    "first-to-spike": {
        "circuits": ("brief",), "n_keys": 4, "k": (1, 2), "n_rows": 20, "spikes": (4,), "count_rows": 20,
        "beat_rows": 2, "beat_ms": 200.0,
    },
    "gamma-selects": {"n_rows": 6, "tau_rows": 4, "duration_ms": 200.0, "n_cells": 5, "tau_gaba_ms": (8.0,)},
    "gene-cascade": {
        "weights": (3.0, 1.0), "n_rows": 20, "duration": 5.0, "spikes": 8, "kT": (1.0,), "speeds": (1.0,),
        "numbers": (8, 16), "rings": 1, "ring_spikes": 4, "ring_time": 5.0, "layers": (1,), "genes": 2, "starts": 1,
        "iterations": 2, "draws": 2,
    },
    "hard-for-transformers": {
        "spikes": (1, 4), "keys": (4, 8), "n_rows": 20, "train_keys": 4, "test_keys": (4, 8), "dim": 4,
        "iterations": 4, "seeds": 2, "windows": 4,
    },
    "head-swap": {**TINY_MODEL, "spikes": (2, 8), "few_spikes": 2, "even_unlearnt": True},
    "in-context-learning": {
        "d": 2, "n_examples": 2, "n_tasks": 8, "betas": (1.0,), "spikes": (4,), "layer_iterations": 2,
        "layer_batch": 8, "toy_d": 2, "n_points": 3, "n_layers": 1, "width": 8, "iterations": 4, "batch": 4,
        "toy_tasks": 8, "toy_spikes": (4,), "tune_iterations": 2, "tune_spikes": 4,
    },
    "independent-mechanisms": {
        "circuits": ("brief",), "spikes": (4,), "modules": 5, "active": 2, "module_width": 4, "n_symbols": 2,
        "n_copied": 1, "delay": 1, "seeds": 2, "iterations": 3, "tune_iterations": 2, "batch": 4, "windows": 4,
        "swaps": (0.5,),
    },
    "mini-transformer-bill": {**TINY_MODEL, "tasks": ("sort",), "spikes": (4,), "n_cells": 2},
    "minilm-heads": {"heads": "0.0", "duration_ms": 100.0, "n_cells": 5, "text": "Attention is a choice."},
    "language-model-on-gamma": {
        "windows": 2, "length": 8, "spikes": (4,), "layer_spikes": 0, "new_tokens": 2, "n_cells": 2,
    },
    "language-model-rivals": {
        "rivals": ("regular", "counts"), "windows": 2, "length": 8, "spikes": 4, "seeds": 1, "fit_rows": 30,
    },
    "minilm-on-gamma": {"heads": "0.0", "spikes": (4,), "sampled": (2,), "layer_spikes": 0},
    "modulating-feedback": {
        "length": 11, "n_values": 3, "width": 8, "n_heads": 2, "iterations": 4, "longer": 1, "batch": 4, "seeds": 2,
        "programs": 6, "spikes": (2,),
    },
    "modulating-field": {
        **TINY_MODEL, "strengths": (0.5,), "passes": 2, "settling": 2, "cycles": 2, "spikes": 2,
    },
    "coherence-routes": {
        "kappas": (0.63,), "rivals": 1, "n_trials": 40, "n_received": 40, "n_routed": 10, "window_ms": 40.0,
        "pair_ms": 30.0, "lags": (0.3,), "rates": (1.0,),
    },
    "one-row": {"scores": (1.0, 0.0), "n_cells": 5, "duration_ms": 200.0},
    "one-head": {"spikes": 4, "text": "Attention is a choice.", "layer": 0, "head": 0, "n_cells": 2},
    "gamma-filter": {
        "dcs": (10.0, 20.0), "acs": (0.0, 10.0), "frequencies": (40.0,), "repeats": 2, "filter_ms": 50.0,
        "n_rows": 8, "n_keys": 4, "window_ms": 100.0, "queries": (2.0,), "senders": (1.0,), "taus": (5.0,),
    },
    "oscillatory-memory": {
        "oscillators": 20, "stored": (2,), "draws": 2, "units": 50, "active": 4, "loads": (3,), "cues": 4,
        "spiking_cues": 2, "dim": 4, "keys": (4,), "spikes": (1,), "cycles": 1, "clusters": 2, "members": 2,
        "betas": (3.0,), "similarities": (0.5,),
    },
    "parse-geometry": {
        "n_sentences": 9, "longest": 12, "rank": 2, "epochs": 1, "spikes": (4,), "n_trees": 2, "n_cells": 2,
        "grammar_iterations": 2, "grammar_sentences": 9,
    },
    "price-of-context": {"n_keys": (4, 8), "spikes": (4,), "budget": 4, "dim": 4, "n_rows": 3, "rounds": 2},
    "rank-collapse": {
        "spikes": (4,), "n_tokens": 6, "nets": 2, "depth": 3, "draws": 2, "bert_width": 16, "bert_layers": 2,
        "bert_tokens": 8, "budget": 4, "pretrained": False, "probed": 6, "train_spikes": 2, "iterations": 2,
        "sort_layers": 2, "seeds": 2, "n_cells": 2, "published_steps": 2,
    },
    "rhythm-file": {},
    "regular-or-random": {
        "n_rows": 24, "n_keys": 4, "spikes": 8, "budgets": (8,), "keys": (4,), "spreads": (1.0,), "shapes": (4,),
        "cells": (2,), "unequal": (0.2,), "jitters": (1.0,), "beat_rows": 10, "beat_keys": 2, "beat_ms": 500.0,
    },
    "search-attention": {
        "heads": ("exact",), "spikes": 4, "operations": 2, "n_items": 2, "dim": 4, "draws": 2, "alphas": (1.0,),
        "seeds": 2, "iterations": 3, "tune_iterations": 2, "candidates": 4,
    },
    "self-modifying-attention": {
        "sizes": (4,), "ratios": (0.5, 1.5), "spikes": (4, 16), "machines": 4, "steps": 12, "exact_steps": 200,
        "loop_ms": 40.0, "loop_steps": 3,
    },
    "shared-workspace": {
        "others": 5, "test_others": (5,), "writers": 2, "slots": 2, "width": 4, "layers": 1, "iterations": 2,
        "batch": 4, "seeds": 2, "held_out": 8, "spikes": (4,),
    },
    "spikes-where-they-matter": {
        "choose": 1, "windows": 2, "length": 8, "spikes": (4,), "leads": (1,), "new_tokens": 2, "n_cells": 2,
        "sentence_model": "none", "sentence_spikes": (4,),
    },
    "softmax-from-spikes": {
        "keys": (4,), "keys_lif": (4,), "temperatures": (1.0,), "n_rows": 6, "n_cells": 10, "duration_ms": 300.0,
    },
    "sparse-factors": {
        "variables": 4, "factors": (3, 2), "top": 1, "reading_heads": 1, "samples": (8, 16), "seeds": 2,
        "iterations": 4, "batch": 4, "spikes": 8, "budgets": (4,), "colder": (1,), "held_out": 8, "draws": 1,
    },
    "sequential-digits": {
        "circuits": ("brief",), "spikes": (4,), "modules": 5, "active": 2, "module_width": 4, "resolution": 2,
        "finer": (5,), "seeds": 2, "iterations": 3, "batch": 4, "windows": 6,
    },
    "spikes-while-writing": {"new_tokens": 2, "spikes": 4, "n_cells": 2},
    "swap-model": {"heads": "0.0", "spikes": 4, "n_draws": 2, "text": "Attention is a choice."},
    "temperature-map": {"n_rows": 3, "n_keys": 3, "duration_ms": 200.0, "n_cells": 5, "steps": 3},
    "theta-gamma-heads": {
        "thetas": (8.0,), "taus": (10.0,), "noises": (0.0,), "n_slots": 2, "n_rows": 20, "n_keys": 3, "periods": 1,
        "n_pairs": 0, "n_chains": 20, "n_items": 4, "cycles": (1,),
    },
    "match-and-control": {
        "n_trials": 50, "n_axons": 20, "spreads": (0.6,), "fidelities": (0.95,), "n_rows": 10, "n_cells": 2,
        "control_ms": 200.0,
    },
    "train-with-spikes": {**TINY_MODEL, "kinds": ("softmax", "sampled"), "seeds": 1, "spikes": 4, "n_cells": 2},
    "universal-machine": {
        "program": "add", "first": 2, "second": 3, "spikes": (5,), "n_steps": 10, "machines": 2,
    },
    "vectors-through-spikes": {
        "n_queries": 4, "n_keys": 3, "d": 3, "n_cells": 5, "duration_ms": 200.0, "noise_rates_Hz": (5.0,),
        "noise_queries": 4, "focus": (0.0, 2.0),
    },
    "vision-on-gamma": {"digits": 40, "digit_size": 12, "pairs": 2, "view_size": 12, "spikes": (4,), "n_cells": 2},
    "what-gamma-buys": {
        "n_rows": 6, "n_keys": 3, "duration_ms": 200.0, "n_cells": 5, "spreads": (1.0,), "sweep_rows": 6,
        "sweep_ms": 200.0,
    },
    "which-law": {"circuits": ("exponential",), "n_rows": 10, "duration_ms": 200.0, "repeats": 1},
    "workspace": {
        "items": (2, 4), "slots": 2, "trials": 40, "cues": (1.0,), "gains": (0.0, 6.0), "contrasts": (0.0, 2.0),
        "loop_trials": 8, "loop_spikes": 4,
    },
}  # fmt: skip


def few_pairs() -> str:
    """A dozen of the sentence pairs that the project ships."""
    return "\n".join(SHIPPED.read_text(encoding="utf-8").splitlines()[:12])
