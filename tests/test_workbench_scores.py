"""What the scenarios of models share: scores as variables, lines of a report, axes of budgets and layers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from pragmatic.training.evaluation import SequenceScores
from scenarios.workbench.axes import curve, layer_ticks, spikes_axis
from scenarios.workbench.lines import Lines
from scenarios.workbench.scores import paired_columns, score_columns
from scenarios.workbench.statistics import Estimate, holm


def scores(n: int, loss: float) -> SequenceScores:
    return SequenceScores(loss=loss + np.arange(n), accuracy=np.full(n, 0.5))


def test_scores_of_fewer_windows_are_filled_up() -> None:
    data = xr.Dataset(score_columns(("model", "spikes"), [[scores(3, 1.0)], [scores(2, 2.0)]], "own_"))
    assert data.own_loss.dims == ("model", "spikes", "window")
    np.testing.assert_array_equal(data.own_loss[:, 0], [[1, 2, 3], [2, 3, np.nan]])
    assert data.own_loss.attrs["units"] == "nat"
    assert data.own_accuracy.shape == (2, 1, 3)


def test_a_paired_difference_has_the_error_of_its_mean() -> None:
    data = xr.Dataset(score_columns(("model",), [scores(4, 1.0), scores(4, 3.0)]))
    data["loss"][1, 0] += 4
    rise = paired_columns("rise", data.loss[1] - data.loss[0], "rise in loss", "nat")
    assert float(rise["rise"]) == 3.0  # 6, 2, 2, 2
    assert float(rise["rise_se"]) == pytest.approx(2.0 / 2)


def test_lines_take_arrays_estimates_and_bare_numbers() -> None:
    lines = Lines()
    lines.add("mean", "a mean", np.array([1.0, 3.0]), floor=np.array([0.0, 1.0]), control=2)
    lines.add("known", "an estimate", Estimate(value=2.0, error=0.1), unit="nat")
    lines.add("bare", "a number", 7)
    mean, known, bare = lines.metrics.values()
    assert (mean.value, mean.standard_error, mean.floor, mean.control) == (2.0, 1.0, 0.5, 2.0)
    assert known.text() == "2.00 ± 0.10 nat"
    assert bare.text() == "7"


def test_p_values_are_rejected_step_by_step() -> None:
    """Holm: .01 < .05 / 3, then .02 < .05 / 2, then .06 > .05; an unknown one counts as a comparison."""
    assert holm({"a": 0.02, "b": 0.06, "c": 0.01}) == ["c", "a"]
    assert holm({"a": 0.02, "b": 0.06, "c": 0.02}) == []
    assert holm({"a": 0.03, "b": np.nan}) == []


def test_many_budgets_and_layers_do_not_crowd_their_axes() -> None:
    ax = Figure().subplots()
    spikes_axis(ax, [2**i for i in range(9)])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "4", "16", "64", "256"]
    layer_ticks(ax, range(30))
    assert [label.get_text() for label in ax.get_xticklabels()] == [str(i) for i in range(0, 30, 3)]


def test_two_points_are_not_joined() -> None:
    ax = Figure().subplots()
    for n in (2, 3):
        curve(ax, np.arange(n), np.ones(n), np.ones(n), marker="o", line="-")
    assert [line.get_linestyle() for line in ax.lines if line.get_marker() == "o"] == ["None", "-"]
