"""A NIR graph, read into cells and the ways between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spiking.checks import shown

if TYPE_CHECKING:
    import nir

__all__ = ["ENDS", "KINDS", "LINEAR", "Graph", "Way", "kind_of", "opened", "size_of"]

KINDS = ("LI", "LIF", "I", "IF", "CubaLI", "CubaLIF")  # of cells
LINEAR = ("Linear", "Affine", "Scale", "Delay")
ENDS = ("Input", "Output")


def opened(graph: Any) -> nir.NIRGraph:
    try:
        import nir
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "NIR graphs need the extra `exchange`: pip install '.[exchange]' in the checkout"
        ) from error
    if isinstance(graph, (str, Path)):
        if not Path(graph).is_file():
            raise ValueError(f"graph must be a NIR file that is there, got {graph}; check its path.")
        try:
            graph = nir.read(str(graph))
        except Exception as error:  # whatever h5py and nir meet in a damaged file
            raise ValueError(f"graph must be a NIR file, got {graph} ({error}); save it again.") from error
    if not isinstance(graph, nir.NIRGraph):
        raise TypeError(f"graph must be a nir.NIRGraph or a file, got {shown(graph)}; use nir.read(path).")
    return graph


@dataclass(frozen=True)
class Way:
    """From one cell to another through linear nodes."""

    source: str
    target: str
    weight: np.ndarray  # (n_target, n_source)
    delay_s: np.ndarray  # (n_source,)
    name: str  # of the linear node nearest the target; empty for an edge without one


class Graph:
    """The nodes by what they are."""

    def __init__(self, graph: nir.NIRGraph) -> None:
        self._nodes: dict[str, Any] = dict(graph.nodes)
        self._next: dict[str, list[str]] = {name: [] for name in self._nodes}
        for source, target in graph.edges:
            self._next[source].append(target)
        covered = (*ENDS, *KINDS, *LINEAR)
        for name, node in self._nodes.items():
            if kind_of(node) not in covered:
                raise ValueError(
                    f"node {name!r} must be one of {', '.join(covered)}; got {kind_of(node)}; "
                    "write it as one of these, or run the graph elsewhere."
                )
        self.cells = {name: node for name, node in self._nodes.items() if kind_of(node) in KINDS}
        self.inputs = {name: node for name, node in self._nodes.items() if kind_of(node) == "Input"}

    def ways(self) -> Iterator[Way]:
        """Every way from an input or a cell to a cell."""
        for name, node in (*self.inputs.items(), *self.cells.items()):
            n = size_of(node)
            for target, weight, delay_s, trail in self._onward(name, np.eye(n), np.zeros(n), ()):
                matrices = [passed for passed in trail if kind_of(self._nodes[passed]) != "Delay"]
                yield Way(name, target, weight, delay_s, matrices[-1] if matrices else "")

    def bias(self, target: str) -> np.ndarray:
        """The constant current into a cell, (n_cells,), from all Affine nodes upstream of it."""
        total = np.zeros(size_of(self._nodes[target]))
        for name, node in self._nodes.items():
            if kind_of(node) == "Affine":
                bias = np.asarray(node.bias, dtype=float).ravel()
                for reached, weight, _, _ in self._onward(name, np.diag(bias), np.zeros(len(bias)), ()):
                    if reached == target:
                        total += weight.sum(axis=1)
        return total

    def kind(self, name: str) -> str:
        """Name of a node's class."""
        return kind_of(self._nodes[name])

    def _onward(
        self, name: str, weight: np.ndarray, delay_s: np.ndarray, trail: tuple[str, ...]
    ) -> Iterator[tuple[str, np.ndarray, np.ndarray, tuple[str, ...]]]:
        """The cells that a node reaches, with the weights, delays and linear nodes on the way."""
        for target in self._next[name]:
            node = self._nodes[target]
            if target in trail:
                raise ValueError(
                    f"linear nodes must not form a circle, got one through {target!r}; put a cell into it."
                )
            if target in self.cells:
                yield target, weight, delay_s, trail
            elif kind_of(node) == "Delay":
                yield from self._onward(
                    target, weight, self._delayed(target, weight, delay_s), (*trail, target)
                )
            elif kind_of(node) in LINEAR:
                yield from self._onward(target, _matrix(node) @ weight, delay_s, (*trail, target))

    def _delayed(self, name: str, weight: np.ndarray, delay_s: np.ndarray) -> np.ndarray:
        """Delays of the source's cells; after a matrix that mixes them only a common one is theirs."""
        delay = np.asarray(self._nodes[name].delay, dtype=float).ravel()
        if len(np.unique(delay)) > 1 and not np.array_equal(weight, np.eye(len(delay))):
            raise ValueError(
                f"node {name!r} (Delay) must follow its cells directly or delay all alike, got "
                f"{len(np.unique(delay))} delays after a weight; put it before the weight."
            )
        return delay_s + (delay if len(delay) == len(delay_s) else delay[:1])


def kind_of(node: object) -> str:
    return type(node).__name__


def size_of(node: Any) -> int:
    return int(np.prod(next(iter(node.output_type.values()))))


def _matrix(node: Any) -> np.ndarray:
    if kind_of(node) == "Scale":
        return np.diag(np.asarray(node.scale, dtype=float).ravel())
    return np.asarray(node.weight, dtype=float)
