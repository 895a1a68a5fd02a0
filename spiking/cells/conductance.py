"""Conductance-based cells: Traub-Miles E cells and Wang-Buzsaki I cells.

Equations after C. Boergers, An Introduction to Modeling Neuronal Dynamics (Springer 2017): the reduced
Traub-Miles cell (chapter 5), the Wang-Buzsaki cell (Wang and Buzsaki 1996, with the sodium activation at its
equilibrium), and synapses with a gate s that a spike opens through q (chapter 20). Every gate belongs to the
presynaptic cell, so that a cell reads sums over gates: of all cells, or of those that it is connected to.

Rates of the form x / (1 - exp(-x)) are written with exprel(x) = (exp(x) - 1) / x, which is smooth at 0.
"""

from __future__ import annotations

from functools import cache

import brian2 as b2
import numpy as np
from brian2 import cm, ms, msiemens, mV, uA
from scipy.integrate import quad
from scipy.optimize import brentq

from spiking.checks import known

__all__ = [
    "ACTION_POTENTIAL",
    "CELLS",
    "CONSTANT_CURRENT",
    "MEMBRANES",
    "SYNAPTIC_CURRENT",
    "TRAUB_MILES",
    "WANG_BUZSAKI",
    "cells",
    "gate_constants",
    "gate_sum",
    "spread_start",
    "tau_dq_ms",
]

_CHANNELS = """
    dh/dt = alpha_h * (1 - h) - beta_h * h : 1
    dn/dt = alpha_n * (1 - n) - beta_n * n : 1
    m_inf = alpha_m / (alpha_m + beta_m) : 1
"""
_GATE = """
    dq/dt = 0.5 * (1 + tanh(v / (10*mV))) * (1 - q) / (0.1*ms) - q / tau_dq : 1
    ds/dt = q * (1 - s) / tau_r - s / tau_d : 1
"""
CONSTANT_CURRENT = "i_app : amp/meter**2 (constant)"
_TRAUB_MILES_MEMBRANE = (
    """
    dv/dt = (100*msiemens/cm**2 * m_inf**3 * h * (50*mV - v) + 80*msiemens/cm**2 * n**4 * (-100*mV - v)
             + 0.1*msiemens/cm**2 * (-67*mV - v) + i_syn + i_app) / (1*ufarad/cm**2) : volt
    alpha_m = 1.28/ms / exprel(-(v + 54*mV) / (4*mV)) : Hz
    beta_m = 1.4/ms / exprel((v + 27*mV) / (5*mV)) : Hz
    alpha_h = 0.128/ms * exp(-(v + 50*mV) / (18*mV)) : Hz
    beta_h = 4/ms / (1 + exp(-(v + 27*mV) / (5*mV))) : Hz
    alpha_n = 0.16/ms / exprel(-(v + 52*mV) / (5*mV)) : Hz
    beta_n = 0.5/ms * exp(-(v + 57*mV) / (40*mV)) : Hz
"""
    + _CHANNELS
)
_WANG_BUZSAKI_MEMBRANE = (
    """
    dv/dt = (35*msiemens/cm**2 * m_inf**3 * h * (55*mV - v) + 9*msiemens/cm**2 * n**4 * (-90*mV - v)
             + 0.1*msiemens/cm**2 * (-65*mV - v) + i_syn + i_app) / (1*ufarad/cm**2) : volt
    alpha_m = 1/ms / exprel(-(v + 35*mV) / (10*mV)) : Hz
    beta_m = 4/ms * exp(-(v + 60*mV) / (18*mV)) : Hz
    alpha_h = 0.35/ms * exp(-(v + 58*mV) / (20*mV)) : Hz
    beta_h = 5/ms / (1 + exp(-(v + 28*mV) / (10*mV))) : Hz
    alpha_n = 0.5/ms / exprel(-(v + 34*mV) / (10*mV)) : Hz
    beta_n = 0.625/ms * exp(-(v + 44*mV) / (80*mV)) : Hz
"""
    + _CHANNELS
)
TRAUB_MILES = _TRAUB_MILES_MEMBRANE + _GATE
WANG_BUZSAKI = _WANG_BUZSAKI_MEMBRANE + _GATE
MEMBRANES = {"exc": _TRAUB_MILES_MEMBRANE, "inh": _WANG_BUZSAKI_MEMBRANE}  # without gates of synapses
ACTION_POTENTIAL = {"threshold": "v > -20*mV", "refractory": "v > -20*mV"}  # for a group: each counts once
SYNAPTIC_CURRENT = """
    i_syn = g_e * (0*mV - v) + g_i * (-75*mV - v) : amp/meter**2
    g_e : siemens/meter**2  # sums over the gates of the presynaptic cells
    g_i : siemens/meter**2
"""
CELLS = {"exc": TRAUB_MILES, "inh": WANG_BUZSAKI}
TAU_D_ms = {"exc": 3.0, "inh": 9.0}  # decay of AMPA and GABA_A
TAU_R_ms = TAU_PEAK_ms = 0.5  # of both


@cache
def tau_dq_ms(tau_d_ms: float) -> float:
    """Decay time of q that lets s peak `TAU_PEAK_ms` after a spike, which leaves q = 1 and s = 0."""

    def slope_at_peak(tau_dq: float) -> float:
        def opened(t: float) -> float:  # integral of the rate at which s relaxes
            return tau_dq * (1 - np.exp(-t / tau_dq)) / TAU_R_ms + t / tau_d_ms

        def weight(t: float) -> float:
            return np.exp(-t / tau_dq) / TAU_R_ms * np.exp(opened(t) - opened(TAU_PEAK_ms))

        s = quad(weight, 0, TAU_PEAK_ms)[0]
        return np.exp(-TAU_PEAK_ms / tau_dq) * (1 - s) / TAU_R_ms - s / tau_d_ms

    return float(brentq(slope_at_peak, 0.01, 100.0))


def gate_constants(kind: str) -> dict[str, b2.Quantity]:
    """The time constants of the gates of one kind of cell, "exc" or "inh"."""
    return {
        "tau_dq": tau_dq_ms(TAU_D_ms[kind]) * ms,
        "tau_r": TAU_R_ms * ms,
        "tau_d": TAU_D_ms[kind] * ms,
    }


def cells(
    kind: str, drive: np.ndarray, dt_ms: float, rng: np.random.Generator | None = None
) -> b2.NeuronGroup:
    """Cells of one kind, "exc" or "inh", each under a constant current.

    Parameters
    ----------
    kind : {"exc", "inh"}
    drive : (n_cells,) array
        uA/cm2.
    dt_ms : float
    rng : numpy.random.Generator, optional
        Spreads the voltages at the start from -75 to -55 mV, with h and n at their equilibrium there, so
        that cells begin out of step. Without it all begin at -75 mV and h = n = 0.1.
    """
    known("kind of cells", kind, CELLS)
    group = b2.NeuronGroup(
        len(drive),
        CELLS[kind] + SYNAPTIC_CURRENT + CONSTANT_CURRENT,
        **ACTION_POTENTIAL,
        method="rk2",
        clock=b2.Clock(dt_ms * ms, name=f"{kind}_clock"),
        name=kind,
        namespace=gate_constants(kind),
    )
    if rng is None:
        group.v, group.h, group.n = -75 * mV, 0.1, 0.1
    else:
        group.v = rng.uniform(-75, -55, len(drive)) * mV
        group.h, group.n = "alpha_h / (alpha_h + beta_h)", "alpha_n / (alpha_n + beta_n)"
    group.i_app = drive * uA / cm**2
    return group


def gate_sum(source: b2.NeuronGroup, target: b2.NeuronGroup, g_each_mS_cm2: float) -> b2.Synapses:
    """Synapses, not yet connected, through which `target` sums the gates of `source` into g_e or g_i.

    Each open gate adds `g_each_mS_cm2`, in mS/cm2; the groups are called "exc" and "inh".
    """
    return b2.Synapses(
        source,
        target,
        f"g_{source.name[0]}_post = g_each * s_pre : siemens/meter**2 (summed)",
        clock=target.clock,
        name=f"{source.name}_to_{target.name}",
        namespace={"g_each": g_each_mS_cm2 * msiemens / cm**2},
    )


def spread_start() -> dict[str, str]:
    """Start values of groups "exc" and "inh": voltages from -75 to -55 mV, h and n at their equilibrium there."""
    start = {f"{kind}.v": "(-75 + 20 * rand()) * mV" for kind in CELLS}
    return start | {f"{kind}.{x}": f"alpha_{x} / (alpha_{x} + beta_{x})" for kind in CELLS for x in "hn"}
