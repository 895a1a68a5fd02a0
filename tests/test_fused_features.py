"""Every Brian2 feature in the list: covered means equal to the reference, refused means refused in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats

from spiking import Brian2, Fused, Recorded, simulate_circuit
from spiking.engines.arrays import read_arrays
from spiking.engines.brian2 import building
from spiking.engines.fused.program import read_program
from tests.fused_features import CIRCUITS, COVERED, REFUSED, Refused
from tests.fused_parts import DT_MS, Covered

Runs = Callable[[str], Mapping[str, Recorded]]
DRAWN = [f for f in COVERED if f.circuit in ("noise", "drawn")]
SAME = [f for f in COVERED if f not in DRAWN]


@pytest.fixture(scope="module")
def runs() -> Runs:
    """Circuit -> what it did on each engine: two networks that differ in weights, sparse pairs and states."""
    made: dict[str, dict[str, Recorded]] = {}

    def of(circuit: str) -> dict[str, Recorded]:
        shown = {s for f in COVERED if f.circuit == circuit for s in f.shows}
        if circuit not in made:
            made[circuit] = {engine: _run(circuit, engine, shown) for engine in ("brian2", "fused")}
        return made[circuit]

    return of


def _run(circuit: str, engine: str, shown: set[str]) -> Recorded:
    return simulate_circuit(
        CIRCUITS[circuit],
        duration_ms=30,
        n_networks=2,
        record=sorted(s for s in shown if "." not in s),
        sample=sorted(s for s in shown if "." in s),
        sample_ms=DT_MS,
        rng=np.random.default_rng(1),
        engine=Fused("float64") if engine == "fused" else Brian2(),
    )


@pytest.mark.parametrize("feature", SAME, ids=lambda f: f.name)
def test_covered_is_equal_to_the_reference(feature: Covered, runs: Runs) -> None:
    """State at every step, spikes at the same steps. Sums are rounded in another order: 1e-5."""
    reference, fused = (runs(feature.circuit)[engine] for engine in ("brian2", "fused"))
    for shown in feature.shows:
        if "." in shown:
            expected = reference.samples[shown]
            assert np.ptp(expected[np.isfinite(expected)]) > 0  # nan fills up where a network has fewer
            np.testing.assert_allclose(fused.samples[shown], expected, rtol=1e-5, atol=1e-6)
            continue
        a, b = reference.spikes[shown], fused.spikes[shown]
        assert len(a.time_ms) > 5
        order = [np.lexsort((s.cell, np.round(s.time_ms / DT_MS), s.row)) for s in (a, b)]
        for name in ("row", "cell"):
            np.testing.assert_array_equal(getattr(a, name)[order[0]], getattr(b, name)[order[1]])
        np.testing.assert_allclose(a.time_ms[order[0]], b.time_ms[order[1]], atol=DT_MS / 10)


@pytest.mark.parametrize("feature", DRAWN, ids=lambda f: f.name)
def test_what_is_drawn_follows_the_reference_in_law(feature: Covered, runs: Runs) -> None:
    """2000 cells at 30 ms: Kolmogorov-Smirnov, at 1e-3 over the features together."""
    (shown,) = feature.shows
    a, b = (runs(feature.circuit)[engine].samples[shown][:, :, -1].ravel() for engine in ("brian2", "fused"))
    assert a.std() > 0.2
    assert stats.ks_2samp(a, b).pvalue > 1e-3 / len(DRAWN)
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("feature", REFUSED, ids=lambda f: f.name)
def test_refused_is_refused_in_words_that_offer_the_reference(feature: Refused) -> None:
    with building():
        objects: Any = feature.build()
    with pytest.raises(ValueError, match="the fused engine does not cover") as refusal:
        read_program(objects, feature.namespace or {}, varied=(), traits=read_arrays(objects).traits)
    said = str(refusal.value)
    assert feature.says in said
    assert said.endswith("use the engine Brian2().")
