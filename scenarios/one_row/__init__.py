"""Scenario one-row: scores of your own compete in one row, watched spike by spike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bridge.heads.named import check_circuit_name, circuit_named
from scenarios.one_row.figures import figures
from scenarios.one_row.measures import Watched, in_data, in_numbers, in_words
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.params import ScenarioParams, param
from scenarios.workbench.stages import simulation
from spiking import PARAMETER_SETS, Engine, RowCircuit, gamma_off

__all__ = ["KEYS", "LARGEST_SCORE", "QUESTION", "MATCH_ms", "Params", "run", "watched_circuit"]

QUESTION = (
    "Scores compete in one row: which spikes do they win, at what rhythm, and how far from their softmax?"
)
KEYS = 2, 16  # a raster with more is not legible
LARGEST_SCORE = 100.0
MATCH_ms = 1000.0  # each step of the search for the control's drive: one row has few spikes


@dataclass(frozen=True, kw_only=True)
class Params(ScenarioParams):
    scores: tuple[float, ...] = param(
        (2.0, 1.5, 1.0, 0.5, 0.0, -0.5, -1.0, -1.5), f"of {KEYS[0]} to {KEYS[1]} keys"
    )
    circuit: str = param("escape", f"one of: {', '.join(PARAMETER_SETS)}; or yours: package.module:name")
    n_cells: int | None = param(
        None, "excitatory cells per key; the circuit's own if none", at_least=1, at_most=1000
    )
    temperature: float = param(1.0, "softmax temperature wanted", at_least=1e-6, at_most=1e6)
    inhibition: float | None = param(
        None,
        "fall in drive when all I cells fire, in scores; the circuit's own if none",
        at_least=0,
        at_most=1000,
    )
    tau_gaba_ms: float | None = param(
        None, "decay of inhibition; the circuit's own if none", at_least=0.1, at_most=1000
    )
    delay_ms: float | None = param(
        None, "of axons and synapses, both ways; the circuit's own if none", at_least=0.2, at_most=1000
    )
    gamma_off: bool = param(False, "cut E to I, and lower the drive until the rate is the same")
    duration_ms: float = param(10_000.0, "measured time", at_least=100, at_most=60_000)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_circuit_name(self.circuit)
        least, most = KEYS
        if not least <= len(self.scores) <= most:
            raise UsageError(
                f"scores must be {least} to {most} numbers, got {len(self.scores)}; use for example 2,1,0"
            )
        for score in self.scores:
            if not (math.isfinite(score) and abs(score) <= LARGEST_SCORE):
                raise UsageError(
                    f"scores must lie within -{LARGEST_SCORE:g} and {LARGEST_SCORE:g}, got {score:g}; use for "
                    "example 2,1,0"
                )

    @property
    def row(self) -> np.ndarray:
        """The scores as one row, (1, n_keys)."""
        return np.array([self.scores])

    @property
    def changes(self) -> dict[str, float]:
        """What is asked of the loop, by the name of the circuit's field."""
        asked = {name: getattr(self, name) for name in ("inhibition", "tau_gaba_ms", "delay_ms")}
        return {name: value for name, value in asked.items() if value is not None}

    def row_circuit(self) -> RowCircuit:
        """Make the circuit, with its loop."""
        circuit = circuit_named(self.circuit, temperature=self.temperature, n_cells=self.n_cells)
        if not self.changes:
            return circuit
        if not isinstance(circuit, RowCircuit):
            raise UsageError(
                f"{next(iter(self.changes))} must be left out: {self.circuit!r} is no RowCircuit; set it where the "
                "circuit is made"
            )
        return circuit.varied(**self.changes)


def watched_circuit(params: Params, engine: Engine, rng: np.random.Generator) -> RowCircuit:
    """The circuit that runs: with its loop, or cut and matched in rate."""
    circuit = params.row_circuit()
    if not params.gamma_off:
        return circuit
    options = {"duration_ms": MATCH_ms, "engine": engine}
    try:
        return gamma_off(circuit, params.row, rng=rng, **options).circuit  # type: ignore[arg-type]
    except RuntimeError as error:  # silent with its loop, or no drive that matches: the user's numbers
        raise UsageError(f"gamma_off must be left out here: {error}") from error


def run(params: Params, ctx: RunContext) -> Outcome:
    """Simulate the row, E and I cells recorded, and read it."""
    with ctx.part("circuit", share=0.3):
        circuit = watched_circuit(params, ctx.engine, ctx.rng.spawn(1)[0])
    with simulation(ctx, "row", share=0.7) as options:
        selection = circuit.attend(params.row, duration_ms=params.duration_ms, record="all", **options)
    watched = Watched.of(selection, params.row / params.temperature)
    return Outcome(
        dataset=in_data(watched),
        metrics=in_numbers(watched),
        headline=("total_variation", "f_gamma", "spikes_per_cycle"),
        pictures=figures(watched),
        spikes={"exc": selection.spikes},
        **in_words(watched),
    )
