"""Lines of a kernel: loads, assignments, stores."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from spiking.engines.fused.fold import names
from spiking.engines.fused.names import BEFORE, LAST, Assignment
from spiking.engines.fused.parts import Program
from spiking.engines.fused.text import Expressions
from spiking.refs import Ref

__all__ = ["Writer", "touched"]


@dataclass
class Writer:
    """Gathers the lines; `a_group__variable` is an array of the row, `group__variable` one value of it."""

    program: Program
    expressions: Expressions
    lines: list[str] = field(default_factory=list)
    deeper: int = 0  # levels by which all that is written is indented more

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * (depth + self.deeper) + text)

    def is_array(self, name: str) -> bool:
        return name in self.program.arrays

    def link(self, name: str) -> str | None:
        """What a linked variable with an index reads."""
        link = self.program.links.get(name)
        return None if link is None else link[1].identifier

    def kind(self, name: str) -> str:
        if name in self.program.synaptic:
            return "int" if self.program.synaptic[name].variable in LAST else "float"
        ref = Ref.of_identifier(name.removesuffix(BEFORE))
        if ref is None or ref.group not in self.program.cells:
            return "temporary"
        return self.program.cells[ref.group].kinds[ref.variable]

    def loads(self, depth: int, used: set[str], index: str = "i", fetched: Set[str] = frozenset()) -> None:
        """Load values of the cell with that index."""
        for name in sorted(used):
            if self.is_array(name):
                self.line(depth, f"{name} = a_{name}[{index}]")
            elif name in fetched:
                self.line(depth, f"{name} = fetched_{name}[{index}]")
            elif (source := self.link(name)) is not None:
                at = f"a_{source}[index_{name}[{index}]]" if self.is_array(source) else source
                self.line(depth, f"{name} = {at}")

    def fetch(self, depth: int, group: str, used: set[str]) -> set[str]:
        """Gather linked variables ahead of a loop, which could not become SIMD with a gather in it.

        Returns the names of those gathered.
        """
        found = {n for n in used if (source := self.link(n)) is not None and self.is_gathered(source)}
        for name in sorted(found):
            self.line(depth, f"for i in range(n_{group}):")
            self.line(depth + 1, f"fetched_{name}[i] = a_{self.link(name)}[index_{name}[i]]")
        return found

    def is_gathered(self, source: str) -> bool:
        return self.is_array(source) and self.kind(source) == "float"

    def assign(self, depth: int, a: Assignment, *, rare: bool = False, cell: str = "i") -> None:
        value = self.expressions.text(a.value, rare=rare, cell=cell)
        if self.kind(a.target) == "float":
            value = f"F({value})"
        if a.guard is not None:
            value = f"{value} if {a.guard} else {a.target}"
        self.line(depth, f"{a.target} = {value}")

    def body(
        self,
        depth: int,
        body: tuple[Assignment, ...],
        *,
        rare: bool = False,
        fetched: Set[str] = frozenset(),
    ) -> None:
        """Load what the statements touch, run them, store what they wrote."""
        self.loads(depth, touched(body), fetched=fetched)
        for a in body:
            self.assign(depth, a, rare=rare)
        for name in dict.fromkeys(a.target for a in body if self.is_array(a.target)):
            self.line(depth, f"a_{name}[i] = {name}")


def touched(body: tuple[Assignment, ...]) -> set[str]:
    """What statements read or write."""
    return set().union(*(names(a.value) | {a.target} | ({a.guard} if a.guard else set()) for a in body))
