"""gamma-filter at small size: engines agree on the filter network, laws of phase are recovered, figures follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scenarios.gamma_filter import Params, run
from scenarios.gamma_filter.laws import LAWS, compare
from scenarios.gamma_filter.passing import slopes_of
from scenarios.gamma_filter.phases import PING, select
from scenarios.workbench.errors import UsageError
from scenarios.workbench.outcome import Outcome, RunContext
from scenarios.workbench.progress import silent
from scenarios.workbench.style import style
from spiking.circuits.filter_network import FilterNetwork
from spiking.engines import Brian2, Engine, Fused
from spiking.networks import simulate_circuit

SMALL = Params(
    dcs=(10.0, 20.0), acs=(0.0, 10.0), frequencies=(40.0, 80.0), repeats=2, filter_ms=100.0, n_rows=24, n_keys=6,
    window_ms=200.0, queries=(0.2, 2.02), senders=(1.16,), taus=(5.0,),
)  # fmt: skip


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run(SMALL, RunContext(rng=np.random.default_rng(1), progress=silent()))


def rates_Hz(engine: Engine, network: FilterNetwork, n_networks: int = 4) -> dict[str, np.ndarray]:
    """Of E and I cells, (n_networks,) each; a network's connections are the same on every engine."""
    ran = simulate_circuit(
        network.build, duration_ms=200.0, settle_ms=100.0, n_networks=n_networks, record=["exc", "inh"],
        engine=engine, rng=np.random.default_rng(2),
    )  # fmt: skip
    n_cells = 400 / network.scale
    return {
        name: np.bincount(spikes.row, minlength=n_networks) / n_cells / 0.2
        for name, spikes in ran.spikes.items()
    }


def test_the_filter_network_fires_alike_on_both_engines() -> None:
    """Their Poisson inputs are drawn apart, so means of four networks differ by some standard errors."""
    fused, brian2 = (rates_Hz(e, FilterNetwork(scale=8)) for e in (Fused("float64"), Brian2()))
    for name in ("exc", "inh"):
        error = np.sqrt((fused[name].var(ddof=1) + brian2[name].var(ddof=1)) / 4)
        assert abs(fused[name].mean() - brian2[name].mean()) < 4 * error
        assert brian2[name].mean() > 5


def test_a_conductance_peaks_at_the_strength_of_its_synapse() -> None:
    """An alpha function of 4 ms; Euler steps of .02 ms put the peak within 1 % of its place and size."""
    network = FilterNetwork(g_ie_nS=0.0, dt_ms=0.02)

    def one_spike(rng: np.random.Generator) -> object:
        made = network.build(rng)
        exc = next(o for o in made.objects if o.name == "exc")
        exc.x_i_ = 0.75e-9
        return made

    ran = simulate_circuit(
        one_spike, duration_ms=8.0, record=["exc"], sample=["exc.g_i"], sample_ms=0.02,
        engine=Fused("float32"), rng=np.random.default_rng(3),
    )  # fmt: skip
    g_nS = np.asarray(ran.samples["exc.g_i"])[0, 0] * 1e9
    assert g_nS.max() == pytest.approx(0.75, rel=0.01)
    assert 0.02 * g_nS.argmax() == pytest.approx(4.0, rel=0.01)


def test_inhibition_passes_the_rhythm_and_without_it_the_mean_rate_passes(outcome: Outcome) -> None:
    """By default ratios are 6.1 and .03, and constant inhibition leaves 14 Hz for 16, a rate near enough."""
    m = outcome.metrics
    assert m["slope_ratio"].value > 3
    assert m["slope_ratio_without"].value < 0.3
    assert m["rate_steady"].value == pytest.approx(m["rate_filter"].value, rel=0.5)


@pytest.mark.parametrize("truth", ["von_mises", "box"])
def test_the_law_that_made_the_spikes_is_ahead_on_rows_held_out(truth: str) -> None:
    rng = np.random.default_rng(4)
    lag = rng.uniform(-np.pi, np.pi, (100, 8))
    parameters = {"von_mises": (2.0, 0.5), "box": (-2.0, 1.0, 0.5)}[truth]
    weight = np.exp(LAWS[truth].log_weight(lag, *parameters))
    counts = rng.multinomial(50, weight / weight.sum(axis=1, keepdims=True))
    compared = compare(lag, counts, rng)
    other = "box" if truth == "von_mises" else "von_mises"
    assert compared.gained[truth].value > compared.gained[other].value
    # 5000 spikes give kappa to about .04 and the edges of a window to about 2 pi over the 800 lags
    np.testing.assert_allclose(compared.fitted[truth], parameters, atol=0.15)


def test_kappa_comes_with_the_query_and_needs_its_inhibition(outcome: Outcome) -> None:
    m = outcome.metrics
    assert m["kappa"].value > 1
    assert m["kappa_tonic_2.02"].value < 4 * (m["kappa_tonic_2.02"].standard_error or 0)
    assert m["kappa_ping_2.02"].value > m["kappa_ping_0.2"].value


def test_one_mean_rate_gives_no_slope_on_it() -> None:
    slopes = slopes_of(np.ones((2, 2)), np.array([[0.0, 10.0], [5.0, 10.0]]))
    assert np.isnan(slopes.dc.value)
    assert np.isnan(slopes.over.value)


def test_slopes_of_a_plane_are_its_own() -> None:
    """Two networks a unit above and below it: each input's mean has an error of 1."""
    grid = np.array([[0.0, 10.0], [5.0, 10.0], [0.0, 20.0], [5.0, 20.0]])
    plane = 3 + 2 * grid[:, 0] - 0.5 * grid[:, 1]
    slopes = slopes_of(plane[:, None] + np.array([-1.0, 1.0]), grid)
    np.testing.assert_allclose([slopes.ac.value, slopes.dc.value, slopes.over.value], [2.0, -0.5, 4.0])
    # the slope is half the sum of two differences over 5: variance (4 / 4) / 25
    np.testing.assert_allclose([slopes.ac.error, slopes.dc.error], [0.2, 0.1])
    assert slopes.over.error == pytest.approx(4 * np.hypot(0.2 / 2, 0.1 / 0.5))


def test_a_law_is_not_fitted_to_next_to_no_spikes() -> None:
    silent_one = select(replace(PING, g_exc_nS=0.0), SMALL, np.random.default_rng(5))
    assert silent_one.counts.sum() == 0
    assert np.isnan(silent_one.kappa.value)


def test_figures_draw(outcome: Outcome) -> None:
    assert set(outcome.pictures) == {"passing", "phases"}
    with style():
        for picture in outcome.pictures.values():
            picture.draw().canvas.draw()


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"acs": (0.0, 12.0)}, "acs must be <= 10"), ({"dcs": (20.0, 12.0)}, "dcs must be ordered")],
)
def test_what_cannot_be_run_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Params(**changes)  # type: ignore[arg-type]


def test_a_rate_below_0_is_refused() -> None:
    with pytest.raises(ValueError, match=r"FilterNetwork\.ac_Hz must lie in"):
        FilterNetwork(dc_Hz=5.0, ac_Hz=6.0)
