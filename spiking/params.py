"""Parameters of the gamma circuit, and the one function that gives them their Brian2 units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from brian2 import Quantity, ms

from spiking.cells import CELLS, CellModel, EscapeRate, RegularCell
from spiking.checks import known, positive_int, positive_within, shown, within

__all__ = [
    "FEEDFORWARD",
    "GAINS",
    "MOST_CELLS",
    "PARAMETER_SETS",
    "TEMPERATURES",
    "GammaParams",
    "check_cell",
]

MOST_CELLS = 100_000
FEEDFORWARD = ("max", "mean", "none")
TEMPERATURES = (1e-6, 1e6)  # the precision of float32 on either side
GAINS = (1e-6, 1e6)
EQUAL = 1e-6  # relative difference of two time constants that count as equal


def check_cell(owner: str, cell: object, dt_ms: float) -> None:
    """Raise unless `cell` is a cell model whose membrane the time step follows (Euler's method)."""
    named = ("equations", "threshold", "reset", "namespace", "tau_ms", "drive", "theta")
    if isinstance(cell, type) or not all(hasattr(cell, name) for name in named):
        raise TypeError(
            f"{owner}.cell must be a cell model, got {shown(cell)}; "
            "use EscapeRate(), DiffusiveLIF() or RegularCell()."
        )
    positive_within(owner, "cell.tau_ms", getattr(cell, "tau_ms", None), dt_ms, 1e5)


@dataclass(frozen=True, kw_only=True)
class GammaParams:
    """One attention row: `n_cells` E cells per key, one I pool shared by all keys.

    `temperature` is the softmax temperature that the caller gets. The circuit reaches it by scaling
    scores with gain / temperature; `gain` is 1 by the race law and a few per cent more where resets
    deplete the winner. None takes the stored calibration of the shipped parameters.

    Softmax does not change when a row's scores all rise together; feedforward inhibition that grows with
    the input gives the circuit the same freedom (Pouille, Marin-Burgin, Adesnik, Atallah and Scanziani
    2009). With "none" the loop alone holds the total, and only over a few units of score.
    """

    n_cells: int = 40  # E cells per key; more cells, less depletion of the winner
    temperature: float = 1.0  # of the softmax that the spike share estimates
    gain: float | None = None  # correction that bridge.calibrate measures; None: the stored calibration
    cell: CellModel = field(default_factory=EscapeRate)
    feedforward: str = "max"  # feedforward inhibition takes out the row's "max" or "mean" score, or "none"

    n_inh: int = 10  # I cells, shared by all keys of the row
    tau_i_ms: float = 2.0  # I membrane in the high-conductance state (fast-spiking cells)
    inh_spread: float = 0.3  # I thresholds lie evenly in 1 +- this: bigger volleys recruit more I cells
    refractory_ms: float = 3.0  # of I cells
    w_ei: float = 4.0  # E to I: a handful of E spikes within a few ms fires the I cells; 0 cuts the loop
    tau_rise_ms: float = 0.5  # AMPA on fast-spiking cells (Geiger et al. 1997)
    tau_ampa_ms: float = 1.0  # AMPA decay on fast-spiking cells (Geiger et al. 1997)
    inhibition: float = 10.0  # I to E: fall in E input, in scores, when every I cell fires once
    tau_gaba_ms: float = 8.0  # GABA_A decay; sets the period (Bartos, Vida and Jonas 2007)
    delay_ms: float = 1.0  # axonal and synaptic delay, both ways

    dt_ms: float = 0.1
    settle_ms: float = 100.0  # simulated before the measured window, so that membranes settle

    def __post_init__(self) -> None:
        for name in ("n_cells", "n_inh"):
            positive_int("GammaParams", name, getattr(self, name), MOST_CELLS)
            object.__setattr__(self, name, int(getattr(self, name)))  # a small NumPy integer would overflow
        positive_within("GammaParams", "temperature", self.temperature, *TEMPERATURES)
        for name in ("tau_i_ms", "tau_rise_ms", "tau_ampa_ms", "tau_gaba_ms", "refractory_ms"):
            positive_within("GammaParams", name, getattr(self, name), 1e-3, 1e5)
        for name in ("delay_ms", "dt_ms"):
            positive_within("GammaParams", name, getattr(self, name), 1e-3, 1e3)
        if self.gain is not None:
            positive_within("GammaParams", "gain", self.gain, *GAINS)
        known("GammaParams.feedforward", self.feedforward, FEEDFORWARD)
        within("GammaParams", "inh_spread", self.inh_spread, 0.0, 0.95)
        within("GammaParams", "w_ei", self.w_ei, 0.0, 1e3)
        within("GammaParams", "inhibition", self.inhibition, 0.0, 1e3)
        within("GammaParams", "settle_ms", self.settle_ms, 0.0, 1e5)
        check_cell("GammaParams", self.cell, self.dt_ms)
        if self.dt_ms > min(0.5 * self.delay_ms, self.tau_rise_ms):
            raise ValueError(
                f"GammaParams.dt_ms must be <= delay_ms / 2 = {0.5 * self.delay_ms} and tau_rise_ms = "
                f"{self.tau_rise_ms}, got {self.dt_ms}; use 0.1 or less."
            )

    @classmethod
    def brief(cls, **changes: Any) -> GammaParams:
        """The cheapest circuit whose rows of about 64 spikes are a softmax: two cycles at 40 Hz.

        Against the shipped circuit: 10 cells a key in place of 40, volleys three times as large (a quarter of
        the `w_ei`), a quarter of the reset, so that few cells deplete little, 0.5 ms steps, and membranes that
        begin with their score in them in place of 100 ms to settle. Its gain is calibrated for rows that end
        after 64 spikes; with fewer than some 33 a row ends within its first volley, before inhibition.

        Parameters
        ----------
        **changes
            Fields that differ; those but `n_cells`, `temperature`, `feedforward`, `dt_ms` and `settle_ms`
            have no stored calibration.
        """
        settings: dict[str, Any] = {
            "n_cells": 10,
            "cell": EscapeRate(reset_by=0.25),
            "w_ei": 1.0,
            "dt_ms": 0.5,
            "settle_ms": 0.0,
        }
        return cls(**{**settings, **changes})

    @classmethod
    def regular(cls, **changes: Any) -> GammaParams:
        """A circuit of regular cells at 40 Hz: the same softmax, with a fraction of the error per spike.

        Ten cells a key do, since spikes deplete nothing; the gain is 1 by the race law.
        """
        settings: dict[str, Any] = {
            "n_cells": 10,
            "gain": 1.0,
            "cell": RegularCell(),
            "dt_ms": 0.25,
        }
        return cls(**{**settings, **changes})

    @classmethod
    def regular_brief(cls, **changes: Any) -> GammaParams:
        """The cheapest circuit of regular cells for rows that end after a number of spikes.

        As `brief`: larger volleys, longer steps, membranes that begin with their score in them and need not settle.
        More drive makes volleys denser: 64 spikes over 14 keys are one volley of 10 ms, in which the I cells fire
        once or twice; the rhythm of longer rows stays at 41 Hz. The law does not depend on it.
        """
        settings: dict[str, Any] = {
            "n_cells": 10,
            "gain": 1.0,
            "cell": RegularCell(drive=15.0),
            "w_ei": 1.0,
            "dt_ms": 0.5,
            "settle_ms": 0.0,
        }
        return cls(**{**settings, **changes})

    @property
    def grid_delay_ms(self) -> float:
        """The delay less one step, which the grid adds by itself.

        A spike is noticed half a step late on average, and the sum that it changes is read by its targets
        half a step later still. Without this correction halving dt_ms from 0.1 moves the rate by 3.6 %.
        """
        return self.delay_ms - self.dt_ms

    @property
    def _tau_rise_apart_ms(self) -> float:
        """The rise time, a millionth off the decay time where both are equal.

        The exact solution of a rise and a decay divides by their difference. Its limit for equal times, the alpha
        function t exp(-t / tau), is approached to the same millionth.
        """
        if abs(self.tau_rise_ms / self.tau_ampa_ms - 1) > EQUAL:
            return self.tau_rise_ms
        return self.tau_ampa_ms * (1 - EQUAL)

    def namespace(self) -> dict[str, Quantity | float | Any]:
        """The constants of the circuit's equations, with their dimensions, for Brian2."""
        return {
            **self.cell.namespace(),
            "tau_i": self.tau_i_ms * ms,
            "tau_rise": self._tau_rise_apart_ms * ms,
            "tau_ampa": self.tau_ampa_ms * ms,
            "tau_gaba": self.tau_gaba_ms * ms,
            "refractory": self.refractory_ms * ms,
            "w_ei": self.w_ei,
            "w_ie": self.inhibition / self.n_inh,
        }


PARAMETER_SETS: Mapping[str, GammaParams] = {  # with a stored calibration, or a gain of 1
    **{name: GammaParams(cell=cell()) for name, cell in CELLS.items()},
    "brief": GammaParams.brief(),
    "regular": GammaParams.regular(),
    "regular-brief": GammaParams.regular_brief(),
}
