"""Memories of phases: published retrievals, stability by the linearised coupling, and phasors in spikes."""

from __future__ import annotations

import numpy as np
import pytest

from pragmatic.machines.phase_memory import (
    PhaseOscillators,
    PhasorMemory,
    cosine,
    overlap,
    phase_patterns,
    sign_patterns,
)
from spiking import Brian2, Engine, Fused
from spiking.circuits.phasor import PhasorUnits
from spiking.networks import simulate_circuit


def retrieved(epsilon: float, n_patterns: int, rng: np.random.Generator) -> float:
    patterns = sign_patterns(n_patterns, 200, rng)
    cue = patterns[0] * np.where(rng.random(200) < 0.1, -1.0, 1.0)
    start = np.where(cue > 0, 0.0, np.pi) + 0.1 * rng.normal(size=200)
    settled = PhaseOscillators(patterns=patterns, epsilon=epsilon).settle(start)
    return float(overlap(settled, patterns[0]))


def test_a_second_harmonic_keeps_what_the_first_alone_loses() -> None:
    """Published for 300 units and 8 patterns: .788 without, 1.000 with it."""
    rng = np.random.default_rng(0)
    without = np.mean([retrieved(0.0, 6, rng) for _ in range(4)])
    within = [retrieved(0.25, 6, rng) for _ in range(4)]
    assert without < 0.95
    assert min(within) > 0.999


def test_a_pattern_that_the_criterion_calls_stable_stays_and_others_leave() -> None:
    rng = np.random.default_rng(1)
    patterns = sign_patterns(4, 100, rng)
    for state in (patterns[0], sign_patterns(1, 100, rng)[0]):
        memory = PhaseOscillators(patterns=patterns, epsilon=0.25)
        start = np.where(state > 0, 0.0, np.pi) + 1e-3 * rng.normal(size=100)
        stays = overlap(memory.settle(start), state) > 0.999
        assert memory.holds(state) == stays
    assert PhaseOscillators(patterns=patterns, epsilon=2.0).holds(sign_patterns(1, 100, rng)[0])


def cues_of(patterns: np.ndarray, share: float) -> np.ndarray:
    """The first units silenced."""
    cues = patterns.copy()
    cues[:, : round(share * patterns.shape[1])] = 0.0
    return cues


def test_threshold_phasors_complete_damaged_patterns_and_fail_beyond_their_capacity() -> None:
    """625 units, 25 active: published success 1 with 201 and 400 patterns, of cues with units enough."""
    rng = np.random.default_rng(2)
    few, many = (PhasorMemory(patterns=phase_patterns(n, 625, 25, rng)) for n in (201, 1400))
    cues = cues_of(few.patterns[:30], 0.48)
    enough = np.count_nonzero(cues, axis=1) > few.fewest
    assert enough.sum() > 20
    assert cosine(few.settle(cues), few.patterns[:30])[enough].min() > 0.95
    assert np.median(cosine(many.settle(cues_of(many.patterns[:30], 0.48)), many.patterns[:30])) < 0.7


def test_a_cue_with_too_few_units_falls_silent() -> None:
    rng = np.random.default_rng(3)
    memory = PhasorMemory(patterns=phase_patterns(1, 100, 10, rng))
    active = np.flatnonzero(memory.patterns[0])
    for kept, full in ((3, 0), (4, 10)):  # the fewest are 3.6
        cue = np.zeros((1, 100), dtype=complex)
        cue[0, active[:kept]] = memory.patterns[0, active[:kept]]
        assert np.count_nonzero(memory.settle(cue)) == full


@pytest.mark.parametrize("engine", [Fused("float64"), Brian2()])
def test_spiking_units_complete_the_pattern_at_their_phases(engine: Engine) -> None:
    """Deterministic: 12 of 20 active units given, all 20 fire within half a step's phase of the pattern."""
    rng = np.random.default_rng(4)
    memory = PhasorMemory(patterns=phase_patterns(10, 150, 20, rng))
    units, pattern = PhasorUnits(), memory.patterns[0]
    cue = np.zeros(150, dtype=complex)
    given = np.flatnonzero(pattern)[:12]
    cue[given] = pattern[given]
    ran = simulate_circuit(
        lambda _: units.build(memory.synapses(), cue, 20),
        duration_ms=200.0,
        rng=rng,
        record=["units"],
        engine=engine,
    )
    state = units.state(ran.spikes["units"], 0, 150, 200.0)
    assert np.count_nonzero(state) == 20
    assert cosine(state[None], pattern[None])[0] > 0.985


def test_spiking_units_stay_silent_without_a_cue() -> None:
    rng = np.random.default_rng(5)
    memory = PhasorMemory(patterns=phase_patterns(5, 60, 10, rng))
    ran = simulate_circuit(
        lambda _: PhasorUnits().build(memory.synapses(), np.zeros(60, dtype=complex), 10),
        duration_ms=100.0,
        rng=rng,
        record=["units"],
    )
    assert not len(ran.spikes["units"].cell)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: PhasorUnits(cycle_ms=0.0), "PhasorUnits.cycle_ms must"),
        (lambda: PhasorUnits(threshold=2.0), "PhasorUnits.threshold must"),
        (lambda: PhasorMemory(patterns=np.ones((1, 2), dtype=complex), threshold=-1.0), "threshold must"),
        (lambda: PhaseOscillators(patterns=np.ones((1, 2)), epsilon=-1.0), "epsilon must"),
    ],
)
def test_what_cannot_be_is_refused(make, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=says):
        make()
