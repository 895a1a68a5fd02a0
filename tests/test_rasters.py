"""The raster of a row: E cells by key, and I cells in a band under them where their spikes were kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.workbench.rasters import draw_raster
from spiking import GammaCircuit, GammaParams, Selection

ROW = 1
PARAMS = GammaParams(n_cells=5)


def simulated(record: str) -> Selection:
    scores = np.array([[0.0, 1.0, 2.0], [2.0, 0.0, 1.0]])
    return GammaCircuit(PARAMS).attend(scores, duration_ms=200, rng=np.random.default_rng(0), record=record)


def drawn(selection: Selection, **changed: Any) -> Axes:
    ax = Figure().subplots()
    options: dict[str, Any] = {"order": np.arange(3), "labels": ["a", "b", "c"], "window_ms": 200.0}
    draw_raster(ax, selection, ROW, **(options | changed))
    return ax


def offsets(ax: Axes, place: int) -> np.ndarray:
    return np.asarray(ax.collections[place].get_offsets())


def labels(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_yticklabels()]


def test_i_cells_have_a_band_under_the_keys() -> None:
    selection = simulated("all")
    ax = drawn(selection)
    time_ms, height = offsets(ax, -1).T
    here = selection.other_spikes["inh"].row == ROW
    assert 0 < here.sum() < len(here)
    np.testing.assert_array_equal(time_ms, selection.other_spikes["inh"].time_ms[here])
    assert len(np.unique(height)) == PARAMS.n_inh  # a line a cell
    assert ax.get_ylim()[0] < height.min()
    assert height.max() < 0 < offsets(ax, 0)[:, 1].min()
    assert labels(ax) == ["a", "b", "c", "I cells"]


def test_the_label_of_the_band_goes_with_those_of_the_keys() -> None:
    assert labels(drawn(simulated("all"), labels=["", "", ""])) == [""] * 4


def test_without_their_spikes_there_is_no_band() -> None:
    ax = drawn(simulated("spikes"))
    assert labels(ax) == ["a", "b", "c"]
    assert ax.get_ylim()[0] == 0
