"""The plan of a sweep: what ``--set`` says, and the points that follow from it, as a grid or a Latin hypercube."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import qmc

from pragmatic.checks import shown
from scenarios.workbench.errors import UsageError, check_known
from scenarios.workbench.params import Field, ScenarioParams, fields_of
from scenarios.workbench.points import Point
from scenarios.workbench.registry import ENGINES, identity, load, where

__all__ = ["Axis", "SweepPlan", "parse_setting", "plan_sweep"]

TRUTH = {"true": True, "yes": True, "false": False, "no": False}
MOST_POINTS = 1_000_000
FORMS = "a,b,c or low:high:n or low:high:n:log"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One parameter and the values it takes: levels, or everything between two ends."""

    field: Field
    levels: tuple[Any, ...]  # in the order given; the two ends if `between`
    between: bool = False
    log: bool = False  # geometric rather than linear

    @property
    def name(self) -> str:
        return self.field.name

    def at(self, quantile: float) -> Any:
        """The value below which a fraction `quantile` in [0, 1) of the axis lies."""
        if not self.between:
            return self.levels[int(quantile * len(self.levels))]
        low, high = self.levels
        value = low * (high / low) ** quantile if self.log else low + (high - low) * quantile
        return _number(self.field, value)


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """A sweep before it is run. Its points lie in an array of shape `shape`, the repeats last."""

    scenario: str
    settings: tuple[str, ...]  # as given: ``n_cells=10,20,40``
    swept: tuple[Axis, ...]  # the parameters that take several values
    fixed: Mapping[str, Any]  # those set to one value
    values: tuple[tuple[Any, ...], ...]  # of the swept parameters, one tuple per setting of the circuit
    seeds: tuple[int, ...]  # one a repeat, the same at all settings, so that these differ by parameters alone
    samples: int | None  # of the Latin hypercube; None: the whole grid
    seed: int
    engine: str
    points: tuple[Point, ...]

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the dimensions: the swept parameters or ``sample``, then ``repeat``."""
        return (*((a.name for a in self.swept) if self.samples is None else ("sample",)), "repeat")

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the dimensions."""
        first = tuple(len(a.levels) for a in self.swept) if self.samples is None else (self.samples,)
        return (*first, self.repeats)

    @property
    def repeats(self) -> int:
        """Runs of each setting."""
        return len(self.seeds)


def plan_sweep(
    scenario: str,
    settings: Sequence[str],
    *,
    repeats: int = 1,
    samples: int | None = None,
    seed: int = 0,
    engine: str = ENGINES[0],
) -> SweepPlan:
    """Lay out the points of a sweep.

    Parameters
    ----------
    scenario : str
        A scenario's name, or the file of one that you wrote.
    settings : sequence of str
        ``parameter=values``, see `parse_setting`. One value fixes a parameter, several sweep it.
    repeats : int
        Runs of each setting, each with its own seed, which depends on `seed` and its number only.
    samples : int, optional
        Settings drawn by a Latin hypercube (McKay, Beckman and Conover 1979) instead of the whole grid.
    seed : int
    engine : str
        One of `ENGINES`.

    Raises
    ------
    UsageError
        If a name is unknown, a value may not stand in its field, or a number is out of bounds.
    """
    module = load(scenario)
    check_known("engine", engine, ENGINES)
    _check_numbers(repeats=(repeats, 1), seed=(seed, 0), samples=(samples, 1))
    axes = [parse_setting(module.Params, setting, sampled=samples is not None) for setting in settings]
    _refuse_twice("set", [axis.name for axis in axes])
    swept = tuple(axis for axis in axes if len(axis.levels) > 1)
    fixed = {axis.name: axis.levels[0] for axis in axes if len(axis.levels) == 1}
    if samples is not None and not swept:
        raise UsageError("samples must go with a parameter of several values; use for example --set a=1:2")
    _refuse_vast(swept, samples, repeats)
    values = _grid(swept) if samples is None else _hypercube(swept, samples, seed)
    seeds = tuple(_seed(seed, repeat) for repeat in range(repeats))
    params = [asdict(_params(module.Params, swept, row, fixed)) for row in values]
    kept_as = {"scenario": identity(scenario), "module": where(scenario, module), "engine": engine}
    return SweepPlan(
        scenario=scenario,
        settings=tuple(settings),
        swept=swept,
        fixed=fixed,
        values=values,
        seeds=seeds,
        samples=samples,
        seed=seed,
        engine=engine,
        points=tuple(Point(parameters=at, seed=own, **kept_as) for at in params for own in seeds),
    )


def _check_numbers(**numbers: tuple[int | None, int]) -> None:
    """Refuse a number that is below its least value."""
    for name, (number, least) in numbers.items():
        if number is not None and number < least:
            raise UsageError(f"{name} must be >= {least}, got {shown(number)}; use for example {least}")
        if number is not None and number >= 2**63:
            raise UsageError(f"{name} must be below 2**63, got {shown(number)}; use for example {least}")


def parse_setting(params: type[ScenarioParams], setting: str, *, sampled: bool = False) -> Axis:
    """Read ``parameter=values``.

    Parameters
    ----------
    params : type
        The scenario's `Params`; a value of one of its tuple fields stands for a tuple of that one value.
    setting : str
        Values are a list ``a,b,c``; a range ``low:high:n`` of n values, both ends included; the same in
        geometric steps, ``low:high:n:log``.
    sampled : bool
        Allow ``low:high`` and ``low:high:log``: everything between.

    Raises
    ------
    UsageError
        If the parameter is unknown, or the values cannot be read, are not allowed or come twice.
    """
    name, equals, text = setting.partition("=")
    if not equals:
        raise UsageError(
            f"set must be parameter=values, got {shown(setting)}; use for example n_cells=10,20,40"
        )
    fields = {field.name: field for field in fields_of(params)}
    field = fields[check_known("parameter", name.strip().replace("-", "_"), fields)]
    axis = _range(field, text, sampled) if ":" in text and field.kind is not str else _list(field, text)
    for level in axis.levels:
        field.check((level,) if field.many else level)
    _refuse_twice(field.name, axis.levels)
    return axis


def _list(field: Field, text: str) -> Axis:
    return Axis(field=field, levels=tuple(_value(field, part.strip()) for part in text.split(",")))


def _range(field: Field, text: str, sampled: bool) -> Axis:
    *parts, last = text.split(":")
    log = last == "log"
    numbers = parts if log else [*parts, last]
    between = sampled and len(numbers) == 2
    try:
        low, high = map(float, numbers[:2])
        [n] = [2] if between else map(int, numbers[2:])
    except ValueError:
        forms = f"{FORMS}, or low:high or low:high:log" if sampled else FORMS
        raise UsageError(
            f"{field.name} must be set as {forms}, got {shown(text)}; use for example 1,2,4"
        ) from None
    if field.kind is bool or not (math.isfinite(low) and math.isfinite(high)) or n < 2 or not low < high:
        raise UsageError(
            f"a range must go from a low to a higher number in 2 or more values, got {field.name}={shown(text)}; "
            "use for example 1:4:4"
        )
    if n > MOST_POINTS:
        raise UsageError(
            f"a range must have at most {MOST_POINTS:,} values, got {field.name}={shown(text)}; take fewer"
        )
    if log and low <= 0:
        raise UsageError(
            f"a geometric range must begin above 0, got {field.name}={text}; use for example 1:4:3:log"
        )
    steps = np.geomspace(low, high, n) if log else np.linspace(low, high, n)
    return Axis(field=field, levels=tuple(_number(field, step) for step in steps), between=between, log=log)


def _number(field: Field, value: float) -> int | float:
    """A computed value in the field's type, without the dust of rounding errors."""
    return round(value) if field.kind is int else float(f"{value:.12g}")


def _value(field: Field, text: str) -> Any:
    """A written value in the field's type."""
    if field.kind is bool:
        return TRUTH[check_known(f"value of {field.name}", text.lower(), TRUTH)]
    try:
        return field.kind(text)
    except (ValueError, OverflowError):
        kind = {int: "an integer", float: "a number"}[field.kind]
        raise UsageError(
            f"{field.name} must be {kind}, got {shown(text)}; use for example {field.default!r}"
        ) from None


def _refuse_twice(name: str, values: Sequence[Any]) -> None:
    counted = Counter(values)
    twice = next((value for value in values if counted[value] > 1), None)
    if twice is not None:
        raise UsageError(f"{name} must not hold a value twice, got {shown(twice)} again; leave one out")


def _refuse_vast(swept: tuple[Axis, ...], samples: int | None, repeats: int) -> None:
    """Refuse a sweep of more points than a folder should hold files, before it is laid out."""
    settings = math.prod(len(axis.levels) for axis in swept) if samples is None else samples
    if settings * repeats > MOST_POINTS:
        raise UsageError(
            f"a sweep must have at most {MOST_POINTS:,} points, got {settings} settings x {repeats} repeats; "
            "take fewer values"
        )


def _grid(swept: tuple[Axis, ...]) -> tuple[tuple[Any, ...], ...]:
    return tuple(itertools.product(*(axis.levels for axis in swept)))


def _hypercube(swept: tuple[Axis, ...], samples: int, seed: int) -> tuple[tuple[Any, ...], ...]:
    unit = qmc.LatinHypercube(len(swept), rng=np.random.default_rng(seed)).random(
        samples
    )  # (samples, n_swept)
    return tuple(tuple(axis.at(float(u)) for axis, u in zip(swept, row, strict=True)) for row in unit)


def _params(
    params: type[ScenarioParams], swept: tuple[Axis, ...], row: tuple[Any, ...], fixed: Mapping[str, Any]
) -> ScenarioParams:
    many = {field.name for field in fields_of(params) if field.many}
    values = {**fixed, **{axis.name: value for axis, value in zip(swept, row, strict=True)}}
    return params(**{name: (value,) if name in many else value for name, value in values.items()})


def _seed(seed: int, repeat: int) -> int:
    """Seed of a repeat: 32 bits that are as good as independent of those of other seeds and repeats."""
    return int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0])
