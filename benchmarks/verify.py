"""Checks a proxy before it is measured: it is ready, routes by host, balances, and sends the same headers."""

from __future__ import annotations

import ssl
import time
from collections import Counter
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from benchmarks.errors import BenchmarkError
from benchmarks.origin import FORWARDED_PATH, body
from benchmarks.peers.peer import HOST
from benchmarks.processes import RunningProgram
from benchmarks.scenarios import Scenario

READY_SECONDS = 30.0
REQUESTS_PER_SERVER = 20
# Strict round robin gives 20 each; a proxy may begin at any server.
MIN_REQUESTS = 15


def fetch(connection: HTTPConnection, path: str, host: str = HOST, upload: int = 0) -> tuple[int, bytes]:
    """Send a GET, or a POST of `upload` bytes; return the status and the whole body."""
    connection.request("POST" if upload else "GET", path, b"u" * upload or None, {"Host": host})
    response = connection.getresponse()
    return response.status, response.read()


def wait_until_ready(proxy: RunningProgram, port: int) -> float:
    """Wait for the first 200; return the seconds waited. Raises BenchmarkError after a time limit."""
    began = time.monotonic()
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            if fetch(connection, "/")[0] == 200:
                return time.monotonic() - began
        except (OSError, HTTPException):
            pass  # Not listening yet.
        finally:
            connection.close()
        proxy.require_alive()
        if time.monotonic() - began > READY_SECONDS:
            raise BenchmarkError(f"no 200 from port {port} within {READY_SECONDS:.0f} s:\n{proxy.tail()}")
        time.sleep(0.02)


def verify(port: int, servers: int, scenario: Scenario) -> None:
    """Check balancing, routing and forwarded headers. Raises BenchmarkError that names the error."""
    _verify_balance(_on_one_connection(port, servers, scenario), servers, scenario)
    _verify_balance(_on_new_connections(port, servers, scenario), servers, scenario)
    connection = _connect(port, scenario)
    try:
        status, _ = fetch(connection, "/", "other.test")
        if status != 404:
            raise BenchmarkError(f"a host without a router got {status}, not 404")
        _, seen = fetch(connection, FORWARDED_PATH)
    finally:
        connection.close()
    expected = f"{HOST}|127.0.0.1|{'https' if scenario.tls else 'http'}|{HOST}|127.0.0.1"
    if seen.decode() != expected:
        raise BenchmarkError(f"Host and X-Forwarded-* reached the server as {seen!r}, expected {expected!r}")


def _connect(port: int, scenario: Scenario) -> HTTPConnection:
    if not scenario.tls:
        return HTTPConnection("127.0.0.1", port, timeout=5)
    # The certificate is self-signed and belongs to this run.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection("127.0.0.1", port, timeout=5, context=context)


def _on_one_connection(port: int, servers: int, scenario: Scenario) -> Iterable[tuple[int, bytes]]:
    connection = _connect(port, scenario)
    try:
        for _ in range(servers * REQUESTS_PER_SERVER):
            yield fetch(connection, scenario.path, upload=scenario.upload)
    finally:
        connection.close()


def _on_new_connections(port: int, servers: int, scenario: Scenario) -> Iterable[tuple[int, bytes]]:
    for _ in range(servers * REQUESTS_PER_SERVER):
        connection = _connect(port, scenario)
        try:
            yield fetch(connection, scenario.path, upload=scenario.upload)
        finally:
            connection.close()


def _verify_balance(responses: Iterable[tuple[int, bytes]], servers: int, scenario: Scenario) -> None:
    known = {body(number, scenario.size): number for number in range(servers)}
    shares = Counter[int]()
    for status, content in responses:
        if status != 200 or content not in known:
            raise BenchmarkError(
                f"GET {scenario.path} got {status} with {len(content)} bytes: {content[:80]!r}"
            )
        shares[known[content]] += 1
    if any(shares[number] < MIN_REQUESTS for number in range(servers)):
        raise BenchmarkError(f"the load is not balanced: requests per server {dict(shares)}")
