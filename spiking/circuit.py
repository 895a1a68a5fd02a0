"""The contract of a circuit: its author writes one row as Brian2 objects, and everything else follows."""

from __future__ import annotations

import copy
import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Self

import numpy as np

from spiking.batch import Batch, Own
from spiking.budget import Budget
from spiking.checks import check_mask, check_scores, positive_within
from spiking.engines import Engine, EventDriven, Fused
from spiking.engines.fused.parts import Program
from spiking.fill import taking_part
from spiking.kinds import Kinds
from spiking.measures.selection import select
from spiking.params import GAINS, TEMPERATURES
from spiking.probe import probe
from spiking.record import Selection
from spiking.refs import Ref
from spiking.relative import relative_scores
from spiking.rows import Layout
from spiking.running import run_batch, wanted
from spiking.streams import Streams
from spiking.template import Template, template_of
from spiking.wiring import Row, Wiring
from spiking.wiring_check import check_constants

__all__ = ["RowCircuit", "row_program"]


class RowCircuit(ABC):
    """A circuit that attends: write `build`, one row as Brian2 objects.

    From that alone rows of any number of keys are simulated side by side on both engines, with masks, budgets,
    random streams and progress, and `fit`, `compare`, `calibrate`, `count`, `SpikingHead`, `swap` and the Hugging
    Face attention take the circuit. Give a subclass that has parameters `@dataclass(frozen=True, kw_only=True)`,
    so that circuits of equal parameters are read once; with fields `temperature` and `gain` it can be calibrated.

    Examples
    --------
    Winner-take-all with one inhibitory cell, whole:

    >>> from dataclasses import dataclass
    >>> import brian2 as b2, numpy as np
    >>> from brian2 import ms
    >>> from spiking import Row, RowCircuit, Wiring
    >>> @dataclass(frozen=True, kw_only=True)
    ... class OneInhibitor(RowCircuit):
    ...     n_cells: int = 10
    ...     drive: float = 12.0
    ...     temperature: float = 1.0
    ...     gain: float = 1.0
    ...     def build(self, row: Row) -> Wiring:
    ...         exc = b2.NeuronGroup(
    ...             row.n_keys * self.n_cells,
    ...             '''dv/dt = (drive + u - g - v) / (10*ms) : 1
    ...                dg/dt = -g / (8*ms) : 1
    ...                dh/dt = exp(v - 10) / ms : 1
    ...                q : 1
    ...                u : 1 (constant)''',
    ...             threshold="h > q", reset="v -= 1; h = 0; q = -log(rand())",
    ...             method="euler", dt=0.1 * ms, name="exc", namespace={"drive": self.drive},
    ...         )
    ...         inh = b2.NeuronGroup(1, "dv/dt = -v / (2*ms) : 1", threshold="v > 5", reset="v = 0",
    ...                              method="exact", dt=0.1 * ms, name="inh")
    ...         excite = b2.Synapses(exc, inh, on_pre="v_post += 1", delay=1 * ms, dt=0.1 * ms, name="excite")
    ...         inhibit = b2.Synapses(inh, exc, on_pre="g_post += 10", delay=1 * ms, dt=0.1 * ms, name="inhibit")
    ...         excite.connect(); inhibit.connect()
    ...         return Wiring([exc, inh, excite, inhibit], scores="exc.u", counts="exc", field="exc.g",
    ...                       start={"exc.v": "5 * rand()", "exc.q": "-log(rand())"}, settle_ms=100)
    >>> selection = OneInhibitor().attend(np.array([[1.0, 0.0, -1.0]]), spikes=200, rng=np.random.default_rng(0))
    >>> bool(selection.counts[0, 0] > selection.counts[0, 2])
    True
    """

    temperature = 1.0  # of the softmax that the spike share is to follow; divides the scores
    gain = 1.0  # correction of that, measured by `bridge.calibrate`

    def __init__(self) -> None:
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check the circuit; a dataclass calls this once its fields are set."""
        self.check()

    @abstractmethod
    def build(self, row: Row) -> Wiring:
        """Make the Brian2 objects of one row, and say what they mean."""

    def score_input(self, scores: np.ndarray, present: np.ndarray) -> np.ndarray:
        """What each key receives, (n_rows, n_keys): by default gain / temperature x (score - the row's maximum).

        Softmax does not change when all scores of a row rise together; feedforward inhibition that grows with
        the input gives a circuit the same freedom (Pouille et al. 2009).

        Parameters
        ----------
        scores : (n_rows, n_keys) array
        present : (n_rows, n_keys) bool array
            True where a key takes part.
        """
        return relative_scores(scores, present, *self.relative_to())

    def relative_to(self) -> tuple[float, str]:
        """The factor on scores, and what they are taken relative to in their row (`spiking.relative`)."""
        return self.gain / self.temperature, "max"

    @property
    def is_relative(self) -> bool:
        """Whether keys receive scores as `relative_to` says: the class leaves `score_input` as it is."""
        return type(self).score_input is RowCircuit.score_input

    def template_key(self) -> object:
        """What tells circuits apart that have to be read each for itself; equal keys share their objects."""
        if "__dataclass_fields__" in vars(type(self)):
            try:
                hash(self)
                return type(self), self
            except TypeError:  # a field that cannot be hashed, such as an array
                pass
        return type(self), id(self)

    def varied(self, **changes: object) -> Self:
        """The same circuit with other parameters, such as `temperature`."""
        missing = [name for name in changes if not hasattr(self, name)]
        if missing:
            raise TypeError(
                f"{type(self).__name__} has no parameter {missing[0]!r}; give the class a field of that name."
            )
        if dataclasses.is_dataclass(self):
            fields = {field.name for field in dataclasses.fields(self) if field.init}
            if fields >= changes.keys():
                return dataclasses.replace(self, **changes)
        twin = copy.copy(self)
        for name, value in changes.items():
            object.__setattr__(twin, name, value)
        return twin

    def check(self) -> None:
        """Raise unless the circuit keeps the contract and, in a short probe, spikes as cells do.

        Raises
        ------
        ValueError, TypeError
            With the class, the rule, the value and the remedy.
        """
        owner = type(self).__name__
        positive_within(owner, "temperature", self.temperature, *TEMPERATURES)
        positive_within(owner, "gain", self.gain, *GAINS)
        template = template_of(self)
        if not template.probed and template.wiring.scores is not None:
            probe(
                self,
                template,
                lambda scores, budget: self._attended(template, scores, Streams(0), budget, Fused()),
            )
            template.probed = True

    def why_stepped(self) -> str | None:
        """What the circuit lacks if the engine `EventDriven` has to step its counted cells; None if it need not."""
        template = template_of(self)
        return EventDriven().why_stepped(_two_keys(self, template), template.wiring.sampled)

    def attend(
        self,
        scores: np.ndarray,
        *,
        rng: np.random.Generator | Streams,
        duration_ms: float | None = None,
        spikes: int | None = None,
        budget: Budget | None = None,
        mask: np.ndarray | None = None,
        constants: Mapping[str, np.ndarray] | None = None,
        record: str = "spikes",
        engine: Engine = EventDriven(),
        progress: Callable[[float], None] | None = None,
    ) -> Selection:
        """Let the keys of each row compete.

        Parameters
        ----------
        scores : (n_rows, n_keys) array
            Relevances before the softmax.
        rng : numpy.random.Generator or Streams
            Source of all randomness: same generator state, same spikes. `Streams` (fused engine) gives each row
            its own number instead, so that its spikes are the same in any batch.
        duration_ms : float, optional
            Measured time, at least one cycle (33.4 ms); with `spikes` the limit of it.
        spikes : int, optional
            A row ends with the time step in which its counted spike of this number falls.
        budget : Budget, optional
            In place of the last two.
        mask : (n_rows, n_keys) bool array, optional
            True where a key takes part. Others get no cells, no drive and no weight. A fill value such as -1e9
            masks its key too, with a warning (`spiking.fill`).
        constants : mapping, optional
            "group.variable" -> (n_rows,) values, in SI units, of a parameter that differs between rows.
        record : {"spikes", "counts", "all"}
            With "counts" no spike times are kept: `spikes` and `field` are empty, `f_gamma_Hz` is nan and
            `n_cycles` 0, and memory does not grow with the duration. With "all" the spikes of all other groups
            are kept as well, in `other_spikes`.
        engine : Engine
            `EventDriven()`, which steps only cells that have to be stepped (`why_stepped`), `Fused()`, which steps
            all, or the reference `Brian2()`.
        progress : callable, optional
            Called with the fraction that is done: of simulated time (Brian2) or of the rows (fused).

        Returns
        -------
        Selection

        Raises
        ------
        ValueError, TypeError
            For scores, masks, limits and engines that cannot be simulated.
        """
        template = template_of(self)
        if template.wiring.scores is None:
            raise TypeError(f"{type(self).__name__} takes no scores, since its Wiring has scores=None.")
        budget = Budget.of(budget, duration_ms, spikes)
        return self._attended(
            template, scores, rng, budget, engine,
            mask=mask, constants=constants, record=record, progress=progress,
        )  # fmt: skip

    def _attended(
        self,
        template: Template,
        scores: np.ndarray,
        rng: np.random.Generator | Streams,
        budget: Budget,
        engine: Engine,
        *,
        mask: np.ndarray | None = None,
        constants: Mapping[str, np.ndarray] | None = None,
        record: str = "spikes",
        progress: Callable[[float], None] | None = None,
    ) -> Selection:
        scores = check_scores(scores)
        temperature = self.temperature
        present = (
            taking_part(scores, mask, temperature=temperature)
            if self.is_relative
            else check_mask(scores, mask)
        )
        given = check_constants(self, template.arrays.values, constants or {}, len(scores))
        wiring = template.wiring
        layout = Layout.of(present, template.unit)
        assert wiring.scores is not None
        score = Ref.read(wiring.scores)

        def by_key(rows: range) -> np.ndarray:
            some = slice(rows.start, rows.stop)
            return layout.at_populations(np.asarray(self.score_input(scores[some], present[some])), rows)

        def inputs(rows: range) -> Own:
            n_keys = layout.n_present[rows.start : rows.stop]
            return {
                score: np.repeat(by_key(rows), template.per_key(score.group)),
                **{
                    ref: np.repeat(values[rows.start : rows.stop], template.n_values(ref, n_keys))
                    for ref, values in given.items()
                },
            }

        batch = self.batch(layout, Streams.of(rng), frozenset({score, *given}), inputs)
        batch = dataclasses.replace(batch, score=score, at_keys=by_key, start=template.start)
        recorded = run_batch(template, batch, budget, record, engine, rng, progress)
        return select(recorded, layout, present, budget, counted=wiring.counts, field=wiring.field_ref)

    def batch(
        self,
        layout: Layout,
        streams: Streams,
        varied: frozenset[Ref] | set[Ref] = frozenset(),
        inputs: Callable[[range], Own] = lambda rows: {},
        sizes: Mapping[str, int] | None = None,
    ) -> Batch:
        """The rows of a layout as both engines take them.

        Parameters
        ----------
        layout : Layout
        streams : Streams
        varied : set of Ref
            Variables that `inputs` hands over besides the start's.
        inputs : callable
            Rows -> values of those variables, one row after another.
        sizes : mapping, optional
            Sizes of inputs other than scores.
        """
        template = template_of(self, sizes)
        n_keys = layout.n_present
        numbers = streams.numbers(layout.n_rows)
        if template.random:
            kinds = Kinds(
                [template.drawn(int(n), streams.seed, int(s)) for n, s in zip(n_keys, numbers, strict=True)]
            )
            kind_of = np.arange(layout.n_rows)
        else:
            different, kind_of = np.unique(n_keys, return_inverse=True)
            kinds = template.kinds(tuple(different.tolist()))

        def own(rows: range, only: Collection[Ref] | None) -> Own:
            begin = template.start.needed(only)
            brought = only is None or bool(varied & (template.start.reads(begin) | set(only)))
            given = inputs(rows) if brought else {}
            begun = template.start.values(
                given,
                lambda ref: batch.values(ref, rows, {}),
                {group: batch.n_cells(group)[rows.start : rows.stop] for group in template.arrays.sizes},
                seed=streams.seed,
                streams=numbers[rows.start : rows.stop],
                only=begin,
            )
            return {**given, **begun}

        batch = Batch(
            objects=template.wiring.objects,
            namespace=template.wiring.namespace,
            kinds=kinds,
            kind_of=kind_of,
            streams=streams,
            counted=template.wiring.counts,
            unit=template.unit,
            varied=frozenset(varied) | frozenset(template.start.expressions),
            own=own,
            rebuild=lambda row: template.rebuilt(int(n_keys[row]), streams.seed, int(numbers[row])).objects,
        )
        return batch


def _two_keys(circuit: RowCircuit, template: Template) -> Batch:
    """A row of two keys, to be read and never run."""
    layout, score = Layout.of(np.ones((1, 2), dtype=bool), template.unit), template.wiring.score_ref
    batch = circuit.batch(layout, Streams(0), frozenset({score} if score else ()))
    return dataclasses.replace(batch, score=score, start=template.start)


@lru_cache(maxsize=256)
def row_program(circuit: RowCircuit, stepped: bool = True) -> Program:
    """What one row's circuit computes at every step, with all cells stepped or as `EventDriven` runs it.

    Raises
    ------
    ValueError
        For what the fused engine does not cover.
    """
    template = template_of(circuit)
    batch = _two_keys(circuit, template)
    engine = Fused() if stepped else EventDriven()
    return engine.compiled(batch, wanted(template, Budget(spikes=1), "spikes")).program
