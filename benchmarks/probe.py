"""A client that sends requests until a host is served, and returns the time."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse

from benchmarks.errors import BenchmarkError

INTERVAL_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class FirstSuccess:
    """The first 200.

    `at` is the time in ns since 1970 when it had been read. `earlier` counts the responses before it by
    status; 0 stands for no response (refused, reset, timed out).
    """

    at: int
    earlier: Mapping[int, int]


def wait_for_200(connect: Callable[[], socket.socket], host: str, seconds: float) -> FirstSuccess:
    """Send requests for `host` until one gets a 200, each 1 ms after the last response.

    The requests use one keep-alive connection. If it fails or is closed, `connect` opens another one.
    Raises BenchmarkError if there is no 200 within `seconds`.
    """
    deadline = time.monotonic() + seconds
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    earlier = Counter[int]()
    connection: socket.socket | None = None
    try:
        while time.monotonic() < deadline:
            status, stays_open = 0, False
            try:
                connection = connection or connect()
                connection.sendall(request)
                status, stays_open = _read(connection)
            except (OSError, HTTPException):
                pass  # Counted below as no response.
            at = time.time_ns()
            if status == 200:
                return FirstSuccess(at, earlier)
            if connection is not None and not stays_open:
                connection.close()
                connection = None
            earlier[status] += 1
            time.sleep(INTERVAL_SECONDS)
    finally:
        if connection is not None:
            connection.close()
    raise BenchmarkError(
        f"{host} was not served within {seconds:.0f} s; responses by status: {dict(earlier)}"
    )


def _read(connection: socket.socket) -> tuple[int, bool]:
    """Read one response to its end; return its status and whether the connection stays open."""
    with HTTPResponse(connection, method="GET") as response:
        response.begin()
        response.read()
        return response.status, not response.will_close
