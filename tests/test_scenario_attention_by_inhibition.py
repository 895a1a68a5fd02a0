"""attention-by-inhibition at small size: attention locks the I cells, theory and lag on made spikes, sentences."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from scenarios.attention_by_inhibition import Params, run
from scenarios.attention_by_inhibition.competition import Rivalry, lag_ms, locking
from scenarios.attention_by_inhibition.theory import measure_theory, rheobase_uA_cm2
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from spiking import Brian2, Fused
from spiking.circuits.inhibited_attention import InhibitedAttention
from spiking.record import Spikes

SMALL = Params(
    baths=(0.0, 0.7),
    contrasts=(0.0, 0.5, 1.0),
    n_rows=4,
    n_law_rows=10,
    n_keys=2,
    duration_ms=200.0,
    n_networks=0,
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_attention_locks_the_inhibitory_cells_and_frees_the_assembly(outcome: Outcome) -> None:
    """Far apart: .8 against .25 and 45 against 16 Hz, with errors below .05 and 2 Hz."""
    m = outcome.metrics
    assert m["locking_attended"].value > m["locking_unattended"].value + 0.3
    assert m["exc_attended"].value > 2 * m["exc_unattended"].value
    assert m["locking_unattended"].floor is not None


def test_the_stronger_assembly_suppresses_a_weaker_one(outcome: Outcome) -> None:
    """By five standard errors; smoothed inhibition has no volleys and the same rate alone, errors of 1.5 % each."""
    m = outcome.metrics
    assert m["suppression_attended"].value > 5 * (m["suppression_attended"].standard_error or np.inf)
    assert m["volleys_smooth"].value < m["volleys_attended"].value - 0.2
    matched = m["winner_smooth"].control, m["winner_attended"].control
    assert matched[0] == pytest.approx(matched[1], rel=0.1)


def test_sentences_and_figures_follow(outcome: Outcome) -> None:
    assert "raises the locking" in outcome.verdict
    assert set(outcome.pictures) == {"rhythm", "rivals", "laws"}
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


def test_theory_leaves_half_of_the_cells_at_the_critical_contrast() -> None:
    """(1.5 - I*) / 0.5 with I* = I_c + (1.5 - I_c) exp(-2 / 10), I_c the rheobase."""
    circuit = InhibitedAttention()
    assert 0.1 < rheobase_uA_cm2() <= 0.15
    expected = (1.5 - rheobase_uA_cm2()) * (1 - np.exp(-0.2)) / 0.5
    theory = measure_theory(circuit, 2.0, (0.0, expected))
    assert theory.half == pytest.approx(expected)
    assert theory.left[1] == pytest.approx(0.5)
    assert theory.left[0] > 0.9


def test_locking_is_one_for_volleys_and_nan_for_silence() -> None:
    times = np.repeat(np.arange(10) * 25.0, 3)
    spikes = Spikes(row=np.zeros(30, dtype=np.int64), cell=np.tile(np.arange(3), 10), time_ms=times)
    strength = locking(spikes, 2)
    assert strength[0] == pytest.approx(1.0)
    assert np.isnan(strength[1])


def test_the_lag_is_from_volley_to_volley() -> None:
    exc = SimpleNamespace(of_row=lambda row: SimpleNamespace(time_ms=np.array([9.0, 11.0, 39.0, 41.0])))
    inh = Spikes(
        row=np.zeros(2, dtype=np.int64), cell=np.zeros(2, dtype=np.int32), time_ms=np.array([12.0, 42.0])
    )
    selection = SimpleNamespace(counts=np.zeros((1, 2)), spikes=exc, other_spikes={"inh": inh})
    assert lag_ms(selection) == pytest.approx(2.0)  # type: ignore[arg-type]


def test_half_lies_between_the_contrasts_around_it() -> None:
    alone = np.full((3, 5), 40.0)
    rival = np.repeat([[40.0], [30.0], [10.0]], 5, axis=1)
    rivalry = Rivalry(
        alone_Hz=alone, rival_Hz=rival, winner_Hz=alone, winner_alone_Hz=alone[0], locking=alone[0], lag_ms=2.0,
        shown=None,  # type: ignore[arg-type]
    )  # fmt: skip
    rng = np.random.default_rng(0)
    assert rivalry.half((0.0, 0.5, 1.0), rng).value == pytest.approx(0.75)
    assert np.isnan(replace(rivalry, rival_Hz=alone).half((0.0, 0.5, 1.0), rng).value)
    np.testing.assert_allclose([s.value for s in rivalry.suppressed(rng)], [0.0, 0.25, 0.75])


@pytest.mark.slow
def test_both_engines_count_alike() -> None:
    """Without noise the assemblies of four rows differ by their drives alone; 15 % holds four standard errors."""
    circuit = InhibitedAttention(
        n_cells=8, n_inh=8, bath_uA_cm2=0.7, noise_exc_uA_cm2=0.0, noise_inh_uA_cm2=0.0, tau_smooth_ms=20.0
    )
    scores = np.tile([0.0, -0.5], (4, 1))
    counts = [
        circuit.attend(scores, duration_ms=100.0, rng=np.random.default_rng(3), engine=engine).counts
        for engine in (Brian2(), Fused("float64"))
    ]
    assert counts[0].sum() > 50
    assert counts[0].sum() == pytest.approx(counts[1].sum(), rel=0.15)


@pytest.mark.parametrize(
    ("field", "value"), [("n_cells", 0), ("dt_ms", 0.05), ("bath_uA_cm2", -0.7), ("tau_smooth_ms", -1.0)]
)
def test_bad_values_are_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"InhibitedAttention.{field} must"):
        InhibitedAttention(**{field: value})  # type: ignore[arg-type]


def test_contrasts_must_rise() -> None:
    with pytest.raises(ValueError, match="contrasts"):
        replace(SMALL, contrasts=(1.0, 0.5))
