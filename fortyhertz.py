"""The front door: `import fortyhertz as fh` gives every public name, each loaded at first use.

This file re-exports and holds nothing else. The folders behind it import each other, never this file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge import (
        LAWS,
        TABLES,
        Bill,
        Comparison,
        FitReport,
        FittedLaw,
        LawFit,
        NeuroBench,
        SelectionLaw,
        SpikingHead,
        SpikingScoreMap,
        SpikingVectorHead,
        UnevenScoreMap,
        calibrate,
        choice_of,
        compare,
        compare_scores,
        compare_selection,
        count,
        fit,
        fit_law,
        fit_softmax,
        neurobench,
        sampling_floor,
        swap,
    )
    from pragmatic import (
        HEADS,
        SCORE_MAPS,
        TASKS,
        AdditiveHead,
        Attended,
        Divisive,
        DotProductHead,
        Entmax,
        Evaluation,
        Hardmax,
        Head,
        HopfieldHead,
        Power,
        ScoreMap,
        Softmax,
        Sparsemax,
        Text,
        TopK,
        TrainParams,
        TrainResult,
        Transformer,
        TransformerParams,
        Uniform,
        causal_mask,
        dot_product_head,
        evaluate,
        linear_attention,
        linear_attention_recurrent,
    )
    from pragmatic.training.train import train
    from scenarios.workbench.execute import run_scenario
    from scenarios.workbench.store import read_run
    from spiking import (
        CELLS,
        PARAMETER_SETS,
        Brian2,
        Budget,
        Cuda,
        DiffusiveLIF,
        Engine,
        EscapeRate,
        EventDriven,
        Fused,
        GammaCircuit,
        GammaParams,
        HeadParams,
        HeadSelection,
        Network,
        PingAttention,
        RateMatched,
        Recorded,
        Ref,
        RegularCell,
        Row,
        RowCircuit,
        Selection,
        SpikeRecord,
        Spikes,
        Streams,
        TwoPools,
        VectorCircuit,
        Wiring,
        cut_loop,
        from_nir,
        gamma_off,
        get_data,
        lif_exact,
        simulate_circuit,
        to_neo,
        to_nir,
    )

__all__ = [
    "CELLS",
    "HEADS",
    "LAWS",
    "PARAMETER_SETS",
    "SCORE_MAPS",
    "TABLES",
    "TASKS",
    "AdditiveHead",
    "Attended",
    "Bill",
    "Brian2",
    "Budget",
    "Comparison",
    "Cuda",
    "DiffusiveLIF",
    "Divisive",
    "DotProductHead",
    "Engine",
    "Entmax",
    "EscapeRate",
    "Evaluation",
    "EventDriven",
    "FitReport",
    "FittedLaw",
    "Fused",
    "GammaCircuit",
    "GammaParams",
    "Hardmax",
    "Head",
    "HeadParams",
    "HeadSelection",
    "HopfieldHead",
    "LawFit",
    "Network",
    "NeuroBench",
    "PingAttention",
    "Power",
    "RateMatched",
    "Recorded",
    "Ref",
    "RegularCell",
    "Row",
    "RowCircuit",
    "ScoreMap",
    "Selection",
    "SelectionLaw",
    "Softmax",
    "Sparsemax",
    "SpikeRecord",
    "Spikes",
    "SpikingHead",
    "SpikingScoreMap",
    "SpikingVectorHead",
    "Streams",
    "Text",
    "TopK",
    "TrainParams",
    "TrainResult",
    "Transformer",
    "TransformerParams",
    "TwoPools",
    "UnevenScoreMap",
    "Uniform",
    "VectorCircuit",
    "Wiring",
    "calibrate",
    "causal_mask",
    "choice_of",
    "compare",
    "compare_scores",
    "compare_selection",
    "count",
    "cut_loop",
    "dot_product_head",
    "evaluate",
    "fit",
    "fit_law",
    "fit_softmax",
    "from_nir",
    "gamma_off",
    "get_data",
    "lif_exact",
    "linear_attention",
    "linear_attention_recurrent",
    "neurobench",
    "read_run",
    "run_scenario",
    "sampling_floor",
    "simulate_circuit",
    "swap",
    "to_neo",
    "to_nir",
    "train",
]

_PACKAGES = ("bridge", "pragmatic", "spiking")  # the first two load nothing before a name is asked for
_MODULES = {  # where the names live that no package gives
    "read_run": "scenarios.workbench.store",
    "run_scenario": "scenarios.workbench.execute",
    "train": "pragmatic.training.train",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(_unknown(name))
    value = getattr(import_module(_home(name)), name)
    globals()[name] = value  # from now on without a detour
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _home(name: str) -> str:
    """The module that gives a public name."""
    if name in _MODULES:
        return _MODULES[name]
    return next(package for package in _PACKAGES if name in import_module(package).__all__)


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    folded = {public.lower(): public for public in __all__}
    near = [folded[match] for match in get_close_matches(name.lower(), folded)]
    hint = f"did you mean {' or '.join(near)}?" if near else "dir(fortyhertz) lists all names."
    return f"module 'fortyhertz' has no attribute {name!r}; {hint}"
