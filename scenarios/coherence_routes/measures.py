"""What reaches a receiver: by a matched filter, by spike counts and by a PING circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from scenarios.coherence_routes.senders import (
    DT_MS,
    N_BINS,
    Sender,
    Trials,
    information,
    matched,
    plain,
    predicted,
    send,
)
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Numbers, RunContext
from scenarios.workbench.statistics import Estimate, bootstrap, difference
from scenarios.workbench.tables import column, columns, estimate_column
from spiking.circuits.receiver import Receiver
from spiking.circuits.two_inputs import TwoInputs
from spiking.engines import Brian2, Engine, Fused
from spiking.networks import simulate_circuit

if TYPE_CHECKING:
    from scenarios.coherence_routes import Params

__all__ = [
    "READERS", "REFERENCE_MS", "RIVALS", "Pair", "Study", "at_best",
    "efficiency", "in_data", "in_numbers", "measure_information", "measure_pair", "measure_routing", "receive",
]  # fmt: skip

RIVALS = {
    "asynchronous": "asynchronous rivals",
    "frequency": "rivals at 25 Hz",
    "band": "rivals in the same band",
}
READERS = {
    "matched": "matched filter",
    "plain": "spike counts of the window",
    "ping": "PING receiver",
    "local": "receiver with an I pool for each bin",
    "tonic": "receiver with constant inhibition",
}
RECEIVERS = ("ping", "local", "tonic")
AT_ONCE = 100  # trials simulated together
# of the first spikes of the E cell: Boergers (2017), chapter 38
REFERENCE_MS = (4.753, 27.948, 50.732, 76.135, 101.842, 125.375, 151.691, 176.173, 200.623)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The two cells of chapter 38 under two inputs."""

    spikes_ms: Mapping[str, np.ndarray]  # engine -> end of each E spike
    voltage_mV: np.ndarray  # (n_samples,) of the E cell, every 0.01 ms

    @property
    def off_ms(self) -> float:
        """Largest distance from the printed times, of both engines."""
        n = len(REFERENCE_MS)
        return max(
            float(np.abs(times[:n] - REFERENCE_MS[: len(times)]).max()) for times in self.spikes_ms.values()
        )


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything that was measured."""

    params: Params
    pair: Pair
    found: Mapping[tuple[float, str, str], Estimate]  # information by (kappa, rival, reader)
    theory: Mapping[tuple[float, str, str], float]  # the same of "matched" and "plain"
    spikes: Mapping[tuple[str, str], float]  # of an E cell in a window by (rival, receiver)
    gain: Mapping[
        tuple[float, float], Estimate
    ]  # log gain of the first sender over the second, by (rate, lag)


def measure_pair(duration_ms: float) -> Pair:
    """Simulate the pair on both engines; a spike ends where the voltage falls through -20 mV."""
    spikes = {}
    for name, engine in (("brian2", Brian2()), ("fused", Fused("float64"))):
        voltage = _pair_voltage(engine, duration_ms)
        falls = np.flatnonzero((voltage[:-1] >= -20) & (voltage[1:] < -20))
        share = (voltage[falls] + 20) / (voltage[falls] - voltage[falls + 1])
        spikes[name] = TwoInputs().dt_ms * (falls + share)
    return Pair(spikes_ms=spikes, voltage_mV=voltage)


def _pair_voltage(engine: Engine, duration_ms: float) -> np.ndarray:
    pair = TwoInputs()
    ran = simulate_circuit(
        pair.build, duration_ms=duration_ms, sample=("exc.v",), sample_ms=pair.dt_ms, engine=engine,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    return np.asarray(ran.samples["exc.v"]).ravel() * 1e3


def measure_information(params: Params, ctx: RunContext) -> tuple[dict, dict, dict]:  # type: ignore[type-arg]
    """Information of each reader about the target against each kind of rival."""
    found, theory, spikes = {}, {}, {}
    for kappa in params.kappas:
        for rival in RIVALS:
            senders = (Sender(kappa=kappa), *(_rival(rival, kappa),) * params.rivals)
            near = send(senders, params.n_trials, params.window_ms, ctx.rng, apart_rad=0.2)
            for reader, read in (("matched", matched), ("plain", plain)):
                found[kappa, rival, reader] = information(read(near), near, ctx.rng)
                theory[kappa, rival, reader] = predicted(near, filtered=reader == "matched")
            if kappa == params.kappas[0]:
                apart = send(senders, params.n_received, params.window_ms, ctx.rng, apart_rad=0.6)
                for reader in RECEIVERS:
                    counts = receive(apart, _receiver(reader, apart, ctx.rng), ctx.rng)
                    found[kappa, rival, reader] = information(counts, apart, ctx.rng)
                    spikes[rival, reader] = float(counts.mean() / Receiver().n_exc)
    return found, theory, spikes


def _rival(kind: str, kappa: float) -> Sender:
    return {
        "asynchronous": Sender(kappa=0.0),
        "frequency": Sender(kappa=kappa, f_Hz=25.0),
        "band": Sender(kappa=kappa),
    }[kind]


def _receiver(name: str, trials: Trials, rng: np.random.Generator) -> Receiver:
    if name == "tonic":
        return _as_active(trials, rng)
    return Receiver(local=name == "local")


def _as_active(trials: Trials, rng: np.random.Generator) -> Receiver:
    """The receiver whose constant inhibition lets it fire as often as PING, to a few per cent."""
    some = replace(trials, counts=trials.counts[:40])
    aim = receive(some, Receiver(), rng).sum()
    low, high = 0.0, 20.0
    for _ in range(7):
        middle = Receiver(g_ie_nS=0.0, g_tonic_nS=(low + high) / 2)
        if receive(some, middle, rng).sum() > aim:
            low = middle.g_tonic_nS
        else:
            high = middle.g_tonic_nS
    return middle


def receive(trials: Trials, receiver: Receiver, rng: np.random.Generator) -> np.ndarray:
    """Spikes of the receiver's E cells in the window, (n_trials, N_BINS)."""
    parts = []
    for first in range(0, len(trials.counts), AT_ONCE):
        sent = trials.counts[first : first + AT_ONCE]
        ran = simulate_circuit(
            lambda own, sent=sent: receiver.build(sent, DT_MS, own),  # type: ignore[misc]
            duration_ms=sent.shape[1] * DT_MS,
            record=("exc",),
            rng=rng,
        )
        spikes = ran.spikes["exc"]
        inside = spikes.cell[spikes.time_ms >= trials.start * DT_MS]
        bins = np.bincount(inside // receiver.n_exc, minlength=len(sent) * N_BINS)
        parts.append(bins.reshape(-1, N_BINS))
    return np.concatenate(parts)


def measure_routing(params: Params, ctx: RunContext) -> dict[tuple[float, float], Estimate]:
    """Two senders of one rhythm, the second later by a lag and stronger: whose tuning do the counts follow?"""
    gain = {}
    for rate in params.rates:
        for lag in params.all_lags:
            second = Sender(kappa=params.routing_kappa, follows=0, lag_rad=2 * np.pi * lag, rate=rate)
            trials = send(
                (Sender(kappa=params.routing_kappa), second), params.n_routed, params.window_ms, ctx.rng,
                apart_rad=2 * np.pi / 3,
            )  # fmt: skip
            gain[rate, lag] = _log_gain(receive(trials, Receiver(), ctx.rng), trials, ctx.rng)
    return gain


def _log_gain(counts: np.ndarray, trials: Trials, rng: np.random.Generator) -> Estimate:
    """Log of the slope of the counts on the first sender's tuning over that on the second's."""
    centred = trials.tuned - trials.tuned.mean(axis=2, keepdims=True)

    def log_ratio(rows: np.ndarray) -> float:
        slope, *_ = np.linalg.lstsq(
            centred[rows].transpose(0, 2, 1).reshape(-1, 2), counts[rows].ravel(), rcond=None
        )
        return float(np.log(slope[0] / slope[1])) if (slope > 0).all() else np.nan

    return bootstrap(log_ratio, len(counts), rng, 100)


def efficiency(study: Study, rival: str, reader: str) -> Estimate:
    """Information of a receiver over that of the matched filter."""
    kappa = study.params.kappas[0]
    got, best = study.found[kappa, rival, reader], study.found[kappa, rival, "matched"]
    value = got.value / best.value
    return Estimate(value=value, error=float(np.hypot(got.error, value * best.error) / best.value))


def in_numbers(study: Study) -> Numbers:
    """Every number of the report."""
    lines, kappa = Lines(), study.params.kappas[0]
    apart, band = (study.found[kappa, rival, "matched"].value for rival in ("asynchronous", "band"))
    for rival, said in RIVALS.items():
        lines.add(f"efficiency_{rival}", f"PING receiver's information over the matched filter's, {said}",
                  efficiency(study, rival, "ping"), control=efficiency(study, rival, "plain"),
                  note="control: spike counts of the window")  # fmt: skip
    for (k, rival, reader), got in study.found.items():
        expected = study.theory.get((k, rival, reader))
        lines.add(f"information_{reader}_{rival}_{k:g}",
                  f"information, {READERS[reader]}, {RIVALS[rival]}, kappa {k:g}", got, unit="1/rad²",
                  control=expected, note="" if expected is None else "control: theory")  # fmt: skip
    lines.add("ratio", f"asynchronous over same-band rivals, matched filter, kappa {kappa:g}", apart / band)
    for (rival, reader), each in study.spikes.items():
        lines.add(
            f"spikes_{reader}_{rival}", f"spikes of an E cell, {READERS[reader]}, {RIVALS[rival]}", each
        )
    for (rate, lag), gain in study.gain.items():
        lines.add(f"gain_{rate:g}_{lag:g}", f"log gain, second sender x {rate:g}, {lag:g} cycles later", gain)
    lines.add("chapter_38", "largest distance from the printed spike times", study.pair.off_ms, unit="ms")
    return lines.metrics


def at_best(study: Study, rate: float) -> tuple[float, Estimate]:
    """The lag that favours the first sender most, and its gain less that without a lag."""
    lags = study.params.lags
    best = max(lags, key=lambda lag: np.nan_to_num(study.gain[rate, lag].value, nan=-np.inf))
    return best, difference(study.gain[rate, best], study.gain[rate, 0.0])


def in_data(study: Study) -> xr.Dataset:
    """Information by synchrony, rival and reader; routing by rate and lag; the pair's voltage."""
    params, missing = study.params, Estimate(value=np.nan, error=np.nan)
    found = [
        [[study.found.get((k, rival, reader), missing) for reader in READERS] for rival in RIVALS]
        for k in params.kappas
    ]
    gain = [[study.gain[rate, lag] for lag in params.all_lags] for rate in params.rates]
    return xr.Dataset(
        {
            **estimate_column("information", ("kappa", "rival", "reader"), found,
                              "information about the target's direction", "1/rad²"),
            **estimate_column("gain", ("rate", "lag"), gain, "log gain of the first sender over the second"),
            **columns("time", "mV", voltage=study.pair.voltage_mV[::10]),
        },
        {
            "kappa": column("kappa", params.kappas, "concentration of the rhythm"),
            "rival": list(RIVALS),
            "reader": list(READERS),
            "rate": column("rate", params.rates, "rate of the second sender over the first's"),
            "lag": column("lag", params.all_lags, "lag of the second sender (cycles)"),
            "time": column("time", np.arange(len(study.pair.voltage_mV[::10])) * 0.1, "time", "ms"),
        },
    )  # fmt: skip
