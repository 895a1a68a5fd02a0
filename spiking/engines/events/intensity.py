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
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import sympy

from spiking.batch import Begins
from spiking.engines.fused.fold import FUNCTIONS, RANDOM, names
from spiking.engines.fused.names import Assignment
from spiking.engines.fused.parts import Code, Pathway, Program, Reset, Step, Summed, Threshold
from spiking.refs import Ref

__all__ = ["Intensity", "Stepped", "read_intensity"]

EXPONENTIAL = "-log(rand())"
NEAR = 1e-9  # numbers that Brian2's integrators and ours must agree on, relative


class Stepped(Exception):
    """The property that is missing."""


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
    common = _common(program, arrays, {ref.identifier for ref in unlike})
    arrays -= common
    code = _Updates.of(program, group, arrays)
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
        common=tuple(_ref(name) for name in sorted(common)),
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


def _common(program: Program, arrays: set[str], unlike: set[str]) -> set[str]:
    """The variables that are alike in all cells: they begin so, and receive what the row's cells share."""
    values: dict[str, list[ast.expr | None]] = {}
    for step in program.steps:
        for a in getattr(step, "body", ()):
            value: ast.expr | None = a.value if isinstance(step, Code) and a.guard is None else None
            if isinstance(step, (Pathway, Summed)) and step.bundle is None and a.guard is None:
                value = ast.Constant(0.0)  # a sum over all cells of the source
            values.setdefault(a.target, []).append(value)
    own = (arrays & (unlike | (arrays - values.keys()))) | {"i"}
    while True:
        more = {
            name
            for name, received in values.items()
            if name not in own
            and (name in arrays or name.startswith("_"))
            and any(v is None or names(v) & own or names_called(v) & set(RANDOM) for v in received)
        }
        if not more:
            return arrays - own
        own |= more


@dataclass(frozen=True, kw_only=True)
class _Updates:
    """What a step and a spike make of a group's variables."""

    after: Mapping[str, sympy.Expr]  # of those that a step writes, from values before it
    reset: Mapping[str, sympy.Expr]
    drawn: tuple[Assignment, ...]  # how a reset draws a value anew
    threshold: ast.expr

    @classmethod
    def of(cls, program: Program, group: str, arrays: set[str]) -> _Updates:
        if program.cells[group].refractory:
            raise Stepped("its counted cells are refractory after a spike")
        after: dict[str, sympy.Expr] = {}
        reset: dict[str, sympy.Expr] = {}
        drawn: tuple[Assignment, ...] = ()
        threshold: ast.expr | None = None
        for step in program.steps:
            if isinstance(step, Code) and step.group == group:
                _run(step.body, after)
            elif isinstance(step, Threshold) and step.group == group:
                threshold = step.condition
            elif isinstance(step, Reset) and step.group == group:
                drawn = _drawn(step.body)
                _run([a for a in step.body if a not in drawn], reset)
            else:
                _check_step(step, group, arrays)
        if threshold is None:
            raise Stepped("its counted cells have no threshold")
        return cls(after=after, reset=reset, drawn=drawn, threshold=threshold)


def _drawn(body: Sequence[Assignment]) -> tuple[Assignment, ...]:
    """The statements that draw a value, which may take several, and depend on nothing else."""
    random = [a.target for a in body if names_called(a.value) & set(RANDOM)]
    if not random:
        return ()
    if len(set(random)) > 1:
        raise Stepped("a reset draws random numbers for more than its threshold")
    known: set[str] = set()
    drawn, since = [], next(n for n, a in enumerate(body) if a.target == random[0])
    for a in body[since:]:
        reads = names(a.value)
        if a.target == random[0] or (reads and reads <= known):
            if reads - known:
                raise Stepped("the next threshold depends on the state of the cell")
            known.add(a.target)
            drawn.append(a)
        elif reads & known:
            raise Stepped("a spike changes the state of the cell by its next threshold")
    return tuple(drawn)


def names_called(expression: ast.AST) -> set[str]:
    """The functions that an expression calls."""
    return {
        n.func.id for n in ast.walk(expression) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }


def _check_step(step: Step, group: str, arrays: set[str]) -> None:
    """Raise if another part of the circuit reads or writes what the cells hold."""
    body = getattr(step, "body", ())
    used = set().union(*(names(a.value) | {a.target} for a in body), set())
    used |= names(step.condition) if isinstance(step, Threshold) else set()
    if {name.removesuffix("__pre") for name in used} & arrays:
        raise Stepped("other parts of the circuit read or change the state of its counted cells")
    if (
        isinstance(step, (Pathway, Summed))
        and group in (step.source, step.target)
        and step.bundle is not None
    ):
        raise Stepped("its counted cells do not all have the same synapses")


def _run(body: Sequence[Assignment], known: dict[str, sympy.Expr]) -> None:
    """Put statements into formulas of the values before them."""
    for a in body:
        if a.guard is not None:
            raise Stepped("its counted cells are refractory after a spike")
        known[a.target] = _formula(a.value, known)


def _formula(node: ast.expr, known: Mapping[str, sympy.Expr]) -> sympy.Expr:
    """An expression in sympy's terms."""
    if isinstance(node, ast.Constant):
        return sympy.Float(node.value)
    if isinstance(node, ast.Name):
        return known.get(node.id, sympy.Symbol(node.id))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = _formula(node.operand, known)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _BINARY[type(node.op)](_formula(node.left, known), _formula(node.right, known))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
        function = getattr(sympy, node.func.id, None) or sympy.Function(node.func.id)
        return function(*(_formula(a, known) for a in node.args))
    noise = names_called(node) & set(RANDOM)
    raise Stepped(
        "its counted cells receive noise at every step" if noise else f"it computes {ast.unparse(node)!r}"
    )


_BINARY: dict[type[ast.operator], Callable[[sympy.Expr, sympy.Expr], sympy.Expr]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


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


def _check_reads(formula: sympy.Expr, others: Collection[str | float]) -> None:
    if {symbol.name for symbol in formula.free_symbols} & set(others):
        raise Stepped("its counted cells have state besides membrane and hazard")


def _is_memoryless(
    code: _Updates, arrays: set[str], hazard: str, threshold: str | float, reset_by: float
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
    if expression is None or names_called(expression):
        raise Stepped(f"its membranes do not begin with one value; {remedy}")
    formula = _formula(expression, {})
    begun = sympy.expand(formula - held * u)
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
