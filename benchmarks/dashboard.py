"""Reads the dashboard's events, one a second, as an open browser does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException

from benchmarks.errors import BenchmarkError
from benchmarks.peers.peer import Site

PATH = "/dashboard/events"

EVENT_TIMEOUT = 10.0
"""Seconds to wait for an event; one arrives every second."""


@contextmanager
def read_events(site: Site) -> Iterator[None]:
    """Read events from the proxy at the site's admin port during `with`.

    Raises BenchmarkError if the first event does not arrive, or if the events end early.
    """
    connection = HTTPConnection("127.0.0.1", site.admin_port, timeout=EVENT_TIMEOUT)
    try:
        connection.request("GET", PATH)
        response = connection.getresponse()
        if response.status != 200 or not _next_event(response.readline):
            raise BenchmarkError(f"the dashboard sends no events: its status is {response.status}")
    except (OSError, HTTPException) as error:
        connection.close()
        raise BenchmarkError(f"the dashboard's events cannot be read: {error}") from error
    ended = threading.Event()
    early = threading.Event()

    def read() -> None:
        with suppress(OSError, HTTPException, ValueError):
            while _next_event(response.readline):
                continue
        if not ended.is_set():
            early.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield
        if early.is_set():
            raise BenchmarkError("the dashboard's events ended early")
    finally:
        ended.set()
        # Wakes the reader thread; closing alone does not.
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        reader.join(EVENT_TIMEOUT)
        connection.close()


def _next_event(readline: Callable[[], bytes]) -> bool:
    """Read until the next event; return False at the end of the stream."""
    while line := readline():
        if line.startswith(b"event: sample"):
            return True
    return False
