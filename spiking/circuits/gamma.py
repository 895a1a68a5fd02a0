"""The gamma circuit: E populations, one per key, race each other; a shared I pool ends every round.

One attention row is n_keys populations of E cells and one pool of I cells (pyramidal-interneuron
network gamma, PING; Whittington, Traub, Kopell, Ermentrout and Buhl 2000). Each cycle the E cells
race, the I pool fires after about a dozen E spikes and stops them all, and the race starts again when
inhibition has decayed. The share of spikes per key is the row's attention.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import brian2 as b2
import numpy as np

from spiking.calibration import effective_gain
from spiking.cells import Noise
from spiking.checks import check_mask, check_scores, check_streams, known, positive_int
from spiking.circuits.gamma_rows import PRECISIONS, Counted, compile_core, count_rows, simulate_rows
from spiking.circuits.selection import select, select_counted
from spiking.engines.brian2 import ENGINES, Core, Recording, building, check_duration, simulate
from spiking.engines.fused.kernel import Kernel
from spiking.engines.fused.parts import Program
from spiking.params import GammaParams
from spiking.record import Selection
from spiking.rows import Layout

__all__ = ["ENGINES", "RECORDS", "GammaCircuit", "gamma_core", "initial_state", "row_program", "structure"]

RECORDS = ("spikes", "counts")

# Equal weights all to all inside a row: every I cell sees the same sum over E spikes and every E cell
# the same sum over I spikes. So each sum is kept once per row and linked into the cells.
ROW_EQUATIONS = """
    dexc/dt = (exc_in - exc) / tau_rise : 1
    dexc_in/dt = -exc_in / tau_ampa : 1
    dinh/dt = -inh / tau_gaba : 1
"""
INH_EQUATIONS = """
    dv/dt = (w_ei * exc - v) / tau_i : 1 (unless refractory)
    exc : 1 (linked)
    v_th : 1 (constant)
"""
# Each E cell keeps a copy of its row's inhibition, fetched at the start of a step: the fetch is a gather,
# and without one beside it the compiler turns the exponential of the state update into SIMD.
ROW_INPUT = """
    inh : 1
    inh_row : 1 (linked)
"""
FETCH = "inh = inh_row"


def gamma_core(params: GammaParams, layout: Layout, rng: np.random.Generator, u: np.ndarray | None) -> Core:
    """Build the rows of `layout` as one block-diagonal set of Brian2 objects.

    `u` is the input of each population, or None where the caller links `exc.u` to what changes in time.
    """
    cell, delay = params.cell, params.grid_delay_ms * b2.ms
    at_cells = layout.per_cell(np.zeros(layout.n_populations) if u is None else u)
    initial = initial_state(params, at_cells, layout.n_rows, rng, rng)
    clock = b2.Clock(params.dt_ms * b2.ms, name="circuit_clock")
    row = b2.NeuronGroup(layout.n_rows, ROW_EQUATIONS, method="exact", clock=clock, name="row")
    exc = b2.NeuronGroup(
        layout.n_total,
        cell.equations + ROW_INPUT + f"u : 1 ({'linked' if u is None else 'constant'})",
        threshold=cell.threshold,
        reset=cell.reset,
        method=cell.method,
        clock=clock,
        name="exc",
    )
    if u is not None:
        exc.u = at_cells
    row_of_exc = layout.per_cell(layout.row_of_population).astype(int)
    exc.inh_row = b2.linked_var(row, "inh", index=row_of_exc)
    exc.run_regularly(FETCH, when="start", name="exc_fetch")

    inh = b2.NeuronGroup(
        layout.n_rows * params.n_inh,
        INH_EQUATIONS,
        threshold="v > v_th",
        reset="v = 0",
        refractory=params.refractory_ms * b2.ms,
        method="exact",
        clock=clock,
        name="inh",
    )
    row_of_inh = np.repeat(np.arange(layout.n_rows), params.n_inh)
    inh.exc = b2.linked_var(row, "exc", index=row_of_inh)
    for group, state in ((exc, "exc"), (inh, "inh")):
        for name, values in initial[state].items():
            setattr(group, name, values)
    spread = np.linspace(-1, 1, params.n_inh) if params.n_inh > 1 else np.zeros(1)
    inh.v_th = np.tile(1 + params.inh_spread * spread, layout.n_rows)

    exc_to_row = b2.Synapses(exc, row, on_pre="exc_in_post += 1", delay=delay, clock=clock, name="exc_to_row")
    exc_to_row.connect(i=np.arange(layout.n_total), j=row_of_exc)
    inh_to_row = b2.Synapses(inh, row, on_pre="inh_post += w_ie", delay=delay, clock=clock, name="inh_to_row")
    inh_to_row.connect(i=np.arange(len(row_of_inh)), j=row_of_inh)
    return Core(exc=exc, inh=inh, row=row, exc_to_row=exc_to_row, inh_to_row=inh_to_row)


def initial_state(
    params: GammaParams, u: np.ndarray, n_rows: int, exc_noise: Noise, inh_noise: Noise
) -> dict[str, dict[str, np.ndarray]]:
    """State at the start of the settling time: group -> variable -> values of its cells.

    `u` is the input of each E cell. The membrane is linear, so a constant input adds itself to the voltage:
    with it there from the start (`primed`), the first spike is already a sample of the softmax.
    """
    exc = params.cell.initial(len(u), exc_noise)
    if params.primed:
        exc["v"] += u
    return {
        "exc": exc,
        "inh": {"v": inh_noise.uniform(0, 0.5, n_rows * params.n_inh)},
    }


def structure(params: GammaParams) -> GammaParams:
    """The parameters without those that no equation reads."""
    return replace(
        params, n_cells=1, temperature=1.0, gain=1.0, feedforward="none", settle_ms=0.0, primed=False
    )


@cache
def _one_row(params: GammaParams, precision: str) -> Kernel:
    """The compiled circuit of one row; the number of its cells does not matter."""
    rng = np.random.default_rng(0)  # states of the template are replaced by each row's own
    layout = Layout.of(np.ones((1, 2), dtype=bool), params.n_cells)  # two cells: not one for the row
    with building():
        core = gamma_core(params, layout, rng, np.zeros(2))
    return compile_core(core, params, initial_state(params, np.zeros(1), 1, rng, rng), precision=precision)


def row_program(params: GammaParams, precision: str = "float32") -> Program:
    """What one row's circuit computes at every step, as both engines run it."""
    return _one_row(structure(params), precision).program


@dataclass(frozen=True)
class GammaCircuit:
    """Synchrony-based attention: scores in, spike shares out.

    Examples
    --------
    >>> import numpy as np
    >>> from spiking import GammaCircuit, GammaParams
    >>> circuit = GammaCircuit(GammaParams(n_cells=40, temperature=1.0))
    >>> scores = np.array([[1.0, 0.0, -1.0]])
    >>> selection = circuit.attend(scores, duration_ms=500, rng=np.random.default_rng(0))
    >>> selection.weights.shape
    (1, 3)
    """

    params: GammaParams = field(default_factory=GammaParams)

    def attend(
        self,
        scores: np.ndarray,
        *,
        duration_ms: float,
        rng: np.random.Generator,
        mask: np.ndarray | None = None,
        spikes: int | None = None,
        streams: np.ndarray | None = None,
        engine: str = "fused",
        precision: str = "float32",
        record: str = "spikes",
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Selection:
        """Let the keys of each row compete for `duration_ms`.

        Parameters
        ----------
        scores : (n_rows, n_keys) array
            Relevances before the softmax.
        duration_ms : float
            Measured time, at least one cycle (33.4 ms); the settling time comes before it. With `spikes` it
            is the limit.
        rng : numpy.random.Generator
            Source of all randomness: same generator state, same spikes.
        mask : (n_rows, n_keys) bool array, optional
            True where a key takes part. Others get no cells, no drive and no weight.
        spikes : int, optional
            A row ends with the time step in which its E spike of this number falls, so that it costs no more
            time than it needs. Each spike is a sample of the softmax whatever the common time course
            (the race law), and the rule looks at the total alone, never at which key fired, and finishes the
            step: so it biases no key, and the weights are those of a multinomial of at least so many draws.
            Rows whose limit came first are marked in `Selection.unfinished`, each row's time is in `row_ms`.
            Such rows are short and of different lengths: `f_gamma_Hz` is nan and `n_cycles` 0.
        streams : (n_rows,) array of integers >= 0, optional
            Keys each row's randomness on the fused engine: the same state of `rng`, stream and scores give
            the same spikes in any batch. The rows' numbers 0, 1, ..., unless given. Rows that share a stream
            share their noise.
        engine : {"fused", "brian2"}
            Brian2 is the reference. The fused engine compiles the same objects into one kernel and runs the
            rows one by one, many times faster; a row's spikes then depend on the seed and its stream alone.
        precision : {"float32", "float64"}
            Of the fused engine. Brian2 always computes in float64.
        record : {"spikes", "counts"}
            With "counts" no spike times are kept: `spikes` and `field` are empty, `f_gamma_Hz` is nan and
            `n_cycles` 0. On the fused engine memory then does not grow with the duration.
        threads : int, optional
            Of the fused engine; as many as there are cores, unless given. They change no spike.
        progress : callable, optional
            Called with the fraction that is done: of simulated time (Brian2) or of the rows (fused).

        Returns
        -------
        Selection

        Raises
        ------
        ValueError, TypeError
            For scores, masks, durations and engines that cannot be simulated.
        """
        for name, value, names in (
            ("engine", engine, ENGINES),
            ("precision", precision, PRECISIONS),
            ("record", record, RECORDS),
        ):
            known(name, value, names)
        scores = check_scores(scores)
        present = check_mask(scores, mask)
        check_duration(duration_ms)
        if spikes is not None:
            positive_int("attend", "spikes", spikes)
        layout = Layout.of(present, self.params.n_cells)
        u = layout.at_populations(score_input(self.params, scores, present))
        options: dict[str, Any] = {
            "duration_ms": duration_ms,
            "spikes": spikes,
            "rng": rng,
            "progress": progress,
        }
        if engine == "brian2":
            if streams is not None:
                raise ValueError(
                    'streams are of the fused engine, got engine="brian2"; use engine="fused" or leave them out.'
                )
            recording = self._brian2(layout, u, **options)
            if record == "spikes":
                return select(recording, present, spikes)
            counted = Counted(
                counts=recording.spikes.counts(), inh_counts=recording.inh_counts, row_ms=recording.row_ms
            )
            return select_counted(counted, present, layout, duration_ms, spikes)
        options |= {"threads": threads, "streams": check_streams(streams, len(scores))}
        initial = partial(initial_state, self.params)
        rows = (_one_row(structure(self.params), precision), layout, self.params, u, initial)
        if record == "spikes":
            return select(simulate_rows(*rows, **options), present, spikes)
        return select_counted(count_rows(*rows, **options), present, layout, duration_ms, spikes)

    def _brian2(
        self, layout: Layout, u: np.ndarray, *, rng: np.random.Generator, **options: Any
    ) -> Recording:
        """All rows in one Brian2 network; `u` is the input of each population."""
        with building():
            core = gamma_core(self.params, layout, rng, u)
        return simulate(core, layout, self.params, rng=rng, **options)


def score_input(params: GammaParams, scores: np.ndarray, present: np.ndarray) -> np.ndarray:
    """What the scores add to the drive of each population, shape (n_rows, n_keys), in circuit units."""
    if params.feedforward == "max":
        scores = scores - np.max(scores, axis=1, keepdims=True, where=present, initial=-np.inf)
    elif params.feedforward == "mean":
        scores = scores - np.mean(scores, axis=1, keepdims=True, where=present)
    return effective_gain(params) / params.temperature * np.where(present, scores, 0.0)
