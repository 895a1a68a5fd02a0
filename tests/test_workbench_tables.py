"""What scenarios share: estimates judged together, tables of conditions, words and lettered panels."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from scenarios.workbench.axes import points
from scenarios.workbench.lines import Lines
from scenarios.workbench.outcome import Metric
from scenarios.workbench.panels import (
    against_floor,
    band,
    captioned,
    headroom,
    legend_below,
    panels,
    pictures,
    plain_ticks,
    weight_bar,
    weight_map,
)
from scenarios.workbench.sentences import against, beyond_sampling, choose, listed, say, words
from scenarios.workbench.statistics import Estimate, bootstrap, clear, difference, fraction, mean, ratio
from scenarios.workbench.tables import Conditions, column, columns, estimate_column, named


def apart(z: float) -> Estimate:
    return Estimate(value=z, error=1.0)


def test_differences_are_judged_together_by_holm() -> None:
    """p = .021, .030 and .040 hold alone at 5 %, but none among three: the smallest is above .05 / 3."""
    assert clear({"a": apart(2.3)}) == {"a": 1}
    assert clear({"b": apart(-2.17)}) == {"b": -1}
    assert clear({"a": apart(2.3), "b": apart(-2.17), "c": apart(2.05)}) == {"a": 0, "b": 0, "c": 0}
    assert clear({"a": apart(9.0), "b": apart(-2.3), "c": apart(0.1)}) == {"a": 1, "b": -1, "c": 0}


def test_an_unknown_difference_is_not_clear_and_counts() -> None:
    unknown = Estimate(value=np.nan, error=np.nan)
    exact = Estimate(value=1.0, error=0.0)
    assert clear({"a": unknown, "b": exact, "c": apart(2.2)}) == {"a": 0, "b": 0, "c": 0}
    assert clear({}) == {}


def test_false_claims_among_many_true_zeros_stay_rare() -> None:
    """5 % of 2000 families of 6: 100, within 4 binomial standard errors of 9.7."""
    rng = np.random.default_rng(0)
    families = rng.normal(size=(2000, 6))
    claimed = sum(any(clear({str(i): apart(z) for i, z in enumerate(f)}).values()) for f in families)
    assert abs(claimed - 100) < 40


def test_difference_ratio_and_a_fraction_of_nothing() -> None:
    assert np.isnan(fraction(np.array([], dtype=bool)).value)
    assert difference(Estimate(value=3, error=3), Estimate(value=1, error=4)) == Estimate(value=2, error=5)
    assert ratio(3.0, 2.0) == 1.5
    assert np.isnan(ratio(3.0, 0.0))


def test_a_bootstrap_of_few_rows_leaves_resamples_of_one_row_out() -> None:
    """Of 2 rows, half of the resamples hold one row twice, and its ratio of spreads is 0 / 0."""
    x, y = np.array([1.0, 2.0]), np.array([2.0, 6.0])
    spread = bootstrap(
        lambda rows: ratio(float(y[rows].std()), float(x[rows].std())), 2, np.random.default_rng(0)
    )
    assert spread.value == pytest.approx(4)
    assert np.isfinite(spread.error)


def test_conditions_give_a_line_each_and_the_first_has_floor_and_control() -> None:
    runs = {"loop": np.array([1.0, 3.0]), "off": np.array([5.0, 5.0]), "slow": np.array([0.0, 2.0])}
    labels = {"loop": "loop", "off": "no loop", "slow": "slow loop"}
    table = Conditions(runs=runs, labels=labels, control="off", note="control: no loop")
    lines = table.lines("x", "a measure", mean, floor=0.5, unit="Hz")
    assert list(lines) == ["x", "x_off", "x_slow"]
    assert (lines["x"].value, lines["x"].floor, lines["x"].control) == (2.0, 0.5, 5.0)
    assert (lines["x_slow"].label, lines["x_slow"].unit) == ("– slow loop", "Hz")
    assert lines["x_slow"].standard_error == mean(runs["slow"]).error
    assert table.lines("x", "a measure", table.each(mean)) == table.lines("x", "a measure", mean)


def test_columns_carry_units() -> None:
    nested = [[apart(1.0), apart(2.0)], [apart(3.0), apart(4.0)]]
    times = estimate_column("t", ("s", "c"), nested, "time", "ms")
    data = xr.Dataset({**columns("row", "Hz", f=[1, 2]), **times})
    assert data.f.attrs == {"units": "Hz"}
    assert data.t.values.tolist() == [[1, 2], [3, 4]]
    assert data.t_se.attrs["units"] == "ms"


def declared() -> xr.Dataset:
    """A peak of three rows with its floor, and an estimate at three delays."""
    estimates = [Estimate(value=v, error=0.5) for v in (1.0, 2.0, 4.0)]
    return xr.Dataset(
        {
            "peak": column("row", [30.0, 40.0, 50.0], "gamma peak", "Hz"),
            "peak_floor": column("row", [1.0, 2.0, 3.0], "of noise", "Hz"),
            **estimate_column("lag", "delay", estimates, "lag"),
        },
        {"delay": column("delay", [1.0, 2.0, 3.0], "delay", "ms")},
    )


def test_a_line_takes_label_and_unit_from_its_column() -> None:
    data, lines = declared(), Lines()
    lines.take(data, "peak", floor="peak_floor", control=7, note="of three rows")
    lines.take(data.isel(delay=1), "lag", name="lag_early", label="the lag at first")
    peak, lag = lines.metrics["peak"], lines.metrics["lag_early"]
    assert (peak.label, peak.unit, peak.value, peak.floor, peak.control) == ("gamma peak", "Hz", 40, 2, 7)
    assert peak.standard_error == mean(np.array([30.0, 40.0, 50.0])).error
    assert (lag.label, lag.unit, lag.value, lag.standard_error) == ("the lag at first", "", 2.0, 0.5)


def test_axes_are_named_after_the_columns_they_show() -> None:
    data = declared()
    assert data.lag_se.attrs["long_name"] == "lag, standard error"
    assert (named(data.peak), named(data.lag)) == ("gamma peak (Hz)", "lag")
    _, ax = panels("AB", height_in=2.0)
    points(ax["A"], data, "delay", "lag", color="k")
    points(ax["B"], data.isel(delay=[0, 1]), "delay", "lag")
    assert (ax["A"].get_xlabel(), ax["A"].get_ylabel()) == ("delay (ms)", "lag")
    three, two = (each.containers[0].lines[0] for each in ax.values())
    assert three.get_ydata().tolist() == [1, 2, 4]
    assert (three.get_linestyle(), two.get_linestyle()) == ("-", "None")  # two points make no curve


def test_numbers_in_sentences() -> None:
    share = Metric(label="", value=0.25, standard_error=0.01, unit="1/s")
    assert f"{share}, {share:.0%}" == "0.250 ± 0.010 1/s, 25%"
    estimate = Estimate(value=2.0, error=0.5)
    assert f"{estimate}, {estimate:.1f}" == "2.00 ± 0.50, 2.0"
    said = words("One.", "", "Two.", short=("Two.", ""))
    assert said == {"in_short": ("Two.",), "verdict": "One. Two."}


def test_words() -> None:
    loop = Metric(label="", value=1.0, standard_error=0.1, unit="Hz")
    assert against(loop, loop) == "1.00 ± 0.10 Hz against 1.00 ± 0.10 Hz"
    assert say(Estimate(value=2.0, error=0.5), "ms") == "2.00 ± 0.50 ms"
    assert [choose(sign, "up", "level", "down") for sign in (1, 0, -1)] == ["up", "level", "down"]
    assert "which more spikes do not mend" in beyond_sampling(1)
    assert "four times as many" in beyond_sampling(0)
    assert [listed(n) for n in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


@captioned("(A) A mean. (B) A map of {what}.")
def two_panels(rows: np.ndarray) -> Figure:
    figure, ax = panels("AB\na.", height_in=3.0, height_ratios=(3, 1))
    band(ax["A"], np.arange(len(rows)) + 1.0, rows, color="k", label="mean")
    ax["A"].set_xscale("log")
    plain_ticks(ax["A"], "x", [1, 2])
    against_floor(ax["a"], rows[:, 0], rows[:, 1], "a row")
    weight_bar(figure, weight_map(ax["B"], rows), [ax["B"]])
    legend_below(figure, ax["A"], ax["A"])
    return figure


def test_panels_are_lettered_and_share_one_legend() -> None:
    picture = pictures(np.array([[0.1, 0.3], [0.2, 0.6]]), two_panels, what="rows")["two_panels"]
    assert picture.caption == "(A) A mean. (B) A map of rows."
    figure = picture.draw()
    figure.draw_without_rendering()
    texts = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert [text for text in texts if text in ("A", "B", "a")] == ["A", "B"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["mean"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1", "2"]


def test_headroom_on_both_kinds_of_axis() -> None:
    _, ax = panels("A", height_in=2.0)
    ax["A"].set_ylim(0, 10)
    headroom(ax["A"], 0.5)
    assert ax["A"].get_ylim() == (0, 15)
    ax["A"].set(yscale="log", ylim=(1, 100))
    headroom(ax["A"], 0.5)
    assert ax["A"].get_ylim()[1] == pytest.approx(1000)
