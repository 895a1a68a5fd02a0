"""Every construction through every source of weights: its error against spikes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bridge import SpikingScoreMap, fit_softmax
from bridge.heads.named import circuit_named
from pragmatic.machines.arithmetic import Exponential, Product, Sum, TwoKeys
from pragmatic.machines.memory import AddressedMemory, SelectorWidth
from pragmatic.machines.straight_line import Instruction, compiled, interpret
from pragmatic.score_maps import ScoreMap, Softmax
from scenarios.expressive_transformer.theory import (
    best_gain,
    inputs,
    predicted_error,
    relative_to,
    wrong_count,
)
from scenarios.workbench.statistics import UNKNOWN, Estimate, fraction, mean
from spiking import Budget, Engine

__all__ = [
    *("CONSTRUCTIONS", "LENGTH", "POLYNOMIAL", "Curve", "Sources", "counting", "exact_errors", "program"),
    *("retrieval", "rms", "two_keys"),
]

CONSTRUCTIONS: Mapping[str, TwoKeys] = {
    "sum": Sum(),
    "product": Product(),
    "product_logit": Product(read_out="logit"),
    "exp": Exponential(),
    "exp_odds": Exponential(read_out="odds"),
}
POLYNOMIAL = (  # x y^2 + x
    Instruction("multiply", "x", "y", "xy"),
    Instruction("multiply", "xy", "y", "xyy"),
    Instruction("add", "xyy", "x", "out"),
)
LENGTH = 12  # tokens among which matches are counted
SYMBOLS = 4
CALIBRATION_ROWS = 2000
WIDEST = 3.0  # difference of two scores over which a circuit is calibrated


@dataclass(frozen=True, kw_only=True)
class Curve:
    """An error against spikes."""

    n_spikes: np.ndarray  # (n,) int
    error: Sequence[Estimate]
    predicted: np.ndarray  # (n,) from sampling alone; nan where there is no closed form

    @property
    def exponent(self) -> Estimate:
        """Slope of ln error against ln N by weighted least squares; its error from the points' errors."""
        return self._slope(np.array([e.value for e in self.error]))

    @property
    def predicted_exponent(self) -> float:
        """The same of the prediction, with the weights of the measured points."""
        return self._slope(self.predicted).value

    def _slope(self, error: np.ndarray) -> Estimate:
        measured = np.array([(e.value, e.error) for e in self.error])
        known = (measured > 0).all(axis=1) & (error > 0)
        if known.sum() < 2:
            return UNKNOWN
        weight = (measured[known, 0] / measured[known, 1]) ** 2  # of ln error
        x = np.log(self.n_spikes[known])
        x = x - np.average(x, weights=weight)
        spread = (weight * x**2).sum()
        slope = (weight * x * np.log(error[known])).sum() / spread
        return Estimate(value=float(slope), error=float(spread**-0.5))


class Sources:
    """Score maps of a circuit, calibrated at each number of spikes, and of its sampled twin.

    A circuit whose cells deplete selects less sharply than softmax. The exponent of its law is measured on
    rows of two keys, once for each number of spikes, and set as its temperature.
    """

    def __init__(
        self, circuit: str, rng: np.random.Generator, engine: Engine, option: str = "circuit"
    ) -> None:
        self.circuit, self.rng, self.engine, self.option = circuit, rng, engine, option
        self.beta: dict[int, Estimate] = {}

    def __call__(self, n_spikes: int) -> SpikingScoreMap:
        """The simulated circuit with rows of that many spikes."""
        if n_spikes not in self.beta:
            self.beta[n_spikes] = self._calibrated(n_spikes)
        return self._map(n_spikes, temperature=self.beta[n_spikes].value)

    def sampled(self, n_spikes: int) -> SpikingScoreMap:
        """As many independent samples of the softmax."""
        return self._map(n_spikes, temperature=1.0, mode="sampled")

    def _map(self, n_spikes: int, temperature: float, mode: str = "simulated") -> SpikingScoreMap:
        circuit = circuit_named(self.circuit, temperature=temperature, n_cells=None, option=self.option)
        budget = Budget(spikes=n_spikes)
        return SpikingScoreMap(circuit, budget, self.rng, self.engine, mode=mode, record="counts")

    def _calibrated(self, n_spikes: int) -> Estimate:
        if n_spikes == 1:  # the first spike of all is a fair sample, before any reset
            return Estimate(value=1.0, error=0.0)
        half = self.rng.uniform(-WIDEST, WIDEST, CALIBRATION_ROWS) / 2
        scores = np.stack([half, -half], axis=1)
        made = self._map(n_spikes, temperature=1.0)
        made(torch.from_numpy(scores))
        assert made.counts is not None
        fitted = fit_softmax(made.counts, scores)
        return Estimate(value=float(fitted.beta), error=float(fitted.beta_se_quasi))


Maps = Callable[[int], ScoreMap]


def rms(error: np.ndarray) -> Estimate:
    """Root mean square with its standard error."""
    square = mean(error**2)
    value = float(np.sqrt(square.value))
    return Estimate(value=value, error=square.error / (2 * value) if value else 0.0)


def two_keys(
    made: TwoKeys,
    maps: Maps,
    n_spikes: Sequence[int],
    n_rows: int,
    rng: np.random.Generator,
    *,
    regular: bool,
) -> Curve:
    """Errors of a construction with the gain that suits each number of spikes."""
    errors, predicted = [], []
    for n in n_spikes:
        at = best_gain(made, n, regular=regular)
        x, y = inputs(n_rows, rng)
        exact = at.exact(x, y).numpy()
        errors.append(rms((at(x, y, maps(n)).numpy() - exact) / relative_to(exact)))
        predicted.append(predicted_error(at, n, regular=regular))
    return Curve(n_spikes=np.array(n_spikes), error=errors, predicted=np.array(predicted))


def program(
    maps: Maps, n_spikes: Sequence[int], n_rows: int, rng: np.random.Generator, *, regular: bool
) -> Curve:
    """Errors of a compiled polynomial against its interpreter; its products have the gain of a single one."""
    errors = []
    for n in n_spikes:
        gain = best_gain(CONSTRUCTIONS["product"], n, regular=regular).gain
        errors.append(rms(program_error(maps(n), gain, n_rows, rng)))
    return Curve(n_spikes=np.array(n_spikes), error=errors, predicted=np.full(len(n_spikes), np.nan))


def program_error(score_map: ScoreMap, gain: float, n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Compiled less interpreted, (n_rows,)."""
    x, y = inputs(n_rows, rng)
    given = {"x": x, "y": y}
    ran = compiled(POLYNOMIAL, tuple(given), gain=gain)(given, score_map)
    return (ran["out"] - interpret(POLYNOMIAL, given)["out"]).numpy()


def counting(
    d: int, maps: Maps, n_spikes: Sequence[int], n_rows: int, rng: np.random.Generator, *, regular: bool
) -> Curve:
    """How often d matches among some tokens are counted wrong."""
    tokens = torch.from_numpy(rng.integers(1, SYMBOLS, (n_rows, LENGTH)))
    for row in tokens:
        row[torch.from_numpy(rng.permutation(LENGTH)[:d])] = 0
    select, symbol = SelectorWidth(n_symbols=SYMBOLS), torch.zeros(n_rows, dtype=torch.long)
    wrong = [fraction((select(tokens, symbol, maps(n)) != d).numpy()) for n in n_spikes]
    predicted = [wrong_count(d, LENGTH, n, regular=regular) for n in n_spikes]
    return Curve(n_spikes=np.array(n_spikes), error=wrong, predicted=np.array(predicted))


def retrieval(
    memory: AddressedMemory, maps: Maps, n_spikes: Sequence[int], n_rows: int, rng: np.random.Generator
) -> Curve:
    """How often the cell with the most spikes is not the one asked for; a tie counts as wrong in part."""
    wrong = []
    for n in n_spikes:
        cell = torch.from_numpy(rng.integers(0, 2**memory.n_bits, n_rows))
        weights = memory(cell, torch.eye(2**memory.n_bits, dtype=torch.float64), maps(n)).weights[:, 0]
        top = weights == weights.amax(-1, keepdim=True)
        right = top[torch.arange(n_rows), cell].double() / top.sum(-1)
        wrong.append(mean(1 - right.numpy()))
    return Curve(n_spikes=np.array(n_spikes), error=wrong, predicted=np.full(len(n_spikes), np.nan))


def exact_errors(n_rows: int, rng: np.random.Generator) -> dict[str, float]:
    """Largest error of each construction under softmax, at a gain that spikes could not afford."""
    x, y = inputs(n_rows, rng)
    errors = {}
    for name, gain in (
        ("sum", 1.0),
        ("product", 0.01),
        ("product_logit", 1.0),
        ("exp", 10.0),
        ("exp_odds", 1.0),
    ):
        made = type(CONSTRUCTIONS[name])(**{**vars(CONSTRUCTIONS[name]), "gain": gain})
        exact = made.exact(x, y).numpy()
        got = made(x, y, Softmax()).numpy()
        errors[name] = float(np.abs((got - exact) / relative_to(exact)).max())
    return errors
