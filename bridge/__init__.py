"""Between spikes and softmax: fit, compare, calibrate, swap in.

Names are imported from their files at first use, so that `import bridge` loads neither torch nor scipy.
No file bears the name of a public function, so that `bridge.fit` is the function in every import order.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.agreement import Comparison
    from bridge.calibration import calibrate
    from bridge.comparison import compare, compare_scores, compare_selection
    from bridge.counting import count
    from bridge.depletion import FittedLaw, fit_law
    from bridge.energy import TABLES, Bill
    from bridge.fitting import FitReport, LawFit, fit
    from bridge.heads import SpikingScoreMap, SpikingVectorHead
    from bridge.laws import LAWS, SelectionLaw
    from bridge.sampling import SamplingFloor, sampling_floor
    from bridge.softmax_fit import SoftmaxFit, fit_softmax
    from bridge.spiking_head import SpikingHead
    from bridge.swapping import swap
    from bridge.usage import Usage

__all__ = [
    "LAWS",
    "TABLES",
    "Bill",
    "Comparison",
    "FitReport",
    "FittedLaw",
    "LawFit",
    "SamplingFloor",
    "SelectionLaw",
    "SoftmaxFit",
    "SpikingHead",
    "SpikingScoreMap",
    "SpikingVectorHead",
    "Usage",
    "calibrate",
    "compare",
    "compare_scores",
    "compare_selection",
    "count",
    "fit",
    "fit_law",
    "fit_softmax",
    "sampling_floor",
    "swap",
]

_FILES = {
    "LAWS": "laws",
    "TABLES": "energy",
    "Bill": "energy",
    "Comparison": "agreement",
    "FitReport": "fitting",
    "FittedLaw": "depletion",
    "LawFit": "fitting",
    "SamplingFloor": "sampling",
    "SelectionLaw": "laws",
    "SoftmaxFit": "softmax_fit",
    "SpikingHead": "spiking_head",
    "SpikingScoreMap": "heads",
    "SpikingVectorHead": "heads",
    "Usage": "usage",
    "calibrate": "calibration",
    "compare": "comparison",
    "compare_scores": "comparison",
    "compare_selection": "comparison",
    "count": "counting",
    "fit": "fitting",
    "fit_law": "depletion",
    "fit_softmax": "softmax_fit",
    "sampling_floor": "sampling",
    "swap": "swapping",
}


def __getattr__(name: str) -> object:
    if name in _FILES:
        return getattr(import_module(f"bridge.{_FILES[name]}"), name)
    raise AttributeError(f"module 'bridge' has no attribute {name!r}; it has {', '.join(__all__)}")
