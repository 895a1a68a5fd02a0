"""Selection laws: from scores to the probability that the next spike is a key's, with parameters to fit.

Every law but `uniform` ends in a lapse: p = (1 - lapse) * choice(scores) + lapse / n_present, the share of
spikes that fall on any key (Wichmann and Hill 2001, Percept. Psychophys. 63:1293). It keeps a stray spike on a
key of probability zero from ruling a law out. The choice itself is the formula of a score map
(`pragmatic.formulas`), so that the law that is fitted and the map that a model runs are one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pragmatic import formulas

if TYPE_CHECKING:
    from pragmatic import ScoreMap

__all__ = ["LAWS", "Range", "Scale", "SelectionLaw", "choice_of"]

LAPSE = "lapse"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The scale of the data, which bounds the parameters of a law and sets where their search starts."""

    beta: float  # of the plain softmax, finite
    lowest: float  # score of all keys that take part
    highest: float
    sd: float  # of the scores within rows
    n_keys: int  # of the longest row


@dataclass(frozen=True, kw_only=True)
class Range:
    """Where one parameter may lie, and the values from which the search starts."""

    lower: float
    upper: float
    starts: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SelectionLaw:
    """One law: its name, its parameters and its formula.

    `choice` takes scores and mask, both (n_rows, n_keys), and the parameters without the lapse, and returns
    probabilities of the same shape, 0 where masked, each row summing to 1.
    """

    name: str
    own_parameters: tuple[str, ...]
    choice: Callable[..., np.ndarray]
    ranges: Callable[[Scale], tuple[Range, ...]]  # one each own parameter; equally many starts in all of them
    whole: str = ""  # the parameter that is an integer, if there is one
    source: str

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, the lapse last; `uniform` has none."""
        return (*self.own_parameters, LAPSE) if self.own_parameters else ()

    def probability(self, parameters: np.ndarray, scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Probability of each key, (n_rows, n_keys), 0 where masked; `parameters` as named, in order."""
        own = np.atleast_1d(parameters)[: len(self.own_parameters)]
        chosen = self.choice(scores, mask, *own)
        if not self.own_parameters:
            return chosen
        return (1 - parameters[-1]) * chosen + parameters[-1] * _uniform(scores, mask)

    def log_probability(self, parameters: np.ndarray, scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Its logarithm, -inf where masked."""
        with np.errstate(divide="ignore"):
            return np.log(self.probability(parameters, scores, mask))


def choice_of(score_map: Callable[..., ScoreMap]) -> Callable[..., np.ndarray]:
    """Make the choice of a law from any score map, so that a map of your own can be fitted to spike counts.

    Parameters
    ----------
    score_map : callable
        From the law's own parameters, in order and without the lapse, to a score map.

    Returns
    -------
    callable
        For `SelectionLaw.choice`.
    """

    def choice(scores: np.ndarray, mask: np.ndarray, *parameters: float) -> np.ndarray:
        from torch import from_numpy, no_grad

        with no_grad():
            weights: np.ndarray = score_map(*parameters)(from_numpy(scores), from_numpy(mask)).numpy()
        return weights

    return choice


def _masked(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.where(mask, values, -np.inf)


def _softmax(scores: np.ndarray, mask: np.ndarray, beta: float) -> np.ndarray:
    return formulas.softmax(_masked(beta * scores, mask))


def _entmax(scores: np.ndarray, mask: np.ndarray, beta: float, alpha: float) -> np.ndarray:
    return formulas.entmax(_masked(beta * scores, mask), alpha)


def _power(scores: np.ndarray, mask: np.ndarray, offset: float, exponent: float = 1.0) -> np.ndarray:
    return formulas.power(_masked(scores, mask), offset, exponent)


def _top_k(scores: np.ndarray, mask: np.ndarray, beta: float, k: float) -> np.ndarray:
    return formulas.top_k(_masked(beta * scores, mask), int(k))


def _uniform(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return formulas.uniform(_masked(scores, mask))


def _beta(scale: Scale, *factors: float) -> Range:
    steepest = 100 / scale.sd
    return Range(
        lower=-steepest,
        upper=steepest,
        starts=tuple(float(np.clip(f * scale.beta, -0.9 * steepest, 0.9 * steepest)) for f in factors),
    )


def _offset(scale: Scale, *spans: float) -> Range:
    """A few keys driven at the lower end, nearly uniform drive at the upper one."""
    span = scale.highest - scale.lowest
    return Range(
        lower=-scale.highest + 1e-3 * span,
        upper=-scale.lowest + 20 * span,
        starts=tuple(-scale.lowest + f * span for f in spans),
    )


def _k_starts(scale: Scale) -> tuple[float, ...]:
    return tuple(float(2**i) for i in range(int(np.log2(scale.n_keys)) + 1))


LAWS: dict[str, SelectionLaw] = {
    law.name: law
    for law in (
        SelectionLaw(
            name="softmax",
            own_parameters=("beta",),
            choice=_softmax,
            ranges=lambda scale: (_beta(scale, 1.0),),
            source="Luce (1959), Individual choice behavior; Bridle (1990), NATO ASI F68:227",
        ),
        SelectionLaw(
            name="entmax",
            own_parameters=("beta", "alpha"),
            choice=_entmax,
            ranges=lambda scale: (
                _beta(scale, 1.0, 0.8),
                Range(lower=1.01, upper=2.5, starts=(1.05, 1.5)),  # 1 is softmax, 2 is sparsemax
            ),
            source="Peters, Niculae and Martins (2019), Sparse sequence-to-sequence models, ACL, 1504",
        ),
        SelectionLaw(
            name="power",
            own_parameters=("offset", "exponent"),
            choice=_power,
            ranges=lambda scale: (
                _offset(scale, -0.3, 0.05, 1.0),
                Range(lower=0.1, upper=30.0, starts=(2.0, 2.0, 5.0)),  # 1.0 to 3.5 in visual cortex
            ),
            source="divisive normalisation without semi-saturation: Carandini and Heeger (2012), "
            "Normalization as a canonical neural computation, Nat. Rev. Neurosci. 13:51",
        ),
        SelectionLaw(
            name="linear",
            own_parameters=("offset",),
            choice=_power,
            ranges=lambda scale: (_offset(scale, -0.3, 0.05),),
            source="divisive normalisation of half-wave rectified drive: Heeger (1992), Vis. Neurosci. 9:181",
        ),
        SelectionLaw(
            name="top-k",
            own_parameters=("beta", "k"),
            choice=_top_k,
            ranges=lambda scale: (
                _beta(scale, *(1.0 for _ in _k_starts(scale))),
                Range(lower=1.0, upper=float(scale.n_keys), starts=_k_starts(scale)),
            ),
            whole="k",
            source="Gupta et al. (2021), Memory-efficient transformers via top-k attention, SustaiNLP, 39",
        ),
        SelectionLaw(
            name="uniform",
            own_parameters=(),
            choice=_uniform,
            ranges=lambda scale: (),
            source="the null: scores play no part",
        ),
    )
}
