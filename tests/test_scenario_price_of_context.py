"""price-of-context, small: what is counted by hand, where costs cross, and errors against what sampling gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scenarios.price_of_context import Params
from scenarios.price_of_context.measures import crossover
from scenarios.workbench.execute import run_scenario
from scenarios.workbench.store import StoredRun

DIM, KEYS, SPIKES, ROWS = 8, (16, 128), (8, 32), 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    params = Params(n_keys=KEYS, spikes=SPIKES, budget=32, dim=DIM, n_rows=ROWS, rounds=2)
    return run_scenario("price-of-context", params, seed=1, out=tmp_path_factory.mktemp("runs") / "run")


def test_operations_of_softmax_by_hand(run: StoredRun) -> None:
    """Two products, and per key a scaling, a comparison, difference, exponential, sum and division."""
    data = run.dataset()
    expected = [n * (2 * DIM + 1 + 3 + 1 + 1) for n in KEYS]
    np.testing.assert_array_equal(data.softmax_operations.sel(machine="simulated"), expected)
    np.testing.assert_array_equal(
        data.softmax_score_operations.sel(machine="simulated"), np.array(KEYS) * DIM
    )


def test_by_spikes_a_vector_is_added_for_each(run: StoredRun) -> None:
    """Samples, of which each row has exactly its budget: additions and one multiplication in place of a product."""
    operations = run.dataset().operations.sel(kind="samples", machine="simulated")
    for n in KEYS:
        for spikes in SPIKES:
            here = operations.sel(n_keys=n, spikes=spikes)
            saved = float(here.sel(readout="product") - here.sel(readout="spikes"))
            assert saved == pytest.approx(n * DIM - (spikes + 1) * DIM)


def test_keys_are_all_read_and_values_only_where_they_spiked(run: StoredRun) -> None:
    data = run.dataset()
    softmax = 2 * np.array(KEYS) * DIM * 4
    np.testing.assert_array_equal(data.softmax_kv_bytes, softmax)
    by_product, by_spikes = (data.kv_bytes.sel(readout=readout) for readout in ("product", "spikes"))
    assert (by_product == data.softmax_kv_bytes).all()
    vectors = (by_spikes - data.softmax_kv_bytes / 2) / (DIM * 4)
    assert (vectors >= 1).all()
    assert (
        vectors <= np.minimum(data.n_keys, data.spikes + 4)
    ).all()  # a row's last step may hold a few more
    assert (vectors.sel(spikes=32) > vectors.sel(spikes=8)).all()


def test_samples_err_as_expected_and_regular_cells_less(run: StoredRun) -> None:
    """The squared error of samples against its expectation, by 4 standard errors over rows."""
    data = run.dataset()
    excess = data.squared_error.sel(kind="samples", readout="spikes") - data.squared_floor
    deviation = excess.mean("row") / (excess.std("row", ddof=1) / np.sqrt(ROWS))
    assert (abs(deviation) < 4).all()
    errors = data.squared_error.sel(readout="spikes", spikes=32, n_keys=16).mean("row")
    assert errors.sel(kind="regular") < errors.sel(kind="samples") / 2


def test_both_read_outs_read_the_same_spikes(run: StoredRun) -> None:
    """But for the order of additions in single precision."""
    errors = run.dataset().squared_error
    np.testing.assert_allclose(errors.sel(readout="spikes"), errors.sel(readout="product"), rtol=1e-4)


def test_a_crossover_is_where_a_cost_falls_below_softmax_for_good() -> None:
    keys = np.array([16, 64, 256])
    assert crossover(keys, np.array([4.0, 2.0, 0.5])) == pytest.approx(128)
    assert crossover(keys, np.array([0.5, 2.0, 0.5])) == pytest.approx(128)
    assert crossover(keys, np.array([0.9, 0.8, 0.7])) == 16
    assert np.isnan(crossover(keys, np.array([0.5, 0.9, 1.0])))


def test_the_verdict_says_what_the_numbers_say(run: StoredRun) -> None:
    share = run.metrics["kv_bytes_regular"].value
    assert f"touches {share:.0%} of the bytes" in run.verdict
    assert 0.5 < share < 1
    crossed = run.metrics["crossover_operations_samples"].value
    said = f"independent samples from {crossed:,.0f} keys on" in run.verdict
    assert said == bool(np.isfinite(crossed))


def test_the_folder_holds_the_figures(run: StoredRun) -> None:
    assert {Path(name).stem for name in run.captions} == {"context", "energy", "budgets"}
