"""Selection laws: from scores to the probability that the next spike is a key's, with parameters to fit.

Every law but `uniform` ends in a lapse: p = (1 - lapse) * choice(scores) + lapse / n_present, the share of
spikes that fall anywhere (Wichmann and Hill 2001, Percept. Psychophys. 63:1293). It keeps a stray spike on a
key of probability zero from ruling a law out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bridge.laws.softmax_fit import softmax

__all__ = ["LAWS", "Range", "Scale", "SelectionLaw"]

LAPSE = "lapse"
NEWTON_STEPS = 60
NORM_TOLERANCE = 1e-12  # of an entmax row's sum


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a law needs to know of the data to bound its parameters and to start their search."""

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
    whole: str = ""  # the parameter that is a whole number, if there is one
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


def _uniform(scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return mask / mask.sum(axis=1, keepdims=True)


def _top_k(scores: np.ndarray, mask: np.ndarray, beta: float, k: float) -> np.ndarray:
    """Softmax over the k largest scores of a row, and over those that tie with the last of them."""
    ranked = np.where(mask, scores, -np.inf)
    place = scores.shape[1] - min(int(k), scores.shape[1])
    last = np.partition(ranked, place, axis=1)[:, place, None]
    return softmax(scores, mask & (ranked >= last), beta)


def _power(scores: np.ndarray, mask: np.ndarray, offset: float, exponent: float) -> np.ndarray:
    """relu(score + offset)^exponent over its sum; uniform in a row where no key is driven."""
    drive = np.where(mask, np.maximum(scores + offset, 0.0), 0.0)
    largest = drive.max(axis=1, keepdims=True)
    raised = (drive / np.where(largest > 0, largest, 1.0)) ** exponent
    raised = np.where(largest > 0, raised, mask)
    return raised / raised.sum(axis=1, keepdims=True)


def _linear(scores: np.ndarray, mask: np.ndarray, offset: float) -> np.ndarray:
    return _power(scores, mask, offset, 1.0)


def _entmax(scores: np.ndarray, mask: np.ndarray, beta: float, alpha: float) -> np.ndarray:
    """[(alpha - 1) beta s - tau]_+^(1 / (alpha - 1)), tau such that a row sums to 1."""
    z = np.where(mask, (alpha - 1) * beta * scores, -np.inf)
    z -= z.max(axis=1, keepdims=True)
    weights = np.maximum(z - _entmax_threshold(z, mask, alpha), 0.0) ** (1 / (alpha - 1))
    return weights / weights.sum(axis=1, keepdims=True)


def _entmax_threshold(z: np.ndarray, mask: np.ndarray, alpha: float) -> np.ndarray:
    """tau of each row, (n_rows, 1), by Newton's method within a bracket; rows leave as they converge."""
    root = 1 / (alpha - 1)
    tau = np.full((len(z), 1), -1.0)  # the largest key alone would have weight 1
    low, high = tau.copy(), -(mask.sum(axis=1, keepdims=True) ** (1 - alpha))  # equal keys would sum to 1
    open_rows = np.arange(len(z))
    for _ in range(NEWTON_STEPS):
        here = tau[open_rows]
        above = np.maximum(z[open_rows] - here, 0.0)
        weights = above**root
        excess = weights.sum(axis=1, keepdims=True) - 1
        slope = root * np.divide(weights, above, out=weights, where=above > 0).sum(axis=1, keepdims=True)
        left = np.where(excess > 0, here, low[open_rows])
        right = np.where(excess > 0, high[open_rows], here)
        newton = here + excess / slope
        inside = (newton >= left) & (newton <= right)
        tau[open_rows] = np.where(inside, newton, (left + right) / 2)
        low[open_rows], high[open_rows] = left, right
        open_rows = open_rows[np.abs(excess[:, 0]) > NORM_TOLERANCE]
        if not len(open_rows):
            break
    return tau


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
            choice=softmax,
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
            choice=_linear,
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
