"""The options of `fortyhertz rhythm`."""

from __future__ import annotations

import click

__all__ = ["rhythm_options"]


def rhythm_options() -> list[click.Parameter]:
    """The file and the band, without seed, engine and out."""
    return [
        click.Argument(["file"], metavar="FILE"),
        click.Option(["--low-Hz", "low_Hz"], type=float, help="Lower edge of the band.  [default: 30]"),
        click.Option(["--high-Hz", "high_Hz"], type=float, help="Upper edge.  [default: 80]"),
        click.Option(["--bin-ms", "bin_ms"], type=float, help="Bins of the spikes.  [default: 1]"),
    ]
