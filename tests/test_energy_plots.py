"""Pictures of bills: bars add up to the bill, and only what the table is about gets one."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from bridge import Bill, Usage
from bridge.bill.counts import Counts
from bridge.bill.energy import PARTS
from scenarios.workbench.bill_plots import PART_COLOURS, draw_counts, draw_joules

MLP = {"mlp": Counts(macs=1_000_000)}
BILLS = {
    "softmax": Bill(simulated=MLP, events=MLP),
    "spiking": Bill(
        simulated={**MLP, "simulation": Counts(macs=2_000_000, exponentials=500_000)},
        events={**MLP, "simulation": Counts(synops=500_000, neuron_updates=1_000_000)},
        usage=Usage(rows=1),
    ),
}


@pytest.mark.parametrize(
    ("table", "n_bars", "longest"),
    [("fp32_45nm", 3, 4.6 + 9.2 + 0.5 * 39.5), ("loihi_fp32", 2, 4.6 + 11.8 + 81.0)],
)
def test_bars_add_up(table: str, n_bars: int, longest: float) -> None:
    figure, ax = plt.subplots()
    draw_joules(ax, BILLS, table)
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    plt.close(figure)
    assert len({bar.get_y() for bar in ax.patches}) == n_bars
    assert max(ends) == pytest.approx(longest)
    assert ax.get_xlabel() == "energy (µJ)"


def test_counts_show_each_bill() -> None:
    figure, ax = plt.subplots()
    draw_counts(ax, BILLS)
    plt.close(figure)
    assert [line.get_label() for line in ax.lines] == ["softmax", "spiking, simulated", "spiking, events"]
    assert "exponentials" in [label.get_text() for label in ax.get_yticklabels()]


def test_every_part_has_a_colour_of_its_own() -> None:
    assert set(PART_COLOURS) == set(PARTS)
    assert len(set(PART_COLOURS.values())) == len(PARTS)
