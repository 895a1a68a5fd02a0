"""A circuit, read: one row's objects, what is in them, and how rows of other sizes follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from spiking.engines.arrays import read_arrays
from spiking.engines.brian2 import building
from spiking.engines.start import Start, read_start
from spiking.kinds import Kinds, RowArrays, SynapseArrays
from spiking.refs import Ref
from spiking.wiring import Builds, Row, Wiring
from spiking.wiring_check import check_wiring, refusing_reserved_names

__all__ = ["Template", "template_of"]

_KEYS = 2  # of the row that is read
_KEPT = 256  # templates of circuits that were used last
_KEPT_KINDS = 16  # sets of rows of the last batches of a circuit


@dataclass(eq=False)
class Template:
    """The row of two keys that is read, and the rows of other numbers of keys.

    Where the objects of two and of three keys differ in nothing but the number of equal parts, every other row
    follows from them without being built.
    """

    circuit: Builds
    wiring: Wiring
    arrays: RowArrays
    start: Start
    sizes: Mapping[str, int]  # of inputs other than scores
    random: bool  # whether each row's wiring is drawn for itself
    unit: int  # cells of the counted group for each key
    probed: bool = False  # whether its spikes were looked at
    _kinds: dict[int, RowArrays] = field(default_factory=dict)
    _of_batches: dict[tuple[int, ...], Kinds] = field(default_factory=dict)
    _per_key: RowArrays | None = None  # what one more key adds; None where rows have to be built

    def per_key(self, group: str) -> int:
        """Cells of a group for each key, if all its cells stand for keys."""
        return self.arrays.sizes[group] // _KEYS

    def n_values(self, ref: Ref, n_keys: np.ndarray) -> np.ndarray:
        """Values that a variable has in rows of so many keys, (n_rows,)."""
        if len(self.arrays.values[ref]) == 1:
            return np.ones(len(n_keys), dtype=np.int64)
        two, three = (self.kind(n).sizes[ref.group] for n in (2, 3))
        return two + (n_keys - 2) * (three - two)

    def kind(self, n_keys: int) -> RowArrays:
        """The arrays of a row of so many keys, for a circuit that draws nothing in its wiring."""
        if n_keys not in self._kinds:
            if not self._kinds:
                three = read_arrays(self._build(3)[0].objects)
                self._kinds = {_KEYS: self.arrays, 3: three}
                self._per_key = _grown_by(self.arrays, three)
            if n_keys not in self._kinds:
                self._kinds[n_keys] = (
                    read_arrays(self._build(n_keys)[0].objects)
                    if self._per_key is None
                    else _stretched(self.arrays, self._per_key, n_keys)
                )
        return self._kinds[n_keys]

    def kinds(self, n_keys: tuple[int, ...]) -> Kinds:
        """Rows of so many keys each; those of the last batches are at hand."""
        if n_keys not in self._of_batches:
            while len(self._of_batches) >= _KEPT_KINDS:
                del self._of_batches[next(iter(self._of_batches))]
            self._of_batches[n_keys] = Kinds([self.kind(n) for n in n_keys])
        return self._of_batches[n_keys]

    def drawn(self, n_keys: int, seed: int, stream: int) -> RowArrays:
        """The arrays of one row of a circuit whose wiring is drawn for each row."""
        return read_arrays(self.rebuilt(n_keys, seed, stream).objects)

    def rebuilt(self, n_keys: int, seed: int, stream: int) -> Wiring:
        """One row's objects, made anew."""
        return self._build(n_keys, np.random.default_rng([seed, stream]))[0]

    def _build(self, n_keys: int, rng: np.random.Generator | None = None) -> tuple[Wiring, bool]:
        return _build(self.circuit, n_keys, self.sizes, rng or np.random.default_rng(0))


_templates: dict[object, Template] = {}


def template_of(circuit: Builds, sizes: Mapping[str, int] | None = None) -> Template:
    """Read a circuit, or take it from those read before.

    Raises
    ------
    ValueError, TypeError
        For a circuit that breaks the contract, with its class, the rule, the value and the remedy.
    """
    sizes = dict(sizes or {})
    key = (circuit.template_key(), tuple(sorted(sizes.items())))
    if key not in _templates:
        template = _read(circuit, sizes)
        while len(_templates) >= _KEPT:
            del _templates[next(iter(_templates))]
        _templates[key] = template
    return _templates[key]


def _read(circuit: Builds, sizes: Mapping[str, int]) -> Template:
    wiring, random = _build(circuit, _KEYS, sizes, np.random.default_rng(0))
    check_wiring(circuit, wiring, _KEYS)
    arrays = read_arrays(wiring.objects)
    groups = {name: o for name in arrays.sizes for o in wiring.objects if o.name == name}
    of_keys = {wiring.counts, *([wiring.score_ref.group] if wiring.score_ref else [])}
    return Template(
        circuit=circuit,
        wiring=wiring,
        arrays=arrays,
        start=read_start(
            wiring.start_refs,
            groups,
            wiring.namespace,
            {name: arrays.sizes[name] // _KEYS for name in arrays.sizes if name in of_keys},
        ),
        sizes=sizes,
        random=random,
        unit=arrays.sizes[wiring.counts] // _KEYS,
    )


def _build(
    circuit: Builds, n_keys: int, sizes: Mapping[str, int], rng: np.random.Generator
) -> tuple[Wiring, bool]:
    """One row, and whether random numbers went into its wiring."""
    with building():
        np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002 - what Brian2's rand() draws from
        before = _random_states(rng)
        with refusing_reserved_names(circuit):
            wiring = circuit.build(Row(n_keys, rng, sizes))
        return wiring, _random_states(rng) != before


def _random_states(rng: np.random.Generator) -> tuple[str, int, bytes]:
    """The states of our generator and of the one that Brian2 draws from."""
    brians = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    return repr(rng.bit_generator.state), brians["pos"], brians["key"].tobytes()


def _grown_by(two: RowArrays, three: RowArrays) -> RowArrays | None:
    """What a third key adds, None unless every further key would add the same."""
    sizes = {group: three.sizes[group] - two.sizes[group] for group in two.sizes}
    if three.sizes.keys() != two.sizes.keys() or two.spikes:
        return None
    values = {}
    for ref, held in two.values.items():
        n = sizes[ref.group] if len(held) > 1 or two.sizes[ref.group] == 1 else 0
        added = _added(held, three.values[ref], n)
        if added is None:
            return None
        values[ref] = added
    for ref, index in two.links.items():
        if index.any() or three.links[ref].any():  # all that is linked to the row's one cell reads cell 0
            return None
    if not (set(two.synapses) == two.traits.ordered == three.traits.ordered):
        return None
    for name, synapses in two.synapses.items():
        for part in ("values", "delays_s"):
            for variable, held in getattr(synapses, part).items():
                other = getattr(three.synapses[name], part)[variable]
                if len(held) and not ((held == held[0]).all() and (other == held[0]).all()):
                    return None
    return RowArrays(sizes=sizes, values=values, links={}, ends=two.ends, synapses={})


def _added(two: np.ndarray, three: np.ndarray, n: int) -> np.ndarray | None:
    """The values of the cells that the third key adds, None unless each key has the same."""
    if len(three) != len(two) + n:
        return None
    if n == 0:
        return two[:0] if np.array_equal(two, three) else None
    first, third = two[:n], three[-n:]
    if len(two) != 2 * n:  # part belongs to the row, part to the keys: alike only where all are equal
        return third if (three == three[0]).all() and (two == three[0]).all() else None
    alike = np.array_equal(np.tile(first, 2), two) and np.array_equal(np.tile(first, 3), three)
    return third if alike else None


def _stretched(two: RowArrays, per_key: RowArrays, n_keys: int) -> RowArrays:
    """A row of another number of keys."""
    sizes = {group: size + (n_keys - _KEYS) * per_key.sizes[group] for group, size in two.sizes.items()}

    def values(ref: Ref) -> np.ndarray:
        held, added = two.values[ref], per_key.values[ref]
        if not len(added):
            return held
        if n_keys >= _KEYS:
            return np.concatenate([held, np.tile(added, n_keys - _KEYS)])
        return held[: len(held) - len(added) * (_KEYS - n_keys)]

    return RowArrays(
        sizes=sizes,
        values={ref: values(ref) for ref in two.values},
        links={ref: np.zeros(sizes[ref.group], dtype=np.int64) for ref in two.links},
        ends=two.ends,
        synapses=_AllToAll(two, sizes),
        given_traits=two.traits,
    )


class _AllToAll(Mapping[str, SynapseArrays]):
    """Synapses of each pair of cells, listed only where somebody asks for them."""

    def __init__(self, two: RowArrays, sizes: Mapping[str, int]) -> None:
        self.two, self.sizes = two, sizes

    def __getitem__(self, name: str) -> SynapseArrays:
        n_source, n_target = (self.sizes[end] for end in self.two.ends[name])
        held, number = self.two.synapses[name], n_source * n_target
        return SynapseArrays(
            source=np.repeat(np.arange(n_source), n_target),
            target=np.tile(np.arange(n_target), n_source),
            values={v: np.full(number if len(x) > 1 else len(x), x[0]) for v, x in held.values.items()},
            delays_s={v: np.full(number if len(x) > 1 else len(x), x[0]) for v, x in held.delays_s.items()},
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.two.synapses)

    def __len__(self) -> int:
        return len(self.two.synapses)
