"""Memories of phases: oscillators with a second harmonic, threshold phasors, and these in spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import gammaln

from pragmatic.machines.phase_memory import (
    PhaseOscillators,
    PhasorMemory,
    cosine,
    overlap,
    phase_patterns,
    sign_patterns,
)
from scenarios.workbench.outcome import RunContext
from scenarios.workbench.statistics import Estimate, fraction, mean
from spiking import Spikes
from spiking.circuits.phasor import PhasorUnits
from spiking.networks import Network, simulate_circuit

if TYPE_CHECKING:
    from scenarios.oscillatory_memory import Params

__all__ = ["SILENCED", "Harmonics", "Phasors", "measure_harmonics", "measure_phasors"]

JITTER = 0.1  # rad, of the cue's phases: a pattern's negative is as good, and the point between is a rest
FLIPPED = 0.1  # of the cue's units
RIGHT = 0.9  # cosine of a retrieved pattern
SILENCED = 0.48  # of the units, in the cue: 300 of 625, as in the published script
EPSILONS = (0.25, 0.5, 0.75, 1.0)  # at which random states are tried
SETTLED_CYCLES = 12


@dataclass(frozen=True, kw_only=True)
class Harmonics:
    """Oscillators with a second harmonic and without."""

    overlaps: Mapping[tuple[float, int], np.ndarray]  # epsilon, patterns -> (n_draws,)
    held: Mapping[float, Estimate]  # epsilon -> stored patterns that are stable
    spurious: Mapping[float, Estimate]  # epsilon -> random states that are stable

    def overlap(self, epsilon: float, n_patterns: int) -> Estimate:
        """Mean over draws."""
        return mean(self.overlaps[epsilon, n_patterns])


@dataclass(frozen=True, kw_only=True)
class Phasors:
    """Threshold phasors, exact or in spikes, by number of patterns."""

    n_units: int
    n_active: int
    cosines: Mapping[int, np.ndarray]  # patterns stored -> (n_cues,)
    enough: Mapping[int, np.ndarray]  # patterns stored -> (n_cues,) bool: the cue has units enough to go on
    watched: tuple[Spikes, np.ndarray] | None = None  # spikes of a retrieval, and the pattern

    def success(self, n_patterns: int) -> Estimate:
        """Cues from which the pattern was retrieved."""
        return fraction(self.cosines[n_patterns] > RIGHT)

    def success_enough(self, n_patterns: int) -> Estimate:
        """The same, of cues that keep more units than a pattern must have not to fall silent."""
        return fraction(self.cosines[n_patterns][self.enough[n_patterns]] > RIGHT)

    def cosine(self, n_patterns: int) -> Estimate:
        """Mean over cues."""
        return mean(self.cosines[n_patterns])

    def bits(self, n_patterns: int) -> float:
        """Bits that the memory gives back: which units of each pattern, and their phases.

        Of each pattern that is retrieved log2 of the binomial coefficient, and K (log2 2 pi - h), h the entropy of
        the phases' error, taken as normal with the variance that the mean cosine leaves.
        """
        retrieved = self.cosines[n_patterns]
        right = retrieved[retrieved > RIGHT]
        if not len(right):
            return 0.0
        n, k = self.n_units, self.n_active
        which = (gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)) / np.log(2)
        variance = max(2 * (1 - float(right.mean())), 1e-6)
        phase = np.log2(2 * np.pi) - 0.5 * np.log2(2 * np.pi * np.exp(1) * variance)
        return float(n_patterns * len(right) / len(retrieved) * (which + k * max(phase, 0.0)))


def measure_harmonics(params: Params, ctx: RunContext) -> Harmonics:
    """Retrieve from flipped cues, and try which states are stable."""
    rng, overlaps = ctx.rng, {}
    total = 2 * len(params.stored)
    for number, (epsilon, stored) in enumerate(product((0.0, params.epsilon), params.stored)):
        draws = []
        for _ in range(params.draws):
            patterns = sign_patterns(stored, params.oscillators, rng)
            cue = patterns[0] * np.where(rng.random(params.oscillators) < FLIPPED, -1.0, 1.0)
            phases = np.where(cue > 0, 0.0, np.pi) + JITTER * rng.normal(size=params.oscillators)
            settled = PhaseOscillators(patterns=patterns, epsilon=epsilon).settle(phases)
            draws.append(overlap(settled, patterns[0]))
        overlaps[epsilon, stored] = np.array(draws)
        ctx.progress(0.8 * (number + 1) / total, f"second harmonic {epsilon:g}, {stored} patterns")
    held, spurious = {}, {}
    for number, epsilon in enumerate(EPSILONS):
        stable: dict[bool, list[bool]] = {True: [], False: []}
        for _ in range(params.draws):
            patterns = sign_patterns(max(params.stored), params.oscillators, rng)
            memory = PhaseOscillators(patterns=patterns, epsilon=epsilon)
            stable[True].append(memory.holds(patterns[0]))
            stable[False].append(memory.holds(sign_patterns(1, params.oscillators, rng)[0]))
        held[epsilon], spurious[epsilon] = (fraction(np.array(stable[kind])) for kind in (True, False))
        ctx.progress(0.8 + 0.2 * (number + 1) / len(EPSILONS), f"random states, second harmonic {epsilon:g}")
    return Harmonics(overlaps=overlaps, held=held, spurious=spurious)


def measure_phasors(params: Params, ctx: RunContext) -> tuple[Phasors, Phasors]:
    """The same patterns and cues, exactly and in spikes."""
    exact, spikes, watched = {}, {}, None
    enough = {}
    for number, n_patterns in enumerate(params.loads):
        patterns = phase_patterns(n_patterns, params.units, params.active, ctx.rng)
        memory = PhasorMemory(patterns=patterns)
        wanted = ctx.rng.integers(n_patterns, size=params.cues)
        cues = patterns[wanted].copy()
        cues[:, : round(SILENCED * params.units)] = 0.0
        enough[n_patterns] = np.count_nonzero(cues, axis=1) > memory.fewest
        exact[n_patterns] = cosine(memory.settle(cues), patterns[wanted])
        few = wanted[: params.spiking_cues]
        recorded = _in_spikes(memory, cues[: len(few)], ctx)
        spikes[n_patterns] = cosine(recorded[0], patterns[few])
        watched = watched or (recorded[1], patterns[few[0]])
        ctx.progress((number + 1) / len(params.loads), f"{n_patterns} patterns of phases")
    few_enough = {n: kept[: params.spiking_cues] for n, kept in enough.items()}
    sizes: dict[str, Any] = {"n_units": params.units, "n_active": params.active}
    return (
        Phasors(cosines=exact, enough=enough, **sizes),
        Phasors(cosines=spikes, enough=few_enough, watched=watched, **sizes),
    )


def _in_spikes(memory: PhasorMemory, cues: np.ndarray, ctx: RunContext) -> tuple[np.ndarray, Spikes]:
    """The state after some cycles of resonate-and-fire units with the memory's synapses, and all spikes."""
    units, synapses = PhasorUnits(threshold=memory.threshold), memory.synapses()
    waiting = iter(cues)

    def build(rng: np.random.Generator) -> Network:
        return units.build(synapses, next(waiting), memory.n_active)

    duration_ms = SETTLED_CYCLES * units.cycle_ms
    ran = simulate_circuit(
        build, duration_ms=duration_ms, rng=ctx.rng, n_networks=len(cues), record=["units"]
    )
    spikes = ran.spikes["units"]
    states = [units.state(spikes, number, cues.shape[1], duration_ms) for number in range(len(cues))]
    return np.array(states), spikes
