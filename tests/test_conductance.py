"""Conductance-based cells and PING against figures made with Boergers' own programs, on both engines.

The figures: midpoint rule, steps of 0.01 ms, 100 to 500 ms; one network each.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from spiking import Brian2, Engine, Fused, Network, Recorded, simulate_circuit
from spiking.cells.conductance import cells, tau_dq_ms
from spiking.circuits.ping import PING_1, PING_8, TWO_CELLS, Ping
from spiking.measures.synchrony import vector_strength

F_I_Hz = {  # uA/cm2 -> Hz
    "exc": {0.10: 0.0, 0.15: 8.58, 0.30: 19.57, 0.75: 36.45, 1.4: 54.16, 3.0: 89.89},
    "inh": {0.20: 8.62, 0.75: 46.85, 1.5: 82.23},
}
N_NETWORKS, WINDOW_ms = 8, 400.0


def test_a_gate_peaks_when_it_should() -> None:
    """s after one spike, stepped finely: highest at 0.5 ms."""
    for tau_d_ms in (3.0, 9.0):
        dt_ms, s, path = 1e-4, 0.0, []
        for step in range(20_000):
            q = np.exp(-step * dt_ms / tau_dq_ms(tau_d_ms))
            s += dt_ms * (q * (1 - s) / 0.5 - s / tau_d_ms)
            path.append(s)
        assert np.argmax(path) * dt_ms == pytest.approx(0.5, abs=0.002)


FUSED = Fused("float64")


@pytest.fixture(scope="module", params=[Brian2(), FUSED], ids=["brian2", "fused"])
def fired(request: pytest.FixtureRequest) -> Recorded:
    """Cells of both kinds under the currents of the reference, not connected, in one simulation."""

    def build(_: np.random.Generator) -> Network:
        return Network([cells(kind, np.array(list(F_I_Hz[kind])), dt_ms=0.02) for kind in F_I_Hz])

    return simulate_circuit(
        build,
        settle_ms=150,
        duration_ms=400,
        record=tuple(F_I_Hz),
        engine=request.param,
        rng=np.random.default_rng(0),
    )


@pytest.mark.parametrize("kind", ["exc", "inh"])
def test_cells_fire_at_the_rates_of_the_reference(kind: str, fired: Recorded) -> None:
    """Mean interval in 400 ms within half a per cent: the reference gives three figures."""
    expected, spikes = F_I_Hz[kind], fired.spikes[kind]
    for cell, rate_Hz in enumerate(expected.values()):
        time_ms = spikes.time_ms[spikes.cell == cell]
        if rate_Hz == 0:
            assert len(time_ms) == 0
        else:
            assert 1000 / np.diff(time_ms).mean() == pytest.approx(rate_Hz, rel=0.005)


@pytest.mark.parametrize("engine", [Brian2(), FUSED], ids=["brian2", "fused"])
def test_two_cells_keep_the_period_of_the_reference(engine: Engine) -> None:
    """19.869 ms within 0.05 ms: over 5 periods, the step of 0.01 ms alone makes 0.002."""
    ran = simulate_circuit(
        TWO_CELLS.build,
        settle_ms=60,
        duration_ms=120,
        record=("exc",),
        engine=engine,
        rng=np.random.default_rng(0),
    )
    period_ms = np.diff(ran.spikes["exc"].time_ms)
    assert len(period_ms) >= 5
    assert period_ms.mean() == pytest.approx(19.869, abs=0.05)


SMALL = replace(PING_1, n_exc=20, n_inh=8, dt_ms=0.02)


def test_a_random_network_is_the_same_on_both_engines_spike_for_spike() -> None:
    ran = [_run(SMALL, engine, 1, duration_ms=40.0, settle_ms=0.0) for engine in (Brian2(), FUSED)]
    for group in ("exc", "inh"):
        a, b = (r.spikes[group] for r in ran)
        assert len(a.time_ms) > 10
        order = [np.lexsort((s.cell, np.round(s.time_ms / SMALL.dt_ms), s.row)) for s in (a, b)]
        np.testing.assert_array_equal(a.cell[order[0]], b.cell[order[1]])
        np.testing.assert_allclose(a.time_ms[order[0]], b.time_ms[order[1]], atol=1e-6)


def test_a_network_alone_is_the_same_network_in_a_batch_on_any_threads() -> None:
    """Bit for bit, though the networks have different numbers of synapses."""
    options = {"duration_ms": 40.0, "settle_ms": 0.0}
    alone, batch, split = (
        _run(SMALL, Fused("float64", threads), n, **options) for n, threads in ((1, 1), (3, 1), (3, 3))
    )
    np.testing.assert_array_equal(alone.samples["exc.v"][0], batch.samples["exc.v"][0])
    np.testing.assert_array_equal(batch.samples["exc.v"], split.samples["exc.v"])


def _run(network: Ping, engine: Engine, n_networks: int, **options: object) -> Recorded:
    settings: dict[str, object] = {
        "settle_ms": 100.0,
        "duration_ms": WINDOW_ms,
        "record": ("exc", "inh"),
        "sample": ("exc.v",),
        "rng": np.random.default_rng(1),
    }
    return simulate_circuit(network.build, n_networks=n_networks, engine=engine, **{**settings, **options})  # type: ignore[arg-type]


@cache
def _measures(network: Ping, engine: Engine, n_networks: int) -> dict[str, np.ndarray]:
    """Rates, the field's frequency and the vector strength of pooled spikes at it; each (n_networks,)."""
    ran = _run(network, engine, n_networks)
    field = ran.samples["exc.v"].mean(axis=1)
    f_Hz = np.array([_peak_Hz(one) for one in field])
    found = {"f_Hz": f_Hz}
    for group in ("exc", "inh"):
        spikes = ran.spikes[group]
        count = np.bincount(spikes.row, minlength=n_networks)
        phase_rad = 2 * np.pi * f_Hz[spikes.row] * spikes.time_ms / 1000
        found[f"{group} rate_Hz"] = count / ran.n_cells[group] / (WINDOW_ms / 1000)
        found[f"{group} vector strength"] = vector_strength(phase_rad, spikes.row, n_networks)
    return found


def _peak_Hz(field: np.ndarray) -> float:
    """Highest peak of the spectrum between 20 and 100 Hz, of a field sampled every millisecond."""
    power = np.abs(np.fft.rfft(field - field.mean(), 2**14)) ** 2
    f_Hz = np.fft.rfftfreq(2**14, 1e-3)
    band = (f_Hz > 20) & (f_Hz < 100)
    return float(f_Hz[band][power[band].argmax()])


def _assert_one_of(found: dict[str, np.ndarray], reference: dict[str, float]) -> None:
    """The reference network could be one of ours: within 3 standard deviations over networks.

    A window of 400 ms holds 19 or 20 volleys at 48 Hz, which alone spreads a rate by 2.5 / sqrt(12) Hz.
    """
    for name, expected in reference.items():
        spread = np.hypot(found[name].std(ddof=1), 2.5 / np.sqrt(12) if name.endswith("Hz") else 0.0)
        assert abs(expected - found[name].mean()) < 3 * spread, (name, expected, found[name])


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "n_networks"), [(FUSED, N_NETWORKS), (Brian2(), 3)])
def test_ping_keeps_the_rates_and_vector_strengths_of_the_reference(engine: Engine, n_networks: int) -> None:
    found = _measures(replace(PING_1, dt_ms=0.02), engine, n_networks)
    for name, values in found.items():
        print(f"PING_1, {engine.name}: {name} {values.mean():.3f}, spread {values.std(ddof=1):.3f}")
    _assert_one_of(
        found,
        {
            "exc rate_Hz": 47.9,
            "inh rate_Hz": 46.8,
            "f_Hz": 47.7,
            "inh vector strength": 0.954,
            "exc vector strength": 0.761,
        },
    )


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "n_networks"), [(FUSED, N_NETWORKS), (Brian2(), 3)])
def test_drive_to_the_inhibitory_cells_breaks_the_volleys(engine: Engine, n_networks: int) -> None:
    """PING_8 differs a lot from network to network; all are less locked than PING_1, by 3 standard errors."""
    driven = _measures(replace(PING_8, dt_ms=0.02), engine, n_networks)
    ping = _measures(replace(PING_1, dt_ms=0.02), engine, n_networks)
    for name, values in driven.items():
        print(f"PING_8, {engine.name}: {name} {values.mean():.3f}, spread {values.std(ddof=1):.3f}")
    strengths = ("inh vector strength", "exc vector strength")
    _assert_one_of(driven, dict(zip(strengths, (0.171, 0.097), strict=True)))
    for name in strengths:
        gap = ping[name].mean() - driven[name].mean()
        error = np.sqrt((ping[name].var(ddof=1) + driven[name].var(ddof=1)) / n_networks)
        assert gap > 3 * error
