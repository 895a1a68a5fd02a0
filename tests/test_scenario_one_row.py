"""One row watched: its numbers against the softmax, its beginning against a shorter run, its refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scenarios.one_row import Params, watched_circuit
from scenarios.one_row.measures import Watched
from scenarios.workbench.errors import UsageError
from scenarios.workbench.execute import run_scenario
from spiking import PARAMETER_SETS, Fused

SCORES = (1.0, 0.0, -1.0)


def test_a_row_follows_the_softmax_and_beats(tmp_path: Path) -> None:
    params = Params(scores=SCORES, duration_ms=4000.0, temperature=0.8)
    run = run_scenario("one-row", params, seed=3, engine="fused", out=tmp_path / "run")
    share = run.dataset()["counts"] / run.dataset()["counts"].sum()
    expected = np.exp(np.array(SCORES) / 0.8)
    # four standard errors of a multinomial; the shipped circuit is calibrated to a few per cent
    error = 4 * run.dataset()["sampling_error"] + 0.02
    assert (abs(share - expected / expected.sum()) < error).all()
    assert 36 < run.metrics["f_gamma"].value < 46  # the shipped circuit beats near 40 Hz
    total = run.metrics["spikes_per_cycle"].value * run.metrics["f_gamma"].value
    assert total == pytest.approx(run.metrics["rate"].value, rel=0.1)  # incomplete cycles at either end
    assert run.report.exists()


def test_without_the_loop_the_rate_is_the_same_and_no_rhythm_is_left() -> None:
    rate = {}
    for off in (False, True):
        params = Params(scores=SCORES, gamma_off=off)
        circuit = watched_circuit(params, Fused(), np.random.default_rng(0))
        seen = circuit.attend(
            params.row, duration_ms=4000, rng=np.random.default_rng(1), record="all", engine=Fused()
        )
        watched = Watched.of(seen, params.row)
        rate[off] = watched.n_spikes
        assert np.isfinite(watched.f_gamma_Hz) != off
    # matched over 1 s of one row to 2 %; the counts of 4 s have an error of some 3 % each
    assert rate[True] == pytest.approx(rate[False], rel=0.2)


@pytest.mark.parametrize("name", PARAMETER_SETS)
def test_a_longer_row_begins_with_the_spikes_of_a_shorter_one(name: str) -> None:
    """What the explorer streams: each span is simulated from the start, the same seed gives the same beginning."""
    params = Params(scores=SCORES, circuit=name)
    short, long = (
        params.row_circuit().attend(
            params.row, duration_ms=ms, rng=np.random.default_rng(5), record="all", engine=Fused()
        )
        for ms in (300.0, 900.0)
    )
    begun = Watched.of(long, params.row, until_ms=300.0).selection
    for field in ("time_ms", "key", "cell"):
        np.testing.assert_array_equal(getattr(begun.spikes, field), getattr(short.spikes, field))
    np.testing.assert_array_equal(begun.field, short.field[:, : begun.field.shape[1]])


def test_spikes_of_cycles_are_those_between_its_edges() -> None:
    params = Params(scores=SCORES)
    seen = params.row_circuit().attend(
        params.row, duration_ms=1000, rng=np.random.default_rng(0), record="all", engine=Fused()
    )
    watched = Watched.of(seen, params.row)
    edges = watched.cycle_edges_ms
    times = watched.selection.spikes.time_ms
    whole = ((times >= edges[0]) & (times < edges[-1])).sum()
    assert watched.spikes_of_cycles.sum() == whole > 0.8 * len(times)
    # a peak of 1 s is known to 1 Hz in 40, and a cycle may be skipped
    assert np.diff(edges).mean() == pytest.approx(1e3 / watched.f_gamma_Hz, rel=0.1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scores": (1.0,)}, "scores must be 2 to 16 numbers, got 1"),
        ({"scores": (0.0,) * 17}, "scores must be 2 to 16 numbers, got 17"),
        ({"scores": (0.0, 101.0)}, "scores must lie within -100 and 100, got 101"),
        ({"circuit": "escap"}, "circuit must be one of"),
    ],
)
def test_what_cannot_be_a_row_is_refused(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Params(**values)


def test_the_loop_of_a_circuit_without_one_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="has no parameter 'tau_gaba_ms'"):
        Params(circuit="circuits_of_a_user:OneInhibitor", tau_gaba_ms=9.0).row_circuit()
    with pytest.raises(TypeError, match="circuit must be a GammaCircuit"):
        watched_circuit(Params(circuit="spiking:TwoPools", gamma_off=True), Fused(), np.random.default_rng(0))


def test_a_rate_that_no_drive_matches_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unmatched(*_: object, **__: object) -> None:
        raise RuntimeError("no drive matched the rate")

    monkeypatch.setattr("scenarios.one_row.gamma_off", unmatched)
    with pytest.raises(UsageError, match="gamma_off must be left out here: no drive matched"):
        watched_circuit(Params(gamma_off=True), Fused(), np.random.default_rng(0))
