"""match-and-control at small size: published rates, theory, the kernel, one pool against none, figures."""

from __future__ import annotations

import numpy as np
import pytest

from scenarios.match_and_control import Params, run
from scenarios.match_and_control.pool import dot_products
from scenarios.match_and_control.spines import (
    PUBLISHED,
    Matched,
    calcium,
    control,
    kernel,
    match,
    trains,
)
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style

SMALL = Params(
    n_trials=300, n_axons=60, spreads=(0.6,), fidelities=(0.95,), n_rows=60, control_ms=300.0, n_cells=4
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def test_success_is_as_published_and_as_theory_has_it(outcome: Outcome) -> None:
    """Four standard errors; a threshold read from so few axons adds about as much again, .06."""
    m = outcome.metrics
    for window, (success, _) in PUBLISHED.items():
        measured = m[f"success_{window:g}"]
        assert measured.value == pytest.approx(success, abs=4 * (measured.standard_error or 0.0) + 0.06)
        assert m[f"success_theory_{window:g}"].value == pytest.approx(
            measured.value, abs=4 * (measured.standard_error or 0.0)
        )


def test_spikes_at_other_times_do_not_match(outcome: Outcome) -> None:
    success = outcome.metrics["success_1000"]
    assert (success.floor or 0.0) < 0.1 < success.value


def test_the_pool_normalises_and_never_abstains(outcome: Outcome) -> None:
    """The slope of axons that add up is 1, but for the logs of few spikes; errors are .003 and .016."""
    m = outcome.metrics
    assert m["slope_coincidence_pool"].value < 0.4
    assert m["slope_coincidence_cut"].value == pytest.approx(1.0, abs=0.2)
    assert m["absent_coincidence_pool"].value > 2 * m["absent_coincidence_cut"].value
    assert abs(m["excess_coincidence_pool"].value) < 0.03


def test_the_kernel_is_causal_peaks_at_7_ms_and_is_12_ms_wide() -> None:
    lead = np.arange(-20.0, 60.0, 0.01)
    height = kernel(lead)
    assert height[lead <= 0].max() == 0
    assert lead[height.argmax()] == pytest.approx(7.0, abs=0.02)
    assert np.ptp(lead[height > 0.5]) == pytest.approx(12.0, abs=0.2)


def test_coincidences_add_up() -> None:
    query = np.array([[100.0, 300.0, np.nan]])
    keys = np.array([[[93.0, 293.0], [93.0, np.nan], [110.0, 310.0]]])
    rng = np.random.default_rng(2)
    np.testing.assert_allclose(calcium(query, keys, 0.0, rng), [[2.0, 1.0, 0.0]], atol=1e-6)


def test_bins_of_a_train_that_leads_by_7_ms_are_those_of_the_query() -> None:
    matched = match(20, 10, 1000.0, 0.0, np.random.default_rng(3))
    products = dot_products(matched)
    assert products[:, 0].mean() == pytest.approx(1.0)
    assert products[:, 1:].max() < products[:, 0].max()


def test_trains_keep_their_dead_time_and_rate() -> None:
    """The mean interval is 1 / 6 Hz + 50 ms; five standard errors of 20000 of them."""
    times = trains((4000,), 2000.0, np.random.default_rng(4))
    assert np.nanmin(np.diff(times, axis=-1)) >= 50
    first = times[:, 0]
    assert np.nanmean(first) == pytest.approx(1 / 6e-3, abs=5 * (1 / 6e-3) / 4000**0.5)


@pytest.mark.parametrize(
    ("own", "other", "success", "spurious"), [(9, 0, 1.0, 0.0), (0, 0, 0.0, 0.0), (0, 9, 0.09, 0.91)]
)
def test_potentiated_axons_drive_the_cell(own: int, other: int, success: float, spurious: float) -> None:
    """By chance 20 ms x 4.6 Hz of spikes follow another axon's; about four standard errors of 200 trials."""
    raised = np.tile([own, other], (200, 1))
    empty = np.full((200, 1), np.nan)
    matched = Matched(window_ms=1000.0, query=empty, keys=empty[:, None], calcium=raised, threshold=1.0)
    controlled = control(matched, 1.0, np.random.default_rng(5))
    assert controlled.success.mean() == pytest.approx(success, abs=0.04)
    assert controlled.spurious.mean() == pytest.approx(spurious, abs=0.04)


def test_figures_draw(outcome: Outcome) -> None:
    assert set(outcome.pictures) == {"spines", "competition"}
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"n_trials": 10}, "n_trials must be >= 50, got 10"),
        ({"fidelities": (1.2,)}, "fidelities must be <= 1, got 1.2"),
        ({"spreads": (0.7, 0.6)}, "spreads must be ordered"),
    ],
)
def test_what_cannot_be_run_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Params(**changes)  # type: ignore[arg-type]
