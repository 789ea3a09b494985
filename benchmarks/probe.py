"""A client that asks without pause until a host is served, and says when that was."""

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
class Answer:
    """`at` is when the first 200 had been read, in ns since 1970; `earlier` counts the answers before it by
    status, 0 standing for none at all (refused, reset, timed out).
    """

    at: int
    earlier: Mapping[int, int]


def wait_for_200(connect: Callable[[], socket.socket], host: str, seconds: float) -> Answer:
    """Ask for `host` over one kept connection, a new request 1 ms after the last answer, until it is 200.

    A connection that fails or is closed is replaced by another from `connect`. Raises BenchmarkError when
    there is no 200 within `seconds`.
    """
    deadline = time.monotonic() + seconds
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    earlier = Counter[int]()
    connection: socket.socket | None = None
    try:
        while time.monotonic() < deadline:
            status, kept = 0, False
            try:
                connection = connection or connect()
                connection.sendall(request)
                status, kept = _read(connection)
            except (OSError, HTTPException):
                pass  # Counted below as no answer at all.
            at = time.time_ns()
            if status == 200:
                return Answer(at, earlier)
            if connection is not None and not kept:
                connection.close()
                connection = None
            earlier[status] += 1
            time.sleep(INTERVAL_SECONDS)
    finally:
        if connection is not None:
            connection.close()
    raise BenchmarkError(f"{host} was not served within {seconds:.0f} s; answers by status: {dict(earlier)}")


def _read(connection: socket.socket) -> tuple[int, bool]:
    """Read one answer to its end: its status, and whether the connection stays open."""
    with HTTPResponse(connection, method="GET") as response:
        response.begin()
        response.read()
        return response.status, not response.will_close
