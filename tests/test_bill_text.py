"""The bill as text: every column and table is there, stars are explained, numbers read well."""

from __future__ import annotations

import pytest

from bridge import TABLES, Bill, Usage
from bridge.bill.counts import Counts
from bridge.bill.text import bill_text, columns, counts_text, joules_text, parts_text, si

MLP = {"mlp": Counts(macs=1000)}
SOFTMAX = Bill(simulated=MLP, events=MLP)
SPIKING = Bill(
    simulated={**MLP, "simulation": Counts(macs=2_000_000, exponentials=1_000_000)},
    events={**MLP, "simulation": Counts(synops=500, neuron_updates=1_000_000)},
    usage=Usage(spikes=64),
    uncounted={"aten.new": 12},
)
BILLS = {"softmax": SOFTMAX, "spiking": SPIKING}


def cells(table: str) -> dict[str, list[str]]:
    """First cell of each line -> the others."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {line[0]: line[1:] for line in lines}


def test_a_bill_with_spikes_has_a_column_for_each_machine() -> None:
    assert list(columns(BILLS)) == ["softmax", "spiking, simulated", "spiking, events"]


def test_raw_counts() -> None:
    counts = cells(counts_text(BILLS))
    assert counts["multiply-accumulates"] == ["1 k", "2.001 M", "1 k"]
    assert counts["synaptic operations"] == ["0", "0", "500"]
    assert counts["E spikes"] == ["0", "64", "64"]


def test_joules_under_every_table() -> None:
    energy = cells(joules_text(BILLS))
    assert [name.strip("`") for name in list(energy)[2:]] == list(TABLES)
    assert energy["`fp32_45nm`"] == ["4.6 nJ", "48.7 µJ", "5.05 nJ *"]
    assert energy["`loihi_fp32`"] == ["4.6 nJ", "—", "81.02 µJ"]


def test_what_has_no_price_is_said() -> None:
    text = bill_text(BILLS)
    assert "- `fp32_45nm`: neuron updates" in text
    assert "- `int8_45nm`: exponentials, neuron updates" in text
    assert "- `loihi_fp32`:" not in text.split("without a price")[1].split("`loihi_fp32`, Loihi")[0]
    assert "- not counted in spiking: aten.new (12)" in text
    assert all(table.source in text for table in TABLES.values())


def test_parts_add_up_in_the_last_line() -> None:
    parts = cells(parts_text(SPIKING, "events"))
    assert list(parts) == ["part", "---", "simulation", "mlp", "all"]
    assert parts["all"][:4] == ["1 k", "0", "0", "500"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 J"),
        (5, "5 J"),
        (213_752_832, "213.8 MJ"),
        (99_999.9, "100 kJ"),
        (9.94e-4, "994 µJ"),
        (1e-9, "1 nJ"),
    ],
)
def test_prefixes(number: float, text: str) -> None:
    assert si(number, "J") == text
