"""A browser's part while the dashboard is open: its events are read, one a second, as they come."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException

from benchmarks.errors import BenchmarkError
from benchmarks.peers.peer import Site

PATH = "/dashboard/events"

PATIENCE = 10.0
"""Seconds that an event may take; one comes every second."""


@contextmanager
def read_events(site: Site) -> Iterator[None]:
    """Read events of the proxy at the site's admin port meanwhile.

    Raises BenchmarkError when there is none at first, or when they end early.
    """
    connection = HTTPConnection("127.0.0.1", site.admin_port, timeout=PATIENCE)
    try:
        connection.request("GET", PATH)
        answer = connection.getresponse()
        if answer.status != 200 or not _event(answer.readline):
            raise BenchmarkError(f"the dashboard tells nothing: it answers {answer.status}")
    except (OSError, HTTPException) as error:
        connection.close()
        raise BenchmarkError(f"the dashboard cannot be watched: {error}") from error
    ended = threading.Event()
    early = threading.Event()

    def read() -> None:
        with suppress(OSError, HTTPException, ValueError):
            while _event(answer.readline):
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
        # Wakes the reader, which a mere close would not.
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        reader.join(PATIENCE)
        connection.close()


def _event(readline: Callable[[], bytes]) -> bool:
    """Read on until there is an event; whether there is one."""
    while line := readline():
        if line.startswith(b"event: sample"):
            return True
    return False
