"""Between spikes and softmax: fit, compare, calibrate, swap in.

Names are imported from their files at first use, so that `import bridge` loads neither torch nor scipy.
No file bears the name of a public function, so that `bridge.fit` is the function in every import order.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.bill.bench_metrics import NeuroBench, neurobench
    from bridge.bill.counting import count
    from bridge.bill.energy import TABLES, Bill
    from bridge.bill.usage import Usage
    from bridge.comparison.agreement import Comparison
    from bridge.comparison.sampling import SamplingFloor, sampling_floor
    from bridge.comparison.versus_softmax import compare, compare_scores, compare_selection
    from bridge.heads.score_map import SpikingScoreMap
    from bridge.heads.spiking_head import SpikingHead
    from bridge.heads.uneven import UnevenScoreMap
    from bridge.heads.vector_head import SpikingVectorHead
    from bridge.laws.calibration import calibrate
    from bridge.laws.depletion import FittedLaw, fit_law
    from bridge.laws.families import LAWS, SelectionLaw, choice_of
    from bridge.laws.fitting import FitReport, LawFit, fit
    from bridge.laws.softmax_fit import SoftmaxFit, fit_softmax
    from bridge.swapping.swap import swap

__all__ = [
    "LAWS",
    "TABLES",
    "Bill",
    "Comparison",
    "FitReport",
    "FittedLaw",
    "LawFit",
    "NeuroBench",
    "SamplingFloor",
    "SelectionLaw",
    "SoftmaxFit",
    "SpikingHead",
    "SpikingScoreMap",
    "SpikingVectorHead",
    "UnevenScoreMap",
    "Usage",
    "calibrate",
    "choice_of",
    "compare",
    "compare_scores",
    "compare_selection",
    "count",
    "fit",
    "fit_law",
    "fit_softmax",
    "neurobench",
    "sampling_floor",
    "swap",
]

_FILES = {
    "LAWS": "laws.families",
    "TABLES": "bill.energy",
    "Bill": "bill.energy",
    "Comparison": "comparison.agreement",
    "FitReport": "laws.fitting",
    "FittedLaw": "laws.depletion",
    "LawFit": "laws.fitting",
    "NeuroBench": "bill.bench_metrics",
    "SamplingFloor": "comparison.sampling",
    "SelectionLaw": "laws.families",
    "SoftmaxFit": "laws.softmax_fit",
    "SpikingHead": "heads.spiking_head",
    "SpikingScoreMap": "heads.score_map",
    "SpikingVectorHead": "heads.vector_head",
    "UnevenScoreMap": "heads.uneven",
    "Usage": "bill.usage",
    "calibrate": "laws.calibration",
    "choice_of": "laws.families",
    "compare": "comparison.versus_softmax",
    "compare_scores": "comparison.versus_softmax",
    "compare_selection": "comparison.versus_softmax",
    "count": "bill.counting",
    "fit": "laws.fitting",
    "fit_law": "laws.depletion",
    "fit_softmax": "laws.softmax_fit",
    "neurobench": "bill.bench_metrics",
    "sampling_floor": "comparison.sampling",
    "swap": "swapping.swap",
}


def __getattr__(name: str) -> object:
    if name in _FILES:
        return getattr(import_module(f"bridge.{_FILES[name]}"), name)
    raise AttributeError(f"module 'bridge' has no attribute {name!r}; it has {', '.join(__all__)}")
