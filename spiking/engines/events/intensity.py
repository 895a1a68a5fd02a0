"""Whether the counted cells of a circuit can do without steps, read from what Brian2 computes for them.

A cell that fires when its integrated hazard h passes a threshold q is a point process. If its membrane is linear,
the score is a constant input that the membrane holds from the start, and all cells of a row begin with one value,
then a cell's intensity factors (Lewis and Shedler 1979; Ogata 1981):

    intensity = (what the row's cells share) x exp(gain x input) x exp(-trace of the cell's own resets)

The shared factor is that of a cell without input that never fires: the same equations, run once for the row. Two
kinds of threshold are covered. *Memoryless*: h starts again from 0 with q ~ Exp(1). *Renewal*: a spike takes q off
h and leaves the membrane alone, so that a cell fires at clock values q_1, q_1 + q_2, ... over exp(gain x input).
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass

import sympy

from spiking.batch import Begins
from spiking.engines.events.updates import Stepped, Updates, calls, common, formula
from spiking.engines.fused.names import Assignment
from spiking.engines.fused.parts import Program
from spiking.refs import Ref

__all__ = ["Intensity", "read_intensity"]

EXPONENTIAL = "-log(rand())"
NEAR = 1e-9  # numbers that Brian2's integrators and ours must agree on, relative


@dataclass(frozen=True, kw_only=True)
class Intensity:
    """What makes the cells of a group fire, as factors."""

    group: str
    score: Ref  # the constant input
    common: tuple[Ref, ...]  # variables that are alike in all cells of a row
    membrane: Ref
    hazard: Ref
    threshold: Ref | float  # a variable, or the same number for all cells
    gain: float  # log intensity per unit of the input
    membrane_start: float  # of a cell without input
    reset_by: float  # fall of the log intensity after a spike, seen by the next step
    decay: float  # of that fall in a step
    memoryless: bool
    redraw: tuple[Assignment, ...]  # how a renewal draws its next threshold, if it does


def read_intensity(
    program: Program, group: str, score: Ref | None, start: Begins | None, unlike: Collection[Ref]
) -> Intensity:
    """Factor the intensity of a group's cells.

    Parameters
    ----------
    program : Program
        Of one row.
    group : str
        The counted cells.
    score : Ref or None
        The variable that receives each key's input.
    start : Begins or None
        How the row begins.
    unlike : collection of Ref
        Variables that may differ between the cells of a row from the start.

    Raises
    ------
    Stepped
        With the property that is missing.
    """
    if score is None or start is None or score.group != group:
        raise Stepped("its counted cells receive no constant score")
    arrays = {ref.identifier for ref in program.cells[group].arrays}
    alike = common(program, arrays, {ref.identifier for ref in unlike})
    arrays -= alike
    code = Updates.of(program, group, arrays)
    hazard, threshold = _crossed(code.threshold, arrays)
    changed = set(code.after) & arrays
    _check_parameters(arrays - changed, score, threshold)
    membrane = _membrane(changed - {hazard} - {threshold}, group)
    v, u = sympy.Symbol(membrane), sympy.Symbol(score.identifier)
    decay, by_input = (_number(sympy.diff(code.after[membrane], x), "linear membrane") for x in (v, u))
    if not 0 <= decay < 1:
        raise Stepped(f"its membrane does not decay, but is multiplied by {decay:g} a step")
    per_step = sympy.expand(code.after[hazard] - sympy.Symbol(hazard))
    of_membrane, of_input = (_log_slope(per_step, x) for x in (v, u))
    _check_reads(per_step, {hazard, threshold, *(arrays - {membrane, score.identifier})})
    _check_reads(code.after[membrane] - decay * v, arrays - {score.identifier})
    held = by_input / (1 - decay)  # a membrane's steady state under an input of 1
    reset_by = _number(sympy.Symbol(membrane) - code.reset.get(membrane, v), "reset by a constant")
    memoryless = _is_memoryless(code, arrays, hazard, threshold, reset_by * of_membrane)
    begun = _membrane_start(start, membrane, score, held)
    _check_start(start, hazard, threshold, memoryless)
    return Intensity(
        group=group,
        score=score,
        common=tuple(_ref(name) for name in sorted(alike)),
        membrane=_ref(membrane),
        hazard=_ref(hazard),
        threshold=threshold if isinstance(threshold, float) else _ref(threshold),
        gain=of_membrane * held + of_input,
        membrane_start=begun,
        reset_by=reset_by * of_membrane,
        decay=decay,
        memoryless=memoryless,
        redraw=() if memoryless else code.drawn,
    )


def _crossed(condition: ast.expr, arrays: set[str]) -> tuple[str, str | float]:
    """The integrated hazard, and the threshold that it passes."""
    if isinstance(condition, ast.Compare) and isinstance(condition.ops[0], ast.Gt):
        left, right = condition.left, condition.comparators[0]
        if isinstance(left, ast.Name) and left.id in arrays:
            if isinstance(right, ast.Constant):
                return left.id, float(right.value)  # type: ignore[arg-type]
            if isinstance(right, ast.Name) and right.id in arrays:
                return left.id, right.id
    raise Stepped("its threshold is not an integrated hazard that exceeds a value")


def _check_parameters(constants: set[str], score: Ref, threshold: str | float) -> None:
    """Raise if cells of one key differ in anything but their threshold."""
    others = constants - {score.identifier, threshold}
    if score.identifier not in constants:
        raise Stepped("its score changes in time")
    if others:
        raise Stepped(f"its counted cells have a parameter of each cell, {_ref(min(others))}")


def _membrane(changed: set[str], group: str) -> str:
    if len(changed) != 1:
        listed = ", ".join(sorted(str(_ref(name)) for name in changed)) or "none"
        raise Stepped(f"its counted cells must have one membrane variable besides the hazard, got {listed}")
    return changed.pop()


def _number(expression: sympy.Expr, what: str) -> float:
    """A formula that must be a number."""
    simple = sympy.simplify(expression)
    if not simple.is_number:
        raise Stepped(f"its counted cells have no {what}")
    return float(simple)


def _log_slope(per_step: sympy.Expr, by: sympy.Symbol) -> float:
    """Slope of log(per_step): a number where the hazard is exponential."""
    if per_step.is_zero:
        raise Stepped("its threshold is not an integrated hazard that exceeds a value")
    return _number(sympy.diff(per_step, by) / per_step, "hazard that is exponential in the membrane")


def _check_reads(read: sympy.Expr, others: Collection[str | float]) -> None:
    if {symbol.name for symbol in read.free_symbols} & set(others):
        raise Stepped("its counted cells have state besides membrane and hazard")


def _is_memoryless(
    code: Updates, arrays: set[str], hazard: str, threshold: str | float, reset_by: float
) -> bool:
    """Whether a spike forgets the hazard; otherwise it takes the threshold off the hazard and does no more."""
    left = sympy.expand(code.reset.get(hazard, sympy.Symbol(hazard)))
    if any(a.target != threshold and a.target in arrays for a in code.drawn):
        raise Stepped("a reset draws random numbers for more than its threshold")
    if left.is_zero and [ast.unparse(a.value) for a in code.drawn] == [EXPONENTIAL]:
        if reset_by < 0:
            raise Stepped("a spike raises the intensity of its cell")
        return True
    taken = sympy.Symbol(threshold) if isinstance(threshold, str) else sympy.Float(threshold)
    if not sympy.simplify(left - sympy.Symbol(hazard) + taken).is_zero:
        raise Stepped("a spike neither takes the threshold off the hazard nor begins with 0 and -log(rand())")
    if abs(reset_by) > NEAR:
        raise Stepped("a spike takes the threshold off the hazard and resets the membrane as well")
    return False


def _membrane_start(start: Begins, membrane: str, score: Ref, held: float) -> float:
    """Where the membrane of a cell without input begins."""
    expression = start.expressions.get(_ref(membrane))
    u = sympy.Symbol(score.identifier)
    remedy = f"begin {_ref(membrane)} with one number plus the input, such as '2.5 + {score.variable}'"
    if expression is None or calls(expression):
        raise Stepped(f"its membranes do not begin with one value; {remedy}")
    held_at = formula(expression, {})
    begun = sympy.expand(held_at - held * u)
    constant = begun.subs(u, 0)
    if not constant.is_number or abs(float(sympy.diff(begun, u))) > NEAR * max(1.0, abs(held)):
        raise Stepped(f"its membranes do not hold the score from the start; {remedy}")
    return float(constant)


def _check_start(start: Begins, hazard: str, threshold: str | float, memoryless: bool) -> None:
    """Raise unless memoryless cells begin as they go on."""
    if not memoryless or isinstance(threshold, float):
        return
    zero, exponential = (start.expressions.get(_ref(name)) for name in (hazard, threshold))
    is_zero = zero is None or (isinstance(zero, ast.Constant) and zero.value == 0)
    if not is_zero or exponential is None or ast.unparse(exponential) != EXPONENTIAL:
        raise Stepped(f"its hazards do not begin with 0 and {EXPONENTIAL}")


def _ref(identifier: str) -> Ref:
    ref = Ref.of_identifier(identifier)
    assert ref is not None
    return ref
