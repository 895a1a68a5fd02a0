"""Bills side by side as Markdown: raw counts first, then joules under every table, then what has no price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from bridge.bill.energy import IMPLEMENTATIONS, TABLES, Bill, Energy

__all__ = ["KINDS", "bill_text", "columns", "counts_text", "energies", "joules_text", "parts_text", "si"]

KINDS = {  # fields of Counts as a reader calls them
    "macs": "multiply-accumulates",
    "multiplies": "multiplications",
    "acs": "additions and comparisons",
    "synops": "synaptic operations",
    "divisions": "divisions and roots",
    "exponentials": "exponentials",
    "random_draws": "random draws",
    "neuron_updates": "neuron updates",
    "bytes_tensor": "bytes of tensors",
    "bytes_state": "bytes of cell state",
}
_PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}


def bill_text(bills: Mapping[str, Bill]) -> str:
    """Everything about some bills, as Markdown.

    Parameters
    ----------
    bills : mapping
        What each column is called -> its bill. One with spikes gets two columns, one a machine.
    """
    sources = [f"- `{t.name}`, {t.title}: {t.source}. {t.assumptions}" for t in TABLES.values()]
    sections = [counts_text(bills), joules_text(bills), _missing(bills), "\n".join(sources)]
    return "\n\n".join(section for section in sections if section) + "\n"


def columns(bills: Mapping[str, Bill]) -> dict[str, tuple[Bill, str]]:
    """Name of each column -> bill and implementation; a bill without spikes is the same on both machines."""
    named: dict[str, tuple[Bill, str]] = {}
    for name, bill in bills.items():
        if bill.simulated == bill.events:
            named[name] = (bill, "simulated")
        else:
            named |= {
                f"{name}, {implementation}": (bill, implementation) for implementation in IMPLEMENTATIONS
            }
    return named


def counts_text(bills: Mapping[str, Bill]) -> str:
    """Operations by kind."""
    totals = [asdict(bill.total(implementation)) for bill, implementation in columns(bills).values()]
    rows = [[title, *(si(done[kind]) for done in totals)] for kind, title in KINDS.items()]
    spikes = [bill.usage.spikes for bill, _ in columns(bills).values()]
    rows.append(["E spikes", *map(si, spikes)])
    return _table("counts", columns(bills), rows)


def parts_text(bill: Bill, implementation: str = "simulated") -> str:
    """Operations by part of the model."""
    rows = [
        [part, *(si(asdict(done)[kind]) for kind in KINDS)]
        for part, done in ({**bill.parts(implementation), "all": bill.total(implementation)}).items()
    ]
    return _table("part", KINDS.values(), rows)


def joules_text(bills: Mapping[str, Bill]) -> str:
    """Energy under every table; a star where something was counted that the table has no price for.

    A table about neuromorphic hardware says nothing about the digital machine.
    """
    rows = [
        [f"`{table}`", *(_joules(energy) for energy in energies(bills, table).values())] for table in TABLES
    ]
    return _table("energy", columns(bills), rows)


def si(number: float, unit: str = "") -> str:
    """Four digits and a prefix: 213 752 832 is 213.8 M."""
    if number == 0:
        return f"0 {unit}".strip()
    exponent = next((e for e in reversed(_PREFIXES) if abs(number) >= 0.99995 * 10.0**e), min(_PREFIXES))
    return f"{number / 10.0**exponent:.4g} {_PREFIXES[exponent]}{unit}".strip()


def energies(bills: Mapping[str, Bill], table: str) -> dict[str, Energy | None]:
    """Column -> energy; None where the table is about the other machine."""
    about = {"simulated": IMPLEMENTATIONS, "events": ("events",)}[TABLES[table].implementation]
    return {
        name: bill.joules(table, implementation=implementation)
        if implementation in about or bill.simulated == bill.events
        else None
        for name, (bill, implementation) in columns(bills).items()
    }


def _joules(energy: Energy | None) -> str:
    if energy is None:
        return "—"
    return si(energy.total_J, "J") + (" *" if energy.unpriced else "")


def _missing(bills: Mapping[str, Bill]) -> str:
    """What the stars mean, and kernels whose operations are unknown."""
    lines = []
    for table in TABLES:
        priced = [energy for energy in energies(bills, table).values() if energy is not None]
        unpriced = [title for kind, title in KINDS.items() if any(kind in e.unpriced for e in priced)]
        if unpriced:
            lines.append(f"- `{table}`: {', '.join(unpriced)}")
    unknown = [
        f"- not counted in {name}: {kernel} ({si(n)})"
        for name, bill in bills.items()
        for kernel, n in bill.uncounted.items()
    ]
    return "\n".join((["\\* On top of the sum, without a price:", "", *lines] if lines else []) + unknown)


def _table(corner: str, head: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    titles = [corner, *head]
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
