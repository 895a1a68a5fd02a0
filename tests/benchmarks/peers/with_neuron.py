"""The gamma circuit in NEURON: three mechanisms in NMODL (`neuron_mod/`), compiled by nrnivmodl.

All cells are point processes of one section, advanced with the fixed step; a row's sums are read through
pointers and written by events with a delay. A hazard that follows its row's inhibition has no closed form, so
that `ARTIFICIAL_CELL`s, which run from event to event, cannot express it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from protocol import Outcome, Problem, serve


def build(problem: Problem) -> Callable[[int], Outcome]:
    folder = tempfile.mkdtemp(prefix="neuron-")
    shutil.copytree(Path(__file__).parent / "neuron_mod", folder, dirs_exist_ok=True)
    subprocess.run(["nrnivmodl"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    os.chdir(folder)  # where NEURON looks for compiled mechanisms when it is imported
    from neuron import h

    h.load_file("stdrun.hoc")
    h.dt, h.steps_per_ms = problem.dt, round(1 / problem.dt)
    for name, value in {
        "tau_GammaEscape": problem.tau_e,
        "theta_GammaEscape": problem.theta,
        "rho_GammaEscape": problem.rho_0,
        "reset_by_GammaEscape": problem.reset_by,
        "tau_GammaFast": problem.tau_i,
        "w_GammaFast": problem.w_ei,
        "refractory_GammaFast": problem.refractory_steps,
        "tau_rise_GammaRow": problem.tau_rise,
        "tau_ampa_GammaRow": problem.tau_ampa,
        "tau_gaba_GammaRow": problem.tau_gaba,
    }.items():
        setattr(h, name, value)
    section = h.Section(name="all_cells")
    place = section(0.5)
    exc, inh, rows, connections = [], [], [], []
    time_ms, row_of_spike = h.Vector(), h.Vector()
    delay = problem.delay_steps * problem.dt
    for r, scores in enumerate(problem.score_input):
        row = h.GammaRow(place)
        rows.append(row)
        for score in np.repeat(scores, problem.n_cells):
            cell = h.GammaEscape(place)
            cell.input, cell.v_start = problem.drive + score, problem.v_start + score
            cell._ref_inh = row._ref_inh
            connection = _connect(h, cell, row, section, weight=1.0, delay=delay)
            connection.record(time_ms, row_of_spike, r)
            exc.append(cell)
            connections.append(connection)
        for v_th in problem.v_th:
            cell = h.GammaFast(place)
            cell.v_th = v_th
            cell._ref_exc = row._ref_exc
            connections.append(_connect(h, cell, row, section, weight=-problem.w_ie, delay=delay))
            inh.append(cell)

    held = (section, rows, connections)  # NEURON deletes what Python lets go

    def simulate(seed: int) -> Outcome:
        assert held
        for i, cell in enumerate([*exc, *inh]):
            cell.draw.set_ids(i, seed, 0)
            cell.draw.set_seq(0)
        h.finitialize(0)
        h.continuerun(problem.n_steps * problem.dt)
        step = np.clip(np.rint(np.array(time_ms) / problem.dt).astype(int) - 1, 0, problem.n_steps - 1)
        per_step = np.zeros((problem.n_rows, problem.n_steps))
        np.add.at(per_step, (np.array(row_of_spike).astype(int), step), 1)
        counts = np.array([cell.n for cell in exc]).reshape(problem.n_rows, problem.n_keys, -1).sum(2)
        inh_counts = np.array([cell.n for cell in inh]).reshape(problem.n_rows, -1).sum(1)
        return Outcome(counts=counts, inh_counts=inh_counts, per_step=per_step)

    return simulate


def _connect(h, cell, row, section, *, weight: float, delay: float):
    connection = h.NetCon(cell._ref_fires, row, sec=section)
    connection.threshold, connection.weight[0], connection.delay = 0.5, weight, delay
    return connection


if __name__ == "__main__":
    serve(version("neuron"), 1, build)
