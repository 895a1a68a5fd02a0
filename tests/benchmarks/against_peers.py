"""The same rows in other simulators: their speed beside the fused engine's, and that their circuit is the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from spiking import Engine, EscapeRate, EventDriven, Fused, GammaCircuit, GammaParams, SpikeRecord
from spiking.measures.rhythm import gamma_peak
from tests.benchmarks.table import Table, cpu_seconds, markdown, spread

PARAMS = GammaParams(n_cells=20, gain=1.0, settle_ms=0.0)
N_ROWS, N_KEYS, DURATION_MS, REPEATS = 256, 8, 1000.0, 3
REFERENCES = 8
THREADS = min(2, os.cpu_count() or 1)
PEERS = ("annarchy", "nengo", "neuron", "norse", "snntorch", "sparx")
APART = ("sparx",)  # in an environment for itself, which is missing where Python is too old for it
ENVIRONMENT, SCRIPTS = Path(".bench"), Path(__file__).parent / "peers"
FUSED = "fused engine"
OURS = {FUSED: Fused(threads=THREADS), "event-driven engine": EventDriven(threads=THREADS)}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One simulation of all rows."""

    seconds: float
    cpu_s: float
    counts: np.ndarray  # (n_rows, n_keys)
    inh_counts: np.ndarray  # (n_rows,)
    per_step: np.ndarray  # (n_rows, n_steps), E spikes


class Peer:
    """A simulator in its own process, which stays alive between simulations."""

    def __init__(self, name: str, problem: Path) -> None:
        path = os.pathsep.join([str((ENVIRONMENT / "bin").absolute()), os.environ["PATH"]])
        self._process = subprocess.Popen(
            [str(_python(name)), str(SCRIPTS / f"with_{name}.py"), str(problem)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PATH": path},
        )
        self.name = name
        self.facts = self._answer()  # version, threads, build_s

    def run(self, seed: int) -> Run:
        with tempfile.TemporaryDirectory(prefix="fortyhertz-") as folder:
            file = Path(folder) / "outcome.npz"
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"seed": seed, "file": str(file)}) + "\n")
            self._process.stdin.flush()
            taken = self._answer()
            with np.load(file) as outcome:
                return Run(**taken, **{name: outcome[name] for name in outcome.files})

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # what a simulator says when it is imported is no answer
                return dict(json.loads(line))
        raise RuntimeError(
            f"{self.name} ended without an answer; run {SCRIPTS.name}/with_{self.name}.py by hand"
        )


def _python(name: str) -> Path:
    """The interpreter of a peer."""
    return (ENVIRONMENT / name if name in APART else ENVIRONMENT) / "bin" / "python"


def run() -> Table:
    """Seconds of every peer that could be started, the fused engine's over them, and the comparison of spikes."""
    if not (ENVIRONMENT / "bin" / "python").exists():
        sys.exit(f"{ENVIRONMENT} holds no environment with the peers; run: make bench-peers")
    scores = np.random.default_rng(0).normal(0, 1.5, (N_ROWS, N_KEYS))
    rng = np.random.default_rng(1)
    with _peers(_problem(scores)) as peers:
        ways: dict[str, Callable[[int], Run]] = {
            **{name: partial(_ours, engine, scores) for name, engine in OURS.items()},
            **{peer.name: peer.run for peer in peers},
        }
        for name in OURS:
            ways[name](0)
        runs: dict[str, list[Run]] = {name: [] for name in ways}
        for seed in range(REPEATS):
            for i in rng.permutation(len(ways)):
                name = list(ways)[i]
                runs[name].append(
                    ways[name](100 * int(i) + seed)
                )  # Norse and snnTorch draw from one generator
        facts = {peer.name: peer.facts for peer in peers}
    references = [ways[FUSED](seed) for seed in range(1000, 1000 + REFERENCES)]
    return Table(
        setting=f"{N_ROWS} rows x {N_KEYS} keys x {PARAMS.n_cells} cells, dt {PARAMS.dt_ms} ms, "
        f"{DURATION_MS:g} ms; warm, {REPEATS} rounds, each peer in a process of its own: median (range).",
        head=(
            "",
            "version",
            "threads",
            "built in, s",
            "s",
            "CPU s",
            "million cell-steps/s",
            "fused over it",
            "in CPU time",
        ),
        lines=tuple(_speed(name, runs, facts.get(name)) for name in runs),
        below=(
            f"The same circuit? Spikes of the first round against {REFERENCES} other runs of the fused engine on "
            "the same rows: mean over rows, and in brackets the paired difference in standard errors. The last "
            "columns are chi-square per degree of freedom of the keys' counts, and KL(share || softmax) over its "
            "floor.",
            markdown(
                ("", "E spikes per row and s", "I spikes", "gamma, Hz", "chi-square / dof", "KL / floor"),
                [_sameness(name, runs[name][0], references, scores) for name in runs],
            ),
        ),
    )


@contextmanager
def _peers(problem: dict[str, Any]) -> Iterator[list[Peer]]:
    """All peers, built one after the other."""
    with tempfile.TemporaryDirectory(prefix="fortyhertz-") as folder, ExitStack() as stack:
        file = Path(folder) / "problem.json"
        file.write_text(json.dumps(problem), encoding="utf-8")
        peers = []
        for name in filter(lambda name: _python(name).exists(), PEERS):
            peers.append(Peer(name, file))
            stack.callback(peers[-1].close)
        yield peers


def _problem(scores: np.ndarray) -> dict[str, Any]:
    """The fields of `peers.protocol.Problem`."""
    cell = PARAMS.cell
    assert isinstance(cell, EscapeRate)
    return {
        "n_cells": PARAMS.n_cells,
        "n_steps": round(DURATION_MS / PARAMS.dt_ms),
        "dt": PARAMS.dt_ms,
        "delay_steps": round(PARAMS.grid_delay_ms / PARAMS.dt_ms),
        "threads": THREADS,
        "tau_e": cell.tau_ms,
        "drive": cell.drive,
        "theta": cell.theta,
        "v_start": cell.theta / 4,
        "rho_0": cell.rho_0_per_ms,
        "reset_by": cell.reset_by,
        "tau_i": PARAMS.tau_i_ms,
        "tau_rise": PARAMS.tau_rise_ms,
        "tau_ampa": PARAMS.tau_ampa_ms,
        "tau_gaba": PARAMS.tau_gaba_ms,
        "refractory": PARAMS.refractory_ms,
        "w_ei": PARAMS.w_ei,
        "w_ie": PARAMS.inhibition / PARAMS.n_inh,
        "v_th": (1 + PARAMS.inh_spread * np.linspace(-1, 1, PARAMS.n_inh)).tolist(),
        "score_input": GammaCircuit(PARAMS).score_input(scores, np.ones(scores.shape, dtype=bool)).tolist(),
    }


def _ours(engine: Engine, scores: np.ndarray, seed: int) -> Run:
    began, cpu_before = time.perf_counter(), cpu_seconds()
    selection = GammaCircuit(PARAMS).attend(
        scores,
        duration_ms=DURATION_MS,
        rng=np.random.default_rng(seed),
        engine=engine,
    )
    seconds, cpu_s = time.perf_counter() - began, cpu_seconds() - cpu_before
    per_step = np.zeros((N_ROWS, round(DURATION_MS / PARAMS.dt_ms)))
    step = np.rint(selection.spikes.time_ms / PARAMS.dt_ms).astype(int)
    np.add.at(per_step, (selection.spikes.row, step), 1)
    return Run(
        seconds=seconds,
        cpu_s=cpu_s,
        counts=selection.counts,
        inh_counts=selection.other_counts["inh"],
        per_step=per_step,
    )


def _speed(name: str, runs: dict[str, list[Run]], facts: dict[str, Any] | None) -> tuple[str, ...]:
    seconds, cpu_s = np.array([(run.seconds, run.cpu_s) for run in runs[name]]).T
    steps = N_ROWS * N_KEYS * PARAMS.n_cells * DURATION_MS / PARAMS.dt_ms / 1e6
    fused = np.array([run.seconds for run in runs[FUSED]])
    about = ("", str(THREADS), "")
    if facts is not None:
        about = (facts["version"], str(facts["threads"]), f"{facts['build_s']:.1f}")
    return (
        name,
        *about,
        spread(seconds),
        spread(cpu_s),
        spread(steps / seconds, 1),
        spread(seconds / fused, 1),
        spread(cpu_s / np.array([run.cpu_s for run in runs[FUSED]]), 1),
    )


def _sameness(name: str, run: Run, references: list[Run], scores: np.ndarray) -> tuple[str, ...]:
    per_s = 1000 / DURATION_MS
    return (
        name,
        _paired(run.counts.sum(1) * per_s, [other.counts.sum(1) * per_s for other in references]),
        _paired(run.inh_counts * per_s, [other.inh_counts * per_s for other in references]),
        _paired(_gamma_Hz(run), [_gamma_Hz(other) for other in references]),
        f"{_chi_square(run.counts, np.sum([other.counts for other in references], axis=0)):.2f}",
        f"{_over_floor(run.counts, scores):.2f}",
    )


def _paired(values: np.ndarray, references: list[np.ndarray]) -> str:
    """Mean, and the mean difference between the same rows in standard errors."""
    difference = values - np.mean(references, axis=0)
    difference = difference[np.isfinite(difference)]
    z = difference.mean() / (difference.std(ddof=1) / np.sqrt(len(difference)))
    return f"{np.nanmean(values):.1f} ({z:+.1f})"


def _gamma_Hz(run: Run) -> np.ndarray:
    """Each spike counts as a cell's only one: what the peers hand out does not name the cells."""
    row, step = np.nonzero(run.per_step)
    spikes = run.per_step[row, step].astype(int)
    n = int(spikes.sum())
    record = SpikeRecord.of_spikes(
        row=np.repeat(row, spikes),
        cell=np.arange(n),
        time_ms=np.repeat(step, spikes) * PARAMS.dt_ms,
        n_rows=N_ROWS,
        n_cells=n,
        duration_ms=DURATION_MS,
    )
    return gamma_peak(record).f_gamma_Hz


def _chi_square(counts: np.ndarray, reference: np.ndarray) -> float:
    """Two-sample statistic of the keys' counts per degree of freedom, over all rows."""
    both = counts + reference
    share = counts.sum(1, keepdims=True) / both.sum(1, keepdims=True)
    kept = both > 0
    expected = np.where(kept, both * share, 1)
    other = np.where(kept, both * (1 - share), 1)
    difference = np.where(kept, counts - expected, 0)
    return float((difference**2 * (1 / expected + 1 / other)).sum() / (kept.sum() - len(both)))


def _over_floor(counts: np.ndarray, scores: np.ndarray) -> float:
    """Mean KL(share || softmax) over (K - 1) / 2N."""
    n = counts.sum(1)
    share = counts / n[:, None]
    target = softmax(scores, axis=1)
    ratio = np.where(share > 0, share / target, 1)
    return float(np.mean((share * np.log(ratio)).sum(1) / ((N_KEYS - 1) / (2 * n))))
