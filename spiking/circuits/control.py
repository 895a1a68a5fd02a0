"""The control for every claim about the rhythm: no loop, same mean rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spiking.calibration import effective_gain
from spiking.checks import check_kind, check_progress, check_rng, positive, positive_int
from spiking.circuits.gamma import GammaCircuit
from spiking.engines import Engine, EventDriven

__all__ = ["RateMatched", "cut_loop", "gamma_off"]


@dataclass(frozen=True, kw_only=True)
class RateMatched:
    """A gamma-off circuit and how well its rate was matched."""

    circuit: GammaCircuit
    target_Hz: float  # mean spikes per row and second with the loop
    reached_Hz: float  # the same without the loop, at the matching drive

    @property
    def mismatch(self) -> float:
        """Relative error of the rate."""
        return self.reached_Hz / self.target_Hz - 1.0


def cut_loop(circuit: GammaCircuit) -> GammaCircuit:
    """The same circuit with E to I cut and nothing else changed: the I pool falls silent."""
    check_kind("circuit", circuit, GammaCircuit, "use GammaCircuit()")
    return GammaCircuit(replace(circuit.params, w_ei=0.0, gain=effective_gain(circuit.params)))


def gamma_off(
    circuit: GammaCircuit,
    scores: np.ndarray,
    *,
    duration_ms: float,
    rng: np.random.Generator,
    mask: np.ndarray | None = None,
    engine: Engine = EventDriven(),
    tolerance: float = 0.02,
    max_steps: int = 12,
    progress: Callable[[float], None] | None = None,
) -> RateMatched:
    """Cut E to I and lower the drive until the mean rate over rows is what it was.

    One drive serves all rows, as with the loop. The log rate is nearly linear in the drive, so a
    secant on it, kept inside a shrinking bracket, needs a handful of short simulations.

    Parameters
    ----------
    circuit : GammaCircuit
        The circuit with its loop.
    scores, duration_ms, mask, engine
        As in `GammaCircuit.attend`; the rates are measured on these rows for this long.
    rng : numpy.random.Generator
    tolerance : float
        Relative mismatch of the mean rate that ends the search.

    Returns
    -------
    RateMatched

    Raises
    ------
    RuntimeError
        If no drive comes within ten times the tolerance.
    """
    check_kind("circuit", circuit, GammaCircuit, "use GammaCircuit()")
    check_rng(rng)
    check_progress(progress)
    positive("gamma_off", "tolerance", tolerance, remedy="use a relative mismatch such as 0.02")
    positive_int("gamma_off", "max_steps", max_steps)
    seed = int(rng.integers(2**63))
    calls = 0

    def rate_Hz(candidate: GammaCircuit) -> float:
        nonlocal calls
        calls += 1
        if progress is not None:
            progress(min(calls / (max_steps / 2), 1.0))
        selection = candidate.attend(
            scores, duration_ms=duration_ms, rng=np.random.default_rng(seed), mask=mask, engine=engine
        )
        return float(selection.counts.sum(axis=1).mean() / duration_ms * 1000)

    def at_drive(drive: float) -> GammaCircuit:
        return GammaCircuit(replace(cut.params, cell=cut.params.cell.with_drive(drive)))

    target = rate_Hz(circuit)
    if target == 0:
        raise RuntimeError(
            "the circuit with its loop is silent, so there is no rate to match; raise its drive."
        )
    cut = cut_loop(circuit)
    high = circuit.params.cell.drive
    low = high - 2 * circuit.params.cell.theta
    drive, best = high - 0.6 * circuit.params.cell.theta, None
    previous: tuple[float, float] | None = None
    for _ in range(max_steps):
        reached = rate_Hz(at_drive(drive))
        error = np.log(max(reached, 1e-3) / target)
        if best is None or abs(error) < abs(np.log(max(best.reached_Hz, 1e-3) / target)):
            best = RateMatched(circuit=at_drive(drive), target_Hz=target, reached_Hz=reached)
        if abs(error) < tolerance:
            break
        low, high = (drive, high) if error < 0 else (low, drive)
        slope = (error - previous[1]) / (drive - previous[0]) if previous else 1.0
        previous = (drive, error)
        step = drive - error / slope if slope > 0.05 else np.inf
        drive = step if low < step < high else 0.5 * (low + high)
    assert best is not None
    if abs(best.mismatch) > 10 * tolerance:
        raise RuntimeError(
            f"no drive matched the rate: reached {best.reached_Hz:.1f} of {target:.1f} spikes/s; "
            "simulate longer or more rows."
        )
    return best
