"""The circuit that a command or a configuration names: a calibrated parameter set, or an import path."""

from __future__ import annotations

import importlib
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from typing import Any

from spiking import GammaCircuit, RowCircuit
from spiking.params import PARAMETER_SETS

__all__ = ["check_circuit_name", "circuit_named"]


def check_circuit_name(name: object, option: str = "circuit") -> None:
    """Raise, naming the option, unless `name` is that of a parameter set or has the form of an import path."""
    if name in PARAMETER_SETS:
        return
    module, colon, attribute = name.partition(":") if isinstance(name, str) else ("", "", "")
    if not (colon and _is_dotted(module) and _is_dotted(attribute)):
        raise ValueError(
            f"{option} must be one of {', '.join(PARAMETER_SETS)}; got {name!r}; "
            'or use an import path such as "my_package.circuits:Mine"'
        )


def circuit_named(
    name: str, *, temperature: float, n_cells: int | None, option: str = "circuit"
) -> RowCircuit:
    """Make the circuit.

    Parameters
    ----------
    name : str
        Of a parameter set, or "package.module:name" of a circuit, or of a class or function without arguments
        that makes one.
    temperature : float
        Divides the scores. It replaces the circuit's own.
    n_cells : int, optional
        Cells per key. It replaces the circuit's own, if given.
    option : str
        What the name was given for, as messages call it.

    Raises
    ------
    ValueError, TypeError
        For a path that leads to no circuit, and an option that the circuit has no field for.
    """
    if name in PARAMETER_SETS:
        circuit: Any = GammaCircuit(PARAMETER_SETS[name])
    else:
        circuit = _imported(name, option)
    circuit = _varied(circuit, name, "temperature", temperature)
    if n_cells is not None:
        circuit = _varied(circuit, name, "n_cells", n_cells)
    return circuit


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _imported(path: str, option: str) -> Any:
    module_name, _, attribute = path.partition(":")
    try:
        value: Any = importlib.import_module(module_name)
    except Exception as error:
        raise ValueError(
            f"{option} {path!r}: cannot import {module_name} ({type(error).__name__}: {error}); install it or "
            "correct the path"
        ) from error
    for name in attribute.split("."):
        if not hasattr(value, name):
            near = get_close_matches(name, dir(value), n=1)
            guess = f"; did you mean {near[0]!r}?" if near else "; correct the name after the colon"
            raise ValueError(f"{option} {path!r}: {module_name} has no {name!r}{guess}")
        value = getattr(value, name)
    return _made(path, value, option)


def _made(path: str, value: Any, option: str) -> Any:
    """The circuit itself, or what a class or function returns."""
    is_circuit = callable(getattr(value, "attend", None)) and not isinstance(value, type)
    if callable(value) and not is_circuit:
        try:
            value = value()
        except Exception as error:
            raise ValueError(
                f"{option} {path!r}: calling it without arguments raised {type(error).__name__}: {error}; name a "
                "circuit, or a class or function that makes one without arguments"
            ) from error
    if isinstance(value, type) or not callable(getattr(value, "attend", None)):
        raise TypeError(
            f"{option} {path!r} must lead to a circuit with the method attend, got {type(value).__name__}; name a "
            "circuit, or a class or function that makes one"
        )
    return value


def _varied(circuit: Any, name: str, field: str, value: object) -> Any:
    """The circuit with another value of one parameter: by its method `varied`, a field, or a field of `params`."""
    if getattr(circuit, field, None) == value:
        return circuit
    if callable(getattr(circuit, "varied", None)):
        return circuit.varied(**{field: value})
    params: Any = getattr(circuit, "params", None)
    if _has_field(circuit, field):
        return replace(circuit, **{field: value})
    if _has_field(params, field) and _has_field(circuit, "params"):
        return replace(circuit, params=replace(params, **{field: value}))
    if field == "temperature" and value == 1:
        return circuit
    raise ValueError(
        f"{field} must be left out, got {value}: the circuit {name!r} has no field {field}; set it where "
        "the circuit is made"
    )


def _has_field(thing: Any, field: str) -> bool:
    return is_dataclass(thing) and field in {each.name for each in fields(thing) if each.init}
