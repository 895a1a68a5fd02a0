"""Programs of a dataflow matrix machine: its links, its outputs at the start, and modules made of both.

An address is type, name and slot: ``"accum.self.delta"``. A link leads from an output to an input and has a
weight; the links of a program are the matrix that Self's output holds at the start.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pragmatic.checks import shown, unknown
from pragmatic.machines.dmm.neurons import NEURONS, NeuronType
from pragmatic.machines.dmm.values import DmmError, Value, at, checked, from_leaves, leaves
from pragmatic.machines.dmm.values import Path as Address

__all__ = ["SELF", "Program", "address", "links_of", "matrix_of", "named_in", "neurons_of"]

SELF = ("accum", "self", "single")  # whose output is the network matrix
Links = Mapping[str, Mapping[str, float]]  # input -> output -> weight
Types = Mapping[str, NeuronType]
Neuron = tuple[str, str]  # type and name


@dataclass(frozen=True, kw_only=True)
class Program:
    """Links and first outputs.

    Self needs no links: unless a program gives its input "accum" a row, it keeps its matrix by one of weight 1.

    Attributes
    ----------
    links : map of maps
        ``{"accum.a.delta": {"identity.b.single": 0.5}}``: inputs, for each the outputs it adds up.
    outputs : map, optional
        ``{"identity.b.single": {"number": 1.0}}``: V-values that outputs have at the start.
    modules : map of Programs, optional
        Programs to be used as parts of this one, and of each other.
    parts : map, optional
        ``{"left": "counter"}``: the neurons of the module "counter" once more, with "left/" before their names.
    types : map, optional
        Neuron types besides `NEURONS`, or in their place.
    """

    links: Links
    outputs: Mapping[str, Any] = field(default_factory=dict)
    modules: Mapping[str, Program] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    types: Types = field(default_factory=dict)

    @property
    def all_types(self) -> dict[str, NeuronType]:
        """Those of the machine and the program's own."""
        return {**NEURONS, **self.types}

    def start(self) -> Value:
        """The outputs before the first cycle, Self's among them: the whole state of a machine.

        Raises
        ------
        DmmError
            For an unknown neuron type, an address that does not exist, a leaf that is no finite number, a tree
            that is too deep, or modules that contain each other.
        """
        whole, types = _flat(self, self.modules, ()), self.all_types
        outputs = {address(to, types, "outputs"): checked(to, value) for to, value in whole.outputs.items()}
        if SELF in outputs:
            raise DmmError(
                "accum.self.single is the network matrix, got an output for it; give its links instead"
            )
        matrix = matrix_of(whole.links, types)
        if not at(matrix, ("accum", "self", "accum")):
            matrix = matrix_of({**whole.links, "accum.self.accum": {"accum.self.single": 1.0}}, types)
        _check_sources(matrix, outputs, types)
        held = {**outputs, SELF: matrix}
        return from_leaves(((*to, *path), leaf) for to, value in held.items() for path, leaf in leaves(value))

    def to_json(self) -> str:
        """The text of a program file. Types of your own are not in it: hand them to `from_json` again."""
        return json.dumps(_plain(self), indent=2)

    def save(self, path: Path) -> None:
        """Write the program file."""
        path.write_text(self.to_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path, types: Types | None = None) -> Program:
        """Read a program file; errors as `from_json` has them, with the file's name."""
        try:
            return cls.from_json(path.read_text(encoding="utf-8"), types)
        except OSError as error:
            raise DmmError(
                f"program file must be readable, got {path}: {error.strerror}; check the path"
            ) from None
        except DmmError as error:
            raise DmmError(f"{path.name}: {error}") from None

    @classmethod
    def from_json(cls, text: str, types: Types | None = None) -> Program:
        """Read a program from its text, and check all of it.

        Raises
        ------
        DmmError
            As `start` says, and for text that is no program.
        """
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise DmmError(
                f"a program must be JSON, got an error in line {error.lineno}: {error.msg}; correct it"
            ) from None
        program = _program("program", data, types or {})
        program.start()
        return program


def address(text: str, types: Types, side: str) -> Address:
    """Type, name and slot of a dotted address.

    Parameters
    ----------
    text : str
    types : map
    side : {"inputs", "outputs"}
        Among which slots it must be.
    """
    parts = tuple(text.split(".")) if isinstance(text, str) else ()
    if len(parts) != 3 or not all(parts):
        raise DmmError(
            f"an address must be type.name.slot, got {shown(text)}; write for example accum.self.delta"
        )
    kind, _, slot = parts
    if kind not in types:
        raise DmmError(unknown("neuron type", kind, types))
    known = getattr(types[kind], side)
    if slot not in known:
        raise DmmError(
            f"address {text} must name one of the {side} of {kind}, {', '.join(known)}, got {slot!r}; correct it"
        )
    return parts


def matrix_of(links: Links, types: Types) -> Value:
    """The network matrix of some links, a V-value six levels deep."""
    items = []
    for to, row in links.items():
        into = address(to, types, "inputs")
        if not isinstance(row, Mapping):
            raise DmmError(
                f"the row of {to} must be a map from outputs to weights, got {shown(row)}; write one"
            )
        for out, weight in checked(f"the row of {to}", row).items():
            items.append(((*into, *address(out, types, "outputs")), weight))
    return from_leaves(items)


def links_of(matrix: Value) -> dict[str, dict[str, float]]:
    """The links of a network matrix, the reverse of `matrix_of`; leaves that are none are left out."""
    links: dict[str, dict[str, float]] = {}
    for path, weight in leaves(matrix):
        if len(path) == 6:
            links.setdefault(".".join(path[:3]), {})[".".join(path[3:])] = weight
    return links


def named_in(matrix: Value, types: Types) -> set[Neuron]:
    """Type and name of every neuron that a network matrix has a row or a column for."""
    ends = [end for path, _ in leaves(matrix) if len(path) == 6 for end in (path[:2], path[3:5])]
    return {(kind, name) for kind, name in ends if kind in types}


def neurons_of(state: Value, types: Types) -> set[Neuron]:
    """Type and name of every neuron that has an output, or that a matrix in one of them names."""
    known = {path[:3] for path, _ in leaves(state)}
    own: set[Neuron] = {(path[0], path[1]) for path in known}
    return own.union(*(named_in(at(state, path), types) for path in known))


def _check_sources(matrix: Value, outputs: Mapping[Address, Value], types: Types) -> None:
    """Raise unless every link comes from a neuron that can have an output."""
    linked = {(*path[:2],) for path, _ in leaves(matrix)} | {to[:2] for to in outputs} | {SELF[:2]}
    for path, _ in leaves(matrix):
        if types[path[3]].inputs and path[3:5] not in linked:
            raise DmmError(
                f"the row of {'.'.join(path[:3])} must come from neurons with inputs or an output at the start, "
                f"got {'.'.join(path[3:])}; correct its address"
            )


def _flat(program: Program, known: Mapping[str, Program], inside: tuple[str, ...]) -> Program:
    """The program with its parts as neurons of longer names; `inside` names the modules being opened."""
    links, outputs = dict(program.links), dict(program.outputs)
    known = {**known, **program.modules}
    for part, module in program.parts.items():
        if module not in known:
            raise DmmError(unknown("module", module, known))
        if module in inside:
            raise DmmError(
                f"modules must not contain each other, got {' in '.join((module, *reversed(inside)))}; "
                "take one part out"
            )
        opened = _flat(known[module], known, (*inside, module))
        links |= {
            _renamed(to, part): {_renamed(out, part): weight for out, weight in row.items()}
            for to, row in opened.links.items()
        }
        outputs |= {_renamed(to, part): value for to, value in opened.outputs.items()}
    return Program(links=links, outputs=outputs)


def _renamed(text: str, part: str) -> str:
    """An address inside a part, as the whole program has it."""
    kind, dot, rest = text.partition(".")
    return f"{kind}{dot}{part}/{rest}"


def _plain(program: Program) -> dict[str, Any]:
    """What a program file holds."""
    data: dict[str, Any] = {"links": program.links, "outputs": program.outputs}
    if program.modules:
        data["modules"] = {name: _plain(module) for name, module in program.modules.items()}
    return data | ({"parts": program.parts} if program.parts else {})


def _program(what: str, data: object, types: Types) -> Program:
    fields = {"links", "outputs", "modules", "parts"}
    if not isinstance(data, dict) or not set(data) <= fields or "links" not in data:
        got = ", ".join(data) if isinstance(data, dict) else shown(data)
        raise DmmError(
            f"{what} must hold links, and may hold outputs, modules and parts, got {got}; name no other"
        )
    for name in fields & set(data):
        if not isinstance(data[name], dict):
            raise DmmError(f"{what}.{name} must be a map, got {shown(data[name])}; write {{}}")
    modules = {
        name: _program(f"module {name}", module, types) for name, module in data.get("modules", {}).items()
    }
    return Program(**{**data, "modules": modules, "types": types})
