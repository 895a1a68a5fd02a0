"""The gamma circuit: E populations, one per key, race each other; a shared I pool ends every round.

One attention row is n_keys populations of E cells and one pool of I cells (pyramidal-interneuron
network gamma, PING; Whittington, Traub, Kopell, Ermentrout and Buhl 2000). Each cycle the E cells
race, the I pool fires after about a dozen E spikes and stops them all, and the race starts again when
inhibition has decayed. The share of spikes per key is the row's attention.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import brian2 as b2
import numpy as np

from spiking.calibration import effective_gain
from spiking.checks import check_mask, check_scores, known
from spiking.fused_gamma import PRECISIONS, compile_core, count_rows, simulate_rows
from spiking.fused_kernel import Kernel
from spiking.params import GammaParams
from spiking.readout import count_share, spike_share
from spiking.record import Selection, SpikeRecord
from spiking.rhythm import cycles, gamma_peak
from spiking.rows import Layout
from spiking.simulate import FIELD_DT_MS, Core, Recording, building, check_duration, simulate

__all__ = ["ENGINES", "RECORDS", "GammaCircuit", "gamma_core"]

ENGINES = ("fused", "brian2")
RECORDS = ("spikes", "counts")

# Equal weights all to all inside a row: every I cell sees the same sum over E spikes and every E cell
# the same sum over I spikes. So each sum is kept once per row and linked into the cells.
ROW_EQUATIONS = """
    dexc/dt = (exc_in - exc) / tau_rise : 1
    dexc_in/dt = -exc_in / tau_ampa : 1
    dinh/dt = -inh / tau_gaba : 1
    n_inh : 1  # I spikes so far
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


def gamma_core(
    params: GammaParams, layout: Layout, rng: np.random.Generator, *, linked_input: bool = False
) -> Core:
    """Build the rows of `layout` as one block-diagonal set of Brian2 objects.

    The caller sets `exc.u` (a number per cell), or links it when `linked_input`.
    """
    cell, delay = params.cell, params.grid_delay_ms * b2.ms
    initial = initial_state(params, layout.n_total, layout.n_rows, rng)
    clock = b2.Clock(params.dt_ms * b2.ms, name="circuit_clock")
    row = b2.NeuronGroup(layout.n_rows, ROW_EQUATIONS, method="exact", clock=clock, name="row")
    exc = b2.NeuronGroup(
        layout.n_total,
        cell.equations + ROW_INPUT + f"u : 1 ({'linked' if linked_input else 'constant'})",
        threshold=cell.threshold,
        reset=cell.reset,
        method=cell.method,
        clock=clock,
        name="exc",
    )
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
    inh_to_row = b2.Synapses(
        inh, row, on_pre="inh_post += w_ie; n_inh_post += 1", delay=delay, clock=clock, name="inh_to_row"
    )
    inh_to_row.connect(i=np.arange(len(row_of_inh)), j=row_of_inh)
    return Core(exc=exc, inh=inh, row=row, exc_to_row=exc_to_row, inh_to_row=inh_to_row)


def initial_state(
    params: GammaParams, n_exc: int, n_rows: int, rng: np.random.Generator
) -> dict[str, dict[str, np.ndarray]]:
    """State at the start of the settling time: group -> variable -> values of its cells."""
    return {
        "exc": params.cell.initial(n_exc, rng),
        "inh": {"v": rng.uniform(0, 0.5, n_rows * params.n_inh)},
    }


def _structure(params: GammaParams) -> GammaParams:
    """The parameters without those that no equation reads."""
    return replace(params, n_cells=1, temperature=1.0, gain=1.0, feedforward="none", settle_ms=0.0)


@cache
def _one_row(params: GammaParams, precision: str) -> Kernel:
    """The compiled circuit of one row; the number of its cells does not matter."""
    rng = np.random.default_rng(0)  # states of the template are replaced by each row's own
    layout = Layout.of(np.ones((1, 2), dtype=bool), params.n_cells)  # two cells: not one for the row
    with building():
        core = gamma_core(params, layout, rng)
    return compile_core(core, params, initial_state(params, 1, 1, rng), precision=precision)


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
            Measured time, at least one cycle (33.4 ms); the settling time comes before it.
        rng : numpy.random.Generator
            Source of all randomness: same generator state, same spikes.
        mask : (n_rows, n_keys) bool array, optional
            True where a key takes part. Others get no cells, no drive and no weight.
        engine : {"brian2", "fused"}
            Brian2 is the reference. The fused engine compiles the same objects into one kernel and runs the
            rows one by one, many times faster; a row's spikes then depend on the seed and its index alone.
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
        layout = Layout.of(present, self.params.n_cells)
        u = layout.at_populations(score_input(self.params, scores, present))
        options: dict[str, Any] = {"duration_ms": duration_ms, "rng": rng, "progress": progress}
        if engine == "brian2":
            recording = self._brian2(layout, u, **options)
            if record == "spikes":
                return select(recording, present)
            return _counted(recording.spikes.counts(), recording.inh_counts, present, duration_ms, layout)
        kernel = _one_row(_structure(self.params), precision)
        options["threads"] = threads
        if record == "spikes":
            return select(
                simulate_rows(kernel, layout, self.params, u, self._one_row_state, **options), present
            )
        counted = count_rows(kernel, layout, self.params, u, self._one_row_state, **options)
        return _counted(counted.counts, counted.inh_counts, present, duration_ms, layout)

    def _one_row_state(self, n_exc: int, rng: np.random.Generator) -> dict[str, dict[str, np.ndarray]]:
        return initial_state(self.params, n_exc, 1, rng)

    def _brian2(
        self, layout: Layout, u: np.ndarray, *, rng: np.random.Generator, **options: Any
    ) -> Recording:
        """All rows in one Brian2 network; `u` is the input of each population."""
        with building():
            core = gamma_core(self.params, layout, rng)
        core.exc.u = layout.per_cell(u)
        return simulate(core, layout, self.params, rng=rng, **options)


def score_input(params: GammaParams, scores: np.ndarray, present: np.ndarray) -> np.ndarray:
    """What the scores add to the drive of each population, shape (n_rows, n_keys), in circuit units."""
    if params.feedforward == "max":
        scores = scores - np.max(scores, axis=1, keepdims=True, where=present, initial=-np.inf)
    elif params.feedforward == "mean":
        scores = scores - np.mean(scores, axis=1, keepdims=True, where=present)
    return effective_gain(params) / params.temperature * np.where(present, scores, 0.0)


def select(recording: Recording, present: np.ndarray) -> Selection:
    """Read the selection and the rhythm from a recording."""
    share = spike_share(recording.spikes)
    peak = gamma_peak(recording.spikes)
    rhythm = cycles(recording.field, recording.field_dt_ms, peak.f_gamma_Hz)
    return Selection(
        counts=recording.spikes.counts(),
        weights=share.weights,
        silent=share.silent,
        mask=present,
        f_gamma_Hz=peak.f_gamma_Hz,
        n_cycles=rhythm.n_cycles,
        spikes=recording.spikes,
        field=recording.field,
        inh_counts=recording.inh_counts,
        field_dt_ms=recording.field_dt_ms,
        duration_ms=recording.spikes.duration_ms,
    )


def _counted(
    counts: np.ndarray, inh_counts: np.ndarray, present: np.ndarray, duration_ms: float, layout: Layout
) -> Selection:
    """The selection read from counts alone."""
    share = count_share(counts)
    no_spikes = np.empty(0, dtype=np.int32)
    spikes = SpikeRecord(
        row=no_spikes,
        key=no_spikes,
        cell=no_spikes,
        time_ms=np.empty(0),
        n_rows=layout.n_rows,
        n_keys=layout.n_keys,
        n_cells=layout.n_cells,
        duration_ms=float(duration_ms),
    )
    return Selection(
        counts=counts,
        weights=share.weights,
        silent=share.silent,
        mask=present,
        f_gamma_Hz=np.full(layout.n_rows, np.nan),
        n_cycles=np.zeros(layout.n_rows, dtype=np.int64),
        spikes=spikes,
        field=np.empty((layout.n_rows, 0), dtype=np.float32),
        inh_counts=inh_counts,
        field_dt_ms=FIELD_DT_MS,
        duration_ms=float(duration_ms),
    )
