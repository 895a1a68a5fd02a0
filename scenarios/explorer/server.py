"""The server of the explorer: on this machine alone, with everything it shows coming from it."""

from __future__ import annotations

import ctypes
import logging
import socket
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import panel as pn
from tornado.websocket import WebSocketClosedError

from bridge.heads.named import check_circuit_name
from scenarios.explorer.circuit_room import CircuitRoom
from scenarios.explorer.frame import STYLE, House
from scenarios.explorer.runs_room import RunsRoom
from scenarios.explorer.transformer_room import TransformerRoom
from scenarios.workbench.errors import UsageError

__all__ = ["ADDRESS", "explore", "made_server"]

ADDRESS = "127.0.0.1"
MOST_PORTS = 65_535
M_MMAP_THRESHOLD, LARGE_bytes = -3, 128 * 1024  # of mallopt(3); the value with which glibc begins


def explore(*, port: int, browser: bool, runs: Path, circuits: Sequence[str] = ()) -> None:
    """Serve until Ctrl-C.

    Parameters
    ----------
    port : int
        0 for any that is free.
    browser : bool
        Whether to open one.
    runs : Path
        The folder of runs.
    circuits : sequence of str
        Of the user's own, "package.module:name", for the menu.

    Raises
    ------
    UsageError
        If the port is taken or none; before anything is served.
    """
    for name in circuits:
        check_circuit_name(name)
    _give_memory_back()
    house = House(runs=runs, circuits=tuple(circuits))
    server = made_server(house, free_port(port))
    server.start()
    url = f"http://{ADDRESS}:{server.port}/"
    click.echo(f"{url}  (Ctrl-C ends it)")
    if browser and not webbrowser.open(url):
        click.echo("note: no browser could be opened; open the address in one", err=True)
    try:
        server.io_loop.start()
    except KeyboardInterrupt:
        click.echo("stopped")
    finally:
        server.stop()
        house.stop()


def _give_memory_back() -> None:
    """Have large arrays leave the process when they are freed.

    As large blocks are freed, glibc raises the size from which it asks the system for a block of its own
    (mallopt(3)). The arrays of a row that goes on, a little larger with every look, would then leave holes in
    the heap.
    """
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_bytes)


def free_port(port: int) -> int:
    """The port, if it can be had; 0 stands for any."""
    if not 0 <= port <= MOST_PORTS:
        raise UsageError(f"port must be 0 to {MOST_PORTS}, got {port}; use 0 for any that is free")
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((ADDRESS, port))
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be had ({error.strerror}); use --port 0 for any that is free"
            ) from error
        return int(trial.getsockname()[1])


def made_server(house: House, port: int) -> Any:
    """A server of all rooms, not started."""
    pn.extension(raw_css=[STYLE])
    _say_nothing_of_closed_windows()
    rooms = {"/": CircuitRoom, "circuit": CircuitRoom, "transformer": TransformerRoom, "runs": RunsRoom}
    pages: dict[str, Any] = {name: _page(house, room) for name, room in rooms.items()}
    return pn.io.server.get_server(
        pages,
        port=port,
        address=ADDRESS,
        title="fortyhertz",
        show=False,
        start=False,
        websocket_origin=[f"{ADDRESS}:{port}", f"localhost:{port}"],
    )


def _say_nothing_of_closed_windows() -> None:
    """Bokeh warns of each, and what was on its way to one is an error of asyncio."""
    logging.getLogger("bokeh.server.views.ws").setLevel(logging.ERROR)
    logging.getLogger("asyncio").addFilter(
        lambda record: not (record.exc_info and isinstance(record.exc_info[1], WebSocketClosedError))
    )


def _page(house: House, room: Callable[..., Any]) -> Callable[[], Any]:
    def page() -> Any:
        query = {name: values[-1].decode(errors="replace") for name, values in pn.state.session_args.items()}
        return room(house, query).view()

    return page
