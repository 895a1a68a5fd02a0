"""One row of scores at every temperature and inhibition of a grid, with the loop and without at the same rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.special import softmax

from scenarios.workbench.competition import Competition
from scenarios.workbench.progress import Progress, silent
from spiking import Engine, EventDriven, GammaCircuit, Selection, gamma_off
from spiking.calibration import effective_gain

__all__ = ["INHIBITION", "TEMPERATURES", "Grid", "Seen", "simulate"]

TEMPERATURES = (0.5, 0.7, 1.0, 1.4, 2.0)  # times that of the circuit
INHIBITION = (0.4, 0.7, 1.0, 1.5, 2.0)  # times that of the circuit
MATCH_ROWS, MATCH_ms = 8, 500.0  # on which the control's rate is matched


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the row did at one setting."""

    temperature: float
    inhibition: float  # scores per volley of all I cells
    loop: bool
    selection: Selection | None  # of one row, all spikes recorded; None: no drive gives the loop's rate

    def competition(self, scores: np.ndarray) -> Competition:
        """The row against the softmax at this temperature."""
        assert self.selection is not None
        return Competition(
            selection=self.selection, scores=scores[None] / self.temperature, reference_Hz=np.nan
        )


@dataclass(frozen=True, kw_only=True)
class Grid:
    """All settings, temperature first, then inhibition, then with the loop and without."""

    scores: np.ndarray  # (n_keys,)
    temperatures: tuple[float, ...]
    inhibitions: tuple[float, ...]
    seen: tuple[Seen, ...]
    dt_ms: float
    n_cells: int  # E cells per key
    n_inh: int
    duration_ms: float

    def target(self) -> np.ndarray:
        """Softmax of the scores at each temperature, (n_temperatures, n_keys)."""
        return softmax(self.scores / np.array(self.temperatures)[:, None], axis=1)


def simulate(
    circuit: GammaCircuit,
    scores: np.ndarray,
    *,
    duration_ms: float,
    rng: np.random.Generator,
    engine: Engine = EventDriven(),
    temperatures: Sequence[float] = TEMPERATURES,
    inhibition: Sequence[float] = INHIBITION,
    progress: Progress | None = None,
) -> Grid:
    """Simulate the row at each setting; every setting has random numbers to itself.

    Parameters
    ----------
    circuit : GammaCircuit
        The centre of the grid, with its loop.
    scores : (n_keys,) array
        Of the one row.
    duration_ms : float
    rng : numpy.random.Generator
        Is spawned from, so that what is drawn from it later does not change.
    engine : Engine
    temperatures, inhibition : sequence of float
        Factors on those of the circuit.
    progress : Progress, optional

    Returns
    -------
    Grid
    """
    of, progress = circuit.params, progress or silent()
    settings = list(product(temperatures, inhibition))
    seen: list[Seen] = []
    for n, ((hotter, stronger), own) in enumerate(zip(settings, rng.spawn(len(settings)), strict=True)):
        warm = replace(of, temperature=of.temperature * hotter)
        # The gain corrects for resets, which stronger or weaker inhibition leaves as they are.
        set_to = replace(warm, inhibition=of.inhibition * stronger, gain=effective_gain(warm))
        seen += _pair(GammaCircuit(set_to), scores, duration_ms, own, engine)
        progress((n + 1) / len(settings))
    return Grid(
        scores=np.asarray(scores, dtype=float),
        temperatures=tuple(of.temperature * factor for factor in temperatures),
        inhibitions=tuple(of.inhibition * factor for factor in inhibition),
        seen=tuple(seen),
        dt_ms=of.dt_ms,
        n_cells=of.n_cells,
        n_inh=of.n_inh,
        duration_ms=duration_ms,
    )


def _pair(
    circuit: GammaCircuit, scores: np.ndarray, duration_ms: float, rng: np.random.Generator, engine: Engine
) -> list[Seen]:
    """One setting with its loop, and with E to I cut at the drive that gives the same rate."""
    with_loop, without, matching = rng.spawn(3)
    many = np.tile(scores, (MATCH_ROWS, 1))
    try:
        control = gamma_off(circuit, many, duration_ms=MATCH_ms, rng=matching, engine=engine).circuit
    except RuntimeError:  # silent, or no drive matches: the page says so
        control = None
    return [
        Seen(
            temperature=circuit.params.temperature,
            inhibition=circuit.params.inhibition,
            loop=loop,
            selection=None
            if of is None
            else of.attend(scores[None], duration_ms=duration_ms, rng=own, engine=engine, record="all"),
        )
        for loop, of, own in ((True, circuit, with_loop), (False, control, without))
    ]
