"""Who gets into a workspace: k slots, k spikes, or as many as fire before inhibition ends the volley."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.heads.first_keys import FirstKeys
from bridge.heads.named import circuit_named
from pragmatic.machines.working_memory import DEALS, Fit, answer_error, fit_deal
from scenarios.workbench.outcome import RunContext
from spiking import Budget, EscapeRate, GammaCircuit, GammaParams, RowCircuit, SpikeRecord, cut_loop

if TYPE_CHECKING:
    from scenarios.workspace import Params

__all__ = ["DEALT", "Stored", "cued", "deal_copies", "first_spikes", "stored"]

Copies = Callable[[int], np.ndarray]  # number of items -> (n_trials, n_items) copies of each

DEALT = ("slots", "resource", "random", "regular", "sampled")  # ways of as many copies as there are slots

# A sparse volley: few cells under a weak drive, each of whose spikes moves the I cells much
SPARSE = GammaParams.brief(
    cell=EscapeRate(drive=10.0, reset_by=0.25), w_ei=8.0, n_cells=4, gain=1.0, dt_ms=0.25
)
VOLLEY_ms = 200.0  # within which the I cells fire for the first time
CYCLE_ms = 34.0  # of the control, whose volley nothing ends
FINE_ms = 0.1
SAME_STEP = 3  # times the spikes wanted, so that those of the last time step can be drawn by lot


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What one way to fill a workspace leaves, at each number of items."""

    known: dict[int, np.ndarray]  # n_items -> (n_trials,) share of the items that have a copy
    copies: dict[int, np.ndarray]  # n_items -> (n_trials,) copies of the item asked for
    errors: dict[int, np.ndarray]  # n_items -> (n_trials,) rad, of the answers from noisy copies
    fits: dict[str, Fit]  # of each theory, where as many copies were dealt as there are slots


def stored(params: Params, ctx: RunContext) -> dict[str, Stored]:
    """Fill workspaces in every way, and ask for one item each time."""
    ways = _ways(params, ctx)
    done = {}
    for at, (name, copies) in enumerate(ways.items()):
        done[name] = _asked(params, copies, ctx.rng, DEALS if name in DEALT else ())
        ctx.progress((at + 1) / len(ways))
    return done


def cued(params: Params, ctx: RunContext) -> dict[str, np.ndarray]:
    """Raise one item's score before storage: (n_scores, n_trials) bool, whether it was among the first k."""
    circuits = {"first": _for_few(params.row_circuit()), "first regular": _for_few(regular())}
    n = params.items[-1]
    if "spiking" not in params.heads or params.slots > n:  # then every item is stored
        return {}
    done = {}
    for name, circuit in circuits.items():
        select = FirstKeys(circuit, params.slots, ctx.rng, ctx.engine)
        scores = np.zeros((len(params.cues), params.trials, n))
        scores[:, :, 0] = np.array(params.cues)[:, None]
        chosen = select.select(scores.reshape(-1, n)).chosen
        done[name] = chosen[:, 0].reshape(len(params.cues), params.trials)
    return done


def regular() -> RowCircuit:
    """The circuit whose cells take turns, next to the one in question."""
    return circuit_named("regular-brief", temperature=1.0, n_cells=None)


def _for_few(circuit: RowCircuit) -> RowCircuit:
    """The circuit for rows of a few spikes, whose order counts: fine steps, and no correction for depletion."""
    if not isinstance(circuit, GammaCircuit):
        return circuit
    return circuit.varied(gain=1.0, dt_ms=min(FINE_ms, circuit.params.dt_ms))


def deal_copies(deal: str, k: int, n_items: int, n_trials: int, rng: np.random.Generator) -> np.ndarray:
    """Deal k copies to items as a theory has it, (n_trials, n_items)."""
    if deal == "resource":
        return np.full((n_trials, n_items), k / n_items)
    if deal == "chance":
        return rng.multinomial(k, np.full(n_items, 1 / n_items), size=n_trials).astype(float)
    order = rng.permuted(np.tile(np.arange(n_items), (n_trials, 1)), axis=1)
    return k // n_items + (order < k % n_items).astype(float)


def first_spikes(record: SpikeRecord, n: int, rng: np.random.Generator) -> np.ndarray:
    """Count the first n spikes of each row by key, (n_rows, n_keys); of those of one time step lots decide."""
    order = np.lexsort((rng.random(len(record)), record.time_ms, record.row))
    row, key = record.row[order], record.key[order]
    rank = np.arange(len(row)) - np.searchsorted(row, np.arange(record.n_rows))[row]
    counts = np.zeros((record.n_rows, record.n_keys))
    np.add.at(counts, (row[rank < n], key[rank < n]), 1)
    return counts


def _ways(params: Params, ctx: RunContext) -> dict[str, Copies]:
    """Three theories, and the ways in which a circuit may spend its spikes."""
    k, trials, few = params.slots, params.trials, _for_few(params.row_circuit())

    def theory(deal: str) -> Copies:
        return lambda n: deal_copies(deal, k, n, trials, ctx.rng)

    def spikes(circuit: RowCircuit) -> Copies:
        def copies(n: int) -> np.ndarray:
            rows, budget = np.zeros((trials, n)), Budget(spikes=SAME_STEP * k)
            selection = circuit.attend(rows, rng=ctx.rng, budget=budget, engine=ctx.engine)
            return first_spikes(selection.spikes, k, ctx.rng)

        return copies

    def first(n: int) -> np.ndarray:
        select = FirstKeys(few, min(k, n), ctx.rng, ctx.engine)
        return select.select(np.zeros((trials, n))).chosen.astype(float)

    ways = {deal: theory(deal) for deal in ("slots", "resource")}
    if "sampled" in params.heads:
        ways["sampled"] = theory("chance")
    if "spiking" in params.heads:
        ways |= {"first": first, "random": spikes(few), "regular": spikes(_for_few(regular()))}
        ways |= {"volley": lambda n: _volley(n, trials, ctx), "open": lambda n: _open(n, trials, ctx)}
    return ways


def _volley(n_items: int, n_trials: int, ctx: RunContext) -> np.ndarray:
    """Count the spikes of each item up to when the first I spike arrives: a capacity that nobody has set."""
    selection = GammaCircuit(SPARSE).attend(
        np.zeros((n_trials, n_items)), rng=ctx.rng, duration_ms=VOLLEY_ms, record="all", engine=ctx.engine
    )
    inhibited, first_ms = selection.other_spikes["inh"], np.full(n_trials, VOLLEY_ms)
    np.minimum.at(first_ms, inhibited.row, inhibited.time_ms)
    return selection.spikes.before(first_ms + SPARSE.delay_ms).counts().astype(float)


def _open(n_items: int, n_trials: int, ctx: RunContext) -> np.ndarray:
    """Count the same circuit's spikes within a cycle when E to I is cut."""
    selection = cut_loop(GammaCircuit(SPARSE)).attend(
        np.zeros((n_trials, n_items)), rng=ctx.rng, duration_ms=CYCLE_ms, record="counts", engine=ctx.engine
    )
    return selection.counts.astype(float)


def _asked(params: Params, copies: Copies, rng: np.random.Generator, theories: tuple[str, ...]) -> Stored:
    known, of_asked, errors = {}, {}, {}
    for n in params.items:
        held = copies(n)  # (n_trials, n_items)
        known[n] = (held > 0).mean(axis=1)
        of_asked[n] = held[np.arange(len(held)), rng.integers(n, size=len(held))]
        errors[n] = answer_error(of_asked[n], np.deg2rad(params.noise_deg), rng)
    fits = {deal: fit_deal(deal, errors) for deal in theories}
    return Stored(known=known, copies=of_asked, errors=errors, fits=fits)
